/* What a status says, in each form: from plain data, no host is asked. */
#include "status_fixture.h"

#include "adapters/json.h"
#include "features/status_words.h"

static void assert_text(const char *got, const char *want)
{
	if (strcmp(got, want) != 0)
		fail_msg("got:\n%s\nwant:\n%s", got, want);
}

static void the_table_of_a_domain_that_is_well(void **state)
{
	static const char want[] =
		"HOST       ROLE               STATE    ANSWER  CLOCK   CONFIG  QUEUE  "
		"CERTIFICATE\n"
		"mail1.lan  mail server, home  in step  0.4 ms  +0.0 s  4 of 4  0      3649 days\n"
		"mail2.lan  mail server        in step  1.4 ms  +0.0 s  4 of 4  0      3649 days\n"
		"relay.lan  relay              in step  2.4 ms  +0.0 s  4 of 4  0      3649 days\n"
		"\n"
		"HOST       MAILREPL  SLAPD          POSTFIX  DOVECOT   NTP           GATE\n"
		"mail1.lan  0.1.0     2.5.13+dfsg-5  3.7.11   2.3.19.1  synchronised  open\n"
		"mail2.lan  0.1.0     2.5.13+dfsg-5  3.7.11   2.3.19.1  synchronised  open\n"
		"relay.lan  0.1.0     2.5.13+dfsg-5  3.7.11   -         synchronised  open\n"
		"\n"
		"COPY ON    OF         SERVICE  STATE    ENTRIES  DIGEST\n"
		"mail1.lan  mail1.lan  mail     in step  1203     equal\n"
		"mail1.lan  mail1.lan  unix     in step  1203     equal\n"
		"mail1.lan  mail2.lan  mail     in step  1203     equal\n"
		"mail1.lan  mail2.lan  unix     in step  1203     equal\n"
		"mail2.lan  mail1.lan  mail     in step  1203     equal\n"
		"mail2.lan  mail1.lan  unix     in step  1203     equal\n"
		"mail2.lan  mail2.lan  mail     in step  1203     equal\n"
		"mail2.lan  mail2.lan  unix     in step  1203     equal\n"
		"relay.lan  mail1.lan  mail     in step  1203     equal\n"
		"relay.lan  mail2.lan  mail     in step  1203     equal\n"
		"\n"
		"Scheme intranet: no mail comes from outside, and none leaves.\n"
		"2026-11-21 20:53:45 UTC, asked from mail1.lan. All is well.\n";
	MR_ARENA arena = mr_arena_open();
	struct fixture fixture;
	MR_BUF text = { 0 };

	(void)state;
	fixture_well(&fixture, arena);
	mr_status_text(&fixture.status, false, &text);
	assert_text(mr_buf_text(&text), want);
}

static void the_table_says_what_is_wrong_within_100_columns(void **state)
{
	static const char want[] =
		"HOST                  ROLE               STATE          ANSWER  CLOCK     CONFIG  "
		"QUEUE  CERTIFICATE\n"
		"mail1.lan             mail server, home  in step        0.4 ms  +0.0 s    4 of 4  "
		"0      3649 days\n"
		"mail2.lan             mail server        23 min behind  1.4 ms  -300.0 s  3 of 4  "
		"1702   12 days\n"
		"mail3.lan             mail server        no answer      -       -         -       "
		"-      -\n"
		"relay.lan             relay              differs        3.4 ms  +0.0 s    4 of 4  "
		"0      3649 days\n"
		"a-relay-with-a-lo...  relay              invited        -       -         -       "
		"-      -\n"
		"\n"
		"HOST       MAILREPL  SLAPD                               POSTFIX  DOVECOT   NTP   "
		"            GATE\n"
		"mail1.lan  0.1.0     2.5.13+dfsg-5                       3.7.11   2.3.19.1  "
		"synchronised      open\n"
		"mail2.lan  0.1.0     <script>alert(\"1\")</script>&'\\?...  3.7.11   2.3.19.1  "
		"not synchronised  closed\n"
		"relay.lan  0.1.0     2.5.13+dfsg-5                       3.7.11   -         "
		"synchronised      open\n"
		"\n"
		"COPY ON    OF         SERVICE  STATE                     ENTRIES       DIGEST\n"
		"mail1.lan  mail1.lan  mail     in step                   1203          equal\n"
		"mail1.lan  mail1.lan  unix     in step                   1203          equal\n"
		"mail1.lan  mail2.lan  mail     in step                   1203          equal\n"
		"mail1.lan  mail2.lan  unix     in step                   1203          equal\n"
		"mail1.lan  mail3.lan  mail     unknown                   -             -\n"
		"mail1.lan  mail3.lan  unix     unknown                   -             -\n"
		"mail2.lan  mail1.lan  mail     23 min behind, 3 changes  1200 of 1203  behind\n"
		"mail2.lan  mail1.lan  unix     in step                   1203          equal\n"
		"mail2.lan  mail2.lan  mail     in step                   1203          equal\n"
		"mail2.lan  mail2.lan  unix     in step                   1203          equal\n"
		"mail2.lan  mail3.lan  mail     unknown                   -             -\n"
		"mail2.lan  mail3.lan  unix     unknown                   -             -\n"
		"relay.lan  mail1.lan  mail     in step                   1203          equal\n"
		"relay.lan  mail2.lan  mail     differs                   1202 of 1203  differs\n"
		"relay.lan  mail3.lan  mail     unknown                   -             -\n"
		"\n"
		"Scheme intranet: no mail comes from outside, and none leaves.\n"
		"2026-11-21 20:53:45 UTC, asked from mail1.lan. Something is wrong:\n"
		"  mail3.lan does not answer: slapd at mail3.lan:3890: Connection refused\n"
		"    <script>alert(\"1\")</script>&'\\??[31m?\n"
		"  relay.lan: its copy of mail2.lan (mail) differs from the owner: see "
		"cl-replication --verify, then\n"
		"    run cl-replication --repair on relay.lan\n"
		"  mail2.lan: its configuration is old (3 of 4): cl-rebuild must run there\n"
		"  mail2.lan: its clock is 5 min off: set it right, with NTP on every host\n"
		"  mail2.lan: unknown recipients are told \"later\", the gate is closed: it is not "
		"in step with\n"
		"    mail1.lan\n"
		"  mail2.lan: its certificate ends in 12 days: cl-replication --renew\n"
		"  mail2.lan: its copy of mail1.lan (mail) is not in step: 23 min behind, 3 "
		"changes\n"
		"  1 address is claimed twice, mail for it waits: cl-replication --clashes\n";
	MR_ARENA arena = mr_arena_open();
	struct fixture fixture;
	MR_BUF text = { 0 };

	(void)state;
	fixture_trouble(&fixture, arena);
	mr_status_text(&fixture.status, false, &text);
	assert_text(mr_buf_text(&text), want);
}

/* Nine mail servers: 162 copies, of which one is behind. */
static void fixture_nine(struct fixture *fixture, struct mr_arena *arena)
{
	fixture_topology(fixture, arena, 9);
	for (int i = 1; i <= 9; i++)
		fixture_host(fixture, mr_printf(arena, "mail%d.lan", i), MR_MAIL | MR_UNIX,
			     MR_JOINED);
	fixture_fill(fixture);
	fixture->status.hosts[4].providers[3].behind = 0.4;
	mr_status_judge(arena, &fixture->status);
}

static void many_copies_that_are_well_are_one_line(void **state)
{
	MR_ARENA arena = mr_arena_open();
	MR_BUF brief = { 0 }, all = { 0 };
	struct fixture fixture;

	(void)state;
	fixture_nine(&fixture, arena);
	mr_status_text(&fixture.status, false, &brief);
	assert_contains(mr_buf_text(&brief),
			"\n\nCOPY ON    OF         SERVICE  STATE        ENTRIES  DIGEST\n"
			"mail5.lan  mail2.lan  unix     <1 s behind  1203     equal\n"
			"and 161 copies that are well (-v shows them)\n\n");
	mr_status_text(&fixture.status, true, &all);
	assert_contains(mr_buf_text(&all), "\nmail9.lan  mail9.lan  unix     in step ");
	assert_null(strstr(mr_buf_text(&all), "-v shows"));
}

static void metrics_are_prometheus_text_with_no_sample_for_what_is_unknown(void **state)
{
	static const char want[] =
		"# HELP mailrepl_status_timestamp_seconds When the hosts were asked.\n"
		"# TYPE mailrepl_status_timestamp_seconds gauge\n"
		"mailrepl_status_timestamp_seconds 1795294425\n"
		"# HELP mailrepl_status_outcome 0 well, 1 behind, 2 diverged or unreachable.\n"
		"# TYPE mailrepl_status_outcome gauge\n"
		"mailrepl_status_outcome 1\n"
		"# HELP mailrepl_topology_generation Generation of the topology.\n"
		"# TYPE mailrepl_topology_generation gauge\n"
		"mailrepl_topology_generation 4\n"
		"# HELP mailrepl_clashes Addresses that are claimed twice.\n"
		"# TYPE mailrepl_clashes gauge\n"
		"mailrepl_clashes 0\n"
		"# HELP mailrepl_host_info What the host is and runs.\n"
		"# TYPE mailrepl_host_info gauge\n"
		"mailrepl_host_info{host=\"mail1.lan\",role=\"mail server, "
		"home\",state=\"joined\",version=\"0.1.0\","
		"slapd=\"<script>alert(\\\"1\\\")</"
		"script>&'\\\\??[31m?\",postfix=\"3.7.11\",dovecot=\"2.3.19.1\"} 1\n"
		"mailrepl_host_info{host=\"relay.lan\",role=\"relay\",state=\"joined\",version="
		"\"\",slapd=\"\","
		"postfix=\"\",dovecot=\"\"} 1\n"
		"# HELP mailrepl_up Whether the host's directory answers.\n"
		"# TYPE mailrepl_up gauge\n"
		"mailrepl_up{host=\"mail1.lan\"} 1\n"
		"mailrepl_up{host=\"relay.lan\"} 1\n"
		"# HELP mailrepl_latency_seconds One question to the host's directory and its "
		"answer.\n"
		"# TYPE mailrepl_latency_seconds gauge\n"
		"mailrepl_latency_seconds{host=\"mail1.lan\"} 0.000400\n"
		"mailrepl_latency_seconds{host=\"relay.lan\"} 0.012500\n"
		"# HELP mailrepl_rendered_generation Generation of the topology that the host has "
		"rendered.\n"
		"# TYPE mailrepl_rendered_generation gauge\n"
		"mailrepl_rendered_generation{host=\"mail1.lan\"} 4\n"
		"# HELP mailrepl_clock_offset_seconds The host's clock minus the asking host's.\n"
		"# TYPE mailrepl_clock_offset_seconds gauge\n"
		"mailrepl_clock_offset_seconds{host=\"mail1.lan\"} -0.250\n"
		"# HELP mailrepl_clock_synchronised Whether NTP keeps the host's clock.\n"
		"# TYPE mailrepl_clock_synchronised gauge\n"
		"mailrepl_clock_synchronised{host=\"mail1.lan\"} 1\n"
		"# HELP mailrepl_certificate_not_after_seconds When the host's certificate ends.\n"
		"# TYPE mailrepl_certificate_not_after_seconds gauge\n"
		"mailrepl_certificate_not_after_seconds{host=\"mail1.lan\"} 2110568085\n"
		"# HELP mailrepl_queue_messages Messages in the host's mail queue.\n"
		"# TYPE mailrepl_queue_messages gauge\n"
		"mailrepl_queue_messages{host=\"mail1.lan\"} 0\n"
		"# HELP mailrepl_gate_closed Whether unknown recipients are told to try again "
		"later.\n"
		"# TYPE mailrepl_gate_closed gauge\n"
		"mailrepl_gate_closed{host=\"mail1.lan\"} 0\n"
		"# HELP mailrepl_copy_behind_seconds Age of the oldest change that the copy "
		"lacks.\n"
		"# TYPE mailrepl_copy_behind_seconds gauge\n"
		"mailrepl_copy_behind_seconds{host=\"mail1.lan\",provider=\"mail1.lan\",service="
		"\"mail\"} 0.000\n"
		"mailrepl_copy_behind_seconds{host=\"mail1.lan\",provider=\"mail1.lan\",service="
		"\"unix\"} 0.000\n"
		"mailrepl_copy_behind_seconds{host=\"relay.lan\",provider=\"mail1.lan\",service="
		"\"mail\"} 12.500\n"
		"# HELP mailrepl_copy_missing_changes Changed entries that the copy lacks.\n"
		"# TYPE mailrepl_copy_missing_changes gauge\n"
		"mailrepl_copy_missing_changes{host=\"mail1.lan\",provider=\"mail1.lan\",service="
		"\"mail\"} 0\n"
		"mailrepl_copy_missing_changes{host=\"mail1.lan\",provider=\"mail1.lan\",service="
		"\"unix\"} 0\n"
		"# HELP mailrepl_copy_entries Entries of the copy.\n"
		"# TYPE mailrepl_copy_entries gauge\n"
		"mailrepl_copy_entries{host=\"mail1.lan\",provider=\"mail1.lan\",service=\"mail\"} "
		"1203\n"
		"mailrepl_copy_entries{host=\"mail1.lan\",provider=\"mail1.lan\",service=\"unix\"} "
		"1203\n"
		"# HELP mailrepl_copy_provider_entries Entries that the owner has.\n"
		"# TYPE mailrepl_copy_provider_entries gauge\n"
		"mailrepl_copy_provider_entries{host=\"mail1.lan\",provider=\"mail1.lan\",service="
		"\"mail\"} 1203\n"
		"mailrepl_copy_provider_entries{host=\"mail1.lan\",provider=\"mail1.lan\",service="
		"\"unix\"} 1203\n"
		"mailrepl_copy_provider_entries{host=\"relay.lan\",provider=\"mail1.lan\",service="
		"\"mail\"} 1203\n"
		"# HELP mailrepl_copy_equal Whether the copy's digest is the owner's.\n"
		"# TYPE mailrepl_copy_equal gauge\n"
		"mailrepl_copy_equal{host=\"mail1.lan\",provider=\"mail1.lan\",service=\"mail\"} "
		"1\n"
		"mailrepl_copy_equal{host=\"mail1.lan\",provider=\"mail1.lan\",service=\"unix\"} "
		"1\n";
	MR_ARENA arena = mr_arena_open();
	struct mr_host_status *hosts;
	struct fixture fixture;
	MR_BUF text = { 0 };

	(void)state;
	fixture_topology(&fixture, arena, 2);
	fixture_host(&fixture, "mail1.lan", MR_MAIL | MR_UNIX, MR_JOINED);
	fixture_host(&fixture, "relay.lan", MR_MAIL, MR_JOINED);
	fixture_fill(&fixture);
	hosts = fixture.status.hosts;
	hosts[0].slapd = HOSTILE;
	hosts[0].clock_offset = -0.25;
	hosts[1] = (struct mr_host_status){ .host = hosts[1].host,
					    .reachable = true,
					    .latency_ms = 12.5,
					    .rendered = -1,
					    .queue = -1,
					    .clock_offset = NAN,
					    .providers = hosts[1].providers,
					    .count = 1 };
	hosts[1].providers[0].behind = 12.5;
	hosts[1].providers[0].changes = -1;
	hosts[1].providers[0].entries = -1;
	hosts[1].providers[0].state = MR_COPY_UNKNOWN;
	mr_status_judge(arena, &fixture.status);
	mr_status_prometheus(&fixture.status, &text);
	assert_text(mr_buf_text(&text), want);
}

/* One thing goes wrong in a domain that is well. */
static void what_is_wrong_decides_the_outcome(void **state)
{
	enum {
		ANSWER,
		DIFFERS,
		NEWER,
		BEHIND,
		COMPARED,
		RENDERED,
		CLOCK,
		CERTIFICATE,
		EXPIRED,
		GATE,
		CLASH,
		MX,
		NTP,
		QUEUE,
		OLD
	};
	static const struct {
		int fault;
		enum mr_status_outcome want;
		const char *note;
	} rows[] = {
		{ ANSWER, MR_STATUS_BAD, "mail2.lan does not answer: no route" },
		{ DIFFERS, MR_STATUS_BAD, "mail2.lan: its copy of mail1.lan (mail) differs" },
		{ NEWER, MR_STATUS_BAD,
		  "mail2.lan: its copy of mail1.lan (mail): the copy is newer" },
		{ BEHIND, MR_STATUS_BEHIND,
		  "mail2.lan: its copy of mail1.lan (mail) is not in step: 90 s behind" },
		{ COMPARED, MR_STATUS_BEHIND,
		  "mail2.lan: its copy of mail1.lan (mail) could not be compared: busy" },
		{ RENDERED, MR_STATUS_BEHIND, "mail2.lan: its configuration is old (3 of 4)" },
		{ CLOCK, MR_STATUS_BEHIND, "mail2.lan: its clock is 6 s off" },
		{ CERTIFICATE, MR_STATUS_BEHIND, "mail2.lan: its certificate ends in 30 days" },
		{ EXPIRED, MR_STATUS_BEHIND, "mail2.lan: its certificate has expired" },
		{ GATE, MR_STATUS_BEHIND,
		  "mail2.lan: unknown recipients are told \"later\", the gate is closed: why" },
		{ CLASH, MR_STATUS_BEHIND, "2 addresses are claimed twice" },
		{ MX, MR_STATUS_BEHIND, "maildomain.org has no MX record" },
		{ NTP, MR_STATUS_WELL, NULL },
		{ QUEUE, MR_STATUS_WELL, NULL },
		{ OLD, MR_STATUS_WELL, NULL },
	};
	MR_ARENA arena = mr_arena_open();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture fixture;
		struct mr_host_status *host;
		int fault = rows[i].fault;

		fixture_well(&fixture, arena);
		host = &fixture.status.hosts[1];
		host->reachable = fault != ANSWER;
		host->why = "no route";
		host->providers[0].behind = fault == BEHIND ? 90 : 0;
		if (fault == DIFFERS)
			host->providers[0].state = MR_COPY_DIFFERS;
		/* As --quick finds it. */
		if (fault == NEWER) {
			fixture.status.digests = false;
			host->providers[0].state = MR_COPY_DIFFERS;
			host->providers[0].why = "the copy is newer";
		}
		if (fault == COMPARED)
			host->providers[0].state = MR_COPY_UNKNOWN, host->providers[0].why = "busy";
		host->rendered = fault == RENDERED ? 3 : fault == OLD ? -1 : 4;
		host->clock_offset = fault == CLOCK ? -6.1 : fault == OLD ? NAN : 5;
		if (fault == CERTIFICATE)
			host->certificate_not_after = FIXTURE_TIME + 30 * 86400;
		if (fault == EXPIRED)
			host->certificate_not_after = FIXTURE_TIME;
		host->gate = fault == GATE ? "closed: why" : fault == OLD ? NULL : "open";
		fixture.status.clashes = fault == CLASH ? 2 : 0;
		if (fault == MX)
			mr_list_add(arena, &fixture.status.mx_faults,
				    "maildomain.org has no MX record");
		host->clock_source = fault == NTP ? "not synchronised" : NULL;
		host->queue = fault == QUEUE ? 100000 : 0;
		mr_status_judge(arena, &fixture.status);
		if (fixture.status.outcome != rows[i].want)
			fail_msg("row %zu: %s", i, mr_status_outcome_word(fixture.status.outcome));
		assert_int_equal(fixture.status.notes.count, rows[i].note ? 1 : 0);
		if (rows[i].note)
			assert_contains(fixture.status.notes.items[0], rows[i].note);
	}
}

static void an_invited_host_is_waited_for_by_nobody(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct fixture fixture;

	(void)state;
	fixture_topology(&fixture, arena, 2);
	fixture_host(&fixture, "mail1.lan", MR_MAIL | MR_UNIX, MR_JOINED);
	fixture_host(&fixture, "mail2.lan", MR_MAIL | MR_UNIX, MR_INVITED);
	fixture_fill(&fixture);
	mr_status_judge(arena, &fixture.status);
	assert_int_equal(fixture.status.outcome, MR_STATUS_WELL);
	assert_string_equal(mr_status_host_word(arena, &fixture.status, &fixture.status.hosts[1]),
			    "invited");
}

static void json_has_whole_numbers_and_null_for_what_is_unknown(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct fixture fixture;
	const char *json;

	(void)state;
	fixture_trouble(&fixture, arena);
	json = mr_json_format(arena, mr_status_value(arena, &fixture.status));
	assert_contains(
		json,
		"\"outcome\": \"bad\",\n  \"when\": 1795294425,\n  \"asked_from\": \"mail1.lan\"");
	assert_contains(json, "\"clock_offset_ms\": -300040,");
	assert_contains(json,
			"\"behind_ms\": 1380500,\n          \"changes\": 3,\n          "
			"\"provider_entries\": 1203,\n          \"entries\": 1200,\n          "
			"\"digest\": \"behind\"");
	assert_contains(json, "\"behind_ms\": null,\n          \"changes\": null,\n");
	assert_contains(json, "\"clock_offset_ms\": null,");
}

static void spans_of_time_are_told_in_one_unit(void **state)
{
	static const struct {
		double seconds;
		const char *want;
	} rows[] = {
		{ 0.001, "<1 s" },   { 1, "1 s" },    { 119.9, "119 s" }, { 120, "2 min" },
		{ 7199, "119 min" }, { 7200, "2 h" }, { 172799, "47 h" }, { 172800, "2 days" },
	};
	MR_ARENA arena = mr_arena_open();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(mr_status_duration(arena, rows[i].seconds), rows[i].want);
}

static void numbers_have_a_point_and_no_negative_zero(void **state)
{
	static const struct {
		double value;
		int digits;
		const char *want;
	} rows[] = {
		{ 1.25, 2, "1.25" },  { -0.04, 1, "0.0" },
		{ -0.06, 1, "-0.1" }, { 12.996, 2, "13.00" },
		{ 7.5, 0, "8" },      { NAN, 1, "-" },
		{ INFINITY, 1, "-" }, { 0.000001, 6, "0.000001" },
	};
	MR_ARENA arena = mr_arena_open();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(mr_status_number(arena, rows[i].value, rows[i].digits),
				    rows[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_of_a_domain_that_is_well),
		cmocka_unit_test(the_table_says_what_is_wrong_within_100_columns),
		cmocka_unit_test(many_copies_that_are_well_are_one_line),
		cmocka_unit_test(metrics_are_prometheus_text_with_no_sample_for_what_is_unknown),
		cmocka_unit_test(what_is_wrong_decides_the_outcome),
		cmocka_unit_test(an_invited_host_is_waited_for_by_nobody),
		cmocka_unit_test(json_has_whole_numbers_and_null_for_what_is_unknown),
		cmocka_unit_test(spans_of_time_are_told_in_one_unit),
		cmocka_unit_test(numbers_have_a_point_and_no_negative_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
