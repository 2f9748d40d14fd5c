#include "features/restore_changes.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "features/may_write.h"
#include "features/restore_records.h"

static bool returns(const struct mr_restore_difference *difference)
{
	return !difference->kept;
}

void mr_restore_name_differences(struct mr_arena *arena, struct mr_restore *restore,
				 const struct mr_restore_differences *differences)
{
	for (size_t i = 0; i < differences->count; i++) {
		const struct mr_restore_difference *difference = &differences->items[i];

		if (difference->kept)
			mr_list_add(
				arena, &restore->kept,
				mr_printf(arena, "%s: %s", difference->label, difference->kept));
		else if (difference->kind == MR_RESTORE_CAME)
			mr_list_add(arena, &restore->came, difference->label);
		else if (difference->kind == MR_RESTORE_WENT)
			mr_list_add(arena, &restore->went, difference->label);
		else
			mr_list_add(arena, &restore->changed, difference->label);
	}
}

/* Everything that the live entry has may be changed or removed. */
static int plan_change(struct mr_arena *arena, struct mr_restore *restore,
		       const struct mr_restore_difference *difference, struct mr_plan *plan,
		       struct mr_error *err)
{
	struct mr_entry *live, *old;
	const char **names;

	if (mr_directory_read(restore->dir, arena, difference->dn, NULL, &live, err) < 0)
		return -1;
	if (!live)
		return mr_fail(err, MR_E_TEMPORARY, _("%s was removed meanwhile: run this again"),
			       difference->dn);
	old = mr_restore_entry(arena, live);
	names = MR_NEW_ARRAY(arena, const char *, old->count + 1);
	for (size_t i = 0; i < old->count; i++)
		names[i] = old->attrs[i].name;
	mr_plan_update_entry(arena, plan, NULL, old, difference->wanted, names,
			     mr_printf(arena, _("change %s back"), difference->dn));
	return 0;
}

static void plan_members(struct mr_arena *arena, const struct mr_restore_difference *difference,
			 struct mr_plan *plan)
{
	const char *members = mr_list_join(arena, &difference->members, ", ");
	struct mr_step *step = mr_plan_modify_entry(
		arena, plan, NULL, difference->dn, difference->members.count,
		mr_printf(arena, _("make %s a member of %s again"), members, difference->dn));

	for (size_t i = 0; i < difference->members.count; i++)
		mr_plan_mod(arena, step, MR_MOD_ADD, mr_restore_member_attr(difference->service),
			    difference->members.items[i]);
}

static int plan_return(struct mr_arena *arena, struct mr_restore *restore,
		       const struct mr_restore_difference *difference, struct mr_plan *plan,
		       struct mr_error *err)
{
	switch (difference->kind) {
	case MR_RESTORE_WENT:
		mr_plan_add_entry(arena, plan, NULL, difference->wanted,
				  mr_printf(arena, _("add %s"), difference->dn));
		return 0;
	case MR_RESTORE_CHANGED:
		return difference->content ? plan_change(arena, restore, difference, plan, err) : 0;
	default:
		return 0;
	}
}

struct password_step {
	struct mr_restore *restore;
	struct mr_directory *dir;
	const char **dns; /* sorted */
	size_t count;
};

static int by_dn(const void *a, const void *b)
{
	return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sets or removes the hash of one account, if it is not what the archive says. */
static int set_password(void *context, struct mr_arena *arena, const struct mr_entry *entry,
			struct mr_error *err)
{
	static const char *const attrs[] = { "userPassword", NULL };
	const struct password_step *step = context;
	const char *wanted = mr_entry_value(entry, "userPassword"), *has;
	struct mr_mod mod = { .op = MR_MOD_REPLACE, .attr.name = "userPassword" };
	MR_SECRET secret = { 0 };
	struct mr_entry *live;
	int rc = 0;

	if (!bsearch(&entry->dn, step->dns, step->count, sizeof(*step->dns), by_dn))
		return 0;
	if (mr_directory_read(step->dir, arena, entry->dn, attrs, &live, err) < 0)
		return -1;
	has = live ? mr_entry_value(live, "userPassword") : NULL;
	if (live && (wanted ? !has || strcmp(has, wanted) != 0 : has != NULL)) {
		if (wanted) {
			mr_secret_set(&secret, wanted, strlen(wanted));
			mod.attr.secret = &secret;
		}
		rc = mr_directory_modify(step->dir, entry->dn, &mod, 1, err);
	}
	if (wanted)
		explicit_bzero((char *)wanted, strlen(wanted));
	if (has)
		explicit_bzero((char *)has, strlen(has));
	return rc;
}

static int set_passwords(void *argument, struct mr_error *err)
{
	struct password_step *step = argument;
	MR_ARENA arena = mr_arena_open();
	MR_DIRECTORY dir = NULL;

	if (mr_instance_open(arena, &step->restore->config, &dir, err) < 0 ||
	    mr_may_write(&step->restore->config, dir, dir, NULL, err) < 0)
		return -1;
	step->dir = dir;
	return mr_restore_records(arena, step->restore, MR_UNIX, set_password, step, err);
}

static void plan_passwords(struct mr_arena *arena, struct mr_restore *restore,
			   const struct mr_restore_differences *differences, struct mr_plan *plan)
{
	struct password_step *step = MR_NEW(arena, struct password_step);

	step->restore = restore;
	step->dns = MR_NEW_ARRAY(arena, const char *, differences->count + 1);
	for (size_t i = 0; i < differences->count; i++)
		if (returns(&differences->items[i]) && differences->items[i].password)
			step->dns[step->count++] = differences->items[i].dn;
	if (!step->count)
		return;
	qsort(step->dns, step->count, sizeof(*step->dns), by_dn);
	mr_plan_action(arena, plan, set_passwords, step,
		       mr_printf(arena,
				 _("set the passwords of %zu accounts as the archive has them"),
				 step->count));
}

static int by_depth(const void *a, const void *b)
{
	const char *const *left = a, *const *right = b;
	size_t more = strlen(*right), fewer = strlen(*left);

	return (more > fewer) - (more < fewer);
}

/* Longer names first: a child's DN is longer than its parent's. */
static void plan_deletes(struct mr_arena *arena, enum mr_service service,
			 const struct mr_restore_differences *differences, struct mr_plan *plan)
{
	struct mr_list gone = { 0 };

	for (size_t i = 0; i < differences->count; i++) {
		const struct mr_restore_difference *difference = &differences->items[i];

		if (difference->kind == MR_RESTORE_CAME && difference->service == service &&
		    returns(difference))
			mr_list_add(arena, &gone, difference->dn);
	}
	if (gone.count)
		qsort(gone.items, gone.count, sizeof(*gone.items), by_depth);
	for (size_t i = 0; i < gone.count; i++)
		mr_plan_delete_entry(arena, plan, NULL, gone.items[i],
				     mr_printf(arena, _("remove %s, which came after the archive"),
					       gone.items[i]));
}

int mr_restore_changes(struct mr_arena *arena, struct mr_restore *restore,
		       const struct mr_restore_differences *differences, struct mr_plan *plan,
		       struct mr_error *err)
{
	static const enum mr_service order[] = { MR_UNIX, MR_MAIL };

	for (size_t s = 0; s < 2; s++) {
		for (size_t i = 0; i < differences->count; i++) {
			const struct mr_restore_difference *difference = &differences->items[i];

			if (difference->service == order[s] && returns(difference) &&
			    plan_return(arena, restore, difference, plan, err) < 0)
				return -1;
		}
		/* Before mail comes for them. */
		if (order[s] == MR_UNIX)
			plan_passwords(arena, restore, differences, plan);
	}
	for (size_t i = 0; i < differences->count; i++)
		if (differences->items[i].kind == MR_RESTORE_LEFT &&
		    returns(&differences->items[i]))
			plan_members(arena, &differences->items[i], plan);
	plan_deletes(arena, MR_MAIL, differences, plan);
	plan_deletes(arena, MR_UNIX, differences, plan);
	return 0;
}
