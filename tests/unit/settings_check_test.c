#include "features/settings_check.h"
#include "sample_domain.h"

static struct mr_error err;

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
		{ "mail: { smarthosts = ( { domain = \"a.example\"; smarthost = \"mail2.lan\"; } "
		  "); };",
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
		struct mr_topology topology = topology_of(arena, cases[i].scheme);
		struct mr_config config =
			config_with(arena, *state, cases[i].host, cases[i].settings);
		int rc;

		config.mail_manage = false;
		mr_list_add(arena, &topology.mx, "mail1.lan");
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

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(settings_that_contradict_each_other_are_refused_by_name),
	};

	setenv("MAILREPL_DATA", source(), 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
