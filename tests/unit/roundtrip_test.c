/* Values full of what is special to somebody are rendered, and read back by the programs that will read them: each value is
 * exactly what was put in, or it was refused. */
#include "exim_fixture.h"

#include "adapters/ldif.h"
#include "features/template.h"

#define CASES 300
#define BATCH 50

/* Renders `before`{{v}}`after` and appends it; false: the value is refused. */
static bool render_value(enum mr_escaping escaping, const char *before, const char *value,
			 const char *after, struct mr_buf *out)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_template template = { .file = "t",
					.text = mr_printf(arena, "%s{{v}}%s", before, after),
					.escaping = escaping };
	struct mr_value *values = mr_value_object(arena);

	size_t before_it = out->len;

	mr_value_set_string(arena, values, "v", value);
	if (mr_template_render(&template, values, out, &err) == 0)
		return true;
	out->len = before_it;
	if (out->data)
		out->data[before_it] = '\0';
	return false;
}

/* A batch of values that were let through, in one file. */
struct batch {
	struct mr_arena *arena;
	const char *folder;
	struct mr_buf text;
	struct mr_list names, values;
	size_t refused;
	bool folds;
};

typedef const char *decoder(struct mr_arena *, const char *);

/* postconf shows several blanks as one, and so does doveconf beside a "$", which only Dovecot's LDAP files may hold. */
static const char *folded(struct mr_arena *arena, const char *text)
{
	MR_BUF out = { 0 };

	for (; *text; text++)
		if (*text != ' ' || text[1] != ' ')
			mr_buf_putc(&out, *text);
	return mr_strdup(arena, mr_buf_text(&out));
}

static void must_be(const struct batch *batch, size_t i, const char *got)
{
	const char *want = batch->values.items[i];

	if (strcmp(got, want) != 0 &&
	    (!batch->folds || strcmp(got, folded(batch->arena, want)) != 0))
		fail_msg("seed %lu, %s: put in \"%s\", read back \"%s\"", seed,
			 batch->names.items[i], shown(batch->arena, batch->values.items[i]),
			 shown(batch->arena, got));
}

/* Lines "name = value", in whatever order; one for each name. */
static const char *value_in(struct mr_arena *arena, const struct mr_list *lines, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < lines->count; i++) {
		const char *rest = lines->items[i] + len;

		if (strncmp(lines->items[i], name, len) == 0 && mr_starts_with(rest, " ="))
			return mr_strdup(arena, rest + (rest[2] == ' ' ? 3 : 2));
	}
	return "(nothing)";
}

static void ask_each(struct batch *batch, const char *const *words, const char *prefix,
		     decoder *decode)
{
	const char *argv[BATCH + 8];
	struct mr_list lines;
	size_t n = 0;

	for (; words[n]; n++)
		argv[n] = words[n];
	for (size_t i = 0; i < batch->names.count; i++)
		argv[n + i] = mr_printf(batch->arena, "%s%s", prefix, batch->names.items[i]);
	argv[n + batch->names.count] = NULL;
	lines = mr_list_split(batch->arena, said(batch->arena, batch->folder, argv, NULL), '\n');
	for (size_t i = 0; i < batch->names.count; i++) {
		const char *got = value_in(batch->arena, &lines, argv[n + i]);

		must_be(batch, i, decode ? decode(batch->arena, got) : got);
	}
	if (lines.count != batch->names.count + 1)
		fail_msg("seed %lu: %zu values, %zu lines", seed, batch->names.count,
			 lines.count - 1);
}

/* Lines of `before`, a name, `between`, a value and `after`. */
static void fill(struct batch *batch, enum mr_escaping escaping, const char *before,
		 const char *between, const char *after)
{
	for (size_t i = 0; i < BATCH; i++) {
		const char *name = mr_printf(batch->arena, "mailrepl_p%02zu", i);
		const char *value = random_value(batch->arena);

		if (!render_value(escaping,
				  mr_printf(batch->arena, "%s%s%s", before, name, between), value,
				  after, &batch->text)) {
			batch->refused++;
			continue;
		}
		mr_list_add(batch->arena, &batch->names, name);
		mr_list_add(batch->arena, &batch->values, value);
	}
}

static void check_postfix(struct batch *batch)
{
	const char *const words[] = { "postconf", "-c", batch->folder, "-x", NULL };

	batch->folds = true;
	/* Names that are not Postfix's are known if something names them. */
	mr_buf_printf(&batch->text, "smtpd_restriction_classes = %s\n",
		      mr_list_join(batch->arena, &batch->names, " "));
	write_at(mr_printf(batch->arena, "%s/main.cf", batch->folder), mr_buf_text(&batch->text));
	ask_each(batch, words, "", NULL);
}

static void for_each_batch(void **test_state, void (*one)(struct batch *))
{
	size_t refused = 0, all = 0;

	for (; all < cases; all += BATCH) {
		MR_ARENA arena = mr_arena_open();
		struct batch batch = { .arena = arena, .folder = *test_state };

		one(&batch);
		refused += batch.refused;
		mr_buf_close(&batch.text);
	}
	print_message("# seed %lu: %zu values, %zu of them refused\n", seed, all, refused);
	assert_true(refused < all / 2);
}

static void one_of_main_cf(struct batch *batch)
{
	fill(batch, MR_ESCAPE_POSTFIX, "", " = ", "\n");
	check_postfix(batch);
}

static void values_of_main_cf_are_read_back(void **test_state)
{
	for_each_batch(test_state, one_of_main_cf);
}

static void one_on_lines_of_their_own(struct batch *batch)
{
	fill(batch, MR_ESCAPE_POSTFIX, "", " =\n    ", "\n");
	check_postfix(batch);
}

static void values_on_lines_of_their_own_are_read_back(void **test_state)
{
	for_each_batch(test_state, one_on_lines_of_their_own);
}

/* What Postfix and Dovecot do with a value of theirs afterwards: "%%" is a percent sign; and in a filter or a DN "\\" and two
 * digits are a character (RFC 4515). */
static const char *without_percent(struct mr_arena *arena, const char *text)
{
	MR_BUF out = { 0 };

	for (; *text; text++) {
		if (*text == '%' && *++text != '%')
			return "(an expansion)";
		mr_buf_putc(&out, *text);
	}
	return mr_strdup(arena, mr_buf_text(&out));
}

static const char *without_hex(struct mr_arena *arena, const char *text)
{
	MR_BUF out = { 0 };

	/* A URI is used as it is. */
	if (mr_starts_with(text, "ldap"))
		return text;
	for (text = without_percent(arena, text); *text; text++) {
		char digits[3] = "";

		if (*text != '\\') {
			if (strchr("*()", *text))
				return "(part of a filter)";
			mr_buf_putc(&out, *text);
			continue;
		}
		memcpy(digits, text + 1, 2);
		mr_buf_putc(&out, (char)strtoul(digits, NULL, 16));
		text += 2;
	}
	return mr_strdup(arena, mr_buf_text(&out));
}

static void one_of_an_ldap_table(struct batch *batch)
{
	const char *const words[] = { "postconf", "-c", batch->folder, "-x", NULL };

	fill(batch, MR_ESCAPE_POSTFIX_LDAP, "", " = ", "\n");
	batch->folds = true;
	mr_buf_printf(&batch->text, "smtpd_restriction_classes = %s\n",
		      mr_list_join(batch->arena, &batch->names, " "));
	write_at(mr_printf(batch->arena, "%s/main.cf", batch->folder), mr_buf_text(&batch->text));
	ask_each(batch, words, "", without_hex);
}

static void values_of_ldap_tables_are_read_back(void **test_state)
{
	for_each_batch(test_state, one_of_an_ldap_table);
}

static void ask_doveconf(struct batch *batch, enum mr_escaping escaping, decoder *decode)
{
	const char *path = mr_printf(batch->arena, "%s/dovecot.conf", batch->folder);
	const char *const words[] = { "doveconf", "-c", path, NULL };

	mr_buf_puts(&batch->text, "plugin {\n");
	fill(batch, escaping, "  ", " = ", "\n");
	mr_buf_puts(&batch->text, "}\n");
	write_at(path, mr_buf_text(&batch->text));
	ask_each(batch, words, "plugin/", decode);
}

static void one_of_dovecot_conf(struct batch *batch)
{
	ask_doveconf(batch, MR_ESCAPE_DOVECOT, without_percent);
}

static void values_of_dovecot_conf_are_read_back(void **test_state)
{
	for_each_batch(test_state, one_of_dovecot_conf);
}

/* Dovecot's LDAP files have the same form. */
static void one_of_a_dovecot_ldap_file(struct batch *batch)
{
	batch->folds = true;
	ask_doveconf(batch, MR_ESCAPE_DOVECOT_LDAP, without_hex);
}

static void values_of_dovecots_ldap_files_are_read_back(void **test_state)
{
	for_each_batch(test_state, one_of_a_dovecot_ldap_file);
}

/* One line "key value" each; a key is what is asked for. */
static void one_of_a_table(struct batch *batch)
{
	struct mr_arena *arena = batch->arena;
	const char *path = mr_printf(arena, "%s/table", batch->folder);
	const char *const argv[] = { "postmap", "-c", batch->folder,
				     "-q",      "-",  mr_printf(arena, "texthash:%s", path),
				     NULL };
	struct mr_list lines;

	for (size_t i = 0; i < BATCH; i++) {
		const char *key = mr_printf(arena, "%sk%zu", random_value(arena), i);
		const char *value = random_value(arena);
		struct mr_buf line = { 0 };

		if (render_value(MR_ESCAPE_POSTFIX_TABLE, "", key, " ", &line) &&
		    render_value(MR_ESCAPE_POSTFIX_TABLE, "", value, "\n", &line)) {
			mr_buf_puts(&batch->text, mr_buf_text(&line));
			mr_list_add(arena, &batch->names, key);
			mr_list_add(arena, &batch->values, mr_printf(arena, "%s\t%s", key, value));
		} else {
			batch->refused++;
		}
		mr_buf_close(&line);
	}
	write_at(path, mr_buf_text(&batch->text));
	write_at(mr_printf(arena, "%s/main.cf", batch->folder), "smtputf8_enable = no\n");
	lines = mr_list_split(
		arena,
		said(arena, batch->folder, argv,
		     mr_printf(arena, "%s\n", mr_list_join(arena, &batch->names, "\n"))),
		'\n');
	for (size_t i = 0; i < batch->names.count; i++)
		must_be(batch, i, i < lines.count ? lines.items[i] : "(nothing)");
}

static void keys_and_values_of_tables_are_read_back(void **test_state)
{
	for_each_batch(test_state, one_of_a_table);
}

/* As the whole value of an option, and in the braces of an expansion. */
static void one_of_exim_conf(struct batch *batch)
{
	struct mr_arena *arena = batch->arena;
	MR_BUF questions = { 0 };
	struct mr_list lines;

	for (size_t i = 0; i < BATCH; i++) {
		struct mr_template template = {
			.file = "t",
			.text = mr_printf(arena,
					  "{{=| |=}}MRA%02zu = |v|\nMRB%02zu = ${if eq{a}{a}{|v|}{no}}\n",
					  i, i),
			.escaping = MR_ESCAPE_EXIM,
		};
		struct mr_value *values = mr_value_object(arena);
		const char *value = random_value(arena);
		MR_BUF line = { 0 };

		mr_value_set_string(arena, values, "v", value);
		if (mr_template_render(&template, values, &line, &err) < 0) {
			batch->refused++;
			continue;
		}
		mr_buf_puts(&batch->text, mr_buf_text(&line));
		for (const char *form = "AB"; *form; form++) {
			const char *name = mr_printf(arena, "MR%c%02zu", *form, i);

			mr_buf_printf(&questions, "v[%s]\n", name);
			mr_list_add(arena, &batch->names, name);
			mr_list_add(arena, &batch->values, mr_printf(arena, "> v[%s]", value));
		}
	}
	write_at(mr_printf(arena, "%s/exim4.conf", batch->folder), mr_buf_text(&batch->text));
	lines = mr_list_split(arena,
			      exim_said(arena, batch->folder, "exim4 -C $PWD/exim4.conf -be",
					mr_buf_text(&questions)),
			      '\n');
	for (size_t i = 0; i < batch->names.count; i++)
		must_be(batch, i, i < lines.count ? lines.items[i] : "(nothing)");
}

static void values_of_exim_conf_are_read_back(void **test_state)
{
	MR_ARENA arena = mr_arena_open();

	if (!exim_unpack(arena, *test_state)) {
		print_message("# no Exim: tools/install-packages fetches it, and root runs it\n");
		skip();
	}
	for_each_batch(test_state, one_of_exim_conf);
}

/* The values of `attribute`, in the order of the file. */
static struct mr_list values_of(struct mr_arena *arena, const char *path, const char *attribute)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct mr_ldif *ldif = mr_ldif_open(fd, path);
	struct mr_list out = { 0 };
	struct mr_entry *entry;
	int rc;

	while ((rc = mr_ldif_read(ldif, arena, &entry, &err)) > 0)
		if (mr_entry_value(entry, attribute))
			mr_list_add(arena, &out, mr_entry_value(entry, attribute));
	mr_ldif_close(ldif);
	close(fd);
	assert_ok(rc, err);
	return out;
}

/* slapd takes them, and writes them as it likes; our own reader understands both files. */
static void one_of_an_ldif_file(struct batch *batch)
{
	struct mr_arena *arena = batch->arena;
	const char *folder = batch->folder, *path = mr_printf(arena, "%s/in.ldif", folder);
	const char *const argv[] = {
		"sh",
		"-c",
		"cd \"$1\" && rm -rf db && mkdir db && slapadd -f slapd.conf -l "
		"in.ldif >&2 && slapcat -f slapd.conf",
		"sh",
		folder,
		NULL
	};
	struct mr_list here, there;

	write_at(mr_printf(arena, "%s/slapd.conf", folder),
		 mr_printf(arena,
			   "include /etc/ldap/schema/core.schema\nmodulepath /usr/lib/ldap\n"
			   "moduleload back_mdb\ndatabase mdb\nsuffix o=t\ndirectory %s/db\n",
			   folder));
	mr_buf_puts(&batch->text, "dn: o=t\nobjectClass: organization\no: t\n\n");
	for (size_t i = 0; i < BATCH; i++) {
		const char *value = random_value(arena);

		if (!*value || !render_value(MR_ESCAPE_LDIF,
					     mr_printf(arena,
						       "dn: cn=c%02zu,o=t\nobjectClass: person\n"
						       "sn: x\ncn: c%02zu\nuserPassword: ",
						       i, i),
					     value, "\n\n", &batch->text)) {
			batch->refused++;
			continue;
		}
		mr_list_add(arena, &batch->names, mr_printf(arena, "c%02zu", i));
		mr_list_add(arena, &batch->values, value);
	}
	write_at(path, mr_buf_text(&batch->text));
	here = values_of(arena, path, "userPassword");
	(void)said(arena, folder, argv, NULL);
	there = values_of(arena, mr_printf(arena, "%s/out", folder), "userPassword");
	for (size_t i = 0; i < batch->names.count; i++) {
		must_be(batch, i, i < here.count ? here.items[i] : "(nothing)");
		must_be(batch, i, i < there.count ? there.items[i] : "(nothing)");
	}
}

static void values_of_ldif_are_read_back(void **test_state)
{
	for_each_batch(test_state, one_of_an_ldif_file);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(values_of_main_cf_are_read_back),
		TEST(values_on_lines_of_their_own_are_read_back),
		TEST(keys_and_values_of_tables_are_read_back),
		TEST(values_of_ldap_tables_are_read_back),
		TEST(values_of_dovecot_conf_are_read_back),
		TEST(values_of_dovecots_ldap_files_are_read_back),
		TEST(values_of_exim_conf_are_read_back),
		TEST(values_of_ldif_are_read_back),
	};

	begin(CASES);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
