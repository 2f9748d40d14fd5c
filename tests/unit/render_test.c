#include "test.h"

#include <pthread.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/paths.h"
#include "features/gate.h"
#include "features/render.h"
#include "features/render_check.h"
#include "features/render_keep.h"
#include "features/render_manifest.h"
#include "features/render_probe.h"

static struct mr_render_machine machine = { .ids = { .root = 0,
						     .openldap = 101,
						     .postfix = 102,
						     .dovecot = 103,
						     .nslcd = 104,
						     .exim = 105 } };
static struct mr_error err;

/* The checkout: templates and schema are read from it. */
static const char *source(void)
{
	const char *folder = getenv("MAILREPL_TEST_SOURCE");

	return folder ? folder : ".";
}

static struct mr_config config_of(const char *root, const char *host)
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

/* mail1.lan: the home. mail2.lan: a server. relay.lan: a relay, not come yet. */
static struct mr_topology topology_of(struct mr_arena *arena, enum mr_scheme scheme)
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

static void render(struct mr_arena *arena, const struct mr_config *config,
		   const struct mr_topology *topology, bool gate_closed, struct mr_rendering *out)
{
	assert_ok(mr_render_as(arena, config, topology, &machine, gate_closed, out, &err), err);
}

static const struct mr_rendered *find(const struct mr_rendering *rendering, const char *path)
{
	for (size_t i = 0; i < rendering->count; i++)
		if (mr_ends_with(rendering->files[i].path, path))
			return &rendering->files[i];
	return NULL;
}

static const char *content(const struct mr_rendering *rendering, const char *path)
{
	const struct mr_rendered *file = find(rendering, path);

	if (!file)
		fail_msg("%s is not rendered", path);
	return file->content;
}

static const char *text_at(struct mr_arena *arena, const char *path)
{
	char *text;

	assert_ok(mr_file_read(arena, path, 1 << 20, &text, NULL, &err), err);
	return text;
}

static void write_at(const char *path, const char *text)
{
	MR_ARENA arena = mr_arena_open();
	const char *folder = mr_strndup(arena, path, (size_t)(strrchr(path, '/') - path));

	if (!mr_path_exists(folder))
		assert_ok(mr_folder_make(folder,
					 (struct mr_file_attrs){ 0755, (uid_t)-1, (gid_t)-1 },
					 &err),
			  err);
	assert_ok(mr_file_replace(path, text, strlen(text), MR_FILE_PUBLIC, &err), err);
}

/* What differs from machine to machine: where the checkout and the build lie. */
static const char *without(struct mr_arena *arena, const char *text, const char *folder,
			   const char *mark)
{
	MR_BUF out = { 0 };
	const char *at;

	for (; (at = strstr(text, folder)); text = at + strlen(folder)) {
		mr_buf_add(&out, text, (size_t)(at - text));
		mr_buf_puts(&out, mark);
	}
	mr_buf_puts(&out, text);
	return mr_strdup(arena, mr_buf_text(&out));
}

static const char *portable(struct mr_arena *arena, const char *text)
{
	/* The build may lie in the checkout. */
	text = without(arena, text, mr_libexec_folder(), "@LIBEXEC@");
	text = without(arena, text, mr_data_folder(), "@DATA@");
	text = without(arena, text, "/below", "");
	return without(arena, text, "%2Fbelow", "");
}

static void check_golden(const char *name, const char *host, enum mr_scheme scheme, bool dns,
			 const char *mta)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, scheme);
	/* Below a folder nobody asks for Exim's user, who is not on each machine. */
	struct mr_config config = config_of(strcmp(mta, "exim") == 0 ? "/below" : "", host);
	struct mr_rendering rendering = { 0 };

	config.mail_dns = dns;
	config.mail_mta = mta;
	render(arena, &config, &topology, false, &rendering);
	for (size_t i = 0; i < rendering.count; i++) {
		const char *path = mr_printf(arena, "%s/tests/golden/%s%s", source(), name,
					     rendering.files[i].path + strlen(config.root));
		const char *got = portable(arena, rendering.files[i].content);

		if (getenv("MAILREPL_GOLDEN_UPDATE"))
			write_at(path, got);
		else if (strcmp(got, text_at(arena, path)) != 0)
			fail_msg("%s: rendered differently; look at tests/golden/update", path);
	}
}

/* In golden/`name` lies what differs from golden/`base`. */
static void check_differences(const char *name, const char *base,
			      const struct mr_rendering *rendering)
{
	MR_ARENA arena = mr_arena_open();

	for (size_t i = 0; i < rendering->count; i++) {
		const char *file = portable(arena, rendering->files[i].path);
		const char *path = mr_printf(arena, "%s/tests/golden/%s%s", source(), name, file);
		const char *got = portable(arena, rendering->files[i].content);
		const char *usual = text_at(
			arena, mr_printf(arena, "%s/tests/golden/%s%s", source(), base, file));
		const char *want = mr_path_exists(path) ? text_at(arena, path) : usual;

		if (!getenv("MAILREPL_GOLDEN_UPDATE") && strcmp(got, want) != 0)
			fail_msg("%s: rendered differently; look at tests/golden/update", path);
		if (getenv("MAILREPL_GOLDEN_UPDATE") && strcmp(got, usual) != 0)
			write_at(path, got);
	}
}

static void the_home_is_rendered_as_agreed(void **state)
{
	(void)state;
	check_golden("home", "mail1.lan", MR_SCHEME_INTRANET, false, "postfix");
}

static void a_server_is_rendered_as_agreed(void **state)
{
	(void)state;
	check_golden("server", "mail2.lan", MR_SCHEME_SERVER_MX, true, "postfix");
}

static void a_relay_is_rendered_as_agreed(void **state)
{
	(void)state;
	check_golden("relay", "relay.lan", MR_SCHEME_RELAY_MX, true, "postfix");
}

static void a_relay_with_exim_is_rendered_as_agreed(void **state)
{
	(void)state;
	check_golden("relay-exim", "relay.lan", MR_SCHEME_RELAY_MX, true, "exim");
}

static void a_server_with_exim_is_rendered_as_agreed(void **state)
{
	(void)state;
	check_golden("server-exim", "mail2.lan", MR_SCHEME_SERVER_MX, true, "exim");
}

/* Every scheme for every role: what differs from the role's files above is in scheme-<scheme>-<role>. */
static void every_scheme_is_rendered_as_agreed_for_every_role(void **state)
{
	static const struct {
		const char *role, *host;
		bool dns;
	} roles[] = { { "home", "mail1.lan", false },
		      { "server", "mail2.lan", true },
		      { "relay", "relay.lan", true } };
	static const enum mr_scheme schemes[] = { MR_SCHEME_INTRANET, MR_SCHEME_SERVER_MX,
						  MR_SCHEME_RELAY_MX };
	MR_ARENA arena = mr_arena_open();

	(void)state;
	for (size_t i = 0; i < 9; i++) {
		enum mr_scheme scheme = schemes[i / 3];
		struct mr_topology topology = topology_of(arena, scheme);
		struct mr_config config = config_of("", roles[i % 3].host);
		struct mr_rendering rendering = { 0 };

		if (scheme != MR_SCHEME_INTRANET)
			mr_list_add(arena, &topology.mx,
				    scheme == MR_SCHEME_RELAY_MX ? "relay.lan" : "mail1.lan");
		config.mail_dns = roles[i % 3].dns;
		render(arena, &config, &topology, false, &rendering);
		check_differences(
			mr_printf(arena, "scheme-%s-%s", mr_scheme_word(scheme), roles[i % 3].role),
			roles[i % 3].role, &rendering);
	}
}

/* A relay, and a backup for other primaries, with much else that is not as usual: what differs from the relay above. */
static void check_backup(const char *folder, const char *mta, const char *settings,
			 const char *name, const char *base)
{
	MR_ARENA arena = mr_arena_open();
	const char *path = mr_printf(arena, "%s/mailrepl.conf", folder);
	struct mr_topology topology = topology_of(arena, MR_SCHEME_RELAY_MX);
	struct mr_foreign foreign = { .name = "partner.org" };
	struct mr_render_machine known = machine;
	struct mr_rendering rendering = { 0 };
	struct mr_config config;

	write_at(path, settings);
	assert_ok(mr_config_load(arena, NULL, path, &config, &err), err);
	config.root = strcmp(mta, "exim") == 0 ? "/below" : "";
	config.host = "relay.lan";
	config.mail_mta = mta;
	mr_list_add(arena, &foreign.recipients, "a@partner.org");
	topology.foreign = &foreign;
	topology.foreign_count = 1;
	assert_ok(
		mr_backup_mx_read(arena, &config, &topology, &known.versions, &known.backup, &err),
		err);
	mr_list_add(arena, &known.peer_addresses, "10.0.0.1");
	assert_ok(mr_render_as(arena, &config, &topology, &known, false, &rendering, &err), err);
	check_differences(name, base, &rendering);
}

#define BACKUP                                                                                     \
	"backup_mx: { domains = ( { domain = \"friend.org\"; primary = \"[192.0.2.1]:2525\"; } "   \
	");\n"                                                                                     \
	" queue_lifetime = 30; etrn = [ \"192.0.2.1\" ];"
#define LIMITS                                                                                     \
	"limits: { connections = 10; messages = 20; recipients = 200; };\n"                        \
	"restrictions: { policy_service = \"inet:127.0.0.1:10023\"; "

static void a_backup_for_other_primaries_is_rendered_as_agreed(void **state)
{
	check_backup(*state, "postfix",
		     BACKUP "networks = [ \"198.51.100.0/24\" ]; };\n" LIMITS "};\n"
			    "mail: { manage = true; };\n",
		     "backup", "relay");
}

static void a_backup_with_exim_is_rendered_as_agreed(void **state)
{
	check_backup(*state, "exim",
		     BACKUP "};\n" LIMITS
			    "policy_down = \"defer\"; helo = \"known\"; client_name = true; "
			    "own_senders = \"login\"; };\n"
			    "tls: { incoming = \"encrypt\"; outgoing = \"verify\"; };\n"
			    "dsn: { offer = \"everybody\"; };\n"
			    "mail: { protocols = \"ipv4\"; name = \"maildomain.org\"; "
			    "mailbox_size_limit = 100; };\n",
		     "backup-exim", "relay-exim");
}

static void a_relay_gets_nothing_of_accounts_or_mailboxes(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of("", "relay.lan");
	struct mr_rendering rendering = { 0 };

	(void)state;
	render(arena, &config, &topology, false, &rendering);
	for (size_t i = 0; i < rendering.count; i++) {
		assert_int_not_equal(rendering.files[i].service, MR_SERVICE_DOVECOT);
		if (strstr(rendering.files[i].content, "ou=Unix") ||
		    strstr(rendering.files[i].content, "userPassword") ||
		    strstr(rendering.files[i].content, "olcOverlay"))
			fail_msg("%s", rendering.files[i].path);
	}
	assert_null(find(&rendering, "/mailboxes.cf"));
}

static void accounts_are_shown_to_a_system_only_where_that_is_wanted_and_possible(void **state)
{
	static const struct {
		const char *host;
		bool wanted, packages, want;
	} cases[] = {
		{ "mail2.lan", true, true, true },
		{ "mail2.lan", false, true, false },
		{ "mail2.lan", true, false, false },
		{ "relay.lan", true, true, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
		struct mr_config config = config_of("", cases[i].host);
		struct mr_render_machine known = machine;
		struct mr_rendering rendering = { 0 };

		topology.system_accounts = cases[i].wanted;
		if (!cases[i].packages)
			known.ids.nslcd = (uid_t)-1;
		assert_ok(mr_render_as(arena, &config, &topology, &known, false, &rendering, &err),
			  err);
		assert_int_equal(find(&rendering, "/etc/nslcd.conf") != NULL, cases[i].want);
		assert_int_equal(strstr(content(&rendering, MR_PATH_SLAPD_LDIF), "cn=nslcd") !=
					 NULL,
				 cases[i].want);
	}
}

static void another_delimiter_reaches_postfix_and_exim(void **state)
{
	static const struct {
		enum mr_delimiter delimiter;
		const char *postfix, *exim;
	} cases[] = {
		{ MR_DELIMITER_PLUS, "\nrecipient_delimiter = +\n", "lookup --delimiter +\n" },
		{ MR_DELIMITER_EQUALS, "\nrecipient_delimiter = =\n", "lookup --delimiter =\n" },
		{ MR_DELIMITER_NONE, "\nrecipient_delimiter =\n", "lookup --delimiter none\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_topology topology = topology_of(arena, MR_SCHEME_RELAY_MX);
		struct mr_config server = config_of("", "mail2.lan"),
				 relay = config_of("/below", "relay.lan");
		struct mr_rendering rendering = { 0 };

		topology.delimiter = cases[i].delimiter;
		render(arena, &server, &topology, false, &rendering);
		assert_contains(content(&rendering, "/postfix/main.cf"), cases[i].postfix);
		rendering = (struct mr_rendering){ 0 };
		relay.mail_mta = "exim";
		render(arena, &relay, &topology, false, &rendering);
		assert_contains(content(&rendering, "/exim4.conf"), cases[i].exim);
	}
}

static void exim_trusts_networks_of_both_protocols(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_RELAY_MX);
	struct mr_config config = config_of("/below", "relay.lan");
	struct mr_rendering rendering = { 0 };
	struct mr_list networks = { 0 };

	(void)state;
	mr_list_add(arena, &networks, "192.0.2.0/24");
	mr_list_add(arena, &networks, "2001:db8::/32");
	config.mail_mta = "exim";
	config.others = mr_value_object(arena);
	mr_value_set(arena, config.others, "mail.networks", mr_value_strings(arena, &networks));
	render(arena, &config, &topology, false, &rendering);
	assert_contains(content(&rendering, "/exim4.conf"), "; 192.0.2.0/24 ; 2001:db8::/32 ;");
}

static void nslcd_is_let_to_no_password_and_to_the_copy_alone(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of("", "mail2.lan");
	struct mr_rendering rendering = { 0 };
	const char *rule, *line, *copy;

	(void)state;
	topology.system_accounts = true;
	render(arena, &config, &topology, false, &rendering);
	copy = strstr(content(&rendering, MR_PATH_SLAPD_LDIF), "olcSuffix: ou=Unix,dc=mailrepl\n");
	rule = strstr(content(&rendering, MR_PATH_SLAPD_LDIF), "by dn.exact=\"cn=nslcd,ou=Local");
	assert_true(rule > copy);
	assert_null(strstr(rule + 1, "by dn.exact=\"cn=nslcd"));
	for (line = rule - 2; line[-1] != '\n'; line--)
		;
	assert_null(strstr(mr_strndup(arena, line, (size_t)(rule - line)), "userPassword"));
	assert_contains(content(&rendering, "/etc/nslcd.conf"), "map passwd userPassword \"*\"\n");
}

static void a_home_without_accounts_owns_mail_only(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of("", "mail1.lan");
	struct mr_rendering rendering = { 0 };
	const char *ldif;

	(void)state;
	topology.count = 1;
	topology.hosts[0].services = MR_MAIL;
	render(arena, &config, &topology, false, &rendering);
	ldif = content(&rendering, MR_PATH_SLAPD_LDIF);
	assert_contains(ldif, "olcSuffix: cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl\n");
	assert_null(strstr(ldif, "ou=Unix"));
	assert_null(strstr(content(&rendering, "/main.cf"), "peers.cf"));
	assert_null(find(&rendering, "/dovecot.conf"));
}

static void the_gate_turns_refusals_into_deferrals(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of("", "relay.lan");
	struct mr_rendering open = { 0 }, closed = { 0 };

	(void)state;
	render(arena, &config, &topology, false, &open);
	render(arena, &config, &topology, true, &closed);
	assert_contains(content(&open, "/main.cf"), "\nsoft_bounce = no\n");
	assert_contains(content(&closed, "/main.cf"), "\nsoft_bounce = yes\n");
}

static void a_removed_host_is_named_nowhere(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of("", "mail1.lan");
	struct mr_rendering rendering = { 0 };

	(void)state;
	topology.count = 2;
	render(arena, &config, &topology, false, &rendering);
	for (size_t i = 0; i < rendering.count; i++)
		if (strstr(rendering.files[i].content, "relay.lan") ||
		    strstr(rendering.files[i].content, "33:33"))
			fail_msg("%s", rendering.files[i].path);
}

static void mail_for_a_host_that_was_taken_over_goes_to_who_has_it(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config here = config_of("", "mail1.lan"), there = config_of("", "relay.lan");
	struct mr_rendering adopter = { 0 }, other = { 0 };

	(void)state;
	mr_list_add(arena, &topology.former, "mail9.lan mail1.lan");
	render(arena, &here, &topology, false, &adopter);
	render(arena, &there, &topology, false, &other);
	/* Its own smtpd looks for the new real address: one that is not there is refused. */
	assert_non_null(strstr(content(&adopter, "/postfix/mailrepl/transport"),
			       "\nmail9.lan loopback:[127.0.0.1]:10025\n"));
	assert_non_null(strstr(content(&other, "/postfix/mailrepl/transport"),
			       "\nmail9.lan relay:[mail1.lan]\n"));
	assert_non_null(strstr(content(&adopter, "/postfix/mailrepl/routes.cf"),
			       "\ndomain = maildomain.org other.org mail9.lan\n"));
	assert_non_null(
		strstr(content(&adopter, "/postfix/mailrepl/hosts"), "\nmail9.lan peers_only\n"));
	assert_non_null(strstr(content(&other, "/postfix/main.cf"), "\n    mail9.lan\n"));
}

static void rids_are_unique_within_a_slapd(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of("", "mail1.lan");
	struct mr_rendering rendering = { 0 };
	struct mr_list seen = { 0 };
	const char *at;

	(void)state;
	render(arena, &config, &topology, false, &rendering);
	at = content(&rendering, MR_PATH_SLAPD_LDIF);
	while ((at = strstr(at, "rid="))) {
		const char *rid = mr_strndup(arena, at, 7);

		assert_false(mr_list_has(&seen, rid));
		mr_list_add(arena, &seen, rid);
		at += 7;
	}
	assert_int_equal(seen.count, 4);
}

static void many_hosts_get_threads_enough(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of("", "mail1.lan");
	struct mr_host *hosts = MR_NEW_ARRAY(arena, struct mr_host, 100);
	struct mr_rendering rendering = { 0 };

	(void)state;
	memcpy(hosts, topology.hosts, 3 * sizeof(*hosts));
	for (unsigned i = 3; i < 100; i++)
		hosts[i] = (struct mr_host){ mr_printf(arena, "r%u.lan", i),
					     MR_MAIL,
					     i + 1,
					     MR_JOINED,
					     { 0 },
					     MR_MODE_INTERNET };
	topology.hosts = hosts;
	topology.count = 100;
	render(arena, &config, &topology, false, &rendering);
	assert_contains(content(&rendering, MR_PATH_SLAPD_LDIF), "\nolcThreads: 216\n");
}

static void everything_lies_below_the_root(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of("/tmp/private", "mail1.lan");
	struct mr_rendering rendering = { 0 };

	(void)state;
	render(arena, &config, &topology, false, &rendering);
	for (size_t i = 0; i < rendering.count; i++)
		assert_true(mr_starts_with(rendering.files[i].path, "/tmp/private/"));
	assert_contains(content(&rendering, MR_PATH_SLAPD_LDIF),
			"ldapi://%2Ftmp%2Fprivate%2Frun%2Fmailrepl%2Fldapi");
	assert_null(strstr(content(&rendering, MR_PATH_SLAPD_LDIF), ": /var/lib/mailrepl"));
}

static void an_override_wins_and_its_mistakes_are_located(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of(*state, "mail1.lan");
	struct mr_rendering rendering = { 0 }, broken = { 0 };
	const char *path =
		mr_printf(arena, "%s%s/postfix/transport", config.root, MR_PATH_OVERRIDES);

	write_at(path, "mine {{host}}\n");
	render(arena, &config, &topology, false, &rendering);
	assert_string_equal(content(&rendering, "/mailrepl/transport"), "mine mail1.lan\n");
	write_at(path, "one\ntwo {{hots}}\n");
	assert_fails(mr_render_as(arena, &config, &topology, &machine, false, &broken, &err),
		     MR_E_CONFIG, err);
	assert_contains(err.message, mr_printf(arena, "%s:2: {{hots}}", path));
}

static void a_host_outside_the_topology_is_refused(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config stranger = config_of("", "mail9.lan"), unnamed = config_of("", NULL);
	struct mr_rendering rendering = { 0 };

	(void)state;
	assert_fails(mr_render(arena, &stranger, &topology, false, &rendering, &err), MR_E_NO_HOST,
		     err);
	assert_contains(err.message, "mail9.lan");
	assert_fails(mr_render(arena, &unnamed, &topology, false, &rendering, &err), MR_E_NO_HOST,
		     err);
}

static void a_host_name_cannot_open_the_access_rules(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of("", "mail1.lan");
	struct mr_rendering rendering = { 0 };

	(void)state;
	topology.hosts[2].name = "r\" write by dn=\"x";
	assert_fails(mr_render_as(arena, &config, &topology, &machine, false, &rendering, &err),
		     MR_E_CONFIG, err);
}

static void mistakes_in_the_manifest_are_located(void **state)
{
	static const struct {
		const char *row, *want;
	} rows[] = {
		{ "a /b root:root 0644 none postfix", "6 columns" },
		{ "a /b root:root 0644 none postfix all more", "8 columns" },
		{ "../a /b root:root 0644 none postfix all", "\"../a\"" },
		{ "/a /b root:root 0644 none postfix all", "\"/a\"" },
		{ "a b root:root 0644 none postfix all", "\"b\"" },
		{ "a /../b root:root 0644 none postfix all", "\"/../b\"" },
		{ "a /b root 0644 none postfix all", "\"root\"" },
		{ "a /b root: 0644 none postfix all", "\"root:\"" },
		{ "a /b root:root 0648 none postfix all", "\"0648\"" },
		{ "a /b root:root 4755 none postfix all", "\"4755\"" },
		{ "a /b root:root 0644 html postfix all", "\"html\"" },
		{ "a /b root:root 0644 none sendmail all", "\"sendmail\"" },
		{ "a /b root:root 0644 none postfix some", "\"some\"" },
	};
	MR_ARENA arena = mr_arena_open();
	struct mr_config config = config_of(*state, "mail1.lan");
	const char *path = mr_printf(arena, "%s%s/MANIFEST", config.root, MR_PATH_OVERRIDES);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mr_manifest manifest = { 0 };

		write_at(path, mr_printf(arena, "# a comment\n\n%s\n", rows[i].row));
		assert_fails(mr_manifest_read(arena, &config, &manifest, &err), MR_E_CONFIG, err);
		assert_contains(err.message, mr_printf(arena, "%s:3: ", path));
		assert_contains(err.message, rows[i].want);
	}
}

static void apply(const struct mr_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct mr_step *step = &plan->steps[i];

		if (step->kind == MR_STEP_ACTION) {
			assert_ok(step->run(step->argument, &err), err);
			continue;
		}
		assert_int_equal(step->kind, MR_STEP_FILE);
		write_at(step->path, "");
		assert_ok(mr_file_replace(step->path, step->content, step->content_len, step->attrs,
					  &err),
			  err);
	}
}

static size_t plan_and_apply(struct mr_arena *arena, const struct mr_config *config,
			     const struct mr_rendering *rendering)
{
	struct mr_plan plan = { 0 };

	assert_ok(mr_render_plan(arena, config, rendering, MR_SERVICE_POSTFIX, &plan, &err), err);
	assert_ok(mr_render_plan(arena, config, rendering, MR_SERVICE_DOVECOT, &plan, &err), err);
	apply(&plan);
	return plan.count;
}

static void a_second_plan_is_empty(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of(*state, "mail1.lan");
	struct mr_rendering rendering = { 0 };

	render(arena, &config, &topology, false, &rendering);
	assert_int_not_equal(plan_and_apply(arena, &config, &rendering), 0);
	assert_int_equal(plan_and_apply(arena, &config, &rendering), 0);
}

static void only_what_differs_is_written(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of(*state, "mail1.lan");
	struct mr_rendering open = { 0 }, closed = { 0 };
	struct mr_plan plan = { 0 };

	render(arena, &config, &topology, false, &open);
	render(arena, &config, &topology, true, &closed);
	plan_and_apply(arena, &config, &open);
	assert_ok(mr_render_plan(arena, &config, &closed, MR_SERVICE_POSTFIX, &plan, &err), err);
	assert_int_equal(plan.count, 3); /* keep what is there, main.cf, record it */
	assert_true(mr_ends_with(plan.steps[1].path, "/etc/postfix/main.cf"));
}

static void what_a_killed_run_did_not_record_is_recorded_by_the_next_one(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of(*state, "mail1.lan");
	struct mr_rendering rendering = { 0 };
	struct mr_plan plan = { 0 }, again = { 0 };
	const char *roles = mr_printf(arena, "%s/etc/postfix/mailrepl/roles", config.root);

	render(arena, &config, &topology, false, &rendering);
	assert_ok(mr_render_plan(arena, &config, &rendering, MR_SERVICE_POSTFIX, &plan, &err), err);
	plan.count--; /* all but the last step, which records it */
	apply(&plan);
	assert_null(mr_kept_text(arena, &config, MR_PATH_WRITTEN, roles));
	assert_ok(mr_render_plan(arena, &config, &rendering, MR_SERVICE_POSTFIX, &again, &err),
		  err);
	assert_int_equal(again.count, 1);
	apply(&again);
	assert_non_null(mr_kept_text(arena, &config, MR_PATH_WRITTEN, roles));
	assert_int_equal(plan_and_apply(arena, &config, &rendering) > 0, true); /* dovecot's */
	assert_int_equal(plan_and_apply(arena, &config, &rendering), 0);
}

struct gate_change {
	const char *due;
	int lock;
};

static void *end_gate_change(void *argument)
{
	const struct timespec while_it_is_planned = { 0, 200000000 };
	const struct gate_change *change = argument;

	nanosleep(&while_it_is_planned, NULL);
	assert_int_equal(unlink(change->due), 0);
	mr_lock_close(change->lock);
	return NULL;
}

static void a_gate_that_is_just_being_put_in_force_is_waited_for_and_not_made_up_for(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of(*state, "mail1.lan");
	struct mr_rendering rendering = { 0 };
	struct gate_change change = { mr_path(arena, config.root, MR_PATH_DUE_GATE), -1 };
	pthread_t watch;

	render(arena, &config, &topology, false, &rendering);
	plan_and_apply(arena, &config, &rendering);
	write_at(mr_path(arena, config.root, MR_PATH_GATE_LOCK), "");
	write_at(change.due, "reload");
	change.lock = mr_gate_lock(&config);
	assert_true(change.lock >= 0);
	assert_int_equal(pthread_create(&watch, NULL, end_gate_change, &change), 0);
	assert_int_equal(plan_and_apply(arena, &config, &rendering), 0);
	assert_int_equal(pthread_join(watch, NULL), 0);
	/* One that was left is. */
	write_at(change.due, "reload");
	assert_int_equal(plan_and_apply(arena, &config, &rendering), 1);
	assert_int_equal(plan_and_apply(arena, &config, &rendering), 0);
}

static void a_relay_neither_writes_nor_starts_dovecot(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of("", "relay.lan");
	struct mr_rendering rendering = { 0 };
	struct mr_plan plan = { 0 };

	(void)state;
	render(arena, &config, &topology, false, &rendering);
	assert_ok(mr_render_plan(arena, &config, &rendering, MR_SERVICE_DOVECOT, &plan, &err), err);
	assert_int_equal(plan.count, 0);
}

static void what_lay_there_is_kept_once_and_comes_back(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of(*state, "mail1.lan");
	struct mr_rendering first = { 0 }, second = { 0 };
	struct mr_plan undo = { 0 }, again = { 0 };
	const char *main_cf = mr_printf(arena, "%s/etc/postfix/main.cf", config.root);
	const char *roles = mr_printf(arena, "%s/etc/postfix/mailrepl/roles", config.root);
	struct stat st;

	write_at(main_cf, "mine\n");
	assert_int_equal(chmod(main_cf, 0640), 0);
	render(arena, &config, &topology, false, &first);
	render(arena, &config, &topology, true, &second);
	plan_and_apply(arena, &config, &first);
	plan_and_apply(arena, &config, &second);
	assert_string_equal(
		text_at(arena, mr_kept_find(arena, &config, MR_PATH_ORIGINAL, main_cf).copy),
		"mine\n");
	assert_ok(mr_render_undo_plan(arena, &config, &undo, &err), err);
	apply(&undo);
	assert_string_equal(text_at(arena, main_cf), "mine\n");
	assert_int_equal(stat(main_cf, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_false(mr_path_exists(roles));
	assert_ok(mr_render_undo_plan(arena, &config, &again, &err), err);
	assert_int_equal(again.count, 0);
}

/* doveconf reads certificates while it checks. */
static void a_service_refuses_its_staged_files_in_its_own_words(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of(*state, "mail1.lan");
	struct mr_rendering good = { 0 }, bad = { 0 };

	write_at(mr_path(arena, config.root, MR_PATH_CA_CERT), "x\n");
	write_at(mr_path(arena, config.root, MR_PATH_HOST_CERT), "x\n");
	write_at(mr_path(arena, config.root, MR_PATH_HOST_KEY), "x\n");
	render(arena, &config, &topology, false, &good);
	assert_ok(mr_render_check(&config, &good, MR_SERVICE_DOVECOT, &err), err);
	write_at(mr_printf(arena, "%s%s/dovecot/dovecot.conf", config.root, MR_PATH_OVERRIDES),
		 "nonsense = 1\n");
	render(arena, &config, &topology, false, &bad);
	assert_fails(mr_render_check(&config, &bad, MR_SERVICE_DOVECOT, &err), MR_E_CONFIG, err);
	assert_contains(err.message, "nonsense");
	assert_false(mr_path_exists(
		mr_printf(arena, "%s/var/lib/mailrepl/.check-dovecot", config.root)));
	assert_false(mr_path_exists(mr_printf(arena, "%s/etc/dovecot", config.root)));
}

/* Where a test's folder holds what Postfix gets on mail1.lan. */
static const char *stage_postfix(struct mr_arena *arena, const char *folder)
{
	struct mr_topology topology = topology_of(arena, MR_SCHEME_SERVER_MX);
	struct mr_config config = config_of("", "mail1.lan");
	const char *staging = mr_printf(arena, "%s/staging", folder);
	struct mr_rendering rendering = { 0 };

	render(arena, &config, &topology, false, &rendering);
	for (size_t i = 0; i < rendering.count; i++)
		if (rendering.files[i].service == MR_SERVICE_POSTFIX) {
			const char *path =
				mr_printf(arena, "%s%s", staging,
					  rendering.files[i].path + strlen(MR_PATH_POSTFIX));

			write_at(path, rendering.files[i].content);
			assert_ok(mr_render_age(path, &err), err);
		}
	return staging;
}

static void static_tables_are_tried_out_where_no_directory_answers(void **state)
{
	static const struct {
		const char *table, *text, *want;
	} cases[] = {
		{ "hosts", "mail1.lan peers_only\nmail2.lan\n", "find \"mail2.lan\"" },
		{ "open", "# none\nmaildomain.org OK\n continued\nother.org\tOK  \n", NULL },
		{ "open", "a.org OK\nA.org NO\na.org no\n", NULL },
		{ "roles", "postmaster@maildomain.org root@localhost\n",
		  "postmaster@other.org is in no" },
		{ "transport", "no-such-user.mailrepl-probe smtp:\n",
		  "\"no-such-user.mailrepl-probe\"" },
	};
	MR_ARENA arena = mr_arena_open();
	struct mr_config config = config_of(*state, "mail1.lan");
	const char *staging = stage_postfix(arena, *state);

	assert_ok(mr_render_probe(&config, staging, &err), err);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *path = mr_printf(arena, "%s/mailrepl/%s", staging, cases[i].table);
		const char *right = text_at(arena, path);

		write_at(path, cases[i].text);
		assert_ok(mr_render_age(path, &err), err);
		if (cases[i].want) {
			assert_fails(mr_render_probe(&config, staging, &err), MR_E_CONFIG, err);
			assert_contains(err.message, cases[i].want);
		} else {
			assert_ok(mr_render_probe(&config, staging, &err), err);
		}
		write_at(path, right);
		assert_ok(mr_render_age(path, &err), err);
	}
}

static void a_replaced_file_looks_old_enough_for_postfix(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *path = mr_printf(arena, "%s/main.cf", *(char **)state);
	struct stat st;

	write_at(path, "x\n");
	assert_ok(mr_render_age(path, &err), err);
	assert_int_equal(stat(path, &st), 0);
	/* dict_load_file_xt(): st_mtime < now - 1, and a second may have passed since */
	assert_true(st.st_mtime < time(NULL) - 1);
	assert_string_equal(text_at(arena, path), "x\n");
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_home_is_rendered_as_agreed),
		cmocka_unit_test(a_server_is_rendered_as_agreed),
		cmocka_unit_test(a_relay_is_rendered_as_agreed),
		cmocka_unit_test(a_relay_with_exim_is_rendered_as_agreed),
		cmocka_unit_test(a_server_with_exim_is_rendered_as_agreed),
		cmocka_unit_test(every_scheme_is_rendered_as_agreed_for_every_role),
		cmocka_unit_test_setup_teardown(a_backup_with_exim_is_rendered_as_agreed,
						folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(a_backup_for_other_primaries_is_rendered_as_agreed,
						folder_setup, folder_teardown),
		cmocka_unit_test(a_relay_gets_nothing_of_accounts_or_mailboxes),
		cmocka_unit_test(
			accounts_are_shown_to_a_system_only_where_that_is_wanted_and_possible),
		cmocka_unit_test(another_delimiter_reaches_postfix_and_exim),
		cmocka_unit_test(exim_trusts_networks_of_both_protocols),
		cmocka_unit_test(nslcd_is_let_to_no_password_and_to_the_copy_alone),
		cmocka_unit_test(a_home_without_accounts_owns_mail_only),
		cmocka_unit_test(the_gate_turns_refusals_into_deferrals),
		cmocka_unit_test(a_removed_host_is_named_nowhere),
		cmocka_unit_test(mail_for_a_host_that_was_taken_over_goes_to_who_has_it),
		cmocka_unit_test(rids_are_unique_within_a_slapd),
		cmocka_unit_test(many_hosts_get_threads_enough),
		cmocka_unit_test(everything_lies_below_the_root),
		IN_FOLDER(an_override_wins_and_its_mistakes_are_located),
		cmocka_unit_test(a_host_outside_the_topology_is_refused),
		cmocka_unit_test(a_host_name_cannot_open_the_access_rules),
		IN_FOLDER(mistakes_in_the_manifest_are_located),
		IN_FOLDER(a_second_plan_is_empty),
		IN_FOLDER(only_what_differs_is_written),
		IN_FOLDER(what_a_killed_run_did_not_record_is_recorded_by_the_next_one),
		IN_FOLDER(a_gate_that_is_just_being_put_in_force_is_waited_for_and_not_made_up_for),
		cmocka_unit_test(a_relay_neither_writes_nor_starts_dovecot),
		IN_FOLDER(what_lay_there_is_kept_once_and_comes_back),
		IN_FOLDER(a_service_refuses_its_staged_files_in_its_own_words),
		IN_FOLDER(static_tables_are_tried_out_where_no_directory_answers),
		IN_FOLDER(a_replaced_file_looks_old_enough_for_postfix),
	};

	setenv("MAILREPL_DATA", source(), 1);
	machine.versions = mr_versions_sample;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
