#include "features/claim_confirm.h"

#include <stdio.h>
#include <string.h>

#include "features/ask.h"
#include "model/dit.h"

#define DEADLINE_S 3

struct rival {
	const char *host, *mail_filter, *unix_filter; /* a filter may be NULL */
	char has[320];                                /* empty: nothing */
};

struct mr_claim {
	struct mr_config quick;
	struct mr_question *questions;
	struct rival *rivals;
	size_t count;
	struct mr_asking *asking; /* NULL: ended */
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

	if (look(arena, dir, rival, MR_MAIL, rival->mail_filter, err) < 0)
		return -1;
	if (*rival->has)
		return 0;
	return look(arena, dir, rival, MR_UNIX, rival->unix_filter, err);
}

static void put_addresses(struct mr_arena *arena, const struct mr_given *given, bool owner,
			  struct mr_buf *out)
{
	if (!given->addresses.count)
		return;
	mr_buf_puts(out, "(&(mailRoutingAddress=*)");
	if (owner)
		mr_buf_puts(out, given->user ? mr_filter(arena, "(!(uid=%s))", given->user)
					     : mr_filter(arena, "(!(cn=%s))", given->group));
	mr_buf_puts(out, "(|");
	for (size_t i = 0; i < given->addresses.count; i++)
		mr_buf_puts(out,
			    mr_filter(arena, "(mailLocalAddress=%s)", given->addresses.items[i]));
	mr_buf_puts(out, "))");
}

/* At the owner there can be no second one of the name and kind. */
static void put_name(struct mr_arena *arena, const struct mr_given *given, bool owner,
		     enum mr_service service, struct mr_buf *out)
{
	const char *name = given->user ? given->user : given->group;

	if (service == MR_UNIX && (given->group || !owner))
		mr_buf_puts(out, mr_filter(arena, "(&(objectClass=posixAccount)(uid=%s))", name));
	if (!given->group)
		return;
	if (service == MR_MAIL)
		mr_buf_puts(out, mr_filter(arena, "(&(mailRoutingAddress=*)(uid=%s))", name));
	if (service == given->service && !owner)
		mr_buf_puts(out,
			    service == MR_MAIL
				    ? mr_filter(arena, "(&(objectClass=nisMailAlias)(cn=%s))", name)
				    : mr_filter(arena, "(&(objectClass=posixGroup)(cn=%s))", name));
}

static const char *filter_for(struct mr_arena *arena, const struct mr_given *given,
			      const struct mr_host *host, enum mr_service service)
{
	bool owner = strcmp(host->name, given->owner) == 0;
	MR_BUF text = { 0 };

	if (service == MR_MAIL)
		put_addresses(arena, given, owner, &text);
	if (given->name && mr_host_is_server(host))
		put_name(arena, given, owner, service, &text);
	return text.len ? mr_printf(arena, "(|%s)", mr_buf_text(&text)) : NULL;
}

struct mr_claim *mr_claim_open(struct mr_arena *arena, const struct mr_config *config,
			       const struct mr_topology *topology, const struct mr_given *given)
{
	struct mr_claim *claim = MR_NEW(arena, struct mr_claim);
	/* Without a port nobody but this host writes, one command at a time. */
	bool alone = topology->count < 2 || !config->directory_port;

	*claim = (struct mr_claim){
		.quick = *config,
		.questions = MR_NEW_ARRAY(arena, struct mr_question, topology->count),
		.rivals = MR_NEW_ARRAY(arena, struct rival, topology->count),
	};
	if (claim->quick.directory_deadline > DEADLINE_S)
		claim->quick.directory_deadline = DEADLINE_S;
	for (size_t i = 0; i < topology->count && !alone; i++) {
		const struct mr_host *host = &topology->hosts[i];
		struct rival *rival = &claim->rivals[claim->count];

		if (host->state != MR_JOINED || !mr_host_is_provider(topology, host))
			continue;
		*rival = (struct rival){
			.host = host->name,
			.mail_filter = filter_for(arena, given, host, MR_MAIL),
			.unix_filter = filter_for(arena, given, host, MR_UNIX),
		};
		if (!rival->mail_filter && !rival->unix_filter)
			continue;
		claim->questions[claim->count++] =
			(struct mr_question){ .host = host->name, .answer = rival };
	}
	claim->asking = mr_ask_open(&claim->quick, NULL, claim->questions, claim->count, ask);
	return claim;
}

int mr_claim_confirm(struct mr_claim *claim, struct mr_error *err)
{
	if (!claim)
		return 0;
	mr_ask_finish(claim->asking);
	claim->asking = NULL;
	for (size_t i = 0; i < claim->count; i++)
		if (claim->questions[i].result == 0 && *claim->rivals[i].has)
			return mr_fail(err, MR_E_TEMPORARY,
				       _("%s has given out the same at the same moment (to %s): "
					 "taken back here, try again"),
				       claim->rivals[i].host, claim->rivals[i].has);
	return 0;
}

void mr_claim_close(struct mr_claim *claim)
{
	if (!claim)
		return;
	mr_ask_cancel(claim->asking);
	claim->asking = NULL;
}

void mr_claim_closep(struct mr_claim **claim)
{
	mr_claim_close(*claim);
}
