/* What the parts of features/move.h share. Nobody else needs this header. */
#ifndef MR_FEATURES_MOVE_STATE_H
#define MR_FEATURES_MOVE_STATE_H

#include <sys/types.h>

#include "adapters/tls_channel.h"
#include "features/move.h"

#define MR_MOVE_DEADLINE_MS 30000 /* until the other host's worker answers */

struct mr_mover {
	struct mr_arena *arena;
	const struct mr_config *config;
	const struct mr_topology *topology;
	struct mr_directory *dir; /* this host's */
};

/* --- the entry that a move is recorded in (move_entry.c) */

struct mr_move_entry {
	struct mr_entry *entry; /* NULL: there is none, or it is not on its way */
	struct mr_route route;
	struct mr_move move;
};
/* The route of `user` as its owner has it; `dir` is the owner's. */
int mr_move_entry_read(struct mr_arena *arena, struct mr_directory *dir, const char *owner,
		       const char *user, struct mr_move_entry *out,
		       struct mr_error *err) MR_MUST_CHECK;
int mr_move_entry_parse(struct mr_arena *arena, struct mr_entry *entry, struct mr_move_entry *out,
			struct mr_error *err) MR_MUST_CHECK;
/* All entries below `base` that are on their way; those that make no sense are left out, with a
 * warning. */
int mr_move_entry_list(struct mr_arena *arena, struct mr_directory *dir, const char *base,
		       struct mr_move_entry **out, size_t *count,
		       struct mr_error *err) MR_MUST_CHECK;
/* mailReplMove from what was read to `next` (NULL: none) in one step: MR_E_EXISTS if it is
 * something else by now. */
int mr_move_entry_advance(struct mr_arena *arena, struct mr_directory *dir,
			  const struct mr_move_entry *from, const struct mr_move *next,
			  struct mr_error *err) MR_MUST_CHECK;

/* --- the mailboxes' folders (move_folder.c); `id`: local part of a real address */

const char *mr_move_id(struct mr_arena *arena, const char *real_address);
/* Names that no mailbox has, since none begins with "=": what Dovecot is asked for, too. */
const char *mr_move_old_id(struct mr_arena *arena, const char *id);      /* "=user1.old" */
const char *mr_move_staged_id(struct mr_arena *arena, const char *user); /* "=user1.new" */
/* The mailbox gives its place to a file, so that nobody opens it any more; it is then
 * mr_move_old_id. Repeatable, as its reverse. */
int mr_move_folder_hold(const struct mr_config *config, const char *id,
			struct mr_error *err) MR_MUST_CHECK;
int mr_move_folder_release(const struct mr_config *config, const char *id,
			   struct mr_error *err) MR_MUST_CHECK;
bool mr_move_folder_is_held(const struct mr_config *config, const char *id);
/* What was staged for the user becomes the mailbox `id`; nothing if it has already. */
int mr_move_folder_adopt(const struct mr_config *config, const char *user, const char *id,
			 struct mr_error *err) MR_MUST_CHECK;
/* Whether `id` is free for a mailbox that comes here: nobody's, or a file where one was before. */
bool mr_move_folder_is_free(const struct mr_config *config, const char *id);
int mr_move_folder_forget_old(const struct mr_config *config, const char *id,
			      struct mr_error *err) MR_MUST_CHECK;
int mr_move_folder_forget_hold(const struct mr_config *config, const char *id,
			       struct mr_error *err) MR_MUST_CHECK;
/* Removes what was staged for users who are not in `wanted`. */
int mr_move_folder_sweep(const struct mr_config *config, const struct mr_list *wanted,
			 struct mr_error *err) MR_MUST_CHECK;

/* --- Dovecot and Postfix (move_mail.c, move_queue.c) */

/* Logs out who is logged in to the mailbox; returns when nobody is. */
int mr_move_log_out(struct mr_arena *arena, const char *real_address,
		    struct mr_error *err) MR_MUST_CHECK;
/* Starts `doveadm dsync-server` of `id` and carries its stream over the channel. */
int mr_move_serve_dsync(struct mr_arena *arena, struct mr_channel *channel, const char *id,
			struct mr_error *err) MR_MUST_CHECK;
/* What the mailbox `id` holds, a line for each folder (messages, UIDVALIDITY, UIDNEXT) and each
 * message (folder, UID, GUID, flags), sorted. */
int mr_move_contents(struct mr_arena *arena, const char *id, struct mr_list *out,
		     struct mr_error *err) MR_MUST_CHECK;
/* One pass of dsync from the other host into what is staged for the user. *complete: nothing
 * changed meanwhile. */
int mr_move_pass(struct mr_arena *arena, const struct mr_config *config, const char *program,
		 const char *host, const char *user, bool *complete,
		 struct mr_error *err) MR_MUST_CHECK;
/* Mail that waits here for the real address takes its way anew. *waiting: how many messages there
 * were. */
int mr_move_requeue(const struct mr_config *config, const char *real_address, size_t *waiting,
		    struct mr_error *err) MR_MUST_CHECK;
/* How many messages wait for that very address, in what `exim4 -bp` writes (which it cuts into lines). *any: one waits for
 * some address of that name. */
size_t mr_move_exim_waiting(char *text, const char *real_address, bool *any);

/* Appends all that a program writes; it fails if the program does. */
int mr_move_output(const char *const *argv, struct mr_buf *out, struct mr_error *err) MR_MUST_CHECK;

/* --- what goes wrong (move_trouble.c): for the command that waits; see mr_move_trouble */

void mr_move_trouble_note(const struct mr_config *config, const char *user, const char *host,
			  const char *text);

/* --- the two sides */

/* The old owner's, by itself: one step of one move if it is due. *busy: look again soon. */
int mr_move_give(const struct mr_mover *mover, const struct mr_move_entry *at, bool *busy,
		 struct mr_error *err) MR_MUST_CHECK;
/* The old owner's, when asked: a connection, in a process of its own. `fd` is taken over. */
int mr_move_serve(const struct mr_mover *mover, int fd, struct mr_error *err) MR_MUST_CHECK;
/* The new owner's, as far as it goes, in a process of its own. */
int mr_move_take(const struct mr_mover *mover, const char *program, const char *host,
		 const char *user, struct mr_error *err) MR_MUST_CHECK;
/* A connection to the worker of `host`, with a question and its answer: MR_E_DENIED with what it
 * says, if it does not say "ok". */
int mr_move_ask(struct mr_arena *arena, const struct mr_config *config, const char *host,
		const char *question, int ms, struct mr_channel **out,
		struct mr_error *err) MR_MUST_CHECK;
struct mr_channel_files mr_move_files(struct mr_arena *arena, const struct mr_config *config);
int mr_move_port(const struct mr_config *config);

/* Entries of both databases are written under the lock that commands take. */
int mr_move_apply(const struct mr_mover *mover, const struct mr_plan *plan,
		  struct mr_error *err) MR_MUST_CHECK;

#endif
