#include <string.h>
#include <strings.h>

#include "adapters/json.h"
#include "base/process.h"
#include "features/move_state.h"
#include "features/mta.h"

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

static int requeue_postfix(const char *real_address, size_t *waiting, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *const queue[] = { "postqueue", "-j", NULL };
	struct mr_list ids = { 0 };
	MR_BUF text = { 0 };

	if (mr_move_output(queue, &text, err) < 0)
		return -1;
	if (text.data && list_waiting(arena, text.data, real_address, &ids, waiting, err) < 0)
		return -1;
	return requeue(&ids, err);
}

/* Before the address of one who has it by now there is a D. */
static const char *undelivered(const char *line)
{
	const char *address = line + strspn(line, " ");

	return address - line == 10 ? address : "";
}

size_t mr_move_exim_waiting(char *text, const char *real_address, bool *any)
{
	const size_t user = strcspn(real_address, "@") + 1;
	size_t count = 0;
	char *line;

	*any = false;
	while ((line = strsep(&text, "\n"))) {
		const char *address = undelivered(line);

		count += strcasecmp(address, real_address) == 0;
		*any |= strncasecmp(address, real_address, user) == 0;
	}
	return count;
}

/* Exim looks up the way of each address anew whenever it tries: it only has to try. What it brings then may take longer
 * than anybody here waits. */
static int requeue_exim(const char *real_address, size_t *waiting, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *const queue[] = { "exim4", "-bpr", NULL };
	const char *user = mr_printf(arena, "%.*s@", (int)strcspn(real_address, "@"), real_address);
	const char *const argv[] = { "exim4", "-R", user, NULL };
	const struct mr_process process = { .argv = argv, .daemon = true };
	struct mr_child *child;
	MR_BUF text = { 0 };
	bool any;
	int fd;

	if (mr_move_output(queue, &text, err) < 0)
		return -1;
	*waiting = text.data ? mr_move_exim_waiting(text.data, real_address, &any) : 0;
	if (!text.data || !any)
		return 0;
	if (mr_process_read_from(&process, &child, &fd, err) < 0)
		return -1;
	mr_process_leave(child);
	return 0;
}

int mr_move_requeue(const struct mr_config *config, const char *real_address, size_t *waiting,
		    struct mr_error *err)
{
	*waiting = 0;
	return mr_mta(config) == MR_SERVICE_EXIM ? requeue_exim(real_address, waiting, err)
						 : requeue_postfix(real_address, waiting, err);
}
