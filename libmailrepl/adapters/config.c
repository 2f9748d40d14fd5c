#include "adapters/config.h"

#include <ctype.h>
#include <libconfig.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/config_rows.h"
#include "adapters/config_text.h"
#include "base/file.h"
#include "base/paths.h"

struct loading {
	struct mr_arena *arena;
	struct mr_config *config;
	struct mr_value *others; /* settings without a field */
	struct mr_error *err;
};

static int fail_at(struct loading *load, config_setting_t *setting, const char *name,
		   const char *fault)
{
	const char *file = config_setting_source_file(setting);

	return mr_fail(load->err, MR_E_CONFIG, "%s:%u: %s: %s", file ? file : load->config->path,
		       config_setting_source_line(setting), name, fault);
}

/* Of what one setting in the file says: the value, or NULL and the error. `name` is for messages. */
static struct mr_value *read_value(struct loading *load, config_setting_t *setting,
				   const struct mr_config_row *row, enum mr_config_kind kind,
				   const char *name);

static struct mr_value *wrong(struct loading *load, config_setting_t *setting, const char *name,
			      const char *fault)
{
	fail_at(load, setting, name, fault);
	return NULL;
}

static struct mr_value *read_number(struct loading *load, config_setting_t *setting,
				    const struct mr_config_row *row, const char *name)
{
	int type = config_setting_type(setting);
	long long number;

	if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64)
		return wrong(load, setting, name, _("must be a whole number"));
	number = type == CONFIG_TYPE_INT ? config_setting_get_int(setting)
					 : config_setting_get_int64(setting);
	if (number < row->least || number > row->most)
		return wrong(load, setting, name,
			     mr_printf(load->arena, _("must be from %lld to %lld"), row->least,
				       row->most));
	return mr_value_int(load->arena, number);
}

/* mr_config_fault; of a word those that it may be. */
static const char *text_fault(struct mr_arena *arena, const struct mr_config_row *row,
			      enum mr_config_kind kind, const char *text)
{
	const char *fault = mr_config_fault(row, kind, text);

	return fault && kind == MR_CONFIG_CHOICE
		       ? mr_printf(arena, _("must be one of these words: %s"), row->unit)
		       : fault;
}

/* An empty text takes a setting back that is empty by default. */
static struct mr_value *read_text_value(struct loading *load, config_setting_t *setting,
					const struct mr_config_row *row, enum mr_config_kind kind,
					const char *name)
{
	const char *text, *fault;

	if (config_setting_type(setting) != CONFIG_TYPE_STRING)
		return wrong(load, setting, name, _("must be a text in double quotes"));
	text = config_setting_get_string(setting);
	if (!*text && row->kind == kind && row->text && !*row->text)
		return mr_value_string(load->arena, "");
	fault = text_fault(load->arena, row, kind, text);
	return fault ? wrong(load, setting, name, fault) : mr_value_string(load->arena, text);
}

static struct mr_value *read_list(struct loading *load, config_setting_t *setting,
				  const struct mr_config_row *row, const char *name)
{
	struct mr_value *list = mr_value_list(load->arena);

	if (!config_setting_is_array(setting) && !config_setting_is_list(setting))
		return wrong(load, setting, name, _("must be a list of texts: [ \"...\", ... ]"));
	for (unsigned i = 0; i < (unsigned)config_setting_length(setting); i++) {
		struct mr_value *item = read_value(load, config_setting_get_elem(setting, i), row,
						   row->element, name);

		if (!item)
			return NULL;
		mr_value_append(load->arena, list, item);
	}
	return list;
}

static const struct mr_config_row *find_column(const struct mr_config_row *row, const char *name)
{
	for (const struct mr_config_row *column = row->columns; column->name; column++)
		if (strcmp(column->name, name) == 0)
			return column;
	return NULL;
}

/* All columns, those at their default too. */
static struct mr_value *read_line(struct loading *load, config_setting_t *group,
				  const struct mr_config_row *row)
{
	struct mr_value *line = mr_value_object(load->arena);

	if (!config_setting_is_group(group))
		return wrong(load, group, row->name,
			     _("must be a list of groups: ( { ... }, ... )"));
	for (unsigned i = 0; i < (unsigned)config_setting_length(group); i++) {
		config_setting_t *setting = config_setting_get_elem(group, i);
		const char *key = config_setting_name(setting);

		if (!find_column(row, key))
			return wrong(load, setting, mr_printf(load->arena, "%s.%s", row->name, key),
				     _("there is no such setting (mailrepl.conf(5) lists them)"));
	}
	for (const struct mr_config_row *column = row->columns; column->name; column++) {
		config_setting_t *setting = config_setting_get_member(group, column->name);
		const char *name = mr_printf(load->arena, "%s.%s", row->name, column->name);
		struct mr_value *value;

		if (!setting && column->needed)
			return wrong(load, group, name, _("must be given"));
		value = setting ? read_value(load, setting, column, column->kind, name)
				: mr_config_default(load->arena, column);
		if (!value)
			return NULL;
		mr_value_set(load->arena, line, column->name, value);
	}
	return line;
}

static struct mr_value *read_table(struct loading *load, config_setting_t *setting,
				   const struct mr_config_row *row)
{
	struct mr_value *table = mr_value_list(load->arena);

	if (!config_setting_is_list(setting))
		return wrong(load, setting, row->name,
			     _("must be a list of groups: ( { ... }, ... )"));
	for (unsigned i = 0; i < (unsigned)config_setting_length(setting); i++) {
		struct mr_value *line = read_line(load, config_setting_get_elem(setting, i), row);

		if (!line)
			return NULL;
		mr_value_append(load->arena, table, line);
	}
	return table;
}

static struct mr_value *read_value(struct loading *load, config_setting_t *setting,
				   const struct mr_config_row *row, enum mr_config_kind kind,
				   const char *name)
{
	switch (kind) {
	case MR_CONFIG_NUMBER:
		return read_number(load, setting, row, name);
	case MR_CONFIG_FLAG:
		if (config_setting_type(setting) != CONFIG_TYPE_BOOL)
			return wrong(load, setting, name, _("must be true or false"));
		return mr_value_bool(load->arena, config_setting_get_bool(setting) == CONFIG_TRUE);
	case MR_CONFIG_LIST:
		return read_list(load, setting, row, name);
	case MR_CONFIG_TABLE:
		return read_table(load, setting, row);
	default:
		return read_text_value(load, setting, row, kind, name);
	}
}

static void set_field(const struct mr_config_row *row, struct mr_config *config,
		      const struct mr_value *value)
{
	void *field = (char *)config + row->field;

	if (row->kind == MR_CONFIG_NUMBER)
		*(long long *)field = value->integer;
	else if (row->kind == MR_CONFIG_FLAG)
		*(bool *)field = value->boolean;
	else
		*(const char **)field = value->string;
}

static int set_value(struct loading *load, config_setting_t *setting,
		     const struct mr_config_row *row)
{
	struct mr_value *value = read_value(load, setting, row, row->kind, row->name);

	if (!value)
		return -1;
	if (row->field == MR_CONFIG_NO_FIELD)
		mr_value_set(load->arena, load->others, row->name, value);
	else
		set_field(row, load->config, value);
	return 0;
}

/* The same value again is no change: what was said in the file stays as it was said. */
int mr_config_set_text(struct mr_arena *arena, struct mr_config *config, const char *name,
		       const char *value, bool *changed, struct mr_error *err)
{
	struct mr_value *others = mr_value_object(arena);
	const struct mr_value *old = config->others;
	const struct mr_config_row *row = mr_config_rows;
	const char *fault, *was, *preset;

	while (row->name && strcmp(row->name, name) != 0)
		row++;
	fault = !row->name || row->field != MR_CONFIG_NO_FIELD ? _("there is no such setting")
		: *value ? text_fault(arena, row, row->kind, value)
			 : NULL;
	if (fault)
		return mr_fail(err, MR_E_INVALID, "%s: %s", name, fault);
	preset = row->text ? row->text : "";
	was = old ? mr_value_get_string(old, name, preset) : preset;
	if (!*value)
		value = preset;
	*changed |= strcmp(was, value) != 0;
	for (size_t i = 0; old && i < old->count; i++)
		if (strcmp(old->keys[i], name) != 0)
			mr_value_set(arena, others, old->keys[i], old->items[i]);
	mr_value_set_string(arena, others, name, value);
	config->others = others;
	return 0;
}

/* The row of that name; *group tells whether rows lie below it instead. */
static const struct mr_config_row *find_row(const char *name, bool *group)
{
	size_t len = strlen(name);

	*group = false;
	for (const struct mr_config_row *row = mr_config_rows; row->name; row++) {
		if (strcmp(row->name, name) == 0)
			return row;
		if (strncmp(row->name, name, len) == 0 && row->name[len] == '.')
			*group = true;
	}
	return NULL;
}

static int read_group(struct loading *load, config_setting_t *group, const char *prefix)
{
	for (unsigned i = 0; i < (unsigned)config_setting_length(group); i++) {
		config_setting_t *setting = config_setting_get_elem(group, i);
		const char *name =
			mr_printf(load->arena, "%s%s", prefix, config_setting_name(setting));
		bool is_group;
		const struct mr_config_row *row = find_row(name, &is_group);
		int rc;

		if (row)
			rc = set_value(load, setting, row);
		else if (!is_group)
			rc = fail_at(load, setting, name,
				     _("there is no such setting (mailrepl.conf(5) lists them)"));
		else if (!config_setting_is_group(setting))
			rc = fail_at(load, setting, name, _("must be a group: { ... }"));
		else
			rc = read_group(load, setting, mr_printf(load->arena, "%s.", name));
		if (rc < 0)
			return -1;
	}
	return 0;
}

/* libconfig 1.5 cuts a number to 32 bits without a word: 4294967297 would be 1. */
static int check_numbers(struct loading *load, const char *text)
{
	unsigned line = 1;

	for (const char *next; *text; text = next) {
		next = mr_config_text_skip(text);
		if (isdigit((unsigned char)*text)) {
			char *end;
			bool hex = *text == '0' && (text[1] == 'x' || text[1] == 'X');
			unsigned long long number = strtoull(text, &end, hex ? 16 : 10);

			if (number > INT32_MAX)
				return mr_fail(load->err, MR_E_CONFIG,
					       _("%s:%u: the number %.*s is too large"),
					       load->config->path, line, (int)(end - text), text);
			next = end;
		}
		for (const char *c = text; c < next; c++)
			line += *c == '\n';
	}
	return 0;
}

static int read_text(struct loading *load, const char *text)
{
	config_t file;
	int rc;

	if (check_numbers(load, text) < 0)
		return -1;
	config_init(&file);
	if (config_read_string(&file, text) == CONFIG_TRUE) {
		rc = read_group(load, config_root_setting(&file), "");
	} else {
		const char *name = config_error_file(&file);

		rc = mr_fail(load->err, MR_E_CONFIG, "%s:%d: %s", name ? name : load->config->path,
			     config_error_line(&file), config_error_text(&file));
	}
	config_destroy(&file);
	return rc;
}

/* Absolute, because slapd changes its folder when it goes into the background. */
static const char *absolute_root(struct mr_arena *arena, const char *root)
{
	char here[4096];
	size_t len = strlen(root);

	if (len > 0 && *root != '/' && getcwd(here, sizeof(here))) {
		root = mr_printf(arena, "%s/%s", here, root);
		len = strlen(root);
	}
	while (len > 0 && root[len - 1] == '/')
		len--;
	return mr_strndup(arena, root, len);
}

int mr_config_parse(struct mr_arena *arena, const char *text, struct mr_config *out,
		    struct mr_error *err)
{
	struct loading load = { arena, out, mr_value_object(arena), err };

	mr_config_set_defaults(out);
	out->others = load.others;
	out->exists = true;
	if (read_text(&load, text) < 0)
		return -1;
	if (out->mail_manage && *out->root)
		return mr_fail(err, MR_E_CONFIG,
			       _("%s: mail.manage: must be false under --root, because Postfix and "
				 "Dovecot belong to the whole machine"),
			       out->path);
	return 0;
}

int mr_config_load(struct mr_arena *arena, const char *root, const char *path,
		   struct mr_config *out, struct mr_error *err)
{
	char *text;
	size_t len;

	*out = (struct mr_config){ .root = absolute_root(arena, root ? root : "") };
	out->path = path ? mr_strdup(arena, path) : mr_path(arena, out->root, MR_PATH_CONFIG);
	mr_config_set_defaults(out);
	out->others = mr_value_object(arena);
	if (mr_file_read(arena, out->path, MR_CONFIG_MOST_BYTES, &text, &len, err) < 0)
		return err->code == MR_E_NOT_FOUND && !path ? 0 : -1;
	if (strlen(text) != len)
		return mr_fail(err, MR_E_CONFIG, _("%s: contains a NUL byte"), out->path);
	return mr_config_parse(arena, text, out, err);
}

const char *mr_config_elsewhere(struct mr_arena *arena, const char *text, const char *name)
{
	const char *dot = strchr(name, '.'), *source, *out = NULL;
	const config_setting_t *setting;
	config_t file;

	config_init(&file);
	if (config_read_string(&file, text) == CONFIG_TRUE) {
		setting = config_lookup(&file, name);
		if (!setting && dot)
			setting =
				config_lookup(&file, mr_strndup(arena, name, (size_t)(dot - name)));
		source = setting ? config_setting_source_file(setting) : NULL;
		if (source)
			out = mr_printf(arena, "%s:%u", source,
					config_setting_source_line(setting));
	}
	config_destroy(&file);
	return out;
}
