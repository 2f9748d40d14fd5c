#include "features/versions.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/process.h"

#define PROGRAM_TIMEOUT_MS 10000
#define NUMBERS 3

static const struct program {
	const char *word, *name;
	const char *argv[4];
	const char *least; /* what templates need */
	const char *
		below; /* the first that has a configuration of another form; NULL: none is known */
} programs[] = {
	/* syncrepl's tcp-user-timeout, and the libldap that this is built with */
	[MR_PROGRAM_SLAPD] = { "slapd", "slapd", { "slapd", "-VV" }, "2.5", NULL },
	/* "smtpd_tls_protocols = >=TLSv1.2", and compatibility_level as a version */
	[MR_PROGRAM_POSTFIX] = { "postfix",
				 "Postfix",
				 { "postconf", "-dh", "mail_version" },
				 "3.6",
				 NULL },
	[MR_PROGRAM_DOVECOT] = { "dovecot", "Dovecot", { "dovecot", "--version" }, "2.3", "2.4" },
	/* ${run} splits its arguments before it expands them. */
	[MR_PROGRAM_EXIM] = { "exim", "Exim", { "exim4", "-bV" }, "4.96", NULL },
};

/* What main.cf names: type of table, Debian's package. */
static const struct {
	const char *type, *package;
} needed_types[] = {
	{ " ldap ", "postfix-ldap" },
	{ " texthash ", "postfix" },
	{ " pipemap ", "postfix" },
};

const struct mr_versions mr_versions_sample = {
	.text = { [MR_PROGRAM_SLAPD] = "2.5.13",
		  [MR_PROGRAM_POSTFIX] = "3.7.11",
		  [MR_PROGRAM_DOVECOT] = "2.3.19.1",
		  [MR_PROGRAM_EXIM] = "4.96" },
	.table_types = " btree cidr hash inline ldap lmdb pcre pipemap proxy static texthash ",
};

static void run(const char *const argv[], struct mr_buf *out)
{
	struct mr_process process = { .argv = argv, .timeout_ms = PROGRAM_TIMEOUT_MS };
	struct mr_process_result result = { 0 };
	struct mr_error ignored;

	/* What it says when it fails is no version: postconf where main.cf cannot be read. */
	if (mr_process_run(&process, &result, &ignored) == 0 && result.status == 0)
		mr_buf_puts(out, mr_buf_text(&result.output));
	mr_buf_close(&result.output);
}

void mr_version_read(enum mr_program program, char out[MR_VERSION_SIZE])
{
	MR_BUF said = { 0 };
	const char *text, *at;

	run(programs[program].argv, &said);
	text = at = mr_buf_text(&said);
	while (*at && !(isdigit((unsigned char)*at) && (at == text || at[-1] == ' ')))
		at++;
	snprintf(out, MR_VERSION_SIZE, "%.*s", (int)strcspn(at, " \n\t"), at);
	mr_printable(out);
}

static void read_table_types(char out[MR_TABLE_TYPES_SIZE])
{
	static const char *const argv[] = { "postconf", "-m", NULL };
	MR_BUF said = { 0 };

	run(argv, &said);
	out[0] = '\0';
	if (said.len == 0)
		return;
	snprintf(out, MR_TABLE_TYPES_SIZE, " %s ", mr_buf_text(&said));
	for (char *c = out; *c; c++)
		if (isspace((unsigned char)*c))
			*c = ' ';
}

void mr_versions_read(struct mr_versions *out)
{
	for (enum mr_program i = 0; i < MR_PROGRAM_COUNT; i++)
		mr_version_read(i, out->text[i]);
	read_table_types(out->table_types);
}

static int compare(const char *a, const char *b)
{
	for (int i = 0; i < NUMBERS; i++) {
		char *after_a, *after_b;
		long one = strtol(a, &after_a, 10), other = strtol(b, &after_b, 10);

		if (one != other)
			return one < other ? -1 : 1;
		/* Anything but a point ends it: a snapshot, a distribution's suffix. */
		a = *after_a == '.' ? after_a + 1 : "";
		b = *after_b == '.' ? after_b + 1 : "";
	}
	return 0;
}

static int check_types(const struct mr_versions *versions, struct mr_error *err)
{
	for (size_t i = 0; i < sizeof(needed_types) / sizeof(needed_types[0]); i++) {
		const char *type = needed_types[i].type;

		if (!strstr(versions->table_types, type))
			return mr_fail(err, MR_E_CONFIG,
				       _("this Postfix %s has no tables of type%s(package %s), "
					 "which mailrepl needs"),
				       versions->text[MR_PROGRAM_POSTFIX], type,
				       needed_types[i].package);
	}
	return 0;
}

int mr_version_check(const struct mr_versions *versions, enum mr_program program,
		     struct mr_error *err)
{
	const struct program *row = &programs[program];
	const char *text = versions->text[program];

	if (!*text)
		return 0;
	if (compare(text, row->least) < 0)
		return mr_fail(err, MR_E_CONFIG, _("%s %s is too old: mailrepl needs %s or newer"),
			       row->name, text, row->least);
	if (row->below && compare(text, row->below) >= 0)
		return mr_fail(err, MR_E_CONFIG,
			       _("%s %s is too new: mailrepl needs %s, and %s has a configuration "
				 "of another form"),
			       row->name, text, row->least, row->below);
	return program == MR_PROGRAM_POSTFIX && *versions->table_types ? check_types(versions, err)
								       : 0;
}

/* In the stable releases that were fixed, too. */
static bool has_bare_newline(const char *postfix)
{
	static const struct {
		const char *from, *to;
	} ranges[] = {
		{ "3.6.14", "3.7" }, { "3.7.10", "3.8" }, { "3.8.5", "3.9" }, { "3.9", "100" }
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (compare(postfix, ranges[i].from) >= 0 && compare(postfix, ranges[i].to) < 0)
			return true;
	return false;
}

/* Distributions begin to leave Berkeley DB out. */
static const char *type_or(const char *types, const char *type, const char *other)
{
	char word[16];

	snprintf(word, sizeof(word), " %s ", type);
	return strstr(types, word) ? type : other;
}

struct mr_value *mr_versions_value(struct mr_arena *arena, const struct mr_versions *versions)
{
	struct mr_value *out = mr_value_object(arena), *one[MR_PROGRAM_COUNT];
	const char *postfix = versions->text[MR_PROGRAM_POSTFIX];
	const char *types = versions->table_types;

	for (enum mr_program i = 0; i < MR_PROGRAM_COUNT; i++) {
		const char *text = versions->text[i];

		one[i] = mr_value_set(arena, out, programs[i].word, mr_value_object(arena));
		mr_value_set_bool(arena, one[i], "known", *text != '\0');
		mr_value_set_string(arena, one[i], "text", *text ? text : _("unknown"));
	}
	if (!*postfix)
		postfix = mr_versions_sample.text[MR_PROGRAM_POSTFIX];
	if (!*types)
		types = mr_versions_sample.table_types;
	mr_value_set_bool(arena, one[MR_PROGRAM_POSTFIX], "bare_newline",
			  has_bare_newline(postfix));
	mr_value_set_bool(arena, one[MR_PROGRAM_POSTFIX], "mx_backup", compare(postfix, "3.9") < 0);
	mr_value_set_string(arena, one[MR_PROGRAM_POSTFIX], "hash", type_or(types, "hash", "lmdb"));
	mr_value_set_string(arena, one[MR_PROGRAM_POSTFIX], "btree",
			    type_or(types, "btree", "lmdb"));
	return out;
}
