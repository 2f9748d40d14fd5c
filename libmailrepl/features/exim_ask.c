#include "features/exim_ask.h"

#include <string.h>

#include "base/process.h"

#define TIMEOUT_MS 30000
#define PARENT "    <-- "

static const struct {
	const char *words;
	enum mr_exim_fate fate;
} fates[] = {
	{ " is undeliverable", MR_EXIM_UNDELIVERABLE },
	{ " cannot be resolved at this time", MR_EXIM_LATER },
};

/* "user1@mail1.lan is undeliverable: User unknown", or the address alone. */
static const char *read_head(struct mr_arena *arena, const char *line, struct mr_exim_answer *out)
{
	for (size_t i = 0; i < sizeof(fates) / sizeof(fates[0]); i++) {
		const char *at = strstr(line, fates[i].words), *why;

		if (!at)
			continue;
		why = at + strlen(fates[i].words);
		out->fate = fates[i].fate;
		out->why = mr_strdup(arena, *why == ':' ? why + 2 : at + 1);
		return mr_strndup(arena, line, (size_t)(at - line));
	}
	return line;
}

static bool is_address(const char *text)
{
	return strchr(text, '@') && !strchr(text, ' ');
}

int mr_exim_answer_parse(struct mr_arena *arena, const char *text, struct mr_exim_answer *out,
			 struct mr_error *err)
{
	struct mr_list lines = mr_list_split(arena, text, '\n'), ways = { 0 };
	size_t at = 0;

	*out = (struct mr_exim_answer){ .fate = MR_EXIM_ROUTED };
	/* A warning may come first. */
	while (at < lines.count && !is_address(read_head(arena, lines.items[at], out)))
		at++;
	if (at == lines.count)
		return mr_fail(err, MR_E_CONFIG, _("exim4: %s"), lines.count ? lines.items[0] : "");
	mr_list_add(arena, &ways, mr_lower(arena, read_head(arena, lines.items[at], out)));
	for (at++; at < lines.count && mr_starts_with(lines.items[at], PARENT); at++)
		mr_list_add(arena, &ways, mr_lower(arena, lines.items[at] + strlen(PARENT)));
	/* From what it ends as back to the address itself, which is no way, but if it is the only one. */
	for (size_t i = ways.count - (ways.count > 1); i > 0; i--)
		mr_list_add(arena, &out->ways, ways.items[i - 1]);
	return 0;
}

int mr_exim_ask(struct mr_arena *arena, const char *file, const char *address,
		struct mr_exim_answer *out, struct mr_error *err)
{
	const char *const in_force[] = { "exim4", "-bt", "--", address, NULL };
	const char *const other[] = { "exim4", "-C", file, "-bt", "--", address, NULL };
	const struct mr_process process = { .argv = file ? other : in_force,
					    .timeout_ms = TIMEOUT_MS };
	struct mr_process_result result = { 0 };
	int rc = mr_process_run(&process, &result, err);

	if (rc == 0 && result.status > 128)
		rc = mr_fail(err, MR_E_TEMPORARY, _("exim4 was ended by signal %d"),
			     result.status - 128);
	if (rc == 0)
		rc = mr_exim_answer_parse(arena, mr_buf_text(&result.output), out, err);
	mr_buf_close(&result.output);
	return rc;
}
