/* Flat JSON objects that may hold a secret: nothing of them enters an arena, and the library's
 * memory is wiped. */
#ifndef MR_ADAPTERS_JSON_RECORD_H
#define MR_ADAPTERS_JSON_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* One member. A string or a list of strings gives its texts; a whole number its digits; true and
 * false "yes" and "no"; null no value (count 0). They are gone after the call. -1 ends the reading.
 */
typedef int (*mr_json_member_visitor)(void *context, const char *name, const char *const *values,
				      size_t count, struct mr_error *err);

/* `text` (`len` bytes) is one object (RFC 8259). MR_E_INVALID without a name or place: not JSON, no
 * object, a key twice, or a member that is neither of the above. */
int mr_json_record(const char *text, size_t len, mr_json_member_visitor visit, void *context,
		   struct mr_error *err) MR_MUST_CHECK;

#endif
