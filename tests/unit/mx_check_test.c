#include "test.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "features/mx_check.h"

/* One domain, relay.lan and mail1.lan; who is the MX is the test's. */
struct world {
	struct mr_arena *arena;
	struct mr_topology topology;
	struct mr_host hosts[2];
	struct mr_list backups;
	struct mr_mx_domain domain;
	struct mr_mx_record records[4];
	struct mr_mx_check check;
};

static void begin(struct world *world, struct mr_arena *arena, enum mr_scheme scheme)
{
	*world = (struct world){
		.arena = arena,
		.hosts = { { .name = "mail1.lan", .services = MR_MAIL | MR_UNIX, .server_id = 1 },
			   { .name = "relay.lan", .services = MR_MAIL, .server_id = 2 } },
		.domain = { .domain = "maildomain.org", .answer = MR_DNS_NONE },
	};
	world->topology = (struct mr_topology){
		.home = "mail1.lan", .scheme = scheme, .hosts = world->hosts, .count = 2
	};
	mr_list_add(arena, &world->topology.domains, "maildomain.org");
	if (scheme != MR_SCHEME_INTRANET)
		mr_list_add(arena, &world->topology.mx, "relay.lan");
	world->domain.records = world->records;
	world->check = (struct mr_mx_check){ .domains = &world->domain, .domain_count = 1 };
}

static struct mr_mx_record *add(struct world *world, unsigned preference, const char *host)
{
	struct mr_mx_record *record = &world->records[world->domain.count++];

	world->domain.answer = MR_DNS_FOUND;
	*record = (struct mr_mx_record){ .mx = { preference, host }, .answer = MR_DNS_FOUND };
	mr_list_add(world->arena, &record->addresses, "192.0.2.1");
	return record;
}

/* "fault:host …" of all findings. */
static const char *judge(struct world *world)
{
	struct mr_list list = { 0 };

	mr_mx_judge(world->arena, &world->topology, &world->backups, &world->check);
	for (size_t i = 0; i < world->check.count; i++) {
		const struct mr_mx_finding *one = &world->check.findings[i];

		assert_string_equal(one->domain, "maildomain.org");
		assert_contains(one->text, "maildomain.org");
		mr_list_add(world->arena, &list,
			    mr_printf(world->arena, "%s:%s", mr_mx_fault_word(one->fault),
				      one->host ? one->host : "-"));
	}
	return mr_list_join(world->arena, &list, " ");
}

static void the_one_record_of_the_one_mx_is_well(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct world world;

	(void)state;
	begin(&world, arena, MR_SCHEME_RELAY_MX);
	add(&world, 10, "relay.lan");
	assert_string_equal(judge(&world), "");
	assert_int_equal(world.check.wrong, 0);
}

static void a_domain_without_record_and_one_that_takes_no_mail_are_told_what_to_add(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct world world;

	(void)state;
	begin(&world, arena, MR_SCHEME_RELAY_MX);
	assert_string_equal(judge(&world), "none:-");
	assert_contains(world.check.findings[0].text, "\"maildomain.org. IN MX 10 relay.lan.\"");
	assert_int_equal(world.check.wrong, 1);
	begin(&world, arena, MR_SCHEME_RELAY_MX);
	add(&world, 0, "");
	assert_string_equal(judge(&world), "none:-");
	assert_contains(world.check.findings[0].text, "relay.lan");
}

static void a_host_that_is_missing_is_named(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct world world;

	(void)state;
	begin(&world, arena, MR_SCHEME_RELAY_MX);
	mr_list_add(arena, &world.topology.mx, "relay2.lan");
	add(&world, 10, "relay2.lan");
	assert_string_equal(judge(&world), "missing:relay.lan");
}

static void a_record_too_many_is_told_apart_by_whose_host_it_is(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct world world;

	(void)state;
	begin(&world, arena, MR_SCHEME_RELAY_MX);
	add(&world, 10, "relay.lan");
	add(&world, 20, "mail1.lan");
	add(&world, 30, "mx.elsewhere.example");
	assert_string_equal(judge(&world), "extra:mail1.lan extra:mx.elsewhere.example");
	assert_contains(world.check.findings[0].text, "cl-setup --mx");
	assert_contains(world.check.findings[1].text, "backup_mx.backups");
	assert_int_equal(world.check.wrong, 2);
}

static void a_backup_is_none_too_many_unless_it_is_preferred(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct world world;

	(void)state;
	begin(&world, arena, MR_SCHEME_RELAY_MX);
	mr_list_add(arena, &world.backups, "mx.elsewhere.example");
	add(&world, 10, "relay.lan");
	add(&world, 20, "mx.elsewhere.example");
	assert_string_equal(judge(&world), "");
	begin(&world, arena, MR_SCHEME_RELAY_MX);
	mr_list_add(arena, &world.backups, "mx.elsewhere.example");
	add(&world, 5, "mx.elsewhere.example");
	add(&world, 10, "relay.lan");
	assert_string_equal(judge(&world), "backup:mx.elsewhere.example");
}

static void an_alias_of_the_mx_is_wrong_for_being_one_and_not_missing(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct world world;

	(void)state;
	begin(&world, arena, MR_SCHEME_RELAY_MX);
	add(&world, 10, "mail.maildomain.org")->alias = "relay.lan";
	assert_string_equal(judge(&world), "alias:mail.maildomain.org");
	assert_contains(world.check.findings[0].text, "relay.lan");
}

static void a_name_without_address_is_told(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_mx_record *record;
	struct world world;

	(void)state;
	begin(&world, arena, MR_SCHEME_RELAY_MX);
	record = add(&world, 10, "relay.lan");
	record->answer = MR_DNS_NONE;
	record->addresses = (struct mr_list){ 0 };
	assert_string_equal(judge(&world), "no_address:relay.lan");
}

static void what_could_not_be_asked_is_a_note_and_nothing_is_missing(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct world world;
	struct mr_mx_record *record;

	(void)state;
	begin(&world, arena, MR_SCHEME_RELAY_MX);
	world.domain.answer = MR_DNS_SILENT;
	world.domain.why = "nobody answers";
	assert_string_equal(judge(&world), "unasked:-");
	assert_contains(world.check.findings[0].text, "nobody answers");
	assert_int_equal(world.check.wrong, 0);
	begin(&world, arena, MR_SCHEME_RELAY_MX);
	record = add(&world, 10, "relay.lan");
	record->answer = MR_DNS_SILENT;
	record->why = "nobody answers";
	assert_string_equal(judge(&world), "unasked:relay.lan");
	assert_int_equal(world.check.wrong, 0);
}

static void an_intranet_with_records_is_a_note_and_without_is_well(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct world world;

	(void)state;
	begin(&world, arena, MR_SCHEME_INTRANET);
	assert_string_equal(judge(&world), "");
	add(&world, 10, "mx.elsewhere.example");
	assert_string_equal(judge(&world), "outside:-");
	assert_contains(world.check.findings[0].text, "mx.elsewhere.example");
	assert_int_equal(world.check.wrong, 0);
	begin(&world, arena, MR_SCHEME_INTRANET);
	add(&world, 0, "");
	assert_string_equal(judge(&world), "");
}

static void backups_are_those_of_the_settings(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *path = mr_printf(arena, "%s/mailrepl.conf", (const char *)*state);
	static const char text[] = "backup_mx: { backups = [ \"mx.elsewhere.example\" ]; };\n";
	struct mr_config config;
	struct mr_error err;
	struct mr_list list;

	assert_ok(mr_file_replace(path, text, strlen(text), MR_FILE_PUBLIC, &err), err);
	assert_ok(mr_config_load(arena, NULL, path, &config, &err), err);
	list = mr_mx_backups(arena, &config);
	assert_string_equal(mr_list_join(arena, &list, " "), "mx.elsewhere.example");
}

/* A server that hears and says nothing: after the first look-up the others are not tried. */
static void nobody_is_asked_for_ever(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof(here);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct mr_mx_check check;
	struct world world;
	long long since;

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&here, size), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&here, &size), 0);
	MR_DNS dns = mr_dns_open(arena, mr_printf(arena, "127.0.0.1:%u", ntohs(here.sin_port)));

	begin(&world, arena, MR_SCHEME_RELAY_MX);
	for (int i = 0; i < 100; i++)
		mr_list_add(arena, &world.topology.domains, mr_printf(arena, "d%d.example", i));
	since = mr_now_ms();
	mr_mx_ask(arena, dns, &world.topology, &check);
	assert_true(mr_now_ms() - since < 10 * MR_DNS_SECONDS * 1000);
	for (size_t i = 0; i < check.domain_count; i++) {
		assert_int_equal(check.domains[i].answer, MR_DNS_SILENT);
		assert_non_null(check.domains[i].why);
	}
	assert_int_equal(check.domain_count, 101);
	close(fd);
}

static void the_scheme_is_told_with_whom_it_names(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct world world;

	(void)state;
	begin(&world, arena, MR_SCHEME_RELAY_MX);
	assert_string_equal(mr_mx_scheme_line(arena, &world.topology),
			    "Scheme relay-mx: relay.lan takes mail from outside.");
	mr_list_add(arena, &world.topology.mx, "relay9.lan");
	assert_string_equal(mr_mx_scheme_line(arena, &world.topology),
			    "Scheme relay-mx: relay.lan, relay9.lan (no host of the domain) take "
			    "mail from outside.");
}

static void a_scheme_that_names_other_hosts_than_it_says_is_told(void **state)
{
	static const struct {
		enum mr_scheme scheme;
		const char *mx, *want; /* NULL: nothing */
	} rows[] = {
		{ MR_SCHEME_RELAY_MX, "relay.lan", NULL },
		{ MR_SCHEME_RELAY_MX, "mail1.lan", "mail1.lan holds mailboxes" },
		{ MR_SCHEME_RELAY_MX, "mail1.lan,relay.lan", NULL },
		{ MR_SCHEME_RELAY_MX, "relay9.lan", NULL },
		{ MR_SCHEME_SERVER_MX, "mail1.lan", NULL },
		{ MR_SCHEME_SERVER_MX, "relay.lan", "relay.lan holds no mailboxes" },
		{ MR_SCHEME_INTRANET, "relay.lan", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct world world;
		const char *got;

		begin(&world, arena, rows[i].scheme);
		world.topology.mx = mr_list_split(arena, rows[i].mx, ',');
		got = mr_mx_scheme_doubt(arena, &world.topology);
		if (rows[i].want)
			assert_contains(got, rows[i].want);
		else
			assert_null(got);
		/* Before cl-setup unix. */
		world.hosts[0].services = MR_MAIL;
		if (rows[i].scheme == MR_SCHEME_SERVER_MX)
			assert_null(mr_mx_scheme_doubt(arena, &world.topology));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_one_record_of_the_one_mx_is_well),
		cmocka_unit_test(
			a_domain_without_record_and_one_that_takes_no_mail_are_told_what_to_add),
		cmocka_unit_test(a_host_that_is_missing_is_named),
		cmocka_unit_test(a_record_too_many_is_told_apart_by_whose_host_it_is),
		cmocka_unit_test(a_backup_is_none_too_many_unless_it_is_preferred),
		cmocka_unit_test(an_alias_of_the_mx_is_wrong_for_being_one_and_not_missing),
		cmocka_unit_test(a_name_without_address_is_told),
		cmocka_unit_test(what_could_not_be_asked_is_a_note_and_nothing_is_missing),
		cmocka_unit_test(an_intranet_with_records_is_a_note_and_without_is_well),
		cmocka_unit_test_setup_teardown(backups_are_those_of_the_settings, folder_setup,
						folder_teardown),
		cmocka_unit_test(nobody_is_asked_for_ever),
		cmocka_unit_test(the_scheme_is_told_with_whom_it_names),
		cmocka_unit_test(a_scheme_that_names_other_hosts_than_it_says_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
