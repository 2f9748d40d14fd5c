#include "sample_domain.h"

#include "base/paths.h"

static struct mr_error err;

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

static const char *golden(struct mr_arena *arena, const char *name, const char *file)
{
	return mr_printf(arena, "%s/tests/golden/%s%s", source(), name, file);
}

/* In golden/`name` lies what differs from golden/`base`; all, if that is NULL. */
static void check_golden(const char *name, const char *base, const struct mr_rendering *rendering)
{
	MR_ARENA arena = mr_arena_open();

	for (size_t i = 0; i < rendering->count; i++) {
		const char *file = portable(arena, rendering->files[i].path);
		const char *got = portable(arena, rendering->files[i].content);
		const char *path = golden(arena, name, file);
		const char *usual = base && mr_path_exists(golden(arena, base, file))
					    ? text_at(arena, golden(arena, base, file))
					    : NULL;

		if (!getenv("MAILREPL_GOLDEN_UPDATE")) {
			const char *want =
				usual && !mr_path_exists(path) ? usual : text_at(arena, path);

			if (strcmp(got, want) != 0)
				fail_msg("%s: rendered differently; look at tests/golden/update",
					 path);
		} else if (!usual || strcmp(got, usual) != 0) {
			put_file(path, got);
		}
	}
}

static void set_mta(struct mr_config *config, const char *mta)
{
	/* Below a folder nobody asks for Exim's user, who is not on each machine. */
	config->root = strcmp(mta, "exim") == 0 ? "/below" : "";
	config->mail_mta = mta;
}

static void check_role(const char *name, const char *host, enum mr_scheme scheme, bool dns,
		       const char *mta)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, scheme);
	struct mr_config config = config_of("", host);
	struct mr_rendering rendering = { 0 };

	config.mail_dns = dns;
	set_mta(&config, mta);
	render(arena, &config, &topology, false, &rendering);
	check_golden(name, NULL, &rendering);
}

static void the_home_is_rendered_as_agreed(void **state)
{
	(void)state;
	check_role("home", "mail1.lan", MR_SCHEME_INTRANET, false, "postfix");
}

static void a_server_is_rendered_as_agreed(void **state)
{
	(void)state;
	check_role("server", "mail2.lan", MR_SCHEME_SERVER_MX, true, "postfix");
}

static void a_relay_is_rendered_as_agreed(void **state)
{
	(void)state;
	check_role("relay", "relay.lan", MR_SCHEME_RELAY_MX, true, "postfix");
}

static void a_relay_with_exim_is_rendered_as_agreed(void **state)
{
	(void)state;
	check_role("relay-exim", "relay.lan", MR_SCHEME_RELAY_MX, true, "exim");
}

static void a_server_with_exim_is_rendered_as_agreed(void **state)
{
	(void)state;
	check_role("server-exim", "mail2.lan", MR_SCHEME_SERVER_MX, true, "exim");
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
		check_golden(
			mr_printf(arena, "scheme-%s-%s", mr_scheme_word(scheme), roles[i % 3].role),
			roles[i % 3].role, &rendering);
	}
}

/* A relay, and a backup for other primaries, with much else that is not as usual: what differs from the relay above. */
static void check_backup(const char *folder, const char *mta, const char *settings,
			 const char *name, const char *base)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_RELAY_MX);
	struct mr_config config = config_with(arena, folder, "relay.lan", settings);
	struct mr_foreign foreign = { .name = "partner.org" };
	struct mr_render_machine known = sample_machine();
	struct mr_rendering rendering = { 0 };

	set_mta(&config, mta);
	mr_list_add(arena, &foreign.recipients, "a@partner.org");
	topology.foreign = &foreign;
	topology.foreign_count = 1;
	assert_ok(
		mr_backup_mx_read(arena, &config, &topology, &known.versions, &known.backup, &err),
		err);
	mr_list_add(arena, &known.peer_addresses, "10.0.0.1");
	assert_ok(mr_render_as(arena, &config, &topology, &known, false, &rendering, &err), err);
	check_golden(name, base, &rendering);
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

#define SERVERS                                                                                    \
	"mail: { name = \"maildomain.org\"; smarthost = \"[gw.example]:587\"; "                    \
	"smarthost_user = \"intranet\";\n"                                                         \
	" smarthosts = ( { domain = \"partner.example\"; smarthost = \"[tls.example]:465\"; "      \
	"user = \"we\"; tls = \"secure\"; }, { domain = \".friend.example\"; smarthost = "         \
	"\"relay.lan\"; } );\n"                                                                    \
	" mailbox_size_limit = 100; message_size_limit = 20; protocols = \"ipv6\"; "               \
	"postmaster = \"admin@maildomain.org\"; };\n"

static struct mr_topology topology_with(struct mr_arena *arena, enum mr_scheme scheme,
					const char *mx)
{
	struct mr_topology topology = topology_of(arena, scheme);

	mr_list_add(arena, &topology.mx, mx);
	return topology;
}

static void a_host_with_a_smarthost_is_rendered_as_agreed(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_with(arena, MR_SCHEME_SERVER_MX, "mail1.lan");
	struct mr_config config = config_with(arena, *state, "mail2.lan", SERVERS);
	struct mr_rendering rendering = { 0 };

	topology.hosts[1].mode = MR_MODE_SMARTHOST;
	render(arena, &config, &topology, false, &rendering);
	check_golden("mode-smarthost", "server", &rendering);
}

static void a_satellite_is_rendered_as_agreed(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_with(arena, MR_SCHEME_SERVER_MX, "mail2.lan");
	struct mr_config config = config_with(arena, *state, "relay.lan", "");
	struct mr_rendering rendering = { 0 };

	topology.hosts[2].mode = MR_MODE_SATELLITE;
	render(arena, &config, &topology, false, &rendering);
	check_golden("mode-satellite", "relay", &rendering);
}

static void a_local_host_is_rendered_as_agreed(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_with(arena, MR_SCHEME_SERVER_MX, "mail2.lan");
	struct mr_config config = config_with(arena, *state, "relay.lan", "");
	struct mr_rendering rendering = { 0 };

	topology.hosts[2].mode = MR_MODE_LOCAL;
	render(arena, &config, &topology, false, &rendering);
	check_golden("mode-local", "relay", &rendering);
}

static void a_relay_with_exim_and_smarthosts_is_rendered_as_agreed(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_with(arena, MR_SCHEME_RELAY_MX, "relay.lan");
	struct mr_config config = config_with(
		arena, *state, "relay.lan",
		"mail: { name = \"maildomain.org\"; smarthost = \"gw.example:587\"; "
		"smarthost_user = \"intranet\";\n"
		" smarthosts = ( { domain = \"partner.example\"; smarthost = "
		"\"[2001:db8::1]:465\"; user = \"we\"; tls = \"secure\"; }, "
		"{ domain = \".friend.example\"; smarthost = \"mail1.lan\"; }, "
		"{ domain = \"old.example\"; smarthost = \"[192.0.2.1]\"; tls = \"none\"; } ); "
		"networks = [ \"2001:db8::/32\" ]; };\n");
	struct mr_rendering rendering = { 0 };

	set_mta(&config, "exim");
	topology.hosts[1].mode = MR_MODE_SMARTHOST;
	topology.hosts[2].mode = MR_MODE_SMARTHOST;
	render(arena, &config, &topology, false, &rendering);
	check_golden("mode-smarthost-exim", "relay-exim", &rendering);
}

static void a_satellite_with_exim_is_rendered_as_agreed(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_with(arena, MR_SCHEME_SERVER_MX, "mail2.lan");
	struct mr_config config = config_with(arena, *state, "relay.lan", "");
	struct mr_rendering rendering = { 0 };

	set_mta(&config, "exim");
	topology.hosts[2].mode = MR_MODE_SATELLITE;
	render(arena, &config, &topology, false, &rendering);
	check_golden("mode-satellite-exim", "relay-exim", &rendering);
}

/* One that is a satellite, one whose Postfix is its administrators'. */
static void what_other_hosts_have_of_modes_is_rendered_as_agreed(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_with(arena, MR_SCHEME_SERVER_MX, "mail2.lan");
	struct mr_config config = config_with(arena, *state, "mail2.lan", "");
	struct mr_rendering rendering = { 0 };

	topology.hosts[0].mode = MR_MODE_NONE;
	topology.hosts[2].mode = MR_MODE_SATELLITE;
	render(arena, &config, &topology, false, &rendering);
	check_golden("mode-others", "server", &rendering);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* The first five write what the others are compared with. */
		cmocka_unit_test(the_home_is_rendered_as_agreed),
		cmocka_unit_test(a_server_is_rendered_as_agreed),
		cmocka_unit_test(a_relay_is_rendered_as_agreed),
		cmocka_unit_test(a_relay_with_exim_is_rendered_as_agreed),
		cmocka_unit_test(a_server_with_exim_is_rendered_as_agreed),
		cmocka_unit_test(every_scheme_is_rendered_as_agreed_for_every_role),
		IN_FOLDER(a_backup_with_exim_is_rendered_as_agreed),
		IN_FOLDER(a_backup_for_other_primaries_is_rendered_as_agreed),
		IN_FOLDER(a_host_with_a_smarthost_is_rendered_as_agreed),
		IN_FOLDER(a_satellite_is_rendered_as_agreed),
		IN_FOLDER(a_local_host_is_rendered_as_agreed),
		IN_FOLDER(a_relay_with_exim_and_smarthosts_is_rendered_as_agreed),
		IN_FOLDER(a_satellite_with_exim_is_rendered_as_agreed),
		IN_FOLDER(what_other_hosts_have_of_modes_is_rendered_as_agreed),
	};

	setenv("MAILREPL_DATA", source(), 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
