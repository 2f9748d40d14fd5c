/* Other hosts without a network: mr_instance_open_peer (wrapped, see meson.build) opens what a test says that they hold. */
#ifndef MR_TESTS_UNIT_PEERS_FIXTURE_H
#define MR_TESTS_UNIT_PEERS_FIXTURE_H

#include "test.h"

#include "features/instance.h"

/* LDIF; NULL: nobody answers. */
static const char *mail1, *mail2, *relay;

int __wrap_mr_instance_open_peer(struct mr_arena *arena, const struct mr_config *config,
				 const char *tls_folder, const char *host,
				 struct mr_directory **out, struct mr_error *err);
int __wrap_mr_instance_open_peer(struct mr_arena *arena, const struct mr_config *config,
				 const char *tls_folder, const char *host,
				 struct mr_directory **out, struct mr_error *err)
{
	const char *ldif = strcmp(host, "mail1.lan") == 0   ? mail1
			   : strcmp(host, "mail2.lan") == 0 ? mail2
							    : relay;

	(void)arena;
	(void)config;
	(void)tls_folder;
	if (!ldif)
		return mr_fail(err, MR_E_UNAVAILABLE, "%s: nobody answers", host);
	return mr_directory_open_memory(ldif, out, err);
}

#endif
