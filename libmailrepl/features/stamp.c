#include "features/stamp.h"

#include <stdio.h>
#include <time.h>

void mr_stamp_now(unsigned server_id, struct mr_stamp *out)
{
	struct timespec now;
	struct tm utc;
	char second[16];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(second, sizeof(second), "%Y%m%d%H%M%S", &utc);
	out->server_id = server_id;
	snprintf(out->time, sizeof(out->time), "%sZ", second);
	snprintf(out->csn, sizeof(out->csn), "%s.%06ldZ", second, now.tv_nsec / 1000);
}

void mr_stamp_csn(const struct mr_stamp *stamp, uint32_t number, char out[MR_CSN_SIZE])
{
	snprintf(out, MR_CSN_SIZE, "%s#%06x#%03x#000000", stamp->csn, number & MR_STAMP_LAST,
		 stamp->server_id);
}
