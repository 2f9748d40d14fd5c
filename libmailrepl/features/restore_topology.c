#include "features/restore_topology.h"

#include <string.h>

static void add_new(struct mr_arena *arena, struct mr_list *list, const char *name)
{
	if (!mr_list_has(list, name))
		mr_list_add(arena, list, name);
}

/* One that is gone for good: another host has what it owned. */
static bool taken_over(const struct mr_topology *live, const char *host)
{
	size_t len = strlen(host);

	for (size_t i = 0; i < live->former.count; i++)
		if (strncmp(live->former.items[i], host, len) == 0 &&
		    live->former.items[i][len] == ' ')
			return true;
	return false;
}

/* Who is in `service`: whom the archive has there, and (`all`: whoever, otherwise only whom it does
 * not know) of the live ones. */
static struct mr_list members(struct mr_arena *arena, const struct mr_topology *live,
			      const struct mr_topology *archive, enum mr_service service, bool all)
{
	struct mr_list list = { 0 };

	for (size_t i = 0; i < archive->count; i++)
		if (archive->hosts[i].services & service &&
		    !taken_over(live, archive->hosts[i].name))
			add_new(arena, &list, archive->hosts[i].name);
	for (size_t i = 0; i < live->count; i++)
		if (live->hosts[i].services & service &&
		    (all || !mr_topology_host(archive, live->hosts[i].name)))
			add_new(arena, &list, live->hosts[i].name);
	return list;
}

static void keep_fingerprints(const struct mr_topology *archive, struct mr_topology *out)
{
	for (size_t i = 0; i < out->count; i++) {
		const struct mr_host *was = mr_topology_host(archive, out->hosts[i].name);

		if (was && !out->hosts[i].fingerprints.count)
			out->hosts[i].fingerprints = was->fingerprints;
	}
}

int mr_restore_topology(struct mr_arena *arena, const struct mr_topology *live,
			const struct mr_topology *archive, struct mr_topology *out,
			struct mr_error *err)
{
	struct mr_list mail = members(arena, live, archive, MR_MAIL, true);
	struct mr_list servers = members(arena, live, archive, MR_UNIX, false);
	struct mr_list domains = { 0 };
	struct mr_topology with_mail;

	if (mr_topology_set(arena, live, MR_MAIL, &mail, &with_mail, err) < 0)
		return -1;
	*out = with_mail;
	/* Before `cl-setup unix` there is nobody in it, which is no list that can be set. */
	if (servers.count && mr_topology_set(arena, &with_mail, MR_UNIX, &servers, out, err) < 0)
		return -1;
	keep_fingerprints(archive, out);
	for (size_t i = 0; i < live->domains.count; i++)
		add_new(arena, &domains, live->domains.items[i]);
	for (size_t i = 0; i < archive->domains.count; i++)
		if (!mr_topology_foreign(live, archive->domains.items[i]))
			add_new(arena, &domains, archive->domains.items[i]);
	mr_list_sort(&domains);
	/* One that has become ours meanwhile is ours, and above it was the other way round. */
	for (size_t i = 0; i < archive->foreign_count; i++)
		if (!mr_topology_foreign(live, archive->foreign[i].name) &&
		    !mr_list_has(&domains, archive->foreign[i].name))
			mr_topology_set_foreign(arena, out, archive->foreign[i].name,
						&archive->foreign[i]);
	if (out->generation != live->generation || out->foreign_count != live->foreign_count ||
	    archive->scheme != live->scheme || archive->delimiter != live->delimiter ||
	    !mr_list_equal(&archive->mx, &live->mx) || !mr_list_equal(&domains, &live->domains))
		out->generation = live->generation + 1;
	out->scheme = archive->scheme;
	out->delimiter = archive->delimiter;
	out->mx = archive->mx;
	out->domains = domains;
	for (size_t i = 0; i < archive->domains.count; i++)
		if (!mr_list_has(&live->domains, archive->domains.items[i]))
			mr_topology_set_postmaster(
				arena, out, archive->domains.items[i],
				mr_topology_postmaster(archive, archive->domains.items[i]));
	return 0;
}
