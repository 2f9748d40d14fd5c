#include "features/lookup.h"

#include <string.h>

#include "model/dit.h"
#include "model/names.h"

static char *claim(struct mr_arena *arena, const char *key)
{
	return mr_filter(arena, "(mailLocalAddress=%s)", key);
}

static char *former(struct mr_arena *arena, const char *key)
{
	return mr_filter(arena, "(mailReplFormerAddress=%s)", key);
}

static char *barred(struct mr_arena *arena, const char *key)
{
	return mr_filter(arena, "(&(mailReplAccess=*)(mailLocalAddress=%s))", key);
}

static char *foreign(struct mr_arena *arena, const char *key)
{
	return mr_filter(arena, "(mailReplBackupRecipient=%s)", key);
}

static char *real(struct mr_arena *arena, const char *key)
{
	return mr_filter(arena, "(|(mailRoutingAddress=%s)(mailReplFormerAddress=%s))", key, key);
}

/* Those of a table are asked one after the other for each form of the address. */
static const struct question {
	const char *table;
	char *(*filter)(struct mr_arena *arena, const char *key);
	const char *result, *other; /* the first that an entry has */
	bool many;                  /* it is enough that there is one */
} questions[] = {
	{ "route", claim, "mailRoutingAddress", NULL, false },
	{ "route", former, "mailReplForward", NULL, false },
	{ "access", barred, "mailReplAccess", NULL, false },
	{ "backup", foreign, "mailReplPrimary", NULL, true },
	{ "peer", real, "mailRoutingAddress", "mailReplForward", true },
};
#define QUESTIONS (sizeof(questions) / sizeof(questions[0]))

static const struct mr_attr *result_of(const struct question *question,
				       const struct mr_entry *entry)
{
	const struct mr_attr *attr = mr_entry_attr(entry, question->result);

	return attr || !question->other ? attr : mr_entry_attr(entry, question->other);
}

/* *out: NULL if there is none. An entry without the attribute is no answer, as it is none to Postfix. */
static int ask(struct mr_arena *arena, struct mr_directory *dir, const struct question *question,
	       const char *key, const char **out, struct mr_error *err)
{
	const char *const attrs[] = { question->result, question->other, NULL };
	const struct mr_search search = { .base = mr_dit_all(MR_MAIL),
					  .filter = question->filter(arena, key),
					  .attrs = attrs };
	struct mr_entries found = { 0 };
	size_t answers = 0;

	*out = NULL;
	if (mr_directory_list(dir, arena, &search, &found, err) < 0)
		return -1;
	for (size_t i = 0; i < found.count; i++) {
		const struct mr_attr *attr = result_of(question, found.items[i]);

		if (!attr || !attr->values.count)
			continue;
		answers += attr->values.count;
		*out = mr_lower(arena, attr->values.items[0]);
	}
	if (answers > 1 && !question->many)
		return mr_fail(err, MR_E_TEMPORARY, _("%s: %zu have this address"), key, answers);
	return 0;
}

static int ask_table(struct mr_arena *arena, struct mr_directory *dir, const char *table,
		     const char *key, const char **out, struct mr_error *err)
{
	*out = NULL;
	for (size_t i = 0; i < QUESTIONS && !*out; i++)
		if (strcmp(questions[i].table, table) == 0 &&
		    ask(arena, dir, &questions[i], key, out, err) < 0)
			return -1;
	return 0;
}

/* "user1@mail1.lan" and "+detail" */
static const char *with_detail(struct mr_arena *arena, const char *address, const char *detail,
			       size_t len)
{
	size_t local = strcspn(address, "@");

	return mr_printf(arena, "%.*s%.*s%s", (int)local, address, (int)len, detail,
			 address + local);
}

/* Those of each domain are in no directory. */
static bool is_role(struct mr_arena *arena, const char *address, size_t local)
{
	return mr_is_role(mr_lower(arena, mr_strndup(arena, address, local)));
}

static int ask_forms(struct mr_arena *arena, struct mr_directory *dir, const char *table,
		     const char *address, const char *domain, const char *delimiter,
		     const char **out, struct mr_error *err)
{
	size_t plain = strcspn(address, delimiter), local = (size_t)(domain - address);
	const char *bare;

	if (ask_table(arena, dir, table, address, out, err) < 0)
		return -1;
	if (*out || plain == 0 || plain >= local)
		return 0;
	bare = mr_printf(arena, "%.*s%s", (int)plain, address, domain);
	if (strcmp(table, "route") == 0 && is_role(arena, address, plain)) {
		*out = bare;
		return 0;
	}
	if (ask_table(arena, dir, table, bare, out, err) < 0)
		return -1;
	if (*out && strcmp(table, "route") == 0)
		*out = with_detail(arena, *out, address + plain, local - plain);
	return 0;
}

static bool is_table(const char *table)
{
	for (size_t i = 0; i < QUESTIONS; i++)
		if (strcmp(questions[i].table, table) == 0)
			return true;
	return false;
}

int mr_lookup(struct mr_arena *arena, struct mr_directory *dir, const char *table,
	      const char *address, const char *delimiter, bool gate_closed, const char **out,
	      struct mr_error *err)
{
	const char *domain = strrchr(address, '@');

	*out = NULL;
	if (!is_table(table))
		return mr_fail(err, MR_E_USAGE, _("%s: must be route, access, peer or backup"), table);
	if (!domain || domain == address || !domain[1])
		return mr_fail(err, MR_E_USAGE, _("%s is no address"), address);
	if (ask_forms(arena, dir, table, address, domain, delimiter, out, err) < 0)
		return -1;
	if (*out || strcmp(table, "access") == 0)
		return 0;
	if (gate_closed)
		return mr_fail(err, MR_E_TEMPORARY,
			       _("%s is unknown here, but this host is not in step"), address);
	/* Who gets what nobody has. */
	return strcmp(table, "route") == 0 ? ask(arena, dir, &questions[0], domain, out, err) : 0;
}
