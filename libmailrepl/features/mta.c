#include "features/mta.h"

#include <fcntl.h>
#include <glob.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/paths.h"
#include "features/versions.h"

#define SECRET_MOST 65536

enum mr_service_name mr_mta(const struct mr_config *config)
{
	bool exim = config->mail_mta && strcmp(config->mail_mta, "exim") == 0;

	return exim ? MR_SERVICE_EXIM : MR_SERVICE_POSTFIX;
}

enum mr_service_name mr_mta_other(const struct mr_config *config)
{
	return mr_mta(config) == MR_SERVICE_EXIM ? MR_SERVICE_POSTFIX : MR_SERVICE_EXIM;
}

bool mr_mta_has(const struct mr_config *config, enum mr_service_name service)
{
	return (service != MR_SERVICE_POSTFIX && service != MR_SERVICE_EXIM) ||
	       service == mr_mta(config);
}

const char *mr_mta_folder(enum mr_service_name service)
{
	return service == MR_SERVICE_EXIM ? MR_PATH_EXIM : MR_PATH_POSTFIX;
}

bool mr_mta_is_ours(const struct mr_config *config)
{
	MR_ARENA arena = mr_arena_open();

	return mr_path_exists(
		mr_printf(arena, "%s%s/mailrepl", config->root, mr_mta_folder(mr_mta(config))));
}

/* Exim's client sends mail back that is refused for good, and there is no way to tell it otherwise. */
static int check_peers(const struct mr_config *config, const struct mr_topology *topology,
		       const struct mr_host *self, struct mr_error *err)
{
	for (size_t i = 0; mr_host_is_router(self) && i < topology->count; i++)
		if (topology->hosts[i].mode == MR_MODE_NONE)
			return mr_fail(err, MR_E_CONFIG,
				       _("%s: mail.mta = \"exim\": %s is in mode none, and Exim "
					 "cannot keep what a server refuses that is left alone"),
				       config->path, topology->hosts[i].name);
	return 0;
}

static int check_installed(const struct mr_config *config, struct mr_error *err)
{
	char version[MR_VERSION_SIZE];

	if (mr_mta(config) != MR_SERVICE_EXIM)
		return 0;
	mr_version_read(MR_PROGRAM_EXIM, version);
	return *version ? 0
			: mr_fail(err, MR_E_CONFIG,
				  _("%s: mail.mta is \"exim\", and there is no Exim: install the "
				    "package exim4-daemon-heavy"),
				  config->path);
}

/* Who holds port 25 is not driven out: there may be mail in its queue. */
static int check_alone(const struct mr_config *config, struct mr_error *err)
{
	if (!mr_service_running(mr_mta_other(config), ""))
		return 0;
	if (mr_mta(config) == MR_SERVICE_EXIM)
		return mr_fail(err, MR_E_CONFIG,
			       _("%s: mail.mta is \"exim\", and Postfix still runs: wait until its "
				 "queue is empty (postqueue -p), then stop it"),
			       config->path);
	return mr_fail(err, MR_E_CONFIG,
		       _("%s: mail.mta is \"postfix\", and Exim still runs: wait until its queue "
			 "is empty (exim4 -bp), then stop it"),
		       config->path);
}

int mr_mta_check(const struct mr_config *config, const struct mr_topology *topology,
		 struct mr_error *err)
{
	const struct mr_host *self = mr_topology_host(topology, config->host);

	/* Nothing of it is ours then. */
	if (self && self->mode == MR_MODE_NONE)
		return 0;
	if (self && mr_mta(config) == MR_SERVICE_EXIM &&
	    check_peers(config, topology, self, err) < 0)
		return -1;
	if (!config->mail_manage || *config->root)
		return 0;
	return check_installed(config, err) < 0 ? -1 : check_alone(config, err);
}

static int read_secret(const char *path, struct mr_secret *out, struct mr_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

	if (fd < 0)
		return mr_fail_errno(err, "%s", path);
	rc = mr_secret_read(out, fd, SECRET_MOST, err);
	close(fd);
	return rc < 0 ? mr_fail_in(err, "%s", path) : 0;
}

/* Both below root. Without `from` there is to be no copy. */
static int copy_secret(struct mr_arena *arena, const struct mr_config *config, const char *from,
		       const char *to, struct mr_file_attrs attrs, struct mr_error *err)
{
	MR_SECRET secret = { 0 };

	to = mr_path(arena, config->root, to);
	if (!from)
		return mr_tree_remove(to, err);
	if (read_secret(mr_path(arena, config->root, from), &secret, err) < 0)
		return -1;
	if (mr_file_same(to, secret.data, secret.len, attrs))
		return 0;
	return mr_file_replace(to, secret.data, secret.len, attrs, err);
}

/* Paths of files in `folder`, below root, that hold passwords at smarthosts. */
static struct mr_list passwords_in(struct mr_arena *arena, const struct mr_config *config,
				   const char *folder)
{
	struct mr_list out = { 0 };
	glob_t found;

	if (glob(mr_printf(arena, "%s%s/smarthost-*", config->root, folder), 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++)
			mr_list_add(arena, &out, mr_strdup(arena, found.gl_pathv[i]));
	globfree(&found);
	return out;
}

static const char *name_of(const char *path)
{
	return strrchr(path, '/') + 1;
}

static int copy_passwords(struct mr_arena *arena, const struct mr_config *config,
			  struct mr_file_attrs attrs, struct mr_error *err)
{
	struct mr_list stored = passwords_in(arena, config, MR_PATH_SECRETS),
		       copies = passwords_in(arena, config, MR_PATH_EXIM "/mailrepl");

	for (size_t i = 0; i < stored.count; i++)
		if (copy_secret(arena, config,
				mr_printf(arena, MR_PATH_SECRETS "/%s", name_of(stored.items[i])),
				mr_printf(arena, MR_PATH_EXIM "/mailrepl/%s",
					  name_of(stored.items[i])),
				attrs, err) < 0)
			return -1;
	for (size_t i = 0; i < copies.count; i++)
		if (!mr_path_exists(mr_printf(arena, "%s" MR_PATH_SECRETS "/%s", config->root,
					      name_of(copies.items[i]))) &&
		    mr_tree_remove(copies.items[i], err) < 0)
			return -1;
	return 0;
}

int mr_mta_ready(const struct mr_config *config, enum mr_service_name service, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_file_attrs attrs = { 0640, 0, (gid_t)-1 };
	const struct mr_value *tls = mr_value_get(mr_config_settings(arena, config), "tls");
	const struct {
		const char *from, *to;
	} copies[] = { { MR_PATH_HOST_KEY, MR_PATH_EXIM_KEY },
		       { mr_value_get_string(tls, "key", NULL), MR_PATH_EXIM_GIVEN_KEY },
		       { mr_value_get_string(tls, "certificate", NULL), MR_PATH_EXIM_GIVEN_CERT } };

	/* Without our tables it has the configuration of its package again. */
	if (service != MR_SERVICE_EXIM || !mr_mta_is_ours(config))
		return 0;
	if (mr_group_id("Debian-exim", &attrs.gid, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(copies) / sizeof(copies[0]); i++)
		if (copy_secret(arena, config, copies[i].from, copies[i].to, attrs, err) < 0)
			return -1;
	return copy_passwords(arena, config, attrs, err);
}

int mr_mta_forget(const struct mr_config *config, enum mr_service_name service,
		  struct mr_error *err)
{
	static const char *const keys[] = { MR_PATH_EXIM_KEY, MR_PATH_EXIM_GIVEN_KEY,
					    MR_PATH_EXIM_GIVEN_CERT };
	MR_ARENA arena = mr_arena_open();
	struct mr_list copies = { 0 };

	if (service != MR_SERVICE_EXIM)
		return 0;
	copies = passwords_in(arena, config, MR_PATH_EXIM "/mailrepl");
	for (size_t i = 0; i < copies.count; i++)
		if (mr_tree_remove(copies.items[i], err) < 0)
			return -1;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (mr_tree_remove(mr_path(arena, config->root, keys[i]), err) < 0)
			return -1;
	return 0;
}
