#include "features/render_mistakes.h"

#include <fts.h>
#include <string.h>

#include "base/paths.h"
#include "features/render.h"
#include "features/render_exim.h"
#include "features/render_manifest.h"
#include "features/render_modes.h"
#include "features/render_template.h"

struct mistakes {
	struct mr_arena *arena;
	struct mr_list *out;
};

static void collect(void *to, const struct mr_error *mistake)
{
	struct mistakes *mistakes = to;

	/* A partial is read once for each that names it. */
	if (!mr_list_has(mistakes->out, mistake->message))
		mr_list_add(mistakes->arena, mistakes->out, mistake->message);
}

/* Three hosts, one that is gone, two mail domains. */
static struct mr_topology sample_topology(struct mr_arena *arena)
{
	static const struct {
		const char *name;
		unsigned services;
	} rows[] = {
		{ "mail1.lan", MR_MAIL | MR_UNIX },
		{ "mail2.lan", MR_MAIL | MR_UNIX },
		{ "relay.lan", MR_MAIL },
	};
	struct mr_topology topology = { .domain_id = "00000000-0000-0000-0000-000000000000",
					.home = rows[0].name,
					.epoch = 1,
					.generation = 1,
					.scheme = MR_SCHEME_RELAY_MX,
					.system_accounts = true };

	topology.count = sizeof(rows) / sizeof(rows[0]);
	topology.hosts = MR_NEW_ARRAY(arena, struct mr_host, topology.count);
	for (size_t i = 0; i < topology.count; i++) {
		struct mr_host *host = &topology.hosts[i];

		host->name = rows[i].name;
		host->services = rows[i].services;
		host->server_id = (unsigned)i + 1;
		host->state = MR_JOINED;
		mr_list_add(arena, &host->fingerprints, "00:00");
	}
	mr_list_add(arena, &topology.mx, "relay.lan");
	mr_list_add(arena, &topology.former, "mail3.lan mail1.lan");
	mr_list_add(arena, &topology.domains, "maildomain.org");
	mr_list_add(arena, &topology.domains, "other.org");
	mr_topology_set_postmaster(arena, &topology, "other.org", "user1@maildomain.org");
	return topology;
}

static struct mr_value *sample(struct mr_arena *arena, const struct mr_config *config)
{
	struct mr_backup_domain foreign = { .name = "partner.example", .primary = "[host.example]" };
	struct mr_render_machine machine = { .ids = { 0, 1, 2, 3, 4, 5 },
					     .versions = mr_versions_sample,
					     .backup = { .domains = &foreign, .count = 1 },
					     .hardening = { "/sample", "/sample", "00:00",
							    "2030-01-01 00:00:00 UTC" } };
	const struct mr_topology topology = sample_topology(arena);
	struct mr_config host = *config;
	struct mr_value *values;

	host.host = topology.home;
	host.mail_quota = 1;
	mr_list_add(arena, &foreign.listed, "user@partner.example");
	mr_list_add(arena, &machine.peer_addresses, "192.0.2.1");
	host.mail_mta = "exim";
	values = mr_render_context(arena, &host, &topology, &machine, true);
	mr_value_set(arena, values, "settings", mr_config_sample_settings(arena));
	mr_render_modes_sample(arena, values);
	mr_render_exim_sample(arena, values);
	return values;
}

/* What editors and dpkg leave beside a file. */
static bool is_left_over(const char *name)
{
	static const char *const ends[] = { "~", ".bak", ".orig", ".dpkg-old", ".dpkg-dist", ".md" };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (mr_ends_with(name, ends[i]))
			return true;
	return *name == '.' || strcmp(name, "MANIFEST") == 0;
}

/* A name with a mistake in it would be an override of nothing, without a word. */
static void find_unused(const struct mr_config *config, const struct mr_list *read,
			struct mistakes *mistakes)
{
	char *folder = (char *)mr_path(mistakes->arena, config->root, MR_PATH_OVERRIDES);
	char *const paths[] = { folder, NULL };
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *entry;

	while (fts && (entry = fts_read(fts))) {
		struct mr_error unused = { 0 };

		if ((entry->fts_info != FTS_F && entry->fts_info != FTS_SL) ||
		    is_left_over(entry->fts_name) ||
		    mr_list_has(read, entry->fts_path + strlen(folder) + 1))
			continue;
		mr_fail(&unused, MR_E_CONFIG,
			_("%s: neither MANIFEST nor a template names it: it is never used"),
			entry->fts_path);
		collect(mistakes, &unused);
	}
	if (fts)
		fts_close(fts);
}

int mr_render_mistakes(struct mr_arena *arena, const struct mr_config *config, struct mr_list *out,
		       struct mr_error *err)
{
	struct mr_list read = { 0 };
	struct mr_template_folders folders = { arena, config, &read };
	struct mistakes mistakes = { arena, out };
	const struct mr_value *values = sample(arena, config);
	struct mr_manifest manifest = { 0 };

	if (mr_manifest_read(arena, config, &manifest, err) < 0)
		return -1;
	for (size_t i = 0; i < manifest.count; i++) {
		struct mr_template template;
		struct mr_error unread = { 0 };

		if (mr_render_template(&folders, manifest.rows[i].source, &template, &unread) < 0) {
			collect(&mistakes, &unread);
			continue;
		}
		template.escaping = manifest.rows[i].escaping;
		mr_template_check(&template, values, collect, &mistakes);
	}
	find_unused(config, &read, &mistakes);
	return 0;
}
