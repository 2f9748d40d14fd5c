/* Change sequence numbers (draft-ietf-ldup-model), "20261121195135.123456Z#000000#001#000000": the
 * time, a count, the serverID of who wrote, in hexadecimal, another count. Two of one serverID are
 * compared as text: that is what their form is for. contextCSN, with one value for each serverID,
 * tells how far a database or a copy is. */
#ifndef MR_FEATURES_CSN_H
#define MR_FEATURES_CSN_H

#include "adapters/directory.h"

#define MR_CSN_SIZE 64 /* room for one, which has 40 characters */

unsigned mr_csn_server_id(const char *csn); /* 0 if it is malformed */
long long mr_csn_time(const char *csn); /* seconds since the epoch; -1 if it is malformed. Takes any
					   generalized time in UTC */

const char *mr_csn_of(const struct mr_list *csns, unsigned server_id); /* or NULL */
/* Of all serverIDs, since a host that has left and come back has written with another; or NULL. */
const char *mr_csn_newest(const struct mr_list *csns);

/* The contextCSNs of `dn`. *found (may be NULL): there is such an entry. */
int mr_csns_read(struct mr_arena *arena, struct mr_directory *dir, const char *dn, bool *found,
		 struct mr_list *out, struct mr_error *err) MR_MUST_CHECK;
/* The one with `server_id`; NULL if there is none. */
int mr_csn_read(struct mr_arena *arena, struct mr_directory *dir, const char *dn,
		unsigned server_id, char **out, struct mr_error *err) MR_MUST_CHECK;

#endif
