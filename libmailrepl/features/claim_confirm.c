#include "features/claim_confirm.h"

#include <stdio.h>
#include <string.h>

#include "features/ask.h"
#include "model/dit.h"

#define DEADLINE_S 3

struct rival {
	const char *host, *addresses_filter, *user_filter; /* a filter may be NULL */
	char has[320];                                     /* empty: nothing */
};

static int look(struct mr_arena *arena, struct mr_directory *dir, struct rival *rival,
		enum mr_service service, const char *filter, struct mr_error *err)
{
	const struct mr_search find = {
		.base = mr_dit_owned(arena, service, rival->host),
		.filter = filter,
		.attrs = (const char *const[]){ "uid", "cn", NULL },
		.size_limit = 1,
	};
	struct mr_entries found = { 0 };
	const char *name;

	if (!filter || mr_directory_list(dir, arena, &find, &found, err) < 0)
		return filter ? -1 : 0;
	if (!found.count)
		return 0;
	name = mr_entry_value(found.items[0], "uid");
	if (!name)
		name = mr_entry_value(found.items[0], "cn");
	snprintf(rival->has, sizeof(rival->has), "%s", name ? name : found.items[0]->dn);
	return 0;
}

static int ask(struct mr_arena *arena, struct mr_directory *dir, void *answer, struct mr_error *err)
{
	struct rival *rival = answer;

	if (look(arena, dir, rival, MR_MAIL, rival->addresses_filter, err) < 0)
		return -1;
	if (*rival->has)
		return 0;
	return look(arena, dir, rival, MR_UNIX, rival->user_filter, err);
}

static const char *addresses_filter(struct mr_arena *arena, const struct mr_given *given,
				    const char *host)
{
	MR_BUF text = { 0 };

	if (!given->addresses.count)
		return NULL;
	mr_buf_puts(&text, "(&(mailRoutingAddress=*)");
	if (strcmp(host, given->owner) == 0)
		mr_buf_puts(&text, mr_filter(arena, "(!(uid=%s))", given->user));
	mr_buf_puts(&text, "(|");
	for (size_t i = 0; i < given->addresses.count; i++)
		mr_buf_puts(&text,
			    mr_filter(arena, "(mailLocalAddress=%s)", given->addresses.items[i]));
	mr_buf_puts(&text, "))");
	return mr_strdup(arena, mr_buf_text(&text));
}

/* At the owner there can be no second account of the name. */
static const char *name_filter(struct mr_arena *arena, const struct mr_given *given,
			       const struct mr_host *host)
{
	if (!given->name || !mr_host_is_server(host) || strcmp(host->name, given->owner) == 0)
		return NULL;
	return mr_filter(arena, "(&(objectClass=posixAccount)(uid=%s))", given->user);
}

int mr_claim_confirm(struct mr_arena *arena, const struct mr_config *config,
		     const struct mr_topology *topology, const struct mr_given *given,
		     struct mr_error *err)
{
	struct mr_question *questions = MR_NEW_ARRAY(arena, struct mr_question, topology->count);
	struct rival *rivals = MR_NEW_ARRAY(arena, struct rival, topology->count);
	struct mr_config quick = *config;
	size_t count = 0;

	if (quick.directory_deadline > DEADLINE_S)
		quick.directory_deadline = DEADLINE_S;
	/* Without a port nobody but this host writes, one command at a time. */
	for (size_t i = 0; i < topology->count && topology->count > 1 && config->directory_port;
	     i++) {
		const struct mr_host *host = &topology->hosts[i];

		if (host->state != MR_JOINED || !mr_host_is_provider(topology, host))
			continue;
		rivals[count] = (struct rival){
			.host = host->name,
			.addresses_filter = addresses_filter(arena, given, host->name),
			.user_filter = name_filter(arena, given, host),
		};
		questions[count] =
			(struct mr_question){ .host = host->name, .answer = &rivals[count] };
		count++;
	}
	mr_ask_all(&quick, NULL, questions, count, ask);
	for (size_t i = 0; i < count; i++)
		if (questions[i].result == 0 && *rivals[i].has)
			return mr_fail(err, MR_E_TEMPORARY,
				       _("%s has given out the same at the same moment (to %s): "
					 "taken back here, try again"),
				       rivals[i].host, rivals[i].has);
	return 0;
}
