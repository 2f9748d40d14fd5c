#include "features/smarthost.h"
#include "sample_domain.h"

static void a_level_that_is_not_said_is_as_strict_as_with_others_outside(void **state)
{
	static const struct {
		const char *outgoing, *smarthost, *more, *want;
	} cases[] = {
		{ "may", "[gw.example]", "", "may" },
		{ "dane", "[gw.example]", "", "may" },
		{ "encrypt", "[gw.example]", "", "encrypt" },
		{ "dane-only", "[gw.example]", "", "encrypt" },
		{ "verify", "[gw.example]", "", "verify" },
		{ "secure", "[gw.example]", "smarthost_user = \"a\";", "secure" },
		{ "may", "[gw.example]", "smarthost_user = \"a\";", "encrypt" },
		{ "may", "[gw.example]:465", "", "encrypt" },
		{ "secure", "[gw.example]", "smarthost_tls = \"may\";", "may" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_topology topology = topology_of(arena, MR_SCHEME_SERVER_MX);
		struct mr_config config = config_with(
			arena, *state, "mail1.lan",
			mr_printf(arena,
				  "tls: { outgoing = \"%s\"; }; mail: { smarthost = \"%s\"; %s };",
				  cases[i].outgoing, cases[i].smarthost, cases[i].more));
		struct mr_smarthosts found;

		((struct mr_host *)mr_topology_host(&topology, "mail1.lan"))->mode =
			MR_MODE_SMARTHOST;
		mr_smarthosts_list(arena, &config, &topology, &found);
		assert_int_equal(found.count, 1);
		assert_string_equal(found.items[0].tls, cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_level_that_is_not_said_is_as_strict_as_with_others_outside, folder_setup,
			folder_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
