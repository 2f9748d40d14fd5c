#include "adapters/archive_name.h"

#include <string.h>

#define MOST_BYTES 200
#define ALLOWED "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-"

bool mr_archive_name_valid(const char *name)
{
	size_t len = strlen(name);

	if (len > MOST_BYTES || strspn(name, ALLOWED) != len)
		return false;
	for (;;) {
		size_t part = strcspn(name, "/");

		if (part == 0 || (part == 1 && *name == '.') ||
		    (part == 2 && memcmp(name, "..", 2) == 0))
			return false;
		if (name[part] == '\0')
			return true;
		name += part + 1;
	}
}
