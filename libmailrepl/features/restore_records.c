#include "features/restore_records.h"

#include <fcntl.h>
#include <unistd.h>

#include "adapters/ldif.h"

int mr_restore_records(struct mr_arena *arena, const struct mr_restore *restore,
		       enum mr_service service, mr_restore_record_user use, void *context,
		       struct mr_error *err)
{
	const char *name = mr_printf(arena, "%s-owned.ldif", mr_service_name(service));
	const char *path = mr_printf(arena, "%s/%s", restore->folder, name);
	MR_ARENA scratch = mr_arena_open();
	struct mr_entry *entry;
	struct mr_ldif *ldif;
	int fd, more;

	if (!mr_path_exists(path))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return mr_fail_errno(err, "%s", path);
	ldif = mr_ldif_open(fd, name);
	while ((more = mr_ldif_read(ldif, scratch, &entry, err)) > 0) {
		if (use(context, scratch, entry, err) < 0) {
			more = -1;
			break;
		}
		mr_arena_reset(scratch);
	}
	mr_ldif_close(ldif);
	close(fd);
	return more;
}
