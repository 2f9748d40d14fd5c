/* Which names members may have, for both sides of adapters/archive.h. Nobody else needs this
 * header. */
#ifndef MR_ADAPTERS_ARCHIVE_NAME_H
#define MR_ADAPTERS_ARCHIVE_NAME_H

#include <stdbool.h>

/* A relative path of [A-Za-z0-9._/-], at most 200 bytes, no part empty, "." or "..". */
bool mr_archive_name_valid(const char *name);

#endif
