#include "features/user_remove.h"

#include <string.h>

#include "features/claim.h"
#include "model/dit.h"
#include "model/names.h"

/* An entry whose name somebody else has now is called <name>~2 and so on. */
static bool is_of(const struct mr_entry *entry, const char *user)
{
	const char *uid = mr_entry_value(entry, "uid");
	size_t len = strlen(user);

	return uid && strncmp(uid, user, len) == 0 && (!uid[len] || uid[len] == '~');
}

int mr_hold_release_plan(struct mr_arena *arena, const struct mr_config *config,
			 struct mr_directory *dir, const struct mr_topology *topology,
			 const char *text, struct mr_plan *plan, struct mr_error *err)
{
	static const char *const attrs[] = { "uid", "mailLocalAddress", NULL };
	const char *user = NULL, *filter = "(mailReplAccess=gone)";
	struct mr_entries held = { 0 };
	struct mr_address address;

	if (!strchr(text, '@')) {
		if (mr_user_parse(arena, text, &user, err) < 0)
			return -1;
	} else {
		if (mr_claim_parse(arena, text, &address, err) < 0)
			return -1;
		filter = mr_filter(arena, "(&(mailReplAccess=gone)(mailLocalAddress=%s))",
				   address.text);
	}
	if (mr_claims_list(arena, config, dir, MR_MAIL, filter, attrs, &held, err) < 0)
		return -1;
	for (size_t i = 0; i < held.count; i++) {
		const struct mr_entry *entry = held.items[i];
		const struct mr_attr *addresses = mr_entry_attr(entry, "mailLocalAddress");
		const char *owner = mr_dit_owner(arena, entry->dn);
		bool own = owner && strcmp(owner, config->host) == 0;

		if (!owner || !addresses || (user && !is_of(entry, user)))
			continue;
		if (!own && strcmp(topology->home, config->host) != 0)
			return mr_fail(err, MR_E_DENIED,
				       _("%s is held by %s: run this there, or on %s"), text, owner,
				       topology->home);
		mr_plan_delete_entry(arena, plan, own ? NULL : owner,
				     mr_dit_user(arena, mr_entry_value(entry, "uid"),
						 mr_dit_owned(arena, MR_MAIL, owner)),
				     mr_printf(arena, _("end the hold of %s at %s"),
					       mr_list_join(arena, &addresses->values, ", "),
					       owner));
	}
	return 0;
}
