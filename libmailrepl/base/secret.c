#include "base/memory.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t whole_pages(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (size > SIZE_MAX - page)
		abort();
	return (size + page - 1) / page * page;
}

/* Pages that are neither swapped out nor written to a core file; an unprivileged process may have
 * no right to lock them, which is no reason to do without a password. */
static char *pages_open(size_t size)
{
	char *pages = mmap(NULL, whole_pages(size), PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED)
		abort();
	(void)mlock(pages, whole_pages(size));
	(void)madvise(pages, whole_pages(size), MADV_DONTDUMP);
	return pages;
}

static void pages_close(char *pages, size_t size)
{
	explicit_bzero(pages, size);
	munmap(pages, whole_pages(size));
}

void mr_secret_set(struct mr_secret *secret, const char *data, size_t len)
{
	struct mr_secret fresh = { NULL, 0 };

	if (data) {
		if (len == SIZE_MAX)
			abort();
		fresh.data = pages_open(len + 1);
		memcpy(fresh.data, data, len);
		fresh.len = len;
	}
	mr_secret_close(secret);
	*secret = fresh;
}

void mr_secret_room(struct mr_secret *secret, size_t len)
{
	if (len == SIZE_MAX)
		abort();
	mr_secret_close(secret);
	secret->data = pages_open(len + 1);
	secret->len = len;
}

void mr_secret_close(struct mr_secret *secret)
{
	if (!secret || !secret->data)
		return;
	pages_close(secret->data, secret->len + 1);
	secret->data = NULL;
	secret->len = 0;
}

/* Another room, the first `used` bytes kept. */
static void move(struct mr_secret *secret, size_t used, size_t room)
{
	struct mr_secret fresh = { NULL, 0 };

	mr_secret_room(&fresh, room);
	if (used)
		memcpy(fresh.data, secret->data, used);
	mr_secret_close(secret);
	*secret = fresh;
}

int mr_secret_read(struct mr_secret *secret, int fd, size_t most, struct mr_error *err)
{
	size_t used = 0;
	ssize_t n;

	mr_secret_close(secret);
	for (;;) {
		if (used == secret->len)
			move(secret, used, used ? 2 * used : 65536);
		n = read(fd, secret->data + used, secret->len - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		used += (size_t)n;
		if (used > most) {
			mr_secret_close(secret);
			return mr_fail(err, MR_E_INVALID, _("more than %zu bytes"), most);
		}
	}
	if (n < 0) {
		mr_fail_errno(err, _("reading"));
		mr_secret_close(secret);
		return -1;
	}
	move(secret, used, used);
	return 0;
}

/* One byte at a time: what follows the line belongs to whoever reads next. */
static int read_line(int fd, char *line, size_t most, size_t *len, struct mr_error *err)
{
	for (*len = 0;;) {
		char c;
		ssize_t n = read(fd, &c, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mr_fail_errno(err, _("reading a secret"));
		if (n == 0 && *len == 0)
			return mr_fail(err, MR_E_INVALID,
				       _("nothing to read where a secret was expected"));
		if (n == 0 || c == '\n')
			return 0;
		if (c == '\0')
			return mr_fail(err, MR_E_INVALID, _("the secret contains a NUL byte"));
		if (*len == most)
			return mr_fail(err, MR_E_INVALID, _("the secret is longer than %zu bytes"),
				       most);
		line[(*len)++] = c;
	}
}

int mr_secret_read_line(struct mr_secret *secret, int fd, size_t most, struct mr_error *err)
{
	char *line;
	size_t len;
	int rc;

	mr_secret_close(secret);
	if (most == SIZE_MAX)
		abort();
	line = pages_open(most + 1);
	rc = read_line(fd, line, most, &len, err);
	if (rc == 0)
		mr_secret_set(secret, line, len);
	pages_close(line, most + 1);
	return rc;
}
