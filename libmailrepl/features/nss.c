#include "features/nss.h"

#include <glob.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/paths.h"
#include "features/render_keep.h"

#define MOST_BYTES (256 * 1024)
#define WORD "ldap"
#define MODULE "/usr/lib/*/libnss_ldap.so.2"

static const char *const databases[] = { "passwd", "group" };
#define DATABASES (sizeof(databases) / sizeof(databases[0]))

static bool has_module(void)
{
	glob_t found;
	bool any = glob(MODULE, GLOB_NOSORT, NULL, &found) == 0;

	globfree(&found);
	return any;
}

int mr_nss_check(struct mr_error *err)
{
	bool daemon = mr_path_exists("/usr/sbin/nslcd") && getpwnam("nslcd"), module = has_module();

	if (daemon && module)
		return 0;
	return mr_fail(err, MR_E_CONFIG,
		       _("accounts can be shown to the system only where %s%s%s installed: apt "
			 "install %s%s%s"),
		       daemon ? "" : "nslcd", daemon || module ? "" : _(" and "),
		       module   ? _(" is")
		       : daemon ? _("libnss-ldapd is")
				: _("libnss-ldapd are"),
		       daemon ? "" : "nslcd", daemon || module ? "" : " ",
		       module ? "" : "libnss-ldapd");
}

bool mr_nss_is_wanted(const struct mr_topology *topology, const struct mr_host *host,
		      const struct mr_render_ids *ids)
{
	return topology->system_accounts && mr_host_is_server(host) && ids->nslcd != (uid_t)-1;
}

/* The database that a line is about; NULL: none of ours. */
static const char *database_of(const char *line)
{
	line += strspn(line, " \t");
	for (size_t i = 0; i < DATABASES; i++) {
		size_t len = strlen(databases[i]);

		if (strncmp(line, databases[i], len) == 0 &&
		    line[len + strspn(line + len, " \t")] == ':')
			return databases[i];
	}
	return NULL;
}

/* Where "ldap" stands as a word of its own before a comment; NULL: nowhere. */
static const char *find_word(const char *line)
{
	const char *end = line + strcspn(line, "#"), *at = strchr(line, ':');
	size_t len;

	for (at = at ? at + 1 : end; at < end; at += len) {
		at += strspn(at, " \t");
		len = strcspn(at, " \t#");
		if (len == 0)
			break;
		if (len == strlen(WORD) && strncmp(at, WORD, len) == 0)
			return at;
	}
	return NULL;
}

/* The line of that database in a text; NULL: it has none. */
static const char *line_of(struct mr_arena *arena, const char *text, const char *database)
{
	struct mr_list lines = mr_list_split(arena, text, '\n');

	for (size_t i = 0; i < lines.count; i++)
		if (database_of(lines.items[i]) == database)
			return lines.items[i];
	return NULL;
}

static const char *add_word(struct mr_arena *arena, const char *line)
{
	size_t end = strcspn(line, "#"), len = end;

	while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t'))
		len--;
	return mr_printf(arena, "%.*s " WORD "%s%s", (int)len, line, line[end] ? " " : "",
			 line + end);
}

static const char *drop_word(struct mr_arena *arena, const char *line)
{
	const char *at = find_word(line);
	size_t before = (size_t)(at - line);

	while (before > 0 && (line[before - 1] == ' ' || line[before - 1] == '\t'))
		before--;
	return mr_printf(arena, "%.*s%s", (int)before, line, at + strlen(WORD));
}

const char *mr_nsswitch_with(struct mr_arena *arena, const char *text)
{
	struct mr_list lines = mr_list_split(arena, text, '\n'), out = { 0 };
	MR_BUF missing = { 0 };
	bool changed = false;

	for (size_t i = 0; i < lines.count; i++) {
		const char *line = lines.items[i];
		bool lacks = database_of(line) && !find_word(line);

		mr_list_add(arena, &out, lacks ? add_word(arena, line) : line);
		changed |= lacks;
	}
	for (size_t i = 0; i < DATABASES; i++)
		if (!line_of(arena, text, databases[i]))
			mr_buf_printf(&missing, "%s: files " WORD "\n", databases[i]);
	if (!changed && missing.len == 0)
		return text;
	return mr_printf(arena, "%s%s", mr_list_join(arena, &out, "\n"), mr_buf_text(&missing));
}

const char *mr_nsswitch_without(struct mr_arena *arena, const char *text, const char *original)
{
	struct mr_list lines = mr_list_split(arena, text, '\n'), out = { 0 };

	for (size_t i = 0; i < lines.count; i++) {
		const char *line = lines.items[i], *database = database_of(line), *was;

		was = database ? line_of(arena, original, database) : NULL;
		if (database && find_word(line) && !(was && find_word(was)))
			line = drop_word(arena, line);
		mr_list_add(arena, &out, line);
	}
	return mr_list_join(arena, &out, "\n");
}

static bool is_managed(const struct mr_config *config)
{
	return config->mail_manage && !*config->root;
}

static int replace(const struct mr_config *config, const char *text, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *path = mr_path(arena, config->root, MR_PATH_NSSWITCH);
	struct mr_file_attrs attrs = MR_FILE_PUBLIC;
	struct stat st;

	if (stat(path, &st) == 0)
		attrs = (struct mr_file_attrs){ st.st_mode & 07777, st.st_uid, st.st_gid };
	return mr_file_replace(path, text, strlen(text), attrs, err);
}

static int switch_on(void *argument, struct mr_error *err)
{
	const struct mr_config *config = argument;
	MR_ARENA arena = mr_arena_open();
	const char *path = mr_path(arena, config->root, MR_PATH_NSSWITCH), *wanted;
	bool fresh;
	char *text;

	if (mr_file_read(arena, path, MOST_BYTES, &text, NULL, err) < 0)
		return -1;
	wanted = mr_nsswitch_with(arena, text);
	if (wanted == text)
		return 0;
	if (mr_kept_make(config, MR_PATH_ORIGINAL, path, &fresh, err) < 0)
		return -1;
	return replace(config, wanted, err);
}

/* In place: what an administrator has changed in the file since stays. */
static int switch_off(void *argument, struct mr_error *err)
{
	const struct mr_config *config = argument;
	MR_ARENA arena = mr_arena_open();
	const char *path = mr_path(arena, config->root, MR_PATH_NSSWITCH), *wanted;
	struct mr_kept kept = mr_kept_find(arena, config, MR_PATH_ORIGINAL, path);
	char *text, *original;

	if (mr_file_read(arena, path, MOST_BYTES, &text, NULL, err) < 0 ||
	    mr_file_read(arena, kept.copy, MOST_BYTES, &original, NULL, err) < 0)
		return -1;
	wanted = mr_nsswitch_without(arena, text, original);
	if (strcmp(wanted, text) != 0 && replace(config, wanted, err) < 0)
		return -1;
	return mr_tree_remove(kept.copy, err);
}

int mr_nss_undo_plan(struct mr_arena *arena, const struct mr_config *config, struct mr_plan *plan,
		     struct mr_error *err)
{
	const char *path = mr_path(arena, config->root, MR_PATH_NSSWITCH);

	/* The system must not ask an nslcd that has gone. */
	if (is_managed(config) && mr_kept_find(arena, config, MR_PATH_ORIGINAL, path).is_copy)
		mr_plan_action(arena, plan, switch_off, (void *)config,
			       _("take the accounts from the system's again (nsswitch.conf)"));
	return mr_render_service_undo_plan(arena, config, MR_SERVICE_NSLCD, plan, err);
}

static bool is_rendered(const struct mr_rendering *rendering)
{
	for (size_t i = 0; i < rendering->count; i++)
		if (rendering->files[i].service == MR_SERVICE_NSLCD)
			return true;
	return false;
}

static bool lacks_switch(struct mr_arena *arena, const struct mr_config *config)
{
	const char *path = mr_path(arena, config->root, MR_PATH_NSSWITCH);
	struct mr_error absent;
	char *text;

	return mr_file_read(arena, path, MOST_BYTES, &text, NULL, &absent) < 0 ||
	       mr_nsswitch_with(arena, text) != text;
}

int mr_nss_plan(struct mr_arena *arena, const struct mr_config *config,
		const struct mr_topology *topology, const struct mr_rendering *rendering,
		struct mr_plan *plan, struct mr_error *err)
{
	const struct mr_host *self = mr_topology_host(topology, config->host);

	if (!is_managed(config))
		return 0;
	if (!is_rendered(rendering)) {
		struct mr_error why = { 0 };

		if (topology->system_accounts && mr_host_is_server(self) && mr_nss_check(&why) < 0)
			mr_log(MR_LOG_WARNING, "%s", why.message);
		return mr_nss_undo_plan(arena, config, plan, err);
	}
	if (mr_render_plan(arena, config, rendering, MR_SERVICE_NSLCD, plan, err) < 0)
		return -1;
	if (lacks_switch(arena, config))
		mr_plan_action(arena, plan, switch_on, (void *)config,
			       _("let the system ask for the accounts, too (nsswitch.conf)"));
	return 0;
}
