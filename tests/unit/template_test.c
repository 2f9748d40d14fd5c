#include "test.h"

#include "adapters/json.h"
#include "features/template.h"

/* Partials are members of "partials" among the values. */
static const char *find_partial(void *context, const char *name)
{
	return mr_value_get_string(mr_value_get(context, "partials"), name, NULL);
}

static int render(struct mr_arena *arena, const char *text, const char *json,
		  enum mr_escaping escaping, const char **out, struct mr_error *err)
{
	struct mr_value *values;
	MR_BUF buf = { 0 };
	int rc;

	assert_ok(mr_json_parse(arena, "values", json, strlen(json), &values, err), *err);
	rc = mr_template_render(&(struct mr_template){ .file = "t",
						       .text = text,
						       .escaping = escaping,
						       .partials = find_partial,
						       .context = values },
				values, &buf, err);
	*out = mr_strdup(arena, mr_buf_text(&buf));
	return rc;
}

struct row {
	const char *text, *json, *want;
};

static void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_error err = { 0 };
		const char *out;

		if (render(arena, rows[i].text, rows[i].json, MR_ESCAPE_NONE, &out, &err) < 0)
			fail_msg("%s: %s", rows[i].text, err.message);
		if (strcmp(out, rows[i].want) != 0)
			fail_msg("%s: got \"%s\", want \"%s\"", rows[i].text, out, rows[i].want);
	}
}
#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof((rows)[0]))

static void variables_are_replaced(void **state)
{
	static const struct row rows[] = {
		{ "", "{}", "" },
		{ "no tag", "{}", "no tag" },
		{ "a {{x}} b", "{\"x\": \"1\"}", "a 1 b" },
		{ "{{ x }}{{x}}", "{\"x\": \"1\"}", "11" },
		{ "{{x}}", "{\"x\": 42}", "42" },
		{ "{{a.b.c}}", "{\"a\": {\"b\": {\"c\": \"deep\"}}}", "deep" },
		{ "{{x}}\n", "{\"x\": \"\"}", "\n" },
		{ "$x {x} {{x}}", "{\"x\": \"{{y}}\"}", "$x {x} {{y}}" },
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void sections_repeat_vanish_and_nest(void **state)
{
	static const struct row rows[] = {
		{ "{{#a}}x{{/a}}", "{\"a\": true}", "x" },
		{ "{{#a}}x{{/a}}", "{\"a\": false}", "" },
		{ "{{#a}}x{{/a}}", "{\"a\": null}", "" },
		{ "{{#a}}x{{/a}}", "{\"a\": []}", "" },
		{ "{{^a}}x{{/a}}", "{\"a\": []}", "x" },
		{ "{{^a}}x{{/a}}", "{\"a\": null}", "x" },
		{ "{{^a}}x{{/a}}", "{\"a\": [1]}", "" },
		{ "{{#a}}{{.}},{{/a}}", "{\"a\": [\"p\", \"q\", 3]}", "p,q,3," },
		{ "{{#a}}{{n}}{{o}} {{/a}}",
		  "{\"a\": [{\"n\": \"1\"}, {\"n\": \"2\"}], \"o\": \"!\"}", "1! 2! " },
		{ "{{#a}}{{#b}}{{n}}{{/b}}{{/a}}",
		  "{\"n\": \"o\", \"a\": {\"n\": \"i\", \"b\": true}}", "i" },
		{ "{{#a}}{{#a}}{{n}}{{/a}}{{/a}}",
		  "{\"a\": {\"a\": [{\"n\": \"1\"}, {\"n\": \"2\"}]}}", "12" },
		{ "{{#a.b}}x{{/a.b}}", "{\"a\": {\"b\": true}}", "x" },
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void tags_that_stand_alone_leave_no_line(void **state)
{
	static const struct row rows[] = {
		{ "a\n{{#x}}\nb\n{{/x}}\nc\n", "{\"x\": true}", "a\nb\nc\n" },
		{ "a\n  {{#x}}  \nb\n\t{{/x}}\nc\n", "{\"x\": true}", "a\nb\nc\n" },
		{ "a\n{{^x}}\nb\n{{/x}}\nc\n", "{\"x\": true}", "a\nc\n" },
		{ "a\n{{! a comment\n of two lines }}\nb\n", "{}", "a\nb\n" },
		{ "a {{! beside }}b\n", "{}", "a b\n" },
		{ "{{#x}}\nend{{/x}}", "{\"x\": true}", "end" },
		{ "{{#x}}a{{/x}}\nb", "{\"x\": true}", "a\nb" },
		{ "{{#x}} {{/x}}\nb", "{\"x\": true}", " \nb" },
		{ "a\r\n{{#x}}\r\nb\r\n{{/x}}\r\n", "{\"x\": true}", "a\r\nb\r\n" },
		{ "  {{x}}\n", "{\"x\": \"v\"}", "  v\n" },
		{ "a\n{{#x}}\n{{/x}}", "{\"x\": true}", "a\n" },
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void delimiters_change(void **state)
{
	static const struct row rows[] = {
		{ "{{=<% %>=}}<%x%> {{x}}", "{\"x\": \"1\"}", "1 {{x}}" },
		{ "{{= | | =}}|x|", "{\"x\": \"1\"}", "1" },
		{ "a\n{{=<% %>=}}\n<%#x%>b<%/x%><%={{ }}=%>{{y}}", "{\"x\": true, \"y\": \"1\"}",
		  "a\nb1" },
		{ "{{=<% %>=}}<%={{ }}=%>{{x}}", "{\"x\": \"1\"}", "1" },
		{ "{{=<% %>=}}<%>p%>", "{\"x\": \"1\", \"partials\": {\"p\": \"{{x}}\"}}", "1" },
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void partials_are_rendered_in_place_and_moved_in(void **state)
{
	static const struct row rows[] = {
		{ "[{{>p}}]", "{\"x\": \"1\", \"partials\": {\"p\": \"{{x}}\"}}", "[1]" },
		{ "a\n  {{>p}}\nb\n", "{\"x\": \"1\", \"partials\": {\"p\": \"{{x}}\\n2\\n\"}}",
		  "a\n  1\n  2\nb\n" },
		{ "{{#l}}\n{{>a/p}}\n{{/l}}\n",
		  "{\"l\": [{\"x\": \"1\"}, {\"x\": \"2\"}], \"partials\": {\"a/p\": "
		  "\"{{x}}\\n\"}}",
		  "1\n2\n" },
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void mistakes_are_named_with_file_and_line(void **state)
{
	static const struct {
		const char *text, *json, *want;
	} rows[] = {
		{ "a\nb {{nobody}}\n", "{}", "t:2: {{nobody}}: unknown name" },
		{ "{{#nobody}}{{/nobody}}", "{}", "t:1: {{nobody}}: unknown name" },
		{ "{{^nobody}}{{/nobody}}", "{}", "t:1: {{nobody}}: unknown name" },
		{ "{{a.c}}", "{\"a\": {\"b\": \"1\"}}", "unknown name" },
		{ "{{a.b}}", "{\"a\": \"text\"}", "unknown name" },
		{ "{{#a}}{{b.c}}{{/a}}", "{\"a\": {\"b\": {}}, \"b\": {\"c\": \"outer\"}}",
		  "unknown name" },
		{ "\n{{#a}}\n{{/b}}", "{\"a\": false}", "t:3: {{/b}} closes nothing" },
		{ "{{/b}}", "{}", "t:1: {{/b}} closes nothing" },
		{ "\n{{#a}}\n", "{\"a\": false}", "t:2: the section {{#a}} is never closed" },
		{ "{{#a}}{{#b}}{{/a}}{{/b}}", "{\"a\": false}", "closes nothing" },
		{ "\n\n{{a", "{}", "t:3: a tag without \"}}\"" },
		{ "{{{a}}}", "{\"a\": \"1\"}", "nothing is written raw" },
		{ "{{&a}}", "{\"a\": \"1\"}", "nothing is written raw" },
		{ "{{}}", "{}", "is not a name" },
		{ "{{a b}}", "{}", "is not a name" },
		{ "{{a}}", "{\"a\": null}", "no text" },
		{ "{{a}}", "{\"a\": true}", "no text" },
		{ "{{a}}", "{\"a\": [\"1\"]}", "no text" },
		{ "{{=x=}}", "{}", "new delimiters" },
		{ "{{==}}", "{}", "new delimiters" },
		{ "{{=a b c=}}", "{}", "new delimiters" },
		{ "\n{{>p}}", "{}", "t:2: {{p}}: there is no such template" },
		{ "{{>p}}", "{\"partials\": {\"p\": \"\\n{{x}}\"}}", "p:2: {{x}}: unknown name" },
		{ "{{>p}}", "{\"partials\": {\"p\": \"{{>p}}\"}}", "without end" },
		{ "{{>p}}", "{\"partials\": {\"p\": \"{{#x}}\"}, \"x\": false}", "never closed" },
		{ "{{a}}", "{\"a\": \"two\\nlines\"}", "t:1: {{a}}: " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_error err = { 0 };
		const char *out;

		if (render(arena, rows[i].text, rows[i].json, MR_ESCAPE_NONE, &out, &err) == 0)
			fail_msg("%s gave \"%s\"", rows[i].text, out);
		assert_string_equal(mr_error_word(err.code), mr_error_word(MR_E_CONFIG));
		assert_contains(err.message, rows[i].want);
	}
}

static void a_value_never_leaves_its_place(void **state)
{
	static const struct {
		enum mr_escaping escaping;
		const char *text, *value; /* value in JSON */
		const char *want;         /* NULL: refused */
	} rows[] = {
		{ MR_ESCAPE_NONE, "{{v}}", "a$b%c#d \\\"", "a$b%c#d \"" },
		{ MR_ESCAPE_NONE, "{{v}}", "a\\nb", NULL },
		{ MR_ESCAPE_NONE, "{{v}}", "a\\rb", NULL },
		{ MR_ESCAPE_NONE, "{{v}}", "a\\tb", NULL },
		{ MR_ESCAPE_NONE, "{{v}}", "a\\u007fb", NULL },
		{ MR_ESCAPE_POSTFIX, "x = {{v}}", "a.lan", "x = a.lan" },
		{ MR_ESCAPE_POSTFIX, "x = {{v}}", "$mydomain", "x = $$mydomain" },
		{ MR_ESCAPE_POSTFIX, "x = {{v}}", "a\\nsoft_bounce = yes", NULL },
		{ MR_ESCAPE_POSTFIX, "    {{v}}", "#a", NULL },
		{ MR_ESCAPE_POSTFIX_TABLE, "{{v}} OK", "a@b.lan", "a@b.lan OK" },
		{ MR_ESCAPE_POSTFIX_TABLE, "{{v}} OK", "a b", NULL },
		{ MR_ESCAPE_POSTFIX_TABLE, "a{{v}} OK", " b", NULL },
		{ MR_ESCAPE_POSTFIX_TABLE, "{{v}} OK", "#a", NULL },
		{ MR_ESCAPE_POSTFIX_TABLE, "a {{v}}", "b@c.lan, d@e.lan", "a b@c.lan, d@e.lan" },
		{ MR_ESCAPE_POSTFIX_TABLE, "a {{v}}", "b\\nc d", NULL },
		{ MR_ESCAPE_POSTFIX_LDAP, "f = (a={{v}})", "x*)(b=%s", "f = (a=x\\2a\\29\\28b\\3d%%s)" },
		{ MR_ESCAPE_POSTFIX_LDAP, "b = cn={{v}},dc=x", "a,dc=b+c$d", "b = cn=a\\2cdc\\3db\\2bc$$d,dc=x" },
		{ MR_ESCAPE_POSTFIX_LDAP, "h = {{v}}", "ldapi://%2Frun%2Fs", "h = ldapi://%2Frun%2Fs" },
		{ MR_ESCAPE_POSTFIX_LDAP, "h = {{v}}", "ldapi://x\\ny", NULL },
		{ MR_ESCAPE_DOVECOT_LDAP, "f = (a={{v}})", "x*)(b=%u$", "f = (a=x\\2a\\29\\28b\\3d%%u$)" },
		{ MR_ESCAPE_DOVECOT_LDAP, "f = {{v}}", " a", NULL },
		{ MR_ESCAPE_EXIM, "x = {{v}}", "a${run{b}}\\\\c", "x = a\\$\\{run\\{b\\}\\}\\\\c" },
		{ MR_ESCAPE_EXIM, "x = {{v}}", "a : b", NULL },
		{ MR_ESCAPE_EXIM, "x = {{v}}", "<; a", NULL },
		{ MR_ESCAPE_EXIM, "y = <; b\nx = {{v}}", "a:b", NULL },
		{ MR_ESCAPE_EXIM, "x = <; ::1 ; {{v}}", "fc00::/7", "x = <; ::1 ; fc00::/7" },
		{ MR_ESCAPE_EXIM, "x = <; ::1 ; {{v}}", "0.0.0.0/0 ; a", NULL },
		{ MR_ESCAPE_EXIM, "# {{v}}", "a:b", "# a:b" },
		{ MR_ESCAPE_EXIM, "# a\nx = {{v}}", "a:b", NULL },
		{ MR_ESCAPE_EXIM, "x = {{v}}", "a\\nb", NULL },
		{ MR_ESCAPE_HTML, "{{v}}", "a<b & \\\"c\\\">", "a&lt;b &amp; &quot;c&quot;&gt;" },
		{ MR_ESCAPE_LDIF, "x: {{v}}", "cn=a,dc=b", "x: cn=a,dc=b" },
		{ MR_ESCAPE_LDIF, "x: \"{{v}}\"", "a\\\" by * write \\\"", NULL },
		{ MR_ESCAPE_LDIF, "x: {{v}}", "a\\\\", NULL },
		{ MR_ESCAPE_LDIF, "x: {{v}}", "a\\nolcAccess: to * by * write", NULL },
		{ MR_ESCAPE_LDIF, "x: {{v}}", "h\\u00f6st", NULL },
		{ MR_ESCAPE_LDIF, "x: {{v}}", " a", NULL },
		{ MR_ESCAPE_LDIF, "x: {{v}}", "< file:///etc/shadow", NULL },
		{ MR_ESCAPE_LDIF, "x: {{v}}", ": YQ==", NULL },
		{ MR_ESCAPE_DOVECOT, "x = {{v}}", "a.lan", "x = a.lan" },
		{ MR_ESCAPE_DOVECOT, "x = {{v}}", "50%u", "x = 50%%u" },
		{ MR_ESCAPE_DOVECOT, "x = {{v}}", "a # b", NULL },
		{ MR_ESCAPE_DOVECOT, "x = {{v}}", "$x", NULL },
		{ MR_ESCAPE_DOVECOT, "x = {{v}}", "</etc/shadow", NULL },
		{ MR_ESCAPE_DOVECOT, "x = {{v}}", "a }", NULL },
		{ MR_ESCAPE_DOVECOT, "x = {{v}}", "'a", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_error err = { 0 };
		const char *out, *json = mr_printf(arena, "{\"v\": \"%s\"}", rows[i].value);
		int rc = render(arena, rows[i].text, json, rows[i].escaping, &out, &err);

		if (!rows[i].want && rc == 0)
			fail_msg("%s with %s gave \"%s\"", rows[i].text, rows[i].value, out);
		if (rows[i].want && rc < 0)
			fail_msg("%s with %s: %s", rows[i].text, rows[i].value, err.message);
		if (rows[i].want)
			assert_string_equal(out, rows[i].want);
	}
}

static void escapings_have_words(void **state)
{
	enum mr_escaping escaping;
	struct mr_error err = { 0 };

	(void)state;
	assert_ok(mr_escaping_parse("postfix-table", &escaping, &err), err);
	assert_int_equal(escaping, MR_ESCAPE_POSTFIX_TABLE);
	assert_fails(mr_escaping_parse("roman", &escaping, &err), MR_E_CONFIG, err);
	assert_contains(err.message, "roman");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(variables_are_replaced),
		cmocka_unit_test(sections_repeat_vanish_and_nest),
		cmocka_unit_test(tags_that_stand_alone_leave_no_line),
		cmocka_unit_test(delimiters_change),
		cmocka_unit_test(partials_are_rendered_in_place_and_moved_in),
		cmocka_unit_test(mistakes_are_named_with_file_and_line),
		cmocka_unit_test(a_value_never_leaves_its_place),
		cmocka_unit_test(escapings_have_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
