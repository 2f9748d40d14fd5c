/* slapd's configuration, changed by hand through cn=config (ldapmodify). It is the topology's and templates': such a change
 * lasts until they are rendered anew, is told of meanwhile, and is noted down before it goes. */
#ifndef MR_FEATURES_SLAPD_HAND_H
#define MR_FEATURES_SLAPD_HAND_H

#include "adapters/config.h"
#include "base/strings.h"

/* Marks a configuration that was just loaded into `folder`: what is younger has been changed since. */
int mr_slapd_hand_mark(const char *folder, struct mr_error *err) MR_MUST_CHECK;
/* Appends what was changed since it was loaded, if anything was, as a unified diff of what slapcat says. That a copy is not
 * synced while it is filled (features/catchup.h) is no such change. */
int mr_slapd_hand_show(struct mr_arena *arena, const struct mr_config *config, struct mr_buf *out,
		       struct mr_error *err) MR_MUST_CHECK;
/* Writes that to MR_PATH_SLAPD_CHANGES. */
int mr_slapd_hand_note(const struct mr_config *config, struct mr_error *err) MR_MUST_CHECK;

#endif
