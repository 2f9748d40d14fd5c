#include "features/import_confirm.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "features/ask.h"

#define MOST 20
#define DEADLINE_S 3

struct rival {
	size_t item;
	char what[320], has[256];
};

struct look {
	const struct mr_import *import;
	const char *host;
	char since[MR_TIME_SIZE];
	struct rival rivals[MOST];
	size_t count;
};

static bool is_written(const struct mr_import_item *item)
{
	return item->state == MR_IMPORT_NEW || item->state == MR_IMPORT_HALF ||
	       item->state == MR_IMPORT_OTHER;
}

/* Who was imported at that host is there, of course. */
static void compare(struct look *look, enum mr_import_key key, const char *text, const char *name)
{
	const struct mr_import_item *item;
	struct rival *rival;
	size_t i;

	if (look->count == MOST || !mr_import_index_find(look->import->index, key, text, &i))
		return;
	item = &look->import->items[i];
	if (!is_written(item) || (strcmp(item->wanted.owner->name, look->host) == 0 &&
				  strcasecmp(item->wanted.user, name) == 0))
		return;
	rival = &look->rivals[look->count++];
	rival->item = i;
	snprintf(rival->what, sizeof(rival->what), "%s", text);
	snprintf(rival->has, sizeof(rival->has), "%s", name);
}

static int visit(void *context, const struct mr_entry *entry, struct mr_error *err)
{
	const struct mr_attr *addresses = mr_entry_attr(entry, "mailLocalAddress");
	const char *user = mr_entry_value(entry, "uid"), *group = mr_entry_value(entry, "cn");
	const char *name = user ? user : group ? group : "?";

	(void)err;
	/* What forwards to a mailbox that has moved claims nothing. */
	if (user &&
	    (mr_entry_value(entry, "uidNumber") || mr_entry_value(entry, "mailRoutingAddress")))
		compare(context, MR_IMPORT_USER, user, name);
	for (size_t i = 0; addresses && i < addresses->values.count; i++)
		compare(context, MR_IMPORT_ADDRESS, addresses->values.items[i], name);
	return 0;
}

static int ask(struct mr_arena *arena, struct mr_directory *dir, void *answer, struct mr_error *err)
{
	static const char *const attrs[] = {
		"uid", "cn", "mailLocalAddress", "mailRoutingAddress", "uidNumber", NULL
	};
	static const enum mr_service services[] = { MR_MAIL, MR_UNIX };
	struct look *look = answer;

	look->count = 0;
	for (size_t i = 0; i < 2; i++) {
		const struct mr_search find = {
			.base = mr_dit_owned(arena, services[i], look->host),
			.filter = mr_filter(
				arena,
				"(&(objectClass=inetLocalMailRecipient)(modifyTimestamp>=%s))",
				look->since),
			.attrs = attrs,
		};

		if (mr_directory_visit(dir, &find, visit, look, err) < 0 &&
		    err->code != MR_E_NOT_FOUND)
			return -1;
	}
	return 0;
}

static void add_sentences(const struct mr_import *import, const struct mr_question *question,
			  struct mr_list *out)
{
	const struct look *look = question->answer;
	const struct mr_import_user *before = NULL;

	for (size_t i = 0; question->result == 0 && i < look->count; i++) {
		const struct rival *rival = &look->rivals[i];
		const struct mr_import_user *user = import->items[rival->item].user;

		if (user == before)
			continue;
		before = user;
		mr_list_add(
			import->arena, out,
			mr_printf(import->arena,
				  _("line %lu: %s was given to %s by %s at the same moment: see "
				    "cl-replication --clashes"),
				  user->line, rival->what, rival->has, look->host));
	}
}

void mr_import_confirm(const struct mr_import *import, long long begin, struct mr_list *out)
{
	const struct mr_topology *topology = import->topology;
	struct mr_question *questions =
		MR_NEW_ARRAY(import->arena, struct mr_question, topology->count);
	struct look *looks = MR_NEW_ARRAY(import->arena, struct look, topology->count);
	struct mr_config quick = *import->config;
	size_t count = 0;

	if (quick.directory_deadline > DEADLINE_S)
		quick.directory_deadline = DEADLINE_S;
	for (size_t i = 0; i < topology->count && import->config->directory_port; i++) {
		const struct mr_host *host = &topology->hosts[i];

		/* Commands at this host wait for each other. */
		if (host->state != MR_JOINED || !mr_host_is_provider(topology, host) ||
		    strcmp(host->name, import->config->host) == 0)
			continue;
		looks[count] = (struct look){ .import = import, .host = host->name };
		mr_time_format(begin - MR_IMPORT_CLOCKS, looks[count].since);
		questions[count] =
			(struct mr_question){ .host = host->name, .answer = &looks[count] };
		count++;
	}
	mr_ask_all(&quick, NULL, questions, count, ask);
	for (size_t i = 0; i < count; i++)
		add_sentences(import, &questions[i], out);
}
