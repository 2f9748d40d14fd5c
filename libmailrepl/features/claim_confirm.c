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
			.mail_filter = filter_for(arena, given, host, MR_MAIL),
			.unix_filter = filter_for(arena, given, host, MR_UNIX),
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
