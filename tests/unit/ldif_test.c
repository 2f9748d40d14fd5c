#include "test.h"

#include <sys/mman.h>

#include "adapters/ldif.h"

static struct mr_ldif *open_text(const char *text, size_t len, int *fd)
{
	*fd = memfd_create("test", MFD_CLOEXEC);
	assert_int_equal(write(*fd, text, len), (ssize_t)len);
	assert_int_equal(lseek(*fd, 0, SEEK_SET), 0);
	return mr_ldif_open(*fd, "test.ldif");
}

/* All records as "dn|name=value|…;" or the error's message. */
static char *digest(struct mr_arena *arena, const char *text, size_t len)
{
	struct mr_error err;
	struct mr_entry *entry;
	MR_BUF out = { 0 };
	int fd, rc;
	struct mr_ldif *ldif = open_text(text, len, &fd);

	while ((rc = mr_ldif_read(ldif, arena, &entry, &err)) > 0) {
		mr_buf_printf(&out, "%s", entry->dn);
		for (size_t i = 0; i < entry->count; i++)
			for (size_t j = 0; j < entry->attrs[i].values.count; j++)
				mr_buf_printf(&out, "|%s=%s", entry->attrs[i].name,
					      entry->attrs[i].values.items[j]);
		mr_buf_putc(&out, ';');
	}
	if (rc < 0) {
		assert_int_equal(err.code, MR_E_INVALID);
		mr_buf_puts(&out, err.message);
	}
	mr_ldif_close(ldif);
	close(fd);
	return mr_strdup(arena, mr_buf_text(&out));
}

struct row {
	const char *input, *want;
};

static void check(const struct row *rows, size_t count)
{
	MR_ARENA arena = mr_arena_open();

	for (size_t i = 0; i < count; i++)
		assert_string_equal(digest(arena, rows[i].input, strlen(rows[i].input)),
				    rows[i].want);
}

static void records_are_read_in_every_form_of_the_rfc(void **state)
{
	static const struct row rows[] = {
		{ "", "" },
		{ "\n# a comment\n\n", "" },
		{ "version: 1\ndn: o=x\no: x\n", "o=x|o=x;" },
		{ "dn: o=x\no: x", "o=x|o=x;" },
		{ "dn: o=x\no: x\n\n\n\ndn: o=y\no:y\n\n", "o=x|o=x;o=y|o=y;" },
		{ "dn: o=x\r\no: x\r\n\r\ndn: o=y\r\no: y\r\n", "o=x|o=x;o=y|o=y;" },
		{ "dn: o=lo\n ng\no: lo\n n\n g\n", "o=long|o=long;" },
		{ "dn: o=x\n# folded\n comment: no\no: x\n", "o=x|o=x;" },
		{ "dn:: bz14\no:: eA==\no:: eHk=\no:: eHl6\n", "o=x|o=x|o=xy|o=xyz;" },
		{ "dn: o=x\no:   x\no:\ncn;lang-en: a:b\n", "o=x|o=x|o=|cn;lang-en=a:b;" },
		{ "dn: o=x\no: a\ncn: c\nO: b\n", "o=x|o=a|o=b|cn=c;" },
		{ "dn: o=x\no: \xc3\xbc\n", "o=x|o=\xc3\xbc;" },
	};

	(void)state;
	check(rows, sizeof(rows) / sizeof(rows[0]));
}

static void what_is_no_content_record_is_refused_with_its_line(void **state)
{
	static const struct row rows[] = {
		{ "o: x\n", "test.ldif: line 1: a record must begin with \"dn:\"" },
		{ "version: 2\ndn: o=x\no: x\n",
		  "test.ldif: line 1: a record must begin with \"dn:\"" },
		{ "dn: o=x\no: x\n\nversion: 1\n",
		  "o=x|o=x;test.ldif: line 4: a record must begin with \"dn:\"" },
		{ "dn: o=x\nchangetype: add\no: x\n",
		  "test.ldif: line 2: a change, where only entries are allowed" },
		{ "dn: o=x\ncontrol: 1.2.3\n",
		  "test.ldif: line 2: a change, where only entries are allowed" },
		{ "dn: o=x\no:< file:///etc/shadow\n",
		  "test.ldif: line 2: values by URL are not allowed" },
		{ "dn: o=x\n\ndn: o=y\n", "test.ldif: line 2: an entry without attributes" },
		{ "dn: o=x\no: x\ndn: o=y\n",
		  "test.ldif: line 3: an empty line is missing before this record" },
		{ "dn: o=x\nno colon\n", "test.ldif: line 2: not \"attribute: value\"" },
		{ "dn: o=x\na b: c\n", "test.ldif: line 2: not the name of an attribute" },
		{ "dn: o=x\n: c\n", "test.ldif: line 2: not the name of an attribute" },
		{ "dn: o=x\no:: eA=\n", "test.ldif: line 2: not base64" },
		{ "dn: o=x\no:: e===\n", "test.ldif: line 2: not base64" },
		{ "dn: o=x\no:: eA==eA==\n", "test.ldif: line 2: not base64" },
		{ "dn: o=x\no:: AA==\n", "test.ldif: line 2: it contains a NUL byte" },
		{ "dn: o=x\nfol\n ded\n", "test.ldif: line 2: not \"attribute: value\"" },
	};

	(void)state;
	check(rows, sizeof(rows) / sizeof(rows[0]));
}

static void a_nul_byte_is_refused(void **state)
{
	static const char text[] = "dn: o=x\no: a\0b\n";
	MR_ARENA arena = mr_arena_open();

	(void)state;
	assert_string_equal(digest(arena, text, sizeof(text) - 1),
			    "test.ldif: line 2: it contains a NUL byte");
}

static char *record_of(struct mr_arena *arena, size_t size)
{
	char *text = mr_alloc(arena, size + 1);
	int head = sprintf(text, "dn: o=x\no: ");

	memset(text + head, 'x', size - (size_t)head);
	return text;
}

static void a_record_has_at_most_4_mebibytes(void **state)
{
	MR_ARENA arena = mr_arena_open();
	char *most = record_of(arena, 4 << 20), *more = record_of(arena, (4 << 20) + 4);

	(void)state;
	assert_int_equal(strlen(digest(arena, most, strlen(most))), (4 << 20) - 11 + 7);
	assert_string_equal(digest(arena, more, strlen(more)),
			    "test.ldif: line 2: the record is larger than 4 MiB");
}

static void lines_across_the_edges_of_reads_are_whole(void **state)
{
	MR_ARENA arena = mr_arena_open();
	MR_BUF text = { 0 }, want = { 0 };

	(void)state;
	for (int i = 0; i < 9000; i++) {
		mr_buf_printf(&text, "dn: o=%d\no: %d\n  folded\n\n", i, i);
		mr_buf_printf(&want, "o=%d|o=%d folded;", i, i);
	}
	assert_string_equal(digest(arena, text.data, text.len), mr_buf_text(&want));
}

static void what_cannot_be_read_is_an_error(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_ldif *ldif = mr_ldif_open(-1, "test.ldif");
	struct mr_entry *entry;
	struct mr_error err;

	(void)state;
	assert_fails(mr_ldif_read(ldif, arena, &entry, &err), MR_E_IO, err);
	assert_contains(err.message, "test.ldif: ");
	mr_ldif_close(ldif);
}

static void values_are_written_safely(void **state)
{
	static const struct row rows[] = {
		{ "x", "o: x\n" },
		{ "", "o:\n" },
		{ "a:b <c>", "o: a:b <c>\n" },
		{ " x", "o:: IHg=\n" },
		{ "x ", "o:: eCA=\n" },
		{ ":x", "o:: Ong=\n" },
		{ "<x", "o:: PHg=\n" },
		{ "a\nb", "o:: YQpi\n" },
		{ "\xc3\xbc", "o:: w7w=\n" },
		{ "a\rbc", "o:: YQ1iYw==\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_entry *entry = mr_entry_new(arena, "dc=x");
		MR_BUF out = { 0 };

		mr_entry_add(arena, entry, "o", rows[i].input);
		mr_ldif_format(&out, entry);
		assert_string_equal(mr_buf_text(&out),
				    mr_printf(arena, "dn: dc=x\n%s\n", rows[i].want));
	}
}

static void secrets_are_not_written(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_entry *entry = mr_entry_new(arena, "dc=\xc3\xbc");
	MR_SECRET secret = { NULL, 0 };
	MR_BUF out = { 0 };

	(void)state;
	mr_secret_set(&secret, "hash", 4);
	mr_entry_add_secret(arena, entry, "userPassword", &secret);
	mr_ldif_format(&out, entry);
	assert_string_equal(mr_buf_text(&out), "dn:: ZGM9w7w=\n\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_read_in_every_form_of_the_rfc),
		cmocka_unit_test(what_is_no_content_record_is_refused_with_its_line),
		cmocka_unit_test(a_nul_byte_is_refused),
		cmocka_unit_test(a_record_has_at_most_4_mebibytes),
		cmocka_unit_test(lines_across_the_edges_of_reads_are_whole),
		cmocka_unit_test(what_cannot_be_read_is_an_error),
		cmocka_unit_test(values_are_written_safely),
		cmocka_unit_test(secrets_are_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
