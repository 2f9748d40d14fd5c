/* The payload of a file of age: chunks of 64 KiB, each with its tag, the last one marked as such (STREAM). For adapters/age.c. */
#ifndef MR_ADAPTERS_AGE_STREAM_H
#define MR_ADAPTERS_AGE_STREAM_H

#include <stddef.h>

#include "base/memory.h"

#define MR_AGE_FILE_KEY 16

/* What `in` still has, sealed, to `out`. */
int mr_age_stream_seal(const struct mr_secret *file_key, int in, int out,
		       struct mr_error *err) MR_MUST_CHECK;

/* Takes `len` proven bytes. */
typedef int (*mr_age_sink)(void *context, const void *data, size_t len, struct mr_error *err);
/* What `in` still has, opened, to `sink`. MR_E_ARCHIVE: altered or cut. */
int mr_age_stream_open(const struct mr_secret *file_key, int in, mr_age_sink sink, void *context,
		       struct mr_error *err) MR_MUST_CHECK;

#endif
