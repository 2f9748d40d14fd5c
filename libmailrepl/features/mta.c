#include "features/mta.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/paths.h"
#include "features/versions.h"

#define KEY_MOST 65536

enum mr_service_name mr_mta(const struct mr_config *config)
{
	bool exim = config->mail_mta && strcmp(config->mail_mta, "exim") == 0;

	return exim ? MR_SERVICE_EXIM : MR_SERVICE_POSTFIX;
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

/* What is there for Postfix alone is refused, not left out. */
static int check_supported(const struct mr_config *config, const struct mr_topology *topology,
			   const struct mr_host *self, struct mr_error *err)
{
	/* Nothing of it is ours then. */
	if (self->mode == MR_MODE_NONE)
		return 0;
	if (mr_host_is_server(self))
		return mr_fail(err, MR_E_CONFIG,
			       _("%s: mail.mta = \"exim\" is for relays, and this host holds "
				 "mailboxes: take it out, and install Postfix"),
			       config->path);
	if (self->mode != MR_MODE_INTERNET)
		return mr_fail(
			err, MR_E_CONFIG,
			_("%s: mail.mta = \"exim\" is for the mode internet, and this host's "
			  "is %s"),
			config->path, mr_mode_word(self->mode));
	for (size_t i = 0; i < topology->count; i++)
		if (topology->hosts[i].mode == MR_MODE_SMARTHOST ||
		    topology->hosts[i].mode == MR_MODE_SATELLITE)
			return mr_fail(
				err, MR_E_CONFIG,
				_("%s: mail.mta = \"exim\": %s is in mode %s, and Exim takes "
				  "no mail for outside from other hosts"),
				config->path, topology->hosts[i].name,
				mr_mode_word(topology->hosts[i].mode));
	if (topology->foreign_count)
		return mr_fail(err, MR_E_CONFIG,
			       _("%s: mail.mta = \"exim\": this relay is a backup MX for %s, which "
				 "only Postfix can be"),
			       config->path, topology->foreign[0].name);
	return mr_mta_settings_check(config, err);
}

int mr_mta_check(const struct mr_config *config, const struct mr_topology *topology,
		 struct mr_error *err)
{
	const struct mr_host *self = mr_topology_host(topology, config->host);
	char version[MR_VERSION_SIZE];

	if (mr_mta(config) != MR_SERVICE_EXIM)
		return 0;
	if (self && check_supported(config, topology, self, err) < 0)
		return -1;
	if (!config->mail_manage || *config->root)
		return 0;
	mr_version_read(MR_PROGRAM_EXIM, version);
	if (!*version)
		return mr_fail(err, MR_E_CONFIG,
			       _("%s: mail.mta is \"exim\", and there is no Exim: install the "
				 "package exim4-daemon-heavy"),
			       config->path);
	if (mr_service_running(MR_SERVICE_POSTFIX, ""))
		return mr_fail(err, MR_E_CONFIG,
			       _("%s: mail.mta is \"exim\", and Postfix still runs: wait until its "
				 "queue is empty (postqueue -p), then stop it"),
			       config->path);
	return 0;
}

static int read_key(const char *path, struct mr_secret *key, struct mr_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), rc;

	if (fd < 0)
		return mr_fail_errno(err, "%s", path);
	rc = mr_secret_read(key, fd, KEY_MOST, err);
	close(fd);
	return rc < 0 ? mr_fail_in(err, "%s", path) : 0;
}

int mr_mta_ready(const struct mr_config *config, enum mr_service_name service, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *copy = mr_path(arena, config->root, MR_PATH_EXIM_KEY);
	struct mr_file_attrs attrs = { 0640, 0, (gid_t)-1 };
	MR_SECRET key = { 0 };

	/* Without our tables it has the configuration of its package again. */
	if (service != MR_SERVICE_EXIM || !mr_mta_is_ours(config))
		return 0;
	if (mr_group_id("Debian-exim", &attrs.gid, err) < 0 ||
	    read_key(mr_path(arena, config->root, MR_PATH_HOST_KEY), &key, err) < 0)
		return -1;
	if (mr_file_same(copy, key.data, key.len, attrs))
		return 0;
	return mr_file_replace(copy, key.data, key.len, attrs, err);
}

int mr_mta_forget(const struct mr_config *config, enum mr_service_name service,
		  struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();

	if (service != MR_SERVICE_EXIM)
		return 0;
	return mr_tree_remove(mr_path(arena, config->root, MR_PATH_EXIM_KEY), err);
}
