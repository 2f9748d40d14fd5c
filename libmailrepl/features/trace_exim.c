#include <string.h>

#include "features/exim_ask.h"
#include "features/mta.h"
#include "features/trace.h"

/* "user2@mail2.lan" of "user2+detail@mail2.lan": a directory's answer has no detail. */
static const char *without_detail(struct mr_arena *arena, const char *way, char delimiter)
{
	const char *at = strchr(way, delimiter), *domain = strrchr(way, '@');

	return !domain || !at || at == way || at > domain
		       ? way
		       : mr_printf(arena, "%.*s%s", (int)(at - way), way, domain);
}

/* What parts it in the forms that were asked for: "user+detail@d" and "user@d"; 0: nothing. */
static char delimiter_in(const struct mr_list *forms)
{
	return forms->count > 2 ? forms->items[0][strcspn(forms->items[1], "@")] : '\0';
}

/* A role address goes to where it goes by way of others. */
static bool leads_to(struct mr_arena *arena, const struct mr_trace *own, const struct mr_list *ways)
{
	char delimiter = delimiter_in(&own->forms);

	for (size_t i = 0; i < ways->count; i++) {
		const char *way = ways->items[i];

		if (strcmp(way, own->mapped) == 0 ||
		    (delimiter && strcmp(without_detail(arena, way, delimiter), own->mapped) == 0))
			return true;
	}
	return false;
}

void mr_trace_exim(struct mr_arena *arena, const struct mr_config *config,
		   const struct mr_trace *own, struct mr_trace_mta *out)
{
	struct mr_exim_answer answer;
	struct mr_error err;

	*out = (struct mr_trace_mta){ .asked = false };
	if (*config->root) {
		out->answer = _("not asked: below --root there is no Exim");
		return;
	}
	if (mr_exim_ask(arena, NULL, own->forms.items[0], &answer, &err) < 0) {
		out->answer = mr_strdup(arena, err.message);
		return;
	}
	out->asked = true;
	mr_trace_exim_judge(arena, own, &answer, out);
}

void mr_trace_exim_judge(struct mr_arena *arena, const struct mr_trace *own,
			 const struct mr_exim_answer *answer, struct mr_trace_mta *out)
{
	if (own->mapped) {
		out->agrees = leads_to(arena, own, &answer->ways);
		out->answer = out->agrees || !answer->why ? answer->ways.items[0] : answer->why;
		return;
	}
	out->answer = answer->fate == MR_EXIM_UNDELIVERABLE ? _("not found")
		      : answer->why                         ? answer->why
							    : answer->ways.items[0];
	out->agrees = answer->fate ==
		      (own->fate == MR_FATE_DEFERRED ? MR_EXIM_LATER : MR_EXIM_UNDELIVERABLE);
}

void mr_trace_mta(struct mr_arena *arena, const struct mr_config *config,
		  const struct mr_trace *own, struct mr_trace_mta *out)
{
	if (!own->forms.count)
		*out = (struct mr_trace_mta){
			.answer = _("not asked: not its mail domains' first step")
		};
	else if (mr_mta(config) == MR_SERVICE_EXIM)
		mr_trace_exim(arena, config, own, out);
	else
		mr_trace_postfix(arena, config, own, out);
}
