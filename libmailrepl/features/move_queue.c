#include <string.h>
#include <strings.h>

#include "adapters/json.h"
#include "base/process.h"
#include "features/move_state.h"

#define MOST_ARGUMENTS 200

static bool is_for(const struct mr_value *message, const char *address)
{
	const struct mr_value *recipients = mr_value_get(message, "recipients");

	for (size_t i = 0; recipients && i < recipients->count; i++)
		if (strcasecmp(mr_value_get_string(recipients->items[i], "address", ""), address) ==
		    0)
			return true;
	return false;
}

/* A message a line; those that are just being delivered are left in peace: they come back to
 * "deferred", or are gone. */
static int list_waiting(struct mr_arena *arena, char *text, const char *address,
			struct mr_list *out, size_t *waiting, struct mr_error *err)
{
	char *line;

	while ((line = strsep(&text, "\n"))) {
		struct mr_value *message;

		if (!*line || !strcasestr(line, address))
			continue;
		if (mr_json_parse(arena, "postqueue -j", line, strlen(line), &message, err) < 0)
			return -1;
		if (!is_for(message, address))
			continue;
		++*waiting;
		if (strcmp(mr_value_get_string(message, "queue_name", ""), "deferred") == 0)
			mr_list_add(arena, out, mr_value_get_string(message, "queue_id", ""));
	}
	return 0;
}

/* In the queue "deferred" only: a message that is under delivery would be delivered twice. */
static int requeue(const struct mr_list *ids, struct mr_error *err)
{
	const char *argv[2 * MOST_ARGUMENTS + 4];
	const struct mr_process process = { .argv = argv };

	for (size_t at = 0; at < ids->count;) {
		size_t count = 0;

		argv[count++] = "postsuper";
		for (; at < ids->count && count < 2 * MOST_ARGUMENTS; at++) {
			argv[count++] = "-r";
			argv[count++] = ids->items[at];
		}
		argv[count++] = "deferred";
		argv[count] = NULL;
		if (mr_process_check(&process, err) < 0)
			return -1;
	}
	return 0;
}

int mr_move_requeue(const char *real_address, size_t *waiting, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *const queue[] = { "postqueue", "-j", NULL };
	struct mr_list ids = { 0 };
	MR_BUF text = { 0 };

	*waiting = 0;
	if (mr_move_output(queue, &text, err) < 0)
		return -1;
	if (text.data && list_waiting(arena, text.data, real_address, &ids, waiting, err) < 0)
		return -1;
	return requeue(&ids, err);
}
