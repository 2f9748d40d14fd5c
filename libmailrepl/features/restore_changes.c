#include "features/restore_changes.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "adapters/ldif.h"
#include "base/log.h"
#include "base/process.h"
#include "features/may_write.h"
#include "features/restore_index.h"

struct side {
	enum mr_service service;
	const char *container, *name, *path; /* owned; the member and where it lies */
	struct mr_restore_index live;
	size_t passwords; /* that differ */
};

/* One record of the archive at a time. The arena is emptied after each. */
typedef int (*record_user)(void *context, struct mr_arena *arena, const struct mr_entry *entry,
			   struct mr_error *err);

static int for_records(const struct side *side, record_user use, void *context,
		       struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	int fd = open(side->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), more;
	struct mr_entry *entry;
	struct mr_ldif *ldif;

	if (fd < 0)
		return mr_fail_errno(err, "%s", side->path);
	ldif = mr_ldif_open(fd, side->name);
	while ((more = mr_ldif_read(ldif, arena, &entry, err)) > 0) {
		if (use(context, arena, entry, err) < 0) {
			more = -1;
			break;
		}
		mr_arena_reset(arena);
	}
	mr_ldif_close(ldif);
	close(fd);
	return more;
}

/* The container's counters and the topology are never rolled back here. */
static bool left_alone(const struct side *side, const char *dn)
{
	MR_ARENA arena = mr_arena_open();
	const char *hosts = mr_dit_hosts(arena, side->container);
	size_t len = strlen(dn), tail = strlen(hosts);

	return strcasecmp(dn, side->container) == 0 ||
	       (len >= tail && strcasecmp(dn + len - tail, hosts) == 0) ||
	       strncasecmp(dn, "associatedDomain=", strlen("associatedDomain=")) == 0;
}

static struct mr_entry *copy_entry(struct mr_arena *arena, const struct mr_entry *from)
{
	struct mr_entry *entry = mr_entry_new(arena, from->dn);

	for (size_t i = 0; i < from->count; i++)
		if (!mr_restore_operational(from->attrs[i].name) &&
		    strcasecmp(from->attrs[i].name, "userPassword") != 0)
			mr_entry_add_list(arena, entry, from->attrs[i].name,
					  &from->attrs[i].values);
	return entry;
}

struct comparing {
	struct mr_arena *arena; /* the plan's */
	struct mr_directory *dir;
	struct mr_plan *plan;
	struct side *side;
};

/* Everything that the live entry has may be changed or removed. */
static int change(struct comparing *co, const struct mr_entry *wanted, struct mr_error *err)
{
	struct mr_entry *live, *old;
	const char **names;

	if (mr_directory_read(co->dir, co->arena, wanted->dn, NULL, &live, err) < 0)
		return -1;
	if (!live)
		return mr_fail(err, MR_E_TEMPORARY, _("%s was removed meanwhile: run this again"),
			       wanted->dn);
	old = copy_entry(co->arena, live);
	names = MR_NEW_ARRAY(co->arena, const char *, old->count + 1);
	for (size_t i = 0; i < old->count; i++)
		names[i] = old->attrs[i].name;
	mr_plan_update_entry(co->arena, co->plan, NULL, old, copy_entry(co->arena, wanted), names,
			     mr_printf(co->arena, _("change %s back"), wanted->dn));
	return 0;
}

static int compare(void *context, struct mr_arena *arena, const struct mr_entry *entry,
		   struct mr_error *err)
{
	struct comparing *co = context;
	struct mr_restore_item *live, wanted = { 0 }, nothing = { 0 };

	(void)arena;
	if (left_alone(co->side, entry->dn))
		return 0;
	mr_restore_digest(entry, &wanted);
	live = mr_restore_index_find(&co->side->live, entry->dn);
	if (live)
		live->seen = true;
	else
		mr_plan_add_entry(co->arena, co->plan, NULL, copy_entry(co->arena, entry),
				  mr_printf(co->arena, _("add %s"), entry->dn));
	if (live && strcmp(live->content, wanted.content) != 0 && change(co, entry, err) < 0)
		return -1;
	mr_restore_digest(&(struct mr_entry){ .dn = entry->dn }, &nothing);
	if (strcmp(live ? live->password : nothing.password, wanted.password) != 0)
		co->side->passwords++;
	return 0;
}

/* Sets or removes the hash of one account, if it is not what the archive says. */
static int set_password(void *context, struct mr_arena *arena, const struct mr_entry *entry,
			struct mr_error *err)
{
	static const char *const attrs[] = { "userPassword", NULL };
	const char *wanted = mr_entry_value(entry, "userPassword"), *has;
	struct mr_mod mod = { .op = MR_MOD_REPLACE, .attr.name = "userPassword" };
	struct mr_directory *dir = context;
	MR_SECRET secret = { 0 };
	struct mr_entry *live;
	int rc = 0;

	if (!mr_entry_is(entry, "posixAccount"))
		return 0;
	if (mr_directory_read(dir, arena, entry->dn, attrs, &live, err) < 0)
		return -1;
	has = live ? mr_entry_value(live, "userPassword") : NULL;
	if (live && (wanted ? !has || strcmp(has, wanted) != 0 : has != NULL)) {
		if (wanted) {
			mr_secret_set(&secret, wanted, strlen(wanted));
			mod.attr.secret = &secret;
		}
		rc = mr_directory_modify(dir, entry->dn, &mod, 1, err);
	}
	if (wanted)
		explicit_bzero((char *)wanted, strlen(wanted));
	if (has)
		explicit_bzero((char *)has, strlen(has));
	return rc;
}

struct password_step {
	const struct mr_config *config;
	const struct side *side;
};

static int set_passwords(void *argument, struct mr_error *err)
{
	const struct password_step *step = argument;
	MR_ARENA arena = mr_arena_open();
	MR_DIRECTORY dir = NULL;

	if (mr_instance_open(arena, step->config, &dir, err) < 0 ||
	    mr_may_write(step->config, dir, dir, NULL, err) < 0)
		return -1;
	return for_records(step->side, set_password, dir, err);
}

static int by_depth(const void *a, const void *b)
{
	const char *const *left = a, *const *right = b;
	size_t more = strlen(*right), fewer = strlen(*left);

	return (more > fewer) - (more < fewer);
}

/* Longer names first: a child's DN is longer than its parent's. */
static void plan_deletes(struct mr_arena *arena, const struct side *side, struct mr_plan *plan)
{
	struct mr_list gone = { 0 };

	for (size_t i = 0; i < side->live.count; i++)
		if (!side->live.items[i].seen && !left_alone(side, side->live.items[i].dn))
			mr_list_add(arena, &gone, side->live.items[i].dn);
	if (gone.count)
		qsort(gone.items, gone.count, sizeof(*gone.items), by_depth);
	for (size_t i = 0; i < gone.count; i++)
		mr_plan_delete_entry(arena, plan, NULL, gone.items[i],
				     mr_printf(arena, _("remove %s, which came after the archive"),
					       gone.items[i]));
}

static int plan_side(struct mr_arena *arena, struct mr_restore *restore, struct side *side,
		     struct mr_plan *plan, struct mr_error *err)
{
	struct comparing co = { arena, restore->dir, plan, side };
	struct password_step *step;

	if (mr_restore_index_read(arena, restore->dir, side->container, &side->live, err) < 0 ||
	    for_records(side, compare, &co, err) < 0)
		return -1;
	if (!side->passwords)
		return 0;
	step = MR_NEW(arena, struct password_step);
	*step = (struct password_step){ &restore->config, side };
	mr_plan_action(arena, plan, set_passwords, step,
		       mr_printf(arena,
				 _("set the passwords of %zu accounts as the archive has them"),
				 side->passwords));
	return 0;
}

int mr_restore_changes(struct mr_arena *arena, struct mr_restore *restore, struct mr_plan *plan,
		       struct mr_error *err)
{
	static const struct {
		enum mr_service service;
		enum mr_database database;
	} rows[] = { { MR_UNIX, MR_DB_UNIX_OWNED }, { MR_MAIL, MR_DB_MAIL_OWNED } };
	struct side *sides[2] = { 0 };

	for (int i = 0; i < 2; i++) {
		struct side *side = MR_NEW(arena, struct side);

		side->service = rows[i].service;
		side->container = mr_dit_owned(arena, side->service, restore->config.host);
		side->name = mr_printf(arena, "%s-owned.ldif", mr_service_name(side->service));
		side->path = mr_printf(arena, "%s/%s", restore->folder, side->name);
		if (!mr_path_exists(side->path) ||
		    !mr_database_exists(&restore->config, rows[i].database))
			continue;
		sides[i] = side;
		if (plan_side(arena, restore, side, plan, err) < 0)
			return -1;
	}
	for (int i = 1; i >= 0; i--)
		if (sides[i])
			plan_deletes(arena, sides[i], plan);
	return 0;
}
