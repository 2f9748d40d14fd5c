#include "features/render.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/reach.h"
#include "base/log.h"
#include "base/paths.h"
#include "features/mta.h"
#include "features/nss.h"
#include "features/render_manifest.h"
#include "features/render_own.h"
#include "features/render_template.h"

struct renderer {
	struct mr_arena *arena;
	const struct mr_config *config;
	const struct mr_value *values;
};

/* A user that this host does not need may be missing. */
static int find_id(const char *user, bool needed, uid_t *uid, struct mr_error *err)
{
	if (mr_user_id(user, uid, NULL, err) == 0)
		return 0;
	*uid = (uid_t)-1;
	return needed ? -1 : 0;
}

static int find_ids(const struct mr_config *config, const struct mr_topology *topology,
		    struct mr_render_ids *out, struct mr_error *err)
{
	const struct mr_host *self = mr_topology_host(topology, config->host);
	bool managed = config->mail_manage && !*config->root;
	bool server = self && mr_host_is_server(self);
	bool routed = managed && !(self && self->mode == MR_MODE_NONE);
	uid_t caller = geteuid();
	struct mr_error absent;

	out->root = caller;
	out->openldap = caller;
	if (caller == 0 && mr_user_id("openldap", &out->openldap, NULL, err) < 0)
		return -1;
	if (find_id("postfix", routed && mr_mta(config) == MR_SERVICE_POSTFIX, &out->postfix,
		    err) < 0)
		return -1;
	out->exim = (uid_t)-1;
	if (mr_mta(config) == MR_SERVICE_EXIM &&
	    find_id("Debian-exim", routed, &out->exim, err) < 0)
		return -1;
	out->nslcd = (uid_t)-1;
	if (managed && mr_nss_check(&absent) == 0 && find_id("nslcd", true, &out->nslcd, err) < 0)
		return -1;
	return find_id("dovecot", managed && server, &out->dovecot, err);
}

/* By address: a name is known to Postfix only where DNS gives it back. */
static void find_peers(struct mr_arena *arena, const struct mr_config *config,
		       const struct mr_topology *topology, struct mr_list *out)
{
	bool managed = config->mail_manage && !*config->root;

	for (size_t i = 0; managed && i < topology->count; i++) {
		const char *name = topology->hosts[i].name;

		if (strcmp(name, config->host) != 0 && !mr_reach_addresses(arena, name, out))
			mr_log(MR_LOG_WARNING,
			       _("%s has no address: what limits strangers limits it, too, until "
				 "cl-rebuild runs again"),
			       name);
	}
}

int mr_render_machine_find(struct mr_arena *arena, const struct mr_config *config,
			   const struct mr_topology *topology, struct mr_render_machine *out,
			   struct mr_error *err)
{
	*out = (struct mr_render_machine){ 0 };
	if (find_ids(config, topology, &out->ids, err) < 0)
		return -1;
	mr_versions_read(&out->versions);
	find_peers(arena, config, topology, &out->peer_addresses);
	return mr_hardening_read(arena, config, &out->hardening, err) < 0
		       ? -1
		       : mr_backup_mx_read(arena, config, topology, &out->versions, &out->backup,
					   err);
}

static int render_row(struct renderer *r, const struct mr_manifest_row *row,
		      struct mr_rendered *out, struct mr_error *err)
{
	struct mr_template_folders folders = { r->arena, r->config, NULL };
	struct mr_template template;
	MR_BUF buf = { 0 };

	if (mr_render_template(&folders, row->source, &template, err) < 0)
		return mr_fail_in(err, _("rendering %s"), row->destination);
	template.escaping = row->escaping;
	if (mr_template_render(&template, r->values, &buf, err) < 0)
		return mr_fail_in(err, _("rendering %s"), row->destination);
	out->path = mr_path(r->arena, r->config->root, row->destination);
	out->template = template.file;
	if (mr_render_own(r->arena, r->config, row->destination,
			  mr_strdup(r->arena, mr_buf_text(&buf)), &out->content, err) < 0)
		return -1;
	out->len = strlen(out->content);
	out->service = row->service;
	out->attrs = (struct mr_file_attrs){ row->mode, (uid_t)-1, (gid_t)-1 };
	/* Only root gives files away. Under --root Postfix and Dovecot may be missing altogether.
	 */
	if (geteuid() != 0 || (*r->config->root && row->service != MR_SERVICE_SLAPD))
		return 0;
	if (mr_user_id(row->user, &out->attrs.uid, NULL, err) < 0)
		return -1;
	return mr_group_id(row->group, &out->attrs.gid, err);
}

static void add_rendered(struct mr_arena *arena, struct mr_rendering *out,
			 const struct mr_rendered *file)
{
	if (out->count == out->size) {
		size_t size = out->size ? out->size * 2 : 16;
		struct mr_rendered *files = MR_NEW_ARRAY(arena, struct mr_rendered, size);

		if (out->count)
			memcpy(files, out->files, out->count * sizeof(*files));
		out->files = files;
		out->size = size;
	}
	out->files[out->count++] = *file;
}

int mr_render_as(struct mr_arena *arena, const struct mr_config *config,
		 const struct mr_topology *topology, const struct mr_render_machine *machine,
		 bool gate_closed, struct mr_rendering *out, struct mr_error *err)
{
	const struct mr_host *self = config->host ? mr_topology_host(topology, config->host) : NULL;
	struct renderer r = { .arena = arena, .config = config };
	struct mr_manifest manifest = { 0 };

	if (!self)
		return mr_fail(err, MR_E_NO_HOST, _("%s is not in the topology of %s"),
			       config->host ? config->host : _("this host"), topology->home);
	if (mr_manifest_read(arena, config, &manifest, err) < 0)
		return -1;
	r.values = mr_render_context(arena, config, topology, machine, gate_closed);
	out->versions = machine->versions;
	out->topology = topology;
	for (size_t i = 0; i < manifest.count; i++) {
		struct mr_rendered file = { 0 };

		if (self->mode == MR_MODE_NONE && manifest.rows[i].service == mr_mta(config))
			continue;
		if (!mr_mta_has(config, manifest.rows[i].service) ||
		    !mr_manifest_applies(&manifest.rows[i], mr_host_is_server(self),
					 mr_nss_is_wanted(topology, self, &machine->ids)))
			continue;
		if (render_row(&r, &manifest.rows[i], &file, err) < 0)
			return -1;
		add_rendered(arena, out, &file);
	}
	return 0;
}

int mr_render(struct mr_arena *arena, const struct mr_config *config,
	      const struct mr_topology *topology, bool gate_closed, struct mr_rendering *out,
	      struct mr_error *err)
{
	struct mr_render_machine machine;

	if (!config->host)
		return mr_fail(err, MR_E_NO_HOST,
			       _("%s names no host: run cl-setup or cl-rebuild --repl"),
			       config->path);
	if (mr_render_machine_find(arena, config, topology, &machine, err) < 0)
		return -1;
	return mr_render_as(arena, config, topology, &machine, gate_closed, out, err);
}

static int check_version(const struct mr_rendering *rendering, enum mr_service_name service,
			 struct mr_error *err)
{
	switch (service) {
	case MR_SERVICE_SLAPD:
		return mr_version_check(&rendering->versions, MR_PROGRAM_SLAPD, err);
	case MR_SERVICE_POSTFIX:
		return mr_version_check(&rendering->versions, MR_PROGRAM_POSTFIX, err);
	case MR_SERVICE_EXIM:
		return mr_version_check(&rendering->versions, MR_PROGRAM_EXIM, err);
	case MR_SERVICE_DOVECOT:
		return mr_version_check(&rendering->versions, MR_PROGRAM_DOVECOT, err);
	default:
		return 0;
	}
}

int mr_render_check_versions(const struct mr_config *config, const struct mr_rendering *rendering,
			     struct mr_error *err)
{
	bool managed = config->mail_manage && !*config->root;

	for (size_t i = 0; i < rendering->count; i++) {
		enum mr_service_name service = rendering->files[i].service;

		if ((managed || service == MR_SERVICE_SLAPD) &&
		    check_version(rendering, service, err) < 0)
			return -1;
	}
	return 0;
}
