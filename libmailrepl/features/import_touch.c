#include "features/import_touch.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"

#define AT_ONCE 50 /* users in a filter */

struct touching {
	struct mr_import *import;
	enum mr_service service;
	bool copies; /* what this host owns is read where it is written */
	unsigned long long seen;
};

static bool same_addresses(const struct mr_entry *entry, const char *name,
			   const struct mr_list *wanted)
{
	const struct mr_attr *attr = mr_entry_attr(entry, name);
	size_t count = attr ? attr->values.count : 0;

	if (count != wanted->count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!mr_entry_has_nocase(entry, name, wanted->items[i]))
			return false;
	return true;
}

static void note_other_value(struct mr_import *import, struct mr_import_item *item,
			     const char *what)
{
	mr_import_problem(import->file, item->user, 0,
			  mr_printf(import->arena,
				    _("user %s exists with another %s; an import only adds users "
				      "(cl-usermod changes them)"),
				    item->wanted.user, what));
}

/* The account of the user at the wanted owner. */
static void note_account(struct mr_import *import, struct mr_import_item *item,
			 const struct mr_entry *entry)
{
	const char *mailbox = mr_entry_value(entry, "mailRoutingAddress");
	const char *name = mr_entry_value(entry, "cn"),
		   *shell = mr_entry_value(entry, "loginShell");
	const char *quota = mr_entry_value(entry, "mailReplQuota");

	item->has_account = true;
	if (item->wanted.mailbox != !!mailbox ||
	    !same_addresses(entry, "mail", &item->wanted.addresses) ||
	    (item->wanted.full_name && (!name || strcmp(name, item->wanted.full_name) != 0)) ||
	    (item->wanted.shell && (!shell || strcmp(shell, MR_NO_SHELL) == 0)))
		item->touched = true;
	item->account_mailbox = mailbox ? mr_lower(import->arena, mailbox) : "";
	if (item->user->quota && (!quota || atoll(quota) != item->user->quota))
		note_other_value(import, item, "quota");
	if (item->user->locked && !mr_entry_value(entry, "mailReplLocked"))
		note_other_value(import, item, "lock");
}

static void note_route(struct mr_import *import, struct mr_import_item *item,
		       const struct mr_entry *entry)
{
	const struct mr_attr *forward = mr_entry_attr(entry, "mailReplForward");

	item->has_route = true;
	if (!item->wanted.mailbox ||
	    !same_addresses(entry, "mailLocalAddress", &item->wanted.addresses))
		item->touched = true;
	item->route_mailbox = mr_lower(import->arena, mr_entry_value(entry, "mailRoutingAddress"));
	if (item->user->forward.count &&
	    (!forward ||
	     forward->values.count != item->user->forward.count + (item->user->keep ? 1 : 0)))
		note_other_value(import, item, "forward");
}

/* The user whose own entry this is, or NULL. */
static struct mr_import_item *own_item(struct mr_import *import, const struct mr_entry *entry,
				       const char *owner)
{
	const char *name = mr_entry_value(entry, "uid");
	struct mr_import_item *item;
	size_t i;

	if (!name || !mr_import_index_find(import->index, MR_IMPORT_USER, name, &i))
		return NULL;
	item = &import->items[i];
	return item->wanted.owner && strcmp(item->wanted.owner->name, owner) == 0 ? item : NULL;
}

static void touch(struct mr_import *import, const struct mr_import_item *own,
		  const struct mr_entry *entry, enum mr_import_key key, const char *attribute)
{
	const struct mr_attr *attr = mr_entry_attr(entry, attribute);
	size_t at;

	for (size_t i = 0; attr && i < attr->values.count; i++)
		if (mr_import_index_find(import->index, key, attr->values.items[i], &at) &&
		    &import->items[at] != own)
			import->items[at].touched = true;
}

static int visit(void *context, const struct mr_entry *entry, struct mr_error *err)
{
	struct touching *touching = context;
	struct mr_import *import = touching->import;
	MR_ARENA arena = mr_arena_open();
	const char *owner = mr_dit_owner(arena, entry->dn);
	struct mr_import_item *own;

	(void)err;
	mr_progress(_("entries compared"), ++touching->seen, 0);
	if (!owner || (touching->copies && strcmp(owner, import->config->host) == 0))
		return 0;
	own = own_item(import, entry, owner);
	if (own && touching->service == MR_UNIX && mr_entry_is(entry, "posixAccount"))
		note_account(import, own, entry);
	else if (own && touching->service == MR_MAIL && mr_entry_value(entry, "mailRoutingAddress"))
		note_route(import, own, entry);
	else
		own = NULL;
	touch(import, own, entry, MR_IMPORT_USER, "uid");
	touch(import, own, entry, MR_IMPORT_ADDRESS, "mailLocalAddress");
	touch(import, own, entry, MR_IMPORT_ADDRESS, "mail");
	touch(import, own, entry, MR_IMPORT_ADDRESS, "mailReplFormerAddress");
	touch(import, own, entry, MR_IMPORT_MAILBOX, "mailRoutingAddress");
	touch(import, own, entry, MR_IMPORT_MAILBOX, "mailReplFormerAddress");
	return 0;
}

static int search(struct touching *touching, const char *filter, struct mr_error *err)
{
	/* By name: a password hash shall not come here. */
	static const char *const attrs[] = { "objectClass",
					     "uid",
					     "cn",
					     "loginShell",
					     "mail",
					     "mailLocalAddress",
					     "mailRoutingAddress",
					     "mailReplFormerAddress",
					     "mailReplForward",
					     "mailReplQuota",
					     "mailReplLocked",
					     NULL };
	struct mr_import *import = touching->import;
	struct mr_search find = { .base = mr_dit_all(touching->service),
				  .filter = filter,
				  .attrs = attrs };

	touching->copies = true;
	if (mr_directory_visit(import->dir, &find, visit, touching, err) < 0 &&
	    err->code != MR_E_NOT_FOUND)
		return -1;
	touching->copies = false;
	find.base = mr_dit_owned(import->arena, touching->service, import->config->host);
	if (mr_directory_visit(import->dir, &find, visit, touching, err) < 0 &&
	    err->code != MR_E_NOT_FOUND)
		return -1;
	return 0;
}

static void add_terms(struct mr_arena *arena, struct mr_buf *text, enum mr_service service,
		      const struct mr_import_item *item)
{
	mr_buf_puts(text, mr_filter(arena, "(uid=%s)", item->user->user));
	for (size_t i = 0; i < item->user->addresses.count; i++) {
		const char *address = item->user->addresses.items[i];

		mr_buf_puts(text, service == MR_MAIL
					  ? mr_filter(arena, "(mailLocalAddress=%s)", address)
					  : mr_filter(arena, "(mail=%s)", address));
		if (service == MR_MAIL)
			mr_buf_puts(text, mr_filter(arena, "(mailReplFormerAddress=%s)", address));
	}
	if (item->mailbox && service == MR_MAIL)
		mr_buf_puts(text,
			    mr_filter(arena, "(mailRoutingAddress=%s)(mailReplFormerAddress=%s)",
				      item->mailbox, item->mailbox));
}

static int search_some(struct touching *touching, struct mr_error *err)
{
	struct mr_import *import = touching->import;
	size_t at = 0;

	while (at < import->file->count) {
		MR_ARENA arena = mr_arena_open();
		MR_BUF text = { 0 };
		size_t terms = 0;

		mr_buf_puts(&text, "(|");
		for (; at < import->file->count && terms < AT_ONCE; at++)
			if (!import->items[at].user->bad) {
				add_terms(arena, &text, touching->service, &import->items[at]);
				terms++;
			}
		mr_buf_putc(&text, ')');
		if (terms && search(touching, mr_buf_text(&text), err) < 0)
			return -1;
	}
	return 0;
}

int mr_import_touch(struct mr_import *import, struct mr_error *err)
{
	static const enum mr_service services[] = { MR_MAIL, MR_UNIX };
	bool many = import->file->count >= MR_IMPORT_MANY;

	for (size_t i = 0; i < 2; i++) {
		struct touching touching = { .import = import, .service = services[i] };

		if ((many ? search(&touching, NULL, err) : search_some(&touching, err)) < 0)
			return -1;
	}
	return 0;
}
