#include "model/dit.h"

#include <string.h>
#include <strings.h>

#include "adapters/directory.h"
#include "base/strings.h"

const char *mr_service_ou(enum mr_service service)
{
	return service == MR_MAIL ? "Mail" : "Unix";
}

const char *mr_service_name(enum mr_service service)
{
	return service == MR_MAIL ? "mail" : "unix";
}

static const char *owned_base(enum mr_service service)
{
	return service == MR_MAIL ? "ou=Mail,ou=Owned," MR_DIT_BASE
				  : "ou=Unix,ou=Owned," MR_DIT_BASE;
}

const char *mr_dit_all(enum mr_service service)
{
	return service == MR_MAIL ? "ou=Mail," MR_DIT_BASE : "ou=Unix," MR_DIT_BASE;
}

char *mr_dit_owned(struct mr_arena *arena, enum mr_service service, const char *host)
{
	return mr_dn(arena, "cn", host, owned_base(service));
}

char *mr_dit_copy(struct mr_arena *arena, enum mr_service service, const char *host)
{
	return mr_dn(arena, "cn", host, mr_dit_all(service));
}

char *mr_dit_hosts(struct mr_arena *arena, const char *container)
{
	return mr_dn(arena, "ou", "Hosts", container);
}

char *mr_dit_host(struct mr_arena *arena, const char *host, const char *container)
{
	return mr_dn(arena, "cn", host, mr_dit_hosts(arena, container));
}

char *mr_dit_domain(struct mr_arena *arena, const char *domain, const char *container)
{
	return mr_dn(arena, "associatedDomain", domain, container);
}

char *mr_dit_user(struct mr_arena *arena, const char *user, const char *container)
{
	return mr_dn(arena, "uid", user, container);
}

char *mr_dit_group(struct mr_arena *arena, const char *group, const char *container)
{
	return mr_dn(arena, "cn", group, container);
}

char *mr_dit_peer(struct mr_arena *arena, const char *host)
{
	return mr_dn(arena, "cn", host, "ou=Peers," MR_DIT_BASE);
}

/* What follows the first comma that is not escaped; NULL at the last RDN. */
static const char *parent(const char *dn)
{
	for (; *dn; dn++) {
		if (*dn == ',')
			return dn + 1;
		if (*dn == '\\' && dn[1])
			dn++;
	}
	return NULL;
}

static bool holds_containers(const char *dn)
{
	static const enum mr_service services[] = { MR_MAIL, MR_UNIX };

	for (size_t i = 0; i < 2; i++)
		if (mr_dn_equal(dn, owned_base(services[i])) ||
		    mr_dn_equal(dn, mr_dit_all(services[i])))
			return true;
	return false;
}

char *mr_dit_owner(struct mr_arena *arena, const char *dn)
{
	for (const char *up; (up = parent(dn)); dn = up) {
		dn += strspn(dn, " ");
		if (strncasecmp(dn, "cn=", 3) != 0 || !holds_containers(up))
			continue;
		dn = mr_dn_value(arena, dn);
		return dn ? mr_lower(arena, dn) : NULL;
	}
	return NULL;
}
