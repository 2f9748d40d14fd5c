/* Keys of age as text, for adapters/age.c. Nobody else needs this header. */
#ifndef MR_ADAPTERS_AGE_KEY_H
#define MR_ADAPTERS_AGE_KEY_H

#include "adapters/age_text.h"
#include "base/memory.h"

/* Calls `use` for each key of a file of them until it returns something else than 0, and returns that; -1 also for a line that is
 * neither a key nor a comment (MR_E_INVALID). */
typedef int (*mr_age_key_use)(void *context, const unsigned char key[MR_KEY_SIZE],
			      struct mr_error *err);
int mr_age_keys_each(const struct mr_secret *file, mr_age_key_use use, void *context,
		     struct mr_error *err) MR_MUST_CHECK;

#endif
