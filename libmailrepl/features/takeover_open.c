#include "features/csn.h"
#include "features/takeover.h"

#include <string.h>

#include "adapters/reach.h"
#include "base/log.h"
#include "base/paths.h"
#include "features/identity.h"
#include "features/instance.h"
#include "features/sync.h"

#define SMTP 25
/* A host that is alive accepts at once; two lost packets are three seconds. */
#define PATIENCE 5000

/* Who adopts: the home, because it writes the topology; of the home's own, any mail server. */
static int check_adopter(const struct mr_config *config, const struct mr_topology *topology,
			 const struct mr_takeover *takeover, struct mr_error *err)
{
	const struct mr_host *self = mr_topology_host(topology, config->host);

	if (strcmp(takeover->gone, config->host) == 0)
		return mr_fail(err, MR_E_INVALID, _("%s is this host"), takeover->gone);
	if (!takeover->home && strcmp(topology->home, config->host) != 0)
		return mr_fail(err, MR_E_DENIED,
			       _("only the home takes over another host: run this on %s"),
			       topology->home);
	if (!self || self->state != MR_JOINED || !mr_host_is_server(self))
		return mr_fail(err, MR_E_INVALID, _("%s holds no mailboxes: %s"), config->host,
			       takeover->home ? _("run this on a mail server that has joined")
					      : _("run cl-setup unix first"));
	return 0;
}

static int check_silent(const struct mr_config *config, const char *gone, struct mr_error *err)
{
	int port = (int)config->directory_port;

	if (!mr_reachable(gone, port, PATIENCE)) {
		port = SMTP;
		if (!mr_reachable(gone, port, PATIENCE))
			return 0;
	}
	return mr_fail(err, MR_E_EXISTS,
		       _("%s answers on port %d: it is alive, and two hosts must not own the same "
			 "mailboxes. Switch it off for "
			 "good first; to move or remove mailboxes of a host that lives, work on "
			 "that host"),
		       gone, port);
}

/* A host that heard the last words of the one that is gone, if we have not. */
static int find_peer(struct mr_arena *arena, const struct mr_config *config,
		     const struct mr_topology *topology, struct mr_takeover *takeover, int i,
		     struct mr_error *err)
{
	const enum mr_service service = i == 0 ? MR_MAIL : MR_UNIX;
	const struct mr_host *gone = mr_topology_host(topology, takeover->gone);
	char *best, *csn;

	if (mr_csn_read(arena, takeover->dir, mr_dit_all(service), gone->server_id, &best, err) < 0)
		return -1;
	for (size_t j = 0; j < topology->count; j++) {
		const struct mr_host *host = &topology->hosts[j];
		struct mr_directory *peer = NULL;

		if (host == gone || host->state != MR_JOINED ||
		    !(host->services & (unsigned)service) || strcmp(host->name, config->host) == 0)
			continue;
		if (mr_instance_open_peer(arena, config, NULL, host->name, &peer, err) < 0 ||
		    mr_csn_read(arena, peer, mr_dit_all(service), gone->server_id, &csn, err) < 0) {
			mr_log(MR_LOG_WARNING,
			       _("%s cannot be asked whether it knows more of %s: %s"), host->name,
			       takeover->gone, err->message);
			mr_directory_close(peer);
			continue;
		}
		if (!csn || (best && strcmp(csn, best) <= 0)) {
			mr_directory_close(peer);
			continue;
		}
		mr_log(MR_LOG_INFO,
		       _("%s knows more of the %s of %s than this host: taken from there"),
		       host->name, mr_service_name(service), takeover->gone);
		mr_directory_close(takeover->peers[i]);
		takeover->peers[i] = peer;
		best = csn;
	}
	return 0;
}

static bool is_full_of(const void *context, const struct mr_manifest *manifest)
{
	return !manifest->for_host && strcmp(manifest->host, context) == 0;
}

/* The CA's key: here from an earlier run, or in the archive that the home made of itself. */
static int find_ca(struct mr_arena *arena, const struct mr_config *config,
		   struct mr_takeover *takeover, struct mr_error *err)
{
	const char *cert = mr_path(arena, config->root, MR_PATH_CA_CERT);
	const char *tls;

	if (mr_identity_read(arena, cert, mr_path(arena, config->root, MR_PATH_CA_KEY),
			     &takeover->ca, err) == 0)
		return mr_tls_check(&takeover->ca, takeover->ca.cert, err);
	if (mr_backup_place(arena, config, "take-over", &takeover->folder, err) < 0)
		return -1;
	if (mr_backup_newest(arena, config, is_full_of, takeover->gone, takeover->folder,
			     &takeover->archive, err) < 0) {
		if (err->code != MR_E_NOT_FOUND)
			return -1;
		return mr_fail(
			err, MR_E_NOT_FOUND,
			_("the key of the domain's certification authority lies on %s and in its "
			  "full archive only: copy "
			  "the newest <time>-%s.tar.bz2 into %s here, then run this again. Without "
			  "it nobody can be made "
			  "the home; set the domain up again with cl-setup (nothing was changed)"),
			takeover->gone, takeover->gone,
			mr_path(arena, config->root, config->backup_folder));
	}
	tls = mr_printf(arena, "%s/tls", takeover->folder);
	if (mr_identity_read(arena, mr_printf(arena, "%s/ca.crt", tls),
			     mr_printf(arena, "%s/ca.key", tls), &takeover->ca, err) < 0 ||
	    mr_tls_check(&takeover->ca, takeover->ca.cert, err) < 0)
		return mr_fail_in(err, "%s", takeover->archive.path);
	return 0;
}

/* An archive of another domain, or of before the CA was made again, must not change whom this host
 * trusts. */
static int check_ca(struct mr_arena *arena, const struct mr_config *config,
		    const struct mr_takeover *takeover, struct mr_error *err)
{
	struct mr_identity own = { 0 };
	int result = mr_identity_read(arena, mr_path(arena, config->root, MR_PATH_HOST_CERT),
				      mr_path(arena, config->root, MR_PATH_HOST_KEY), &own, err);

	if (result == 0)
		result = mr_tls_check(&own, takeover->ca.cert, err);
	mr_identity_close(&own);
	if (result < 0)
		return mr_fail_in(
			err, _("the certification authority in %s is not that of this host"),
			takeover->archive.path ? takeover->archive.path : MR_PATH_CA_CERT);
	return 0;
}

/* A run that was killed after the topology: what is left of the host is in our copies alone. */
static int check_left(struct mr_arena *arena, const struct mr_takeover *takeover,
		      struct mr_error *err)
{
	static const char *const attrs[] = { "cn", NULL };
	struct mr_entry *entry;

	if (mr_directory_read(takeover->dir, arena, mr_dit_copy(arena, MR_MAIL, takeover->gone),
			      attrs, &entry, err) < 0)
		return -1;
	return entry ? 0
		     : mr_fail(err, MR_E_NO_HOST,
			       _("%s is not in the topology (cl-replication -l lists it)"),
			       takeover->gone);
}

int mr_takeover_open(struct mr_arena *arena, const struct mr_config *config,
		     struct mr_directory *dir, const struct mr_topology *topology,
		     struct mr_takeover *takeover, struct mr_error *err)
{
	takeover->dir = dir;
	takeover->home = strcmp(topology->home, takeover->gone) == 0;
	if (check_adopter(config, topology, takeover, err) < 0)
		return -1;
	if (!mr_topology_host(topology, takeover->gone))
		return check_left(arena, takeover, err);
	if (check_silent(config, takeover->gone, err) < 0)
		return -1;
	if (takeover->home && (find_ca(arena, config, takeover, err) < 0 ||
			       check_ca(arena, config, takeover, err) < 0))
		return -1;
	for (int i = 0; i < 2; i++)
		if (find_peer(arena, config, topology, takeover, i, err) < 0)
			return -1;
	return 0;
}

void mr_takeover_close(struct mr_takeover *takeover)
{
	struct mr_error err;

	mr_identity_close(&takeover->ca);
	for (size_t i = 0; i < takeover->count; i++)
		mr_identity_close(&takeover->hosts[i]);
	for (size_t i = 0; i < 2; i++)
		mr_directory_close(takeover->peers[i]);
	if (takeover->folder && mr_tree_remove(takeover->folder, &err) < 0)
		mr_log(MR_LOG_WARNING, "%s", err.message);
	*takeover = (struct mr_takeover){ 0 };
}
