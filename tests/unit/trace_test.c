#include "features/trace.h"

#include <stdio.h>
#include <string.h>

#include "test.h"

#define CONTAINERS                                                                                 \
	"dn: dc=mailrepl\nobjectClass: domain\ndc: mailrepl\n\n"                                   \
	"dn: ou=Mail,dc=mailrepl\nobjectClass: organizationalUnit\nou: Mail\n\n"                   \
	"dn: cn=mail1.lan,ou=Mail,dc=mailrepl\nobjectClass: mailReplContainer\ncn: mail1.lan\n\n"  \
	"dn: cn=mail2.lan,ou=Mail,dc=mailrepl\nobjectClass: mailReplContainer\ncn: mail2.lan\n\n"  \
	"dn: associatedDomain=maildomain.org,cn=mail1.lan,ou=Mail,dc=mailrepl\n"                   \
	"objectClass: mailReplDomain\nassociatedDomain: maildomain.org\n\n"
#define MAILBOX(user, host)                                                                        \
	"dn: uid=" user ",cn=" host ",ou=Mail,dc=mailrepl\nobjectClass: account\nuid: " user "\n"  \
	"mailLocalAddress: " user "@maildomain.org\nmailHost: " host "\n"                          \
	"mailRoutingAddress: " user "@" host "\n"
#define GROUP(name, host)                                                                          \
	"dn: cn=" name ",cn=" host ",ou=Mail,dc=mailrepl\nobjectClass: nisMailAlias\ncn: " name    \
	"\nmailLocalAddress: " name "@maildomain.org\nmailHost: " host                             \
	"\nmailRoutingAddress: " name "@" host "\n"

static const char directory[] = CONTAINERS MAILBOX("user1", "mail1.lan") "\n" MAILBOX(
	"user2",
	"mail2.lan") "\n" MAILBOX("both",
				  "mail1.lan") "\n" MAILBOX("both",
							    "mail2.lan") "\n" MAILBOX("away", "mail"
											      "1."
											      "lan") "mailReplAccess: deferred\n\n" MAILBOX("shut", "mail1.lan") "mailReplAccess: refused\n\n" MAILBOX("odd", "mail1.lan") "mailReplAccess: ajar\n\n" MAILBOX("copy", "mail1.lan") "mailReplForward: copy@mail1.lan\nmailReplForward: user2@mail2.lan\n\n" MAILBOX("loop", "mail1.lan") "mailReplForward: pool@mail2.lan\n\n" MAILBOX("pool", "mail2.lan") "mailReplForward: loop@mail1.lan\n\n" GROUP("sales",
																																																												       "mail2.lan") "mailReplAccess: closed\nrfc822MailMember: user1@mail1.lan\n"
																																																														    "rfc822MailMember: team@mail1.lan\n\n" GROUP(
																																																															    "team",
																																																															    "mail1.lan") "rfc822MailMember: user2@mail2.lan\nrfc822MailMember: user1@mail1.lan\n\n"
																																																																	 "dn: uid=moved,cn=mail1.lan,ou=Mail,dc=mailrepl\nobjectClass: account\nuid: moved\n"
																																																																	 "mailReplFormerAddress: moved@maildomain.org\nmailReplFormerAddress: moved@mail1.lan\n"
																																																																	 "mailReplForward: user2@mail2.lan\n\n"
																																																																	 "dn: uid=left,cn=mail1.lan,ou=Mail,dc=mailrepl\nobjectClass: account\nuid: left\n"
																																																																	 "mailLocalAddress: left@maildomain.org\nmailReplAccess: gone\n\n";

static const char with_catch_all[] =
	CONTAINERS MAILBOX("user1", "mail1.lan") "mailLocalAddress: @maildomain.org\n\n";

static struct mr_topology topology_of(struct mr_arena *arena)
{
	struct mr_topology topology;
	struct mr_host *hosts = MR_NEW_ARRAY(arena, struct mr_host, 2);

	mr_topology_init(arena, "7d444840-9dc0-11d1-b245-5ffdce74fad2", "mail1.lan", &topology);
	hosts[0] = topology.hosts[0];
	hosts[1] = hosts[0];
	hosts[1].name = "mail2.lan";
	topology.hosts = hosts;
	topology.count = 2;
	topology.scheme = MR_SCHEME_INTRANET;
	mr_list_add(arena, &topology.domains, "maildomain.org");
	return topology;
}

/* As relay.lan would see it, which owns nothing: all is in the copies. */
static struct mr_trace trace(struct mr_arena *arena, const char *ldif, const char *address,
			     bool gate_closed)
{
	struct mr_topology topology = topology_of(arena);
	MR_DIRECTORY dir = NULL;
	struct mr_error err = { 0 };
	struct mr_trace out;
	const struct mr_config config = { .root = "",
					  .host = "relay.lan",
					  .mail_postmaster = "root@localhost" };
	struct mr_trace_view view = { .host = "relay.lan",
				      .topology = &topology,
				      .config = &config,
				      .gate_closed = gate_closed };

	assert_int_equal(mr_directory_open_memory(ldif, &dir, &err), 0);
	view.dir = dir;
	if (mr_trace_address(arena, &view, address, &out, &err) < 0)
		fail_msg("%s: %s", address, err.message);
	return out;
}

/* "user1@mail1.lan>relay:[mail1.lan] …" */
static const char *targets(struct mr_arena *arena, const struct mr_trace *trace)
{
	const char *text = "";

	for (size_t i = 0; i < trace->target_count; i++)
		text = mr_printf(arena, "%s%s%s>%s", text, *text ? " " : "",
				 trace->targets[i].address, trace->targets[i].nexthop);
	return text;
}

static void each_address_has_its_fate_and_targets(void **state)
{
	static const struct {
		const char *address;
		enum mr_fate fate;
		const char *targets, *why;
	} rows[] = {
		{ "user1@maildomain.org", MR_FATE_DELIVERABLE, "user1@mail1.lan>relay:[mail1.lan]",
		  NULL },
		{ "User2+News@MailDomain.org", MR_FATE_DELIVERABLE,
		  "user2@mail2.lan>relay:[mail2.lan]", NULL },
		{ "nobody@maildomain.org", MR_FATE_REFUSED, "", "unknown" },
		{ "nobody", MR_FATE_REFUSED, "", "no @" },
		{ "someone@outside.test", MR_FATE_REFUSED, "", "does not leave" },
		{ "postmaster@maildomain.org", MR_FATE_DELIVERABLE,
		  "postmaster@maildomain.org>local", NULL },
		{ "both@maildomain.org", MR_FATE_DEFERRED, "", "claimed 2 times" },
		{ "away@maildomain.org", MR_FATE_DEFERRED, "", "come later" },
		{ "shut@maildomain.org", MR_FATE_REFUSED, "", "locked" },
		{ "odd@maildomain.org", MR_FATE_DEFERRED, "", "unknown here" },
		{ "left@maildomain.org", MR_FATE_REFUSED, "", "no longer here" },
		{ "moved@maildomain.org", MR_FATE_DELIVERABLE, "user2@mail2.lan>relay:[mail2.lan]",
		  NULL },
		{ "moved@mail1.lan", MR_FATE_DELIVERABLE, "user2@mail2.lan>relay:[mail2.lan]",
		  NULL },
		{ "copy@maildomain.org", MR_FATE_DELIVERABLE,
		  "copy@mail1.lan>lmtp user2@mail2.lan>relay:[mail2.lan]", NULL },
		{ "loop@maildomain.org", MR_FATE_REFUSED, "", "back to itself" },
		{ "sales@maildomain.org", MR_FATE_DELIVERABLE,
		  "user1@mail1.lan>relay:[mail1.lan] user2@mail2.lan>relay:[mail2.lan]", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_trace got = trace(arena, directory, rows[i].address, false);

		if (got.fate != rows[i].fate || strcmp(targets(arena, &got), rows[i].targets) != 0)
			fail_msg("%s: want %s, %s; got %s, %s", rows[i].address,
				 mr_fate_word(rows[i].fate), rows[i].targets,
				 mr_fate_word(got.fate), targets(arena, &got));
		if (!got.why != !rows[i].why || (got.why && !strstr(got.why, rows[i].why)))
			fail_msg("%s: want \"%s\", got \"%s\"", rows[i].address, rows[i].why,
				 got.why);
	}
}

static void a_closed_gate_turns_unknown_into_later(void **state)
{
	MR_ARENA arena = mr_arena_open();

	(void)state;
	assert_int_equal(trace(arena, directory, "nobody@maildomain.org", true).fate,
			 MR_FATE_DEFERRED);
	assert_int_equal(trace(arena, directory, "user1@maildomain.org", true).fate,
			 MR_FATE_DELIVERABLE);
}

static void a_catch_all_is_asked_last(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_trace got = trace(arena, with_catch_all, "anybody+x@maildomain.org", false);
	bool seen = false;

	(void)state;
	assert_string_equal(targets(arena, &got), "user1@mail1.lan>relay:[mail1.lan]");
	for (size_t i = 0; i < got.step_count; i++)
		seen |= strcmp(got.steps[i].what, "catch-all") == 0;
	assert_true(seen);
	assert_int_equal(got.forms.count, 3);
	assert_string_equal(got.forms.items[0], "anybody+x@maildomain.org");
	assert_string_equal(got.forms.items[1], "anybody@maildomain.org");
	assert_string_equal(got.forms.items[2], "@maildomain.org");
	assert_string_equal(got.mapped, "user1@mail1.lan");
}

static void the_delimiter_is_that_of_the_topology(void **state)
{
	static const struct {
		enum mr_delimiter delimiter;
		const char *address;
		enum mr_fate fate;
	} rows[] = {
		{ MR_DELIMITER_EQUALS, "user1=x@maildomain.org", MR_FATE_DELIVERABLE },
		{ MR_DELIMITER_EQUALS, "user1+x@maildomain.org", MR_FATE_REFUSED },
		{ MR_DELIMITER_NONE, "user1+x@maildomain.org", MR_FATE_REFUSED },
		{ MR_DELIMITER_NONE, "user1@maildomain.org", MR_FATE_DELIVERABLE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_topology topology = topology_of(arena);
		MR_DIRECTORY dir = NULL;
		struct mr_error err = { 0 };
		struct mr_trace got;
		struct mr_trace_view view = { .host = "relay.lan", .topology = &topology };

		topology.delimiter = rows[i].delimiter;
		assert_int_equal(mr_directory_open_memory(directory, &dir, &err), 0);
		view.dir = dir;
		assert_ok(mr_trace_address(arena, &view, rows[i].address, &got, &err), err);
		if (got.fate != rows[i].fate)
			fail_msg("%s: %s", rows[i].address, mr_fate_word(got.fate));
	}
}

static void a_closed_gate_leaves_the_catch_all_out(void **state)
{
	MR_ARENA arena = mr_arena_open();

	(void)state;
	assert_int_equal(trace(arena, with_catch_all, "anybody@maildomain.org", true).fate,
			 MR_FATE_DEFERRED);
}

static void answers_are_equal_if_fate_and_targets_are(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_trace user1 = trace(arena, directory, "user1@maildomain.org", false),
			user2 = trace(arena, directory, "user2@maildomain.org", false),
			later = trace(arena, directory, "away@maildomain.org", false);

	(void)state;
	assert_true(mr_trace_equal(&user1, &user1));
	assert_false(mr_trace_equal(&user1, &user2));
	assert_false(mr_trace_equal(&user1, &later));
}

/* relay.lan in the topology, too; the view is its own or mail2.lan's. */
static void modes_of_hosts_are_told(void **state)
{
	static const struct {
		const char *view;
		enum mr_mode mode; /* of relay.lan */
		const char *address;
		enum mr_fate fate;
		const char *targets;
		bool postfix; /* is to be asked */
	} rows[] = {
		{ "relay.lan", MR_MODE_SATELLITE, "user2@maildomain.org", MR_FATE_DELIVERABLE,
		  "user2@mail2.lan>relay:[mail2.lan]", false },
		{ "relay.lan", MR_MODE_LOCAL, "user2@maildomain.org", MR_FATE_REFUSED, "", false },
		{ "relay.lan", MR_MODE_LOCAL, "root@relay.lan", MR_FATE_DELIVERABLE,
		  "root@relay.lan>lmtp", false },
		{ "relay.lan", MR_MODE_NONE, "user2@maildomain.org", MR_FATE_DELIVERABLE,
		  "user2@mail2.lan>relay:[mail2.lan]", false },
		{ "mail2.lan", MR_MODE_SATELLITE, "root@relay.lan", MR_FATE_DELIVERABLE,
		  "root@relay.lan>local", false },
		{ "mail2.lan", MR_MODE_NONE, "root@relay.lan", MR_FATE_DELIVERABLE,
		  "root@relay.lan>patient:[relay.lan]", false },
		{ "mail2.lan", MR_MODE_SATELLITE, "user1@maildomain.org", MR_FATE_DELIVERABLE,
		  "user1@mail1.lan>relay:[mail1.lan]", true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_topology topology = topology_of(arena);
		struct mr_host *hosts = MR_NEW_ARRAY(arena, struct mr_host, 3);
		MR_DIRECTORY dir = NULL;
		struct mr_error err = { 0 };
		struct mr_trace got;
		struct mr_trace_view view = { .host = rows[i].view,
					      .topology = &topology };

		memcpy(hosts, topology.hosts, 2 * sizeof(*hosts));
		hosts[2] = (struct mr_host){ .name = "relay.lan",
					     .services = MR_MAIL,
					     .server_id = 3,
					     .state = MR_JOINED,
					     .mode = rows[i].mode };
		topology.hosts = hosts;
		topology.count = 3;
		assert_int_equal(mr_directory_open_memory(directory, &dir, &err), 0);
		view.dir = dir;
		assert_ok(mr_trace_address(arena, &view, rows[i].address, &got, &err), err);
		if (got.fate != rows[i].fate ||
		    strcmp(targets(arena, &got), rows[i].targets) != 0 ||
		    (got.forms.count > 0) != rows[i].postfix)
			fail_msg("%s at %s: %s, %s, %zu forms", rows[i].address, rows[i].view,
				 mr_fate_word(got.fate), targets(arena, &got), got.forms.count);
	}
	(void)state;
}

static struct mr_value *line_of(struct mr_arena *arena, const char *a, const char *one,
				const char *b, const char *other)
{
	struct mr_value *line = mr_value_object(arena);

	mr_value_set_string(arena, line, a, one);
	mr_value_set_string(arena, line, b, other);
	return line;
}

/* relay.lan takes mail from outside, keeps that of partner.org, and hands on what is for two others. */
static void mail_for_outside_goes_where_settings_say(void **state)
{
	static const struct {
		enum mr_mode mode;
		bool known; /* the settings are */
		const char *address, *targets;
	} rows[] = {
		{ MR_MODE_INTERNET, true, "a@outside.test", "a@outside.test>smtp" },
		{ MR_MODE_SMARTHOST, true, "a@outside.test",
		  "a@outside.test>smtp:[gw.example]:587" },
		{ MR_MODE_SMARTHOST, false, "a@outside.test", "a@outside.test>smtp" },
		{ MR_MODE_INTERNET, true, "a@x.y.special.test", "a@x.y.special.test>smtps:[gw2.example]:465" },
		{ MR_MODE_INTERNET, true, "a@special.test", "a@special.test>smtp" },
		{ MR_MODE_INTERNET, true, "a@here.test", "a@here.test>local" },
		{ MR_MODE_SMARTHOST, true, "a@partner.org",
		  "a@partner.org>backup:[mail.partner.org]" },
		{ MR_MODE_INTERNET, false, "a@partner.org",
		  "a@partner.org>backup:[mail.partner.org]" },
		{ MR_MODE_INTERNET, true, "known@friend.org", "known@friend.org>backup:" },
		{ MR_MODE_INTERNET, true, "abuse@friend.org", "abuse@friend.org>backup:" },
		{ MR_MODE_INTERNET, true, "other@friend.org", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_topology topology = topology_of(arena);
		struct mr_host *hosts = MR_NEW_ARRAY(arena, struct mr_host, 3);
		struct mr_value *others = mr_value_object(arena), *table = mr_value_list(arena);
		struct mr_foreign partner = { .name = "partner.org",
					      .primary = "[mail.partner.org]" },
				  friend = { .name = "friend.org" };
		struct mr_list here = { 0 };
		const struct mr_config config = { .root = "",
						  .host = "relay.lan",
						  .mail_dns = true,
						  .others = others };
		struct mr_trace_view view = { .host = "relay.lan",
					      .topology = &topology,
					      .config = rows[i].known ? &config : NULL };
		struct mr_error err = { 0 };
		struct mr_trace got;

		memcpy(hosts, topology.hosts, 2 * sizeof(*hosts));
		hosts[2] = (struct mr_host){ .name = "relay.lan",
					     .services = MR_MAIL,
					     .server_id = 3,
					     .state = MR_JOINED,
					     .mode = rows[i].mode };
		topology.hosts = hosts;
		topology.count = 3;
		topology.scheme = MR_SCHEME_RELAY_MX;
		mr_list_add(arena, &friend.recipients, "known@friend.org");
		mr_topology_set_foreign(arena, &topology, "partner.org", &partner);
		mr_topology_set_foreign(arena, &topology, "friend.org", &friend);
		mr_list_add(arena, &here, "here.test");
		mr_value_set(arena, others, "mail.destinations", mr_value_strings(arena, &here));
		mr_value_set_string(arena, others, "mail.smarthost", "[gw.example]:587");
		mr_value_append(arena, table,
				line_of(arena, "domain", ".special.test", "smarthost",
					"[gw2.example]:465"));
		mr_value_set(arena, others, "mail.smarthosts", table);
		assert_ok(mr_trace_address(arena, &view, rows[i].address, &got, &err), err);
		assert_string_equal(targets(arena, &got), rows[i].targets);
	}
}

static void role_addresses_go_to_the_postmaster_of_their_domain(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena);
	const struct mr_config config = { .root = "",
					  .host = "relay.lan",
					  .mail_postmaster = "user1@maildomain.org" };
	struct mr_trace_view view = { .host = "relay.lan",
				      .topology = &topology,
				      .config = &config };
	MR_DIRECTORY dir = NULL;
	struct mr_error err = { 0 };
	struct mr_trace got;

	(void)state;
	assert_int_equal(mr_directory_open_memory(directory, &dir, &err), 0);
	view.dir = dir;
	assert_ok(mr_trace_address(arena, &view, "abuse@maildomain.org", &got, &err), err);
	assert_string_equal(targets(arena, &got), "abuse@maildomain.org>local");
	assert_string_equal(got.mapped, "localhost@roles.mailrepl.invalid");
	mr_topology_set_postmaster(arena, &topology, "maildomain.org", "user2@maildomain.org");
	assert_ok(mr_trace_address(arena, &view, "abuse@maildomain.org", &got, &err), err);
	assert_string_equal(targets(arena, &got), "user2@mail2.lan>relay:[mail2.lan]");
	assert_string_equal(got.mapped, "maildomain.org@roles.mailrepl.invalid");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_address_has_its_fate_and_targets),
		cmocka_unit_test(modes_of_hosts_are_told),
		cmocka_unit_test(mail_for_outside_goes_where_settings_say),
		cmocka_unit_test(role_addresses_go_to_the_postmaster_of_their_domain),
		cmocka_unit_test(a_closed_gate_turns_unknown_into_later),
		cmocka_unit_test(a_catch_all_is_asked_last),
		cmocka_unit_test(the_delimiter_is_that_of_the_topology),
		cmocka_unit_test(a_closed_gate_leaves_the_catch_all_out),
		cmocka_unit_test(answers_are_equal_if_fate_and_targets_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
