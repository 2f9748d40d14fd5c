#include "model/group.h"

#include <errno.h>
#include <stdlib.h>

#include "model/dit.h"

struct mr_entry *mr_unix_group_format(struct mr_arena *arena, const struct mr_unix_group *group,
				      const char *container)
{
	struct mr_entry *entry = mr_entry_new(arena, mr_dit_group(arena, group->name, container));

	mr_entry_add(arena, entry, "objectClass", "posixGroup");
	mr_entry_add(arena, entry, "cn", group->name);
	if (group->gid_number)
		mr_entry_add(arena, entry, "gidNumber",
			     mr_printf(arena, "%lld", group->gid_number));
	mr_entry_add_list(arena, entry, "memberUid", &group->members);
	return entry;
}

int mr_unix_group_parse(struct mr_arena *arena, const struct mr_entry *entry,
			struct mr_unix_group *out, struct mr_error *err)
{
	const char *name = mr_entry_value(entry, "cn"),
		   *number = mr_entry_value(entry, "gidNumber");
	const struct mr_attr *members = mr_entry_attr(entry, "memberUid");
	char *end;

	*out = (struct mr_unix_group){ 0 };
	if (!name || !number)
		return mr_fail(err, MR_E_PROTOCOL, _("entry %s has no %s"), entry->dn,
			       name ? "gidNumber" : "cn");
	errno = 0;
	out->gid_number = strtoll(number, &end, 10);
	if (errno || *end || end == number || out->gid_number <= 0)
		return mr_fail(err, MR_E_PROTOCOL,
			       _("entry %s: gidNumber %s is no number of a group"), entry->dn,
			       number);
	out->name = mr_lower(arena, name);
	for (size_t i = 0; members && i < members->values.count; i++)
		mr_list_add(arena, &out->members, members->values.items[i]);
	return 0;
}
