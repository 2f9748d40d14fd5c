#include "adapters/config.h"

#include <ctype.h>
#include <libconfig.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/age.h"
#include "base/file.h"
#include "base/paths.h"

#define MOST_BYTES ((size_t)64 * 1024)

enum kind { NUMBER, FLAG, HOST, FOLDER, ADDRESS, CHOICE, KEEP, KEYS };

struct row {
	const char *name;
	enum kind kind;
	size_t field;
	long long least, most;
	long long number; /* default of NUMBER and FLAG */
	const char *text; /* default of the others, or NULL */
	const char *unit; /* of CHOICE: the words, divided by | */
	const char *help;
};

#define FIELD(name) offsetof(struct mr_config, name)

static const struct row rows[] = {
	{ "host", HOST, FIELD(host), 0, 0, 0, NULL, NULL,
	  N_("This host's fully qualified name; written by cl-setup or when the host joins.") },
	{ "home", HOST, FIELD(home), 0, 0, 0, NULL, NULL,
	  N_("The home of the mail domain, whose list of hosts this host obeys and no other's; "
	     "written by cl-setup or when the host joins.") },
	{ "directory.port", NUMBER, FIELD(directory_port), 0, 65535, 3890, NULL, NULL,
	  N_("TCP port on which the other hosts reach this host's directory; 0: none.") },
	{ "directory.deadline", NUMBER, FIELD(directory_deadline), 1, 3600, 10, NULL, "seconds",
	  N_("How long one call to a directory may take.") },
	{ "directory.max_size", NUMBER, FIELD(directory_max_size), 16, 1048576, 4096, NULL, "MiB",
	  N_("Most that each database of the directory may grow to.") },
	{ "directory.join_deadline", NUMBER, FIELD(join_deadline), 5, 604800, 600, NULL, "seconds",
	  N_("How long a host that joins waits until it is in step with the others.") },
	{ "backup.folder", FOLDER, FIELD(backup_folder), 0, 0, 0,
	  "/var/calculate/server-backup/ldap", NULL,
	  N_("Where archives are written and looked for.") },
	{ "backup.keep", KEEP, FIELD(backup_keep), 0, 0, 0, "", NULL,
	  N_("Which archives stay when cl-backup has made new ones, as in "
	     "daily=7,weekly=4,monthly=12; nothing: all.") },
	{ "backup.recipients", KEYS, FIELD(backup_recipients), 0, 0, 0, "", NULL,
	  N_("Public keys of age (age1...), divided by blanks, to which archives are sealed; "
	     "none: they are not sealed.") },
	{ "mail.dns", FLAG, FIELD(mail_dns), 0, 1, 1, NULL, NULL,
	  N_("false on an intranet whose names are in /etc/hosts only: mail asks no DNS.") },
	{ "mail.postmaster", ADDRESS, FIELD(mail_postmaster), 0, 0, 0, "root@localhost", NULL,
	  N_("Where mail for postmaster, abuse, root and mailer-daemon of this host goes, and of "
	     "the mail domains that have no postmaster of their own.") },
	{ "mail.manage", FLAG, FIELD(mail_manage), 0, 1, 1, NULL, NULL,
	  N_("false: Postfix and Dovecot are configured, but neither started nor reloaded.") },
	{ "mail.doubt", NUMBER, FIELD(mail_doubt), 0, 2592000, 300, NULL, "seconds",
	  N_("How long an unknown recipient is told to try again later because a host that may "
	     "know it cannot be reached; "
	     "0: not at all.") },
	{ "mail.quota", NUMBER, FIELD(mail_quota), 0, 1048576, 0, NULL, "MiB",
	  N_("How much a mailbox may hold that has no limit of its own; 0: as much as there is "
	     "room.") },
	{ "mail.quota_full", CHOICE, FIELD(mail_quota_full), 0, 0, 0, "defer", "defer|reject",
	  N_("What happens to mail for a mailbox that is full: it waits in the queue, or it goes "
	     "back.") },
	{ "watch.interval", NUMBER, FIELD(watch_interval), 1, 3600, 2, NULL, "seconds",
	  N_("How often mailrepl-watch looks whether this host is in step.") },
	{ "watch.patience", NUMBER, FIELD(watch_patience), 10, 86400, 60, NULL, "seconds",
	  N_("How long the directory may hang or stay behind before mailrepl-watch restarts it.") },
	{ "watch.verify", NUMBER, FIELD(watch_verify), 0, 2592000, 21600, NULL, "seconds",
	  N_("How often mailrepl-watch compares the copies with their owners, beside after "
	     "restarts; 0: never.") },
	{ "certificates.days", NUMBER, FIELD(certificate_days), 1, 10950, 3650, NULL, "days",
	  N_("How long the certificates that this host issues are valid.") },
	{ "password.min_length", NUMBER, FIELD(password_length), 1, 256, 8, NULL, "characters",
	  N_("Fewest characters of a password that is set on this host.") },
	{ "password.min_classes", NUMBER, FIELD(password_classes), 1, 4, 1, NULL, NULL,
	  N_("Of how many kinds its characters must be: small letters, capital letters, digits, "
	     "others.") },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static const char *const kind_words[] = {
	[NUMBER] = "number",        [FLAG] = "true or false",   [HOST] = "host name",
	[FOLDER] = "folder",        [ADDRESS] = "mail address", [CHOICE] = "word",
	[KEEP] = "list of numbers", [KEYS] = "list of keys",
};

static void *field(const struct row *row, struct mr_config *config)
{
	return (char *)config + row->field;
}

static long long number_of(const struct row *row, const struct mr_config *config)
{
	return *(const long long *)(const void *)((const char *)config + row->field);
}

static bool flag_of(const struct row *row, const struct mr_config *config)
{
	return *(const bool *)((const char *)config + row->field);
}

static const char *text_of(const struct row *row, const struct mr_config *config)
{
	return *(const char *const *)(const void *)((const char *)config + row->field);
}

static void set_defaults(struct mr_config *config)
{
	for (const struct row *row = rows; row < rows + ROWS; row++) {
		if (row->kind == NUMBER)
			*(long long *)field(row, config) = row->number;
		else if (row->kind == FLAG)
			*(bool *)field(row, config) = row->number != 0;
		else
			*(const char **)field(row, config) = row->text;
	}
	/* Postfix and Dovecot belong to the whole machine: nobody runs them under a folder. */
	if (*config->root)
		config->mail_manage = false;
}

static const char *host_fault(const char *text)
{
	size_t len = strlen(text);

	if (strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-") != len || len > 253)
		return _("must be a host name in lower case, as `hostname -f` prints it");
	if (!strchr(text, '.') || *text == '.' || text[len - 1] == '.' || strstr(text, ".."))
		return _("must be a fully qualified host name, as `hostname -f` prints it");
	return NULL;
}

static const char *folder_fault(const char *text)
{
	if (*text != '/')
		return _("must be a path that begins with /");
	for (const char *part = text; part; part = strchr(part, '/')) {
		part += strspn(part, "/");
		if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0'))
			return _("must be a path without \"..\"");
	}
	return NULL;
}

static const char *address_fault(const char *text)
{
	const char *at = strchr(text, '@');

	if (!at || at == text || !at[1] || strchr(at + 1, '@') || strpbrk(text, " \",;:<>()[]\\"))
		return _("must be a mail address");
	return NULL;
}

static const char *choice_fault(const struct row *row, const char *text)
{
	size_t len = strlen(text);

	for (const char *word = row->unit; *word; word += strcspn(word, "|"), word += *word == '|')
		if (strcspn(word, "|") == len && memcmp(word, text, len) == 0)
			return NULL;
	return _("must be one of the words that mailrepl.conf(5) lists");
}

/* What the words are, model/keep.h knows. */
static const char *keep_fault(const char *text)
{
	return text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789=,")]
		       ? _("must be as in daily=7,weekly=4,monthly=12")
		       : NULL;
}

static const char *keys_fault(const char *text)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_list keys = mr_list_split(arena, text, ' ');
	struct mr_error err;

	for (size_t i = 0; i < keys.count; i++)
		if (*keys.items[i] && mr_age_recipient_check(keys.items[i], &err) < 0)
			return _("must be public keys of age (age1...), divided by blanks");
	return NULL;
}

static const char *text_fault(const struct row *row, const char *text)
{
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return _("must not contain control characters");
	switch (row->kind) {
	case CHOICE:
		return choice_fault(row, text);
	case HOST:
		return host_fault(text);
	case FOLDER:
		return folder_fault(text);
	case KEEP:
		return keep_fault(text);
	case KEYS:
		return keys_fault(text);
	default:
		return address_fault(text);
	}
}

struct loading {
	struct mr_arena *arena;
	struct mr_config *config;
	struct mr_error *err;
};

static int fail_at(struct loading *load, config_setting_t *setting, const char *name,
		   const char *fault)
{
	const char *file = config_setting_source_file(setting);

	return mr_fail(load->err, MR_E_CONFIG, "%s:%u: %s: %s", file ? file : load->config->path,
		       config_setting_source_line(setting), name, fault);
}

static int set_number(struct loading *load, config_setting_t *setting, const struct row *row)
{
	int type = config_setting_type(setting);
	long long number;

	if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64)
		return fail_at(load, setting, row->name, _("must be a whole number"));
	number = type == CONFIG_TYPE_INT ? config_setting_get_int(setting)
					 : config_setting_get_int64(setting);
	if (number < row->least || number > row->most)
		return fail_at(load, setting, row->name,
			       mr_printf(load->arena, _("must be from %lld to %lld"), row->least,
					 row->most));
	*(long long *)field(row, load->config) = number;
	return 0;
}

static int set_value(struct loading *load, config_setting_t *setting, const struct row *row)
{
	const char *text, *fault;

	if (row->kind == NUMBER)
		return set_number(load, setting, row);
	if (row->kind == FLAG) {
		if (config_setting_type(setting) != CONFIG_TYPE_BOOL)
			return fail_at(load, setting, row->name, _("must be true or false"));
		*(bool *)field(row, load->config) = config_setting_get_bool(setting) == CONFIG_TRUE;
		return 0;
	}
	if (config_setting_type(setting) != CONFIG_TYPE_STRING)
		return fail_at(load, setting, row->name, _("must be a text in double quotes"));
	text = config_setting_get_string(setting);
	fault = text_fault(row, text);
	if (fault)
		return fail_at(load, setting, row->name, fault);
	*(const char **)field(row, load->config) = mr_strdup(load->arena, text);
	return 0;
}

/* The row of that name; *group tells whether rows lie below it instead. */
static const struct row *find_row(const char *name, bool *group)
{
	size_t len = strlen(name);

	*group = false;
	for (const struct row *row = rows; row < rows + ROWS; row++) {
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
		const struct row *row = find_row(name, &is_group);
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

/* Past the text in quotes or the comment that begins here; otherwise one byte further. */
static const char *skip(const char *text)
{
	const char *end = NULL;

	if (*text == '"') {
		for (text++; *text && *text != '"'; text++)
			if (*text == '\\' && text[1])
				text++;
	} else if (*text == '#' || strncmp(text, "//", 2) == 0) {
		return text + strcspn(text, "\n");
	} else if (strncmp(text, "/*", 2) == 0) {
		end = strstr(text + 2, "*/");
		return end ? end + 2 : text + strlen(text);
	}
	return *text ? text + 1 : text;
}

/* libconfig 1.5 cuts a number to 32 bits without a word: 4294967297 would be 1. */
static int check_numbers(struct loading *load, const char *text)
{
	unsigned line = 1;

	for (const char *next; *text; text = next) {
		next = skip(text);
		if (isdigit((unsigned char)*text)) {
			char *end;
			unsigned long long number = strtoull(text, &end, 0);

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

int mr_config_load(struct mr_arena *arena, const char *root, const char *path,
		   struct mr_config *out, struct mr_error *err)
{
	struct loading load = { arena, out, err };
	char *text;
	size_t len;

	*out = (struct mr_config){ .root = absolute_root(arena, root ? root : "") };
	out->path = path ? mr_strdup(arena, path) : mr_path(arena, out->root, MR_PATH_CONFIG);
	set_defaults(out);
	if (mr_file_read(arena, out->path, MOST_BYTES, &text, &len, err) < 0)
		return err->code == MR_E_NOT_FOUND && !path ? 0 : -1;
	out->exists = true;
	if (strlen(text) != len)
		return mr_fail(err, MR_E_CONFIG, _("%s: contains a NUL byte"), out->path);
	if (read_text(&load, text) < 0)
		return -1;
	if (out->mail_manage && *out->root)
		return mr_fail(err, MR_E_CONFIG,
			       _("%s: mail.manage: must be false under --root, because Postfix and "
				 "Dovecot belong to the whole machine"),
			       out->path);
	return 0;
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

static void format_value(struct mr_buf *buf, const struct row *row, const struct mr_config *config)
{
	if (row->kind == NUMBER)
		mr_buf_printf(buf, "%lld", number_of(row, config));
	else if (row->kind == FLAG)
		mr_buf_puts(buf, flag_of(row, config) ? "true" : "false");
	else
		format_text(buf, text_of(row, config) ? text_of(row, config) : "");
}

static bool is_default(const struct row *row, const struct mr_config *config,
		       const struct mr_config *defaults)
{
	const char *text;

	if (row->kind == NUMBER)
		return number_of(row, config) == number_of(row, defaults);
	if (row->kind == FLAG)
		return flag_of(row, config) == flag_of(row, defaults);
	text = text_of(row, config);
	return !text || (text_of(row, defaults) && strcmp(text, text_of(row, defaults)) == 0);
}

static void format_row(struct mr_buf *buf, const struct row *row, const char *key,
		       const struct mr_config *config, const struct mr_config *defaults)
{
	const char *indent = key == row->name ? "" : "\t";

	mr_buf_printf(buf, "%s# %s", indent, row->help);
	if (row->unit)
		mr_buf_printf(buf, " (%s)", row->unit);
	mr_buf_printf(buf, "\n%s%s%s = ", indent, is_default(row, config, defaults) ? "# " : "",
		      key);
	format_value(buf, row, config);
	mr_buf_puts(buf, ";\n");
}

char *mr_config_format(struct mr_arena *arena, const struct mr_config *config)
{
	MR_BUF buf = { 0 };
	struct mr_config defaults = { .root = config->root };
	const char *group = "";
	size_t len = 0;

	set_defaults(&defaults);
	mr_buf_puts(&buf, "# mailrepl: what this host alone decides; see mailrepl.conf(5).\n"
			  "# A line that is commented out shows the default.\n\n");
	for (const struct row *row = rows; row < rows + ROWS; row++) {
		const char *dot = strchr(row->name, '.');

		if (dot &&
		    (len != (size_t)(dot - row->name) || memcmp(group, row->name, len) != 0)) {
			mr_buf_puts(&buf, len > 0 ? "};\n\n" : "\n");
			group = row->name;
			len = (size_t)(dot - row->name);
			mr_buf_printf(&buf, "%.*s:\n{\n", (int)len, group);
		}
		format_row(&buf, row, dot ? dot + 1 : row->name, config, &defaults);
	}
	mr_buf_puts(&buf, "};\n");
	return mr_strdup(arena, mr_buf_text(&buf));
}

struct mr_value *mr_config_describe(struct mr_arena *arena)
{
	struct mr_value *list = mr_value_list(arena);

	for (const struct row *row = rows; row < rows + ROWS; row++) {
		struct mr_value *item = mr_value_append(arena, list, mr_value_object(arena));
		const char *preset = row->text;

		if (row->kind == NUMBER)
			preset = mr_printf(arena, "%lld", row->number);
		else if (row->kind == FLAG)
			preset = row->number ? "true" : "false";
		mr_value_set_string(arena, item, "name", row->name);
		mr_value_set_string(arena, item, "type", kind_words[row->kind]);
		mr_value_set_string(arena, item, "default", preset);
		mr_value_set_string(arena, item, "unit", row->unit);
		mr_value_set_string(arena, item, "help", _(row->help));
	}
	return list;
}
