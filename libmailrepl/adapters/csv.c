#include "adapters/csv.h"

#include <csv.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS (CSV_STRICT | CSV_STRICT_FINI)

struct reading {
	struct csv_parser parser;
	struct mr_secret *store;
	size_t used; /* of the store */
	const char **fields;
	size_t count, size;
	unsigned long line, first_line; /* where we are; where the row began */
	mr_csv_visitor visit;
	void *context;
};

static void wipe_and_free(void *data)
{
	if (data)
		explicit_bzero(data, malloc_usable_size(data));
	free(data);
}

static void *wipe_and_grow(void *data, size_t size)
{
	size_t had = data ? malloc_usable_size(data) : 0;
	void *fresh = malloc(size);

	if (!fresh)
		abort();
	if (had)
		memcpy(fresh, data, had < size ? had : size);
	wipe_and_free(data);
	return fresh;
}

static void begin(struct reading *in)
{
	if (csv_init(&in->parser, OPTIONS) != 0)
		abort();
	csv_set_realloc_func(&in->parser, wipe_and_grow);
	csv_set_free_func(&in->parser, wipe_and_free);
	in->count = 0;
}

static void add_field(void *data, size_t len, void *context)
{
	struct reading *in = context;
	char *to = in->store->data + in->used;

	if (in->count == in->size) {
		in->size = in->size ? 2 * in->size : 32;
		in->fields = realloc(in->fields, in->size * sizeof(*in->fields));
		if (!in->fields)
			abort();
	}
	if (len)
		memcpy(to, data, len);
	to[len] = '\0';
	in->used += len + 1;
	in->fields[in->count++] = to;
}

static void end_row(int c, void *context)
{
	struct reading *in = context;

	(void)c;
	in->visit(in->context, in->first_line, in->fields, in->count, NULL);
	in->count = 0;
}

/* The library has no way back after a fault but to begin again. */
static void give_up_row(struct reading *in, const char *why)
{
	csv_free(&in->parser);
	begin(in);
	in->visit(in->context, in->first_line, NULL, 0, why);
}

static void read_line(struct reading *in, const char *text, size_t len)
{
	in->line++;
	/* 0: no row has begun. The library does not say where one did. */
	if (in->parser.pstate == 0)
		in->first_line = in->line;
	if (memchr(text, '\0', len))
		give_up_row(in, _("it contains a NUL byte"));
	else if (csv_parse(&in->parser, text, len, add_field, end_row, in) != len)
		give_up_row(in, _("a quote stands where none may (RFC 4180: \"a \"\"b\"\" c\")"));
}

void mr_csv_parse(const char *text, size_t len, struct mr_secret *store, mr_csv_visitor visit,
		  void *context)
{
	struct reading in = { .store = store, .visit = visit, .context = context };

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		len -= 3;
	}
	/* Each field of n bytes stands for n + 1 bytes of the text, the last one perhaps for n. */
	mr_secret_room(store, len + 1);
	begin(&in);
	while (len) {
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) + 1 : len;

		read_line(&in, text, n);
		text += n;
		len -= n;
	}
	if (csv_fini(&in.parser, add_field, end_row, &in) != 0)
		give_up_row(&in, _("the quote that begins in this row is never closed"));
	csv_free(&in.parser);
	free(in.fields);
}

static bool needs_quotes(const char *field)
{
	size_t len = strlen(field);

	return strpbrk(field, ",\"\r\n") || (len && strchr(" \t", field[0])) ||
	       (len && strchr(" \t", field[len - 1]));
}

static void format_field(struct mr_buf *out, const char *field)
{
	mr_buf_putc(out, '"');
	for (; *field; field++) {
		if (*field == '"')
			mr_buf_putc(out, '"');
		mr_buf_putc(out, *field);
	}
	mr_buf_putc(out, '"');
}

void mr_csv_format(struct mr_buf *out, const char *const *fields, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *field = fields[i] ? fields[i] : "";

		if (i)
			mr_buf_putc(out, ',');
		/* An empty line would be no row. */
		if (needs_quotes(field) || (count == 1 && !*field))
			format_field(out, field);
		else
			mr_buf_puts(out, field);
	}
	mr_buf_puts(out, "\r\n");
}
