#include "features/claim.h"

#include <string.h>

int mr_claims_list(struct mr_arena *arena, const struct mr_config *config, struct mr_directory *dir,
		   enum mr_service service, const char *filter, const char *const *attrs,
		   struct mr_entries *out, struct mr_error *err)
{
	struct mr_search find = { .base = mr_dit_all(service), .filter = filter, .attrs = attrs };
	struct mr_entries copies = { 0 };

	if (mr_directory_list(dir, arena, &find, &copies, err) < 0)
		return -1;
	for (size_t i = 0; i < copies.count; i++) {
		const char *owner = mr_dit_owner(arena, copies.items[i]->dn);

		if (!owner || strcmp(owner, config->host) != 0)
			mr_entries_add(arena, out, copies.items[i]);
	}
	find.base = mr_dit_owned(arena, service, config->host);
	return mr_directory_list(dir, arena, &find, out, err);
}
