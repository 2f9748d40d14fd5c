/* The one tar header that a member of ours has, for whoever writes and whoever reads archives. */
#ifndef MR_ADAPTERS_ARCHIVE_HEADER_H
#define MR_ADAPTERS_ARCHIVE_HEADER_H

#include <stdint.h>

#include "base/error.h"

#define MR_ARCHIVE_BLOCK 512

/* POSIX.1-1988 "ustar": a regular file, mode 0600, owner root, `time` in seconds since the epoch; a
 * size above 8 GiB in base 256, as GNU tar and pax readers know it. What is too long for the field
 * of the name goes into the prefix, cut at the last slash that lets the rest fit. Nothing else is
 * open: the same three always give the same bytes. MR_E_INVALID: a name that adapters/archive.h
 * would not read, or that does not fit. */
int mr_archive_header(const char *name, int64_t size, int64_t time, char block[MR_ARCHIVE_BLOCK],
		      struct mr_error *err) MR_MUST_CHECK;

#endif
