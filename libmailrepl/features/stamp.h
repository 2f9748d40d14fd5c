/* What slapd adds to entries by itself, chosen before they are loaded: so an owned database and this
 * host's copy of it get the same, and can be filled at the same time. */
#ifndef MR_FEATURES_STAMP_H
#define MR_FEATURES_STAMP_H

#include <stdint.h>

#include "features/csn.h"

struct mr_stamp {
	unsigned server_id;
	char time[24]; /* generalized time, "20261121195135Z" */
	char csn[40];  /* the beginning of each change sequence number: "20261121195135.123456Z" */
};

void mr_stamp_now(unsigned server_id, struct mr_stamp *out);
/* The CSN of change `number` of that instant, from 0 to MR_STAMP_LAST, which is the newest. */
#define MR_STAMP_LAST 0xffffffu
void mr_stamp_csn(const struct mr_stamp *stamp, uint32_t number, char out[MR_CSN_SIZE]);

#endif
