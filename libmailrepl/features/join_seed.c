#include "features/join_seed.h"

#include <string.h>

#include "features/sync.h"

int mr_join_ask_home(struct mr_arena *arena, const struct mr_config *config,
		     const struct mr_join *join, enum mr_host_state *state, struct mr_error *err)
{
	const char *home = join->topology.home;
	const char *dn = mr_dit_host(arena, config->host, mr_dit_owned(arena, MR_MAIL, home));
	MR_DIRECTORY dir = NULL;
	struct mr_entry *entry;
	const char *word;

	if (mr_instance_open_peer(arena, config, mr_printf(arena, "%s/tls", join->folder), home,
				  &dir, err) < 0 ||
	    mr_directory_read(dir, arena, dn, NULL, &entry, err) < 0)
		return mr_fail_in(err, _("asking %s, the home of the domain, whether %s may join"),
				  home, config->host);
	if (!entry)
		return mr_fail(err, MR_E_NO_HOST, _("%s is not in the topology any more, says %s"),
			       config->host, home);
	word = mr_entry_value(entry, "mailReplState");
	*state = word && strcmp(word, mr_host_state_word(MR_JOINED)) == 0 ? MR_JOINED : MR_INVITED;
	return 0;
}

static int write_container(void *context, int fd, struct mr_error *err)
{
	const struct mr_sync_refill *refill = context;
	MR_ARENA arena = mr_arena_open();
	MR_BUF text = { 0 };

	mr_database_base(arena, refill->service == MR_MAIL ? MR_DB_MAIL_OWNED : MR_DB_UNIX_OWNED,
			 refill->config->host, &text);
	return mr_write_all(fd, text.data, text.len, err);
}

/* An owned database that is absent: from a peer's copy wherever there is one, as new only if there
 * is none and the home says that this host was never here. Anything else would delete what peers
 * still know. */
static int seed_owned(struct mr_arena *arena, const struct mr_config *config,
		      const struct mr_join *join, enum mr_service service, struct mr_seed *seed,
		      struct mr_error *err)
{
	struct mr_sync_refill *refill = MR_NEW(arena, struct mr_sync_refill);
	enum mr_host_state state = MR_INVITED;

	*refill = (struct mr_sync_refill){
		.config = config,
		.topology = &join->topology,
		.service = service,
		.tls_folder = mr_printf(arena, "%s/tls", join->folder),
	};
	if (mr_sync_find_refill(arena, refill, err) < 0)
		return -1;
	if (!refill->csn && strcmp(join->topology.home, config->host) == 0) {
		state = MR_JOINED;
	} else if (!refill->csn) {
		if (mr_join_ask_home(arena, config, join, &state, err) < 0)
			return -1;
	}
	/* Of a host that has joined, a copy without is one that is just being filled itself. */
	if (refill->from && (refill->csn || state == MR_INVITED)) {
		*seed = (struct mr_seed){
			mr_sync_write_refill, refill, !refill->csn,
			mr_printf(arena, _("refilled from the copy on %s"), refill->from), NULL
		};
		return 0;
	}
	if (state == MR_JOINED)
		return mr_fail(err, MR_E_UNAVAILABLE,
			       _("%s has joined before, but no host that answers holds a copy of "
				 "its %s: run this again when all "
				 "hosts can be reached"),
			       config->host, mr_service_name(service));
	*seed = (struct mr_seed){ write_container, refill, true, _("as new"), NULL };
	return 0;
}

int mr_join_seeds(struct mr_arena *arena, const struct mr_config *config,
		  const struct mr_join *join, struct mr_seed *seeds, struct mr_error *err)
{
	static const struct {
		enum mr_service service;
		enum mr_database owned, copy;
	} rows[] = { { MR_MAIL, MR_DB_MAIL_OWNED, MR_DB_MAIL },
		     { MR_UNIX, MR_DB_UNIX_OWNED, MR_DB_UNIX } };
	const struct mr_host *self = mr_topology_host(&join->topology, config->host);

	for (size_t i = 0; i < 2; i++) {
		struct mr_backup_source *source = MR_NEW(arena, struct mr_backup_source);

		*source = (struct mr_backup_source){ join->folder, &join->archive.manifest,
						     rows[i].service };
		seeds[rows[i].copy] = (struct mr_seed){ mr_backup_write_copy, source, false,
							_("from the archive"), NULL };
		if (mr_database_wanted(&join->topology, self, rows[i].owned) &&
		    !mr_database_exists(config, rows[i].owned) &&
		    seed_owned(arena, config, join, rows[i].service, &seeds[rows[i].owned], err) <
			    0)
			return -1;
	}
	return 0;
}
