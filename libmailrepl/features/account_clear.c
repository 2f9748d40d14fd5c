#include "features/account_claims.h"

#include <string.h>

static int delete_ended(struct mr_arena *arena, const struct mr_config *config,
			const struct mr_topology *topology, const struct mr_entry *ended,
			struct mr_plan *plan, struct mr_error *err)
{
	const char *owner = mr_dit_owner(arena, ended->dn);
	const char *addresses =
		mr_list_join(arena, &mr_entry_attr(ended, "mailLocalAddress")->values, ", ");
	bool own = strcmp(owner, config->host) == 0;

	if (!own && strcmp(topology->home, config->host) != 0)
		return mr_fail(err, MR_E_DENIED,
			       _("%s was held by %s until a time that has passed: run "
				 "\"cl-userdel --release %s\" there, or this on %s"),
			       addresses, owner, mr_entry_value(ended, "mailLocalAddress"),
			       topology->home);
	mr_plan_delete_entry(arena, plan, own ? NULL : owner, ended->dn,
			     mr_printf(arena, _("end the hold of %s at %s"), addresses, owner));
	return 0;
}

int mr_user_clear_plan(struct mr_arena *arena, const struct mr_config *config,
		       const struct mr_topology *topology, const struct mr_user_wanted *wanted,
		       const struct mr_user_found *found, struct mr_plan *plan,
		       struct mr_error *err)
{
	for (size_t i = 0; i < found->ended.count; i++)
		if (delete_ended(arena, config, topology, found->ended.items[i], plan, err) < 0)
			return -1;
	if (found->aside)
		mr_plan_rename_entry(arena, plan, wanted->step_host, found->aside->dn,
				     found->aside_name,
				     mr_printf(arena, _("call what %s has left behind %s"),
					       wanted->user, found->aside_name));
	return 0;
}
