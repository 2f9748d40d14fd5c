/* Deadlines are kept in milliseconds of the monotonic clock, which nobody sets. */
#ifndef MR_BASE_CLOCK_H
#define MR_BASE_CLOCK_H

long long mr_now_ms(void);
int mr_left_ms(long long deadline_ms); /* until then, for poll(2): 0 when it has passed */

#endif
