#include "features/render_manifest.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/paths.h"

#define MANIFEST_MOST (256 * 1024)
#define COLUMNS 7

static int parse_owner(struct mr_arena *arena, const char *word, struct mr_manifest_row *row,
		       struct mr_error *err)
{
	struct mr_list parts = mr_list_split(arena, word, ':');

	if (parts.count != 2 || !*parts.items[0] || !*parts.items[1])
		return mr_fail(err, MR_E_CONFIG, _("the owner \"%s\" is not user:group"), word);
	row->user = parts.items[0];
	row->group = parts.items[1];
	return 0;
}

static int parse_mode(const char *word, struct mr_manifest_row *row, struct mr_error *err)
{
	char *end;
	unsigned long mode = strtoul(word, &end, 8);

	if (*end || end == word || mode > 0777)
		return mr_fail(err, MR_E_CONFIG, _("the mode \"%s\" is not octal"), word);
	row->mode = (mode_t)mode;
	return 0;
}

static int parse_service(const char *word, struct mr_manifest_row *row, struct mr_error *err)
{
	static const enum mr_service_name names[] = { MR_SERVICE_SLAPD, MR_SERVICE_POSTFIX,
						      MR_SERVICE_EXIM, MR_SERVICE_DOVECOT,
						      MR_SERVICE_NSLCD };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(mr_service_word(names[i]), word) == 0) {
			row->service = names[i];
			return 0;
		}
	}
	return mr_fail(err, MR_E_CONFIG, _("unknown service \"%s\" (slapd, postfix, exim, dovecot or nslcd)"), word);
}

static int parse_where(const char *word, struct mr_manifest_row *row, struct mr_error *err)
{
	static const char *const words[] = {
		[MR_WHERE_ALL] = "all", [MR_WHERE_SERVER] = "server", [MR_WHERE_RELAY] = "relay",
		[MR_WHERE_NSS] = "nss"
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i], word) == 0) {
			row->where = (enum mr_manifest_where)i;
			return 0;
		}
	}
	return mr_fail(err, MR_E_CONFIG, _("unknown place \"%s\" (all, server, relay or nss)"), word);
}

static int parse_row(struct mr_arena *arena, const struct mr_list *columns,
		     struct mr_manifest_row *row, struct mr_error *err)
{
	if (columns->count != COLUMNS)
		return mr_fail(err, MR_E_CONFIG, _("%zu columns instead of %d"), columns->count,
			       COLUMNS);
	row->source = columns->items[0];
	row->destination = columns->items[1];
	if (*row->source == '/' || strstr(row->source, ".."))
		return mr_fail(err, MR_E_CONFIG,
			       _("the source \"%s\" is not below the folder of templates"),
			       row->source);
	if (*row->destination != '/' || strstr(row->destination, ".."))
		return mr_fail(err, MR_E_CONFIG,
			       _("the destination \"%s\" is not an absolute path"),
			       row->destination);
	if (parse_owner(arena, columns->items[2], row, err) < 0 ||
	    parse_mode(columns->items[3], row, err) < 0 ||
	    mr_escaping_parse(columns->items[4], &row->escaping, err) < 0 ||
	    parse_service(columns->items[5], row, err) < 0)
		return -1;
	return parse_where(columns->items[6], row, err);
}

/* The words of a line, up to a '#'. */
static struct mr_list columns_of(struct mr_arena *arena, const char *line)
{
	struct mr_list columns = { 0 };

	for (line += strspn(line, " \t"); *line && *line != '#'; line += strspn(line, " \t")) {
		size_t len = strcspn(line, " \t");

		mr_list_add(arena, &columns, mr_strndup(arena, line, len));
		line += len;
	}
	return columns;
}

int mr_manifest_read(struct mr_arena *arena, const struct mr_config *config,
		     struct mr_manifest *out, struct mr_error *err)
{
	const char *file = mr_printf(arena, "%s%s/MANIFEST", config->root, MR_PATH_OVERRIDES);
	struct mr_list lines;
	char *text;

	if (!mr_path_exists(file))
		file = mr_printf(arena, "%s/templates/MANIFEST", mr_data_folder());
	if (mr_file_read(arena, file, MANIFEST_MOST, &text, NULL, err) < 0)
		return -1;
	lines = mr_list_split(arena, text, '\n');
	out->rows = MR_NEW_ARRAY(arena, struct mr_manifest_row, lines.count);
	for (size_t i = 0; i < lines.count; i++) {
		struct mr_list columns = columns_of(arena, lines.items[i]);

		if (columns.count == 0)
			continue;
		if (parse_row(arena, &columns, &out->rows[out->count], err) < 0)
			return mr_fail_in(err, "%s:%zu", file, i + 1);
		out->count++;
	}
	return 0;
}

bool mr_manifest_applies(const struct mr_manifest_row *row, bool server, bool nss)
{
	if (row->where == MR_WHERE_NSS)
		return nss;
	return row->where == MR_WHERE_ALL || (row->where == MR_WHERE_SERVER) == server;
}
