#include "features/restore_seed.h"

#include <errno.h>
#include <unistd.h>

#include "adapters/ldif.h"
#include "base/process.h"
#include "features/stamp.h"

/* The configuration that databases are loaded with looks for this one in the folder beside. */
static int show_owned(struct mr_arena *arena, const struct mr_restore_seed *seed,
		      struct mr_error *err)
{
	const char *from =
		mr_printf(arena, "%s/data.mdb", mr_database_path(arena, seed->config, seed->owned));
	const char *beside =
		mr_printf(arena, "%s/%s/data.mdb", mr_database_loading(arena, seed->config),
			  mr_database_word(seed->owned));

	return symlink(from, beside) < 0 ? mr_fail_errno(err, "%s", beside) : 0;
}

static int dump(struct mr_arena *arena, const struct mr_restore_seed *seed, struct mr_child **child,
		int *fd, struct mr_error *err)
{
	return mr_database_dump(
		mr_printf(arena, "%s/slapd.d", mr_database_loading(arena, seed->config)),
		mr_database_suffix(arena, seed->owned, seed->config->host), NULL, child, fd, err);
}

/* They stand on the first entry; the rest is of no interest here. */
static int read_csns(struct mr_arena *arena, const struct mr_restore_seed *seed,
		     struct mr_list *out, struct mr_error *err)
{
	const struct mr_attr *csns = NULL;
	struct mr_child *child;
	struct mr_entry *base;
	struct mr_ldif *ldif;
	int fd, rc;

	if (dump(arena, seed, &child, &fd, err) < 0)
		return -1;
	ldif = mr_ldif_open(fd, mr_database_word(seed->owned));
	rc = mr_ldif_read(ldif, arena, &base, err);
	mr_ldif_close(ldif);
	mr_process_kill(child);
	if (rc > 0)
		csns = mr_entry_attr(base, "contextCSN");
	if (csns)
		*out = csns->values;
	return rc < 0 ? -1 : 0;
}

static int write_container(struct mr_arena *arena, const struct mr_restore_seed *seed, int fd,
			   struct mr_error *err)
{
	struct mr_child *child;
	int in;

	if (dump(arena, seed, &child, &in, err) < 0)
		return -1;
	if (mr_backup_write_maker(&seed->source, in, fd, err) < 0) {
		mr_process_kill(child);
		return -1;
	}
	return mr_process_end(child, err);
}

int mr_restore_write_copy(void *context, int fd, struct mr_error *err)
{
	const struct mr_restore_seed *seed = context;
	MR_ARENA arena = mr_arena_open();
	struct mr_list csns = { 0 };

	if (mr_database_exists(seed->config, seed->owned) &&
	    (show_owned(arena, seed, err) < 0 || read_csns(arena, seed, &csns, err) < 0))
		return -1;
	if (mr_backup_write_others_with(&seed->source, &csns, fd, err) < 0)
		return -1;
	/* Without one the consumer asks for all of it. */
	return csns.count ? write_container(arena, seed, fd, err) : 0;
}

int mr_restore_write_owned(void *context, int fd, struct mr_error *err)
{
	struct mr_restore_seed *seed = context;

	return mr_backup_write_owned(&seed->source, fd, err);
}

int mr_restore_write_both(void *context, int owned, int copy, struct mr_error *err)
{
	const struct mr_restore_seed *seed = context;
	struct mr_stamp stamp;

	mr_stamp_now(seed->source.manifest->server_id, &stamp);
	return mr_backup_write_both(&seed->source, &stamp, owned, copy, err);
}
