/* What changes in files, for people: unified diffs in which secrets are hidden. */
#ifndef MR_FEATURES_RENDER_DIFF_H
#define MR_FEATURES_RENDER_DIFF_H

#include "adapters/config.h"
#include "model/plan.h"

/* A copy of `text` in which "(hidden)" stands for what a line says of a password: the value of a setting that is called so
 * (dnpass, bind_pw, olcRootPW, smtp_sasl_password_maps = static:...) or that Exim hides, and what stands behind "password=" and
 * "credentials=". Where a file is named instead ("</...", "texthash:/...") that is shown. */
const char *mr_diff_mask(struct mr_arena *arena, const char *text);

/* As mr_text_diff, of two texts with their secrets hidden. If only these differ that is said instead. */
int mr_diff_texts(struct mr_arena *arena, const char *name, const char *before, const char *after,
		  struct mr_buf *out, struct mr_error *err) MR_MUST_CHECK;

/* What the file steps of a plan change; not keys, and not what mailrepl notes down for itself. */
int mr_diff_plan(struct mr_arena *arena, const struct mr_config *config, const struct mr_plan *plan,
		 struct mr_buf *out, struct mr_error *err) MR_MUST_CHECK;

#endif
