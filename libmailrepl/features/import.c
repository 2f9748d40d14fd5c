#include "features/import.h"

#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/paths.h"
#include "features/import_touch.h"
#include "features/password_rules.h"

/* Who is named or addressed twice in the file. */
static void check_twice(struct mr_import *import, size_t i, enum mr_import_key key,
			const char *text)
{
	struct mr_import_user *user = import->items[i].user;
	size_t at = i;

	if (mr_import_index_add(import->index, key, text, &at) || at == i)
		return;
	mr_import_problem(import->file, user, 0,
			  mr_printf(import->arena, _("%s: also in line %lu"), text,
				    import->items[at].user->line));
}

static void check_item(struct mr_import *import, size_t i, const char *host)
{
	struct mr_import_item *item = &import->items[i];
	struct mr_import_user *user = item->user;
	const struct mr_user_request request = {
		.user = user->user,
		.addresses = user->addresses,
		.full_name = user->full_name,
		.services = user->services,
		.host = user->host ? user->host : host,
	};
	struct mr_error err;

	if (!user->bad &&
	    mr_user_wanted_parse(import->arena, import->topology, import->config->host, &request,
				 &item->wanted, &err) < 0)
		mr_import_problem(import->file, user, 0, err.message);
	if (!user->bad && user->password.data &&
	    mr_password_check(import->config, user->user, &user->password, &err) < 0)
		mr_import_problem(import->file, user, 0, err.message);
	if (user->user)
		check_twice(import, i, MR_IMPORT_USER, user->user);
	for (size_t j = 0; j < user->addresses.count; j++)
		check_twice(import, i, MR_IMPORT_ADDRESS, user->addresses.items[j]);
	if (user->bad || !item->wanted.mailbox)
		return;
	item->mailbox = mr_printf(import->arena, "%s@%s", user->user, item->wanted.owner->name);
	mr_import_index_add(import->index, MR_IMPORT_MAILBOX, item->mailbox, &i);
}

/* The mail of a user who is gone must not become that of a new one of the same name. */
static bool has_left_mail(const struct mr_import *import, const struct mr_import_item *item)
{
	MR_ARENA arena = mr_arena_open();

	return item->mailbox && !item->wanted.step_host &&
	       mr_path_exists(mr_printf(arena, "%s" MR_PATH_MAILBOXES "/%s", import->config->root,
					item->user->user));
}

static enum mr_import_state state_of(const struct mr_import *import,
				     const struct mr_import_item *item)
{
	if (item->user->bad)
		return MR_IMPORT_BAD;
	if (item->touched || (item->has_route && !item->has_account))
		return MR_IMPORT_OTHER;
	if (item->has_route)
		return strcasecmp(item->route_mailbox, item->account_mailbox) == 0
			       ? MR_IMPORT_DONE
			       : MR_IMPORT_OTHER;
	if (item->has_account)
		return item->wanted.mailbox ? MR_IMPORT_HALF : MR_IMPORT_DONE;
	return has_left_mail(import, item) ? MR_IMPORT_OTHER : MR_IMPORT_NEW;
}

/* What mr_account_add_plan does not know of. */
static void add_details(struct mr_import *import, const struct mr_import_item *item,
			struct mr_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		struct mr_entry *entry = plan->steps[i].entry, *full;
		bool account = entry && mr_entry_is(entry, "posixAccount");

		if (plan->steps[i].kind != MR_STEP_ADD ||
		    (!account && !mr_entry_value(entry, "mailLocalAddress")))
			continue;
		full = account ? mr_import_account(import->arena, item, "")
			       : mr_import_route(import->arena, item, "");
		for (size_t j = 0; j < full->count; j++) {
			const struct mr_attr *attr = &full->attrs[j];

			if (mr_starts_with(attr->name, "mailRepl"))
				mr_entry_add_list(import->arena, entry, attr->name, &attr->values);
		}
		if (mr_entry_is(full, "mailReplRecipient") &&
		    !mr_entry_is(entry, "mailReplRecipient"))
			mr_entry_add(import->arena, entry, "objectClass", "mailReplRecipient");
	}
}

/* Only what is wrong with the user is a problem of the file. */
static bool is_about_user(enum mr_error_code code)
{
	return code == MR_E_EXISTS || code == MR_E_INVALID || code == MR_E_USAGE ||
	       code == MR_E_DENIED;
}

static int decide_other(struct mr_import *import, size_t i, struct mr_error *err)
{
	struct mr_import_item *item = &import->items[i];
	const struct mr_import_user *user = item->user;
	const struct mr_user_request request = {
		.user = user->user,
		.addresses = user->addresses,
		.full_name = user->full_name,
		.services = user->services,
		.host = item->wanted.owner->name,
		.hash = user->password.data || user->hash.data ? &item->hash : NULL,
	};
	struct mr_user_outcome outcome;
	size_t of;

	if (mr_account_add_plan(import->arena, import->config, import->dir, import->topology,
				&request, &item->plan, &outcome, err) < 0) {
		if (!is_about_user(err->code))
			return -1;
		mr_import_problem(import->file, item->user, 0, err->message);
		item->state = MR_IMPORT_BAD;
		return 0;
	}
	item->mailbox = outcome.mailbox;
	if (outcome.route_added &&
	    mr_import_index_find(import->index, MR_IMPORT_MAILBOX, outcome.mailbox, &of) &&
	    of != i) {
		mr_import_problem(
			import->file, item->user, 0,
			mr_printf(import->arena,
				  _("the mailbox would be called %s, as that of line %lu"),
				  outcome.mailbox, import->items[of].user->line));
		item->state = MR_IMPORT_BAD;
		return 0;
	}
	add_details(import, item, &item->plan);
	if (!item->plan.count)
		item->state = MR_IMPORT_DONE;
	return 0;
}

static int decide(struct mr_import *import, struct mr_error *err)
{
	for (size_t i = 0; i < import->file->count; i++) {
		struct mr_import_item *item = &import->items[i];

		item->state = state_of(import, item);
		if (item->state == MR_IMPORT_HALF)
			item->mailbox = item->account_mailbox;
		if (item->state == MR_IMPORT_OTHER && decide_other(import, i, err) < 0)
			return -1;
		mr_progress(_("users checked"), i + 1, import->file->count);
	}
	return 0;
}

int mr_import_check(struct mr_arena *arena, const struct mr_config *config,
		    struct mr_directory *dir, const struct mr_topology *topology, const char *host,
		    struct mr_import_file *file, struct mr_import *out, struct mr_error *err)
{
	*out = (struct mr_import){
		.arena = arena,
		.config = config,
		.dir = dir,
		.topology = topology,
		.file = file,
		.items = MR_NEW_ARRAY(arena, struct mr_import_item, file->count + 1),
		.index = mr_import_index_open(),
	};
	for (size_t i = 0; i < file->count; i++) {
		out->items[i].user = &file->users[i];
		out->items[i].hash = file->users[i].hash;
		check_item(out, i, host);
	}
	if (mr_import_touch(out, err) < 0 || decide(out, err) < 0)
		return -1;
	mr_import_problems_sort(file);
	return 0;
}

void mr_import_close(struct mr_import *import)
{
	mr_import_index_close(import->index);
	mr_directory_close(import->again);
	mr_secret_close(&import->hashes);
	import->index = NULL;
}

struct mr_entry *mr_import_account(struct mr_arena *arena, const struct mr_import_item *item,
				   const char *container)
{
	const struct mr_account account = {
		.user = item->wanted.user,
		.full_name = item->wanted.full_name,
		.uid_number = item->uid_number,
		.addresses = item->wanted.addresses,
		.owner = item->wanted.owner->name,
		.routing_address = item->mailbox,
		.home = mr_printf(arena, "/home/%s", item->wanted.user),
		.shell = item->wanted.shell ? MR_SHELL : MR_NO_SHELL,
		.hash = item->hash.data ? &item->hash : NULL,
		.quota = item->user->quota,
		.locked = item->user->locked,
	};

	return mr_account_format(arena, &account, container);
}

struct mr_entry *mr_import_route(struct mr_arena *arena, const struct mr_import_item *item,
				 const char *container)
{
	struct mr_route route = {
		.user = item->wanted.user,
		.addresses = item->wanted.addresses,
		.owner = item->wanted.owner->name,
		.routing_address = item->mailbox,
		.access = item->user->access,
	};

	for (size_t i = 0; i < item->user->forward.count; i++)
		mr_list_add(arena, &route.forward, item->user->forward.items[i]);
	if (item->user->keep)
		mr_list_add(arena, &route.forward, item->mailbox);
	return mr_route_format(arena, &route, container);
}
