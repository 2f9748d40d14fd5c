#include "adapters/directory.h"

#include <stdint.h>

#include "adapters/directory_backend.h"

void mr_directory_close(struct mr_directory *dir)
{
	if (dir)
		dir->backend->close(dir);
}

void mr_directory_closep(struct mr_directory **dir)
{
	mr_directory_close(*dir);
	*dir = NULL;
}

int mr_directory_visit(struct mr_directory *dir, const struct mr_search *search,
		       mr_entry_visitor visit, void *context, struct mr_error *err)
{
	return dir->backend->visit(dir, NULL, search, visit, context, err);
}

struct collected {
	struct mr_arena *arena;
	struct mr_entries *entries;
};

/* The entry already lies in the collector's arena: both functions below pass it to the backend. */
static int collect(void *context, const struct mr_entry *entry, struct mr_error *err)
{
	struct collected *collected = context;

	(void)err;
	mr_entries_add(collected->arena, collected->entries, (struct mr_entry *)(uintptr_t)entry);
	return 0;
}

int mr_directory_list(struct mr_directory *dir, struct mr_arena *arena,
		      const struct mr_search *search, struct mr_entries *out, struct mr_error *err)
{
	struct collected collected = { arena, out };
	size_t before = out->count;

	if (dir->backend->visit(dir, arena, search, collect, &collected, err) == 0)
		return 0;
	if (err->code != MR_E_NOT_FOUND)
		return -1;
	/* A base that vanishes between two pages leaves half a result behind. */
	if (out->count != before) {
		err->code = MR_E_TEMPORARY;
		return -1;
	}
	return 0;
}

int mr_directory_read(struct mr_directory *dir, struct mr_arena *arena, const char *dn,
		      const char *const *attrs, struct mr_entry **out, struct mr_error *err)
{
	struct mr_search search = { .base = dn, .scope = MR_SCOPE_BASE, .attrs = attrs };
	struct mr_entries entries = { 0 };

	if (mr_directory_list(dir, arena, &search, &entries, err) < 0)
		return -1;
	*out = entries.count ? entries.items[0] : NULL;
	return 0;
}

int mr_directory_read_whole(struct mr_directory *dir, struct mr_arena *arena, const char *dn,
			    struct mr_secret *password, struct mr_entry **out, struct mr_error *err)
{
	struct mr_search search = { .base = dn, .scope = MR_SCOPE_BASE, .password = password };
	struct mr_entries entries = { 0 };

	if (mr_directory_list(dir, arena, &search, &entries, err) < 0)
		return -1;
	*out = entries.count ? entries.items[0] : NULL;
	return 0;
}

int mr_directory_add(struct mr_directory *dir, const struct mr_entry *entry, struct mr_error *err)
{
	return dir->backend->add(dir, entry, err);
}

int mr_directory_modify(struct mr_directory *dir, const char *dn, const struct mr_mod *mods,
			size_t count, struct mr_error *err)
{
	return dir->backend->modify(dir, dn, mods, count, err);
}

int mr_directory_delete(struct mr_directory *dir, const char *dn, struct mr_error *err)
{
	return dir->backend->remove(dir, dn, err);
}

int mr_directory_rename(struct mr_directory *dir, const char *dn, const char *value,
			struct mr_error *err)
{
	return dir->backend->rename(dir, dn, value, err);
}

int mr_directory_increment(struct mr_directory *dir, const char *dn, const char *attribute,
			   long long *value, struct mr_error *err)
{
	return dir->backend->increment(dir, dn, attribute, value, err);
}

bool mr_directory_certificate(struct mr_directory *dir, struct mr_buf *der)
{
	return dir->backend->certificate && dir->backend->certificate(dir, der);
}
