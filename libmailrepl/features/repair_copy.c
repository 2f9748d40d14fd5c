#include "features/repair_copy.h"

#include <string.h>
#include <strings.h>

#include "adapters/ldif.h"
#include "adapters/service.h"
#include "base/file.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/process.h"
#include "features/csn.h"
#include "features/instance.h"
#include "features/sync.h"

/* A container that is read from its owner. */
struct source {
	const struct mr_host *owner;
	struct mr_directory *dir;
	char *csn; /* its contextCSN before anything else was read, or NULL */
};

struct filling {
	const struct mr_copy_refill *refill;
	struct mr_arena *arena;
	struct source *sources;
	size_t count;
	const struct source *reading;
	int fd;
};

static const struct source *find_source(const struct filling *f, const struct mr_host *owner)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->sources[i].owner == owner)
			return &f->sources[i];
	return NULL;
}

static int write_ldif(const struct filling *f, const struct mr_entry *entry, struct mr_error *err)
{
	MR_BUF text = { 0 };

	mr_ldif_format(&text, entry);
	return mr_write_all(f->fd, text.data, text.len, err);
}

static int open_source(struct filling *f, const struct mr_host *owner, struct mr_error *err)
{
	const struct mr_copy_refill *refill = f->refill;
	const char *base = mr_dit_owned(f->arena, refill->service, owner->name);
	struct source *source = &f->sources[f->count];
	bool self = strcmp(owner->name, refill->config->host) == 0;

	*source = (struct source){ .owner = owner };
	if ((self ? mr_instance_open(f->arena, refill->config, &source->dir, err)
		  : mr_instance_open_peer(f->arena, refill->config, NULL, owner->name, &source->dir,
					  err)) < 0)
		return mr_fail_in(err, "%s", owner->name);
	f->count++;
	return mr_csn_read(f->arena, source->dir, base, owner->server_id, &source->csn, err);
}

static int open_sources(struct filling *f, struct mr_error *err)
{
	const struct mr_topology *topology = f->refill->topology;

	f->sources = MR_NEW_ARRAY(f->arena, struct source, topology->count);
	for (size_t i = 0; i < topology->count; i++) {
		const struct mr_host *host = &topology->hosts[i];

		if (!mr_host_is_provider(topology, host) ||
		    !(host->services & f->refill->service) ||
		    (!f->refill->all && host != f->refill->owner))
			continue;
		/* One that is only invited may not be there yet. */
		if (open_source(f, host, err) < 0 && host->state == MR_JOINED)
			return -1;
	}
	return 0;
}

static void close_sources(struct filling *f)
{
	for (size_t i = 0; i < f->count; i++)
		mr_directory_close(f->sources[i].dir);
}

static bool is_replaced(const struct filling *f, const char *csn)
{
	for (size_t i = 0; i < f->count; i++)
		if (mr_csn_server_id(csn) == f->sources[i].owner->server_id)
			return true;
	return false;
}

/* The contextCSNs are read before the entries are, so that they promise nothing that is not there; what is newer comes again. */
static int write_base(const struct filling *f, struct mr_error *err)
{
	const struct mr_copy_refill *refill = f->refill;
	struct mr_list kept = { 0 };
	MR_DIRECTORY dir = NULL;
	MR_BUF text = { 0 };

	mr_database_base(f->arena, refill->service == MR_MAIL ? MR_DB_MAIL : MR_DB_UNIX,
			 refill->config->host, &text);
	text.len--; /* the empty line that ends it */
	if (!refill->all &&
	    (mr_instance_open(f->arena, refill->config, &dir, err) < 0 ||
	     mr_csns_read(f->arena, dir, mr_dit_all(refill->service), NULL, &kept, err) < 0))
		return -1;
	for (size_t i = 0; i < kept.count; i++)
		if (!is_replaced(f, kept.items[i]))
			mr_buf_printf(&text, "contextCSN: %s\n", kept.items[i]);
	for (size_t i = 0; i < f->count; i++)
		if (f->sources[i].csn)
			mr_buf_printf(&text, "contextCSN: %s\n", f->sources[i].csn);
	mr_buf_puts(&text, "\n");
	return mr_write_all(f->fd, text.data, text.len, err);
}

/* An entry of the old copy that stays: below a provider's container that is not read anew. */
static bool stays(const struct filling *f, struct mr_arena *scratch, const char *dn)
{
	const struct mr_topology *topology = f->refill->topology;
	const char *name = mr_dit_owner(scratch, dn);
	const struct mr_host *owner = name ? mr_topology_host(topology, name) : NULL;

	return owner && mr_host_is_provider(topology, owner) &&
	       owner->services & f->refill->service && !find_source(f, owner);
}

static int write_kept(const struct filling *f, int fd, struct mr_error *err)
{
	MR_ARENA scratch = mr_arena_open();
	struct mr_ldif *ldif = mr_ldif_open(fd, "slapcat");
	struct mr_entry *entry;
	int result;

	while ((result = mr_ldif_read(ldif, scratch, &entry, err)) > 0) {
		if (stays(f, scratch, entry->dn) && write_ldif(f, entry, err) < 0) {
			result = -1;
			break;
		}
		mr_arena_reset(scratch);
	}
	mr_ldif_close(ldif);
	return result;
}

static int keep_others(const struct filling *f, struct mr_error *err)
{
	const struct mr_copy_refill *refill = f->refill;
	struct mr_child *child;
	int fd;

	if (mr_database_dump(mr_path(f->arena, refill->config->root, MR_PATH_SLAPD_D),
			     mr_dit_all(refill->service), NULL, &child, &fd, err) < 0)
		return -1;
	if (write_kept(f, fd, err) < 0) {
		mr_process_kill(child);
		return -1;
	}
	return mr_process_end(child, err);
}

static int write_moved(void *context, const struct mr_entry *entry, struct mr_error *err)
{
	const struct filling *f = context;
	const char *owner = f->reading->owner->name;
	MR_ARENA scratch = mr_arena_open();
	struct mr_entry *moved;

	if (mr_sync_move_entry(scratch, entry, mr_dit_owned(scratch, f->refill->service, owner),
			       mr_dit_copy(scratch, f->refill->service, owner), &moved, err) < 0)
		return -1;
	return write_ldif(f, moved, err);
}

static int read_owners(struct filling *f, struct mr_error *err)
{
	static const char *const attrs[] = { "*", "+", NULL };

	for (size_t i = 0; i < f->count; i++) {
		const struct mr_search find = {
			.base = mr_dit_owned(f->arena, f->refill->service,
					     f->sources[i].owner->name),
			.attrs = attrs
		};

		f->reading = &f->sources[i];
		if (mr_directory_visit(f->sources[i].dir, &find, write_moved, f, err) < 0)
			return -1;
	}
	return 0;
}

static int write_copy(void *context, int fd, struct mr_error *err)
{
	struct filling *f = context;

	f->fd = fd;
	if (write_base(f, err) < 0 || (!f->refill->all && keep_others(f, err) < 0))
		return -1;
	return read_owners(f, err);
}

int mr_copy_refill(const struct mr_copy_refill *refill, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const struct mr_config *config = refill->config;
	const struct mr_host *self = mr_topology_host(refill->topology, config->host);
	struct filling filling = { .refill = refill, .arena = arena };
	const struct mr_seed seed = { .write = write_copy, .context = &filling };
	struct mr_rendering rendering = { 0 };
	int result;

	if (mr_render(arena, config, refill->topology, false, &rendering, err) < 0)
		return -1;
	result = open_sources(&filling, err);
	if (result == 0)
		result = mr_database_replace(
			config, &rendering, refill->service == MR_MAIL ? MR_DB_MAIL : MR_DB_UNIX,
			self->server_id, &seed, err);
	close_sources(&filling);
	return result < 0 ? -1 : mr_service_restart(MR_SERVICE_SLAPD, config->root, err);
}
