/* What the tests share that render random values and read them back: the values, and the programs that read. MAILREPL_SEED
 * and MAILREPL_CASES repeat a run, or make a longer one. */
#ifndef MR_TESTS_UNIT_ROUNDTRIP_H
#define MR_TESTS_UNIT_ROUNDTRIP_H

#include "test.h"

#include <fcntl.h>

#include "base/process.h"
#include "features/render_check.h"

static struct mr_error err;
static unsigned long seed, state; /* of the run; of the random numbers */
static size_t cases;

static inline void begin(size_t usual)
{
	const char *wanted = getenv("MAILREPL_SEED"), *many = getenv("MAILREPL_CASES");

	seed = wanted ? strtoul(wanted, NULL, 10) : 20261122;
	cases = many ? strtoul(many, NULL, 10) : usual;
	state = seed % 2147483646 + 1;
}

/* Park and Miller's: the same everywhere. */
static inline unsigned pick(unsigned below)
{
	state = state * 16807 % 2147483647;
	return (unsigned)(state % below);
}

static const char *const tame[] = {
	"a", "mail1", "user.name", "x-y_z", "Maildomain", "127.0.0.1",
	"0", "ORG",   "/var/lib",  "e",     "post",       "9",
};
/* clang-format off */
static const char *const wild[] = {
	"\"", "'", "$", "$$", "${x}", "$mydomain", "%", "%%", "%u", "%{x}", "{{x}}",
	"{{{x}}}", "{", "}", ",", ", ", " ", "  ", "\\", "\\\\", "\\n", "\\$", "#", " #", ";",
	"<", ">", "=", ":", "@", "(", ")", "[", "]", "*", "|", "&", "!", "\xc3\xbc",
	"\xe2\x86\x92", "\xf0\x9f\x93\xa7", "~", "`", "^", "?", "+", "-o", "no", "/",
	"\xc2\xa0",
};
/* clang-format on */
static const char *const forbidden[] = { "\n",       "\r",  "\t",   "\x01", "\x7f",
					 "\n x = y", "\n}", "\xff", "\xc3" };

static inline const char *random_value(struct mr_arena *arena)
{
	MR_BUF out = { 0 };
	unsigned parts = pick(6), at = pick(40);

	for (unsigned i = 0; i < parts; i++) {
		if (pick(2))
			mr_buf_puts(&out, tame[pick(sizeof(tame) / sizeof(tame[0]))]);
		else
			mr_buf_puts(&out, wild[pick(sizeof(wild) / sizeof(wild[0]))]);
		if (at == i)
			mr_buf_puts(&out,
				    forbidden[pick(sizeof(forbidden) / sizeof(forbidden[0]))]);
	}
	return mr_strdup(arena, mr_buf_text(&out));
}

/* What a value looks like in a message. */
static inline const char *shown(struct mr_arena *arena, const char *text)
{
	MR_BUF out = { 0 };

	for (; *text; text++)
		if (*text < ' ' || *text == 0x7f)
			mr_buf_printf(&out, "<%02x>", (unsigned)(unsigned char)*text);
		else
			mr_buf_putc(&out, *text);
	return mr_strdup(arena, mr_buf_text(&out));
}

static inline void write_at(const char *path, const char *text)
{
	assert_ok(mr_file_replace(path, text, strlen(text), MR_FILE_PUBLIC, &err), err);
	assert_ok(mr_render_age(path, &err), err);
}

/* What the program says on its standard output, which goes through a file: warnings do not. */
static inline const char *said(struct mr_arena *arena, const char *folder, const char *const *argv,
			       const char *input)
{
	const char *out = mr_printf(arena, "%s/out", folder),
		   *in = mr_printf(arena, "%s/in", folder);
	struct mr_process process = { .argv = argv };
	struct mr_process_result result = { 0 };
	char *text;

	write_at(out, "");
	write_at(in, input ? input : "");
	process.out_fd = open(out, O_WRONLY | O_CLOEXEC);
	process.in_fd = open(in, O_RDONLY | O_CLOEXEC);
	assert_true(process.out_fd > 0 && process.in_fd > 0);
	assert_ok(mr_process_run(&process, &result, &err), err);
	close(process.out_fd);
	close(process.in_fd);
	mr_buf_close(&result.output);
	assert_ok(mr_file_read(arena, out, 1 << 22, &text, NULL, &err), err);
	return text;
}

#endif
