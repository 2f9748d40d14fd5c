#include "features/userlist_set.h"

#include <stdlib.h>

#define TAKEN 1 /* was here: others may lie behind it */

static uint64_t usable(uint64_t number)
{
	return number > TAKEN ? number : number + 2;
}

static void put(struct mr_number_set *set, uint64_t number)
{
	size_t at = (size_t)number & (set->size - 1);

	while (set->slots[at])
		at = (at + 1) & (set->size - 1);
	set->slots[at] = number;
}

static void grow(struct mr_number_set *set)
{
	struct mr_number_set old = *set;

	set->size = old.size ? 2 * old.size : 1024;
	set->slots = calloc(set->size, sizeof(*set->slots));
	if (!set->slots)
		abort();
	for (size_t i = 0; i < old.size; i++)
		if (old.slots[i] > TAKEN)
			put(set, old.slots[i]);
	free(old.slots);
}

void mr_number_set_add(struct mr_number_set *set, uint64_t number)
{
	if (set->count * 4 >= set->size * 3)
		grow(set);
	put(set, usable(number));
	set->count++;
}

bool mr_number_set_take(struct mr_number_set *set, uint64_t number)
{
	number = usable(number);
	if (!set->size)
		return false;
	for (size_t at = (size_t)number & (set->size - 1); set->slots[at];
	     at = (at + 1) & (set->size - 1))
		if (set->slots[at] == number) {
			set->slots[at] = TAKEN;
			set->taken++;
			return true;
		}
	return false;
}

bool mr_number_set_left(const struct mr_number_set *set)
{
	return set->taken < set->count;
}

void mr_number_set_close(struct mr_number_set *set)
{
	free(set->slots);
	*set = (struct mr_number_set){ 0 };
}
