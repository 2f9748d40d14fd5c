#include "features/backup_parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/ldif.h"
#include "base/file.h"
#include "base/paths.h"
#include "features/backup_key.h"
#include "features/topology_plan.h"

#define KEY_MOST ((size_t)64 * 1024)
#define FILE_MOST ((size_t)1 << 20)

struct reading {
	struct mr_arena *arena;
	const struct mr_config *config;
	const struct mr_topology *topology;
	struct mr_backup_parts *out;
};

static struct mr_backup_part *append(struct reading *re, const char *name)
{
	struct mr_backup_parts *parts = re->out;

	if (parts->count == parts->size) {
		size_t size = parts->size ? 2 * parts->size : 16;
		struct mr_backup_part *items = MR_NEW_ARRAY(re->arena, struct mr_backup_part, size);

		if (parts->count)
			memcpy(items, parts->items, parts->count * sizeof(*items));
		parts->items = items;
		parts->size = size;
	}
	parts->items[parts->count].name = mr_strdup(re->arena, name);
	parts->items[parts->count].entries = -1;
	return &parts->items[parts->count++];
}

static int add_file(struct reading *re, const char *name, const char *path, struct mr_error *err)
{
	struct mr_backup_part *part = append(re, name);
	char *text;

	if (mr_file_read(re->arena, mr_path(re->arena, re->config->root, path), FILE_MOST, &text,
			 &part->len, err) < 0)
		return -1;
	part->text = text;
	return 0;
}

static int add_key(struct reading *re, const char *name, const char *path, struct mr_error *err)
{
	const char *full = mr_path(re->arena, re->config->root, path);
	struct mr_backup_part *part = append(re, name);
	int fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char key[KEY_MOST];
	size_t len = 0;
	ssize_t n = 1;

	if (fd < 0)
		return mr_fail_errno(err, "%s", full);
	while (n > 0 && len < sizeof(key)) {
		n = read(fd, key + len, sizeof(key) - len);
		len += n > 0 ? (size_t)n : 0;
	}
	close(fd);
	if (n == 0)
		mr_secret_set(&part->secret, key, len);
	part->len = len;
	explicit_bzero(key, sizeof(key));
	if (n < 0)
		return mr_fail_errno(err, "%s", full);
	return n ? mr_fail(err, MR_E_INVALID, _("%s: too long for a key"), full) : 0;
}

static void add_backup_key(struct reading *re, const struct mr_secret *key)
{
	struct mr_backup_part *part = append(re, MR_BACKUP_KEY_NAME);

	mr_secret_set(&part->secret, key->data, key->len);
	part->len = key->len;
}

/* ou=Hosts with the hosts and the domains, as the home's copy has them on every host. */
static void add_topology(struct reading *re)
{
	const char *container = mr_dit_copy(re->arena, MR_MAIL, re->topology->home);
	const struct mr_list domains = mr_topology_all_domains(re->arena, re->topology);
	struct mr_backup_part *part = append(re, "topology.ldif");
	struct mr_entries entries = { 0 };
	MR_BUF text = { 0 };

	mr_topology_format(re->arena, re->topology, container, &entries);
	for (size_t i = 0; i < domains.count; i++)
		mr_entries_add(re->arena, &entries,
			       mr_domain_entry(re->arena, re->topology, domains.items[i],
					       container));
	for (size_t i = 0; i < entries.count; i++)
		mr_ldif_format(&text, entries.items[i]);
	part->text = mr_strdup(re->arena, mr_buf_text(&text));
	part->len = text.len;
	part->entries = (int64_t)entries.count;
}

static const char *peer_path(struct mr_arena *arena, const char *host, const char *suffix)
{
	return mr_printf(arena, "%s/%s%s", MR_PATH_PEERS, host, suffix);
}

bool mr_backup_peer_known(const struct mr_config *config, const char *peer)
{
	MR_ARENA arena = mr_arena_open();

	return mr_path_exists(mr_path(arena, config->root, peer_path(arena, peer, ".crt"))) &&
	       mr_path_exists(mr_path(arena, config->root, peer_path(arena, peer, ".key")));
}

/* In the order of their file names. */
static int add_peers(struct reading *re, struct mr_error *err)
{
	struct mr_list files = { 0 };

	for (size_t i = 0; i < re->topology->count; i++) {
		const char *host = re->topology->hosts[i].name;

		if (strcmp(host, re->config->host) == 0 || !mr_backup_peer_known(re->config, host))
			continue;
		mr_list_add(re->arena, &files, mr_printf(re->arena, "%s.crt", host));
		mr_list_add(re->arena, &files, mr_printf(re->arena, "%s.key", host));
	}
	mr_list_sort(&files);
	for (size_t i = 0; i < files.count; i++) {
		const char *name = mr_printf(re->arena, "tls/peers/%s", files.items[i]);
		const char *path = mr_printf(re->arena, "%s/%s", MR_PATH_PEERS, files.items[i]);

		if ((mr_ends_with(name, ".key") ? add_key : add_file)(re, name, path, err) < 0)
			return -1;
	}
	return 0;
}

/* Names below `folder`, relative to it, in `below` of it. What begins with a dot is somebody's
 * temporary file. */
static int list_folder(struct reading *re, const char *folder, const char *below,
		       struct mr_list *out, struct mr_error *err)
{
	const char *path = mr_printf(re->arena, "%s%s/%s", re->config->root, folder, below);
	DIR *dir = opendir(path);
	struct dirent *item;
	int rc = 0;

	if (!dir)
		return errno == ENOENT ? 0 : mr_fail_errno(err, "%s", path);
	while (rc == 0 && (item = readdir(dir))) {
		const char *name = mr_printf(re->arena, "%s%s", below, item->d_name);
		struct stat st;

		if (item->d_name[0] == '.' || fstatat(dirfd(dir), item->d_name, &st, 0) < 0)
			continue;
		if (S_ISDIR(st.st_mode))
			rc = list_folder(re, folder, mr_printf(re->arena, "%s/", name), out, err);
		else if (S_ISREG(st.st_mode))
			mr_list_add(re->arena, out, name);
	}
	closedir(dir);
	return rc;
}

/* As members of that folder's name, one by one with `add`. */
static int add_folder(struct reading *re, const char *folder,
		      int (*add)(struct reading *, const char *, const char *, struct mr_error *),
		      struct mr_error *err)
{
	struct mr_list names = { 0 };

	if (list_folder(re, folder, "", &names, err) < 0)
		return -1;
	mr_list_sort(&names);
	for (size_t i = 0; i < names.count; i++)
		if (add(
			    re,
			    mr_printf(re->arena, "%s/%s", strrchr(folder, '/') + 1, names.items[i]),
			    mr_printf(re->arena, "%s/%s", folder, names.items[i]), err) < 0)
			return -1;
	return 0;
}

static int add_full(struct reading *re, struct mr_error *err)
{
	bool home = strcmp(re->config->host, re->topology->home) == 0;

	if (home && add_key(re, "tls/ca.key", MR_PATH_CA_KEY, err) < 0)
		return -1;
	if (add_file(re, "tls/host.crt", MR_PATH_HOST_CERT, err) < 0 ||
	    add_key(re, "tls/host.key", MR_PATH_HOST_KEY, err) < 0 ||
	    (home && add_peers(re, err) < 0))
		return -1;
	return add_file(re, "mailrepl.conf", MR_PATH_CONFIG, err);
}

int mr_backup_parts_read(struct mr_arena *arena, const struct mr_config *config,
			 const struct mr_topology *topology, const char *peer,
			 const struct mr_secret *key, struct mr_backup_parts *out,
			 struct mr_error *err)
{
	struct reading re = { arena, config, topology, out };

	add_topology(&re);
	if (add_file(&re, "tls/ca.crt", MR_PATH_CA_CERT, err) < 0)
		return -1;
	if (key->len)
		add_backup_key(&re, key);
	if (!peer && add_full(&re, err) < 0)
		return -1;
	if (peer && (add_file(&re, "tls/host.crt", peer_path(arena, peer, ".crt"), err) < 0 ||
		     add_key(&re, "tls/host.key", peer_path(arena, peer, ".key"), err) < 0))
		return -1;
	if (add_folder(&re, MR_PATH_OVERRIDES, add_file, err) < 0)
		return -1;
	if (!peer &&
	    (add_folder(&re, MR_PATH_OWN, add_file, err) < 0 ||
	     add_folder(&re, MR_PATH_CHANGES, add_file, err) < 0 ||
	     add_folder(&re, MR_PATH_SECRETS, add_key, err) < 0))
		return -1;
	return 0;
}

void mr_backup_parts_close(struct mr_backup_parts *parts)
{
	for (size_t i = 0; i < parts->count; i++)
		mr_secret_close(&parts->items[i].secret);
	*parts = (struct mr_backup_parts){ 0 };
}
