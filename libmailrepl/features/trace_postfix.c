#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/paths.h"
#include "base/process.h"
#include "features/trace.h"

#define MOST_TABLES 16
#define TIMEOUT_MS 10000

struct table {
	const char *name;
	struct mr_child *child;
	int fd;
	struct mr_buf output;
	bool failed;
	const char *why;
};

static const char *config_folder(struct mr_arena *arena, const struct mr_config *config)
{
	return mr_path(arena, config->root, MR_PATH_POSTFIX);
}

/* Cuts the next table off a list: blanks and commas divide, but not between braces. NULL: no more.
 */
static char *next_table(char **rest)
{
	char *begin = *rest + strspn(*rest, " ,\t\n"), *end = begin;
	int depth = 0;

	for (; *end && (depth > 0 || !strchr(" ,\t\n", *end)); end++)
		depth += (*end == '{') - (*end == '}');
	*rest = end;
	if (end == begin)
		return NULL;
	if (*end) {
		*end = '\0';
		*rest = end + 1;
	}
	return begin;
}

/* proxymap asks the same; without it Postfix need not run. */
static const char *without_proxy(struct mr_arena *arena, const char *table)
{
	MR_BUF text = { 0 };
	const char *at;

	for (; (at = strstr(table, "proxy:")); table = at + strlen("proxy:"))
		mr_buf_add(&text, table, (size_t)(at - table));
	mr_buf_puts(&text, table);
	return mr_strdup(arena, mr_buf_text(&text));
}

/* The tables of virtual_alias_maps as Postfix itself reads them, so that an override counts. */
static int list_tables(struct mr_arena *arena, const struct mr_config *config, struct table *tables,
		       size_t *count, struct mr_error *err)
{
	const char *const argv[] = {
		"postconf", "-c", config_folder(arena, config), "-xh", "virtual_alias_maps", NULL
	};
	const struct mr_process process = { .argv = argv, .timeout_ms = TIMEOUT_MS };
	struct mr_process_result result = { 0 };
	char *rest, *table;

	if (mr_process_run(&process, &result, err) < 0 || result.status != 0) {
		mr_buf_close(&result.output);
		return mr_fail(err, MR_E_SYSTEM, _("postconf has failed"));
	}
	rest = mr_strdup(arena, mr_buf_text(&result.output));
	mr_buf_close(&result.output);
	*count = 0;
	while (*count < MOST_TABLES && (table = next_table(&rest)))
		tables[(*count)++] = (struct table){ .name = without_proxy(arena, table) };
	return 0;
}

static int open_keys(const struct mr_list *forms, struct mr_error *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return mr_fail_errno(err, "pipe");
	for (size_t i = 0; i < forms->count; i++)
		(void)!dprintf(ends[1], "%s\n", forms->items[i]);
	close(ends[1]);
	return ends[0];
}

static void start(struct mr_arena *arena, const struct mr_config *config,
		  const struct mr_list *forms, struct table *table)
{
	const char *const argv[] = { "postmap",   "-c", config_folder(arena, config), "-q", "-",
				     table->name, NULL };
	const char *const env[] = {
		mr_printf(arena, "LDAPCONF=%s/mailrepl/ldap.conf", config_folder(arena, config)),
		NULL,
	};
	struct mr_process process = { .argv = argv, .env = env, .timeout_ms = TIMEOUT_MS };
	struct mr_error err;

	process.in_fd = open_keys(forms, &err);
	if (process.in_fd < 0 ||
	    mr_process_read_from(&process, &table->child, &table->fd, &err) < 0) {
		table->failed = true;
		table->why = mr_strdup(arena, err.message);
	}
	if (process.in_fd >= 0)
		close(process.in_fd);
}

/* postmap ends with 1 both when nothing was found and when the table could not be asked; only then
 * it has something to say. */
static void finish(struct mr_arena *arena, struct table *table)
{
	struct mr_error err = { 0 };
	char chunk[4096];
	ssize_t n;

	if (!table->child)
		return;
	while ((n = read(table->fd, chunk, sizeof(chunk))) > 0)
		mr_buf_add(&table->output, chunk, (size_t)n);
	if (mr_process_end(table->child, &err) < 0 && strstr(err.message, "postmap: fatal")) {
		table->failed = true;
		table->why = mr_strdup(arena, err.message);
	}
}

/* The value of a key in "key<TAB>value" lines; NULL: it is not there. */
static const char *value_of(struct mr_arena *arena, const struct mr_buf *output, const char *key)
{
	char *text = mr_strdup(arena, mr_buf_text(output)), *line, *rest;
	size_t len = strlen(key);

	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (strncasecmp(line, key, len) == 0 && line[len] == '\t')
			return line + len + 1;
	return NULL;
}

/* As cleanup does it: each form in all tables, then the next form. */
static void judge(struct mr_arena *arena, const struct mr_trace *own, const struct table *tables,
		  size_t count, struct mr_trace_mta *out)
{
	for (size_t f = 0; f < own->forms.count; f++)
		for (size_t t = 0; t < count; t++) {
			const char *value = value_of(arena, &tables[t].output, own->forms.items[f]);

			if (tables[t].failed) {
				out->answer = mr_printf(arena, _("%s cannot be asked: %s"),
							tables[t].name, tables[t].why);
				out->agrees = own->ambiguous;
				return;
			}
			if (!value)
				continue;
			out->answer = mr_lower(arena, value);
			out->agrees = own->mapped && strcmp(own->mapped, out->answer) == 0;
			return;
		}
	out->answer = _("not found");
	out->agrees = !own->mapped && !own->ambiguous;
}

void mr_trace_postfix(struct mr_arena *arena, const struct mr_config *config,
		      const struct mr_trace *own, struct mr_trace_mta *out)
{
	struct table tables[MOST_TABLES];
	struct mr_error err;
	size_t count = 0;

	*out = (struct mr_trace_mta){ .asked = false };
	if (list_tables(arena, config, tables, &count, &err) < 0) {
		out->answer = mr_strdup(arena, err.message);
		return;
	}
	out->asked = true;
	for (size_t t = 0; t < count; t++)
		start(arena, config, &own->forms, &tables[t]);
	for (size_t t = 0; t < count; t++)
		finish(arena, &tables[t]);
	judge(arena, own, tables, count, out);
	for (size_t t = 0; t < count; t++)
		mr_buf_close(&tables[t].output);
}
