/* A domain to render: mail1.lan, the home, and mail2.lan hold mailboxes; relay.lan, a relay, has not come yet. */
#ifndef MR_TESTS_UNIT_SAMPLE_DOMAIN_H
#define MR_TESTS_UNIT_SAMPLE_DOMAIN_H

#include "features/render.h"
#include "test.h"

/* The checkout: templates and schema are read from it. */
static inline const char *source(void)
{
	const char *folder = getenv("MAILREPL_TEST_SOURCE");

	return folder ? folder : ".";
}

static inline struct mr_render_machine sample_machine(void)
{
	return (struct mr_render_machine){ .ids = { .root = 0,
						    .openldap = 101,
						    .postfix = 102,
						    .dovecot = 103,
						    .nslcd = 104,
						    .exim = 105 },
					   .versions = mr_versions_sample };
}

/* Settings of `host` as they are by default. */
static inline struct mr_config config_of(const char *root, const char *host)
{
	return (struct mr_config){
		.root = root,
		.path = "mailrepl.conf",
		.exists = true,
		.host = host,
		.directory_port = 3890,
		.directory_max_size = 4096,
		.mail_dns = true,
		.mail_postmaster = "root@localhost",
		.mail_quota_full = "defer",
		.mail_manage = true,
	};
}

static inline struct mr_topology topology_of(struct mr_arena *arena, enum mr_scheme scheme)
{
	static const struct {
		const char *name;
		unsigned services, server_id;
		enum mr_host_state state;
		const char *fingerprint;
	} rows[] = {
		{ "mail1.lan", MR_MAIL | MR_UNIX, 1, MR_JOINED, "11:11" },
		{ "mail2.lan", MR_MAIL | MR_UNIX, 2, MR_JOINED, "22:22" },
		{ "relay.lan", MR_MAIL, 3, MR_INVITED, "33:33" },
	};
	struct mr_topology topology = { .domain_id = "8c7d2a52-4b2e-4a5d-9a39-0f1d2b6c5e11",
					.home = "mail1.lan",
					.epoch = 1,
					.generation = 4,
					.server_id_high_water = 3,
					.scheme = scheme };

	topology.count = sizeof(rows) / sizeof(rows[0]);
	topology.hosts = MR_NEW_ARRAY(arena, struct mr_host, topology.count);
	for (size_t i = 0; i < topology.count; i++) {
		struct mr_host *host = &topology.hosts[i];

		host->name = rows[i].name;
		host->services = rows[i].services;
		host->server_id = rows[i].server_id;
		host->state = rows[i].state;
		mr_list_add(arena, &host->fingerprints, rows[i].fingerprint);
	}
	mr_list_add(arena, &topology.domains, "maildomain.org");
	mr_list_add(arena, &topology.domains, "other.org");
	mr_topology_set_postmaster(arena, &topology, "other.org", "chief@maildomain.org");
	return topology;
}

/* As a machine of these users and Debian 12's programs has it. */
static inline void render(struct mr_arena *arena, const struct mr_config *config,
			  const struct mr_topology *topology, bool gate_closed,
			  struct mr_rendering *out)
{
	const struct mr_render_machine machine = sample_machine();
	struct mr_error err;

	assert_ok(mr_render_as(arena, config, topology, &machine, gate_closed, out, &err), err);
}

static inline const struct mr_rendered *find(const struct mr_rendering *rendering, const char *path)
{
	for (size_t i = 0; i < rendering->count; i++)
		if (mr_ends_with(rendering->files[i].path, path))
			return &rendering->files[i];
	return NULL;
}

static inline const char *content(const struct mr_rendering *rendering, const char *path)
{
	const struct mr_rendered *file = find(rendering, path);

	if (!file)
		fail_msg("%s is not rendered", path);
	return file->content;
}

static inline const char *text_at(struct mr_arena *arena, const char *path)
{
	struct mr_error err;
	char *text;

	assert_ok(mr_file_read(arena, path, 1 << 20, &text, NULL, &err), err);
	return text;
}

/* Settings of `host` as mailrepl.conf, which lies in `folder` then, has them. */
static inline struct mr_config config_with(struct mr_arena *arena, const char *folder,
					   const char *host, const char *settings)
{
	const char *path = mr_printf(arena, "%s/mailrepl.conf", folder);
	struct mr_config config;
	struct mr_error err;

	put_file(path, settings);
	assert_ok(mr_config_load(arena, NULL, path, &config, &err), err);
	config.host = host;
	return config;
}

#endif
