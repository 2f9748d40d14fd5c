#include "base/clock.h"

#include <limits.h>
#include <time.h>

long long mr_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int mr_left_ms(long long deadline_ms)
{
	long long left = deadline_ms - mr_now_ms();

	return left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}
