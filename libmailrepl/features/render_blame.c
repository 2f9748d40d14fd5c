#include "features/render_blame.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/paths.h"
#include "features/render_own.h"

#define OWN_MOST ((size_t)1 << 20)

struct blame {
	struct mr_arena *arena;
	const struct mr_config *config;
	const char *said;
	const struct mr_rendered *file; /* which it is about */
	const char *staged;             /* where that lies now */
	unsigned line;                  /* in it; 0: not told */
};

/* ", line 12", " line 12", ":12" behind the name of a file. */
static unsigned line_behind(const char *text)
{
	text += *text == ',';
	if (mr_starts_with(text, " line "))
		text += strlen(" line ");
	else if (*text == ':')
		text++;
	else
		return 0;
	return isdigit((unsigned char)*text) ? (unsigned)strtoul(text, NULL, 10) : 0;
}

/* The file that it names, and the first line that it names of it. */
static bool is_named(struct blame *blame, const struct mr_rendered *file, const char *staged)
{
	bool named = false;

	for (const char *at = strstr(blame->said, staged); at; at = strstr(at + 1, staged)) {
		const char *behind = at + strlen(staged);

		if (*behind && !strchr(":, )\n", *behind))
			continue;
		named = true;
		if (!blame->line)
			blame->line = line_behind(behind);
	}
	if (named) {
		blame->file = file;
		blame->staged = staged;
	}
	return named;
}

static const char *with_names(const struct blame *blame)
{
	const char *rest = blame->said, *at;
	MR_BUF out = { 0 };

	for (; blame->staged && (at = strstr(rest, blame->staged));
	     rest = at + strlen(blame->staged)) {
		mr_buf_add(&out, rest, (size_t)(at - rest));
		mr_buf_puts(&out, blame->file->path);
	}
	mr_buf_puts(&out, rest);
	return mr_strdup(blame->arena, mr_buf_text(&out));
}

/* "name=" or "name =" somewhere in it, for a parameter that is set there. */
static unsigned parameter_line(const struct blame *blame, const char *own)
{
	for (const char *at = strchr(blame->said, '='); at; at = strchr(at + 1, '=')) {
		const char *end = at, *begin;

		while (end > blame->said && end[-1] == ' ')
			end--;
		for (begin = end; begin > blame->said &&
				  (isalnum((unsigned char)begin[-1]) || begin[-1] == '_');)
			begin--;
		if (begin < end) {
			unsigned line = mr_render_own_line(
				own, mr_strndup(blame->arena, begin, (size_t)(end - begin)));

			if (line)
				return line;
		}
	}
	return 0;
}

static unsigned own_line(const struct blame *blame, const char *path)
{
	const char *mark = mr_render_own_mark(blame->arena, path),
		   *at = strstr(blame->file->content, mark);
	unsigned before = 1;
	struct mr_error absent;
	char *own;

	if (!blame->line)
		return mr_file_read(blame->arena, path, OWN_MOST, &own, NULL, &absent) < 0
			       ? 0
			       : parameter_line(blame, own);
	for (const char *c = blame->file->content; at && c < at + strlen(mark) - 1; c++)
		before += *c == '\n';
	return at && blame->line > before ? blame->line - before : 0;
}

const char *mr_render_blame(struct mr_arena *arena, const struct mr_config *config,
			    const struct mr_rendering *rendering, enum mr_service_name service,
			    const char *staging, const char *etc, const char *said)
{
	struct blame blame = { .arena = arena, .config = config, .said = said };
	const char *main_cf = mr_printf(arena, "%s/main.cf", etc), *own, *text;
	unsigned line;

	for (size_t i = 0; i < rendering->count && !blame.file; i++) {
		const struct mr_rendered *file = &rendering->files[i];

		if (file->service == service && mr_starts_with(file->path, etc))
			is_named(&blame, file,
				 mr_printf(arena, "%s%s", staging, file->path + strlen(etc)));
	}
	/* Of a wrong value only the parameter is told. */
	for (size_t i = 0; i < rendering->count && !blame.file; i++)
		if (strcmp(rendering->files[i].path, main_cf) == 0)
			blame.file = &rendering->files[i];
	if (!blame.file)
		return said;
	text = with_names(&blame);
	own = mr_render_own_path(arena, config, blame.file->path + strlen(config->root));
	line = own ? own_line(&blame, own) : 0;
	if (line)
		return mr_printf(arena, "%s (%s:%u)", text, own, line);
	if (blame.file->template &&
	    mr_starts_with(blame.file->template, mr_path(arena, config->root, MR_PATH_OVERRIDES)))
		return mr_printf(arena, "%s (%s)", text, blame.file->template);
	return text;
}
