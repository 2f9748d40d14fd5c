#include "features/lookup.h"

#include <string.h>
#include <strings.h>

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

static char *own(struct mr_arena *arena, const char *key)
{
	return mr_filter(arena, "(&(objectClass=account)(mailLocalAddress=%s))", key);
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
	{ "sender", own, "mailRoutingAddress", NULL, false },
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

/* Where the detail of an address begins; 0: it has none. */
static size_t detail_of(const char *address, const char *delimiter)
{
	const size_t plain = strcspn(address, delimiter);

	return address + plain < strrchr(address, '@') ? plain : 0;
}

static int ask_forms(struct mr_arena *arena, struct mr_directory *dir, const char *table,
		     const char *address, const char *domain, const char *delimiter,
		     const char **out, struct mr_error *err)
{
	size_t plain = detail_of(address, delimiter), local = (size_t)(domain - address);
	const char *bare;

	if (ask_table(arena, dir, table, address, out, err) < 0)
		return -1;
	if (*out || !plain)
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

/* --- the owner's: who gets mail for one of its addresses */

struct expansion {
	struct mr_arena *arena;
	struct mr_directory *dir;
	const struct mr_lookup *lookup;
	struct mr_list asked, out;
};

/* The values that count: the targets of an entry that has some, else its own address. */
static void add_values(struct mr_arena *arena, const struct mr_entry *entry, struct mr_list *out)
{
	static const char *const names[] = { "mailReplForward", "rfc822MailMember",
					     "mailRoutingAddress" };
	const size_t before = out->count;

	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		const struct mr_attr *attr = mr_entry_attr(entry, names[n]);

		if (n == 2 && out->count > before)
			return;
		for (size_t i = 0; attr && i < attr->values.count; i++)
			mr_list_add(arena, out, attr->values.items[i]);
	}
}

static int ask_owned(const struct expansion *e, const char *key, struct mr_list *out,
		     struct mr_error *err)
{
	static const char *const attrs[] = { "mailRoutingAddress", "mailReplForward",
					     "rfc822MailMember", NULL };
	const struct mr_search search = { .base = mr_dit_owned(e->arena, MR_MAIL, e->lookup->host),
					  .filter = real(e->arena, key),
					  .attrs = attrs };
	struct mr_entries found = { 0 };

	if (mr_directory_list(e->dir, e->arena, &search, &found, err) < 0)
		return -1;
	for (size_t i = 0; i < found.count; i++)
		add_values(e->arena, found.items[i], out);
	return 0;
}

/* Of an address that nobody has: a group has such a member, or it is the one that was asked for. */
static int add_nobody(struct expansion *e, const char *address, struct mr_error *err)
{
	if (e->lookup->gate_closed)
		return mr_fail(err, MR_E_TEMPORARY,
			       _("%s is unknown here, but this host is not in step"), address);
	if (e->asked.count > 1)
		mr_list_add(e->arena, &e->out,
			    mr_printf(e->arena, "%.*s@" MR_LOOKUP_NOBODY,
				      (int)strcspn(address, "@"), address));
	return 0;
}

static int expand(struct expansion *e, const char *address, struct mr_error *err)
{
	const size_t plain = detail_of(address, e->lookup->delimiter);
	const char *domain = strrchr(address, '@'), *detail = address + plain;
	struct mr_list values = { 0 };

	mr_list_add(e->arena, &e->asked, address);
	if (ask_owned(e, address, &values, err) < 0)
		return -1;
	if (values.count || !plain)
		detail = domain;
	else if (ask_owned(e, mr_printf(e->arena, "%.*s%s", (int)plain, address, domain), &values,
			   err) < 0)
		return -1;
	if (!values.count)
		return add_nobody(e, address, err);
	for (size_t i = 0; i < values.count; i++) {
		const char *value =
			with_detail(e->arena, values.items[i], detail, (size_t)(domain - detail));
		const char *at = strrchr(value, '@');
		const bool here = at && strcasecmp(at + 1, e->lookup->host) == 0;

		/* Outside somebody else decides whether case counts. */
		if (here)
			value = mr_lower(e->arena, value);
		if (here && !mr_list_has(&e->asked, value)) {
			if (expand(e, value, err) < 0)
				return -1;
		} else if ((!here || strcmp(value, address) == 0) && !mr_list_has(&e->out, value)) {
			mr_list_add(e->arena, &e->out, value);
		}
	}
	return 0;
}

/* To Exim a comment begins with #, and takes the rest of the line with it. */
static const char *listed(struct mr_arena *arena, const char *address)
{
	const char *domain = strrchr(address, '@');

	return *address == '#' && domain
		       ? mr_printf(arena, "\"%.*s\"%s", (int)(domain - address), address, domain)
		       : address;
}

static int look_up_expansion(struct mr_arena *arena, struct mr_directory *dir,
			     const struct mr_lookup *lookup, const char *address, const char **out,
			     struct mr_error *err)
{
	struct expansion e = { arena, dir, lookup, { 0 }, { 0 } };
	struct mr_list shown = { 0 };

	if (expand(&e, mr_lower(arena, address), err) < 0)
		return -1;
	for (size_t i = 0; i < e.out.count; i++)
		mr_list_add(arena, &shown, listed(arena, e.out.items[i]));
	*out = shown.count ? mr_list_join(arena, &shown, ", ") : NULL;
	return 0;
}

static bool is_table(const char *table)
{
	for (size_t i = 0; i < QUESTIONS; i++)
		if (strcmp(questions[i].table, table) == 0)
			return true;
	return strcmp(table, "expand") == 0;
}

int mr_lookup(struct mr_arena *arena, struct mr_directory *dir, const struct mr_lookup *lookup,
	      const char *table, const char *address, const char **out, struct mr_error *err)
{
	const char *domain = strrchr(address, '@');

	*out = NULL;
	if (!is_table(table))
		return mr_fail(err, MR_E_USAGE,
			       _("%s: must be route, access, peer, backup, expand or "
				 "sender"),
			       table);
	if (!domain || domain == address || !domain[1])
		return mr_fail(err, MR_E_USAGE, _("%s is no address"), address);
	if (strcmp(table, "expand") == 0)
		return look_up_expansion(arena, dir, lookup, address, out, err);
	if (ask_forms(arena, dir, table, address, domain, lookup->delimiter, out, err) < 0)
		return -1;
	if (*out || strcmp(table, "access") == 0)
		return 0;
	if (lookup->gate_closed)
		return mr_fail(err, MR_E_TEMPORARY,
			       _("%s is unknown here, but this host is not in step"), address);
	/* Who gets what nobody has. */
	return strcmp(table, "route") == 0 ? ask(arena, dir, &questions[0], domain, out, err) : 0;
}
