/* Reads what follows an archive's manifest, when the manifest has said all of it: nothing there is
 * looked for or believed, it is compared. So there is nothing that a member could be but a plain
 * file of the expected name, size and time, and not one byte more is read.
 *
 *	mr_archive_known_open(fd, path, created, &known, err)
 *	for each member of the manifest:
 *		mr_archive_known_member(known, name, size, err)
 *		while ((n = mr_archive_known_read(known, block, sizeof(block), err)) > 0) ...
 *	mr_archive_known_end(known, err) */
#ifndef MR_ADAPTERS_ARCHIVE_KNOWN_H
#define MR_ADAPTERS_ARCHIVE_KNOWN_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct mr_archive_known;
/* `fd` (borrowed) stands where the compressed rest begins; it is moved. `path` is for messages;
 * `time` the members'. Decompresses with lbzip2 where it is installed. */
int mr_archive_known_open(int fd, const char *path, int64_t time, struct mr_archive_known **out,
			  struct mr_error *err) MR_MUST_CHECK;
/* What was not read of the member before is skipped. MR_E_ARCHIVE unless the next header is, byte
 * for byte, mr_archive_header(name, size, time), and what fills up the block before is zeros. */
int mr_archive_known_member(struct mr_archive_known *known, const char *name, int64_t size,
			    struct mr_error *err) MR_MUST_CHECK;
/* Up to `size` bytes of the member: the number, 0 at its end, or -1. */
long mr_archive_known_read(struct mr_archive_known *known, void *buf, size_t size,
			   struct mr_error *err) MR_MUST_CHECK;
/* MR_E_ARCHIVE unless just two blocks of zeros are left and the decompressor found everything
 * sound. */
int mr_archive_known_end(struct mr_archive_known *known, struct mr_error *err) MR_MUST_CHECK;
void mr_archive_known_close(struct mr_archive_known *known); /* NULL-safe */

#endif
