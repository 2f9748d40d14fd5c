/* What features rely on holds for both backends: each of the first tests runs against a real slapd
 * and against the directory in memory. */
#include "private_slapd.h"

#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>

#include "adapters/tls.h"

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define BASE "dc=mailrepl"
#define TOP "ou=test,dc=mailrepl"

static struct slapd slapd;

static const char top_ldif[] =
	"dn: dc=mailrepl\nobjectClass: domain\ndc: mailrepl\n\n"
	"dn: ou=test,dc=mailrepl\nobjectClass: organizationalUnit\nou: test\n";

static void open_local(struct mr_directory **dir, int deadline_ms)
{
	struct mr_directory_target target = { .uri = slapd.uri, .deadline_ms = deadline_ms };
	struct mr_error err;

	assert_ok(mr_directory_open(&target, dir, &err), err);
}

static struct mr_entry *unit(struct mr_arena *arena, const char *name, const char *parent)
{
	struct mr_entry *entry = mr_entry_new(arena, mr_dn(arena, "ou", name, parent));

	mr_entry_add(arena, entry, "objectClass", "organizationalUnit");
	mr_entry_add(arena, entry, "ou", name);
	return entry;
}

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

static int memory_setup(void **state)
{
	struct mr_error err;

	return mr_directory_open_memory(top_ldif, (struct mr_directory **)state, &err);
}

/* Removes everything below TOP: children come after their parents. */
static void empty_tree(struct mr_directory *dir)
{
	struct mr_search all = { .base = TOP, .attrs = LIST("1.1") };
	MR_ARENA arena = mr_arena_open();
	struct mr_entries found = { 0 };
	struct mr_error err;

	assert_ok(mr_directory_list(dir, arena, &all, &found, &err), err);
	for (size_t i = found.count; i-- > 0;)
		assert_ok(mr_directory_delete(dir, found.items[i]->dn, &err), err);
}

static int ldap_setup(void **state)
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

static int teardown(void **state)
{
	slapd_wake(&slapd); /* a test may have failed while it hung */
	mr_directory_close(*state);
	return 0;
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

static int count_entry(void *context, const struct mr_entry *entry, struct mr_error *err)
{
	int *left = context;

	if (!mr_entry_attr(entry, "ou"))
		return mr_fail(err, MR_E_PROTOCOL, "no ou");
	return --*left == 0 ? mr_fail(err, MR_E_USAGE, "enough") : 0;
}

static void add_many(struct mr_directory *dir, int count)
{
	struct mr_error err;

	for (int i = 0; i < count; i++) {
		MR_ARENA arena = mr_arena_open();

		assert_ok(mr_directory_add(dir, unit(arena, mr_printf(arena, "u%d", i), TOP), &err),
			  err);
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

static struct mr_entry *person(struct mr_arena *arena, const struct mr_secret *secret)
{
	struct mr_entry *entry = mr_entry_new(arena, "uid=p," TOP);

	mr_entry_add(arena, entry, "objectClass", "inetOrgPerson");
	mr_entry_add(arena, entry, "uid", "p");
	mr_entry_add(arena, entry, "cn", "p");
	mr_entry_add(arena, entry, "sn", "p");
	mr_entry_add_secret(arena, entry, "userPassword", secret);
	return entry;
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

static struct mr_entry *big(struct mr_arena *arena)
{
	struct mr_entry *entry = unit(arena, "big", TOP);
	char *text = mr_alloc(arena, (4 << 20) + 1);

	memset(text, 'x', 4 << 20);
	mr_entry_add(arena, entry, "description", text);
	return entry;
}

/* The call came back with MR_E_UNAVAILABLE, not before its time and not long after. */
static void assert_gave_up(int rc, const struct mr_error *err, long long began, int deadline_ms)
{
	long long took = mr_now_ms() - began;

	assert_int_equal(rc, -1);
	assert_string_equal(mr_error_word(err->code), "unavailable");
	assert_contains(err->message, "slapd at ");
	assert_true(took >= deadline_ms - 5);
	assert_true(took < deadline_ms + 1000);
}

static void a_server_that_hangs_is_given_up_in_time(void **state)
{
	struct mr_directory_target target = { .uri = slapd.uri, .deadline_ms = 300 };
	MR_ARENA arena = mr_arena_open();
	struct mr_directory *other = NULL, *dir = NULL;
	struct mr_entry *found;
	struct mr_error err = { 0 };
	long long began, value;
	int rc;

	(void)state;
	open_local(&dir, 300);
	slapd_hang(&slapd);
	began = mr_now_ms();
	rc = mr_directory_open(&target, &other, &err);
	assert_gave_up(rc, &err, began, 300);
	assert_null(other);
	began = mr_now_ms();
	rc = mr_directory_read(dir, arena, TOP, NULL, &found, &err);
	assert_gave_up(rc, &err, began, 300);
	began = mr_now_ms();
	rc = mr_directory_increment(dir, TOP, "gidNumber", &value, &err);
	assert_gave_up(rc, &err, began, 300);
	/* More than the socket's buffers hold: the writing must not hang either. */
	began = mr_now_ms();
	rc = mr_directory_add(dir, big(arena), &err);
	assert_gave_up(rc, &err, began, 300);
	slapd_wake(&slapd);
	mr_directory_close(dir);
}

static void a_server_that_wakes_up_can_be_used_again(void **state)
{
	MR_ARENA arena = mr_arena_open();
	MR_DIRECTORY dir = NULL;
	struct mr_entry *found;
	struct mr_error err;

	(void)state;
	open_local(&dir, 2000);
	slapd_hang(&slapd);
	assert_int_equal(mr_directory_read(dir, arena, TOP, NULL, &found, &err), -1);
	slapd_wake(&slapd);
	assert_ok(mr_directory_read(dir, arena, BASE, NULL, &found, &err), err);
	assert_true(mr_dn_equal(found->dn, BASE));
}

static void a_server_that_is_gone_is_unavailable_and_stays_so_for_its_connections(void **state)
{
	struct mr_directory_target nowhere = { .uri = "ldapi://%2Fnonexistent%2Fldapi" };
	MR_ARENA arena = mr_arena_open();
	struct mr_directory *dir = NULL, *other = NULL;
	struct mr_entry *found;
	struct mr_error err;

	(void)state;
	open_local(&dir, 0);
	slapd_kill(&slapd);
	assert_fails(mr_directory_add(dir, unit(arena, "a", TOP), &err), MR_E_UNAVAILABLE, err);
	slapd_start(&slapd);
	assert_fails(mr_directory_read(dir, arena, TOP, NULL, &found, &err), MR_E_UNAVAILABLE, err);
	assert_contains(err.message, "the connection is lost");
	assert_fails(mr_directory_delete(dir, TOP, &err), MR_E_UNAVAILABLE, err);
	mr_directory_close(dir);
	assert_fails(mr_directory_open(&nowhere, &other, &err), MR_E_UNAVAILABLE, err);
	assert_contains(err.message, "/nonexistent/ldapi");
}

/* The target of a peer; file names are relative to the server's folder. */
static int open_peer(struct mr_arena *arena, const char *host, const char *ca, const char *identity,
		     struct mr_directory **dir, struct mr_error *err)
{
	struct mr_directory_target target = {
		.uri = mr_printf(arena, "ldap://%s:3890", host),
		.ca_file = mr_printf(arena, "%s/%s.crt", slapd.folder, ca),
		.cert_file = mr_printf(arena, "%s/%s.crt", slapd.folder, identity),
		.key_file = mr_printf(arena, "%s/%s.key", slapd.folder, identity),
		.deadline_ms = 3000,
	};

	return mr_directory_open(&target, dir, err);
}

static void a_peer_is_known_by_its_certificate(void **state)
{
	MR_ARENA arena = mr_arena_open();
	MR_DIRECTORY dir = NULL;
	struct mr_entry *found;
	struct mr_error err;

	assert_ok(mr_directory_add(*state, unit(arena, "readonly", TOP), &err), err);
	assert_ok(open_peer(arena, "mail1.lan", "ca", "mail1.lan", &dir, &err), err);
	assert_ok(mr_directory_read(dir, arena, BASE, NULL, &found, &err), err);
	assert_string_equal(mr_entry_value(found, "dc"), "mailrepl");
	assert_ok(mr_directory_add(dir, unit(arena, "writable", TOP), &err), err);
	assert_fails(mr_directory_delete(dir, "ou=readonly," TOP, &err), MR_E_DENIED, err);
	assert_contains(err.message, "slapd at mail1.lan:3890: deleting ou=readonly," TOP);
}

static void the_certificate_that_a_peer_shows_can_be_read(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_certificate shown;
	MR_DIRECTORY dir = NULL;
	struct mr_error err;
	MR_BUF der = { 0 };

	assert_false(mr_directory_certificate(*state, &der));
	assert_ok(open_peer(arena, "mail1.lan", "ca", "mail1.lan", &dir, &err), err);
	assert_true(mr_directory_certificate(dir, &der));
	assert_ok(mr_tls_describe_der(arena, der.data, der.len, &shown, &err), err);
	assert_string_equal(shown.host, "mail1.lan");
	assert_fails(mr_tls_describe_der(arena, der.data, der.len - 1, &shown, &err), MR_E_INVALID,
		     err);
}

/* How many connections to another host this process has, and how many of them hold back what is to be
 * sent until the other side has acknowledged what came before. */
static void count_connections(int *all, int *hold_back)
{
	*all = *hold_back = 0;
	for (int fd = 3; fd < 1024; fd++) {
		struct sockaddr_storage name;
		socklen_t len = sizeof(name), size = sizeof(int);
		int on = 0;

		if (getpeername(fd, (struct sockaddr *)&name, &len) < 0 ||
		    name.ss_family == AF_UNIX)
			continue;
		(*all)++;
		assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &size), 0);
		*hold_back += !on;
	}
}

static void what_a_peer_is_asked_is_not_held_back(void **state)
{
	MR_ARENA arena = mr_arena_open();
	MR_DIRECTORY dir = NULL;
	struct mr_error err;
	int all, hold_back;

	(void)state;
	assert_ok(open_peer(arena, "mail1.lan", "ca", "mail1.lan", &dir, &err), err);
	count_connections(&all, &hold_back);
	assert_int_equal(all, 1);
	assert_int_equal(hold_back, 0);
}

/* Agrees to TLS, and then says nothing more until the client goes. */
static void *agree_and_hang(void *argument)
{
	static const char agreed[] = "0\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00";
	int fd = accept(*(int *)argument, NULL, NULL);
	char data[1024];

	assert_true(recv(fd, data, sizeof(data), 0) > 0);
	assert_int_equal(send(fd, agreed, sizeof(agreed) - 1, 0), sizeof(agreed) - 1);
	while (recv(fd, data, sizeof(data), 0) > 0)
		;
	close(fd);
	return NULL;
}

static long cpu_ms(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return used.tv_sec * 1000 + used.tv_nsec / 1000000;
}

static void a_peer_that_hangs_in_the_handshake_is_given_up_in_time_and_waited_for_at_rest(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(address);
	MR_ARENA arena = mr_arena_open();
	struct mr_directory_target target = {
		.ca_file = mr_printf(arena, "%s/ca.crt", slapd.folder),
		.cert_file = mr_printf(arena, "%s/mail1.lan.crt", slapd.folder),
		.key_file = mr_printf(arena, "%s/mail1.lan.key", slapd.folder),
		.deadline_ms = 2000,
	};
	struct mr_directory *dir = NULL;
	struct mr_error err = { 0 };
	long long began;
	pthread_t server;
	long used;
	int rc;

	(void)state;
	assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(pthread_create(&server, NULL, agree_and_hang, &listener), 0);
	target.uri = mr_printf(arena, "ldap://127.0.0.1:%d", ntohs(address.sin_port));
	began = mr_now_ms();
	used = cpu_ms();
	rc = mr_directory_open(&target, &dir, &err);
	used = cpu_ms() - used;
	assert_gave_up(rc, &err, began, 2000);
	assert_true(used < 1000);
	pthread_join(server, NULL);
	close(listener);
}

static void a_peer_that_cannot_be_trusted_is_refused(void **state)
{
	static const struct {
		const char *host, *ca, *identity, *words;
		enum mr_error_code want;
	} rows[] = {
		{ "mail1.lan", "other", "mail1.lan", "signed by the CA in /", MR_E_DENIED },
		{ "mail2.lan", "ca", "mail1.lan", "name mail2.lan", MR_E_DENIED },
		{ "127.0.0.1", "ca", "mail1.lan", "name 127.0.0.1", MR_E_DENIED },
		{ "mail1.lan", "ca", "nobody", "nobody.crt", MR_E_NOT_FOUND },
		{ "mail1.lan", "config.ldif", "mail1.lan", "config.ldif.crt", MR_E_NOT_FOUND },
	};
	MR_ARENA arena = mr_arena_open();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mr_directory *dir = NULL;
		struct mr_error err = { 0 };

		assert_fails(
			open_peer(arena, rows[i].host, rows[i].ca, rows[i].identity, &dir, &err),
			rows[i].want, err);
		assert_contains(err.message, rows[i].words);
		assert_contains(err.message, rows[i].host);
		assert_null(dir);
	}
}

static void a_server_that_does_not_know_our_ca_turns_us_away(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_directory *dir = NULL;
	struct mr_error err = { 0 };

	(void)state;
	assert_fails(open_peer(arena, "mail1.lan", "ca", "stranger", &dir, &err), MR_E_UNAVAILABLE,
		     err);
	assert_contains(err.message, "slapd at mail1.lan:3890: it ended the connection");
}

static void remote_targets_need_certificates_and_a_host(void **state)
{
	static const char *const uris[] = { "ldap://mail1.lan:3890", "ldap://",   "ldapi://",
					    "ldaps://mail1.lan",     "mail1.lan", "" };

	(void)state;
	for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
		struct mr_directory_target target = { .uri = uris[i], .deadline_ms = 1000 };
		struct mr_directory *dir = NULL;
		struct mr_error err = { 0 };

		assert_fails(mr_directory_open(&target, &dir, &err), MR_E_CONFIG, err);
	}
}

static void a_name_server_that_is_silent_is_given_up_in_time(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_directory *dir = NULL;
	struct mr_error err = { 0 };
	long long began = mr_now_ms();

	(void)state;
	assert_gave_up(open_peer(arena, "elsewhere.lan", "ca", "mail1.lan", &dir, &err), &err,
		       began, 3000);
	assert_contains(err.message, "cannot be resolved in time");
}

static void a_silent_peer_is_given_up_in_time(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_directory *dir = NULL;
	struct mr_error err = { 0 };
	long long began = mr_now_ms();
	int rc;

	(void)state;
	slapd_hang(&slapd);
	rc = open_peer(arena, "mail1.lan", "ca", "mail1.lan", &dir, &err);
	slapd_wake(&slapd);
	assert_gave_up(rc, &err, began, 3000);
}

static void nothing_is_taken_from_the_environment(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_entry *alias = mr_entry_new(arena, "cn=alias," TOP), *found;
	struct mr_error err;

	mr_entry_add(arena, alias, "objectClass", "alias");
	mr_entry_add(arena, alias, "objectClass", "extensibleObject");
	mr_entry_add(arena, alias, "aliasedObjectName", BASE);
	assert_ok(mr_directory_add(*state, alias, &err), err);
	assert_ok(mr_directory_read(*state, arena, alias->dn, NULL, &found, &err), err);
	assert_string_equal(found->dn, "cn=alias," TOP);
}

static int open_as(const char *dn, const char *password, struct mr_error *err)
{
	MR_SECRET secret = { NULL, 0 };
	struct mr_directory_target target = { .uri = slapd.uri,
					      .bind_dn = dn,
					      .password = &secret };
	MR_DIRECTORY dir = NULL;

	mr_secret_set(&secret, password, strlen(password));
	return mr_directory_open(&target, &dir, err);
}

static void a_password_is_compared_by_the_server(void **state)
{
	struct mr_directory *dir = *state;
	MR_ARENA arena = mr_arena_open();
	MR_SECRET secret = { NULL, 0 };
	struct mr_error err;

	mr_secret_set(&secret, "right", 5);
	assert_ok(mr_directory_add(dir, person(arena, &secret), &err), err);
	assert_ok(open_as("uid=p," TOP, "right", &err), err);
	assert_fails(open_as("uid=p," TOP, "wrong", &err), MR_E_DENIED, err);
	assert_fails(open_as("uid=nobody," TOP, "right", &err), MR_E_DENIED, err);
	assert_fails(open_as("uid=p," TOP, "", &err), MR_E_DENIED, err);
}

static void a_password_goes_to_no_other_host(void **state)
{
	MR_SECRET secret = { NULL, 0 };
	struct mr_directory_target target = { .uri = "ldap://mail1.lan:3890",
					      .bind_dn = "uid=p," TOP,
					      .password = &secret };
	MR_DIRECTORY dir = NULL;
	struct mr_error err;

	(void)state;
	mr_secret_set(&secret, "right", 5);
	assert_fails(mr_directory_open(&target, &dir, &err), MR_E_CONFIG, err);
}

static void a_result_that_the_server_cuts_short_is_an_error(void **state)
{
	struct mr_search search = { .base = TOP };
	MR_ARENA arena = mr_arena_open();
	MR_DIRECTORY dir = NULL;
	struct mr_entries found = { 0 };
	struct mr_error err;

	add_many(*state, 20);
	assert_ok(open_peer(arena, "mail1.lan", "ca", "mail1.lan", &dir, &err), err);
	assert_fails(mr_directory_list(dir, arena, &search, &found, &err), MR_E_CONFIG, err);
	search.size_limit = 50;
	assert_fails(mr_directory_list(dir, arena, &search, &found, &err), MR_E_CONFIG, err);
	found.count = 0;
	search.size_limit = 5;
	assert_ok(mr_directory_list(dir, arena, &search, &found, &err), err);
	assert_int_equal(found.count, 5);
}

static void filters_are_escaped(void **state)
{
	static const struct {
		const char *input, *want;
	} rows[] = {
		{ "user1", "(uid=user1)" }, { "*", "(uid=\\2A)" }, { "a(b)c", "(uid=a\\28b\\29c)" },
		{ "\\", "(uid=\\5C)" },     { "", "(uid=)" },      { "%s", "(uid=%s)" }
	};
	MR_ARENA arena = mr_arena_open();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(mr_filter(arena, "(uid=%s)", rows[i].input), rows[i].want);
	assert_string_equal(mr_filter(arena, "(|(a=%s)(b=%s))", "x", "y"), "(|(a=x)(b=y))");
}

static void dns_are_escaped_and_their_values_read_back(void **state)
{
	static const char *const values[] = { "user1", "a,b",      " a ",  "#a", "a+b=c", "\\",
					      "\"",    "\xc3\xbc", "a\nb", "",   "\xff" };
	MR_ARENA arena = mr_arena_open();

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(values) / sizeof(values[0]); i++)
		assert_string_equal(mr_dn_value(arena, mr_dn(arena, "uid", values[i], "ou=x,o=y")),
				    values[i]);
	assert_string_equal(mr_dn(arena, "uid", "user1", "ou=x"), "uid=user1,ou=x");
	assert_string_equal(mr_dn(arena, "uid", "user1", ""), "uid=user1");
	assert_string_equal(mr_dn(arena, "uid", "\xff", "ou=x"), "uid=\\FF,ou=x");
	assert_null(mr_dn_value(arena, ""));
	assert_null(mr_dn_value(arena, "uid"));
	assert_null(mr_dn_value(arena, "uid=a,,o=x"));
	assert_null(mr_dn_value(arena, "uid=#0401"));
}

static void dns_are_compared_by_meaning(void **state)
{
	static const struct {
		const char *a, *b;
		bool want;
	} rows[] = {
		{ "uid=a,o=x", "UID=A, O=X", true },
		{ "cn=a\\2cb,o=x", "cn=a\\,b,o=x", true },
		{ "cn=a  b,o=x", "cn=A b,o=x", true },
		{ "cn=a+uid=b,o=x", "uid=b+cn=a,o=x", true },
		{ "", "", true },
		{ "uid=a,o=x", "uid=b,o=x", false },
		{ "uid=a,o=x", "uid=a", false },
		{ "cn=a\\,o=x", "cn=a,o=x", false },
		{ "uid=a,,o=x", "uid=a,,o=x", false },
		{ "cn=#6162", "cn=ab", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (mr_dn_equal(rows[i].a, rows[i].b) != rows[i].want)
			fail_msg("%s and %s", rows[i].a, rows[i].b);
}

static void socket_paths_are_percent_encoded(void **state)
{
	MR_ARENA arena = mr_arena_open();

	(void)state;
	assert_string_equal(mr_directory_socket_uri(arena, "/run/a b/l-d_a.pI\xc3\xbc%"),
			    "ldapi://%2Frun%2Fa%20b%2Fl-d_a.pI%C3%BC%25");
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

static int start_server(void **state)
{
	(void)state;
	/* The library looks at it once: see nothing_is_taken_from_the_environment. */
	setenv("LDAPDEREF", "always", 1);
	slapd_make(&slapd);
	return 0;
}

static int stop_server(void **state)
{
	(void)state;
	slapd_remove(&slapd);
	return 0;
}

#define BOTH(name)                                                                                 \
	{ #name " (slapd)", name, ldap_setup, teardown, NULL },                                    \
	{                                                                                          \
#name " (memory)", name, memory_setup, teardown, NULL                              \
	}
#define SLAPD(name) cmocka_unit_test_setup_teardown(name, ldap_setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filters_are_escaped),
		cmocka_unit_test(dns_are_escaped_and_their_values_read_back),
		cmocka_unit_test(dns_are_compared_by_meaning),
		cmocka_unit_test(socket_paths_are_percent_encoded),
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
		SLAPD(a_server_that_hangs_is_given_up_in_time),
		SLAPD(a_server_that_wakes_up_can_be_used_again),
		SLAPD(a_server_that_is_gone_is_unavailable_and_stays_so_for_its_connections),
		SLAPD(a_peer_is_known_by_its_certificate),
		SLAPD(the_certificate_that_a_peer_shows_can_be_read),
		SLAPD(what_a_peer_is_asked_is_not_held_back),
		SLAPD(a_peer_that_hangs_in_the_handshake_is_given_up_in_time_and_waited_for_at_rest),
		SLAPD(a_peer_that_cannot_be_trusted_is_refused),
		SLAPD(a_server_that_does_not_know_our_ca_turns_us_away),
		SLAPD(remote_targets_need_certificates_and_a_host),
		SLAPD(a_name_server_that_is_silent_is_given_up_in_time),
		SLAPD(a_silent_peer_is_given_up_in_time),
		SLAPD(nothing_is_taken_from_the_environment),
		SLAPD(a_password_is_compared_by_the_server),
		SLAPD(a_password_goes_to_no_other_host),
		SLAPD(a_result_that_the_server_cuts_short_is_an_error),
	};

	return cmocka_run_group_tests(tests, start_server, stop_server);
}
