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

int mr_render_own(struct mr_arena *arena, const struct mr_config *config, const char *destination,
		  const char *text, const char **out, struct mr_error *err)
{
	bool postfix = strcmp(destination, MAIN_CF) == 0;
	const char *file =
		mr_printf(arena, "%s%s%s", config->root, MR_PATH_OWN, destination + strlen("/etc"));
	struct mr_list names = { 0 };
	MR_BUF whole = { 0 };
	char *own;

	*out = text;
	if ((!postfix && strcmp(destination, DOVECOT_CONF) != 0) || !mr_path_exists(file))
		return 0;
	if (mr_file_read(arena, file, OWN_MOST, &own, NULL, err) < 0)
		return -1;
	if (postfix)
		names = names_in(arena, own);
	put_without(arena, text, &names, &whole);
	mr_buf_printf(&whole, "\n# %s\n%s", file, own);
	if (!mr_ends_with(own, "\n"))
		mr_buf_putc(&whole, '\n');
	*out = mr_strdup(arena, mr_buf_text(&whole));
	return 0;
}
