#include "features/quota.h"

#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/paths.h"
#include "model/dit.h"
#include "model/mailbox.h"

#define GROUP "dovecot"
/* Dovecot's auth_username_chars: nobody else logs in, and nothing else may stand between colons. */
#define ID_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789.-_@+'=&"

static void add_limit(struct mr_arena *arena, const struct mr_entry *entry, struct mr_list *lines)
{
	struct mr_account account;
	struct mr_error err = { 0 };

	if (mr_account_parse(arena, entry, &account, &err) < 0) {
		/* The others' limits must not wait until somebody has mended it. */
		mr_log(MR_LOG_DEBUG, "%s", err.message);
		return;
	}
	if (!account.quota || !account.routing_address ||
	    account.routing_address[strspn(account.routing_address, ID_CHARACTERS)])
		return;
	mr_list_add(arena, lines,
		    mr_printf(arena, "%s:::::::userdb_quota_rule=*:bytes=%lld\n",
			      account.routing_address, account.quota));
}

const char *mr_quota_format(struct mr_arena *arena, const struct mr_entries *accounts)
{
	struct mr_list lines = { 0 };

	for (size_t i = 0; i < accounts->count; i++)
		add_limit(arena, accounts->items[i], &lines);
	mr_list_sort(&lines);
	return mr_printf(arena, "# Written by mailrepl: limits of mailboxes.\n%s",
			 mr_list_join(arena, &lines, ""));
}

/* Only root gives it to Dovecot; under --root nobody runs one. */
static int find_attrs(const struct mr_config *config, struct mr_file_attrs *out,
		      struct mr_error *err)
{
	*out = MR_FILE_PRIVATE;
	if (!config->mail_manage || *config->root)
		return 0;
	out->mode = 0640;
	out->uid = 0;
	return mr_group_id(GROUP, &out->gid, err);
}

int mr_quota_write(const struct mr_config *config, struct mr_directory *dir, struct mr_error *err)
{
	static const char *const attrs[] = {
		"uid",           "uidNumber",     "mailHost", "mailRoutingAddress",
		"mailReplQuota", "homeDirectory", NULL
	};
	MR_ARENA arena = mr_arena_open();
	const struct mr_search limits = {
		.base = mr_dit_owned(arena, MR_UNIX, config->host),
		.scope = MR_SCOPE_SUBTREE,
		.filter = "(&(objectClass=posixAccount)(mailReplQuota=*))",
		.attrs = attrs,
	};
	const char *path = mr_path(arena, config->root, MR_PATH_QUOTA), *text;
	struct mr_entries accounts = { 0 };
	struct mr_file_attrs file;

	if (mr_directory_list(dir, arena, &limits, &accounts, err) < 0 ||
	    find_attrs(config, &file, err) < 0)
		return -1;
	text = mr_quota_format(arena, &accounts);
	if (mr_file_same(path, text, strlen(text), file))
		return 0;
	return mr_file_replace(path, text, strlen(text), file, err);
}

bool mr_quota_written(const struct mr_config *config)
{
	MR_ARENA arena = mr_arena_open();

	return mr_path_exists(mr_path(arena, config->root, MR_PATH_QUOTA));
}
