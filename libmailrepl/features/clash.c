#include "features/clash.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* First pass: a number for each name that is claimed, nothing else. Two names of one number are
 * told apart in the second. */
struct numbers {
	uint64_t *items;
	size_t count, size;
};

struct pass {
	struct mr_arena *arena;
	struct numbers *numbers; /* first pass: all; second: those that came twice */
	struct mr_clashes *out;  /* second pass */
	size_t size;             /* of out->items */
	const char *attr;        /* mailLocalAddress or uid */
	const char *prefix;      /* before the name: "" or "uid " */
	enum mr_service service;
};

/* FNV-1a */
static uint64_t number_of(const char *name)
{
	uint64_t number = 14695981039346656037u;

	for (; *name; name++)
		number = (number ^ (unsigned char)*name) * 1099511628211u;
	return number;
}

static void remember(struct numbers *numbers, uint64_t number)
{
	if (numbers->count == numbers->size) {
		numbers->size = numbers->size ? numbers->size * 2 : 1024;
		numbers->items =
			reallocarray(numbers->items, numbers->size, sizeof(*numbers->items));
		if (!numbers->items)
			abort();
	}
	numbers->items[numbers->count++] = number;
}

static int compare(const void *a, const void *b)
{
	const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/* Leaves each number that was there twice once, in order. */
static void keep_repeated(struct numbers *numbers)
{
	size_t kept = 0;

	if (numbers->count)
		qsort(numbers->items, numbers->count, sizeof(*numbers->items), compare);
	for (size_t i = 1; i < numbers->count; i++)
		if (numbers->items[i] == numbers->items[i - 1] &&
		    (!kept || numbers->items[kept - 1] != numbers->items[i]))
			numbers->items[kept++] = numbers->items[i];
	numbers->count = kept;
}

static int count_names(void *context, const struct mr_entry *entry, struct mr_error *err)
{
	struct pass *pass = context;
	const struct mr_attr *attr = mr_entry_attr(entry, pass->attr);
	MR_ARENA scratch = mr_arena_open();

	(void)err;
	for (size_t i = 0; attr && i < attr->values.count; i++)
		remember(pass->numbers, number_of(mr_lower(scratch, attr->values.items[i])));
	return 0;
}

static struct mr_clash *clash_of(struct pass *pass, const char *name)
{
	struct mr_clashes *out = pass->out;

	for (size_t i = 0; i < out->count; i++)
		if (strcmp(out->items[i].address, name) == 0)
			return &out->items[i];
	if (out->count == pass->size) {
		struct mr_clash *more;

		pass->size = pass->size ? pass->size * 2 : 16;
		more = MR_NEW_ARRAY(pass->arena, struct mr_clash, pass->size);
		if (out->count)
			memcpy(more, out->items, out->count * sizeof(*more));
		out->items = more;
	}
	out->items[out->count] = (struct mr_clash){ .address = mr_strdup(pass->arena, name) };
	return &out->items[out->count++];
}

/* "uid=user1,cn=mail1.lan,ou=Mail,dc=mailrepl" as mail1.lan has it. */
static char *owned_dn(struct mr_arena *arena, enum mr_service service, const char *dn,
		      const char *owner)
{
	size_t len = strlen(dn), tail = strlen(mr_dit_copy(arena, service, owner));

	if (len <= tail)
		return mr_strdup(arena, dn);
	return mr_printf(arena, "%.*s%s", (int)(len - tail), dn,
			 mr_dit_owned(arena, service, owner));
}

static void add_claim(struct pass *pass, struct mr_clash *clash, const struct mr_entry *entry)
{
	const char *user = mr_entry_value(entry, "uid"),
		   *owner = mr_dit_owner(pass->arena, entry->dn);
	struct mr_claim *claims = MR_NEW_ARRAY(pass->arena, struct mr_claim, clash->count + 1);

	if (!owner)
		return;
	if (!user)
		user = mr_entry_value(entry, "cn");
	if (clash->count)
		memcpy(claims, clash->claims, clash->count * sizeof(*claims));
	claims[clash->count++] = (struct mr_claim){
		.owner = owner,
		.dn = owned_dn(pass->arena, pass->service, entry->dn, owner),
		.user = mr_strdup(pass->arena, user ? user : entry->dn),
	};
	clash->claims = claims;
}

static int collect(void *context, const struct mr_entry *entry, struct mr_error *err)
{
	struct pass *pass = context;
	const struct mr_attr *attr = mr_entry_attr(entry, pass->attr);
	MR_ARENA scratch = mr_arena_open();

	(void)err;
	for (size_t i = 0; attr && i < attr->values.count; i++) {
		const char *name = mr_lower(scratch, attr->values.items[i]);
		const uint64_t number = number_of(name);

		if (bsearch(&number, pass->numbers->items, pass->numbers->count, sizeof(number),
			    compare))
			add_claim(pass,
				  clash_of(pass, mr_printf(scratch, "%s%s", pass->prefix, name)),
				  entry);
	}
	return 0;
}

static int by_owner(const void *a, const void *b)
{
	const struct mr_claim *left = a, *right = b;
	int order = strcmp(left->owner, right->owner);

	return order ? order : strcmp(left->user, right->user);
}

static int by_address(const void *a, const void *b)
{
	const struct mr_clash *left = a, *right = b;

	return strcmp(left->address, right->address);
}

/* What two passes have found under one number may still be two names. */
static void finish(struct mr_clashes *out, size_t from)
{
	size_t kept = from;

	for (size_t i = from; i < out->count; i++) {
		if (out->items[i].count < 2)
			continue;
		qsort(out->items[i].claims, out->items[i].count, sizeof(struct mr_claim), by_owner);
		out->items[kept++] = out->items[i];
	}
	out->count = kept;
	if (kept > from)
		qsort(out->items + from, kept - from, sizeof(*out->items), by_address);
}

static int search(struct mr_directory *dir, struct pass *pass, const char *filter,
		  struct mr_error *err)
{
	const char *const attrs[] = { "uid", "cn", pass->attr, NULL };
	const struct mr_search find = { .base = mr_dit_all(pass->service),
					.filter = filter,
					.attrs = attrs };
	size_t from = pass->out->count;

	pass->numbers->count = 0;
	if (mr_directory_visit(dir, &find, count_names, pass, err) < 0)
		return err->code == MR_E_NOT_FOUND ? 0 : -1;
	keep_repeated(pass->numbers);
	if (!pass->numbers->count)
		return 0;
	if (mr_directory_visit(dir, &find, collect, pass, err) < 0)
		return -1;
	finish(pass->out, from);
	return 0;
}

int mr_clash_list(struct mr_arena *arena, struct mr_directory *dir, struct mr_clashes *out,
		  struct mr_error *err)
{
	struct numbers numbers = { 0 };
	struct pass pass = { .arena = arena, .numbers = &numbers, .out = out };
	int result;

	*out = (struct mr_clashes){ 0 };
	pass.attr = "mailLocalAddress";
	pass.prefix = "";
	pass.service = MR_MAIL;
	result = search(dir, &pass, "(objectClass=inetLocalMailRecipient)", err);
	/* Who logs in is found by account; a relay has none, and nobody logs in there. */
	pass.attr = "uid";
	pass.prefix = "uid ";
	pass.service = MR_UNIX;
	if (result == 0)
		result = search(dir, &pass, "(objectClass=posixAccount)", err);
	free(numbers.items);
	return result;
}
