/* Memory: an arena for what a command reads, a buffer of its own for each secret.
 * Running out of memory ends the program (abort): each step that we take survives that anyway. */
#ifndef MR_BASE_MEMORY_H
#define MR_BASE_MEMORY_H

#include <stddef.h>

#include "base/error.h"

/* Allocations live until the arena is closed; there is no single free. */
struct mr_arena;

struct mr_arena *mr_arena_open(void);
void mr_arena_close(struct mr_arena *arena); /* NULL is allowed */
void mr_arena_reset(struct mr_arena *arena); /* frees the content, keeps the arena */
#define MR_ARENA __attribute__((cleanup(mr_arena_closep))) struct mr_arena *
void mr_arena_closep(struct mr_arena **arena);

void *mr_alloc(struct mr_arena *arena, size_t size); /* zeroed, aligned for any type */
#define MR_NEW(arena, type) ((type *)mr_alloc(arena, sizeof(type)))
#define MR_NEW_ARRAY(arena, type, n) ((type *)mr_alloc_array(arena, n, sizeof(type)))
void *mr_alloc_array(struct mr_arena *arena, size_t n, size_t size); /* aborts on overflow */
char *mr_strdup(struct mr_arena *arena, const char *text);           /* NULL gives NULL */
char *mr_strndup(struct mr_arena *arena, const char *text, size_t len);
char *mr_printf(struct mr_arena *arena, const char *fmt, ...) MR_PRINTF(2, 3);

/* A secret: own locked pages where the system allows it, wiped when closed, never copied to an
 * arena. */
struct mr_secret {
	char *data; /* NUL-terminated; NULL: none */
	size_t len;
};

void mr_secret_set(struct mr_secret *secret, const char *data,
		   size_t len);                 /* replaces, wiping the old */
/* Replaces it by `len` zero bytes to be filled in. */
void mr_secret_room(struct mr_secret *secret, size_t len);
void mr_secret_close(struct mr_secret *secret); /* wipes; NULL-safe */
#define MR_SECRET __attribute__((cleanup(mr_secret_close))) struct mr_secret

/* Reads all that `fd` gives; more than `most` bytes: MR_E_INVALID. NUL bytes are kept. After a failure
 * there is no secret. */
int mr_secret_read(struct mr_secret *secret, int fd, size_t most,
		   struct mr_error *err) MR_MUST_CHECK;
/* Reads one line from `fd` without its newline (a NUL byte, more than `most` bytes or an immediate
 * end: MR_E_INVALID), and nothing after it. After a failure there is no secret. */
int mr_secret_read_line(struct mr_secret *secret, int fd, size_t most,
			struct mr_error *err) MR_MUST_CHECK;

#endif
