#include "features/render_own.h"

#include <string.h>

#include "base/file.h"
#include "base/paths.h"

#define OWN_MOST ((size_t)1 << 20)
#define MAIN_CF MR_PATH_POSTFIX "/main.cf"
#define DOVECOT_CONF MR_PATH_DOVECOT "/dovecot.conf"

/* The name of the parameter that a line sets; NULL: it sets none (a comment, a continuation). */
static const char *name_at(struct mr_arena *arena, const char *line)
{
	size_t len = strcspn(line, " \t=\n");

	if (*line == '#' || len == 0 || line[len + strspn(line + len, " \t")] != '=')
		return NULL;
	return mr_strndup(arena, line, len);
}

static struct mr_list names_in(struct mr_arena *arena, const char *text)
{
	struct mr_list names = { 0 };

	for (const char *line = text; *line; line += strcspn(line, "\n")) {
		const char *name;

		line += *line == '\n';
		name = name_at(arena, line);
		if (name)
			mr_list_add(arena, &names, name);
	}
	return names;
}

/* Comments and empty lines do not end a logical line (postconf(5)). */
static void put_without(struct mr_arena *arena, const char *text, const struct mr_list *names,
			struct mr_buf *out)
{
	bool dropped = false;

	while (*text) {
		size_t len = strcspn(text, "\n");
		const char *name = name_at(arena, text);

		bool blank = *text == ' ' || *text == '\t';

		if (name)
			dropped = mr_list_has(names, name);
		len += text[len] == '\n';
		if (!dropped || (!name && !blank))
			mr_buf_add(out, text, len);
		text += len;
	}
}

const char *mr_render_own_path(struct mr_arena *arena, const struct mr_config *config,
			       const char *destination)
{
	const char *path;

	if (strcmp(destination, MAIN_CF) != 0 && strcmp(destination, DOVECOT_CONF) != 0)
		return NULL;
	path = mr_printf(arena, "%s%s%s", config->root, MR_PATH_OWN, destination + strlen("/etc"));
	return mr_path_exists(path) ? path : NULL;
}

unsigned mr_render_own_line(const char *own, const char *name)
{
	size_t len = strlen(name);
	unsigned number = 1;

	for (const char *line = own; line; line = strchr(line, '\n'), number++) {
		line += number > 1;
		if (strncmp(line, name, len) == 0 &&
		    line[len + strspn(line + len, " \t")] == '=')
			return number;
	}
	return 0;
}

const char *mr_render_own_mark(struct mr_arena *arena, const char *own_path)
{
	return mr_printf(arena, "\n# %s\n", own_path);
}

/* Postfix would take a first line with a blank before it for what goes on from the last of ours. */
static int check_main_cf(struct mr_arena *arena, const char *file, const char *own,
			 struct mr_error *err)
{
	struct mr_list lines = mr_list_split(arena, own, '\n');
	bool begun = false;

	for (size_t i = 0; i < lines.count; i++) {
		const char *line = lines.items[i];
		bool blank = *line == ' ' || *line == '\t';

		if (!line[strspn(line, " \t\r")] || *line == '#')
			continue;
		if (blank && !begun && line[strspn(line, " \t")] != '#')
			return mr_fail(err, MR_E_CONFIG,
				       _("%s:%zu: begins with a blank, and there is no parameter "
					 "before it that could go on here"),
				       file, i + 1);
		if (!blank && !name_at(arena, line))
			return mr_fail(err, MR_E_CONFIG,
				       _("%s:%zu: is no parameter: NAME = VALUE"), file, i + 1);
		begun |= !blank;
	}
	return 0;
}

int mr_render_own(struct mr_arena *arena, const struct mr_config *config, const char *destination,
		  const char *text, const char **out, struct mr_error *err)
{
	const char *file = mr_render_own_path(arena, config, destination);
	struct mr_list names = { 0 };
	MR_BUF whole = { 0 };
	char *own;

	*out = text;
	if (!file)
		return 0;
	if (mr_file_read(arena, file, OWN_MOST, &own, NULL, err) < 0)
		return -1;
	if (strcmp(destination, MAIN_CF) == 0) {
		if (check_main_cf(arena, file, own, err) < 0)
			return -1;
		names = names_in(arena, own);
	}
	put_without(arena, text, &names, &whole);
	mr_buf_puts(&whole, mr_render_own_mark(arena, file));
	mr_buf_puts(&whole, own);
	if (!mr_ends_with(own, "\n"))
		mr_buf_putc(&whole, '\n');
	*out = mr_strdup(arena, mr_buf_text(&whole));
	return 0;
}
