#include "base/value.h"
#include "topology_fixture.h"

static void a_new_topology_is_its_home(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology;

	(void)state;
	mr_topology_init(arena, ID, "mail1.lan", &topology);
	assert_string_equal(show(arena, &topology), "mail1.lan 1 mail joined");
	assert_string_equal(topology.home, "mail1.lan");
	assert_int_equal(topology.epoch, 1);
	assert_int_equal(topology.generation, 1);
	assert_int_equal(topology.server_id_high_water, 1);
	assert_int_equal(topology.scheme, MR_SCHEME_INTRANET);
}

static void new_hosts_are_invited_with_the_next_server_ids(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology;

	(void)state;
	mr_topology_init(arena, ID, "mail1.lan", &topology);
	set(arena, &topology, MR_MAIL, "relay.lan,mail1.lan,mail2.lan");
	assert_string_equal(show(arena, &topology),
			    "mail1.lan 1 mail joined; relay.lan 2 mail invited; "
			    "mail2.lan 3 mail invited");
	assert_int_equal(topology.server_id_high_water, 3);
	assert_int_equal(topology.generation, 2);
}

static void the_home_stays_joined_when_it_becomes_a_server(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology;

	(void)state;
	mr_topology_init(arena, ID, "mail1.lan", &topology);
	set(arena, &topology, MR_UNIX, "mail1.lan");
	assert_string_equal(show(arena, &topology), "mail1.lan 1 mail+unix joined");
}

static void a_relay_that_becomes_a_server_is_invited_again(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = three(arena);

	(void)state;
	set(arena, &topology, MR_UNIX, "mail1.lan,mail2.lan,relay.lan");
	assert_string_equal(show(arena, &topology),
			    "mail1.lan 1 mail+unix joined; mail2.lan 2 mail+unix "
			    "joined; relay.lan 3 mail+unix invited");
}

static void the_same_list_changes_nothing(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology old = three(arena), topology = old;

	(void)state;
	set(arena, &topology, MR_MAIL, "relay.lan,mail2.lan,mail1.lan");
	set(arena, &topology, MR_UNIX, "mail2.lan,mail1.lan");
	assert_int_equal(topology.generation, old.generation);
	assert_string_equal(show(arena, &topology), show(arena, &old));
}

static void each_change_is_one_generation(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = three(arena);
	long long before = topology.generation;

	(void)state;
	set(arena, &topology, MR_MAIL, "mail1.lan,mail2.lan,a.lan,b.lan");
	assert_int_equal(topology.generation, before + 1);
}

static void a_server_id_is_never_given_twice(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = three(arena);

	(void)state;
	set(arena, &topology, MR_MAIL, "mail1.lan,mail2.lan");
	assert_int_equal(topology.server_id_high_water, 3);
	assert_string_equal(show(arena, &topology),
			    "mail1.lan 1 mail+unix joined; mail2.lan 2 mail+unix joined");
	set(arena, &topology, MR_MAIL, "mail1.lan,mail2.lan,relay.lan");
	assert_string_equal(show(arena, &topology),
			    "mail1.lan 1 mail+unix joined; mail2.lan 2 mail+unix "
			    "joined; relay.lan 4 mail invited");
}

static void setting_leaves_the_old_topology_as_it_was(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology old = three(arena), topology = old;
	const char *before = show(arena, &old);

	(void)state;
	set(arena, &topology, MR_UNIX, "mail1.lan");
	set(arena, &topology, MR_MAIL, "mail1.lan,new.lan");
	assert_string_equal(show(arena, &old), before);
}

static void a_host_that_is_gone_is_no_mx(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = three(arena);

	(void)state;
	topology.mx = words(arena, "mail1.lan,relay.lan");
	set(arena, &topology, MR_MAIL, "mail1.lan,mail2.lan");
	assert_string_equal(mr_list_join(arena, &topology.mx, ","), "mail1.lan");
}

static void an_mx_that_is_not_invited_yet_stays_one(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = three(arena);

	(void)state;
	topology.mx = words(arena, "coming.lan,relay.lan");
	set(arena, &topology, MR_MAIL, "mail1.lan,mail2.lan,relay.lan,other.lan");
	assert_string_equal(mr_list_join(arena, &topology.mx, ","), "coming.lan,relay.lan");
	set(arena, &topology, MR_MAIL, "mail1.lan,mail2.lan,coming.lan");
	assert_string_equal(mr_list_join(arena, &topology.mx, ","), "coming.lan");
}

static void more_providers_than_a_host_can_pull_from_are_refused(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = three(arena), fresh;
	struct mr_list hosts = { 0 };
	struct mr_error err;

	(void)state;
	for (int i = 1; i <= MR_PROVIDERS_MOST; i++)
		mr_list_add(arena, &hosts, mr_printf(arena, "mail%d.lan", i));
	assert_int_equal(mr_topology_set(arena, &topology, MR_MAIL, &hosts, &topology, &err), 0);
	assert_int_equal(mr_topology_set(arena, &topology, MR_UNIX, &hosts, &fresh, &err), 0);
	mr_list_add(arena, &hosts, "one.more");
	/* As relays they may come. */
	assert_int_equal(mr_topology_set(arena, &topology, MR_MAIL, &hosts, &topology, &err), 0);
	assert_int_equal(mr_topology_set(arena, &topology, MR_UNIX, &hosts, &fresh, &err), -1);
	assert_int_equal(err.code, MR_E_INVALID);
	assert_non_null(strstr(err.message, "500 mail servers"));
}

static void refusals_name_the_host(void **state)
{
	static const struct {
		enum mr_service service;
		const char *hosts, *want;
	} rows[] = {
		{ MR_MAIL, "mail2.lan,relay.lan",
		  "the list leaves out mail1.lan: the home of the domain is "
		  "always in mail" },
		{ MR_UNIX, "mail2.lan",
		  "the list leaves out mail1.lan: the home of the domain is always in unix" },
		{ MR_MAIL, "mail1.lan,relay.lan",
		  "the list leaves out mail2.lan, which is in unix" },
		{ MR_UNIX, "mail1.lan,mail2.lan,mail3.lan", "mail3.lan is not in mail" },
		{ MR_MAIL, "mail1.lan,mail2.lan,relay.lan,mail3.lan",
		  "mail3.lan: no serverID is left" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_topology topology = three(arena), out = { 0 };
		struct mr_list hosts = words(arena, rows[i].hosts);
		struct mr_error err = { 0 };

		topology.server_id_high_water = 4095;
		if (mr_topology_set(arena, &topology, rows[i].service, &hosts, &out, &err) == 0)
			fail_msg("%s: want \"%s\", got no error", rows[i].hosts, rows[i].want);
		if (err.code != MR_E_INVALID || !strstr(err.message, rows[i].want))
			fail_msg("%s: want \"%s\", got \"%s\"", rows[i].hosts, rows[i].want,
				 err.message);
	}
}

static void the_last_server_id_is_4095(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = three(arena);

	(void)state;
	topology.server_id_high_water = 4094;
	set(arena, &topology, MR_MAIL, "mail1.lan,mail2.lan,relay.lan,last.lan");
	assert_int_equal(mr_topology_host(&topology, "last.lan")->server_id, 4095);
}

static void providers_are_servers_and_the_home(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = three(arena), small;

	(void)state;
	mr_topology_init(arena, ID, "mail1.lan", &small);
	assert_true(mr_host_is_provider(&small, &small.hosts[0]));
	assert_false(mr_host_is_server(&small.hosts[0]));
	assert_true(mr_host_is_provider(&topology, mr_topology_host(&topology, "mail2.lan")));
	assert_false(mr_host_is_provider(&topology, mr_topology_host(&topology, "relay.lan")));
	assert_string_equal(mr_host_role(mr_topology_host(&topology, "mail2.lan")), "mail server");
	assert_string_equal(mr_host_role(mr_topology_host(&topology, "relay.lan")), "relay");
	assert_null(mr_topology_host(&topology, "mail3.lan"));
}

static void words_of_schemes_and_services_are_known(void **state)
{
	static const char *const schemes[] = { "intranet", "server-mx", "relay-mx" };
	enum mr_service service;
	enum mr_scheme scheme;
	struct mr_error err = { 0 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(mr_scheme_parse(schemes[i], &scheme, &err), 0);
		assert_string_equal(mr_scheme_word(scheme), schemes[i]);
	}
	assert_int_equal(mr_scheme_parse("Intranet", &scheme, &err), -1);
	assert_int_equal(err.code, MR_E_USAGE);
	assert_int_equal(mr_service_parse("mail", &service, &err), 0);
	assert_int_equal(service, MR_MAIL);
	assert_int_equal(mr_service_parse("unix", &service, &err), 0);
	assert_int_equal(service, MR_UNIX);
	assert_int_equal(mr_service_parse("samba", &service, &err), -1);
	assert_string_equal(err.message, "unknown service \"samba\": use mail or unix");
}

static void another_postmaster_leaves_the_old_topology_alone(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology old = three(arena), fresh;

	(void)state;
	mr_topology_set_postmaster(arena, &old, "first.org", "a@first.org");
	mr_topology_set_postmaster(arena, &old, "second.org", "b@first.org");
	fresh = old;
	mr_topology_set_postmaster(arena, &fresh, "first.org", "c@first.org");
	mr_topology_set_postmaster(arena, &fresh, "second.org", NULL);
	assert_string_equal(mr_topology_postmaster(&old, "first.org"), "a@first.org");
	assert_string_equal(mr_topology_postmaster(&old, "second.org"), "b@first.org");
	assert_string_equal(mr_topology_postmaster(&fresh, "first.org"), "c@first.org");
	assert_null(mr_topology_postmaster(&fresh, "second.org"));
}

static void only_what_is_in_no_mailbox_name_is_a_delimiter(void **state)
{
	static const char *const words[] = { "+", "=", "none" }, *const others[] = { "-", ".", "",
										     "+=", "#" };
	enum mr_delimiter delimiter;
	struct mr_error err = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		assert_ok(mr_delimiter_parse(words[i], &delimiter, &err), err);
		assert_string_equal(mr_delimiter_word(delimiter), words[i]);
	}
	assert_string_equal(mr_delimiter_text(delimiter), "");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_fails(mr_delimiter_parse(others[i], &delimiter, &err), MR_E_USAGE, err);
}

static void json_has_a_row_for_each_host(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = three(arena);
	const struct mr_value *value = mr_topology_value(arena, &topology);
	const struct mr_value *hosts = mr_value_get(value, "hosts");

	(void)state;
	assert_string_equal(mr_value_get_string(value, "home", ""), "mail1.lan");
	assert_int_equal(mr_value_get_int(value, "generation", 0), 3);
	assert_int_equal(hosts->count, 3);
	assert_string_equal(mr_value_get_string(hosts->items[2], "name", ""), "relay.lan");
	assert_string_equal(mr_value_get_string(hosts->items[2], "role", ""), "relay");
	assert_int_equal(mr_value_get(hosts->items[1], "services")->count, 2);
	assert_true(mr_value_get(hosts->items[0], "home")->boolean);
	assert_false(mr_value_get(hosts->items[2], "provider")->boolean);
}

static void who_is_taken_over_is_remembered(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = three(arena), out;

	(void)state;
	mr_topology_take_over(arena, &topology, "mail2.lan", "mail1.lan", &out);
	assert_string_equal(show(arena, &out),
			    "mail1.lan 1 mail+unix joined; relay.lan 3 mail joined");
	assert_string_equal(mr_list_join(arena, &out.former, ","), "mail2.lan mail1.lan");
	assert_string_equal(out.home, "mail1.lan");
	assert_int_equal(out.epoch, 1);
	assert_int_equal(out.generation, topology.generation + 1);
	assert_string_equal(show(arena, &topology), "mail1.lan 1 mail+unix joined; mail2.lan 2 "
						    "mail+unix joined; relay.lan 3 mail joined");
}

static void who_takes_over_the_home_is_the_home_and_inherits_what_it_had_taken_over(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = three(arena), out;

	(void)state;
	mr_list_add(arena, &topology.former, "mail0.lan mail1.lan");
	mr_topology_take_over(arena, &topology, "mail1.lan", "mail2.lan", &out);
	assert_string_equal(mr_list_join(arena, &out.former, ","),
			    "mail0.lan mail2.lan,mail1.lan mail2.lan");
	assert_string_equal(out.home, "mail2.lan");
	assert_int_equal(out.epoch, 2);
}

static void who_comes_back_gets_its_mail_itself_and_who_leaves_forwards_nothing(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = three(arena);

	(void)state;
	mr_list_add(arena, &topology.former, "mail4.lan mail1.lan");
	mr_list_add(arena, &topology.former, "mail5.lan mail2.lan");
	set(arena, &topology, MR_UNIX, "mail1.lan");
	set(arena, &topology, MR_MAIL, "mail1.lan,relay.lan,mail4.lan");
	assert_int_equal(topology.former.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_topology_is_its_home),
		cmocka_unit_test(new_hosts_are_invited_with_the_next_server_ids),
		cmocka_unit_test(the_home_stays_joined_when_it_becomes_a_server),
		cmocka_unit_test(a_relay_that_becomes_a_server_is_invited_again),
		cmocka_unit_test(the_same_list_changes_nothing),
		cmocka_unit_test(each_change_is_one_generation),
		cmocka_unit_test(a_server_id_is_never_given_twice),
		cmocka_unit_test(setting_leaves_the_old_topology_as_it_was),
		cmocka_unit_test(a_host_that_is_gone_is_no_mx),
		cmocka_unit_test(an_mx_that_is_not_invited_yet_stays_one),
		cmocka_unit_test(more_providers_than_a_host_can_pull_from_are_refused),
		cmocka_unit_test(refusals_name_the_host),
		cmocka_unit_test(the_last_server_id_is_4095),
		cmocka_unit_test(providers_are_servers_and_the_home),
		cmocka_unit_test(words_of_schemes_and_services_are_known),
		cmocka_unit_test(who_is_taken_over_is_remembered),
		cmocka_unit_test(
			who_takes_over_the_home_is_the_home_and_inherits_what_it_had_taken_over),
		cmocka_unit_test(
			who_comes_back_gets_its_mail_itself_and_who_leaves_forwards_nothing),
		cmocka_unit_test(another_postmaster_leaves_the_old_topology_alone),
		cmocka_unit_test(only_what_is_in_no_mailbox_name_is_a_delimiter),
		cmocka_unit_test(json_has_a_row_for_each_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
