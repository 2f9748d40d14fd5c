/* Nobody writes on a machine that may have come back with an old disk.
 *
 * A disk that is put back (an image, a snapshot) holds an owned database that is older than what
 * the others have copied of it. Asked in time they say so (features/recall.h). But a write that is
 * made there while none of them can be reached takes its contextCSN past theirs: they then believe
 * the old state, delete what it lacks, and it looks as if all were well. The database by itself
 * cannot tell: it is whole, and it is what it was then.
 *
 * So between the start of the machine and the first answer of another host that holds copies of
 * this one's, the tools do not write what this host owns. All others are asked; who does not answer
 * is waited for a while only, since he may be gone for long. The first write asks if mailrepl-watch
 * has not done so before. From then on, until the machine is switched off, a cut cable keeps nobody
 * from writing. If no other host is going to answer, an administrator who knows that the disk is
 * the one that the host had says so: cl-rebuild --alone.
 *
 * Where there is no other host nobody is asked. What was noted (MR_PATH_HEARD, which does not
 * outlive the machine's run) are the change sequence numbers that this host had: a database below
 * them was put back since, and the note is worth nothing. Not recognised: a machine that is put
 * back together with its memory, an image from before any other host had joined, and one whose lost
 * changes nobody knows who answers. */
#ifndef MR_FEATURES_HEARD_H
#define MR_FEATURES_HEARD_H

#include "adapters/config.h"
#include "adapters/directory.h"
#include "model/plan.h"
#include "model/topology.h"

/* Whether what this host owns may be written; `dir`: this host's slapd. MR_E_TEMPORARY: nobody has
 * answered yet, or somebody did and knows newer changes. What this host does not own, or what
 * nobody else has joined to copy, is never in doubt. */
int mr_heard_check(const struct mr_config *config, struct mr_directory *dir,
		   struct mr_error *err) MR_MUST_CHECK;

/* The same for what `host` owns, which is to be written at its slapd, `remote`: MR_E_TEMPORARY if
 * this host's copies (`dir`) know newer changes of it. */
int mr_heard_check_owner(struct mr_directory *dir, struct mr_directory *remote, const char *host,
			 struct mr_error *err) MR_MUST_CHECK;

enum mr_heard {
	MR_HEARD_NOBODY,
	MR_HEARD_SOME,  /* not every joined host: who is silent may know more */
	MR_HEARD_ALL,   /* nobody knows anything newer */
	MR_HEARD_NOTED, /* as before: the note is valid, and was renewed */
	MR_HEARD_NEWER, /* somebody does: an old disk */
};
/* One question to all others, unless it is noted already. *from: who knows more (NEWER), or NULL.
 * ALL is noted; who has found nothing but SOME for MR_HEARD_PATIENCE seconds notes that himself. */
#define MR_HEARD_PATIENCE 10
int mr_heard_ask(struct mr_arena *arena, const struct mr_config *config, struct mr_directory *dir,
		 const struct mr_topology *topology, enum mr_heard *out, const char **from,
		 struct mr_error *err) MR_MUST_CHECK;
int mr_heard_note(const struct mr_config *config, struct mr_directory *dir,
		  struct mr_error *err) MR_MUST_CHECK;

/* `cl-rebuild --alone`: the step that notes it without an answer; none if it is noted already.
 * MR_E_DENIED: another host answers, and knows newer changes. */
int mr_heard_alone_plan(struct mr_arena *arena, const struct mr_config *config,
			struct mr_directory *dir, const struct mr_topology *topology,
			struct mr_plan *plan, struct mr_error *err) MR_MUST_CHECK;

#endif
