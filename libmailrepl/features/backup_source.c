#include "features/backup.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/ldif.h"
#include "features/backup_ldif.h"
#include "features/backup_manifest.h"
#include "features/csn.h"

#define NEVER "entryDN", "subschemaSubentry", "hasSubordinates"

static const char *const kept_drops[] = { NEVER, "contextCSN", NULL };
static const char *const fresh_drops[] = {
	NEVER,          "contextCSN",      "structuralObjectClass", "entryUUID",       "entryCSN",
	"creatorsName", "createTimestamp", "modifiersName",         "modifyTimestamp", NULL
};

/* *fd = -1 if the archive did not hold it. */
static int open_member(const struct mr_backup_source *source, const char *what, const char **name,
		       int *fd, struct mr_arena *arena, struct mr_error *err)
{
	const char *path;

	*name = mr_printf(arena, "%s-%s.ldif", mr_service_name(source->service), what);
	path = mr_printf(arena, "%s/%s", source->folder, *name);
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (*fd < 0 && mr_path_exists(path))
		return mr_fail_errno(err, "%s", path);
	return 0;
}

/* The contextCSNs of the first record, which is the base; `fd` is at the beginning again
 * afterwards. */
static int head_csns(struct mr_arena *arena, int fd, const char *name, struct mr_list *out,
		     struct mr_error *err)
{
	const struct mr_attr *csns;
	struct mr_entry *base;
	struct mr_ldif *ldif;
	int rc;

	*out = (struct mr_list){ 0 };
	if (fd < 0)
		return 0;
	ldif = mr_ldif_open(fd, name);
	rc = mr_ldif_read(ldif, arena, &base, err);
	mr_ldif_close(ldif);
	if (rc < 0) {
		if (err->code == MR_E_INVALID)
			err->code = MR_E_ARCHIVE;
		return -1;
	}
	csns = rc ? mr_entry_attr(base, "contextCSN") : NULL;
	if (csns)
		*out = csns->values;
	return lseek(fd, 0, SEEK_SET) == 0 ? 0 : mr_fail_errno(err, "%s", name);
}

/* Databases are dumped one after the other. Where both know a serverID the older CSN counts: too
 * old makes the consumer ask for what it has, too new makes it miss something for ever. What the
 * copy says of the maker is dropped with its container. */
static const char *merge_csns(struct mr_arena *arena, const struct mr_list *owned,
			      const struct mr_list *copied, unsigned maker)
{
	MR_BUF lines = { 0 };

	for (size_t i = 0; i < owned->count; i++) {
		const char *other = mr_csn_of(copied, mr_csn_server_id(owned->items[i]));
		bool older = other && strcmp(other, owned->items[i]) < 0;

		mr_buf_printf(&lines, "contextCSN: %s\n", older ? other : owned->items[i]);
	}
	for (size_t i = 0; i < copied->count; i++) {
		unsigned server = mr_csn_server_id(copied->items[i]);

		if (server != maker && !mr_csn_of(owned, server))
			mr_buf_printf(&lines, "contextCSN: %s\n", copied->items[i]);
	}
	return mr_strdup(arena, mr_buf_text(&lines));
}

static int write_maker(const struct mr_backup_source *source, struct mr_arena *arena, int in,
		       int out, struct mr_error *err)
{
	const char *host = source->manifest->host;
	const char *name = mr_printf(arena, "%s-owned.ldif", mr_service_name(source->service));
	const struct mr_manifest_member *member = mr_manifest_member(source->manifest, name);

	return mr_ldif_rewrite(
		&(struct mr_ldif_rewrite){ name, mr_dit_owned(arena, source->service, host),
					   mr_dit_copy(arena, source->service, host), kept_drops,
					   NULL, member ? member->size : 0, NULL, NULL },
		in, out, err);
}

/* The base and the containers of all but the maker; `csns` are the maker's. */
static int write_copies(const struct mr_backup_source *source, struct mr_arena *arena,
			const struct mr_list *csns, bool merged, int out, struct mr_error *err)
{
	static const struct mr_list none = { 0 };
	const char *all = mr_dit_all(source->service), *name, *lines = "";
	struct mr_list copied;
	int in, rc;

	if (open_member(source, "copies", &name, &in, arena, err) < 0)
		return -1;
	if (in < 0)
		return mr_fail(err, MR_E_NOT_FOUND, _("the archive holds no %s"), name);
	rc = head_csns(arena, in, name, &copied, err);
	/* Of what is newer than the archive nothing is merged. */
	for (size_t i = 0; rc == 0 && !merged && i < csns->count; i++)
		lines = mr_printf(arena, "%scontextCSN: %s\n", lines, csns->items[i]);
	if (rc == 0)
		rc = mr_ldif_rewrite(
			&(struct mr_ldif_rewrite){
				name, all, all, kept_drops,
				mr_printf(arena, "%s%s", lines,
					  merge_csns(arena, merged ? csns : &none, &copied,
						     source->manifest->server_id)),
				0, NULL, NULL },
			in, out, err);
	close(in);
	return rc;
}

int mr_backup_write_copy(void *argument, int fd, struct mr_error *err)
{
	const struct mr_backup_source *source = argument;
	MR_ARENA arena = mr_arena_open();
	struct mr_list csns;
	const char *name;
	int in, rc;

	if (open_member(source, "owned", &name, &in, arena, err) < 0)
		return -1;
	rc = head_csns(arena, in, name, &csns, err);
	if (rc == 0)
		rc = write_copies(source, arena, &csns, true, fd, err);
	if (rc == 0 && in >= 0)
		rc = write_maker(source, arena, in, fd, err);
	if (in >= 0)
		close(in);
	return rc;
}

int mr_backup_write_others(void *argument, int fd, struct mr_error *err)
{
	const struct mr_list none = { 0 };

	return mr_backup_write_others_with(argument, &none, fd, err);
}

int mr_backup_write_others_with(const struct mr_backup_source *source, const struct mr_list *csns,
				int fd, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();

	return write_copies(source, arena, csns, false, fd, err);
}

int mr_backup_write_maker(const struct mr_backup_source *source, int in, int fd,
			  struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();

	return write_maker(source, arena, in, fd, err);
}

int mr_backup_write_owned(void *argument, int fd, struct mr_error *err)
{
	const struct mr_backup_source *source = argument;
	MR_ARENA arena = mr_arena_open();
	const char *suffix = mr_dit_owned(arena, source->service, source->manifest->host), *name;
	int in, rc;

	if (open_member(source, "owned", &name, &in, arena, err) < 0)
		return -1;
	if (in < 0)
		return mr_fail(err, MR_E_NOT_FOUND, _("the archive holds no %s"), name);
	rc = mr_ldif_rewrite(
		&(struct mr_ldif_rewrite){ name, suffix, suffix, fresh_drops, NULL, 0, NULL, NULL },
		in, fd, err);
	close(in);
	return rc;
}

int mr_backup_write_both(const struct mr_backup_source *source, const struct mr_stamp *stamp,
			 int owned, int copy, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *host = source->manifest->host, *name, *line;
	const char *suffix = mr_dit_owned(arena, source->service, host);
	struct mr_list csns = { 0 };
	char csn[MR_CSN_SIZE];
	int in, rc;

	mr_ldif_context_csn(stamp, csn);
	mr_list_add(arena, &csns, csn);
	line = mr_printf(arena, "contextCSN: %s\n", csn);
	if (open_member(source, "owned", &name, &in, arena, err) < 0)
		return -1;
	if (in < 0)
		return mr_fail(err, MR_E_NOT_FOUND, _("the archive holds no %s"), name);
	rc = write_copies(source, arena, &csns, false, copy, err);
	if (rc == 0)
		rc = mr_ldif_rewrite(
			&(struct mr_ldif_rewrite){
				name, suffix, suffix, fresh_drops, line, 0, stamp,
				&(struct mr_ldif_second){ mr_dit_copy(arena, source->service, host),
							  NULL, copy } },
			in, owned, err);
	close(in);
	return rc;
}
