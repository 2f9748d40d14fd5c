#include "features/domain.h"

#include <string.h>
#include <strings.h>

#include "features/claim.h"
#include "features/group_member.h"
#include "model/names.h"

#define MOST_SHOWN 5
#define LOCAL_MAIL "root@localhost"

struct count {
	struct mr_arena *arena;
	const char *self; /* leave out its part of the copies; NULL: leave out nothing */
	struct mr_domain_use *uses;
	size_t use_count;
};

static struct mr_domain_use *use_of(const struct count *count, const char *domain)
{
	for (size_t i = 0; i < count->use_count; i++)
		if (strcasecmp(count->uses[i].name, domain) == 0)
			return &count->uses[i];
	return NULL;
}

static void add_address(const struct count *count, const char *address, const char *routing)
{
	const char *at = strrchr(address, '@');
	struct mr_domain_use *use = at ? use_of(count, at + 1) : NULL;

	if (!use)
		return;
	use->addresses++;
	if (use->first.count < MOST_SHOWN)
		mr_list_add(count->arena, &use->first, address);
	if (at == address && routing)
		use->catch_all = mr_lower(count->arena, routing);
}

static int count_entry(void *context, const struct mr_entry *entry, struct mr_error *err)
{
	static const char *const names[] = { "mailLocalAddress", "mailReplFormerAddress" };
	const struct count *count = context;
	MR_ARENA scratch = mr_arena_open();
	const char *owner = count->self ? mr_dit_owner(scratch, entry->dn) : NULL;

	(void)err;
	if (owner && strcmp(owner, count->self) == 0)
		return 0;
	for (size_t i = 0; i < 2; i++) {
		const struct mr_attr *attr = mr_entry_attr(entry, names[i]);

		for (size_t j = 0; attr && j < attr->values.count; j++)
			add_address(count, attr->values.items[j],
				    mr_entry_value(entry, "mailRoutingAddress"));
	}
	return 0;
}

/* Client side, since addresses have no index of their ends. What this host owns is counted where it
 * is written: its part of the copy lags behind. */
static int count_all(struct mr_arena *arena, const struct mr_config *config,
		     struct mr_directory *dir, struct mr_domain_use *uses, size_t use_count,
		     struct mr_error *err)
{
	static const char *const attrs[] = { "mailLocalAddress", "mailReplFormerAddress",
					     "mailRoutingAddress", NULL };
	struct count count = { arena, config->host, uses, use_count };
	struct mr_search find = {
		.base = mr_dit_all(MR_MAIL),
		.filter = "(|(mailLocalAddress=*)(mailReplFormerAddress=*))",
		.attrs = attrs,
	};

	if (mr_directory_visit(dir, &find, count_entry, &count, err) < 0)
		return -1;
	find.base = mr_dit_owned(arena, MR_MAIL, config->host);
	count.self = NULL;
	/* A relay owns nothing. */
	if (mr_directory_visit(dir, &find, count_entry, &count, err) < 0 &&
	    err->code != MR_E_NOT_FOUND)
		return -1;
	return 0;
}

static int find_owners(struct mr_arena *arena, const struct mr_config *config,
		       struct mr_directory *dir, struct count *count, const char *home,
		       struct mr_error *err)
{
	static const char *const attrs[] = { "associatedDomain", NULL };
	struct mr_entries found = { 0 };

	if (mr_claims_list(arena, config, dir, MR_MAIL, "(objectClass=mailReplDomain)", attrs,
			   &found, err) < 0)
		return -1;
	for (size_t i = 0; i < found.count; i++) {
		const char *domain = mr_entry_value(found.items[i], "associatedDomain");
		const char *owner = mr_dit_owner(arena, found.items[i]->dn);
		struct mr_domain_use *use = domain ? use_of(count, domain) : NULL;

		if (use && owner && (!use->owner || strcmp(owner, home) == 0))
			use->owner = owner;
	}
	return 0;
}

int mr_domain_list(struct mr_arena *arena, const struct mr_config *config, struct mr_directory *dir,
		   const struct mr_topology *topology, struct mr_domain_use *out,
		   struct mr_error *err)
{
	struct count count = { arena, NULL, out, topology->domains.count };

	for (size_t i = 0; i < count.use_count; i++)
		out[i] = (struct mr_domain_use){
			.name = topology->domains.items[i],
			.postmaster = mr_topology_postmaster(topology, topology->domains.items[i]),
		};
	if (find_owners(arena, config, dir, &count, topology->home, err) < 0)
		return -1;
	return count_all(arena, config, dir, out, count.use_count, err);
}

/* The domains whose role mail goes to an address of this one. */
static const char *postmasters_in(struct mr_arena *arena, const struct mr_topology *topology,
				  const char *domain)
{
	struct mr_list list = { 0 };

	for (size_t i = 0; i < topology->domain_detail_count; i++) {
		const struct mr_domain *one = &topology->domain_details[i];

		if (strcmp(one->name, domain) != 0 &&
		    mr_ends_with(one->postmaster, mr_printf(arena, "@%s", domain)))
			mr_list_add(arena, &list,
				    mr_printf(arena, "%s (%s)", one->name, one->postmaster));
	}
	return list.count ? mr_list_join(arena, &list, ", ") : NULL;
}

int mr_domain_check_unused(struct mr_arena *arena, const struct mr_config *config,
			   struct mr_directory *dir, const struct mr_topology *topology,
			   const char *domain, struct mr_error *err)
{
	struct mr_domain_use use = { .name = domain };
	const char *others = postmasters_in(arena, topology, domain);

	if (topology->domains.count == 1)
		return mr_fail(err, MR_E_INVALID, _("%s is the only mail domain: it stays"),
			       domain);
	if (count_all(arena, config, dir, &use, 1, err) < 0)
		return -1;
	if (use.addresses)
		return mr_fail(err, MR_E_INVALID,
			       _("%zu addresses are in %s (%s%s): take them away first"),
			       use.addresses, domain, mr_list_join(arena, &use.first, ", "),
			       use.addresses > use.first.count ? ", ..." : "");
	if (others)
		return mr_fail(err, MR_E_INVALID,
			       _("mail for the postmaster of other domains goes to %s: %s; change "
				 "that first (cl-setup --postmaster)"),
			       domain, others);
	return 0;
}

static int check_claimed(struct mr_arena *arena, const struct mr_config *config,
			 struct mr_directory *dir, const char *address, struct mr_error *err)
{
	static const char *const attrs[] = { "mailRoutingAddress", NULL };
	const char *filter = mr_filter(
		arena, "(&(mailRoutingAddress=*)(|(mailLocalAddress=%s)(mailRoutingAddress=%s)))",
		address, address);
	struct mr_entries found = { 0 };

	if (mr_claims_list(arena, config, dir, MR_MAIL, filter, attrs, &found, err) < 0)
		return -1;
	if (!found.count)
		return mr_fail(err, MR_E_INVALID,
			       _("--postmaster %s: no mailbox and no group has this address"),
			       address);
	if (found.count > 1)
		return mr_fail(err, MR_E_INVALID,
			       _("--postmaster %s: several claim this address; cl-replication "
				 "--settle decides"),
			       address);
	return 0;
}

int mr_domain_postmaster_parse(struct mr_arena *arena, const struct mr_config *config,
			       struct mr_directory *dir, const struct mr_topology *topology,
			       const char *domain, const char *text, const char **out,
			       bool *unknown, struct mr_error *err)
{
	struct mr_address address;
	bool known, fresh;

	*out = NULL;
	*unknown = false;
	if (strcasecmp(text, LOCAL_MAIL) == 0)
		return 0;
	if (mr_address_parse(arena, text, &address, err) < 0)
		return mr_fail_in(err, "--postmaster");
	known = mr_list_has(&topology->domains, address.domain) ||
		mr_topology_host(topology, address.domain);
	fresh = domain && !known && strcmp(address.domain, domain) == 0;
	if ((known || fresh) && mr_is_role(address.local))
		return mr_fail(err, MR_E_INVALID,
			       _("--postmaster %s: that is a role address itself"), address.text);
	if (!known && !fresh && topology->scheme == MR_SCHEME_INTRANET)
		return mr_fail(err, MR_E_INVALID,
			       _("--postmaster %s: mail does not leave this intranet"),
			       address.text);
	*unknown = fresh || (known && !dir);
	if (known && dir && check_claimed(arena, config, dir, address.text, err) < 0)
		return -1;
	*out = address.text;
	return 0;
}

int mr_domain_postmaster_check(const struct mr_topology *topology, const struct mr_list *addresses,
			       struct mr_error *err)
{
	for (size_t i = 0; i < topology->domain_detail_count; i++) {
		const struct mr_domain *domain = &topology->domain_details[i];

		if (mr_group_has_address(addresses, domain->postmaster))
			return mr_fail(err, MR_E_INVALID,
				       _("mail for postmaster@%s goes to %s: change that first "
					 "(cl-setup --postmaster)"),
				       domain->name, domain->postmaster);
	}
	return 0;
}
