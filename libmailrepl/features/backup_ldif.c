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
#include "base/log.h"

#define BLOCK ((size_t)256 * 1024)
#define LINE_MOST ((size_t)4 << 20)

struct rewriter {
	const struct mr_ldif_rewrite *what;
	struct mr_buf in, out;
	size_t at, from_len; /* `in` before `at` is done with */
	unsigned long long line;
	unsigned long long done, total; /* bytes read, and how many there are */
	char doing[128];
	int in_fd, out_fd;
	bool ended, inside, any;
	bool first[256]; /* first letters of what is dropped: most lines are decided by it */
};

static int refuse(const struct rewriter *re, const char *what, struct mr_error *err)
{
	return mr_fail(err, MR_E_ARCHIVE, _("%s: line %llu: %s"), re->what->name, re->line, what);
}

static int flush(struct rewriter *re, struct mr_error *err)
{
	for (size_t done = 0; done < re->out.len;) {
		ssize_t n = write(re->out_fd, re->out.data + done, re->out.len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mr_fail_errno(err, _("passing on %s"), re->what->name);
		done += (size_t)n;
	}
	re->out.len = 0;
	return 0;
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
	if (re->what->extra && !re->any && len != re->from_len)
		return refuse(re, _("the first entry is not the base"), err);
	mr_buf_puts(&re->out, "dn: ");
	mr_buf_add(&re->out, dn, len - re->from_len);
	mr_buf_puts(&re->out, re->what->to);
	mr_buf_putc(&re->out, '\n');
	return 0;
}

/* A DN in base64 is rare enough to go through the real parser. */
static int put_encoded_dn(struct rewriter *re, const char *line, size_t len, struct mr_error *err)
{
	static const char rest[] = "\ncn: -\n\n";
	MR_ARENA arena = mr_arena_open();
	int fd = memfd_create("dn", MFD_CLOEXEC), rc;
	struct mr_entry *entry;
	struct mr_ldif *ldif;
	MR_BUF text = { 0 };
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
	if (!mr_ldif_dn_below(entry->dn, dn, re->what->from) || (re->what->extra && !re->any))
		return refuse(re, _("an entry that does not belong here"), err);
	entry->dn = mr_printf(arena, "%.*s%s", (int)(dn - re->from_len), entry->dn, re->what->to);
	entry->count = 0;
	mr_ldif_format(&text, entry);
	mr_buf_add(&re->out, text.data, strcspn(text.data, "\n") + 1);
	return 0;
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
	if (rc == 0 && !re->any && re->what->extra)
		mr_buf_puts(&re->out, re->what->extra);
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
		mr_buf_add(&re->out, line, len);
		mr_buf_putc(&re->out, '\n');
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
		if (re->out.len >= BLOCK && flush(re, err) < 0)
			return -1;
	}
	if (more == 0 && re->what->extra && !re->any)
		return refuse(re, _("the base entry is missing"), err);
	if (re->inside)
		mr_buf_putc(&re->out, '\n');
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

int mr_ldif_rewrite(const struct mr_ldif_rewrite *rewrite, int in, int out, struct mr_error *err)
{
	struct rewriter re = {
		.what = rewrite,
		.in_fd = in,
		.out_fd = out,
		.from_len = strlen(rewrite->from),
	};
	int rc;

	for (const char *const *drop = rewrite->drop; *drop; drop++) {
		re.first[(unsigned char)tolower((unsigned char)**drop)] = true;
		re.first[(unsigned char)toupper((unsigned char)**drop)] = true;
	}
	mr_buf_add(&re.in, "", 0);
	expect(&re);
	rc = run(&re, err);
	mr_progress_end();
	mr_buf_close(&re.in);
	mr_buf_close(&re.out);
	return rc;
}
