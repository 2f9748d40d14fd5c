#include "adapters/age_header.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define HEADER_MOST ((size_t)64 * 1024)
#define STANZAS_MOST 64
#define ARGUMENTS_MOST 16
#define BODY_LINE 64 /* a shorter one is the last */
#define SUM_TEXT 43

struct cursor {
	struct mr_arena *arena;
	const char *begin, *at, *end;
	struct mr_age_header *out;
};

static int no_header(const char *fault, struct mr_error *err)
{
	return mr_fail(err, MR_E_ARCHIVE, _("not a sealed file in the format of age: %s"), fault);
}

/* The next line in the arena, without its end; NULL: there is none, or it is not text. */
static const char *next_line(struct cursor *cursor)
{
	const char *from = cursor->at;
	const char *stop = memchr(from, '\n', (size_t)(cursor->end - from));

	if (!stop)
		return NULL;
	for (const char *c = from; c < stop; c++)
		if (*c < ' ' || *c > '~')
			return NULL;
	cursor->at = stop + 1;
	return mr_strndup(cursor->arena, from, (size_t)(stop - from));
}

static int read_stanza(struct cursor *cursor, const char *line, struct mr_error *err)
{
	struct mr_age_stanza *stanza = &cursor->out->stanzas[cursor->out->count];
	const char *body;

	if (cursor->out->count == STANZAS_MOST)
		return no_header(_("too many recipients"), err);
	stanza->arguments = mr_list_split(cursor->arena, line + 3, ' ');
	if (stanza->arguments.count > ARGUMENTS_MOST || mr_list_has(&stanza->arguments, ""))
		return no_header(_("a recipient's line is malformed"), err);
	do {
		body = next_line(cursor);
		if (!body || strlen(body) > BODY_LINE)
			return no_header(_("a recipient's key is malformed"), err);
		if (!stanza->body)
			stanza->body = body;
	} while (strlen(body) == BODY_LINE);
	cursor->out->count++;
	return 0;
}

static int read_lines(struct cursor *cursor, struct mr_error *err)
{
	const char *line, *begin;

	for (;;) {
		begin = cursor->at;
		line = next_line(cursor);
		if (!line)
			return no_header(_("its header has no end"), err);
		if (!mr_starts_with(line, "-> "))
			break;
		if (read_stanza(cursor, line, err) < 0)
			return -1;
	}
	if (!mr_starts_with(line, "--- ") || cursor->out->count == 0 ||
	    !mr_base64_parse(line + 4, strlen(line + 4), cursor->out->sum, MR_KEY_SIZE))
		return no_header(_("its header is malformed"), err);
	cursor->out->text = cursor->begin;
	cursor->out->text_len = (size_t)(begin - cursor->begin) + 3;
	cursor->out->len = (size_t)(cursor->at - cursor->begin);
	return 0;
}

int mr_age_header_read(struct mr_arena *arena, int fd, struct mr_age_header *out,
		       struct mr_error *err)
{
	char *text = mr_alloc(arena, HEADER_MOST);
	struct cursor cursor = { arena, text, text + strlen(MR_AGE_MAGIC), text, out };
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && len < HEADER_MOST) {
		n = pread(fd, text + len, HEADER_MOST - len, (off_t)len);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n < 0)
			return mr_fail_errno(err, _("reading"));
		else
			len += (size_t)n;
	}
	*out = (struct mr_age_header){
		.stanzas = MR_NEW_ARRAY(arena, struct mr_age_stanza, STANZAS_MOST),
	};
	cursor.end = text + len;
	if (len < strlen(MR_AGE_MAGIC) || memcmp(text, MR_AGE_MAGIC, strlen(MR_AGE_MAGIC)) != 0)
		return no_header(_("it does not begin as one"), err);
	if (read_lines(&cursor, err) < 0)
		return -1;
	return lseek(fd, (off_t)out->len, SEEK_SET) < 0 ? mr_fail_errno(err, _("reading")) : 0;
}

static void make_sum(const struct mr_secret *file_key, struct mr_bytes text,
		     unsigned char out[MR_KEY_SIZE])
{
	unsigned char key[MR_KEY_SIZE];

	mr_hkdf((struct mr_bytes){ file_key->data, file_key->len }, (struct mr_bytes){ "", 0 },
		"header", key);
	mr_hmac(MR_BYTES(key), text, out);
	explicit_bzero(key, sizeof(key));
}

bool mr_age_header_fits(const struct mr_age_header *header, const struct mr_secret *file_key)
{
	unsigned char sum[MR_KEY_SIZE];

	make_sum(file_key, (struct mr_bytes){ header->text, header->text_len }, sum);
	return mr_same(sum, header->sum, sizeof(sum));
}

void mr_age_header_finish(struct mr_buf *text, const struct mr_secret *file_key)
{
	unsigned char sum[MR_KEY_SIZE];
	char encoded[SUM_TEXT + 3];

	mr_buf_puts(text, "---");
	make_sum(file_key, (struct mr_bytes){ text->data, text->len }, sum);
	mr_base64(MR_BYTES(sum), encoded);
	mr_buf_printf(text, " %s\n", encoded);
}
