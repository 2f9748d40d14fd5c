#include "base/clock.h"

#include <limits.h>
#include <stdlib.h>
#include <time.h>

long long mr_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void mr_time_format(long long seconds, char out[MR_TIME_SIZE])
{
	const time_t moment = (time_t)seconds;
	struct tm utc;

	if (!gmtime_r(&moment, &utc) || strftime(out, MR_TIME_SIZE, "%Y%m%d%H%M%SZ", &utc) == 0)
		abort();
}

int mr_left_ms(long long deadline_ms)
{
	long long left = deadline_ms - mr_now_ms();

	return left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}
