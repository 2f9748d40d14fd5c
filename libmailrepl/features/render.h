/* From the model to the files of slapd, Postfix and Dovecot, by way of templates/MANIFEST. */
#ifndef MR_FEATURES_RENDER_H
#define MR_FEATURES_RENDER_H

#include "adapters/config.h"
#include "adapters/service.h"
#include "base/file.h"
#include "features/backup_mx.h"
#include "features/hardening.h"
#include "features/versions.h"
#include "model/plan.h"
#include "model/topology.h"

struct mr_rendered {
	const char *path; /* destination with root */
	const char *content;
	size_t len;
	const char *template; /* which it was rendered from: a path */
	struct mr_file_attrs attrs;
	enum mr_service_name service; /* which is checked before and reloaded after a change */
};

struct mr_rendering {
	struct mr_rendered *files;
	size_t count, size;
	struct mr_versions versions; /* for which it was made */
	const struct mr_topology *topology; /* the same; borrowed */
};

/* Numbers of the local users that slapd and Dovecot know by number. (uid_t)-1: not there. */
struct mr_render_ids {
	uid_t root; /* whom slapd takes for root over its socket: 0, or the caller under --root */
	uid_t openldap; /* whom slapd runs as: openldap, or a caller who is not root */
	uid_t postfix, dovecot;
	uid_t nslcd; /* only where its packages are installed */
	uid_t exim;  /* whom Exim runs as; only where it is the MTA */
};

/* What templates get to know of the machine. */
struct mr_render_machine {
	struct mr_render_ids ids;
	struct mr_versions versions;
	struct mr_backup_mx backup;
	struct mr_hardening hardening;
	struct mr_list peer_addresses; /* of the other hosts; where mail is managed */
};

/* Looks all that up. MR_E_CONFIG if a user is missing that this host needs: dovecot on mail servers
 * only, and neither that nor postfix or Debian-exim where mail is not managed; and what mr_backup_mx_read and
 * mr_hardening_read say. A host whose name says
 * nothing is warned of. */
int mr_render_machine_find(struct mr_arena *arena, const struct mr_config *config,
			   const struct mr_topology *topology, struct mr_render_machine *out,
			   struct mr_error *err) MR_MUST_CHECK;

/* Everything that templates may name, documented in templates/README.md. Pure: no file is read.
 * `config->host` is in the topology. */
struct mr_value *mr_render_context(struct mr_arena *arena, const struct mr_config *config,
				   const struct mr_topology *topology,
				   const struct mr_render_machine *machine, bool gate_closed);
/* What a role address becomes at the first look-up, if its mail is for `address`: that, or, if it lies in a mail domain or
 * at a host of ours, what stands for it in the queue, so that it is taken in while the directory is down. `key`: the mail
 * domain whose postmaster it is, or "localhost" for who stands in mail.postmaster. */
const char *mr_render_role(struct mr_arena *arena, const struct mr_topology *topology,
			   const char *key, const char *address);
/* Renders each row of MANIFEST whose condition (relay, server, all) holds for this host, but for
 * those of the MTA that it does not have, and in mode none of that which it has. Reads
 * templates (an override in /etc/mailrepl/templates wins), writes nothing. `gate_closed`: Postfix
 * answers 4xx instead of 5xx (soft_bounce). MR_E_CONFIG with file and line if a template or
 * MANIFEST is wrong; MR_E_NO_HOST if `config->host` is not in the topology. */
int mr_render(struct mr_arena *arena, const struct mr_config *config,
	      const struct mr_topology *topology, bool gate_closed, struct mr_rendering *out,
	      struct mr_error *err) MR_MUST_CHECK;
/* The same with `machine` given. */
int mr_render_as(struct mr_arena *arena, const struct mr_config *config,
		 const struct mr_topology *topology, const struct mr_render_machine *machine,
		 bool gate_closed, struct mr_rendering *out, struct mr_error *err) MR_MUST_CHECK;

/* MR_E_CONFIG, by name, if a program that gets files here is of a version that mailrepl cannot
 * configure; those of Postfix and Dovecot count only where they are managed. For the beginning of
 * a plan, before anything is changed. */
int mr_render_check_versions(const struct mr_config *config, const struct mr_rendering *rendering,
			     struct mr_error *err) MR_MUST_CHECK;

/* Steps for the files of one mail service (Postfix or Dovecot) that differ from what lies there:
 * check all of them staged together (`postfix check` and `postconf` warnings, `doveconf -n`), keep
 * the original (once) and what is there now, replace each, reload, see that the service serves;
 * otherwise what was there is put back (features/render_change.h). No step at all if nothing
 * differs and the service runs. slapd's configuration is features/instance.h's affair. With
 * config->mail_manage false: files only. */
int mr_render_plan(struct mr_arena *arena, const struct mr_config *config,
		   const struct mr_rendering *rendering, enum mr_service_name service,
		   struct mr_plan *plan, struct mr_error *err) MR_MUST_CHECK;

/* Its two halves, for whoever has something to do in between: the files; then the reload, or the
 * start. Both are planned before either is applied. */
int mr_render_files_plan(struct mr_arena *arena, const struct mr_config *config,
			 const struct mr_rendering *rendering, enum mr_service_name service,
			 struct mr_plan *plan, struct mr_error *err) MR_MUST_CHECK;
int mr_render_force_plan(struct mr_arena *arena, const struct mr_config *config,
			 const struct mr_rendering *rendering, enum mr_service_name service,
			 struct mr_plan *plan, struct mr_error *err) MR_MUST_CHECK;

/* One step back: what each service had before its last change, and what it has now, change places.
 * Steps; none if nothing is kept. slapd's configuration is the topology's. */
int mr_render_step_back_plan(struct mr_arena *arena, const struct mr_config *config,
			     struct mr_plan *plan, struct mr_error *err) MR_MUST_CHECK;

/* Appends what that changes, as unified diffs (features/render_diff.h). */
int mr_render_step_back_show(struct mr_arena *arena, const struct mr_config *config,
			     struct mr_buf *out, struct mr_error *err) MR_MUST_CHECK;

/* Puts back what one of them, or nslcd, had before mailrepl: steps, none if nothing is kept. */
int mr_render_service_undo_plan(struct mr_arena *arena, const struct mr_config *config,
				enum mr_service_name service, struct mr_plan *plan,
				struct mr_error *err) MR_MUST_CHECK;
/* Puts back what Postfix, Dovecot and the system's accounts (features/nss.h) had before mailrepl and removes our files: steps. */
int mr_render_undo_plan(struct mr_arena *arena, const struct mr_config *config,
			struct mr_plan *plan, struct mr_error *err) MR_MUST_CHECK;

#endif
