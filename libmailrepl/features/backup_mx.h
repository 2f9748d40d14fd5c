/* Backup MX: for which domains of other primaries this host takes mail, which recipients there are in them, and where
 * their mail goes. From two sources into one list, which templates see as {{backup.…}} (templates/README.md):
 * the table backup_mx.domains of mailrepl.conf, and what the topology says of every host that takes mail from outside. */
#ifndef MR_FEATURES_BACKUP_MX_H
#define MR_FEATURES_BACKUP_MX_H

#include "adapters/config.h"
#include "features/versions.h"
#include "model/topology.h"

enum mr_recipients {
	MR_RECIPIENTS_VERIFY,   /* the primary is asked */
	MR_RECIPIENTS_LIST,     /* a file of this host */
	MR_RECIPIENTS_DIRECTORY /* mailReplBackupRecipient */
};

struct mr_backup_domain {
	const char *name;
	const char *primary; /* nexthop as Postfix writes it; NULL: by its MX records */
	enum mr_recipients recipients;
	struct mr_list listed; /* MR_RECIPIENTS_LIST: their addresses; postmaster and abuse, unless the primary is asked */
};

struct mr_backup_mx {
	struct mr_backup_domain *domains; /* sorted by name */
	size_t count;
	bool permits; /* and what permit_mx_backup says (backup_mx.networks) */
};

/* Reads the lists of recipients too. MR_E_CONFIG, with file and setting, if a domain is one of ours (a mail domain, a
 * host, one of mail.destinations) or is there twice; if its primary is this host, or can only be found in DNS, and there is none; if its
 * list is missing, cannot be read, or has a line that is no address of that domain; or if permit_mx_backup is wanted
 * (backup_mx.networks) and this Postfix calls it deprecated. */
int mr_backup_mx_read(struct mr_arena *arena, const struct mr_config *config,
		      const struct mr_topology *topology, const struct mr_versions *versions,
		      struct mr_backup_mx *out, struct mr_error *err) MR_MUST_CHECK;

/* Does that host keep the mail of the topology's domains of other primaries? Relays do, and who takes mail from outside. */
bool mr_backup_mx_is_for(const struct mr_topology *topology, const char *host);

/* What templates see. `dns`: MX records are asked for. */
struct mr_value *mr_backup_mx_value(struct mr_arena *arena, const struct mr_backup_mx *backup,
				    bool dns);

#endif
