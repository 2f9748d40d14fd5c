/* A setting that a command changes in a mailrepl.conf that somebody wrote: all but that setting stays, byte for byte. */
#include "roundtrip.h"

#include "adapters/config.h"
#include <sys/stat.h>

static const char *place(void **folder, const char *name, const char *text)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/etc/mailrepl", (const char *)*folder);
	assert_ok(mr_folder_make(path, MR_FILE_PUBLIC, &err), err);
	assert_int_equal(chmod(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/etc/mailrepl/%s", (const char *)*folder, name);
	assert_ok(mr_file_replace(path, text, strlen(text), MR_FILE_PUBLIC, &err), err);
	return path;
}

/* Loads `text`, gives the setting the value, and asks for the new text. */
static int edit(struct mr_arena *arena, void **folder, const char *text, const char *name,
		const char *value, struct mr_config *config, const char **out)
{
	bool changed = false;

	place(folder, "mailrepl.conf", text);
	if (mr_config_load(arena, *folder, NULL, config, &err) < 0)
		fail_msg("%s: %s", err.message, text);
	if (strcmp(name, "host") == 0)
		config->host = value;
	else if (strcmp(name, "home") == 0)
		config->home = value;
	else
		assert_ok(mr_config_set_text(arena, config, name, value, &changed, &err), err);
	return mr_config_edit(arena, config, out, &err);
}

static void a_setting_changes_where_it_stands_or_comes_where_it_belongs(void **folder)
{
	static const struct {
		const char *before, *name, *value, *after;
	} rows[] = {
		{ "host = \"a.lan\"; # mine\n", "mail.name", "x.org",
		  "host = \"a.lan\"; # mine\n\nmail:\n{\n\tname = \"x.org\";\n};\n" },
		{ "host = \"a.lan\";\nmail: { /* a */ name = \"y.org\" /* b */; // c\n};\n",
		  "mail.name", "x.org",
		  "host = \"a.lan\";\nmail: { /* a */ name = \"x.org\" /* b */; // c\n};\n" },
		{ "host:\"a.lan\" mail={dns=false}", "mail.name", "x.org",
		  "host:\"a.lan\" mail={dns=false; name = \"x.org\"; }" },
		{ "host = \"a.lan\"; mail = { dns = false, };", "mail.name", "x.org",
		  "host = \"a.lan\"; mail = { dns = false, name = \"x.org\"; };" },
		{ "host = \"a.lan\"; mail : {}", "mail.name", "x.org",
		  "host = \"a.lan\"; mail : { name = \"x.org\"; }" },
		{ "host = \"a.lan\"\nmail\n=\n{\n    dns = false # not here\n}\n# end\n",
		  "mail.name", "x.org",
		  "host = \"a.lan\"\nmail\n=\n{\n    dns = false # not here\n    name = "
		  "\"x.org\";\n}\n# end\n" },
		{ "host = \"a.lan\"; /* last */", "home", "b.lan",
		  "host = \"a.lan\"; /* last */\nhome = \"b.lan\";\n" },
		{ "host = \"a.lan\";\r\nmail:\r\n{\r\n};\r\n", "mail.name", "x.org",
		  "host = \"a.lan\";\r\nmail:\r\n{\r\n\tname = \"x.org\";\r\n};\r\n" },
		{ "host = \"a.lan\";\nmail:\n{\n\t# name = \"\";\n\tdns = false;\n};\n",
		  "mail.name", "x.org",
		  "host = \"a.lan\";\nmail:\n{\n\t# name = \"\";\n\tname = \"x.org\";\n\tdns = "
		  "false;\n};\n" },
		{ "host = \"a.lan\";\n# name = \"elsewhere\";\nmail: { dns = false; };\n",
		  "mail.name", "x.org",
		  "host = \"a.lan\";\n# name = \"elsewhere\";\nmail: { dns = false; name = "
		  "\"x.org\"; };\n" },
		{ "host = \"a.lan\";\nbackup: { folder = \"/a # mail: { name = \\\"no\\\"\"; "
		  "};\nmail: "
		  "{ name = \"y\" \".org\"; };\n",
		  "mail.name", "x.org",
		  "host = \"a.lan\";\nbackup: { folder = \"/a # mail: { name = \\\"no\\\"\"; "
		  "};\nmail: "
		  "{ name = \"x.org\"; };\n" },
		{ "host = \"a.lan\";\nmail: { smarthosts = ( { domain = \"y.org\"; smarthost = "
		  "\"[s.org]\"; user = \"u\"; } ); };\n",
		  "mail.smarthost", "[x.org]:587",
		  "host = \"a.lan\";\nmail: { smarthosts = ( { domain = \"y.org\"; smarthost = "
		  "\"[s.org]\"; user = \"u\"; } ); smarthost = \"[x.org]:587\"; };\n" },
		{ "host = \"a.lan\";\nmail: { name = \"y.org\"; # why\n};\n", "mail.name", "",
		  "host = \"a.lan\";\nmail: { name = \"\"; # why\n};\n" },
		{ "# comments, but no host yet\nmail: { dns = false; };\n", "host", "a.lan",
		  "# comments, but no host yet\nmail: { dns = false; };\nhost = \"a.lan\";\n" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_config config;
		const char *after;

		assert_ok(edit(arena, folder, rows[i].before, rows[i].name, rows[i].value, &config,
			       &after),
			  err);
		assert_string_equal(after, rows[i].after);
	}
}

static void what_says_the_same_already_is_not_touched(void **folder)
{
	static const char text[] = "/* mine */ host = \"a.lan\" ;mail={name:\"x.org\"}";
	MR_ARENA arena = mr_arena_open();
	struct mr_config config;
	const char *after;

	assert_ok(edit(arena, folder, text, "mail.name", "x.org", &config, &after), err);
	assert_string_equal(after, text);
}

static void a_file_without_comments_is_written_in_full_by_the_first_set_up(void **folder)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_config config;
	const char *after;

	assert_ok(
		edit(arena, folder, "mail = { dns = false; };\n", "host", "a.lan", &config, &after),
		err);
	assert_string_equal(after, mr_config_format(arena, &config));
	place(folder, "more", "directory: { port = 4000; };\n");
	assert_ok(edit(arena, folder,
		       mr_printf(arena, "@include \"%s/etc/mailrepl/more\"\n", (char *)*folder),
		       "host", "a.lan", &config, &after),
		  err);
	assert_contains(after, "@include");
}

static void what_lies_in_an_included_file_is_refused_with_its_line(void **folder)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_config config;
	const char *more = mr_strdup(arena, place(folder, "more", "\nname = \"y.org\";\n")), *after;
	const char *group = mr_strdup(arena, place(folder, "group", "mail: { dns = false; };\n"));
	const char *inside =
		mr_printf(arena, "host = \"a.lan\"; # x\nmail:\n{\n@include \"%s\"\n};\n", more);

	assert_fails(edit(arena, folder, inside, "mail.name", "x.org", &config, &after),
		     MR_E_CONFIG, err);
	assert_contains(err.message, mr_printf(arena, "%s:2: ", more));
	assert_contains(err.message, "mail.name = \"x.org\"");
	assert_ok(edit(arena, folder, inside, "mail.smarthost", "[x.org]", &config, &after), err);
	assert_string_equal(
		after, mr_printf(arena,
				 "host = \"a.lan\"; # x\nmail:\n{\n@include \"%s\"\n\tsmarthost "
				 "= \"[x.org]\";\n};\n",
				 more));
	assert_fails(edit(arena, folder,
			  mr_printf(arena, "host = \"a.lan\"; # x\n@include \"%s\"\n", group),
			  "mail.name", "x.org", &config, &after),
		     MR_E_CONFIG, err);
	assert_contains(err.message, mr_printf(arena, "%s:1: ", group));
}

/* --- any file */

static const char *one_of(const char *const *words, size_t count)
{
	return words[pick((unsigned)count)];
}
#define ONE_OF(...)                                                                                \
	one_of((const char *const[]){ __VA_ARGS__ },                                               \
	       sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

/* Blanks and comments, in `eol`'s way; a line comment ends its line. */
static const char *blank(struct mr_arena *arena, const char *eol)
{
	const char *words =
		ONE_OF("", " ", "\t", "x", "name = \"no.org\";", "mail: {", "}", "\"", "((", "/",
		       "*", "@include", "\\", "smarthost = \"\"; # name = 3");

	switch (pick(6)) {
	case 0:
		return mr_printf(arena, "# %s%s", words, eol);
	case 1:
		return mr_printf(arena, "//%s%s", words, eol);
	case 2:
		return mr_printf(arena, "/*%s%s*/", words, pick(2) ? eol : "");
	case 3:
		return eol;
	default:
		return ONE_OF("", " ", "\t", "  ");
	}
}

static void put_setting(struct mr_arena *arena, struct mr_buf *out, const char *eol,
			const char *name, const char *value)
{
	mr_buf_printf(out, "%s%s%s%s%s%s%s%s", blank(arena, eol), name, blank(arena, eol),
		      ONE_OF("=", ":"), blank(arena, eol), value, blank(arena, eol),
		      ONE_OF(";", ";", ",", " "));
}

static const char *random_file(struct mr_arena *arena)
{
	const char *eol = ONE_OF("\n", "\n", "\r\n");
	MR_BUF out = { 0 }, mail = { 0 };
	bool first = pick(2);

	if (first)
		put_setting(arena, &out, eol, "host", "\"a.lan\"");
	if (pick(2))
		put_setting(arena, &out, eol, "backup",
			    ONE_OF("{}", "{ folder = \"/a b#c\"; }", "{ keep: \"last=3\" }"));
	for (unsigned i = pick(2); i > 0; i--)
		put_setting(arena, &mail, eol, "dns", ONE_OF("true", "false", "FALSE"));
	if (pick(2))
		put_setting(arena, &mail, eol, "name",
			    ONE_OF("\"y.org\"", "\"y\" \".org\"", "\"\""));
	if (pick(2))
		put_setting(arena, &mail, eol, "networks",
			    ONE_OF("[ \"192.0.2.1\" ]", "( \"192.0.2.0/24\" , \"2001:db8::1\" )"));
	if (pick(3))
		put_setting(arena, &out, eol, "mail",
			    mr_printf(arena, "{%s%s}", mr_buf_text(&mail), blank(arena, eol)));
	if (pick(2))
		put_setting(arena, &out, eol, "directory", "{ port = 4000 }");
	if (!first)
		put_setting(arena, &out, eol, "host", "\"a.lan\"");
	mr_buf_puts(&out, blank(arena, eol));
	return mr_strdup(arena, mr_buf_text(&out));
}

/* What of `before` is not in `after` is one value, or nothing. */
static void assert_kept(struct mr_arena *arena, const char *before, const char *after)
{
	size_t same = 0, left = strlen(before), right = strlen(after);
	const char *gone;

	while (before[same] && before[same] == after[same])
		same++;
	while (left > same && right > same && before[left - 1] == after[right - 1])
		left--, right--;
	gone = mr_strndup(arena, before + same, left - same);
	if (strlen(gone) > strlen("\"y\" \".org\"") || strpbrk(gone, "\r\n#={}/"))
		fail_msg("seed %lu: \"%s\" is lost of: %s\nafter: %s", seed, gone, before, after);
}

static void whatever_a_file_looks_like_nothing_else_changes(void **folder)
{
	size_t edited = 0;

	begin(500);
	for (size_t i = 0; i < cases; i++) {
		MR_ARENA arena = mr_arena_open();
		const char *name = ONE_OF("home", "mail.name", "mail.smarthost"), *after;
		const char *value = ONE_OF("b.lan", "c.example.org");
		const char *before = random_file(arena);
		struct mr_config config, now;

		place(folder, "mailrepl.conf", before);
		/* libconfig has the last word on what a file is. */
		if (mr_config_load(arena, *folder, NULL, &config, &err) < 0)
			continue;
		if (edit(arena, folder, before, name, value, &config, &after) < 0)
			fail_msg("seed %lu: %s: %s", seed, err.message, before);
		assert_kept(arena, before, after);
		place(folder, "mailrepl.conf", after);
		assert_ok(mr_config_load(arena, *folder, NULL, &now, &err), err);
		assert_string_equal(mr_config_format(arena, &now),
				    mr_config_format(arena, &config));
		edited++;
	}
	assert_true(edited > cases / 2);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(a_setting_changes_where_it_stands_or_comes_where_it_belongs),
		IN_FOLDER(what_says_the_same_already_is_not_touched),
		IN_FOLDER(a_file_without_comments_is_written_in_full_by_the_first_set_up),
		IN_FOLDER(what_lies_in_an_included_file_is_refused_with_its_line),
		IN_FOLDER(whatever_a_file_looks_like_nothing_else_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
