#include "fuzz.h"

#include "adapters/directory.h"
#include "adapters/ldif.h"
#include "features/backup_entries.h"
#include "features/backup_ldif.h"

/* Any bytes as LDIF: as the database of an archive, as records, rewritten for another suffix, as a directory in memory. */

struct input {
	const uint8_t *data;
	size_t left, step;
};

static long give(void *context, char *buf, size_t size, struct mr_error *err)
{
	struct input *input = context;
	size_t n = input->left < input->step ? input->left : input->step;

	(void)err;
	if (n > size)
		n = size;
	memcpy(buf, input->data, n);
	input->data += n;
	input->left -= n;
	return (long)n;
}

/* What was read is written and read again: it must be the same, however the bytes come. */
static void read_records(const uint8_t *data, size_t size, size_t step)
{
	MR_ARENA arena = mr_arena_open();
	struct input input = { data, size, step };
	struct mr_ldif *ldif = mr_ldif_open_source(give, &input, "fuzz");
	struct mr_error err = { 0 };
	struct mr_entry *entry;

	while (mr_ldif_read(ldif, arena, &entry, &err) > 0) {
		struct mr_error ignored = { 0 };
		struct mr_entry *again;
		MR_BUF text = { 0 }, other = { 0 };
		struct input second;
		struct mr_ldif *reader;

		mr_ldif_format(&text, entry);
		second = (struct input){ (const uint8_t *)text.data, text.len, text.len };
		reader = mr_ldif_open_source(give, &second, "again");
		/* Base64 and names make a record longer: one that was just not too large may be so now. */
		if (mr_ldif_read(reader, arena, &again, &ignored) > 0) {
			mr_ldif_format(&other, again);
			FUZZ_MUST(other.len == text.len &&
				  memcmp(other.data, text.data, text.len) == 0);
		} else {
			FUZZ_MUST(text.len > (size_t)1 << 20);
		}
		mr_ldif_close(reader);
		mr_arena_reset(arena);
	}
	mr_ldif_close(ldif);
}

static void rewrite(const uint8_t *data, size_t size)
{
	static const char *const drop[] = { "entryCSN", "contextCSN", NULL };
	const struct mr_ldif_rewrite what = { "fuzz", "ou=Mail,dc=mailrepl", "ou=X,dc=mailrepl",
					      drop, size % 2 ? NULL : "contextCSN: x\n", 0, NULL, NULL };
	FILE *in = tmpfile(), *out = tmpfile();
	struct mr_error err = { 0 };

	if (!in || !out)
		abort();
	fwrite(data, 1, size, in);
	fflush(in);
	rewind(in);
	if (mr_ldif_rewrite(&what, fileno(in), fileno(out), &err) < 0)
		FUZZ_MUST(err.message[0]);
	fclose(in);
	fclose(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size, 1 + size / 3 };
	struct mr_ldif *ldif = mr_ldif_open_source(give, &input, "fuzz");
	struct mr_error err = { 0 };
	int64_t count;
	char *text;
	MR_DIRECTORY dir = NULL;

	if (mr_backup_entries_check(ldif, "fuzz", "ou=Mail,dc=mailrepl", &count, &err) < 0)
		FUZZ_MUST(err.code == MR_E_ARCHIVE && err.message[0]);
	mr_ldif_close(ldif);
	read_records(data, size, size ? size : 1);
	read_records(data, size, 7);
	rewrite(data, size);
	text = malloc(size + 1);
	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	if (mr_directory_open_memory(text, &dir, &err) < 0)
		FUZZ_MUST(err.message[0]);
	free(text);
	return 0;
}
