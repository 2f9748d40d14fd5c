/* The servers that keep mail for us. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/probe.h"
#include "adapters/reach.h"
#include "adapters/service.h"
#include "base/log.h"
#include "features/mta.h"
#include "features/waiting.h"

#define SMTP 25
#define ASK_MS 10000
#define REACH_MS 2000
/* Seconds. They are strangers' servers: seldom while all is well. */
#define THERE_EVERY 300
#define AWAY_EVERY 30

static struct mr_waiting_backup *backup_of(struct mr_waiting *waiting, const char *name)
{
	struct mr_waiting_backup *backups;

	for (size_t i = 0; i < waiting->backup_count; i++)
		if (strcmp(waiting->backups[i].name, name) == 0)
			return &waiting->backups[i];
	backups = realloc(waiting->backups, (waiting->backup_count + 1) * sizeof(*backups));
	if (!backups)
		abort();
	waiting->backups = backups;
	backups += waiting->backup_count++;
	*backups =
		(struct mr_waiting_backup){ .name = mr_strdup(waiting->arena, name), .due = true };
	return backups;
}

/* RFC 1985 section 5: 250 to 253 are all good news. 458 and 500 to 502 are not, nor is what Postfix says to who may not. */
static int etrn(const char *server, const struct mr_config *config,
		const struct mr_topology *topology, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const size_t domains = topology->domains.count;
	struct mr_probe_line *lines = MR_NEW_ARRAY(arena, struct mr_probe_line, domains + 3);

	lines[0] = (struct mr_probe_line){ NULL, "220" };
	lines[1] = (struct mr_probe_line){ mr_printf(arena, "EHLO %s", config->host), "250" };
	for (size_t i = 0; i < domains; i++)
		lines[2 + i] = (struct mr_probe_line){
			mr_printf(arena, "ETRN %s", topology->domains.items[i]), "25"
		};
	lines[2 + domains] = (struct mr_probe_line){ "QUIT", "2" };
	return mr_probe_at(server, SMTP, lines, domains + 3, ASK_MS, err);
}

static void say(struct mr_waiting_backup *backup, const char *text)
{
	if (strcmp(backup->trouble, text) != 0)
		mr_log(MR_LOG_WARNING, "backup_mx.backups: %s: %s", backup->name, text);
	snprintf(backup->trouble, sizeof(backup->trouble), "%s", text);
}

/* Who refuses once does so until we are away again. */
static void ask(struct mr_waiting_backup *backup, const struct mr_config *config,
		const struct mr_topology *topology)
{
	struct mr_error err = { 0 };

	if (etrn(backup->name, config, topology, &err) < 0) {
		backup->due = err.code == MR_E_UNAVAILABLE;
		say(backup, err.message);
		return;
	}
	backup->due = false;
	backup->trouble[0] = '\0';
	mr_log(MR_LOG_INFO, _("%s was asked for the mail that it keeps for us"), backup->name);
	mr_audit(_("%s was asked for the mail that it keeps for us"), backup->name);
}

void mr_waiting_ask(struct mr_waiting *waiting, const struct mr_config *config,
		    const struct mr_topology *topology, int64_t now)
{
	MR_ARENA arena = mr_arena_open();
	const struct mr_value *names = mr_value_get(
		mr_value_get(mr_config_settings(arena, config), "backup_mx"), "backups");
	const bool ran = waiting->runs;

	waiting->runs = names && names->count > 0 && mr_service_running(mr_mta(config), "");
	if (!waiting->runs)
		return;

	for (size_t i = 0; i < names->count; i++) {
		struct mr_waiting_backup *backup = backup_of(waiting, names->items[i]->string);
		int64_t passed = now - backup->tried;

		backup->due |= !ran;
		if (ran && backup->tried && passed >= 0 &&
		    passed < (backup->due ? AWAY_EVERY : THERE_EVERY))
			continue;
		backup->tried = now;
		if (backup->due)
			ask(backup, config, topology);
		else
			backup->due = !mr_reachable(backup->name, SMTP, REACH_MS);
	}
}
