/* What the parts of mailrepl-watch share. Nobody else needs this header. */
#ifndef MR_FEATURES_WATCH_STATE_H
#define MR_FEATURES_WATCH_STATE_H

#include "base/process.h"
#include "features/instance.h"
#include "features/waiting.h"
#include "features/watch.h"
#include "features/watch_ask.h"
#include "features/watch_status.h"

#define MR_WATCH_WHY_SIZE 1024
/* Seconds until slapd may be restarted a second time for one cause; it doubles. */
#define MR_WATCH_FIRST_RESTART 600
#define MR_WATCH_MOST_RESTART 14400

/* cl-replication at work beside the looks. */
struct mr_watch_verifying {
	struct mr_child *child; /* NULL: not now */
	int fd;                 /* of what it prints */
	struct mr_buf output;
	bool repairs; /* not only compares */
	int64_t begun;
	char slapd[64]; /* which slapd of this host was seen last; "": none */
};

/* A copy that catches up (features/catchup.h). */
struct mr_watch_catching {
	int64_t begun; /* 0: not known, or not now */
	int64_t done;  /* since when nothing is missing; 0: something is */
	bool failed;   /* to end; it has been said */
	struct mr_watch_pause pause;
};

struct mr_watch {
	struct mr_arena *arena; /* names of peers, for good */
	const char *root;
	long long interval;
	int64_t begun;
	char complaint[MR_WATCH_WHY_SIZE]; /* the last, so that it is not repeated at each look */

	struct mr_directory *dir; /* this host's; NULL: not connected */
	int64_t answered;         /* when it has answered last, or when watching began */
	enum mr_watch_slapd slapd;
	struct mr_watch_pause starts, hangs; /* of a slapd that has gone, or hangs */

	struct mr_watch_peer *peers;
	size_t count, size;

	int64_t stale_since; /* 0: the newest topology is rendered */
	long long tried;     /* the generation that cl-rebuild was to render */
	char renewed[128]; /* the given certificate for which cl-rebuild was run last */
	struct mr_watch_pause rebuilds;
	struct mr_watch_pause recalls;
	int64_t moves; /* when the worker of features/move.h was started last */
	int64_t heard_some; /* since when not all others have answered (features/heard.h); 0: all,
			       or nobody */

	bool gate_known;
	struct mr_gate gate;
	char gate_why[MR_WATCH_WHY_SIZE];
	struct mr_watch_status status;
	struct mr_watch_verifying verifying;
	struct mr_watch_catching catching[2]; /* mail, unix */
	struct mr_waiting waiting;
	char quota_csn[MR_WATCH_CSN_SIZE]; /* how far the accounts were when their limits were written */
};

/* One look: all in its arena. */
struct mr_look {
	struct mr_arena *arena;
	struct mr_config config; /* with short deadlines */
	struct mr_topology topology;
	struct mr_entry *status; /* cn=Status */
	bool known;              /* topology and status were read */
	bool locked;             /* the topology is old, and a command is at work */
	int64_t now;
};

/* To the log and to syslog. */
void mr_watch_say(const char *fmt, ...) MR_PRINTF(1, 2);
/* The same, once as long as it stays the same; "" or NULL: all is well again. */
void mr_watch_complain(struct mr_watch *watch, const char *text);

/* Reads what this host's slapd says; sets watch->slapd. */
void mr_watch_read(struct mr_watch *watch, struct mr_look *look);
/* Ends the connection to it: slapd has been away, or is another by now, and what was compared
 * before says nothing any more. */
void mr_watch_hang_up(struct mr_watch *watch);
bool mr_watch_is_stale(const struct mr_look *look);
/* Runs cl-rebuild if the rendered topology is old, not too often. */
void mr_watch_rebuild(struct mr_watch *watch, struct mr_look *look);
/* cl-rebuild, with --repl if `join`; close result->output. */
int mr_watch_run_rebuild(const struct mr_look *look, bool join, struct mr_process_result *result,
			 struct mr_error *err) MR_MUST_CHECK;
const char *mr_watch_last_line(struct mr_arena *arena, const char *text);
/* True if somebody else is at work, whose result is awaited. */
bool mr_watch_is_locked(const struct mr_look *look);
/* After mr_watch_compare: finds whether others know changes of this host's that it does not know
 * itself (features/recall.h), and has its owned databases filled again. */
void mr_watch_recall(struct mr_watch *watch, struct mr_look *look);
/* Asks the providers and compares the copies. */
void mr_watch_compare(struct mr_watch *watch, struct mr_look *look);
/* Lets a copy that has thousands of changes to take catch up without waiting for the disk, and makes it durable
 * when it has them: before the gate is decided. */
void mr_watch_catch_up(struct mr_watch *watch, struct mr_look *look);
/* This service ends: nobody would make them durable. */
void mr_watch_catch_up_end(struct mr_watch *watch);
/* Has this host's copies compared with their owners, after restarts here or there and from time to
 * time, and has what differs repaired: by cl-replication, which works on while looks go on. */
void mr_watch_verify(struct mr_watch *watch, struct mr_look *look);
/* A comparison is ended, a repair goes on to its end. */
void mr_watch_verify_end(struct mr_watch_verifying *verifying);
/* Keeps what Dovecot reads of the mailboxes' limits (features/quota.h). */
int mr_watch_quota(struct mr_watch *watch, struct mr_look *look, struct mr_error *err) MR_MUST_CHECK;
/* Starts or restarts slapd if that is due. */
void mr_watch_mend(struct mr_watch *watch, struct mr_look *look);

#endif
