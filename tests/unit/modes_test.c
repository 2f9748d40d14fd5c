#include "test.h"

#include "features/modes.h"

#define ID "9b2f6a0e-0f0e-4c57-8a3b-0c2d6e1f7a11"
#define MAIL1 "cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl"

/* mail1.lan, the home, and mail2.lan with mailboxes, relay.lan and spare.lan without. */
static struct mr_topology four(struct mr_arena *arena, enum mr_scheme scheme, const char *mx)
{
	struct mr_list all = mr_list_split(arena, "mail1.lan,mail2.lan,relay.lan,spare.lan", ','),
		       servers = mr_list_split(arena, "mail1.lan,mail2.lan", ',');
	struct mr_topology topology;
	struct mr_error err = { 0 };

	mr_topology_init(arena, ID, "mail1.lan", &topology);
	assert_ok(mr_topology_set(arena, &topology, MR_MAIL, &all, &topology, &err), err);
	assert_ok(mr_topology_set(arena, &topology, MR_UNIX, &servers, &topology, &err), err);
	for (size_t i = 0; i < topology.count; i++)
		topology.hosts[i].state = MR_JOINED;
	topology.scheme = scheme;
	if (*mx)
		topology.mx = mr_list_split(arena, mx, ',');
	return topology;
}

static int apply(struct mr_arena *arena, const struct mr_topology *old, const char *modes,
		 struct mr_topology *out, struct mr_error *err)
{
	struct mr_mode_changes changes;

	return mr_modes_parse(arena, modes, &changes, err) < 0
		       ? -1
		       : mr_modes_apply(arena, old, &changes, out, err);
}

static void what_was_typed_is_hosts_with_modes(void **state)
{
	static const struct {
		const char *text, *want; /* want: a part of the message */
	} refused[] = {
		{ "", "which mode" },
		{ "relay.lan", "not HOST=MODE" },
		{ "relay.lan=", "unknown mode" },
		{ "relay.lan=Satellite", "unknown mode" },
		{ "relay.lan=local,relay.lan=none", "named twice" },
		{ "=local", "which mode of which host" },
		{ "relay.lan=local,", "which mode of which host" },
	};
	MR_ARENA arena = mr_arena_open();
	struct mr_mode_changes changes;
	struct mr_error err = { 0 };

	(void)state;
	assert_ok(mr_modes_parse(arena, "RELAY.lan=satellite,mail1.lan=none", &changes, &err), err);
	assert_int_equal(changes.count, 2);
	assert_string_equal(changes.items[0].host, "relay.lan");
	assert_int_equal(changes.items[0].mode, MR_MODE_SATELLITE);
	assert_int_equal(changes.items[1].mode, MR_MODE_NONE);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(mr_modes_parse(arena, refused[i].text, &changes, &err), -1);
		assert_contains(err.message, refused[i].want);
	}
}

static void a_mode_that_would_lose_mail_is_refused_by_name(void **state)
{
	static const struct {
		enum mr_scheme scheme;
		const char *mx, *modes, *want; /* want NULL: it is fine */
	} cases[] = {
		{ MR_SCHEME_SERVER_MX, "mail1.lan", "relay.lan=satellite,spare.lan=local", NULL },
		{ MR_SCHEME_SERVER_MX, "mail1.lan", "mail1.lan=smarthost,mail2.lan=none", NULL },
		{ MR_SCHEME_INTRANET, "", "relay.lan=satellite", NULL },
		{ MR_SCHEME_INTRANET, "", "relay.lan=smarthost", "intranet" },
		{ MR_SCHEME_SERVER_MX, "mail1.lan", "mail2.lan=satellite", "mail2.lan" },
		{ MR_SCHEME_SERVER_MX, "mail1.lan", "mail2.lan=local", "the only host" },
		{ MR_SCHEME_RELAY_MX, "relay.lan", "relay.lan=satellite", "(MX)" },
		{ MR_SCHEME_RELAY_MX, "relay.lan", "relay.lan=local", "(MX)" },
		{ MR_SCHEME_RELAY_MX, "relay.lan", "other.lan=none", "other.lan" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_topology topology = four(arena, cases[i].scheme, cases[i].mx), fresh;
		struct mr_error err = { 0 };
		int rc = apply(arena, &topology, cases[i].modes, &fresh, &err);

		if (!cases[i].want)
			assert_ok(rc, err);
		else if (rc == 0)
			fail_msg("%s was not refused", cases[i].modes);
		else
			assert_contains(err.message, cases[i].want);
	}
}

static void the_only_host_of_a_domain_may_be_local_until_another_comes(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_list one = mr_list_split(arena, "mail1.lan", ','),
		       two = mr_list_split(arena, "mail1.lan,mail2.lan", ',');
	struct mr_topology topology, fresh;
	struct mr_error err = { 0 };

	(void)state;
	mr_topology_init(arena, ID, "mail1.lan", &topology);
	assert_ok(mr_topology_set(arena, &topology, MR_UNIX, &one, &topology, &err), err);
	assert_ok(apply(arena, &topology, "mail1.lan=local", &fresh, &err), err);
	assert_int_equal(mr_topology_set(arena, &fresh, MR_MAIL, &two, &fresh, &err), -1);
	assert_contains(err.message, "mail1.lan");
}

static void a_satellite_gets_no_mailboxes(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_list servers = mr_list_split(arena, "mail1.lan,mail2.lan,spare.lan", ',');
	struct mr_topology topology = four(arena, MR_SCHEME_INTRANET, ""), fresh;
	struct mr_error err = { 0 };

	(void)state;
	assert_ok(apply(arena, &topology, "spare.lan=satellite", &fresh, &err), err);
	assert_int_equal(mr_topology_set(arena, &fresh, MR_UNIX, &servers, &fresh, &err), -1);
	assert_contains(err.message, "spare.lan holds mailboxes");
}

static void changes_are_one_generation_and_leave_the_old_topology_alone(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = four(arena, MR_SCHEME_INTRANET, ""), fresh, again;
	struct mr_error err = { 0 };

	(void)state;
	assert_ok(apply(arena, &topology, "relay.lan=local,spare.lan=none", &fresh, &err), err);
	assert_int_equal(fresh.generation, topology.generation + 1);
	assert_int_equal(mr_topology_host(&topology, "relay.lan")->mode, MR_MODE_INTERNET);
	assert_ok(apply(arena, &fresh, "relay.lan=local,spare.lan=none", &again, &err), err);
	assert_int_equal(again.generation, fresh.generation);
}

static void modes_are_stored_and_read_and_the_usual_one_is_not_stored(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = four(arena, MR_SCHEME_INTRANET, ""), got;
	struct mr_entries entries = { 0 };
	struct mr_error err = { 0 };

	(void)state;
	assert_ok(apply(arena, &topology, "relay.lan=satellite", &topology, &err), err);
	mr_topology_format(arena, &topology, MAIL1, &entries);
	assert_null(mr_entry_value(entries.items[1], "mailReplMode"));
	assert_ok(mr_topology_parse(arena, &entries, &got, &err), err);
	for (size_t i = 0; i < got.count; i++)
		assert_string_equal(mr_mode_word(got.hosts[i].mode),
				    mr_mode_word(topology.hosts[i].mode));
	mr_entry_add(arena, entries.items[1], "mailReplMode", "smart");
	assert_fails(mr_topology_parse(arena, &entries, &got, &err), MR_E_CONFIG, err);
}

static void a_satellite_hands_its_mail_to_those_who_take_it_from_outside(void **state)
{
	static const struct {
		enum mr_scheme scheme;
		const char *mx, *modes, *want;
	} cases[] = {
		{ MR_SCHEME_INTRANET, "", "spare.lan=satellite", "mail1.lan" },
		{ MR_SCHEME_SERVER_MX, "mail2.lan", "spare.lan=satellite", "mail2.lan" },
		{ MR_SCHEME_SERVER_MX, "mail1.lan,mail2.lan", "spare.lan=satellite",
		  "mail1.lan mail2.lan" },
		{ MR_SCHEME_SERVER_MX, "mail2.lan", "spare.lan=satellite,mail2.lan=none",
		  "mail1.lan" },
		{ MR_SCHEME_SERVER_MX, "mail1.lan", "spare.lan=satellite,mail1.lan=none", "" },
		{ MR_SCHEME_RELAY_MX, "gone.lan", "spare.lan=satellite", "mail1.lan" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_topology topology = four(arena, cases[i].scheme, cases[i].mx);
		struct mr_list got;
		struct mr_error err = { 0 };

		assert_ok(apply(arena, &topology, cases[i].modes, &topology, &err), err);
		got = mr_topology_smarthosts(arena, &topology, "spare.lan");
		assert_string_equal(got.count ? mr_list_join(arena, &got, " ") : "", cases[i].want);
	}
}

static void whoever_sets_a_mode_is_told_what_it_asks_for(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = four(arena, MR_SCHEME_SERVER_MX, "mail1.lan"), fresh;
	struct mr_list notes;
	struct mr_error err = { 0 };

	(void)state;
	assert_ok(apply(arena, &topology,
			"mail1.lan=none,mail2.lan=smarthost,relay.lan=satellite,spare.lan=local",
			&fresh, &err),
		  err);
	notes = mr_modes_advice(arena, &topology, &fresh);
	assert_int_equal(notes.count, 3);
	assert_contains(notes.items[0], "must take mail for USER@mail1.lan");
	assert_contains(notes.items[1], "mail2.lan needs the setting mail.smarthost");
	assert_contains(notes.items[2], "relay.lan needs the setting mail.smarthost");
	assert_int_equal(mr_modes_advice(arena, &fresh, &fresh).count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_typed_is_hosts_with_modes),
		cmocka_unit_test(a_mode_that_would_lose_mail_is_refused_by_name),
		cmocka_unit_test(the_only_host_of_a_domain_may_be_local_until_another_comes),
		cmocka_unit_test(a_satellite_gets_no_mailboxes),
		cmocka_unit_test(changes_are_one_generation_and_leave_the_old_topology_alone),
		cmocka_unit_test(modes_are_stored_and_read_and_the_usual_one_is_not_stored),
		cmocka_unit_test(a_satellite_hands_its_mail_to_those_who_take_it_from_outside),
		cmocka_unit_test(whoever_sets_a_mode_is_told_what_it_asks_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
