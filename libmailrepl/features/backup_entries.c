#include "features/backup_entries.h"

#include <string.h>

#include "adapters/directory.h"
#include "features/backup_ldif.h"
#include "model/dit.h"

#define DN_MOST 4096

const char *mr_backup_base(struct mr_arena *arena, const struct mr_manifest *manifest,
			   const char *name)
{
	enum mr_service service = mr_starts_with(name, "unix-") ? MR_UNIX : MR_MAIL;

	if (strcmp(name, "mail-owned.ldif") == 0 || strcmp(name, "unix-owned.ldif") == 0)
		return mr_dit_owned(arena, service, manifest->host);
	if (strcmp(name, "mail-copies.ldif") == 0 || strcmp(name, "unix-copies.ldif") == 0)
		return mr_dit_all(service);
	return NULL;
}

static int check_dn(struct mr_arena *arena, const char *name, const char *base, const char *dn,
		    bool first, struct mr_error *err)
{
	size_t len = strlen(dn);

	if (len > DN_MOST || !mr_dn_value(arena, dn))
		return mr_fail(err, MR_E_ARCHIVE, _("%s: malformed DN %.200s"), name, dn);
	if (!mr_ldif_dn_below(dn, len, base))
		return mr_fail(err, MR_E_ARCHIVE, _("%s: %s does not belong here"), name, dn);
	if (first && len != strlen(base))
		return mr_fail(err, MR_E_ARCHIVE, _("%s: the first entry is not %s"), name, base);
	return 0;
}

int mr_backup_entries_check(struct mr_ldif *ldif, const char *name, const char *base,
			    int64_t *count, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_entry *entry;
	int more;

	*count = 0;
	while ((more = mr_ldif_read(ldif, arena, &entry, err)) > 0) {
		if (check_dn(arena, name, base, entry->dn, *count == 0, err) < 0)
			return -1;
		(*count)++;
		mr_arena_reset(arena);
	}
	if (more < 0 && err->code == MR_E_INVALID)
		err->code = MR_E_ARCHIVE;
	return more;
}
