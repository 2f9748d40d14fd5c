#include "features/import_file.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "adapters/csv.h"
#include "adapters/json_record.h"
#include "model/topology.h"

#define MOST_COLUMNS 64
#define MOST_HASH 512

const char *const mr_import_columns[MR_IMPORT_COLUMNS] = {
	"user",    "addresses", "full_name", "services", "host", "quota",
	"forward", "keep",      "access",    "locked",   "hash",
};

struct record {
	struct mr_import_file *file;
	struct mr_import_user *user;
	const char *column;
};

void mr_import_problem(struct mr_import_file *file, struct mr_import_user *user, unsigned long line,
		       const char *text)
{
	if (file->problem_count == file->problem_size) {
		size_t size = file->problem_size ? 2 * file->problem_size : 16;
		struct mr_import_problem *more =
			MR_NEW_ARRAY(file->arena, struct mr_import_problem, size);

		if (file->problem_count)
			memcpy(more, file->problems, file->problem_count * sizeof(*more));
		file->problems = more;
		file->problem_size = size;
	}
	file->problems[file->problem_count++] =
		(struct mr_import_problem){ user ? user->line : line,
					    mr_strdup(file->arena, text) };
	if (user)
		user->bad = true;
}

/* Stable, unlike qsort: problems come nearly sorted. */
void mr_import_problems_sort(struct mr_import_file *file)
{
	size_t n = file->problem_count;
	struct mr_import_problem *from = file->problems,
				 *to = MR_NEW_ARRAY(file->arena, struct mr_import_problem, n + 1);

	for (size_t width = 1; width < n; width *= 2) {
		for (size_t at = 0; at < n; at += 2 * width) {
			size_t mid = at + width < n ? at + width : n;
			size_t end = mid + width < n ? mid + width : n;

			for (size_t a = at, b = mid, k = at; k < end; k++)
				to[k] = a < mid && (b == end || from[a].line <= from[b].line)
						? from[a++]
						: from[b++];
		}
		struct mr_import_problem *swap = from;

		from = to;
		to = swap;
	}
	file->problems = from;
}

static int set_user(struct record *in, const char *text, struct mr_error *err)
{
	return mr_user_parse(in->file->arena, text, &in->user->user, err);
}

static int add_address(struct record *in, struct mr_list *list, const char *text,
		       struct mr_error *err)
{
	struct mr_address address;

	if (mr_address_parse(in->file->arena, text, &address, err) < 0)
		return -1;
	if (!mr_list_has(list, address.text))
		mr_list_add(in->file->arena, list, address.text);
	return 0;
}

static int set_addresses(struct record *in, const char *text, struct mr_error *err)
{
	return add_address(in, &in->user->addresses, text, err);
}

static int set_forward(struct record *in, const char *text, struct mr_error *err)
{
	return add_address(in, &in->user->forward, text, err);
}

static int set_full_name(struct record *in, const char *text, struct mr_error *err)
{
	return mr_full_name_parse(in->file->arena, text, &in->user->full_name, err);
}

static int set_services(struct record *in, const char *text, struct mr_error *err)
{
	enum mr_service service;

	if (mr_service_parse(text, &service, err) < 0)
		return -1;
	in->user->services |= service;
	return 0;
}

static int set_host(struct record *in, const char *text, struct mr_error *err)
{
	return mr_host_parse(in->file->arena, text, &in->user->host, err);
}

static int set_quota(struct record *in, const char *text, struct mr_error *err)
{
	static const char units[] = "KMGT";
	const char *unit;
	long long number;
	char *end;

	errno = 0;
	number = strtoll(text, &end, 10);
	unit = *end && !end[1] ? strchr(units, *end & ~0x20) : NULL;
	if (errno || end == text || number < 0 || (*end && !unit) ||
	    __builtin_mul_overflow(number, unit ? 1LL << 10 * (unit - units + 1) : 1LL,
				   &in->user->quota))
		return mr_fail(err, MR_E_INVALID,
			       _("quota %s: must be bytes, or a number and K, M, G or T"), text);
	return 0;
}

static int parse_flag(const char *column, const char *text, bool *out, struct mr_error *err)
{
	*out = strcasecmp(text, "yes") == 0;
	if (!*out && strcasecmp(text, "no") != 0)
		return mr_fail(err, MR_E_INVALID, _("%s %s: must be yes or no"), column, text);
	return 0;
}

static int set_keep(struct record *in, const char *text, struct mr_error *err)
{
	return parse_flag(in->column, text, &in->user->keep, err);
}

static int set_locked(struct record *in, const char *text, struct mr_error *err)
{
	return parse_flag(in->column, text, &in->user->locked, err);
}

static int set_access(struct record *in, const char *text, struct mr_error *err)
{
	static const enum mr_access some[] = { MR_ACCESS_CLOSED, MR_ACCESS_DEFERRED,
					       MR_ACCESS_REFUSED };

	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++)
		if (strcasecmp(text, mr_access_word(some[i])) == 0) {
			in->user->access = some[i];
			return 0;
		}
	if (strcasecmp(text, "open") == 0)
		return 0;
	return mr_fail(err, MR_E_INVALID, _("access %s: must be open, closed, deferred or refused"),
		       text);
}

/* The text lies in the file's store already. */
static struct mr_secret borrow(const char *text)
{
	return (struct mr_secret){ (char *)(uintptr_t)text, strlen(text) };
}

static int set_password(struct record *in, const char *text, struct mr_error *err)
{
	(void)err;
	in->user->password = borrow(text);
	in->file->secrets = true;
	return 0;
}

/* It becomes a line of LDIF as it is; its words stay out of messages. */
static int set_hash(struct record *in, const char *text, struct mr_error *err)
{
	size_t len = strlen(text);

	if (strncasecmp(text, "{CRYPT}", 7) != 0 || text[7] == '\0')
		return mr_fail(err, MR_E_INVALID, _("hash: must begin with {CRYPT}"));
	if (len > MOST_HASH)
		return mr_fail(err, MR_E_INVALID, _("hash: longer than %d characters"), MOST_HASH);
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return mr_fail(err, MR_E_INVALID,
				       _("hash: must be printable ASCII without blanks"));
	in->user->hash = borrow(text);
	in->file->secrets = true;
	return 0;
}

static const struct column {
	const char *name;
	bool many, secret; /* several values, divided by blanks; taken to the letter */
	int (*set)(struct record *in, const char *text, struct mr_error *err);
} columns[] = {
	{ "user", false, false, set_user },           { "addresses", true, false, set_addresses },
	{ "full_name", false, false, set_full_name }, { "services", true, false, set_services },
	{ "host", false, false, set_host },           { "quota", false, false, set_quota },
	{ "forward", true, false, set_forward },      { "keep", false, false, set_keep },
	{ "access", false, false, set_access },       { "locked", false, false, set_locked },
	{ "password", false, true, set_password },    { "hash", false, true, set_hash },
};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static const struct column *find_column(const char *name)
{
	for (size_t i = 0; i < COLUMNS; i++)
		if (strcasecmp(columns[i].name, name) == 0)
			return &columns[i];
	return NULL;
}

static void set_one(struct record *in, const struct column *column, const char *text)
{
	struct mr_error err;

	in->column = column->name;
	if (*text && column->set(in, text, &err) < 0)
		mr_import_problem(in->file, in->user, 0, err.message);
}

static void set_field(struct record *in, const struct column *column, const char *text)
{
	MR_BUF words = { 0 };
	char *rest, *word;

	if (!column->many) {
		set_one(in, column, text);
		return;
	}
	mr_buf_puts(&words, text);
	rest = words.data;
	while ((word = strsep(&rest, " \t\r\n")))
		set_one(in, column, word);
}

static struct mr_import_user *add_user(struct mr_import_file *file, unsigned long line)
{
	if (file->count == file->size) {
		size_t size = file->size ? 2 * file->size : 64;
		struct mr_import_user *more =
			MR_NEW_ARRAY(file->arena, struct mr_import_user, size);

		if (file->count)
			memcpy(more, file->users, file->count * sizeof(*more));
		file->users = more;
		file->size = size;
	}
	file->users[file->count] = (struct mr_import_user){ .line = line };
	return &file->users[file->count++];
}

static void problem(struct mr_import_file *file, struct mr_import_user *user, const char *text)
{
	mr_import_problem(file, user, 0, text);
}

/* What one field does not tell. */
static void end_user(struct mr_import_file *file, struct mr_import_user *user)
{
	const char *only_mail = user->forward.count ? "forward"
				: user->keep        ? "keep"
				: user->quota       ? "quota"
				: user->access      ? "access"
						    : NULL;

	if (!user->services)
		user->services = user->addresses.count ? MR_MAIL : MR_UNIX;
	if (!user->user && !user->bad)
		problem(file, user, _("the user's name is missing"));
	if (user->services & MR_MAIL && !user->addresses.count && !user->bad)
		problem(file, user, _("a mailbox needs an address"));
	if (!(user->services & MR_MAIL) && user->addresses.count)
		problem(file, user, _("an address needs a mailbox: name the service mail too"));
	if (!(user->services & MR_MAIL) && only_mail)
		problem(file, user,
			mr_printf(file->arena, _("%s: only a mailbox has it"), only_mail));
	if (user->keep && !user->forward.count)
		problem(file, user, _("keep: there is nothing to forward"));
	if (user->password.data && user->hash.data)
		problem(file, user, _("there are a password and a hash: which of them?"));
}

/* --- CSV */

struct table {
	struct mr_import_file *file;
	const struct column *columns[MOST_COLUMNS];
	size_t count;
	bool begun, usable;
};

static void read_header(struct table *table, unsigned long line, const char *const *fields,
			size_t count)
{
	struct mr_import_file *file = table->file;
	bool user = false;

	table->usable = true;
	for (size_t i = 0; i < count && i < MOST_COLUMNS; i++) {
		const struct column *column = find_column(fields[i]);
		bool twice = false;

		for (size_t j = 0; column && j < i; j++)
			twice |= table->columns[j] == column;
		if (!column || twice) {
			mr_import_problem(file, NULL, line,
					  mr_printf(file->arena,
						    twice ? _("column \"%s\" is there twice")
							  : _("unknown column \"%s\""),
						    fields[i]));
			table->usable = false;
		}
		user |= column && column->set == set_user;
		table->columns[i] = column;
	}
	table->count = count;
	if (count > MOST_COLUMNS || !user) {
		mr_import_problem(file, NULL, line,
				  user ? _("too many columns")
				       : _("the first line must name the columns, and \"user\" "
					   "among them"));
		table->usable = false;
	}
}

static void read_row(void *context, unsigned long line, const char *const *fields, size_t count,
		     const char *why)
{
	struct table *table = context;
	struct record in = { .file = table->file };

	if (table->begun && !table->usable)
		return;
	if (why) {
		mr_import_problem(table->file, NULL, line, why);
		table->begun = true;
		return;
	}
	if (!table->begun) {
		table->begun = true;
		read_header(table, line, fields, count);
		return;
	}
	in.user = add_user(table->file, line);
	if (count != table->count) {
		problem(table->file, in.user,
			mr_printf(table->file->arena, _("%zu fields instead of %zu"), count,
				  table->count));
		return;
	}
	for (size_t i = 0; i < count; i++)
		set_field(&in, table->columns[i], fields[i]);
	end_user(table->file, in.user);
}

static void read_csv(struct mr_import_file *file, const char *text, size_t len)
{
	struct table table = { .file = file };

	mr_csv_parse(text, len, &file->store, read_row, &table);
	if (!table.begun)
		mr_import_problem(file, NULL, 1, _("the file is empty"));
}

/* --- JSON lines */

struct object {
	struct record in;
	size_t *used; /* of the file's store */
};

static const char *keep(struct object *object, const char *text)
{
	char *to = object->in.file->store.data + *object->used;
	size_t size = strlen(text) + 1;

	memcpy(to, text, size);
	*object->used += size;
	return to;
}

static int read_member(void *context, const char *name, const char *const *values, size_t count,
		       struct mr_error *err)
{
	struct object *object = context;
	const struct column *column = find_column(name);

	(void)err;
	if (!column) {
		problem(object->in.file, object->in.user,
			mr_printf(object->in.file->arena, _("unknown member \"%s\""), name));
		return 0;
	}
	if (count > 1 && !column->many)
		problem(object->in.file, object->in.user,
			mr_printf(object->in.file->arena, _("%s: more than one value"), name));
	for (size_t i = 0; i < count; i++)
		set_field(&object->in, column,
			  column->secret ? keep(object, values[i]) : values[i]);
	return 0;
}

static bool is_blank(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr(" \t\r\n", text[i]) || !text[i])
			return false;
	return true;
}

static void read_json(struct mr_import_file *file, const char *text, size_t len)
{
	unsigned long line = 0;
	size_t used = 0;

	/* A value stands between two quotes, so there is room for its NUL. */
	mr_secret_room(&file->store, len + 1);
	while (len) {
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) + 1 : len;
		struct mr_error err;

		line++;
		if (!is_blank(text, n)) {
			struct object object = { { file, add_user(file, line), NULL }, &used };

			if (mr_json_record(text, n, read_member, &object, &err) < 0)
				problem(file, object.in.user, err.message);
			else
				end_user(file, object.in.user);
		}
		text += n;
		len -= n;
	}
	if (!file->count)
		mr_import_problem(file, NULL, 1, _("the file is empty"));
}

static bool is_json(const char *name, const char *text, size_t len)
{
	if (mr_ends_with(name, ".json") || mr_ends_with(name, ".jsonl") ||
	    mr_ends_with(name, ".ndjson"))
		return true;
	while (len && strchr(" \t\r\n", *text) && *text) {
		text++;
		len--;
	}
	return !mr_ends_with(name, ".csv") && len && *text == '{';
}

void mr_import_file_parse(struct mr_arena *arena, const char *name, const char *text, size_t len,
			  struct mr_import_file *out)
{
	*out = (struct mr_import_file){ .arena = arena };
	if (is_json(name, text, len))
		read_json(out, text, len);
	else
		read_csv(out, text, len);
}

void mr_import_file_close(struct mr_import_file *file)
{
	mr_secret_close(&file->store);
}
