/* A slapd with a tree to play in, for the tests of the directory. */
#ifndef MR_TESTS_UNIT_DIRECTORY_FIXTURE_H
#define MR_TESTS_UNIT_DIRECTORY_FIXTURE_H

#include "private_slapd.h"

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define BASE "dc=mailrepl"
#define TOP "ou=test,dc=mailrepl"

static struct slapd slapd;

static inline void open_local(struct mr_directory **dir, int deadline_ms)
{
	struct mr_directory_target target = { .uri = slapd.uri, .deadline_ms = deadline_ms };
	struct mr_error err;

	assert_ok(mr_directory_open(&target, dir, &err), err);
}

static inline struct mr_entry *unit(struct mr_arena *arena, const char *name, const char *parent)
{
	struct mr_entry *entry = mr_entry_new(arena, mr_dn(arena, "ou", name, parent));

	mr_entry_add(arena, entry, "objectClass", "organizationalUnit");
	mr_entry_add(arena, entry, "ou", name);
	return entry;
}

static inline struct mr_entry *person(struct mr_arena *arena, const struct mr_secret *secret)
{
	struct mr_entry *entry = mr_entry_new(arena, "uid=p," TOP);

	mr_entry_add(arena, entry, "objectClass", "inetOrgPerson");
	mr_entry_add(arena, entry, "uid", "p");
	mr_entry_add(arena, entry, "cn", "p");
	mr_entry_add(arena, entry, "sn", "p");
	mr_entry_add_secret(arena, entry, "userPassword", secret);
	return entry;
}

static inline int count_entry(void *context, const struct mr_entry *entry, struct mr_error *err)
{
	int *left = context;

	if (!mr_entry_attr(entry, "ou"))
		return mr_fail(err, MR_E_PROTOCOL, "no ou");
	return --*left == 0 ? mr_fail(err, MR_E_USAGE, "enough") : 0;
}

static inline void add_many(struct mr_directory *dir, int count)
{
	struct mr_error err;

	for (int i = 0; i < count; i++) {
		MR_ARENA arena = mr_arena_open();

		assert_ok(mr_directory_add(dir, unit(arena, mr_printf(arena, "u%d", i), TOP), &err),
			  err);
	}
}

/* Removes everything below TOP: children come after their parents. */
static inline void empty_tree(struct mr_directory *dir)
{
	struct mr_search all = { .base = TOP, .attrs = LIST("1.1") };
	MR_ARENA arena = mr_arena_open();
	struct mr_entries found = { 0 };
	struct mr_error err;

	assert_ok(mr_directory_list(dir, arena, &all, &found, &err), err);
	for (size_t i = found.count; i-- > 0;)
		assert_ok(mr_directory_delete(dir, found.items[i]->dn, &err), err);
}

static inline int ldap_setup(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_directory *dir;
	struct mr_error err;

	open_local(&dir, 0);
	empty_tree(dir);
	assert_ok(mr_directory_add(dir, unit(arena, "test", BASE), &err), err);
	*state = dir;
	return 0;
}

static inline int teardown(void **state)
{
	slapd_wake(&slapd); /* a test may have failed while it hung */
	mr_directory_close(*state);
	return 0;
}

static inline int start_server(void **state)
{
	(void)state;
	/* The library looks at it once: see nothing_is_taken_from_the_environment. */
	setenv("LDAPDEREF", "always", 1);
	slapd_make(&slapd);
	return 0;
}

static inline int stop_server(void **state)
{
	(void)state;
	slapd_remove(&slapd);
	return 0;
}

#define SLAPD(name) cmocka_unit_test_setup_teardown(name, ldap_setup, teardown)

#endif
