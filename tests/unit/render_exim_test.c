#include "test.h"

#include "features/render_exim.h"

static struct mr_error err;

static void a_primary_is_a_host_with_its_port_and_without_brackets_a_name_in_dns(void **state)
{
	static const struct {
		const char *nexthop, *with_dns, *without;
	} cases[] = {
		{ "[mail.partner.org]", "mail.partner.org:25", "mail.partner.org:25" },
		{ "[192.0.2.1]:2525", "192.0.2.1:2525", "192.0.2.1:2525" },
		{ "[2001:db8::1]", "[2001:db8::1]:25", "[2001:db8::1]:25" },
		{ "[2001:db8::1]:2525", "[2001:db8::1]:2525", "[2001:db8::1]:2525" },
		{ "partner.org", "partner.org/MX:25 ; partner.org:25", "partner.org:25" },
		{ "partner.org:26", "partner.org/MX:26 ; partner.org:26", "partner.org:26" },
	};
	MR_ARENA arena = mr_arena_open();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_string_equal(mr_render_exim_host(arena, cases[i].nexthop, true),
				    cases[i].with_dns);
		assert_string_equal(mr_render_exim_host(arena, cases[i].nexthop, false),
				    cases[i].without);
	}
}

static const struct mr_value *policy_of(struct mr_arena *arena, const char *service)
{
	struct mr_config config;
	struct mr_value *out = mr_value_object(arena);
	bool changed = false;

	assert_ok(mr_config_load(arena, "/nowhere", NULL, &config, &err), err);
	assert_ok(mr_config_set_text(arena, &config, "restrictions.policy_service", service,
				     &changed, &err),
		  err);
	mr_render_exim(arena, &config, out);
	return mr_value_get(out, "policy");
}

static void a_policy_service_has_a_port_or_a_path_as_postfix_means_it(void **state)
{
	static const struct {
		const char *service, *host, *port, *path;
	} cases[] = {
		{ "inet:127.0.0.1:10023", "127.0.0.1", "10023", "" },
		{ "unix:/run/policy", "", "", "/run/policy" },
		{ "unix:postgrey/socket", "", "", "/var/spool/postfix/postgrey/socket" },
		{ "", "", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		const struct mr_value *policy = policy_of(arena, cases[i].service);

		assert_int_equal(mr_value_get(policy, "any")->boolean, *cases[i].service != 0);
		assert_string_equal(mr_value_get_string(policy, "host", ""), cases[i].host);
		assert_string_equal(mr_value_get_string(policy, "port", ""), cases[i].port);
		assert_string_equal(mr_value_get_string(policy, "path", ""), cases[i].path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_primary_is_a_host_with_its_port_and_without_brackets_a_name_in_dns),
		cmocka_unit_test(a_policy_service_has_a_port_or_a_path_as_postfix_means_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
