#include "features/account_request.h"

#include <string.h>

#include "features/owner.h"

int mr_user_address_parse(struct mr_arena *arena, const struct mr_topology *topology,
			  const char *text, struct mr_list *out, struct mr_error *err)
{
	struct mr_address address;

	if (mr_claim_parse(arena, text, &address, err) < 0)
		return -1;
	if (!mr_list_has(&topology->domains, address.domain))
		return mr_fail(err, MR_E_INVALID, _("%s: unknown mail domain %s (known: %s)"),
			       address.text, address.domain,
			       mr_list_join(arena, &topology->domains, ", "));
	if (mr_is_role(address.local))
		return mr_fail(err, MR_E_INVALID,
			       _("%s: a role address belongs to nobody; \"cl-setup --postmaster\" "
				 "says where its mail goes"),
			       address.text);
	if (!mr_list_has(out, address.text))
		mr_list_add(arena, out, address.text);
	return 0;
}

int mr_user_wanted_parse(struct mr_arena *arena, const struct mr_topology *topology,
			 const char *self, const struct mr_user_request *request,
			 struct mr_user_wanted *out, struct mr_error *err)
{
	struct mr_user_wanted wanted = {
		.mailbox = request->services & MR_MAIL,
		.shell = request->services & MR_UNIX,
	};
	struct mr_owner owner;

	if (mr_user_parse(arena, request->user, &wanted.user, err) < 0)
		return -1;
	if (request->full_name &&
	    mr_full_name_parse(arena, request->full_name, &wanted.full_name, err) < 0)
		return -1;
	if (wanted.mailbox && !request->addresses.count)
		return mr_fail(err, MR_E_USAGE, _("a mailbox needs an address: -e %s@%s"),
			       wanted.user,
			       topology->domains.count ? topology->domains.items[0] : "DOMAIN");
	if (!wanted.mailbox && request->addresses.count)
		return mr_fail(err, MR_E_USAGE,
			       _("an address needs a mailbox: name the service mail too"));
	if (mr_owner_find(arena, topology, self, request->host, &owner, err) < 0)
		return -1;
	wanted.owner = owner.host;
	wanted.step_host = owner.step_host;
	for (size_t i = 0; i < request->addresses.count; i++)
		if (mr_user_address_parse(arena, topology, request->addresses.items[i],
					  &wanted.addresses, err) < 0)
			return -1;
	*out = wanted;
	return 0;
}
