#include "features/sync.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "adapters/ldif.h"
#include "base/file.h"
#include "base/log.h"
#include "features/ask.h"
#include "features/csn.h"
#include "features/instance.h"

/* What one host's copy of our container knows. */
struct copy {
	const struct mr_sync_refill *refill;
	unsigned server_id;
	bool present;
	char csn[MR_CSN_SIZE]; /* contextCSN for our serverID; "": none */
};

static int ask(struct mr_arena *arena, struct mr_directory *peer, void *answer,
	       struct mr_error *err)
{
	struct copy *copy = answer;
	const struct mr_sync_refill *refill = copy->refill;
	const char *container = mr_dit_copy(arena, refill->service, refill->config->host);
	static const char *const attrs[] = { "cn", NULL };
	struct mr_entry *entry;
	char *csn;

	if (mr_directory_read(peer, arena, container, attrs, &entry, err) < 0 ||
	    mr_csn_read(arena, peer, mr_dit_all(refill->service), copy->server_id, &csn, err) < 0)
		return -1;
	copy->present = entry != NULL;
	snprintf(copy->csn, sizeof(copy->csn), "%s", csn ? csn : "");
	return 0;
}

static bool knows_more(const struct copy *copy, const struct mr_sync_refill *than)
{
	if (!copy->present || !than->from)
		return copy->present;
	return *copy->csn && (!than->csn || strcmp(copy->csn, than->csn) > 0);
}

int mr_sync_find_refill(struct mr_arena *arena, struct mr_sync_refill *refill, struct mr_error *err)
{
	const struct mr_topology *topology = refill->topology;
	const struct mr_host *self = mr_topology_host(topology, refill->config->host);
	struct mr_question *questions = MR_NEW_ARRAY(arena, struct mr_question, topology->count);
	struct copy *copies = MR_NEW_ARRAY(arena, struct copy, topology->count);
	size_t count = 0;

	refill->from = refill->csn = NULL;
	refill->silent = 0;
	for (size_t i = 0; i < topology->count; i++) {
		const struct mr_host *host = &topology->hosts[i];

		if (host == self || !(host->services & refill->service))
			continue;
		copies[count] = (struct copy){ refill, self->server_id, false, "" };
		questions[count] =
			(struct mr_question){ .host = host->name, .answer = &copies[count] };
		count++;
	}
	if (mr_ask_all(refill->config, refill->tls_folder, questions, count, ask) == 0)
		return mr_fail(err, MR_E_UNAVAILABLE,
			       _("no other host answers, so nobody knows whether there are copies "
				 "of what %s owned; run this again when one of them can be "
				 "reached"),
			       self->name);
	for (size_t i = 0; i < count; i++) {
		if (questions[i].result < 0) {
			refill->silent +=
				mr_topology_host(topology, questions[i].host)->state == MR_JOINED;
			mr_log(refill->quiet ? MR_LOG_DEBUG : MR_LOG_WARNING,
			       _("%s cannot be asked for its copy: %s"), questions[i].host,
			       questions[i].err.message);
		} else if (knows_more(&copies[i], refill)) {
			refill->from = questions[i].host;
			refill->csn = *copies[i].csn ? copies[i].csn : NULL;
		}
	}
	return 0;
}

struct refilling {
	const struct mr_sync_refill *refill;
	const char *from, *to; /* suffixes */
	int fd;
};

/* Operational attributes that slapd makes itself and that slapadd refuses. */
static bool derived(const char *name)
{
	return strcasecmp(name, "entryDN") == 0 || strcasecmp(name, "subschemaSubentry") == 0 ||
	       strcasecmp(name, "hasSubordinates") == 0 || strcasecmp(name, "contextCSN") == 0;
}

int mr_sync_move_entry(struct mr_arena *arena, const struct mr_entry *entry, const char *from,
		       const char *to, struct mr_entry **out, struct mr_error *err)
{
	size_t len = strlen(entry->dn), tail = strlen(from);

	if (len < tail || strcasecmp(entry->dn + len - tail, from) != 0)
		return mr_fail(err, MR_E_PROTOCOL, _("%s: not below %s"), entry->dn, from);
	*out = mr_entry_new(arena, mr_printf(arena, "%.*s%s", (int)(len - tail), entry->dn, to));
	for (size_t i = 0; i < entry->count; i++)
		if (!derived(entry->attrs[i].name))
			mr_entry_add_list(arena, *out, entry->attrs[i].name,
					  &entry->attrs[i].values);
	return 0;
}

static int write_entry(void *context, const struct mr_entry *entry, struct mr_error *err)
{
	const struct refilling *re = context;
	MR_ARENA arena = mr_arena_open();
	struct mr_entry *moved;
	MR_BUF text = { 0 };

	if (mr_sync_move_entry(arena, entry, re->from, re->to, &moved, err) < 0)
		return -1;
	if (strlen(entry->dn) == strlen(re->from) && re->refill->csn)
		mr_entry_add(arena, moved, "contextCSN", re->refill->csn);
	mr_ldif_format(&text, moved);
	return mr_write_all(re->fd, text.data, text.len, err);
}

int mr_sync_write_refill(void *argument, int fd, struct mr_error *err)
{
	const struct mr_sync_refill *refill = argument;
	const char *const attrs[] = { "*", refill->csn ? "+" : NULL, NULL };
	MR_ARENA arena = mr_arena_open();
	MR_DIRECTORY peer = NULL;
	struct refilling re = { refill, mr_dit_copy(arena, refill->service, refill->config->host),
				mr_dit_owned(arena, refill->service, refill->config->host), fd };
	const struct mr_search find = { .base = re.from, .attrs = attrs };

	if (mr_instance_open_peer(arena, refill->config, refill->tls_folder, refill->from, &peer,
				  err) < 0)
		return -1;
	return mr_directory_visit(peer, &find, write_entry, &re, err);
}
