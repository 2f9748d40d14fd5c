/* templates/MANIFEST: which template becomes which file. */
#ifndef MR_FEATURES_RENDER_MANIFEST_H
#define MR_FEATURES_RENDER_MANIFEST_H

#include <sys/types.h>

#include "adapters/config.h"
#include "adapters/service.h"
#include "features/template.h"

enum mr_manifest_where { MR_WHERE_ALL, MR_WHERE_SERVER, MR_WHERE_RELAY, MR_WHERE_NSS };

struct mr_manifest_row {
	const char *source;      /* below the folder of templates */
	const char *destination; /* without root */
	const char *user, *group;
	mode_t mode;
	enum mr_escaping escaping;
	enum mr_service_name service;
	enum mr_manifest_where where;
};

struct mr_manifest {
	struct mr_manifest_row *rows; /* in the order of the file */
	size_t count;
};

/* Reads the installed one, or the override's. MR_E_CONFIG "<file>:<line>: …". */
int mr_manifest_read(struct mr_arena *arena, const struct mr_config *config,
		     struct mr_manifest *out, struct mr_error *err) MR_MUST_CHECK;
/* `nss`: a server that shows the accounts to its system. */
bool mr_manifest_applies(const struct mr_manifest_row *row, bool server, bool nss);

#endif
