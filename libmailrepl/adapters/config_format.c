#include <string.h>

#include "adapters/config_rows.h"
#include "adapters/config_text.h"
#include "base/file.h"

void mr_config_set_defaults(struct mr_config *config)
{
	for (const struct mr_config_row *row = mr_config_rows; row->name; row++) {
		char *field;

		if (row->field == MR_CONFIG_NO_FIELD)
			continue;
		field = (char *)config + row->field;
		if (row->kind == MR_CONFIG_NUMBER)
			*(long long *)(void *)field = row->number;
		else if (row->kind == MR_CONFIG_FLAG)
			*(bool *)field = row->number != 0;
		else
			*(const char **)(void *)field = row->text;
	}
	/* Postfix and Dovecot belong to the whole machine: nobody runs them under a folder. */
	if (*config->root)
		config->mail_manage = false;
}

static struct mr_value *value_of(struct mr_arena *arena, const struct mr_config_row *row,
				 const struct mr_config *config)
{
	struct mr_value *value;

	if (row->field != MR_CONFIG_NO_FIELD)
		return mr_config_field(arena, row, config);
	value = config->others ? mr_value_member(config->others, row->name) : NULL;
	if (!value)
		return mr_config_default(arena, row);
	if (value->kind == MR_VALUE_STRING && !*value->string)
		return mr_value_string(arena, NULL);
	return value;
}

/* "group.name" lies in a group, "name" beside the groups. */
static void put(struct mr_arena *arena, struct mr_value *out, const struct mr_config_row *row,
		struct mr_value *value)
{
	const char *dot = strchr(row->name, '.');
	const char *group = dot ? mr_strndup(arena, row->name, (size_t)(dot - row->name)) : NULL;
	struct mr_value *into = out;

	if (group) {
		into = mr_value_member(out, group);
		if (!into)
			into = mr_value_set(arena, out, group, mr_value_object(arena));
	}
	mr_value_set(arena, into, dot ? dot + 1 : row->name, value);
}

struct mr_value *mr_config_settings(struct mr_arena *arena, const struct mr_config *config)
{
	struct mr_value *out = mr_value_object(arena);

	for (const struct mr_config_row *row = mr_config_rows; row->name; row++)
		put(arena, out, row, value_of(arena, row, config));
	return out;
}

static struct mr_value *sample_of(struct mr_arena *arena, const struct mr_config_row *row)
{
	struct mr_value *list, *line;

	switch (row->kind) {
	case MR_CONFIG_NUMBER:
		return mr_value_int(arena, row->number);
	case MR_CONFIG_FLAG:
		return mr_value_bool(arena, true);
	case MR_CONFIG_LIST:
		list = mr_value_list(arena);
		mr_value_append(arena, list,
				mr_value_string(arena, mr_config_sample(row, row->element)));
		return list;
	case MR_CONFIG_TABLE:
		list = mr_value_list(arena);
		line = mr_value_append(arena, list, mr_value_object(arena));
		for (const struct mr_config_row *column = row->columns; column->name; column++)
			mr_value_set(arena, line, column->name, sample_of(arena, column));
		return list;
	default:
		return mr_value_string(arena, mr_config_sample(row, row->kind));
	}
}

struct mr_value *mr_config_sample_settings(struct mr_arena *arena)
{
	struct mr_value *out = mr_value_object(arena);

	for (const struct mr_config_row *row = mr_config_rows; row->name; row++)
		put(arena, out, row, sample_of(arena, row));
	return out;
}

static void format_text(struct mr_buf *buf, const char *text)
{
	mr_buf_putc(buf, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			mr_buf_putc(buf, '\\');
		mr_buf_putc(buf, *text);
	}
	mr_buf_putc(buf, '"');
}

static void format_value(struct mr_buf *buf, const struct mr_value *value);

/* [ "text", ... ] or ( { column = value; ... }, ... ) */
static void format_list(struct mr_buf *buf, const struct mr_value *list)
{
	bool table = list->count > 0 && list->items[0]->kind == MR_VALUE_OBJECT;

	mr_buf_puts(buf, table ? "(" : "[");
	for (size_t i = 0; i < list->count; i++) {
		mr_buf_puts(buf, i > 0 ? ", " : " ");
		format_value(buf, list->items[i]);
	}
	mr_buf_puts(buf, table ? " )" : list->count > 0 ? " ]" : "]");
}

/* A text that is nothing is the default of its column. */
static void format_line(struct mr_buf *buf, const struct mr_value *line)
{
	mr_buf_puts(buf, "{ ");
	for (size_t i = 0; i < line->count; i++) {
		if (line->items[i]->kind == MR_VALUE_NULL)
			continue;
		mr_buf_printf(buf, "%s = ", line->keys[i]);
		format_value(buf, line->items[i]);
		mr_buf_puts(buf, "; ");
	}
	mr_buf_puts(buf, "}");
}

static void format_value(struct mr_buf *buf, const struct mr_value *value)
{
	switch (value->kind) {
	case MR_VALUE_INT:
		mr_buf_printf(buf, "%lld", value->integer);
		break;
	case MR_VALUE_BOOL:
		mr_buf_puts(buf, value->boolean ? "true" : "false");
		break;
	case MR_VALUE_LIST:
		format_list(buf, value);
		break;
	case MR_VALUE_OBJECT:
		format_line(buf, value);
		break;
	default:
		format_text(buf, value->string ? value->string : "");
	}
}

static const char *value_text(struct mr_arena *arena, const struct mr_value *value,
			      const struct mr_config_row *row)
{
	return row->kind == MR_CONFIG_TABLE && value->count == 0 ? "()"
								 : mr_config_value_text(arena, value);
}

const char *mr_config_value_text(struct mr_arena *arena, const struct mr_value *value)
{
	MR_BUF buf = { 0 };

	format_value(&buf, value);
	return mr_strdup(arena, mr_buf_text(&buf));
}

static void format_row(struct mr_arena *arena, struct mr_buf *buf, const struct mr_config_row *row,
		       const char *key, const struct mr_config *config,
		       const struct mr_config *defaults)
{
	const char *indent = key == row->name ? "" : "\t";
	const struct mr_value *value = value_of(arena, row, config);
	const char *text = value_text(arena, value, row);
	bool is_default = value->kind == MR_VALUE_NULL ||
			  strcmp(text, value_text(arena, value_of(arena, row, defaults), row)) == 0;

	mr_buf_printf(buf, "%s# %s", indent, row->help);
	if (row->unit)
		mr_buf_printf(buf, " (%s)", row->unit);
	mr_buf_printf(buf, "\n%s%s%s = %s;\n", indent, is_default ? "# " : "", key, text);
}

char *mr_config_format(struct mr_arena *arena, const struct mr_config *config)
{
	MR_BUF buf = { 0 };
	struct mr_config defaults = { .root = config->root };
	const char *group = "";
	size_t len = 0;

	mr_config_set_defaults(&defaults);
	mr_buf_puts(&buf, "# mailrepl: what this host alone decides; see mailrepl.conf(5).\n"
			  "# A line that is commented out shows the default.\n\n");
	for (const struct mr_config_row *row = mr_config_rows; row->name; row++) {
		const char *dot = strchr(row->name, '.');

		if (dot &&
		    (len != (size_t)(dot - row->name) || memcmp(group, row->name, len) != 0)) {
			mr_buf_puts(&buf, len > 0 ? "};\n\n" : "\n");
			group = row->name;
			len = (size_t)(dot - row->name);
			mr_buf_printf(&buf, "%.*s:\n{\n", (int)len, group);
		}
		format_row(arena, &buf, row, dot ? dot + 1 : row->name, config, &defaults);
	}
	mr_buf_puts(&buf, "};\n");
	return mr_strdup(arena, mr_buf_text(&buf));
}

static int set(struct mr_arena *arena, const char *path, const struct mr_config_row *row,
	       const char *value, char **text, struct mr_error *err)
{
	const char *elsewhere = mr_config_elsewhere(arena, *text, row->name);

	if (elsewhere)
		return mr_fail(err, MR_E_CONFIG,
			       _("%s: lies in a file that %s includes, and is not changed: write "
				 "%s = %s there"),
			       elsewhere, path, row->name, value);
	*text = mr_config_text_set(arena, *text, row->name, value);
	return *text ? 0
		     : mr_fail(err, MR_E_CONFIG,
			       _("%s: cannot be changed as it is written: give %s the value %s by hand"),
			       path, row->name, value);
}

int mr_config_edit(struct mr_arena *arena, const struct mr_config *config, const char **out,
		   struct mr_error *err)
{
	struct mr_config was = { .root = config->root, .path = config->path }, now = was;
	const char *wanted = mr_config_format(arena, config);
	char *text;

	*out = wanted;
	if (!config->exists)
		return 0;
	if (mr_file_read(arena, config->path, MR_CONFIG_MOST_BYTES, &text, NULL, err) < 0 ||
	    mr_config_parse(arena, text, &was, err) < 0)
		return -1;
	/* Whoever wrote some settings before the first set-up is shown all there are, too. */
	if (!was.host && mr_config_text_is_bare(text))
		return 0;
	for (const struct mr_config_row *row = mr_config_rows; row->name; row++) {
		const char *value = value_text(arena, value_of(arena, row, config), row);

		if (strcmp(value, value_text(arena, value_of(arena, row, &was), row)) != 0 &&
		    set(arena, config->path, row, value, &text, err) < 0)
			return -1;
	}
	if (mr_config_parse(arena, text, &now, err) < 0)
		return mr_fail_in(err, _("after the change it would be wrong, so it is not made"));
	if (strcmp(mr_config_format(arena, &now), wanted) != 0)
		return mr_fail(err, MR_E_CONFIG,
			       _("%s: cannot be changed as it is written: change it by hand, then "
				 "run cl-rebuild"),
			       config->path);
	*out = text;
	return 0;
}

static struct mr_value *describe(struct mr_arena *arena, const struct mr_config_row *rows)
{
	struct mr_value *list = mr_value_list(arena);

	for (const struct mr_config_row *row = rows; row->name; row++) {
		struct mr_value *item = mr_value_append(arena, list, mr_value_object(arena));
		const char *preset = row->text;

		if (row->kind == MR_CONFIG_NUMBER)
			preset = mr_printf(arena, "%lld", row->number);
		else if (row->kind == MR_CONFIG_FLAG)
			preset = row->number ? "true" : "false";
		mr_value_set_string(arena, item, "name", row->name);
		mr_value_set_string(arena, item, "type", mr_config_kind_word(row->kind));
		mr_value_set_string(arena, item, "default", preset);
		mr_value_set_string(arena, item, "unit", row->unit);
		mr_value_set_string(arena, item, "help", _(row->help));
		if (row->columns)
			mr_value_set(arena, item, "columns", describe(arena, row->columns));
	}
	return list;
}

struct mr_value *mr_config_describe(struct mr_arena *arena)
{
	return describe(arena, mr_config_rows);
}
