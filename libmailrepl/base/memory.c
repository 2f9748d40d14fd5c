#include "base/memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT _Alignof(max_align_t)
#define CHUNK_SIZE ((size_t)16 * 1024)

struct chunk {
	struct chunk *next;
	size_t used, size;
	_Alignas(max_align_t) char data[];
};

struct mr_arena {
	struct chunk *chunks; /* the first one is being filled */
};

struct mr_arena *mr_arena_open(void)
{
	struct mr_arena *arena = calloc(1, sizeof(*arena));

	if (!arena)
		abort();
	return arena;
}

static void free_chunks(struct chunk *chunk)
{
	while (chunk) {
		struct chunk *next = chunk->next;

		free(chunk);
		chunk = next;
	}
}

/* One chunk stays: who resets after each of many small things does not want a fresh one each time. */
void mr_arena_reset(struct mr_arena *arena)
{
	struct chunk *first = arena->chunks;

	if (!first)
		return;
	free_chunks(first->next);
	first->next = NULL;
	if (first->size > CHUNK_SIZE) {
		free(first);
		arena->chunks = NULL;
		return;
	}
	memset(first->data, 0, first->used);
	first->used = 0;
}

void mr_arena_close(struct mr_arena *arena)
{
	if (!arena)
		return;
	free_chunks(arena->chunks);
	free(arena);
}

void mr_arena_closep(struct mr_arena **arena)
{
	mr_arena_close(*arena);
	*arena = NULL;
}

static struct chunk *chunk_new(size_t size)
{
	struct chunk *chunk;

	if (size > SIZE_MAX - sizeof(*chunk))
		abort();
	chunk = calloc(1, sizeof(*chunk) + size);
	if (!chunk)
		abort();
	chunk->size = size;
	return chunk;
}

/* A large block goes behind the chunk being filled, whose rest stays in use. */
static void *alloc_large(struct mr_arena *arena, size_t size)
{
	struct chunk *chunk = chunk_new(size);

	chunk->used = size;
	if (arena->chunks) {
		chunk->next = arena->chunks->next;
		arena->chunks->next = chunk;
	} else {
		arena->chunks = chunk;
	}
	return chunk->data;
}

void *mr_alloc(struct mr_arena *arena, size_t size)
{
	struct chunk *chunk = arena->chunks;
	void *block;

	if (size > SIZE_MAX - ALIGNMENT)
		abort();
	size = size ? (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1) : ALIGNMENT;
	if (size > CHUNK_SIZE / 4)
		return alloc_large(arena, size);
	if (!chunk || chunk->size - chunk->used < size) {
		chunk = chunk_new(CHUNK_SIZE);
		chunk->next = arena->chunks;
		arena->chunks = chunk;
	}
	block = chunk->data + chunk->used;
	chunk->used += size;
	return block;
}

void *mr_alloc_array(struct mr_arena *arena, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		abort();
	return mr_alloc(arena, total);
}

char *mr_strndup(struct mr_arena *arena, const char *text, size_t len)
{
	char *copy;

	if (!text)
		return NULL;
	len = strnlen(text, len);
	copy = mr_alloc(arena, len + 1);
	memcpy(copy, text, len);
	return copy;
}

char *mr_strdup(struct mr_arena *arena, const char *text)
{
	return text ? mr_strndup(arena, text, strlen(text)) : NULL;
}

char *mr_printf(struct mr_arena *arena, const char *fmt, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0)
		abort();
	text = mr_alloc(arena, (size_t)len + 1);
	va_start(args, fmt);
	vsnprintf(text, (size_t)len + 1, fmt, args);
	va_end(args);
	return text;
}
