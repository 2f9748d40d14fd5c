#include "test.h"

#include <errno.h>
#include <dirent.h>
#include <sys/stat.h>

#include "base/paths.h"
#include "base/process.h"
#include "features/backup.h"
#include "features/backup_key.h"
#include "features/backup_manifest.h"

#define FOLDER "/backup"
#define OWNED_MAIL "cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl"
#define OWNED_UNIX "cn=mail1.lan,ou=Unix,ou=Owned,dc=mailrepl"

/* A home with two peers: real databases, so that slapcat has something to read; slapd does not run.
 */
struct home {
	struct mr_arena *arena;
	const char *root, *folder;
	struct mr_config config;
	struct mr_topology topology;
	struct mr_host hosts[3];
	struct mr_backups made;
};

static void put(const struct home *home, const char *path, const char *text)
{
	put_file(mr_path(home->arena, home->root, path), text);
}

static void shell(const struct home *home, const char *script)
{
	const char *const argv[] = { "sh", "-euc", script, "sh", home->root, NULL };
	struct mr_error err;

	assert_ok(mr_process_check(&(struct mr_process){ .argv = argv }, &err), err);
}

static void add_database(struct mr_buf *out, const struct home *home, enum mr_database database)
{
	mr_buf_printf(out,
		      "dn: olcDatabase={%d}mdb,cn=config\nobjectClass: olcMdbConfig\nolcDatabase: "
		      "{%d}mdb\n"
		      "olcSuffix: %s\nolcDbDirectory: %s\nolcDbMaxSize: 16777216\n\n",
		      (int)database + 1, (int)database + 1,
		      mr_database_suffix(home->arena, database, "mail1.lan"),
		      mr_database_path(home->arena, &home->config, database));
}

static void make_databases(const struct home *home)
{
	const char *source = getenv("MAILREPL_TEST_SOURCE");
	MR_BUF config = { 0 };

	mr_buf_puts(&config,
		    "dn: cn=config\nobjectClass: olcGlobal\ncn: config\n\n"
		    "dn: cn=module,cn=config\nobjectClass: olcModuleList\ncn: module\n"
		    "olcModulePath: /usr/lib/ldap\nolcModuleLoad: back_mdb\n\n"
		    "dn: cn=schema,cn=config\nobjectClass: olcSchemaConfig\ncn: schema\n\n");
	for (int i = 0; i < 4; i++)
		mr_buf_printf(&config, "include: file:///etc/ldap/schema/%s.ldif\n\n",
			      (const char *[]){ "core", "cosine", "inetorgperson", "nis" }[i]);
	mr_buf_printf(&config, "include: file://%s/schema/inetlocalmail.ldif\n\n",
		      source ? source : ".");
	mr_buf_printf(&config, "include: file://%s/schema/mailrepl.ldif\n\n",
		      source ? source : ".");
	for (enum mr_database i = MR_DB_MAIL_OWNED; i <= MR_DB_UNIX; i++)
		add_database(&config, home, i);
	put(home, "/config.ldif", mr_buf_text(&config));
	put(home, "/mail-owned",
	    "dn: " OWNED_MAIL "\nobjectClass: mailReplContainer\ncn: mail1.lan\n\n"
	    "dn: uid=user1," OWNED_MAIL "\nobjectClass: account\n"
	    "objectClass: inetLocalMailRecipient\nuid: user1\n"
	    "mailLocalAddress: user1@maildomain.org\n\n");
	put(home, "/mail",
	    "dn: ou=Mail,dc=mailrepl\nobjectClass: organizationalUnit\nou: Mail\n\n"
	    "dn: cn=mail1.lan,ou=Mail,dc=mailrepl\nobjectClass: mailReplContainer\ncn: "
	    "mail1.lan\n\n"
	    "dn: uid=user1,cn=mail1.lan,ou=Mail,dc=mailrepl\nobjectClass: account\nuid: user1\n\n"
	    "dn: cn=mail2.lan,ou=Mail,dc=mailrepl\nobjectClass: mailReplContainer\ncn: "
	    "mail2.lan\n\n"
	    "dn: uid=user2,cn=mail2.lan,ou=Mail,dc=mailrepl\nobjectClass: account\nuid: user2\n\n");
	put(home, "/unix-owned",
	    "dn: " OWNED_UNIX "\nobjectClass: mailReplContainer\ncn: mail1.lan\n"
	    "mailReplUidHighWater: 1\n\n");
	put(home, "/unix",
	    "dn: ou=Unix,dc=mailrepl\nobjectClass: organizationalUnit\nou: Unix\n\n");
	shell(home, "cd \"$1\"; d=var/lib/mailrepl; mkdir -p $d/slapd/slapd.d $d/db/mail-owned "
		    "$d/db/mail "
		    "$d/db/unix-owned $d/db/unix\n"
		    "slapadd -q -n0 -F $d/slapd/slapd.d -l config.ldif\n"
		    "n=1; for i in mail-owned mail unix-owned unix; do\n"
		    "slapadd -q -w -S 1 -F $d/slapd/slapd.d -n $n -l $i; n=$((n+1)); done");
}

static void make_topology(struct home *home)
{
	static const char *const names[] = { "mail1.lan", "mail2.lan", "relay.lan" };

	for (int i = 0; i < 3; i++)
		home->hosts[i] = (struct mr_host){ .name = names[i],
						   .services = i < 2 ? MR_MAIL | MR_UNIX : MR_MAIL,
						   .server_id = (unsigned)i + 1,
						   .state = i ? MR_INVITED : MR_JOINED };
	home->topology = (struct mr_topology){ .domain_id = "722a44ca-09ef-44f2-94bc-42090989a916",
					       .home = "mail1.lan",
					       .epoch = 1,
					       .generation = 2,
					       .server_id_high_water = 3,
					       .hosts = home->hosts,
					       .count = 3 };
	mr_list_add(home->arena, &home->topology.domains, "maildomain.org");
}

static int home_setup(void **state)
{
	struct mr_arena *arena = mr_arena_open();
	struct home *home = MR_NEW(arena, struct home);
	struct mr_error err;
	char root[] = "/tmp/mailrepl-test-XXXXXX";

	home->arena = arena;
	home->root = mr_strdup(arena, mkdtemp(root));
	home->config = (struct mr_config){
		.root = home->root, .exists = true, .host = "mail1.lan", .backup_folder = FOLDER
	};
	home->folder = mr_path(arena, home->root, FOLDER);
	make_topology(home);
	make_databases(home);
	put(home, MR_PATH_CA_CERT, "ca cert");
	put(home, MR_PATH_CA_KEY, "ca key");
	put(home, MR_PATH_HOST_CERT, "mail1 cert");
	put(home, MR_PATH_HOST_KEY, "mail1 key");
	put(home, MR_PATH_PEERS "/mail2.lan.crt", "mail2 cert");
	put(home, MR_PATH_PEERS "/mail2.lan.key", "mail2 key");
	put(home, MR_PATH_PEERS "/relay.lan.crt", "relay cert");
	put(home, MR_PATH_PEERS "/relay.lan.key", "relay key");
	put(home, MR_PATH_CONFIG, "host = \"mail1.lan\";\n");
	put(home, MR_PATH_OVERRIDES "/postfix/main.cf", "template");
	put(home, MR_PATH_SECRETS "/smarthost-gw.example__587", "secret");
	put(home, MR_PATH_OWN "/postfix/main.cf", "own");
	put(home, MR_PATH_CHANGES "/etc/postfix/main.cf.json", "{}");
	put(home, FOLDER "/.mailrepl-Ab12Cd", "left by a run that was killed");
	assert_ok(mr_backup_create(arena, &home->config, &home->topology, &home->made, &err), err);
	*state = home;
	return 0;
}

static int home_teardown(void **state)
{
	struct home *home = *state;
	struct mr_error err;
	int rc;

	if (!home)
		return 0;
	rc = mr_tree_remove(home->root, &err);
	mr_arena_close(home->arena);
	return rc;
}

static const struct mr_backup *made_for(const struct home *home, const char *peer)
{
	for (size_t i = 0; i < home->made.count; i++) {
		const char *for_host = home->made.items[i].manifest.for_host;

		if (peer ? for_host && strcmp(for_host, peer) == 0 : !for_host)
			return &home->made.items[i];
	}
	fail_msg("no archive for %s", peer ? peer : "itself");
	return NULL;
}

static const char *names_of(struct mr_arena *arena, const struct mr_manifest *manifest)
{
	MR_BUF names = { 0 };

	for (size_t i = 0; i < manifest->count; i++)
		mr_buf_printf(&names, "%s ", manifest->members[i].name);
	return mr_strdup(arena, mr_buf_text(&names));
}

static const char *text_of(const struct home *home, const char *folder, const char *name)
{
	struct mr_error err;
	char *text;

	assert_ok(mr_file_read(home->arena, mr_printf(home->arena, "%s/%s", folder, name), 1 << 20,
			       &text, NULL, &err),
		  err);
	return text;
}

static const char *unpack(const struct home *home, const char *path, const char *host)
{
	const char *folder = mr_printf(home->arena, "%s/out", home->root);
	struct mr_manifest manifest;
	struct mr_error err;

	assert_ok(mr_tree_remove(folder, &err), err);
	assert_ok(mr_backup_unpack_for(home->arena, path, folder, host, &manifest, &err), err);
	return folder;
}

static bool holds(const struct home *home, const char *folder, const char *name)
{
	return mr_path_exists(mr_printf(home->arena, "%s/%s", folder, name));
}

static void the_home_makes_one_for_itself_and_one_for_each_peer(void **state)
{
	const struct home *home = *state;

	assert_int_equal(home->made.count, 3);
	assert_string_equal(
		names_of(home->arena, &made_for(home, NULL)->manifest),
		"topology.ldif tls/ca.crt tls/backup.key tls/ca.key tls/host.crt tls/host.key "
		"tls/peers/mail2.lan.crt "
		"tls/peers/mail2.lan.key tls/peers/relay.lan.crt tls/peers/relay.lan.key "
		"mailrepl.conf "
		"templates/postfix/main.cf own/postfix/main.cf changes/etc/postfix/main.cf.json "
		"secrets/smarthost-gw.example__587 "
		"mail-owned.ldif mail-copies.ldif unix-owned.ldif "
		"unix-copies.ldif ");
	assert_string_equal(names_of(home->arena, &made_for(home, "mail2.lan")->manifest),
			    "topology.ldif tls/ca.crt tls/backup.key tls/host.crt tls/host.key "
			    "templates/postfix/main.cf "
			    "mail-owned.ldif mail-copies.ldif unix-owned.ldif unix-copies.ldif ");
	assert_string_equal(names_of(home->arena, &made_for(home, "relay.lan")->manifest),
			    "topology.ldif tls/ca.crt tls/backup.key tls/host.crt tls/host.key "
			    "templates/postfix/main.cf "
			    "mail-owned.ldif mail-copies.ldif ");
}

static void a_peer_gets_its_own_key(void **state)
{
	const struct home *home = *state;
	const char *folder = unpack(home, made_for(home, "relay.lan")->path, "relay.lan");

	assert_string_equal(text_of(home, folder, "tls/host.key"), "relay key");
	assert_string_equal(text_of(home, folder, "tls/host.crt"), "relay cert");
}

static void of_anothers_full_archive_a_relay_is_left_just_its_share(void **state)
{
	static const char *const secret[] = { "tls/ca.key",
					      "tls/host.key",
					      "tls/host.crt",
					      "mailrepl.conf",
					      "tls/peers/mail2.lan.key",
					      "unix-owned.ldif",
					      "unix-copies.ldif" };
	const struct home *home = *state;
	const char *folder = unpack(home, made_for(home, NULL)->path, "relay.lan");

	for (size_t i = 0; i < sizeof(secret) / sizeof(*secret); i++)
		if (holds(home, folder, secret[i]))
			fail_msg("%s was left on the relay", secret[i]);
	assert_string_equal(text_of(home, folder, "tls/peers/relay.lan.key"), "relay key");
	assert_true(holds(home, folder, "mail-owned.ldif"));
}

static void a_host_outside_the_topology_gets_nothing(void **state)
{
	const struct home *home = *state;
	const char *folder = mr_printf(home->arena, "%s/none", home->root);
	struct mr_manifest manifest;
	struct mr_error err = { 0 };

	assert_fails(mr_backup_unpack_for(home->arena, made_for(home, NULL)->path, folder,
					  "mail9.lan", &manifest, &err),
		     MR_E_NO_HOST, err);
	assert_false(mr_path_exists(folder));
}

static void the_copies_come_without_our_own_container(void **state)
{
	const struct home *home = *state;
	const char *folder = unpack(home, made_for(home, NULL)->path, NULL);
	const char *copies = text_of(home, folder, "mail-copies.ldif");

	assert_contains(copies, "dn: ou=Mail,dc=mailrepl\n");
	assert_contains(copies, "dn: uid=user2,cn=mail2.lan,ou=Mail,dc=mailrepl\n");
	assert_null(strstr(copies, "mail1.lan"));
}

static void only_root_can_read_them_and_nothing_else_is_left(void **state)
{
	const struct home *home = *state;
	DIR *dir = opendir(home->folder);
	struct dirent *item;
	struct stat st;
	int count = 0;

	assert_int_equal(stat(home->folder, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	while ((item = readdir(dir))) {
		if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0)
			continue;
		assert_int_equal(fstatat(dirfd(dir), item->d_name, &st, 0), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
		count++;
	}
	closedir(dir);
	assert_int_equal(count, 3);
}

static void other_programs_can_read_them(void **state)
{
	const struct home *home = *state;

	shell(home, "cd \"$1\"; for i in backup/*.tar.bz2; do bzip2 -t $i; tar tjf $i; done >list\n"
		    "[ $(grep -c MANIFEST.json list) = 3 ]");
}

static void without_lbzip2_they_are_made_and_read_all_the_same(void **state)
{
	const struct home *home = *state;
	const char *search = mr_printf(home->arena, "%s/bin:/usr/bin:/bin", home->root);
	char *before = strdup(getenv("PATH"));
	struct mr_manifest manifest;
	struct mr_backups slow;
	struct mr_error err;

	/* A folder of that name is found and cannot be executed. */
	put(home, "/bin/lbzip2/x", "");
	setenv("PATH", search, 1);
	assert_ok(mr_backup_create(home->arena, &home->config, &home->topology, &slow, &err), err);
	for (size_t i = 0; i < slow.count; i++) {
		const struct mr_backup_reading reading = { .path = slow.items[i].path };

		assert_ok(mr_backup_read(home->arena, &reading, &manifest, &err), err);
	}
	setenv("PATH", before, 1);
	free(before);
	shell(home, mr_printf(home->arena, "lbzip2 -t %s", slow.items[0].path));
	for (size_t i = 0; i < slow.count; i++)
		unlink(slow.items[i].path);
}

static void a_second_run_in_the_same_second_makes_new_ones(void **state)
{
	const struct home *home = *state;
	struct mr_backups again;
	struct mr_error err;

	assert_ok(mr_backup_create(home->arena, &home->config, &home->topology, &again, &err), err);
	assert_int_equal(again.count, 3);
	assert_string_not_equal(again.items[0].path, home->made.items[0].path);
	for (size_t i = 0; i < again.count; i++)
		unlink(again.items[i].path);
}

static void what_is_written_carries_an_hmac_of_the_homes_key(void **state)
{
	const struct home *home = *state;
	struct mr_manifest manifest;
	MR_SECRET key = { 0 };
	struct mr_error err = { 0 };
	const char *own;

	assert_ok(mr_backup_key_read(&home->config, &key, &err), err);
	assert_int_equal(key.len, 65);
	assert_ok(mr_backup_key_show(home->arena, &home->config, &own, &err), err);
	for (size_t i = 0; i < home->made.count; i++) {
		struct mr_backup_reading reading = { .path = home->made.items[i].path,
						     .key = &key,
						     .entries = true };

		assert_ok(mr_backup_read(home->arena, &reading, &manifest, &err), err);
		assert_int_equal(manifest.trust, MR_TRUST_KEY);
		assert_string_equal(manifest.fingerprint, own);
		reading.key = NULL;
		assert_ok(mr_backup_read(home->arena, &reading, &manifest, &err), err);
		assert_int_equal(manifest.trust, MR_TRUST_SELF);
		assert_int_equal(mr_manifest_member(&manifest, "mail-owned.ldif")->entries, 2);
		assert_int_equal(mr_manifest_member(&manifest, "mail-copies.ldif")->entries, 3);
	}
}

static bool full_one(const void *context, const struct mr_manifest *manifest)
{
	return !manifest->for_host && strcmp(manifest->host, context) == 0;
}

static void the_newest_good_one_is_taken(void **state)
{
	const struct home *home = *state;
	const char *folder = mr_printf(home->arena, "%s/newest", home->root);
	struct mr_backup found;
	struct mr_error err = { 0 };

	put(home, FOLDER "/20991231T000000Z-mail1.lan.tar.bz2", "damaged");
	assert_ok(mr_backup_newest(home->arena, &home->config, full_one, "mail1.lan", folder,
				   &found, &err),
		  err);
	assert_string_equal(found.path, made_for(home, NULL)->path);
	assert_fails(mr_backup_newest(home->arena, &home->config, full_one, "mail7.lan", folder,
				      &found, &err),
		     MR_E_NOT_FOUND, err);
	assert_contains(err.message, "20991231T000000Z");
	unlink(mr_path(home->arena, home->root, FOLDER "/20991231T000000Z-mail1.lan.tar.bz2"));
}

static const char *no_room_for; /* part of a name that nothing is renamed to */

int __real_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
int __wrap_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);

int __wrap_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	if (no_room_for && strstr(to, no_room_for)) {
		errno = ENOSPC;
		return -1;
	}
	return __real_renameat2(from_dir, from, to_dir, to, flags);
}

/* The last archive gets no name, when all are complete and those before it have theirs. */
static void a_failure_leaves_nothing_behind(void **state)
{
	struct home *home = *state;
	struct mr_backups again;
	struct mr_error err = { 0 };

	no_room_for = "-for-relay.lan";
	assert_fails(mr_backup_create(home->arena, &home->config, &home->topology, &again, &err),
		     MR_E_IO, err);
	no_room_for = NULL;
	assert_contains(err.message, "relay.lan");
	only_root_can_read_them_and_nothing_else_is_left(state);
}

/* Nobody can be given a key that is not there; the others are not made to wait for it. */
static void a_peer_without_key_is_left_out(void **state)
{
	struct home *home = *state;
	struct mr_backups again;
	struct mr_error err = { 0 };

	assert_int_equal(unlink(mr_path(home->arena, home->root, MR_PATH_PEERS "/relay.lan.key")),
			 0);
	assert_ok(mr_backup_create(home->arena, &home->config, &home->topology, &again, &err), err);
	assert_int_equal(again.count, 2);
	assert_null(strstr(names_of(home->arena, &again.items[0].manifest), "relay"));
	for (size_t i = 0; i < again.count; i++)
		unlink(again.items[i].path);
	put(home, MR_PATH_PEERS "/relay.lan.key", "relay key");
}

static void the_topology_comes_out_as_it_went_in(void **state)
{
	const struct home *home = *state;
	const char *folder = unpack(home, made_for(home, "mail2.lan")->path, NULL);
	struct mr_topology found;
	struct mr_error err;

	assert_ok(mr_backup_topology(home->arena, folder, &found, &err), err);
	assert_string_equal(found.home, "mail1.lan");
	assert_int_equal(found.count, 3);
	assert_int_equal(found.generation, 2);
	assert_true(mr_list_has(&found.domains, "maildomain.org"));
}

static void each_run_unpacks_into_a_place_of_its_own(void **state)
{
	const struct home *home = *state;
	const char *live =
		mr_printf(home->arena, "%s" MR_PATH_STATE "/join.%d", home->root, (int)getppid());
	const char *own =
		mr_printf(home->arena, "%s" MR_PATH_STATE "/join.%d", home->root, (int)getpid());
	const char *out;
	struct mr_error err;

	put(home, mr_printf(home->arena, MR_PATH_STATE "/join.%d/tls/host.key", (int)getppid()),
	    "");
	put(home, MR_PATH_STATE "/join.999999999/tls/host.key", "of a run that was killed");
	put(home, mr_printf(home->arena, MR_PATH_STATE "/join.%d/tls/host.key", (int)getpid()), "");
	put(home, MR_PATH_STATE "/join.old/notes", "an administrator's");
	assert_ok(mr_backup_place(home->arena, &home->config, "join", &out, &err), err);
	assert_string_equal(out, own);
	assert_false(mr_path_exists(own));
	assert_true(mr_path_exists(live));
	assert_true(mr_path_exists(mr_path(home->arena, home->root, MR_PATH_STATE "/join.old")));
	assert_false(
		mr_path_exists(mr_path(home->arena, home->root, MR_PATH_STATE "/join.999999999")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_home_makes_one_for_itself_and_one_for_each_peer),
		cmocka_unit_test(a_peer_gets_its_own_key),
		cmocka_unit_test(of_anothers_full_archive_a_relay_is_left_just_its_share),
		cmocka_unit_test(a_host_outside_the_topology_gets_nothing),
		cmocka_unit_test(the_copies_come_without_our_own_container),
		cmocka_unit_test(only_root_can_read_them_and_nothing_else_is_left),
		cmocka_unit_test(other_programs_can_read_them),
		cmocka_unit_test(without_lbzip2_they_are_made_and_read_all_the_same),
		cmocka_unit_test(a_second_run_in_the_same_second_makes_new_ones),
		cmocka_unit_test(what_is_written_carries_an_hmac_of_the_homes_key),
		cmocka_unit_test(the_newest_good_one_is_taken),
		cmocka_unit_test(a_failure_leaves_nothing_behind),
		cmocka_unit_test(a_peer_without_key_is_left_out),
		cmocka_unit_test(each_run_unpacks_into_a_place_of_its_own),
		cmocka_unit_test(the_topology_comes_out_as_it_went_in),
	};

	return cmocka_run_group_tests_name("backup", tests, home_setup, home_teardown);
}
