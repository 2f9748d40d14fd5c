#include "test.h"

#include <sys/stat.h>

#include "base/file.h"
#include "features/versions.h"

static struct mr_error err;

static struct mr_versions with(enum mr_program program, const char *text)
{
	struct mr_versions versions = mr_versions_sample;

	snprintf(versions.text[program], MR_VERSION_SIZE, "%s", text);
	return versions;
}

static void versions_that_templates_are_written_for_pass(void **state)
{
	static const struct {
		enum mr_program program;
		const char *text;
	} cases[] = {
		{ MR_PROGRAM_SLAPD, "2.5.13+dfsg-5" },
		{ MR_PROGRAM_SLAPD, "2.6.10" },
		{ MR_PROGRAM_POSTFIX, "3.6.0" },
		{ MR_PROGRAM_POSTFIX, "3.7.11" },
		{ MR_PROGRAM_POSTFIX, "3.10.5" },
		{ MR_PROGRAM_POSTFIX, "4.0" },
		{ MR_PROGRAM_POSTFIX, "3.11-20251231" },
		{ MR_PROGRAM_DOVECOT, "2.3.0" },
		{ MR_PROGRAM_DOVECOT, "2.3.21.1" },
		{ MR_PROGRAM_EXIM, "4.96" },
		{ MR_PROGRAM_EXIM, "4.100" },
		{ MR_PROGRAM_DOVECOT, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mr_versions versions = with(cases[i].program, cases[i].text);

		assert_ok(mr_version_check(&versions, cases[i].program, &err), err);
	}
}

static void others_are_refused_by_name(void **state)
{
	static const struct {
		enum mr_program program;
		const char *text, *want;
	} cases[] = {
		{ MR_PROGRAM_SLAPD, "2.4.59", "slapd 2.4.59 is too old: mailrepl needs 2.5" },
		{ MR_PROGRAM_POSTFIX, "3.3.0", "Postfix 3.3.0 is too old: mailrepl needs 3.6" },
		{ MR_PROGRAM_POSTFIX, "2.11.3", "Postfix 2.11.3 is too old" },
		{ MR_PROGRAM_DOVECOT, "2.2.36.4", "Dovecot 2.2.36.4 is too old" },
		{ MR_PROGRAM_DOVECOT, "2.4.0", "Dovecot 2.4.0 is too new: mailrepl needs 2.3" },
		{ MR_PROGRAM_DOVECOT, "2.10", "Dovecot 2.10 is too new" },
		{ MR_PROGRAM_EXIM, "4.92", "Exim 4.92 is too old" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mr_versions versions = with(cases[i].program, cases[i].text);

		assert_fails(mr_version_check(&versions, cases[i].program, &err), MR_E_CONFIG, err);
		assert_contains(err.message, cases[i].want);
	}
}

static void a_postfix_without_ldap_tables_is_refused_with_the_package_that_it_lacks(void **state)
{
	struct mr_versions versions = mr_versions_sample;

	(void)state;
	snprintf(versions.table_types, MR_TABLE_TYPES_SIZE, " hash btree texthash pipemap ");
	assert_fails(mr_version_check(&versions, MR_PROGRAM_POSTFIX, &err), MR_E_CONFIG, err);
	assert_contains(err.message, "postfix-ldap");
}

static void a_template_learns_what_a_postfix_can_do(void **state)
{
	static const struct {
		const char *text;
		bool bare_newline, mx_backup;
	} cases[] = {
		{ "3.6.13", false, true }, { "3.6.14", true, true },  { "3.7.5", false, true },
		{ "3.7.11", true, true },  { "3.8.4", false, true },  { "3.8.5", true, true },
		{ "3.9.0", true, false },  { "3.10.1", true, false }, { "", true, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_versions versions = with(MR_PROGRAM_POSTFIX, cases[i].text);
		const struct mr_value *value =
			mr_value_get(mr_versions_value(arena, &versions), "postfix");

		if (mr_value_get(value, "bare_newline")->boolean != cases[i].bare_newline ||
		    mr_value_get(value, "mx_backup")->boolean != cases[i].mx_backup)
			fail_msg("%s", cases[i].text);
		assert_string_equal(mr_value_get_string(value, "text", ""),
				    *cases[i].text ? cases[i].text : "unknown");
	}
}

static void where_berkeley_db_is_left_out_lmdb_takes_its_place(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_versions versions = mr_versions_sample;
	const struct mr_value *value;

	(void)state;
	value = mr_value_get(mr_versions_value(arena, &versions), "postfix");
	assert_string_equal(mr_value_get_string(value, "hash", ""), "hash");
	assert_string_equal(mr_value_get_string(value, "btree", ""), "btree");
	snprintf(versions.table_types, MR_TABLE_TYPES_SIZE, " ldap lmdb texthash ");
	value = mr_value_get(mr_versions_value(arena, &versions), "postfix");
	assert_string_equal(mr_value_get_string(value, "hash", ""), "lmdb");
	assert_string_equal(mr_value_get_string(value, "btree", ""), "lmdb");
}

static void write_program(const char *folder, const char *name, const char *text)
{
	MR_ARENA arena = mr_arena_open();
	const char *path = mr_printf(arena, "%s/%s", folder, name);

	text = mr_printf(arena, "#!/bin/sh\n%s\n", text);
	assert_ok(mr_file_replace(path, text, strlen(text),
				  (struct mr_file_attrs){ 0755, (uid_t)-1, (gid_t)-1 }, &err),
		  err);
}

static void programs_are_asked(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *folder = *state, *path = mr_strdup(arena, getenv("PATH"));
	struct mr_versions versions;

	write_program(folder, "slapd",
		      "echo '@(#) $OpenLDAP: slapd 2.6.1 (Feb  8 2023 01:56:12) $' >&2");
	write_program(folder, "postconf",
		      "case $1 in -m) printf 'hash\\nldap\\n' ;; *) echo 3.3.0 ;; esac");
	write_program(folder, "dovecot", "echo '2.4.1-4 (7d8c0e5759)'");
	write_program(folder, "exim4", "echo 'Exim version 4.96 #2 built 01-Jan-2024'");
	setenv("PATH", mr_printf(arena, "%s:%s", folder, path), 1);
	mr_versions_read(&versions);
	setenv("PATH", path, 1);
	assert_string_equal(versions.text[MR_PROGRAM_SLAPD], "2.6.1");
	assert_string_equal(versions.text[MR_PROGRAM_POSTFIX], "3.3.0");
	assert_string_equal(versions.text[MR_PROGRAM_DOVECOT], "2.4.1-4");
	assert_string_equal(versions.text[MR_PROGRAM_EXIM], "4.96");
	assert_string_equal(versions.table_types, " hash ldap  ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_that_templates_are_written_for_pass),
		cmocka_unit_test(others_are_refused_by_name),
		cmocka_unit_test(
			a_postfix_without_ldap_tables_is_refused_with_the_package_that_it_lacks),
		cmocka_unit_test(a_template_learns_what_a_postfix_can_do),
		cmocka_unit_test(where_berkeley_db_is_left_out_lmdb_takes_its_place),
		cmocka_unit_test_setup_teardown(programs_are_asked, folder_setup, folder_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
