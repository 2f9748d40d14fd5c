/* What userlist remembers of ordinary mailboxes: a number of 64 bits each. */
#ifndef MR_FEATURES_USERLIST_SET_H
#define MR_FEATURES_USERLIST_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Start as { 0 }. Open addressing; 0 stands for free. */
struct mr_number_set {
	uint64_t *slots;
	size_t count, taken, size;
};

void mr_number_set_add(struct mr_number_set *set, uint64_t number);
bool mr_number_set_take(struct mr_number_set *set,
			uint64_t number);                 /* it was there, once less now */
bool mr_number_set_left(const struct mr_number_set *set); /* not all were taken */
void mr_number_set_close(struct mr_number_set *set);

#endif
