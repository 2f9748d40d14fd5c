#include "features/restore_uid.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "adapters/ldif.h"
#include "base/file.h"
#include "features/heard.h"
#include "features/instance.h"
#include "model/mailbox.h"

#define MARK "mailReplUidHighWater"

static void look_at(const struct mr_entry *entry, unsigned server_id, long long *highest)
{
	const char *mark = mr_entry_value(entry, MARK), *uid = mr_entry_value(entry, "uidNumber");
	long long index = mark ? strtoll(mark, NULL, 10) : -1, number;

	if (uid) {
		number = strtoll(uid, NULL, 10);
		/* One from another host's range came with a take-over. */
		if (number >= mr_uid_first(server_id) && number < mr_uid_end(server_id))
			index = number - mr_uid_first(server_id);
	}
	if (index > *highest)
		*highest = index;
}

int mr_restore_uid_mark(const char *path, unsigned server_id, long long *out, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), more;
	struct mr_entry *entry;
	struct mr_ldif *ldif;

	*out = 0;
	if (fd < 0)
		return mr_fail_errno(err, "%s", path);
	ldif = mr_ldif_open(fd, path);
	while ((more = mr_ldif_read(ldif, arena, &entry, err)) > 0) {
		look_at(entry, server_id, out);
		mr_arena_reset(arena);
	}
	mr_ldif_close(ldif);
	close(fd);
	if (more < 0) {
		err->code = MR_E_ARCHIVE;
		return -1;
	}
	if (mr_uid_first(server_id) + *out + MR_UID_GAP < mr_uid_end(server_id))
		*out += MR_UID_GAP;
	return 0;
}

static int raise_mark(struct mr_arena *arena, struct mr_directory *dir, const char *container,
		      long long wanted, struct mr_error *err)
{
	struct mr_mod mod = { .op = MR_MOD_REPLACE, .attr.name = MARK };
	struct mr_entry *entry;
	const char *has;

	if (mr_directory_read(dir, arena, container, NULL, &entry, err) < 0)
		return -1;
	has = entry ? mr_entry_value(entry, MARK) : NULL;
	if (!entry || (has && strtoll(has, NULL, 10) >= wanted))
		return 0;
	mr_list_add(arena, &mod.attr.values, mr_printf(arena, "%lld", wanted));
	return mr_directory_modify(dir, container, &mod, 1, err);
}

static int go_on(void *argument, struct mr_error *err)
{
	const struct mr_restore *restore = argument;
	const struct mr_host *self = mr_topology_host(&restore->topology, restore->config.host);
	MR_ARENA arena = mr_arena_open();
	const char *path = mr_printf(arena, "%s/unix-owned.ldif", restore->folder);
	MR_DIRECTORY dir = NULL;
	long long mark;

	if (mr_instance_open(arena, &restore->config, &dir, err) < 0)
		return -1;
	if (mr_path_exists(path) &&
	    (mr_restore_uid_mark(path, self->server_id, &mark, err) < 0 ||
	     raise_mark(arena, dir, mr_dit_owned(arena, MR_UNIX, self->name), mark, err) < 0))
		return -1;
	return mr_heard_note(&restore->config, dir, err);
}

void mr_restore_uid_plan(struct mr_arena *arena, struct mr_restore *restore, struct mr_plan *plan)
{
	mr_plan_action(arena, plan, go_on, restore,
		       mr_printf(arena,
				 _("go on with uidNumbers %d above those that the archive knows"),
				 MR_UID_GAP));
}
