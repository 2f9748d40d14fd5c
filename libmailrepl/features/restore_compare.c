#include "features/restore_compare.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "features/restore_index.h"
#include "features/restore_records.h"

struct comparing {
	struct mr_arena *arena; /* of the differences */
	struct mr_restore *restore;
	const struct mr_restore_only *only;
	struct mr_restore_differences *out;
	enum mr_service service;
	const char *container;
	struct mr_restore_index live;
};

/* The container's counters and the topology are never rolled back here. */
static bool left_alone(const struct comparing *co, const char *dn)
{
	MR_ARENA arena = mr_arena_open();
	const char *hosts = mr_dit_hosts(arena, co->container);
	size_t len = strlen(dn), tail = strlen(hosts);

	return strcasecmp(dn, co->container) == 0 ||
	       (len >= tail && strcasecmp(dn + len - tail, hosts) == 0) ||
	       strncasecmp(dn, "associatedDomain=", strlen("associatedDomain=")) == 0;
}

struct mr_entry *mr_restore_entry(struct mr_arena *arena, const struct mr_entry *from)
{
	struct mr_entry *entry = mr_entry_new(arena, from->dn);

	for (size_t i = 0; i < from->count; i++)
		if (!mr_restore_operational(from->attrs[i].name) &&
		    strcasecmp(from->attrs[i].name, "userPassword") != 0)
			mr_entry_add_list(arena, entry, from->attrs[i].name,
					  &from->attrs[i].values);
	return entry;
}

static const char *label(const struct comparing *co, const char *dn)
{
	const char *name = mr_dn_value(co->arena, dn);
	bool mail = co->service == MR_MAIL;

	if (name && strncasecmp(dn, "uid=", strlen("uid=")) == 0)
		return mr_printf(co->arena, mail ? _("mailbox %s") : _("account %s"), name);
	if (name && strncasecmp(dn, "cn=", strlen("cn=")) == 0)
		return mr_printf(co->arena, mail ? _("mail group %s") : _("group %s"), name);
	return dn;
}

static struct mr_restore_difference *append(struct comparing *co, enum mr_restore_kind kind,
					    const char *dn)
{
	struct mr_restore_differences *out = co->out;
	struct mr_restore_difference *grown;

	if (out->count == out->size) {
		out->size = out->size ? 2 * out->size : 64;
		grown = MR_NEW_ARRAY(co->arena, struct mr_restore_difference, out->size);
		if (out->count)
			memcpy(grown, out->items, out->count * sizeof(*grown));
		out->items = grown;
	}
	out->items[out->count] = (struct mr_restore_difference){
		.kind = kind,
		.service = co->service,
		.dn = mr_strdup(co->arena, dn),
		.label = label(co, dn),
	};
	return &out->items[out->count++];
}

/* A user who comes back is a member again of the groups that are there. */
static int compare_members(struct comparing *co, const struct mr_entry *entry, struct mr_error *err)
{
	const char *attribute = mr_restore_member_attr(co->service);
	struct mr_list members = { 0 }, gone = { 0 };
	struct mr_entry *live;

	mr_restore_only_members(co->arena, co->only, co->service, entry, &members);
	if (!members.count || !mr_restore_index_find(&co->live, entry->dn))
		return 0;
	if (mr_directory_read(co->restore->dir, co->arena, entry->dn, NULL, &live, err) < 0)
		return -1;
	for (size_t i = 0; live && i < members.count; i++)
		if (!mr_entry_has_nocase(live, attribute, members.items[i]))
			mr_list_add(co->arena, &gone, members.items[i]);
	if (gone.count)
		append(co, MR_RESTORE_LEFT, entry->dn)->members = gone;
	return 0;
}

static void compare_chosen(struct comparing *co, const struct mr_entry *entry,
			   struct mr_restore_item *live)
{
	struct mr_restore_item wanted = { 0 }, nothing = { 0 };
	struct mr_restore_difference *difference;
	bool content, password;

	mr_restore_digest(entry, &wanted);
	mr_restore_digest(&(struct mr_entry){ .dn = entry->dn }, &nothing);
	content = !live || strcmp(live->content, wanted.content) != 0;
	password = strcmp(live ? live->password : nothing.password, wanted.password) != 0;
	if (!content && !password)
		return;
	difference = append(co, live ? MR_RESTORE_CHANGED : MR_RESTORE_WENT, entry->dn);
	difference->content = content;
	difference->password = password;
	difference->wanted = mr_restore_entry(co->arena, entry);
	if (live && live->moving)
		difference->kept = _("it is moving to another host");
	else if (mr_entry_value(entry, "mailReplMove"))
		difference->kept = _("it was moving to another host when the archive was made");
}

static int compare(void *context, struct mr_arena *arena, const struct mr_entry *entry,
		   struct mr_error *err)
{
	struct comparing *co = context;
	enum mr_restore_chosen chosen = mr_restore_only_has(co->only, co->service, entry);
	struct mr_restore_item *live;

	(void)arena;
	if (left_alone(co, entry->dn))
		return 0;
	live = mr_restore_index_find(&co->live, entry->dn);
	if (live)
		live->seen = true;
	if (chosen == MR_RESTORE_CHOSEN || (chosen == MR_RESTORE_IF_ABSENT && !live))
		compare_chosen(co, entry, live);
	else if (co->only)
		return compare_members(co, entry, err);
	return 0;
}

static void note_came(struct comparing *co)
{
	for (size_t i = 0; i < co->live.count; i++) {
		const struct mr_restore_item *item = &co->live.items[i];

		if (item->seen || !item->chosen || left_alone(co, item->dn))
			continue;
		append(co, MR_RESTORE_CAME, item->dn)->kept =
			item->moving ? _("it is moving to another host") : NULL;
	}
}

static int compare_service(struct comparing *co, bool came, struct mr_error *err)
{
	struct mr_restore *restore = co->restore;

	co->container = mr_dit_owned(co->arena, co->service, restore->config.host);
	if (mr_restore_index_read(co->arena, restore->dir, co->service, co->container, co->only,
				  &co->live, err) < 0 ||
	    mr_restore_records(co->arena, restore, co->service, compare, co, err) < 0)
		return -1;
	if (came)
		note_came(co);
	return 0;
}

int mr_restore_compare(struct mr_arena *arena, struct mr_restore *restore,
		       const struct mr_restore_only *only, bool came,
		       struct mr_restore_differences *out, struct mr_error *err)
{
	static const struct {
		enum mr_service service;
		enum mr_database database;
	} rows[] = { { MR_UNIX, MR_DB_UNIX_OWNED }, { MR_MAIL, MR_DB_MAIL_OWNED } };

	*out = (struct mr_restore_differences){ 0 };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct comparing co = { .arena = arena,
					.restore = restore,
					.only = only,
					.out = out,
					.service = rows[i].service };
		const char *member = mr_printf(arena, "%s/%s-owned.ldif", restore->folder,
					       mr_service_name(rows[i].service));

		/* An archive from before this host had the service says nothing of it. */
		if (mr_path_exists(member) &&
		    mr_database_exists(&restore->config, rows[i].database) &&
		    compare_service(&co, came, err) < 0)
			return -1;
	}
	return 0;
}
