#include "features/render_probe.h"

#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "adapters/service.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/process.h"
#include "features/instance.h"
#include "features/render_known.h"

#define TEXT_MOST ((size_t)64 << 20)
#define TIMEOUT_MS 30000
/* Whoever is known may be deleted before the table is asked. */
#define TRIES 3
/* A table may be somebody's list of a million addresses. */
#define KEYS_MOST 1000

static const char nobody[] = "no-such-user.mailrepl-probe";

struct probe {
	struct mr_arena *arena;
	const struct mr_config *config;
	const char *staging;
	const char *parameters; /* main.cf, expanded */
	struct mr_list alias_domains, relay_domains;
	struct mr_directory *dir; /* NULL: it does not answer */
};

/* A table, and what it was asked. */
struct table {
	const char *path;  /* staged */
	const char *shown; /* where it is going to lie */
	const char *type;
	struct mr_list keys;
	char *answers; /* lines "key<TAB>value" of what was found */
};

static int read_parameters(struct probe *p, struct mr_error *err)
{
	const char *const argv[] = { "postconf", "-c", p->staging, "-x", "-n", NULL };
	const char *path = mr_printf(p->arena, "%s/.parameters", p->staging);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	const struct mr_process process = { .argv = argv, .out_fd = fd, .timeout_ms = TIMEOUT_MS };
	char *text;
	int rc;

	if (fd < 0)
		return mr_fail_errno(err, "%s", path);
	rc = mr_process_check(&process, err);
	close(fd);
	if (rc < 0 || mr_file_read(p->arena, path, TEXT_MOST, &text, NULL, err) < 0)
		return -1;
	p->parameters = mr_printf(p->arena, "\n%s", text);
	return 0;
}

/* The value of a parameter that main.cf has, in one line; "": it has not. */
static const char *parameter(const struct probe *p, const char *name)
{
	const char *at = strstr(p->parameters, mr_printf(p->arena, "\n%s = ", name));

	if (!at)
		return "";
	at += strlen(name) + strlen("\n = ");
	return mr_strndup(p->arena, at, strcspn(at, "\n"));
}

/* Names in a list of domains; tables in there are none. */
static struct mr_list domains_of(const struct probe *p, const char *name)
{
	struct mr_list out = { 0 };
	const char *at = parameter(p, name);

	for (at += strspn(at, " ,\t"); *at; at += strspn(at, " ,\t")) {
		size_t len = strcspn(at, " ,\t");

		if (!memchr(at, ':', len) && !memchr(at, '/', len))
			mr_list_add(p->arena, &out, mr_strndup(p->arena, at, len));
		at += len;
	}
	return out;
}

/* Staged tables of a type that a text names. */
static struct mr_list tables_in(const struct probe *p, const char *text, const char *type)
{
	const char *word = mr_printf(p->arena, "%s:%s/", type, p->staging), *at = text;
	struct mr_list out = { 0 };

	for (; (at = strstr(at, word)); at++) {
		const char *path = at + strlen(type) + 1;

		/* Not the end of another word. */
		if (at > text && !strchr(" ,:{\t\n", at[-1]))
			continue;
		path = mr_strndup(p->arena, path, strcspn(path, " ,}\t\n"));
		if (!mr_list_has(&out, path))
			mr_list_add(p->arena, &out, path);
	}
	return out;
}

static struct table table_at(const struct probe *p, const char *path, const char *type)
{
	return (struct table){ .path = path,
			       .type = type,
			       .shown = mr_printf(p->arena, "%s%s%s", p->config->root,
						  MR_PATH_POSTFIX, path + strlen(p->staging)) };
}

/* Each key once: its answer is then at its place. postmap ends with 1 both when nothing is found and when it cannot ask; only
 * then it says why. */
static int ask(const struct probe *p, struct table *table, struct mr_error *err)
{
	const char *lines = mr_printf(p->arena, "%s\n", mr_list_join(p->arena, &table->keys, "\n"));
	const char *const argv[] = {
		"postmap", "-c", p->staging,
		"-q",      "-",  mr_printf(p->arena, "%s:%s", table->type, table->path),
		NULL
	};
	const char *const env[] = {
		mr_printf(p->arena, "LDAPCONF=%s/mailrepl/ldap.conf", p->staging), NULL
	};
	const struct mr_process process = { .argv = argv, .env = env, .timeout_ms = TIMEOUT_MS };
	struct mr_process_result result = { 0 };
	const char *fatal;
	int rc = mr_process_talk(p->arena, &process, lines, TEXT_MOST, &table->answers, &result,
				 err);

	if (rc == 0 && result.status > 128)
		rc = mr_fail(err, MR_E_TEMPORARY, _("%s: postmap was ended by signal %d"),
			     table->shown, result.status - 128);
	else if (rc == 0 &&
		 (result.status > 1 || strstr(mr_buf_text(&result.output), ": fatal: "))) {
		struct mr_list said = mr_list_split(p->arena, mr_buf_text(&result.output), '\n');

		/* What was wrong comes first. */
		fatal = said.items[0];
		rc = mr_fail(err, MR_E_CONFIG, _("%s cannot be asked: %s"), table->shown,
			     *fatal ? fatal : "postmap");
	}
	mr_buf_close(&result.output);
	return rc;
}

/* NULL: it was not found. *at goes on from answer to answer, since these come in the order of the
 * keys. */
static const char *next_answer(const struct probe *p, const char *key, const char **at)
{
	size_t len = strlen(key);
	const char *value = *at + len + 1;

	if (strncmp(*at, key, len) != 0 || (*at)[len] != '\t')
		return NULL;
	*at = value + strcspn(value, "\n");
	*at += **at == '\n';
	return mr_strndup(p->arena, value, strcspn(value, "\n"));
}

/* --- texthash: what stands in the file */

static bool has_key(const struct mr_list *keys, const char *key)
{
	for (size_t i = 0; i < keys->count; i++)
		if (strcasecmp(keys->items[i], key) == 0)
			return true;
	return false;
}

/* Of a key that stands there twice the first counts. A line that goes on is not compared:
 * its value is NULL. */
static void read_table(const struct probe *p, const char *text, struct mr_list *keys,
		       const char ***values)
{
	struct mr_list lines = mr_list_split(p->arena, text, '\n');

	*values = MR_NEW_ARRAY(p->arena, const char *, lines.count + 1);
	for (size_t i = 0; i < lines.count && keys->count < KEYS_MOST; i++) {
		const char *line = lines.items[i], *value, *key;
		size_t len = strcspn(line, " \t");

		key = mr_strndup(p->arena, line, len);
		if (!len || *line == '#' || has_key(keys, key))
			continue;
		value = line + len + strspn(line + len, " \t");
		for (len = strlen(value); len > 0 && strchr(" \t\r", value[len - 1]); len--)
			;
		(*values)[keys->count] = mr_strndup(p->arena, value, len);
		if (i + 1 < lines.count && *lines.items[i + 1] &&
		    strchr(" \t", *lines.items[i + 1]))
			(*values)[keys->count] = NULL;
		mr_list_add(p->arena, keys, key);
	}
}

static int probe_static(const struct probe *p, const char *path, struct mr_error *err)
{
	struct table table = table_at(p, path, "texthash");
	const char **values, *at, *answer;
	char *text;

	if (mr_file_read(p->arena, path, TEXT_MOST, &text, NULL, err) < 0)
		return -1;
	read_table(p, text, &table.keys, &values);
	mr_list_add(p->arena, &table.keys, nobody);
	if (ask(p, &table, err) < 0)
		return -1;
	at = table.answers;
	for (size_t i = 0; i + 1 < table.keys.count; i++) {
		answer = next_answer(p, table.keys.items[i], &at);
		if (!answer)
			return mr_fail(err, MR_E_CONFIG,
				       _("%s: Postfix does not find \"%s\", which stands in it"),
				       table.shown, table.keys.items[i]);
		/* It may be a secret. */
		if (values[i] && strcmp(values[i], answer) != 0)
			return mr_fail(err, MR_E_CONFIG,
				       _("%s: Postfix reads another value of \"%s\" than stands in "
					 "it"),
				       table.shown, table.keys.items[i]);
	}
	if (*at)
		return mr_fail(err, MR_E_CONFIG, _("%s: Postfix finds \"%s\", who is nobody"),
			       table.shown, nobody);
	return 0;
}

static int probe_postmaster(const struct probe *p, const char *address, struct mr_error *err)
{
	struct mr_list paths = tables_in(p, parameter(p, "virtual_alias_maps"), "texthash");

	for (size_t i = 0; i < paths.count; i++) {
		struct table table = table_at(p, paths.items[i], "texthash");

		mr_list_add(p->arena, &table.keys, address);
		if (ask(p, &table, err) < 0)
			return -1;
		if (*table.answers)
			return 0;
	}
	return mr_fail(
		err, MR_E_CONFIG,
		_("%s is in no static table of virtual_alias_maps, but must be reached without "
		  "the directory, too (RFC 5321 section 4.5.1)"),
		address);
}

/* --- LDAP: what the directory has */

/* Without the local part in it a filter finds the same for everybody. */
static bool tells_apart(const char *text)
{
	const char *at = strstr(text, "\nquery_filter");
	const char *line = at ? at + 1 : "";
	size_t len = strcspn(line, "\n");

	return !at || memmem(line, len, "%s", 2) || memmem(line, len, "%u", 2);
}

/* One for which the table asks the directory at all. */
static const char *nobodys_address(const struct probe *p, const char *text)
{
	const char *at = strstr(text, "\ndomain");

	if (at)
		at += strlen("\ndomain") + strspn(at + strlen("\ndomain"), " \t=");
	if (!at || !*at || *at == '\n')
		at = p->config->host;
	return mr_printf(p->arena, "%s@%.*s", nobody, (int)strcspn(at, " ,\t\n"), at);
}

static int judge(const struct probe *p, const struct table *table, const struct mr_known *known,
		 bool apart, struct mr_error *err)
{
	const char *at = table->answers, *answer;

	if (known->key) {
		answer = next_answer(p, known->key, &at);
		if (!answer)
			return mr_fail(err, MR_E_CONFIG,
				       _("%s does not find %s, whom the directory has"),
				       table->shown, known->key);
		if (known->value && strcasecmp(known->value, answer) != 0)
			return mr_fail(err, MR_E_CONFIG, _("%s says \"%s\" for %s, not %s"),
				       table->shown, answer, known->key, known->value);
	}
	if (apart && *at)
		return mr_fail(err, MR_E_CONFIG, _("%s finds %s, who is nobody"), table->shown,
			       table->keys.items[table->keys.count - 1]);
	return 0;
}

static int probe_directory_once(const struct probe *p, const char *path, struct mr_error *err)
{
	struct table table = table_at(p, path, "ldap");
	struct mr_known known;
	char *text;

	if (mr_file_read(p->arena, path, TEXT_MOST, &text, NULL, err) < 0 ||
	    mr_render_known(p->arena, p->config, p->dir, strrchr(path, '/') + 1, &p->alias_domains,
			    &p->relay_domains, &known, err) < 0)
		return -1;
	text = mr_printf(p->arena, "\n%s", text);
	if (known.key)
		mr_list_add(p->arena, &table.keys, known.key);
	mr_list_add(p->arena, &table.keys, nobodys_address(p, text));
	return ask(p, &table, err) < 0 ? -1 : judge(p, &table, &known, tells_apart(text), err);
}

static bool answers(struct probe *p)
{
	struct mr_error ignored;

	mr_directory_close(p->dir);
	p->dir = NULL;
	return mr_service_running(MR_SERVICE_SLAPD, p->config->root) &&
	       mr_instance_open(p->arena, p->config, &p->dir, &ignored) == 0;
}

static int probe_directory(struct probe *p, const char *path, struct mr_error *err)
{
	for (int i = 0; i < TRIES; i++) {
		if (!answers(p)) {
			mr_log(MR_LOG_WARNING,
			       _("%s and what comes after it is not tried out: the directory does "
				 "not answer"),
			       path + strlen(p->staging) + 1);
			return 0;
		}
		if (probe_directory_once(p, path, err) == 0)
			return 0;
	}
	return -1;
}

static int probe_all(struct probe *p, struct mr_error *err)
{
	struct mr_list paths;

	if (read_parameters(p, err) < 0)
		return -1;
	p->alias_domains = domains_of(p, "virtual_alias_domains");
	p->relay_domains = domains_of(p, "relay_domains");
	paths = tables_in(p, p->parameters, "texthash");
	for (size_t i = 0; i < paths.count; i++)
		if (probe_static(p, paths.items[i], err) < 0)
			return -1;
	for (size_t i = 0; i < p->alias_domains.count; i++)
		if (probe_postmaster(
			    p, mr_printf(p->arena, "postmaster@%s", p->alias_domains.items[i]),
			    err) < 0)
			return -1;
	if (!answers(p))
		return 0;
	paths = tables_in(p, p->parameters, "ldap");
	for (size_t i = 0; i < paths.count && p->dir; i++)
		if (probe_directory(p, paths.items[i], err) < 0)
			return -1;
	return 0;
}

int mr_render_probe(const struct mr_config *config, const char *staging, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	struct probe p = { .arena = arena, .config = config, .staging = staging };
	int result = probe_all(&p, err);

	mr_directory_close(p.dir);
	return result;
}
