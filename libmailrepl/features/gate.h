/* The gate: while this host may not know everybody, Postfix says 4xx ("later") where it would say
 * 5xx ("unknown"): soft_bounce.
 *
 * Closed while (a) this host's own directory does not answer, since what it will know when it is
 * back is old at first; (b) the rendered topology is older than the directory's; (c) a joined
 * provider has not been reached for less than the setting mail.doubt (it may have created a user a
 * minute ago; after that time the copy is taken for whole, 0: never doubt); (d) a copy is not in
 * step with a joined provider that answers. Kept in MR_PATH_GATE by mailrepl-watch and by joining;
 * whoever renders main.cf reads it. */
#ifndef MR_FEATURES_GATE_H
#define MR_FEATURES_GATE_H

#include <stdint.h>

#include "adapters/config.h"
#include "model/topology.h"

/* So many seconds without an answer are no doubt yet: a slapd that restarts takes one or two. */
#define MR_GATE_GRACE 5

struct mr_gate {
	bool closed;
	const char *why; /* closed: a sentence; else NULL */
	int64_t since;   /* seconds since the epoch; 0: unknown */
};

/* No file: open. MR_E_CONFIG: the file makes no sense. */
int mr_gate_read(struct mr_arena *arena, const struct mr_config *config, struct mr_gate *out,
		 struct mr_error *err) MR_MUST_CHECK;
int mr_gate_write(const struct mr_config *config, const struct mr_gate *gate,
		  struct mr_error *err) MR_MUST_CHECK;

/* What is known of one provider at a moment; `last_reached` 0: never. */
struct mr_provider_seen {
	const char *name;
	bool in_step;
	int64_t last_reached;
};

struct mr_gate_view {
	const struct mr_provider_seen *seen; /* joined providers */
	size_t count;
	int64_t own_directory; /* when this host's own directory has answered last */
	bool stale_topology;
	int64_t doubt, now; /* seconds; seconds since the epoch */
};

/* Pure: the gate as it should be now. A provider that was never reached is doubted from when the
 * gate was closed. `why` names no times, so that it changes only if something has. */
void mr_gate_decide(struct mr_arena *arena, const struct mr_gate *before,
		    const struct mr_gate_view *view, struct mr_gate *out);

/* The text of a main.cf of ours as the gate would have it: `text` itself if it is so already. */
const char *mr_gate_text(struct mr_arena *arena, const char *text, bool closed);

/* Puts it in force: the line soft_bounce of our main.cf, as rendering would write it, and Postfix
 * is reloaded if it runs. Without templates and without the commands' lock, since a rendering that fails or
 * waits is one of the reasons to close the gate; a rendering that crosses it takes it over
 * (mr_gate_take_over). Exim needs nothing of that: its look-ups (features/lookup.h) read MR_PATH_GATE.
 * *changed: it was not so, or a call that was killed has left it undone. A main.cf that is not there or
 * has no such line is left alone. */
int mr_gate_apply(const struct mr_config *config, bool closed, bool *changed,
		  struct mr_error *err) MR_MUST_CHECK;

/* Held while main.cf is read and written again because of the gate, and while MR_PATH_DUE_GATE says
 * that Postfix has not read it yet: who holds it sees there only what somebody who was killed has left.
 * Waits, but not for ever: neither may keep the other from its work. For mr_lock_close; -1 without it. */
int mr_gate_lock(const struct mr_config *config) MR_MUST_CHECK;
/* Was a call of mr_gate_apply killed before Postfix had read main.cf? Waits for one that is alive. */
bool mr_gate_is_due(const struct mr_config *config);

/* For who has installed main.cf and is about to let Postfix read it: the file gets the line that the gate
 * has now. If what lies there is, but for that line, the text `replaced` again, mr_gate_apply has
 * crossed us, and it gets `installed` (either NULL: what lies there stays). What a killed call of that has
 * left undone is the caller's duty from now on, and noted in the file `due`. */
int mr_gate_take_over(const struct mr_config *config, const char *replaced, const char *installed,
		      const char *due, struct mr_error *err) MR_MUST_CHECK;

#endif
