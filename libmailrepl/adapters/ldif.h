/* LDIF content records (RFC 2849) as a stream: memory holds one record at a time, never the file. */
#ifndef MR_ADAPTERS_LDIF_H
#define MR_ADAPTERS_LDIF_H

#include "base/entry.h"

struct mr_ldif;

/* Reads from `fd` (borrowed). `name` is for messages ("mail-owned.ldif: line 12: …"). A record of more
 * than 4 MiB or 1,000 attributes, a NUL, a change record or a URL value (":<") is MR_E_INVALID. */
struct mr_ldif *mr_ldif_open(int fd, const char *name);
/* The same from a function that fills `buf` with up to `size` bytes and returns their number, 0 at the
 * end, or -1. */
typedef long (*mr_ldif_source)(void *context, char *buf, size_t size, struct mr_error *err);
struct mr_ldif *mr_ldif_open_source(mr_ldif_source source, void *context, const char *name);
/* 1: *out is the next record, allocated in `arena`; 0: the end; -1: error. Base64 values are decoded. */
int mr_ldif_read(struct mr_ldif *ldif, struct mr_arena *arena, struct mr_entry **out,
		 struct mr_error *err) MR_MUST_CHECK;
void mr_ldif_close(struct mr_ldif *ldif);

/* Appends one record and its blank line; values that are not SAFE-STRING are base64; lines not folded.
 * A secret is left out. */
void mr_ldif_format(struct mr_buf *out, const struct mr_entry *entry);

#endif
