/* Deadlines are kept in milliseconds of the monotonic clock, which nobody sets. */
#ifndef MR_BASE_CLOCK_H
#define MR_BASE_CLOCK_H

long long mr_now_ms(void);
int mr_left_ms(long long deadline_ms); /* until then, for poll(2): 0 when it has passed */

#define MR_TIME_SIZE 20
/* A moment (seconds of the epoch) as generalized time in UTC (RFC 4517 section 3.3.13), "20261231235959Z": later
 * moments compare as greater. */
void mr_time_format(long long seconds, char out[MR_TIME_SIZE]);

#endif
