#include "features/exim_retries.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/process.h"

#define SPOOL "/var/spool/exim4"
#define HINTS SPOOL "/db/retry"
#define HINTS_MOST (16 << 20)

int64_t mr_exim_retries_state(void)
{
	struct stat st;

	if (stat(HINTS, &st) < 0)
		return 0;
	return (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
}

int mr_exim_retries_read(struct mr_arena *arena, const char **out, struct mr_error *err)
{
	static const char *const argv[] = { "exim_dumpdb", SPOOL, "retry", NULL };
	const struct mr_process process = { .argv = argv };
	struct mr_process_result result = { 0 };
	char *text;
	int rc = mr_process_talk(arena, &process, "", HINTS_MOST, &text, &result, err);

	if (rc == 0)
		*out = text;
	mr_buf_close(&result.output);
	return rc;
}

/* Behind "T:host:", in a line "  T:mail1.lan:192.0.2.1 111 65 Connection refused". NULL: it is about something else. */
static const char *about(const char *line, const char *host)
{
	size_t len = strlen(host);

	line += strspn(line, " ");
	if (strncmp(line, "T:", 2) != 0 || strncasecmp(line + 2, host, len) != 0 ||
	    line[2 + len] != ':')
		return NULL;
	return line;
}

static const char *next_line(const char *line)
{
	line += strcspn(line, "\n");
	return line + (*line == '\n');
}

int64_t mr_exim_retries_of(const char *hints, const char *host)
{
	uint64_t state = 0;

	for (const char *line = hints; *line; line = next_line(line)) {
		const char *end;

		if (!about(line, host))
			continue;
		/* The times of the first, the last and the next attempt are in the line below. */
		line = next_line(line);
		end = line + strcspn(line, "\n");
		for (const char *c = line; c < end; c++)
			state = state * 31 + (unsigned char)*c;
	}
	return (int64_t)(state & INT64_MAX);
}

void mr_exim_retries_keys(struct mr_arena *arena, const char *hints, const char *host,
			  struct mr_list *out)
{
	for (const char *line = hints; *line; line = next_line(line)) {
		const char *key = about(line, host);

		if (key)
			mr_list_add(arena, out, mr_strndup(arena, key, strcspn(key, " \n")));
	}
}

static int forget(const struct mr_list *keys, struct mr_error *err)
{
	static const char *const argv[] = { "exim_fixdb", SPOOL, "retry", NULL };
	const struct mr_process process = { .argv = argv };
	struct mr_child *child;
	int fd;

	if (mr_process_write_to(&process, &child, &fd, err) < 0)
		return -1;
	for (size_t i = 0; i < keys->count; i++)
		/* What it does not know any more it says, and goes on. */
		if (dprintf(fd, "%s\nd\n", keys->items[i]) < 0)
			break;
	mr_process_hang_up(child);
	return mr_process_end(child, err);
}

int mr_exim_retries_end(const char *hints, const char *host, struct mr_error *err)
{
	static const char *const argv[] = { "setsid", "--fork", "exim4", "-q", NULL };
	const struct mr_process process = { .argv = argv, .daemon = true };
	MR_ARENA arena = mr_arena_open();
	struct mr_list keys = { 0 };

	mr_exim_retries_keys(arena, hints, host, &keys);
	if (keys.count && forget(&keys, err) < 0)
		return -1;
	return mr_process_check(&process, err);
}
