#include "adapters/directory_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A value that stays where it is. */
static void append(struct mr_arena *arena, struct mr_list *list, const char *value)
{
	mr_list_add(arena, list, "");
	list->items[list->count - 1] = value;
}

static const char *keep_secret(struct memory_directory *memory, const struct mr_secret *secret)
{
	struct memory_secret *kept = calloc(1, sizeof(*kept));

	if (!kept)
		abort();
	mr_secret_set(&kept->secret, secret->data, secret->len);
	kept->next = memory->secrets;
	memory->secrets = kept;
	return kept->secret.data;
}

static size_t value_count(const struct mr_attr *attr)
{
	return attr->secret ? 1 : attr->values.count;
}

static const char *store_value(struct memory_directory *memory, const struct mr_attr *attr,
			       size_t i)
{
	return attr->secret ? keep_secret(memory, attr->secret)
			    : mr_strdup(memory->arena, attr->values.items[i]);
}

static bool has_value(const struct mr_attr *attr, const char *value)
{
	for (size_t i = 0; attr && i < attr->values.count; i++)
		if (mr_memory_equal(attr->name, attr->values.items[i], value))
			return true;
	return false;
}

/* Where the values of `name` are; made if absent. */
static struct mr_list *values_of(struct memory_directory *memory, struct mr_entry *entry,
				 const char *name)
{
	const struct mr_attr *attr = mr_entry_attr(entry, name);

	if (!attr) {
		mr_entry_add(memory->arena, entry, name, "");
		entry->attrs[entry->count - 1].values = (struct mr_list){ 0 };
		return &entry->attrs[entry->count - 1].values;
	}
	return &entry->attrs[attr - entry->attrs].values;
}

/* New lists of the old strings: a change that fails half-way must leave the entry as it was. */
static struct mr_entry *clone(struct memory_directory *memory, const struct mr_entry *entry)
{
	struct mr_entry *copy = mr_entry_new(memory->arena, entry->dn);

	for (size_t i = 0; i < entry->count; i++) {
		struct mr_list *list = values_of(memory, copy, entry->attrs[i].name);

		for (size_t j = 0; j < entry->attrs[i].values.count; j++)
			append(memory->arena, list, entry->attrs[i].values.items[j]);
	}
	return copy;
}

static int add_values(struct memory_directory *memory, struct mr_entry *entry,
		      const struct mr_attr *attr, const char *verb, struct mr_error *err)
{
	struct mr_list *list = values_of(memory, entry, attr->name);

	for (size_t i = 0; i < value_count(attr); i++) {
		const char *value = store_value(memory, attr, i);

		if (has_value(mr_entry_attr(entry, attr->name), value))
			return mr_memory_fail(err, MR_E_EXISTS, verb, entry->dn,
					      _("a value is there already"));
		append(memory->arena, list, value);
	}
	return 0;
}

/* The value that names the entry must be among its attributes (RFC 4512 section 2.3). */
static int check_entry(const struct mr_entry *entry, const char *verb, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *value = mr_dn_value(arena, entry->dn);
	const char *type = mr_strndup(arena, entry->dn, strcspn(entry->dn, "= "));

	if (!value || !has_value(mr_entry_attr(entry, type), value))
		return mr_memory_fail(err, MR_E_INVALID, verb, entry->dn,
				      _("its name is not among its attributes"));
	if (!mr_entry_attr(entry, "objectClass"))
		return mr_memory_fail(err, MR_E_INVALID, verb, entry->dn,
				      _("it has no objectClass"));
	return 0;
}

/* As slapd does: an entry has the value that names it, given or not. */
static void add_name(struct memory_directory *memory, struct mr_entry *entry)
{
	const char *value = mr_dn_value(memory->arena, entry->dn);
	const char *type = mr_strndup(memory->arena, entry->dn, strcspn(entry->dn, "= "));

	if (value && !has_value(mr_entry_attr(entry, type), value))
		append(memory->arena, values_of(memory, entry, type), value);
}

static void insert(struct memory_directory *memory, const char *key, struct mr_entry *entry)
{
	if (memory->count == memory->size) {
		memory->size = memory->size ? memory->size * 2 : 64;
		memory->records =
			reallocarray(memory->records, memory->size, sizeof(*memory->records));
		if (!memory->records)
			abort();
	}
	memory->records[memory->count++] = (struct memory_record){ key, entry };
}

int mr_memory_store(struct memory_directory *memory, const struct mr_entry *entry, bool suffix,
		    const char *verb, struct mr_error *err)
{
	const char *key = mr_dn_normalize(memory->arena, entry->dn);
	struct mr_entry *copy;

	if (!key || !*key)
		return mr_memory_fail(err, MR_E_INVALID, verb, entry->dn, _("not a DN"));
	if (mr_memory_find(memory, key))
		return mr_memory_fail(err, MR_E_EXISTS, verb, entry->dn,
				      _("there is such an entry already"));
	if (!suffix && !(mr_memory_parent(key) && mr_memory_find(memory, mr_memory_parent(key))))
		return mr_memory_fail(err, MR_E_NOT_FOUND, verb, entry->dn,
				      _("its parent does not exist"));
	copy = mr_entry_new(memory->arena, entry->dn);
	for (size_t i = 0; i < entry->count; i++)
		if (value_count(&entry->attrs[i]) &&
		    add_values(memory, copy, &entry->attrs[i], verb, err) < 0)
			return -1;
	add_name(memory, copy);
	if (check_entry(copy, verb, err) < 0)
		return -1;
	insert(memory, key, copy);
	return 0;
}

int mr_memory_add(struct mr_directory *dir, const struct mr_entry *entry, struct mr_error *err)
{
	return mr_memory_store((struct memory_directory *)dir, entry, false, _("adding"), err);
}

static int remove_value(struct mr_list *list, const char *name, const char *value)
{
	for (size_t i = 0; i < list->count; i++) {
		if (!mr_memory_equal(name, list->items[i], value))
			continue;
		memmove(&list->items[i], &list->items[i + 1],
			(list->count - i - 1) * sizeof(*list->items));
		list->count--;
		return 0;
	}
	return -1;
}

static int delete_values(struct memory_directory *memory, struct mr_entry *entry,
			 const struct mr_attr *attr, struct mr_error *err)
{
	struct mr_list *list = values_of(memory, entry, attr->name);

	if (list->count == 0)
		return mr_memory_fail(err, MR_E_EXISTS, _("modifying"), entry->dn,
				      _("no such attribute"));
	if (value_count(attr) == 0)
		list->count = 0;
	for (size_t i = 0; i < value_count(attr); i++) {
		const char *value = attr->secret ? attr->secret->data : attr->values.items[i];

		if (remove_value(list, attr->name, value) < 0)
			return mr_memory_fail(err, MR_E_EXISTS, _("modifying"), entry->dn,
					      _("a value to delete is not there"));
	}
	return 0;
}

/* *value: by how much on entry, the new number afterwards. */
static int count_up(struct memory_directory *memory, struct mr_entry *entry, const char *name,
		    long long *value, const char *verb, struct mr_error *err)
{
	struct mr_list *list = values_of(memory, entry, name);
	long long sum;
	char *end;

	if (list->count == 0)
		return mr_memory_fail(err, MR_E_NOT_FOUND, verb, entry->dn, _("no such attribute"));
	errno = 0;
	sum = strtoll(list->items[0], &end, 10);
	if (list->count > 1 || *end || errno || __builtin_add_overflow(sum, *value, &sum))
		return mr_memory_fail(err, MR_E_INVALID, verb, entry->dn, _("not one integer"));
	*value = sum;
	list->items[0] = mr_printf(memory->arena, "%lld", sum);
	return 0;
}

static int apply(struct memory_directory *memory, struct mr_entry *entry, const struct mr_mod *mod,
		 struct mr_error *err)
{
	long long by;

	switch (mod->op) {
	case MR_MOD_DELETE:
		return delete_values(memory, entry, &mod->attr, err);
	case MR_MOD_REPLACE:
		values_of(memory, entry, mod->attr.name)->count = 0;
		return add_values(memory, entry, &mod->attr, _("modifying"), err);
	case MR_MOD_ADD:
		return add_values(memory, entry, &mod->attr, _("modifying"), err);
	case MR_MOD_INCREMENT:
		by = mod->attr.values.count ? strtoll(mod->attr.values.items[0], NULL, 10) : 0;
		return count_up(memory, entry, mod->attr.name, &by, _("modifying"), err);
	}
	return mr_memory_fail(err, MR_E_INVALID, _("modifying"), entry->dn, _("no such operation"));
}

static void drop_empty(struct mr_entry *entry)
{
	size_t kept = 0;

	for (size_t i = 0; i < entry->count; i++)
		if (entry->attrs[i].values.count)
			entry->attrs[kept++] = entry->attrs[i];
	entry->count = kept;
}

int mr_memory_modify(struct mr_directory *dir, const char *dn, const struct mr_mod *mods,
		     size_t count, struct mr_error *err)
{
	struct memory_directory *memory = (struct memory_directory *)dir;
	struct mr_entry *changed;
	struct memory_record *record;

	if (mr_memory_look_up(memory, _("modifying"), dn, &record, err) < 0)
		return -1;
	changed = clone(memory, record->entry);
	for (size_t i = 0; i < count; i++)
		if (apply(memory, changed, &mods[i], err) < 0)
			return -1;
	drop_empty(changed);
	if (check_entry(changed, _("modifying"), err) < 0)
		return -1;
	record->entry = changed;
	return 0;
}

static bool has_children(const struct memory_directory *memory, const struct memory_record *record)
{
	for (size_t i = 0; i < memory->count; i++) {
		const char *parent = mr_memory_parent(memory->records[i].key);

		if (parent && strcmp(parent, record->key) == 0)
			return true;
	}
	return false;
}

int mr_memory_delete(struct mr_directory *dir, const char *dn, struct mr_error *err)
{
	struct memory_directory *memory = (struct memory_directory *)dir;
	struct memory_record *record;

	if (mr_memory_look_up(memory, _("deleting"), dn, &record, err) < 0)
		return -1;
	if (has_children(memory, record))
		return mr_memory_fail(err, MR_E_INVALID, _("deleting"), dn,
				      _("there are entries below it"));
	memory->count--;
	memmove(record, record + 1,
		(size_t)(memory->records + memory->count - record) * sizeof(*record));
	return 0;
}

int mr_memory_rename(struct mr_directory *dir, const char *dn, const char *value,
		     struct mr_error *err)
{
	struct memory_directory *memory = (struct memory_directory *)dir;
	struct memory_record *record, *taken;
	const char *renamed, *key, *type, *old;
	struct mr_entry *changed;

	if (mr_memory_look_up(memory, _("renaming"), dn, &record, err) < 0)
		return -1;
	renamed = mr_dn_renamed(memory->arena, record->entry->dn, value);
	key = renamed ? mr_dn_normalize(memory->arena, renamed) : NULL;
	if (!key || has_children(memory, record))
		return mr_memory_fail(err, MR_E_INVALID, _("renaming"), dn, _("it cannot be"));
	taken = mr_memory_find(memory, key);
	if (taken && taken != record)
		return mr_memory_fail(err, MR_E_EXISTS, _("renaming"), dn,
				      _("there is such an entry already"));
	changed = clone(memory, record->entry);
	type = mr_strndup(memory->arena, renamed, strcspn(renamed, "= "));
	old = mr_dn_value(memory->arena, record->entry->dn);
	(void)remove_value(values_of(memory, changed, type), type, old);
	changed->dn = renamed;
	add_name(memory, changed);
	*record = (struct memory_record){ key, changed };
	return 0;
}

int mr_memory_increment(struct mr_directory *dir, const char *dn, const char *attribute,
			long long *value, struct mr_error *err)
{
	struct memory_directory *memory = (struct memory_directory *)dir;
	struct mr_entry *changed;
	struct memory_record *record;
	long long sum = 1;

	if (mr_memory_look_up(memory, _("counting up in"), dn, &record, err) < 0)
		return -1;
	changed = clone(memory, record->entry);
	if (count_up(memory, changed, attribute, &sum, _("counting up in"), err) < 0)
		return -1;
	record->entry = changed;
	*value = sum;
	return 0;
}
