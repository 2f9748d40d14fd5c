#include "features/account_uid.h"

#include <stdio.h>

#include "features/instance.h"
#include "features/may_write.h"

struct allocation {
	const struct mr_config *config;
	struct mr_directory *dir; /* this host's */
	const struct mr_host *owner;
	const char *remote; /* the owner's name, if it is another host */
	char number[24];    /* what the account's entry points to */
};

/* 1: somebody has it. */
static int is_given(struct mr_arena *arena, struct mr_directory *dir, const char *base,
		    long long number, struct mr_error *err)
{
	static const char *const attrs[] = { "1.1", NULL };
	const char *text = mr_printf(arena, "%lld", number);
	const struct mr_search find = {
		.base = base,
		.filter = mr_filter(arena, "(|(uidNumber=%s)(gidNumber=%s))", text, text),
		.attrs = attrs
	};
	struct mr_entries found = { 0 };

	if (mr_directory_list(dir, arena, &find, &found, err) < 0)
		return -1;
	return found.count > 0;
}

/* `dir`: the owner's. Its mark may be that of an old archive: the copies here may know more. */
static int next_index(struct mr_arena *arena, struct allocation *allocation,
		      struct mr_directory *dir, long long *number, struct mr_error *err)
{
	const char *container = mr_dit_owned(arena, MR_UNIX, allocation->owner->name);
	long long first = mr_uid_first(allocation->owner->server_id), step;
	int given;

	do {
		if (mr_directory_increment(dir, container, "mailReplUidHighWater", &step, err) < 0)
			return -1;
		*number = first + step;
		if (step < 0 || *number >= mr_uid_end(allocation->owner->server_id))
			return mr_fail(err, MR_E_INVALID,
				       _("%s has no uidNumber left in its range %lld to %lld"),
				       allocation->owner->name, first,
				       mr_uid_end(allocation->owner->server_id) - 1);
		given = is_given(arena, dir, container, *number, err);
		if (given == 0)
			given = is_given(arena, allocation->dir, mr_dit_all(MR_UNIX), *number, err);
	} while (given > 0);
	return given;
}

static int allocate_at(struct mr_arena *arena, struct allocation *allocation,
		       struct mr_directory *dir, struct mr_error *err)
{
	long long number;

	if (next_index(arena, allocation, dir, &number, err) < 0)
		return -1;
	snprintf(allocation->number, sizeof(allocation->number), "%lld", number);
	return 0;
}

static int allocate(void *argument, struct mr_error *err)
{
	struct allocation *allocation = argument;
	MR_ARENA arena = mr_arena_open();
	MR_DIRECTORY remote = NULL;

	if (!allocation->remote)
		return allocate_at(arena, allocation, allocation->dir, err);
	if (mr_instance_open_peer(arena, allocation->config, NULL, allocation->remote, &remote,
				  err) < 0 ||
	    mr_may_write(allocation->config, allocation->dir, remote, allocation->remote, err) < 0)
		return -1;
	return allocate_at(arena, allocation, remote, err);
}

static void add_number(struct mr_arena *arena, struct mr_entry *account, const char *name,
		       char *number)
{
	mr_entry_add(arena, account, name, number);
	/* The entry copied the text; it shall follow the number instead. */
	mr_entry_attr(account, name)->values.items[0] = number;
}

static struct allocation *plan_allocation(struct mr_arena *arena, const struct mr_config *config,
					  struct mr_directory *dir, const struct mr_host *owner,
					  const char *step_host, struct mr_plan *plan)
{
	struct allocation *allocation = MR_NEW(arena, struct allocation);

	*allocation = (struct allocation){ config, dir, owner, step_host, "(next)" };
	mr_plan_action(arena, plan, allocate, allocation,
		       mr_printf(arena, _("take the next uidNumber of %s"), owner->name));
	return allocation;
}

void mr_gid_allocate_plan(struct mr_arena *arena, const struct mr_config *config,
			  struct mr_directory *dir, const struct mr_owner *owner,
			  struct mr_entry *group, struct mr_plan *plan)
{
	struct allocation *allocation =
		plan_allocation(arena, config, dir, owner->host, owner->step_host, plan);

	add_number(arena, group, "gidNumber", allocation->number);
}

void mr_uid_allocate_plan(struct mr_arena *arena, const struct mr_config *config,
			  struct mr_directory *dir, const struct mr_user_wanted *wanted,
			  struct mr_entry *account, struct mr_plan *plan)
{
	struct allocation *allocation =
		plan_allocation(arena, config, dir, wanted->owner, wanted->step_host, plan);

	add_number(arena, account, "uidNumber", allocation->number);
	add_number(arena, account, "gidNumber", allocation->number);
}
