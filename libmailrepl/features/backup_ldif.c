#include "features/backup_ldif.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/ldif.h"
#include "adapters/tls.h"
#include "base/file.h"
#include "base/log.h"

/* Small enough that two readers of pipes are kept busy in turn. */
#define BLOCK ((size_t)64 * 1024)
#define LINE_MOST ((size_t)4 << 20)

struct sink {
	const char *to, *extra;
	int fd;
	struct mr_buf text;
};

struct rewriter {
	const struct mr_ldif_rewrite *what;
	struct mr_buf in;
	struct sink sinks[2];
	size_t sink_count;
	uint32_t number; /* of the next record that is stamped */
	char uuid[40];
	size_t at, from_len; /* `in` before `at` is done with */
	unsigned long long line;
	unsigned long long done, total; /* bytes read, and how many there are */
	char doing[128];
	int in_fd;
	bool ended, inside, any;
	bool based;      /* the first record must be the base */
	bool first[256]; /* first letters of what is dropped: most lines are decided by it */
};

static int refuse(const struct rewriter *re, const char *what, struct mr_error *err)
{
	return mr_fail(err, MR_E_ARCHIVE, _("%s: line %llu: %s"), re->what->name, re->line, what);
}

static int flush(struct rewriter *re, struct mr_error *err)
{
	for (size_t i = 0; i < re->sink_count; i++) {
		struct sink *sink = &re->sinks[i];

		if (mr_write_all(sink->fd, mr_buf_text(&sink->text), sink->text.len, err) < 0)
			return mr_fail_in(err, _("passing on %s"), re->what->name);
		sink->text.len = 0;
	}
	return 0;
}

static void put(struct rewriter *re, const char *text, size_t len)
{
	for (size_t i = 0; i < re->sink_count; i++)
		mr_buf_add(&re->sinks[i].text, text, len);
}

static int fill(struct rewriter *re, struct mr_error *err)
{
	char block[65536];
	ssize_t n;

	memmove(re->in.data, re->in.data + re->at, re->in.len - re->at);
	re->in.len -= re->at;
	re->at = 0;
	if (re->in.len > LINE_MOST)
		return refuse(re, _("a line of more than 4 MiB"), err);
	do {
		n = read(re->in_fd, block, sizeof(block));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return mr_fail_errno(err, _("reading %s"), re->what->name);
	mr_buf_add(&re->in, block, (size_t)n);
	re->done += (unsigned long long)n;
	mr_progress_bytes(re->doing, re->done, re->total);
	re->ended = n == 0;
	return 0;
}

/* 1: the next line without its newline; 0: the end; -1. */
static int next_line(struct rewriter *re, const char **line, size_t *len, struct mr_error *err)
{
	size_t seen = 0;

	for (;;) {
		const char *start = re->in.data + re->at;
		size_t left = re->in.len - re->at;
		const char *end = memchr(start + seen, '\n', left - seen);

		if (!end && !re->ended) {
			seen = left;
			if (fill(re, err) < 0)
				return -1;
			continue;
		}
		if (!end && !left)
			return 0;
		*line = start;
		*len = end ? (size_t)(end - start) : left;
		re->at += *len + (end ? 1 : 0);
		re->line++;
		return 1;
	}
}

static bool dropped(const struct rewriter *re, const char *line, size_t len)
{
	size_t name;

	if (!len || !re->first[(unsigned char)line[0]])
		return false;
	for (name = 0; name < len && line[name] != ':' && line[name] != ';'; name++)
		continue;
	for (const char *const *drop = re->what->drop; *drop; drop++)
		if (strlen(*drop) == name && strncasecmp(line, *drop, name) == 0)
			return true;
	return false;
}

bool mr_ldif_dn_below(const char *dn, size_t len, const char *suffix)
{
	size_t tail = strlen(suffix);

	return len >= tail && strncasecmp(dn + len - tail, suffix, tail) == 0 &&
	       (len == tail || dn[len - tail - 1] == ',');
}

static int put_plain_dn(struct rewriter *re, const char *dn, size_t len, struct mr_error *err)
{
	if (!mr_ldif_dn_below(dn, len, re->what->from))
		return refuse(re, _("an entry that does not belong here"), err);
	if (re->based && !re->any && len != re->from_len)
		return refuse(re, _("the first entry is not the base"), err);
	for (size_t i = 0; i < re->sink_count; i++) {
		struct sink *sink = &re->sinks[i];

		mr_buf_puts(&sink->text, "dn: ");
		mr_buf_add(&sink->text, dn, len - re->from_len);
		mr_buf_puts(&sink->text, sink->to);
		mr_buf_putc(&sink->text, '\n');
	}
	return 0;
}

static void put_encoded(const struct mr_entry *entry, size_t rest, struct sink *sink)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_entry moved = {
		.dn = mr_printf(arena, "%.*s%s", (int)rest, entry->dn, sink->to),
	};
	MR_BUF text = { 0 };

	mr_ldif_format(&text, &moved);
	mr_buf_add(&sink->text, text.data, strcspn(text.data, "\n") + 1);
}

/* A DN in base64 is rare enough to go through the real parser. */
static int put_encoded_dn(struct rewriter *re, const char *line, size_t len, struct mr_error *err)
{
	static const char rest[] = "\ncn: -\n\n";
	MR_ARENA arena = mr_arena_open();
	int fd = memfd_create("dn", MFD_CLOEXEC), rc;
	struct mr_entry *entry;
	struct mr_ldif *ldif;
	size_t dn;

	if (fd < 0)
		return mr_fail_errno(err, _("reading %s"), re->what->name);
	if (write(fd, line, len) < 0 || write(fd, rest, strlen(rest)) < 0 ||
	    lseek(fd, 0, SEEK_SET) < 0) {
		close(fd);
		return mr_fail_errno(err, _("reading %s"), re->what->name);
	}
	ldif = mr_ldif_open(fd, re->what->name);
	rc = mr_ldif_read(ldif, arena, &entry, err);
	mr_ldif_close(ldif);
	close(fd);
	if (rc != 1)
		return refuse(re, _("a DN that cannot be read"), err);
	dn = strlen(entry->dn);
	if (!mr_ldif_dn_below(entry->dn, dn, re->what->from) || (re->based && !re->any))
		return refuse(re, _("an entry that does not belong here"), err);
	for (size_t i = 0; i < re->sink_count; i++)
		put_encoded(entry, dn - re->from_len, &re->sinks[i]);
	return 0;
}

void mr_ldif_context_csn(const struct mr_stamp *stamp, char out[MR_CSN_SIZE])
{
	mr_stamp_csn(stamp, MR_STAMP_LAST, out);
}

/* UUIDs that grow are the cheapest ones to index. More than MR_STAMP_LAST records share a CSN, which
 * nobody minds. */
static void put_stamp(struct rewriter *re)
{
	const struct mr_stamp *stamp = re->what->stamp;
	uint32_t csn = re->number < MR_STAMP_LAST ? re->number : MR_STAMP_LAST - 1;
	char text[256], change[MR_CSN_SIZE];
	int len;

	if (!re->any)
		mr_ldif_context_csn(stamp, change);
	else
		mr_stamp_csn(stamp, csn, change);
	len = snprintf(text, sizeof(text),
		       "entryUUID: %08x%s\nentryCSN: %s\ncreateTimestamp: %s\n"
		       "modifyTimestamp: %s\n",
		       re->number++, re->uuid + 8, change, stamp->time, stamp->time);
	put(re, text, (size_t)len);
}

static void put_head(struct rewriter *re)
{
	for (size_t i = 0; i < re->sink_count && !re->any; i++)
		if (re->sinks[i].extra)
			mr_buf_puts(&re->sinks[i].text, re->sinks[i].extra);
	if (re->what->stamp)
		put_stamp(re);
}

static int put_dn(struct rewriter *re, const char *line, size_t len, struct mr_error *err)
{
	int rc;

	if (len > 4 && memcmp(line, "dn: ", 4) == 0)
		rc = put_plain_dn(re, line + 4, len - 4, err);
	else if (len > 4 && memcmp(line, "dn::", 4) == 0)
		rc = put_encoded_dn(re, line, len, err);
	else
		rc = refuse(re, _("not the DN of an entry"), err);
	if (rc == 0)
		put_head(re);
	re->any = re->inside = true;
	return rc;
}

static int put_line(struct rewriter *re, const char *line, size_t len, struct mr_error *err)
{
	if (len && line[0] == ' ')
		return refuse(re, _("a folded line"), err);
	if (len && line[0] == '#')
		return 0;
	if (len && !re->inside)
		return put_dn(re, line, len, err);
	if (!len && !re->inside)
		return 0;
	re->inside = len > 0;
	if (!dropped(re, line, len)) {
		put(re, line, len);
		put(re, "\n", 1);
	}
	return 0;
}

static int run(struct rewriter *re, struct mr_error *err)
{
	const char *line;
	size_t len;
	int more;

	while ((more = next_line(re, &line, &len, err)) > 0) {
		if (put_line(re, line, len, err) < 0)
			return -1;
		if (re->sinks[0].text.len >= BLOCK && flush(re, err) < 0)
			return -1;
	}
	if (more == 0 && re->based && !re->any)
		return refuse(re, _("the base entry is missing"), err);
	if (re->inside)
		put(re, "\n", 1);
	return more < 0 ? -1 : flush(re, err);
}

static void expect(struct rewriter *re)
{
	struct stat st;

	if (re->what->size)
		re->total = (unsigned long long)re->what->size;
	else if (fstat(re->in_fd, &st) == 0 && S_ISREG(st.st_mode))
		re->total = (unsigned long long)st.st_size;
	snprintf(re->doing, sizeof(re->doing), _("loading %s"), re->what->name);
}

static void begin(struct rewriter *re, int out)
{
	const struct mr_ldif_rewrite *what = re->what;
	const struct mr_ldif_second *second = what->second;
	MR_ARENA arena = mr_arena_open();

	for (const char *const *drop = what->drop; *drop; drop++) {
		re->first[(unsigned char)tolower((unsigned char)**drop)] = true;
		re->first[(unsigned char)toupper((unsigned char)**drop)] = true;
	}
	re->sinks[re->sink_count++] = (struct sink){ what->to, what->extra, out, { 0 } };
	if (second)
		re->sinks[re->sink_count++] =
			(struct sink){ second->to, second->extra, second->out, { 0 } };
	re->based = what->extra || what->stamp || (second && second->extra);
	if (what->stamp)
		snprintf(re->uuid, sizeof(re->uuid), "%s", mr_uuid(arena));
	mr_buf_add(&re->in, "", 0);
	expect(re);
}

int mr_ldif_rewrite(const struct mr_ldif_rewrite *rewrite, int in, int out, struct mr_error *err)
{
	struct rewriter re = {
		.what = rewrite,
		.in_fd = in,
		.from_len = strlen(rewrite->from),
	};
	int rc;

	begin(&re, out);
	rc = run(&re, err);
	mr_progress_end();
	mr_buf_close(&re.in);
	for (size_t i = 0; i < re.sink_count; i++)
		mr_buf_close(&re.sinks[i].text);
	return rc;
}
