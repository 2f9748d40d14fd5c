/* What features rely on holds for both backends: most of these tests run against a real slapd and against
 * the directory in memory. */
#include "directory_fixture.h"

#include <dlfcn.h>

static struct mr_entry *route(struct mr_arena *arena, const char *user)
{
	struct mr_entry *entry = mr_entry_new(arena, mr_dn(arena, "uid", user, TOP));

	mr_entry_add(arena, entry, "objectClass", "account");
	mr_entry_add(arena, entry, "objectClass", "inetLocalMailRecipient");
	mr_entry_add(arena, entry, "uid", user);
	mr_entry_add(arena, entry, "mailHost", "mail1.lan");
	mr_entry_add(arena, entry, "mailLocalAddress", mr_printf(arena, "%s@Example.org", user));
	mr_entry_add(arena, entry, "mailLocalAddress",
		     mr_printf(arena, "%s.two@example.org", user));
	return entry;
}

static const char top_ldif[] =
	"dn: dc=mailrepl\nobjectClass: domain\ndc: mailrepl\n\n"
	"dn: ou=test,dc=mailrepl\nobjectClass: organizationalUnit\nou: test\n";

static int memory_setup(void **state)
{
	struct mr_error err;

	return mr_directory_open_memory(top_ldif, (struct mr_directory **)state, &err);
}

static void an_added_entry_is_read_back(void **state)
{
	struct mr_directory *dir = *state;
	MR_ARENA arena = mr_arena_open();
	struct mr_entry *entry = route(arena, "user1"), *found;
	struct mr_error err;

	mr_entry_add(arena, entry, "description", "gr\xc3\xbc\xc3\x9f: dich\n");
	assert_ok(mr_directory_add(dir, entry, &err), err);
	assert_ok(mr_directory_read(dir, arena, "UID = user1, " TOP, NULL, &found, &err), err);
	assert_non_null(found);
	assert_true(mr_dn_equal(found->dn, entry->dn));
	assert_int_equal(found->count, entry->count);
	for (size_t i = 0; i < entry->count; i++) {
		const struct mr_attr *attr = mr_entry_attr(found, entry->attrs[i].name);

		assert_non_null(attr);
		assert_true(mr_list_equal(&attr->values, &entry->attrs[i].values));
	}
}

static void only_the_attributes_that_were_asked_for_come(void **state)
{
	struct mr_directory *dir = *state;
	MR_ARENA arena = mr_arena_open();
	struct mr_entry *found;
	struct mr_error err;

	assert_ok(mr_directory_add(dir, route(arena, "user1"), &err), err);
	assert_ok(mr_directory_read(dir, arena, "uid=user1," TOP, LIST("mailhost", "cn"), &found,
				    &err),
		  err);
	assert_int_equal(found->count, 1);
	assert_string_equal(mr_entry_value(found, "mailHost"), "mail1.lan");
	assert_ok(mr_directory_read(dir, arena, "uid=user1," TOP, LIST("1.1"), &found, &err), err);
	assert_int_equal(found->count, 0);
}

static void what_is_not_there_is_null_or_an_empty_list_or_not_found(void **state)
{
	struct mr_directory *dir = *state;
	struct mr_search search = { .base = "ou=none," BASE };
	MR_ARENA arena = mr_arena_open();
	struct mr_entries entries = { 0 };
	struct mr_entry *entry = route(arena, "x");
	struct mr_mod mod = { MR_MOD_REPLACE, *mr_entry_attr(entry, "mailHost") };
	struct mr_error err;
	long long value;

	assert_ok(mr_directory_read(dir, arena, entry->dn, NULL, &entry, &err), err);
	assert_null(entry);
	assert_ok(mr_directory_list(dir, arena, &search, &entries, &err), err);
	assert_int_equal(entries.count, 0);
	assert_fails(mr_directory_visit(dir, &search, NULL, NULL, &err), MR_E_NOT_FOUND, err);
	assert_fails(mr_directory_delete(dir, "uid=x," TOP, &err), MR_E_NOT_FOUND, err);
	assert_fails(mr_directory_modify(dir, "uid=x," TOP, &mod, 1, &err), MR_E_NOT_FOUND, err);
	assert_fails(mr_directory_increment(dir, "uid=x," TOP, "gidNumber", &value, &err),
		     MR_E_NOT_FOUND, err);
	assert_contains(err.message, "uid=x," TOP);
}

static void adds_that_cannot_be_are_refused(void **state)
{
	struct mr_directory *dir = *state;
	MR_ARENA arena = mr_arena_open();
	struct mr_entry *nameless = mr_entry_new(arena, "uid=a," TOP);
	struct mr_error err;

	assert_ok(mr_directory_add(dir, route(arena, "user1"), &err), err);
	assert_fails(mr_directory_add(dir, route(arena, "USER1"), &err), MR_E_EXISTS, err);
	assert_contains(err.message, "adding uid=USER1," TOP);
	assert_fails(mr_directory_add(dir, unit(arena, "a", "ou=none," TOP), &err), MR_E_NOT_FOUND,
		     err);
	mr_entry_add(arena, nameless, "uid", "a");
	assert_fails(mr_directory_add(dir, nameless, &err), MR_E_INVALID, err);
	assert_fails(mr_directory_add(dir, mr_entry_new(arena, "not a dn"), &err), MR_E_INVALID,
		     err);
}

static void the_value_in_the_name_is_added(void **state)
{
	struct mr_directory *dir = *state;
	MR_ARENA arena = mr_arena_open();
	struct mr_entry *entry = mr_entry_new(arena, "uid=a," TOP), *found;
	struct mr_error err;

	mr_entry_add(arena, entry, "objectClass", "account");
	assert_ok(mr_directory_add(dir, entry, &err), err);
	assert_ok(mr_directory_read(dir, arena, entry->dn, NULL, &found, &err), err);
	assert_string_equal(mr_entry_value(found, "uid"), "a");
}

static struct mr_mod mod_of(struct mr_arena *arena, enum mr_mod_op op, const char *name,
			    const char *value)
{
	struct mr_mod mod = { op, { .name = name } };

	if (value)
		mr_list_add(arena, &mod.attr.values, value);
	return mod;
}

static void modifications_change_values_in_their_order(void **state)
{
	struct mr_directory *dir = *state;
	MR_ARENA arena = mr_arena_open();
	const struct mr_mod mods[] = {
		mod_of(arena, MR_MOD_ADD, "mailLocalAddress", "three@example.org"),
		mod_of(arena, MR_MOD_DELETE, "mailLocalAddress", "user1@EXAMPLE.ORG"),
		mod_of(arena, MR_MOD_DELETE, "mailHost", NULL),
		mod_of(arena, MR_MOD_REPLACE, "description", "new"),
	};
	const struct mr_mod gone = mod_of(arena, MR_MOD_REPLACE, "description", NULL);
	struct mr_list want = mr_list_split(arena, "user1.two@example.org three@example.org", ' ');
	struct mr_entry *found;
	struct mr_error err;

	assert_ok(mr_directory_add(dir, route(arena, "user1"), &err), err);
	assert_ok(mr_directory_modify(dir, "uid=user1," TOP, mods, 4, &err), err);
	assert_ok(mr_directory_read(dir, arena, "uid=user1," TOP, NULL, &found, &err), err);
	assert_true(mr_list_equal(&mr_entry_attr(found, "mailLocalAddress")->values, &want));
	assert_null(mr_entry_attr(found, "mailHost"));
	assert_string_equal(mr_entry_value(found, "description"), "new");
	assert_ok(mr_directory_modify(dir, "uid=user1," TOP, &gone, 1, &err), err);
	assert_ok(mr_directory_read(dir, arena, "uid=user1," TOP, NULL, &found, &err), err);
	assert_null(mr_entry_attr(found, "description"));
}

static void a_modification_that_fails_changes_nothing(void **state)
{
	struct mr_directory *dir = *state;
	MR_ARENA arena = mr_arena_open();
	const struct {
		struct mr_mod mod;
		enum mr_error_code want;
	} rows[] = {
		{ mod_of(arena, MR_MOD_ADD, "mailLocalAddress", "USER1@example.org"), MR_E_EXISTS },
		{ mod_of(arena, MR_MOD_DELETE, "mailLocalAddress", "none@example.org"),
		  MR_E_EXISTS },
		{ mod_of(arena, MR_MOD_DELETE, "mailRoutingAddress", NULL), MR_E_EXISTS },
		{ mod_of(arena, MR_MOD_DELETE, "uid", NULL), MR_E_INVALID },
	};
	struct mr_entry *found;
	struct mr_error err;

	assert_ok(mr_directory_add(dir, route(arena, "user1"), &err), err);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct mr_mod mods[] = {
			mod_of(arena, MR_MOD_REPLACE, "mailHost", "mail2.lan"), rows[i].mod
		};

		assert_fails(mr_directory_modify(dir, "uid=user1," TOP, mods, 2, &err),
			     rows[i].want, err);
		assert_ok(mr_directory_read(dir, arena, "uid=user1," TOP, NULL, &found, &err), err);
		assert_string_equal(mr_entry_value(found, "mailHost"), "mail1.lan");
	}
}

static void only_leaves_can_be_deleted(void **state)
{
	struct mr_directory *dir = *state;
	MR_ARENA arena = mr_arena_open();
	struct mr_entry *found;
	struct mr_error err;

	assert_ok(mr_directory_add(dir, route(arena, "user1"), &err), err);
	assert_fails(mr_directory_delete(dir, TOP, &err), MR_E_INVALID, err);
	assert_ok(mr_directory_delete(dir, "uid=USER1," TOP, &err), err);
	assert_ok(mr_directory_read(dir, arena, "uid=user1," TOP, NULL, &found, &err), err);
	assert_null(found);
}

static void a_renamed_entry_is_the_same_under_another_name(void **state)
{
	struct mr_directory *dir = *state;
	MR_ARENA arena = mr_arena_open();
	struct mr_entry *found;
	struct mr_error err;

	assert_ok(mr_directory_add(dir, route(arena, "user1"), &err), err);
	assert_ok(mr_directory_rename(dir, "uid=user1," TOP, "a+b", &err), err);
	assert_ok(mr_directory_read(dir, arena, "uid=user1," TOP, NULL, &found, &err), err);
	assert_null(found);
	assert_ok(mr_directory_read(dir, arena, mr_dn_renamed(arena, "uid=user1," TOP, "a+b"), NULL,
				    &found, &err),
		  err);
	assert_non_null(found);
	assert_int_equal(mr_entry_attr(found, "uid")->values.count, 1);
	assert_string_equal(mr_entry_value(found, "uid"), "a+b");
	assert_true(mr_entry_has(found, "mailLocalAddress", "user1@Example.org"));
}

static void a_rename_to_a_name_that_is_taken_changes_nothing(void **state)
{
	struct mr_directory *dir = *state;
	MR_ARENA arena = mr_arena_open();
	struct mr_entry *found;
	struct mr_error err;

	assert_ok(mr_directory_add(dir, route(arena, "user1"), &err), err);
	assert_ok(mr_directory_add(dir, route(arena, "user2"), &err), err);
	assert_fails(mr_directory_rename(dir, "uid=user1," TOP, "USER2", &err), MR_E_EXISTS, err);
	assert_fails(mr_directory_rename(dir, "uid=user3," TOP, "user4", &err), MR_E_NOT_FOUND,
		     err);
	assert_ok(mr_directory_read(dir, arena, "uid=user1," TOP, NULL, &found, &err), err);
	assert_true(mr_entry_has(found, "uid", "user1"));
}

static void counting_up_returns_the_new_value(void **state)
{
	struct mr_directory *dir = *state;
	MR_ARENA arena = mr_arena_open();
	struct mr_entry *group = mr_entry_new(arena, "cn=g," TOP), *found;
	struct mr_error err;
	long long value = 0;

	mr_entry_add(arena, group, "objectClass", "posixGroup");
	mr_entry_add(arena, group, "cn", "g");
	mr_entry_add(arena, group, "gidNumber", "1100009");
	assert_ok(mr_directory_add(dir, group, &err), err);
	assert_ok(mr_directory_increment(dir, group->dn, "gidNumber", &value, &err), err);
	assert_int_equal(value, 1100010);
	assert_ok(mr_directory_increment(dir, group->dn, "gidNumber", &value, &err), err);
	assert_int_equal(value, 1100011);
	assert_ok(mr_directory_read(dir, arena, group->dn, NULL, &found, &err), err);
	assert_string_equal(mr_entry_value(found, "gidNumber"), "1100011");
	assert_fails(mr_directory_increment(dir, TOP, "gidNumber", &value, &err), MR_E_NOT_FOUND,
		     err);
}

static void scopes_and_filters_find_what_they_mean(void **state)
{
	static const struct {
		const char *base;
		enum mr_scope scope;
		const char *filter;
		const char *want; /* first RDN values */
	} rows[] = {
		{ TOP, MR_SCOPE_BASE, NULL, "test" },
		{ TOP, MR_SCOPE_ONE, NULL, "below user1 user2" },
		{ TOP, MR_SCOPE_SUBTREE, NULL, "test below user1 user2 deep" },
		{ "ou=below," TOP, MR_SCOPE_ONE, NULL, "deep" },
		{ "ou=below," TOP, MR_SCOPE_BASE, "(uid=*)", "" },
		{ TOP, MR_SCOPE_SUBTREE, "(uid=*)", "user1 user2" },
		{ TOP, MR_SCOPE_SUBTREE, "(uid=USER1)", "user1" },
		{ TOP, MR_SCOPE_SUBTREE, "(uid=us\\65r1)", "user1" },
		{ TOP, MR_SCOPE_SUBTREE, "(mailLocalAddress=user2@example.ORG)", "user2" },
		{ TOP, MR_SCOPE_SUBTREE, "(&(objectClass=account)(!(uid=user1)))", "user2" },
		{ TOP, MR_SCOPE_SUBTREE, "(|(uid=user1)(ou=deep)(uid=x))", "user1 deep" },
		{ TOP, MR_SCOPE_SUBTREE, "(!(objectClass=*))", "" },
		{ TOP, MR_SCOPE_SUBTREE, "(&(objectClass=account)(|(uid=user1)(uid=user2)))",
		  "user1 user2" },
	};
	struct mr_directory *dir = *state;
	struct mr_error err;
	MR_ARENA arena = mr_arena_open();

	assert_ok(mr_directory_add(dir, unit(arena, "below", TOP), &err), err);
	assert_ok(mr_directory_add(dir, route(arena, "user1"), &err), err);
	assert_ok(mr_directory_add(dir, route(arena, "user2"), &err), err);
	assert_ok(mr_directory_add(dir, unit(arena, "deep", "ou=below," TOP), &err), err);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct mr_search search = { .base = rows[i].base,
						  .scope = rows[i].scope,
						  .filter = rows[i].filter };
		struct mr_list want = mr_list_split(arena, rows[i].want, ' '), got = { 0 };
		struct mr_entries found = { 0 };

		assert_ok(mr_directory_list(dir, arena, &search, &found, &err), err);
		for (size_t j = 0; j < found.count; j++)
			mr_list_add(arena, &got, mr_dn_value(arena, found.items[j]->dn));
		if (!mr_list_equal(&got, *rows[i].want ? &want : &(struct mr_list){ 0 }))
			fail_msg("%s: got %s, want %s", rows[i].filter,
				 mr_list_join(arena, &got, " "), rows[i].want);
	}
}

static void a_malformed_filter_is_invalid(void **state)
{
	static const char *const filters[] = { "uid",       "(uid=a",   "((uid=a)",
					       "(&(uid=a)", "(uid=a))", "(=a)" };
	MR_ARENA arena = mr_arena_open();

	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		struct mr_search search = { .base = TOP, .filter = filters[i] };
		struct mr_entries found = { 0 };
		struct mr_error err = { 0 };

		if (mr_directory_list(*state, arena, &search, &found, &err) == 0)
			fail_msg("%s is taken for a filter", filters[i]);
		assert_string_equal(mr_error_word(err.code), "invalid");
	}
}

static void hostile_names_find_only_themselves(void **state)
{
	static const char *const names[] = { "*",   "a)(uid=*", "a,b+c=d",  "#x",  "\\",
					     " a ", "\"q\"",    "\xc3\xbc", "<;>", "a\\2a" };
	struct mr_directory *dir = *state;
	MR_ARENA arena = mr_arena_open();
	struct mr_error err;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_ok(mr_directory_add(dir, unit(arena, names[i], TOP), &err), err);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct mr_search search = { .base = TOP,
					    .filter = mr_filter(arena, "(ou=%s)", names[i]) };
		struct mr_entries found = { 0 };
		struct mr_entry *entry = NULL;

		assert_ok(mr_directory_list(dir, arena, &search, &found, &err), err);
		assert_int_equal(found.count, 1);
		assert_string_equal(mr_entry_value(found.items[0], "ou"), names[i]);
		assert_ok(mr_directory_read(dir, arena, mr_dn(arena, "ou", names[i], TOP), NULL,
					    &entry, &err),
			  err);
		assert_non_null(entry);
		assert_string_equal(mr_entry_value(entry, "ou"), names[i]);
	}
}

static void results_of_many_pages_come_whole_and_limits_cut_them(void **state)
{
	static const int limits[][2] = { { 0, 2500 },   { 1, 1 },       { 100, 100 },
					 { 150, 150 },  { 1500, 1500 }, { 2500, 2500 },
					 { 9000, 2500 } };
	struct mr_directory *dir = *state;
	struct mr_error err = { 0 };
	int left = 0;

	add_many(dir, 2500);
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct mr_search search = { .base = TOP,
					    .scope = MR_SCOPE_ONE,
					    .size_limit = limits[i][0] };
		MR_ARENA arena = mr_arena_open();
		struct mr_entries found = { 0 };

		assert_ok(mr_directory_list(dir, arena, &search, &found, &err), err);
		assert_int_equal(found.count, limits[i][1]);
		left = 0;
		assert_ok(mr_directory_visit(dir, &search, count_entry, &left, &err), err);
		assert_int_equal(-left, limits[i][1]);
	}
	left = 1200;
	assert_fails(mr_directory_visit(dir, &(struct mr_search){ .base = TOP }, count_entry, &left,
					&err),
		     MR_E_USAGE, err);
	assert_int_equal(left, 0);
	left = 0;
	assert_ok(mr_directory_visit(dir, &(struct mr_search){ .base = TOP }, count_entry, &left,
				     &err),
		  err);
	assert_int_equal(-left, 2501);
}

static void make_secret(struct mr_secret *secret, char key)
{
	char text[] = "{CRYPT}$y$j9T$0123456789abcdef";

	/* Not in this form anywhere in the program. */
	for (size_t i = 8; text[i]; i++)
		text[i] = (char)(text[i] ^ key);
	mr_secret_set(secret, text, strlen(text));
	explicit_bzero(text, sizeof(text));
}

static void secrets_are_stored_as_values(void **state)
{
	struct mr_directory *dir = *state;
	MR_ARENA arena = mr_arena_open();
	MR_SECRET secret = { NULL, 0 };
	struct mr_mod gone, back;
	struct mr_entry *found;
	struct mr_error err;

	make_secret(&secret, 1);
	assert_ok(mr_directory_add(dir, person(arena, &secret), &err), err);
	assert_ok(mr_directory_read(dir, arena, "uid=p," TOP, NULL, &found, &err), err);
	assert_string_equal(mr_entry_value(found, "userPassword"), secret.data);
	gone = mod_of(arena, MR_MOD_DELETE, "userPassword", NULL);
	back = (struct mr_mod){ MR_MOD_REPLACE, { .name = "userPassword", .secret = &secret } };
	assert_ok(mr_directory_modify(dir, "uid=p," TOP, &gone, 1, &err), err);
	assert_ok(mr_directory_modify(dir, "uid=p," TOP, &back, 1, &err), err);
	assert_ok(mr_directory_read(dir, arena, "uid=p," TOP, NULL, &found, &err), err);
	assert_string_equal(mr_entry_value(found, "userPassword"), secret.data);
}

/* How often `secret` lies in writable memory, its own pages and the stack apart. */
static int copies_in_memory(const struct mr_secret *secret)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512], permissions[5];
	unsigned long from, to;
	int copies = 0;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		const char *at;

		if (sscanf(line, "%lx-%lx %4s", &from, &to, permissions) != 3 ||
		    strncmp(permissions, "rw", 2) != 0 || strstr(line, "[stack]"))
			continue;
		at = (const char *)from;
		while ((at = memmem(at, to - (unsigned long)at, secret->data, secret->len)))
			copies += at++ != secret->data;
	}
	fclose(maps);
	return copies;
}

static void no_copy_of_a_secret_stays_behind(void **state)
{
	MR_ARENA arena = mr_arena_open();
	MR_SECRET secret = { NULL, 0 };
	struct mr_error err;

	make_secret(&secret, 2); /* one that no test reads back */
	assert_ok(mr_directory_add(*state, person(arena, &secret), &err), err);
	/* A sanitizer lets nobody read memory at large. */
	if (!dlsym(RTLD_DEFAULT, "__asan_init"))
		assert_int_equal(copies_in_memory(&secret), 0);
}

static void bad_ldif_is_refused(void **state)
{
	struct mr_directory *dir = NULL;
	struct mr_error err;

	(void)state;
	assert_fails(mr_directory_open_memory("dn: o=x\n", &dir, &err), MR_E_INVALID, err);
	assert_null(dir);
	assert_ok(mr_directory_open_memory("", &dir, &err), err);
	mr_directory_close(dir);
}

#define BOTH(name)                                                                                 \
	{ #name " (slapd)", name, ldap_setup, teardown, NULL },                                    \
	{                                                                                          \
#name " (memory)", name, memory_setup, teardown, NULL                              \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_ldif_is_refused),
		BOTH(an_added_entry_is_read_back),
		BOTH(only_the_attributes_that_were_asked_for_come),
		BOTH(what_is_not_there_is_null_or_an_empty_list_or_not_found),
		BOTH(adds_that_cannot_be_are_refused),
		BOTH(the_value_in_the_name_is_added),
		BOTH(modifications_change_values_in_their_order),
		BOTH(a_modification_that_fails_changes_nothing),
		BOTH(only_leaves_can_be_deleted),
		BOTH(a_renamed_entry_is_the_same_under_another_name),
		BOTH(a_rename_to_a_name_that_is_taken_changes_nothing),
		BOTH(counting_up_returns_the_new_value),
		BOTH(scopes_and_filters_find_what_they_mean),
		BOTH(a_malformed_filter_is_invalid),
		BOTH(hostile_names_find_only_themselves),
		BOTH(results_of_many_pages_come_whole_and_limits_cut_them),
		BOTH(secrets_are_stored_as_values),
		SLAPD(no_copy_of_a_secret_stays_behind),
	};

	return cmocka_run_group_tests(tests, start_server, stop_server);
}
