#include "sample_domain.h"

static void nothing_of_postfix_is_rendered_where_it_is_left_alone(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of("", "mail2.lan");
	struct mr_rendering rendering = { 0 };

	(void)state;
	topology.hosts[1].mode = MR_MODE_NONE;
	render(arena, &config, &topology, false, &rendering);
	assert_non_null(content(&rendering, "/dovecot.conf"));
	for (size_t i = 0; i < rendering.count; i++)
		assert_int_not_equal(rendering.files[i].service, MR_SERVICE_POSTFIX);
}

static void the_only_host_that_is_local_still_asks_the_directory(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of("", "mail1.lan");
	struct mr_rendering rendering = { 0 };

	(void)state;
	topology.count = 1;
	topology.hosts[0].mode = MR_MODE_LOCAL;
	render(arena, &config, &topology, false, &rendering);
	assert_contains(content(&rendering, "/main.cf"), "inet_interfaces = loopback-only");
	assert_contains(content(&rendering, "/main.cf"), "mailrepl/routes.cf");
	assert_contains(content(&rendering, "/main.cf"),
			"default_transport = error:5.7.1 mail does not leave this host");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_of_postfix_is_rendered_where_it_is_left_alone),
		cmocka_unit_test(the_only_host_that_is_local_still_asks_the_directory),
	};

	setenv("MAILREPL_DATA", source(), 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
