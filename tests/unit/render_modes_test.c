#include "test.h"

#include <sys/stat.h>

#include "base/paths.h"
#include "features/queue_flags.h"
#include "features/render.h"
#include "features/settings_check.h"
#include "features/smarthost.h"

static struct mr_error err;

static const char *source(void)
{
	const char *folder = getenv("MAILREPL_TEST_SOURCE");

	return folder ? folder : ".";
}

/* mail1.lan, the home, and mail2.lan hold mailboxes, relay.lan does not. */
static struct mr_topology topology_of(struct mr_arena *arena, enum mr_scheme scheme, const char *mx)
{
	static const char *const names[] = { "mail1.lan", "mail2.lan", "relay.lan" },
				 *const fingerprints[] = { "11:11", "22:22", "33:33" };
	struct mr_topology topology = { .domain_id = "8c7d2a52-4b2e-4a5d-9a39-0f1d2b6c5e11",
					.home = "mail1.lan",
					.epoch = 1,
					.generation = 4,
					.scheme = scheme,
					.count = 3 };

	topology.hosts = MR_NEW_ARRAY(arena, struct mr_host, 3);
	for (unsigned i = 0; i < 3; i++) {
		topology.hosts[i].name = names[i];
		topology.hosts[i].services = i < 2 ? MR_MAIL | MR_UNIX : MR_MAIL;
		topology.hosts[i].server_id = i + 1;
		topology.hosts[i].state = MR_JOINED;
		mr_list_add(arena, &topology.hosts[i].fingerprints, fingerprints[i]);
	}
	mr_list_add(arena, &topology.domains, "maildomain.org");
	mr_list_add(arena, &topology.domains, "other.org");
	mr_topology_set_postmaster(arena, &topology, "other.org", "chief@maildomain.org");
	if (mx)
		mr_list_add(arena, &topology.mx, mx);
	return topology;
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
		assert_ok(mr_folder_make(folder, MR_FILE_PUBLIC_FOLDER, &err), err);
	assert_ok(mr_file_replace(path, text, strlen(text), MR_FILE_PUBLIC, &err), err);
}

/* Settings of `host`, as mailrepl.conf has them below `folder`. */
static struct mr_config config_of(struct mr_arena *arena, const char *folder, const char *host,
				  const char *settings)
{
	const char *path = mr_printf(arena, "%s/mailrepl.conf", folder);
	struct mr_config config;

	write_at(path, settings);
	assert_ok(mr_config_load(arena, NULL, path, &config, &err), err);
	config.host = host;
	return config;
}

static void render(struct mr_arena *arena, const struct mr_config *config,
		   const struct mr_topology *topology, struct mr_rendering *out)
{
	static const struct mr_render_ids ids = { 0, 101, 102, 103, (uid_t)-1, (uid_t)-1 };
	const struct mr_render_machine machine = { .ids = ids, .versions = mr_versions_sample };

	assert_ok(mr_render_as(arena, config, topology, &machine, false, out, &err), err);
}

static const char *without(struct mr_arena *arena, const char *text, const char *folder,
			   const char *mark)
{
	const char *at = strstr(text, folder);

	return !at ? text
		   : mr_printf(arena, "%.*s%s%s", (int)(at - text), text, mark,
			       without(arena, at + strlen(folder), folder, mark));
}

/* What differs from machine to machine: where the build lies; and below which folder Exim's files are rendered, so
 * that nobody asks for its user. */
static const char *portable(struct mr_arena *arena, const struct mr_rendered *file)
{
	return without(arena, without(arena, file->content, mr_libexec_folder(), "@LIBEXEC@"),
		       "/below", "");
}

/* Of the MTA's files those that are not as in `base`, a folder of tests/golden. */
static void check_golden(const char *name, const char *base, const struct mr_rendering *rendering)
{
	MR_ARENA arena = mr_arena_open();
	bool update = getenv("MAILREPL_GOLDEN_UPDATE");

	for (size_t i = 0; i < rendering->count; i++) {
		const struct mr_rendered *file = &rendering->files[i];
		const char *golden = mr_printf(arena, "%s/tests/golden", source());
		const char *path = strstr(file->path, "/etc/"), *got = portable(arena, file);
		const char *own = mr_printf(arena, "%s/%s%s", golden, name, path);
		const char *usual = mr_printf(arena, "%s/%s%s", golden, base, path);
		bool same = mr_path_exists(usual) && strcmp(got, text_at(arena, usual)) == 0;

		if (file->service != MR_SERVICE_POSTFIX && file->service != MR_SERVICE_EXIM)
			continue;
		if (update && !same)
			write_at(own, got);
		if (!update &&
		    (mr_path_exists(own) ? strcmp(got, text_at(arena, own)) != 0 : !same))
			fail_msg("%s: rendered differently; look at tests/golden/update", own);
	}
}

static const char *content(const struct mr_rendering *rendering, const char *path)
{
	for (size_t i = 0; i < rendering->count; i++)
		if (mr_ends_with(rendering->files[i].path, path))
			return rendering->files[i].content;
	return NULL;
}

#define SERVERS                                                                                    \
	"mail: { name = \"maildomain.org\"; smarthost = \"[gw.example]:587\"; "                    \
	"smarthost_user = \"intranet\";\n"                                                         \
	" smarthosts = ( { domain = \"partner.example\"; smarthost = \"[tls.example]:465\"; "      \
	"user = \"we\"; tls = \"secure\"; }, { domain = \".friend.example\"; smarthost = "         \
	"\"relay.lan\"; } );\n"                                                                    \
	" mailbox_size_limit = 100; message_size_limit = 20; protocols = \"ipv6\"; "               \
	"postmaster = \"admin@maildomain.org\"; };\n"

static void a_host_with_a_smarthost_is_rendered_as_agreed(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_SERVER_MX, "mail1.lan");
	struct mr_config config = config_of(arena, *state, "mail2.lan", SERVERS);
	struct mr_rendering rendering = { 0 };

	topology.hosts[1].mode = MR_MODE_SMARTHOST;
	render(arena, &config, &topology, &rendering);
	check_golden("mode-smarthost", "server", &rendering);
}

static void a_satellite_is_rendered_as_agreed(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_SERVER_MX, "mail2.lan");
	struct mr_config config = config_of(arena, *state, "relay.lan", "");
	struct mr_rendering rendering = { 0 };

	topology.hosts[2].mode = MR_MODE_SATELLITE;
	render(arena, &config, &topology, &rendering);
	check_golden("mode-satellite", "relay", &rendering);
}

static void a_local_host_is_rendered_as_agreed(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_SERVER_MX, "mail2.lan");
	struct mr_config config = config_of(arena, *state, "relay.lan", "");
	struct mr_rendering rendering = { 0 };

	topology.hosts[2].mode = MR_MODE_LOCAL;
	render(arena, &config, &topology, &rendering);
	check_golden("mode-local", "relay", &rendering);
}

static struct mr_config exim_config_of(struct mr_arena *arena, const char *folder,
				       const char *settings)
{
	struct mr_config config = config_of(arena, folder, "relay.lan", settings);

	config.root = "/below";
	config.mail_mta = "exim";
	return config;
}

static void a_relay_with_exim_and_smarthosts_is_rendered_as_agreed(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_RELAY_MX, "relay.lan");
	struct mr_config config = exim_config_of(
		arena, *state,
		"mail: { name = \"maildomain.org\"; smarthost = \"gw.example:587\"; "
		"smarthost_user = \"intranet\";\n"
		" smarthosts = ( { domain = \"partner.example\"; smarthost = "
		"\"[2001:db8::1]:465\"; user = \"we\"; tls = \"secure\"; }, "
		"{ domain = \".friend.example\"; smarthost = \"mail1.lan\"; }, "
		"{ domain = \"old.example\"; smarthost = \"[192.0.2.1]\"; tls = \"none\"; } ); "
		"networks = [ \"2001:db8::/32\" ]; };\n");
	struct mr_rendering rendering = { 0 };

	topology.hosts[1].mode = MR_MODE_SMARTHOST;
	topology.hosts[2].mode = MR_MODE_SMARTHOST;
	render(arena, &config, &topology, &rendering);
	check_golden("mode-smarthost-exim", "relay-exim", &rendering);
}

static void a_satellite_with_exim_is_rendered_as_agreed(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_SERVER_MX, "mail2.lan");
	struct mr_config config = exim_config_of(arena, *state, "");
	struct mr_rendering rendering = { 0 };

	topology.hosts[2].mode = MR_MODE_SATELLITE;
	render(arena, &config, &topology, &rendering);
	check_golden("mode-satellite-exim", "relay-exim", &rendering);
}

/* One that is a satellite, one whose Postfix is its administrators'. */
static void what_other_hosts_have_of_modes_is_rendered_as_agreed(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_SERVER_MX, "mail2.lan");
	struct mr_config config = config_of(arena, *state, "mail2.lan", "");
	struct mr_rendering rendering = { 0 };

	topology.hosts[0].mode = MR_MODE_NONE;
	topology.hosts[2].mode = MR_MODE_SATELLITE;
	render(arena, &config, &topology, &rendering);
	check_golden("mode-others", "server", &rendering);
}

static void nothing_of_postfix_is_rendered_where_it_is_left_alone(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET, NULL);
	struct mr_config config = config_of(arena, *state, "mail2.lan", "");
	struct mr_rendering rendering = { 0 };

	topology.hosts[1].mode = MR_MODE_NONE;
	render(arena, &config, &topology, &rendering);
	assert_non_null(content(&rendering, "/dovecot.conf"));
	for (size_t i = 0; i < rendering.count; i++)
		assert_int_not_equal(rendering.files[i].service, MR_SERVICE_POSTFIX);
}

static void the_only_host_that_is_local_still_asks_the_directory(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET, NULL);
	struct mr_config config = config_of(arena, *state, "mail1.lan", "");
	struct mr_rendering rendering = { 0 };

	topology.count = 1;
	topology.hosts[0].mode = MR_MODE_LOCAL;
	render(arena, &config, &topology, &rendering);
	assert_contains(content(&rendering, "/main.cf"), "inet_interfaces = loopback-only");
	assert_contains(content(&rendering, "/main.cf"), "mailrepl/routes.cf");
	assert_contains(content(&rendering, "/main.cf"),
			"default_transport = error:5.7.1 mail does not leave this host");
}

static void settings_that_contradict_each_other_are_refused_by_name(void **state)
{
	static const struct {
		const char *settings;
		enum mr_scheme scheme;
		const char *host;
		enum mr_mode mode;
		const char *want; /* NULL: they are fine */
	} cases[] = {
#define MX MR_SCHEME_SERVER_MX
		{ "", MX, "mail1.lan", MR_MODE_INTERNET, NULL },
		{ "mail: { destinations = [ \"other.org\" ]; };", MX, "mail1.lan", MR_MODE_INTERNET,
		  "mail.destinations: other.org is a mail domain" },
		{ "mail: { destinations = [ \"relay.lan\" ]; };", MX, "mail1.lan", MR_MODE_INTERNET,
		  "mail.destinations: relay.lan is a host" },
		{ "mail: { name = \"relay.lan\"; };", MX, "mail1.lan", MR_MODE_INTERNET,
		  "mail.name: relay.lan is another host" },
		{ "mail: { name = \"mail1.lan\"; };", MX, "mail1.lan", MR_MODE_INTERNET, NULL },
		{ "mail: { mailbox_size_limit = 10; };", MX, "mail1.lan", MR_MODE_INTERNET,
		  "mail.mailbox_size_limit: 10 is less" },
		{ "", MX, "mail1.lan", MR_MODE_SMARTHOST, "mail.smarthost: must be set" },
		{ "mail: { smarthost = \"gw.example\"; };", MX, "mail1.lan", MR_MODE_SMARTHOST,
		  NULL },
		{ "mail: { smarthost = \"mail1.lan\"; };", MX, "mail1.lan", MR_MODE_SMARTHOST,
		  "to itself" },
		{ "mail: { smarthost = \"[mail1.lan]:587\"; };", MX, "mail1.lan", MR_MODE_SMARTHOST,
		  "to itself" },
		{ "mail: { smarthost = \"[gw.example]:465\"; smarthost_tls = \"may\"; };", MX,
		  "mail1.lan", MR_MODE_SMARTHOST, "nothing but TLS" },
		{ "mail: { smarthost = \"[gw.example]\"; smarthost_user = \"a:b\"; };", MX,
		  "mail1.lan", MR_MODE_SMARTHOST, "colon" },
		/* Not used in this mode, so prepared for another. */
		{ "mail: { smarthost = \"mail1.lan\"; };", MX, "mail1.lan", MR_MODE_INTERNET,
		  NULL },
		{ "mail: { smarthost = \"[gw.example]\"; };", MR_SCHEME_INTRANET, "relay.lan",
		  MR_MODE_SATELLITE, "no mail leaves the intranet" },
		{ "mail: { smarthost = \"mail2.lan\"; };", MR_SCHEME_INTRANET, "relay.lan",
		  MR_MODE_SATELLITE, NULL },
		{ "mail: { smarthosts = ( { domain = \"a.example\"; smarthost = \"[gw.example]\"; "
		  "} ); };",
		  MR_SCHEME_INTRANET, "mail1.lan", MR_MODE_INTERNET, "no mail leaves" },
		{ "mail: { smarthosts = ( { domain = \"other.org\"; smarthost = \"[gw.example]\"; "
		  "} ); };",
		  MX, "mail1.lan", MR_MODE_INTERNET, "other.org is a mail domain" },
		{ "mail: { smarthosts = ( { domain = \"a.example\"; smarthost = \"[gw.example]\"; "
		  "}, "
		  "{ domain = \"a.example\"; smarthost = \"[b.example]\"; } ); };",
		  MX, "mail1.lan", MR_MODE_INTERNET, "a.example is named twice" },
		{ "mail: { smarthosts = ( { domain = \"a.example\"; smarthost = \"[gw.example]\"; "
		  "user = \"a\"; }, { domain = \"b.example\"; smarthost = \"[gw.example]\"; user = "
		  "\"b\"; } ); };",
		  MX, "mail1.lan", MR_MODE_INTERNET, "two users" },
		{ "mail: { destinations = [ \"a.example\" ]; smarthosts = ( { domain = "
		  "\"a.example\"; smarthost = \"[gw.example]\"; } ); };",
		  MX, "mail1.lan", MR_MODE_INTERNET, "a.example is in mail.destinations too" },
		{ "mail: { destinations = [ \"mail9.lan\" ]; };", MX, "mail1.lan", MR_MODE_INTERNET,
		  "mail9.lan is a host that mail2.lan has taken over" },
		{ "mail: { smarthosts = ( { domain = \"a.example\"; smarthost = \"mail2.lan\"; } ); };",
		  MX, "mail1.lan", MR_MODE_INTERNET,
		  "mail2.lan hands on no mail of a host in mode internet" },
		{ "mail: { smarthost = \"[gw.example]\"; smarthosts = ( { domain = \"a.example\"; "
		  "smarthost = \"mail2.lan\"; } ); };",
		  MX, "mail1.lan", MR_MODE_SMARTHOST, NULL },
		{ "mail: { smarthost = \"[mail2.lan]:25\"; };", MX, "mail1.lan", MR_MODE_SMARTHOST,
		  "without a port, or with a user" },
		{ "mail: { smarthost = \"[mail2.lan]:587\"; smarthost_user = \"a\"; };", MX,
		  "mail1.lan", MR_MODE_SMARTHOST, NULL },
		{ "mail: { networks = [ \"192.0.2.0/24\" ]; };", MX, "relay.lan", MR_MODE_SATELLITE,
		  "mail.networks: must be empty" },
		{ "mail: { postmaster = \"admin@maildomain.org\"; };", MX, "relay.lan",
		  MR_MODE_LOCAL, "mail.postmaster: admin@maildomain.org is on another machine" },
		{ "mail: { destinations = [ \"other.org\" ]; };", MX, "mail1.lan", MR_MODE_NONE,
		  NULL },
#undef MX
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_topology topology = topology_of(arena, cases[i].scheme, "mail1.lan");
		struct mr_config config =
			config_of(arena, *state, cases[i].host, cases[i].settings);
		int rc;

		config.mail_manage = false;
		mr_list_add(arena, &topology.former, "mail9.lan mail2.lan");
		((struct mr_host *)mr_topology_host(&topology, cases[i].host))->mode =
			cases[i].mode;
		rc = mr_settings_check(&config, &topology, &err);
		if (!cases[i].want)
			assert_ok(rc, err);
		else if (rc == 0)
			fail_msg("%s was not refused", cases[i].settings);
		else
			assert_contains(err.message, cases[i].want);
	}
}

static int apply_all(const struct mr_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].run(plan->steps[i].argument, &err) < 0)
			return -1;
	return 0;
}

static void a_password_is_in_one_file_and_in_no_plan(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *conf = mr_printf(arena, "%s/etc/mailrepl/mailrepl.conf", (const char *)*state);
	struct mr_config config;
	struct mr_plan plan = { 0 };
	MR_SECRET password = { 0 };
	MR_BUF text = { 0 };
	const char *path, *user;
	struct stat st;

	write_at(conf, "mail: { manage = false; smarthost = \"[gw.example]:587\"; smarthost_user = "
		       "\"intranet\"; };");
	assert_ok(mr_config_load(arena, *state, NULL, &config, &err), err);
	assert_ok(mr_smarthost_secret_user(arena, &config, "[gw.example]:587", &user, &err), err);
	assert_null(user);
	mr_secret_set(&password, "open: sesame#1", 14);
	assert_ok(mr_smarthost_password_plan(arena, &config, NULL, &password, &plan, &err), err);
	mr_plan_format(&plan, true, &text);
	assert_null(strstr(mr_buf_text(&text), "sesame"));
	assert_ok(apply_all(&plan), err);
	path = mr_smarthost_secret_path(arena, &config, "gw.example:587");
	assert_true(mr_ends_with(path, "/etc/mailrepl/secrets/smarthost-gw.example__587"));
	assert_contains(text_at(arena, path), "\n[gw.example]:587 intranet:open: sesame#1\n"
					      "gw.example:587 intranet:open: sesame#1\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_ok(mr_smarthost_secret_user(arena, &config, "[gw.example]:587", &user, &err), err);
	assert_string_equal(user, "intranet");
}

static void a_password_that_postfix_cannot_be_told_is_refused(void **state)
{
	static const char *const passwords[] = { "", "ends in a blank ", "a\nb", "a\tb" };
	MR_ARENA arena = mr_arena_open();
	struct mr_config config = config_of(
		arena, *state, "mail1.lan",
		"mail: { smarthost = \"[gw.example]:587\"; smarthost_user = \"intranet\"; };");

	for (size_t i = 0; i < sizeof(passwords) / sizeof(passwords[0]); i++) {
		struct mr_plan plan = { 0 };
		MR_SECRET password = { 0 };

		mr_secret_set(&password, passwords[i], strlen(passwords[i]));
		assert_fails(
			mr_smarthost_password_plan(arena, &config, NULL, &password, &plan, &err),
			MR_E_INVALID, err);
	}
}

static void a_folder_is_written_at_once_where_the_file_system_can(void **state)
{
	if (mr_folder_is_synchronous(*state) < 0)
		return;
	assert_ok(mr_folder_set_synchronous(*state, true, &err), err);
	assert_int_equal(mr_folder_is_synchronous(*state), 1);
	assert_ok(mr_folder_set_synchronous(*state, false, &err), err);
	assert_int_equal(mr_folder_is_synchronous(*state), 0);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(a_host_with_a_smarthost_is_rendered_as_agreed),
		IN_FOLDER(a_satellite_is_rendered_as_agreed),
		IN_FOLDER(a_local_host_is_rendered_as_agreed),
		IN_FOLDER(a_relay_with_exim_and_smarthosts_is_rendered_as_agreed),
		IN_FOLDER(a_satellite_with_exim_is_rendered_as_agreed),
		IN_FOLDER(what_other_hosts_have_of_modes_is_rendered_as_agreed),
		IN_FOLDER(nothing_of_postfix_is_rendered_where_it_is_left_alone),
		IN_FOLDER(the_only_host_that_is_local_still_asks_the_directory),
		IN_FOLDER(settings_that_contradict_each_other_are_refused_by_name),
		IN_FOLDER(a_password_is_in_one_file_and_in_no_plan),
		IN_FOLDER(a_password_that_postfix_cannot_be_told_is_refused),
		IN_FOLDER(a_folder_is_written_at_once_where_the_file_system_can),
	};

	setenv("MAILREPL_DATA", source(), 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
