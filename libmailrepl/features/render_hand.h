/* Rendered files that an administrator has changed by hand: noticed, and kept when the file is
 * rendered anew, by merging what was changed into it (diff3). What was changed is in
 * /etc/mailrepl/changes/<destination>.json: {"base": as rendered, "mine": as changed}; without
 * that file the change is forgotten. Whether Postfix defers (soft_bounce, features/gate.h) is no
 * change by hand, and slapd's configuration is the topology's alone. */
#ifndef MR_FEATURES_RENDER_HAND_H
#define MR_FEATURES_RENDER_HAND_H

#include "features/render.h"

/* Puts the changes into the texts of `rendering`, says of each file that has any that it does, and
 * plans what is to be recorded of them. With `forget` they are given up instead: the files get what
 * is rendered. MR_E_CONFIG: the same lines change now; names the file and what can be done. */
int mr_render_hand_plan(struct mr_arena *arena, const struct mr_config *config, bool gate_closed,
			bool forget, struct mr_rendering *rendering, struct mr_plan *plan,
			struct mr_error *err) MR_MUST_CHECK;

/* Appends the changes that there are, as unified diffs (features/render_diff.h). */
int mr_render_hand_show(struct mr_arena *arena, const struct mr_config *config, bool gate_closed,
			const struct mr_rendering *rendering, struct mr_buf *out,
			struct mr_error *err) MR_MUST_CHECK;

#endif
