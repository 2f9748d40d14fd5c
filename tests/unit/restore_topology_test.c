#include "features/restore_topology.h"
#include "test.h"

#define SERVER (MR_MAIL | MR_UNIX)

static struct mr_topology topology(struct mr_arena *arena, struct mr_host *hosts, size_t count,
				   long long generation)
{
	struct mr_topology out = { .domain_id = "d",
				   .home = "mail1.lan",
				   .epoch = 2,
				   .generation = generation,
				   .server_id_high_water = 5,
				   .hosts = hosts,
				   .count = count };

	mr_list_add(arena, &out.domains, "d.org");
	return out;
}

static void a_topology_is_never_rolled_back(void **state)
{
	struct mr_host now[] = { { "mail1.lan", SERVER, 1, MR_JOINED, { 0 }, MR_MODE_INTERNET },
				 { "mail2.lan", MR_MAIL, 2, MR_JOINED, { 0 }, MR_MODE_INTERNET },
				 { "mail4.lan", SERVER, 4, MR_JOINED, { 0 }, MR_MODE_INTERNET } };
	struct mr_host then[] = { { "mail1.lan", SERVER, 1, MR_INVITED, { 0 }, MR_MODE_INTERNET },
				  { "mail2.lan", SERVER, 2, MR_INVITED, { 0 }, MR_MODE_INTERNET },
				  { "mail3.lan", SERVER, 3, MR_JOINED, { 0 }, MR_MODE_INTERNET } };
	MR_ARENA arena = mr_arena_open();
	struct mr_topology live = topology(arena, now, 3, 8), archive = topology(arena, then, 3, 4),
			   out;
	struct mr_error err;

	(void)state;
	mr_list_add(arena, &then[2].fingerprints, "AB:CD");
	assert_ok(mr_restore_topology(arena, &live, &archive, &out, &err), err);
	assert_int_equal(out.generation, 9);
	assert_int_equal(out.epoch, 2);
	assert_int_equal(out.count, 4);
	assert_int_equal(mr_topology_host(&out, "mail1.lan")->state, MR_JOINED);
	/* Its service comes back; a relay that becomes a server has to join again. */
	assert_int_equal(mr_topology_host(&out, "mail2.lan")->services, SERVER);
	assert_int_equal(mr_topology_host(&out, "mail2.lan")->state, MR_INVITED);
	/* Came later: stays. */
	assert_int_equal(mr_topology_host(&out, "mail4.lan")->services, SERVER);
	/* Is gone since: invited again, with a number that nobody had. */
	assert_int_equal(mr_topology_host(&out, "mail3.lan")->server_id, 6);
	assert_int_equal(mr_topology_host(&out, "mail3.lan")->state, MR_INVITED);
	assert_string_equal(mr_topology_host(&out, "mail3.lan")->fingerprints.items[0], "AB:CD");
}

static void an_equal_topology_keeps_its_generation(void **state)
{
	struct mr_host hosts[] = {
		{ "mail1.lan", SERVER, 1, MR_JOINED, { 0 }, MR_MODE_INTERNET },
		{ "mail2.lan", MR_MAIL, 2, MR_JOINED, { 0 }, MR_MODE_INTERNET }
	};
	MR_ARENA arena = mr_arena_open();
	struct mr_topology live = topology(arena, hosts, 2, 8),
			   archive = topology(arena, hosts, 2, 4), out;
	struct mr_error err;

	(void)state;
	assert_ok(mr_restore_topology(arena, &live, &archive, &out, &err), err);
	assert_int_equal(out.generation, 8);
	archive.delimiter = MR_DELIMITER_NONE;
	assert_ok(mr_restore_topology(arena, &live, &archive, &out, &err), err);
	assert_int_equal(out.generation, 9);
	assert_int_equal(out.delimiter, MR_DELIMITER_NONE);
	archive.delimiter = live.delimiter;
	archive.scheme = MR_SCHEME_SERVER_MX;
	assert_ok(mr_restore_topology(arena, &live, &archive, &out, &err), err);
	assert_int_equal(out.generation, 9);
	assert_int_equal(out.scheme, MR_SCHEME_SERVER_MX);
}

static void a_domain_is_ours_or_of_another_primary_as_it_is_now(void **state)
{
	struct mr_host hosts[] = { { "mail1.lan", SERVER, 1, MR_JOINED, { 0 }, MR_MODE_INTERNET } };
	const struct mr_foreign back = { .name = "back.org" }, ours = { .name = "ours.org" },
				theirs = { .name = "theirs.org" };
	MR_ARENA arena = mr_arena_open();
	struct mr_topology live = topology(arena, hosts, 1, 8),
			   archive = topology(arena, hosts, 1, 4), out;
	struct mr_error err;

	(void)state;
	mr_list_add(arena, &live.domains, "ours.org");
	mr_topology_set_foreign(arena, &live, "theirs.org", &theirs);
	mr_list_add(arena, &archive.domains, "theirs.org");
	mr_topology_set_foreign(arena, &archive, "back.org", &back);
	mr_topology_set_foreign(arena, &archive, "ours.org", &ours);
	assert_ok(mr_restore_topology(arena, &live, &archive, &out, &err), err);
	assert_int_equal(out.generation, 9);
	assert_true(mr_list_has(&out.domains, "ours.org"));
	assert_false(mr_list_has(&out.domains, "theirs.org"));
	assert_int_equal(out.foreign_count, 2);
	assert_non_null(mr_topology_foreign(&out, "back.org"));
	assert_non_null(mr_topology_foreign(&out, "theirs.org"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_topology_is_never_rolled_back),
		cmocka_unit_test(an_equal_topology_keeps_its_generation),
		cmocka_unit_test(a_domain_is_ours_or_of_another_primary_as_it_is_now),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
