#include "features/gate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/paths.h"

#define MOST_BYTES 65536

/* "closed 1700000000 not in step with mail2.lan" or "open 1700000000" */
int mr_gate_read(struct mr_arena *arena, const struct mr_config *config, struct mr_gate *out,
		 struct mr_error *err)
{
	const char *path = mr_path(arena, config->root, MR_PATH_GATE), *word;
	char *text, *end;

	*out = (struct mr_gate){ 0 };
	if (mr_file_read(arena, path, MOST_BYTES, &text, NULL, err) < 0)
		return err->code == MR_E_NOT_FOUND ? 0 : -1;
	text[strcspn(text, "\n")] = '\0';
	out->closed = mr_starts_with(text, "closed ");
	if (!out->closed && !mr_starts_with(text, "open "))
		return mr_fail(err, MR_E_CONFIG,
			       _("%s: neither \"open\" nor \"closed\": remove it, mailrepl-watch "
				 "writes it again"),
			       path);
	word = strchr(text, ' ') + 1;
	out->since = strtoll(word, &end, 10);
	if (out->closed)
		out->why = mr_strdup(arena, *end == ' ' ? end + 1 : "");
	return 0;
}

int mr_gate_write(const struct mr_config *config, const struct mr_gate *gate, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *text = gate->closed ? mr_printf(arena, "closed %lld %s\n",
						    (long long)gate->since, gate->why)
					: mr_printf(arena, "open %lld\n", (long long)gate->since);

	return mr_file_replace(mr_path(arena, config->root, MR_PATH_GATE), text, strlen(text),
			       MR_FILE_PUBLIC, err);
}

static bool reached(const struct mr_provider_seen *seen, int64_t now)
{
	return seen->last_reached && now - seen->last_reached <= MR_GATE_GRACE;
}

static bool doubted(const struct mr_gate *before, const struct mr_gate_view *view,
		    const struct mr_provider_seen *seen)
{
	int64_t since = seen->last_reached;

	if (reached(seen, view->now))
		return false;
	if (!since)
		since = before->closed ? before->since : view->now;
	return view->now - since < view->doubt;
}

static const char *names(struct mr_arena *arena, const struct mr_gate *before,
			 const struct mr_gate_view *view, bool doubt)
{
	struct mr_list list = { 0 };

	for (size_t i = 0; i < view->count; i++) {
		const struct mr_provider_seen *seen = &view->seen[i];

		if (doubt ? doubted(before, view, seen)
			  : reached(seen, view->now) && !seen->in_step)
			mr_list_add(arena, &list, seen->name);
	}
	return list.count ? mr_list_join(arena, &list, ", ") : NULL;
}

static const char *reason(struct mr_arena *arena, const struct mr_gate *before,
			  const struct mr_gate_view *view)
{
	const char *who;

	if (view->now - view->own_directory > MR_GATE_GRACE)
		return _("this host's directory does not answer");
	if (view->stale_topology)
		return _("the rendered configuration is older than the directory's topology");
	who = names(arena, before, view, true);
	if (who)
		return mr_printf(arena, _("not reached, and may know more users: %s"), who);
	who = names(arena, before, view, false);
	return who ? mr_printf(arena, _("not in step with %s"), who) : NULL;
}

void mr_gate_decide(struct mr_arena *arena, const struct mr_gate *before,
		    const struct mr_gate_view *view, struct mr_gate *out)
{
	const char *why = reason(arena, before, view);
	bool closed = why != NULL;

	*out = (struct mr_gate){ closed, why, view->now };
	if (closed == before->closed && before->since)
		out->since = before->since;
}
