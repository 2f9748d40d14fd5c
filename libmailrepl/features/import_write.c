#include "features/import_write.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "features/instance.h"
#include "features/may_write.h"

#define HIGH_WATER "mailReplUidHighWater"
#define TRIES 20

bool mr_import_is_at(const struct mr_import_item *item, const struct mr_host *host)
{
	return (item->state == MR_IMPORT_NEW || item->state == MR_IMPORT_HALF) &&
	       item->wanted.owner == host;
}

/* *out = the owner's directory; `peer` is to be closed. */
static int open_owner(struct mr_import *import, const struct mr_host *host,
		      struct mr_directory **peer, struct mr_directory **out, struct mr_error *err)
{
	bool own = strcmp(host->name, import->config->host) == 0;

	if (!own &&
	    mr_instance_open_peer(import->arena, import->config, NULL, host->name, peer, err) < 0)
		return -1;
	*out = own ? import->dir : *peer;
	return mr_may_write(import->config, import->dir, *out, own ? NULL : host->name, err);
}

/* Takes `count` numbers after *mark: 1; 0: somebody else has taken some meanwhile. */
static int raise_mark(struct mr_arena *arena, struct mr_directory *dir, const struct mr_host *host,
		      size_t count, long long *mark, struct mr_error *err)
{
	static const char *const attrs[] = { HIGH_WATER, NULL };
	const char *container = mr_dit_owned(arena, MR_UNIX, host->name);
	struct mr_mod mods[] = { { .op = MR_MOD_DELETE, .attr.name = HIGH_WATER },
				 { .op = MR_MOD_ADD, .attr.name = HIGH_WATER } };
	long long most = mr_uid_end(host->server_id) - mr_uid_first(host->server_id) - 1;
	struct mr_entry *entry;
	const char *text;

	if (mr_directory_read(dir, arena, container, attrs, &entry, err) < 0)
		return -1;
	text = entry ? mr_entry_value(entry, HIGH_WATER) : NULL;
	if (!text)
		return mr_fail(err, MR_E_NOT_FOUND, _("%s has no %s"), container, HIGH_WATER);
	*mark = atoll(text);
	if (*mark < 0 || (long long)count > most - *mark)
		return mr_fail(err, MR_E_INVALID,
			       _("%s has no %zu uidNumbers left in its range %lld to %lld"),
			       host->name, count, mr_uid_first(host->server_id),
			       mr_uid_end(host->server_id) - 1);
	mr_list_add(arena, &mods[0].attr.values, text);
	mr_list_add(arena, &mods[1].attr.values,
		    mr_printf(arena, "%lld", *mark + (long long)count));
	if (mr_directory_modify(dir, container, mods, 2, err) == 0)
		return 1;
	return err->code == MR_E_EXISTS ? 0 : -1;
}

int mr_import_number(struct mr_import *import, const struct mr_host *host, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	MR_DIRECTORY peer = NULL;
	struct mr_directory *dir;
	size_t count = 0;
	long long mark = 0;
	int rc = 0;

	for (size_t i = 0; i < import->file->count; i++)
		count += mr_import_is_at(&import->items[i], host) &&
			 import->items[i].state == MR_IMPORT_NEW;
	if (open_owner(import, host, &peer, &dir, err) < 0)
		return -1;
	for (int i = 0; rc == 0 && i < TRIES; i++)
		rc = raise_mark(arena, dir, host, count, &mark, err);
	if (rc <= 0)
		return rc < 0 ? -1
			      : mr_fail(err, MR_E_TEMPORARY, _("others take uidNumbers of %s"),
					host->name);
	for (size_t i = 0; i < import->file->count; i++)
		if (mr_import_is_at(&import->items[i], host) &&
		    import->items[i].state == MR_IMPORT_NEW)
			import->items[i].uid_number = mr_uid_first(host->server_id) + ++mark;
	return 0;
}

static int write_one(struct mr_directory *dir, const struct mr_import_item *item,
		     const struct mr_host *host, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *accounts = mr_dit_owned(arena, MR_UNIX, host->name);
	const char *routes = mr_dit_owned(arena, MR_MAIL, host->name);

	if (item->state == MR_IMPORT_NEW &&
	    mr_directory_add(dir, mr_import_account(arena, item, accounts), err) < 0)
		return mr_fail_in(err, _("line %lu: adding account %s"), item->user->line,
				  item->wanted.user);
	if (item->wanted.mailbox &&
	    mr_directory_add(dir, mr_import_route(arena, item, routes), err) < 0)
		return mr_fail_in(err, _("line %lu: adding route %s"), item->user->line,
				  item->wanted.user);
	mr_audit("import: added user %s at %s", item->wanted.user, host->name);
	return 0;
}

int mr_import_write(struct mr_import *import, const struct mr_host *host, struct mr_error *err)
{
	MR_DIRECTORY peer = NULL;
	struct mr_directory *dir;
	size_t done = 0, count = 0;

	for (size_t i = 0; i < import->file->count; i++)
		count += mr_import_is_at(&import->items[i], host);
	if (open_owner(import, host, &peer, &dir, err) < 0)
		return -1;
	for (size_t i = 0; i < import->file->count; i++) {
		if (!mr_import_is_at(&import->items[i], host))
			continue;
		if (write_one(dir, &import->items[i], host, err) < 0)
			return -1;
		mr_progress(_("users added"), ++done, count);
	}
	return 0;
}
