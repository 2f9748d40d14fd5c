#include "adapters/directory_memory.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#include "adapters/ldif.h"

int mr_memory_fail(struct mr_error *err, enum mr_error_code code, const char *verb, const char *dn,
		   const char *why)
{
	return mr_fail(err, code, _("directory in memory: %s %s: %s"), verb, dn, why);
}

struct memory_record *mr_memory_find(struct memory_directory *memory, const char *key)
{
	for (size_t i = 0; i < memory->count; i++)
		if (strcmp(memory->records[i].key, key) == 0)
			return &memory->records[i];
	return NULL;
}

const char *mr_memory_parent(const char *key)
{
	const char *comma = strchr(key, ',');

	return comma ? comma + 1 : NULL;
}

int mr_memory_look_up(struct memory_directory *memory, const char *verb, const char *dn,
		      struct memory_record **out, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *key = mr_dn_normalize(arena, dn);

	if (!key)
		return mr_memory_fail(err, MR_E_INVALID, verb, dn, _("not a DN"));
	*out = mr_memory_find(memory, key);
	return *out ? 0 : mr_memory_fail(err, MR_E_NOT_FOUND, verb, dn, _("no such entry"));
}

static bool in_scope(const char *key, const char *base, enum mr_scope scope)
{
	const char *parent = mr_memory_parent(key);
	size_t len = strlen(key), base_len = strlen(base);

	switch (scope) {
	case MR_SCOPE_BASE:
		return strcmp(key, base) == 0;
	case MR_SCOPE_ONE:
		return parent && strcmp(parent, base) == 0;
	case MR_SCOPE_SUBTREE:
		break;
	}
	return strcmp(key, base) == 0 ||
	       (len > base_len && mr_ends_with(key, base) && key[len - base_len - 1] == ',');
}

static bool is_operational(const char *name)
{
	static const char *const names[] = {
		"entryUUID",       "entryCSN",         "contextCSN",
		"entryDN",         "creatorsName",     "createTimestamp",
		"modifiersName",   "modifyTimestamp",  "structuralObjectClass",
		"hasSubordinates", "subschemaSubentry"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return false;
}

static bool is_wanted(const char *name, const char *const *attrs)
{
	if (!attrs || !attrs[0])
		return !is_operational(name);
	for (; *attrs; attrs++)
		if (strcasecmp(*attrs, name) == 0 ||
		    (strcmp(*attrs, "*") == 0 && !is_operational(name)) ||
		    (strcmp(*attrs, "+") == 0 && is_operational(name)))
			return true;
	return false;
}

static struct mr_entry *select_attrs(struct mr_arena *arena, const struct mr_entry *entry,
				     const char *const *attrs)
{
	struct mr_entry *copy = mr_entry_new(arena, entry->dn);

	for (size_t i = 0; i < entry->count; i++)
		if (is_wanted(entry->attrs[i].name, attrs))
			mr_entry_add_list(arena, copy, entry->attrs[i].name,
					  &entry->attrs[i].values);
	return copy;
}

static int memory_visit(struct mr_directory *dir, struct mr_arena *arena,
			const struct mr_search *search, mr_entry_visitor visit, void *context,
			struct mr_error *err)
{
	struct memory_directory *memory = (struct memory_directory *)dir;
	const char *filter = search->filter ? search->filter : "(objectClass=*)", *base;
	MR_ARENA own = mr_arena_open();
	struct memory_record *record;
	bool match;
	int seen = 0;

	if (mr_memory_look_up(memory, _("searching"), search->base, &record, err) < 0 ||
	    mr_memory_filter(filter, NULL, &match, err) < 0)
		return -1;
	base = record->key;
	for (size_t i = 0; i < memory->count; i++) {
		const struct memory_record *at = &memory->records[i];

		if (!in_scope(at->key, base, search->scope))
			continue;
		if (mr_memory_filter(filter, at->entry, &match, err) < 0)
			return -1;
		if (!match)
			continue;
		if (visit(context, select_attrs(arena ? arena : own, at->entry, search->attrs),
			  err) < 0)
			return -1;
		if (++seen == search->size_limit)
			break;
		mr_arena_reset(own);
	}
	return 0;
}

static void memory_close(struct mr_directory *dir)
{
	struct memory_directory *memory = (struct memory_directory *)dir;

	while (memory->secrets) {
		struct memory_secret *next = memory->secrets->next;

		mr_secret_close(&memory->secrets->secret);
		free(memory->secrets);
		memory->secrets = next;
	}
	mr_arena_close(memory->arena);
	free(memory->records);
	free(memory);
}

static const struct mr_directory_backend memory_backend = {
	.close = memory_close,
	.visit = memory_visit,
	.add = mr_memory_add,
	.modify = mr_memory_modify,
	.remove = mr_memory_delete,
	.rename = mr_memory_rename,
	.increment = mr_memory_increment,
};

static int load(struct memory_directory *memory, int fd, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_ldif *ldif = mr_ldif_open(fd, "LDIF");
	struct mr_entry *entry;
	int rc;

	while ((rc = mr_ldif_read(ldif, arena, &entry, err)) > 0) {
		rc = mr_memory_store(memory, entry, true, _("loading"), err);
		if (rc < 0)
			break;
		mr_arena_reset(arena);
	}
	mr_ldif_close(ldif);
	return rc;
}

int mr_directory_open_memory(const char *ldif, struct mr_directory **out, struct mr_error *err)
{
	struct memory_directory *memory = calloc(1, sizeof(*memory));
	size_t len = strlen(ldif);
	int rc, fd = memfd_create("ldif", MFD_CLOEXEC);

	if (!memory)
		abort();
	memory->base.backend = &memory_backend;
	memory->arena = mr_arena_open();
	if (fd < 0 || write(fd, ldif, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) < 0)
		rc = mr_fail_errno(err, _("directory in memory"));
	else
		rc = load(memory, fd, err);
	if (fd >= 0)
		close(fd);
	if (rc < 0)
		memory_close(&memory->base);
	*out = rc < 0 ? NULL : &memory->base;
	return rc;
}
