#include "features/heard.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/paths.h"
#include "features/csn.h"
#include "features/instance.h"
#include "features/recall.h"
#include "features/sync.h"

static const enum mr_service services[] = { MR_MAIL, MR_UNIX };
#define SERVICES (sizeof(services) / sizeof(services[0]))
#define PAUSE_MS 500
#define NONE "-" /* sorts before every change sequence number */

/* How far this host's own databases are: the newest, since a host that has left and come back may
 * have written with another serverID. */
struct own {
	const char *newest[SERVICES]; /* NULL: this host has no such database */
};

static int read_own(struct mr_arena *arena, const char *host, struct mr_directory *dir,
		    struct own *own, struct mr_error *err)
{
	for (size_t s = 0; s < SERVICES; s++) {
		struct mr_list csns;
		bool found;

		if (mr_csns_read(arena, dir, mr_dit_owned(arena, services[s], host), &found, &csns,
			      err) < 0)
			return -1;
		own->newest[s] = csns.count ? mr_csn_newest(&csns) : (found ? NONE : NULL);
	}
	return 0;
}

static const char *format_note(struct mr_arena *arena, const struct own *own)
{
	return mr_printf(arena, "%s %s\n", own->newest[0] ? own->newest[0] : NONE,
			 own->newest[1] ? own->newest[1] : NONE);
}

static const char *note_path(struct mr_arena *arena, const struct mr_config *config)
{
	return mr_path(arena, config->root, MR_PATH_HEARD);
}

static int write_note(struct mr_arena *arena, const struct mr_config *config, const struct own *own,
		      struct mr_error *err)
{
	const char *text = format_note(arena, own);

	return mr_file_replace(note_path(arena, config), text, strlen(text), MR_FILE_PUBLIC, err);
}

/* "" if there is none. It is read before the databases: they cannot fall behind it meanwhile. */
static const char *read_note(struct mr_arena *arena, const struct mr_config *config)
{
	struct mr_error ignored;
	char *text;

	return mr_file_read(arena, note_path(arena, config), 4096, &text, NULL, &ignored) < 0
		       ? ""
		       : text;
}

static bool is_noted(const char *note, const struct own *own)
{
	char noted[SERVICES][MR_CSN_SIZE];

	if (sscanf(note, "%63s %63s", noted[0], noted[1]) != (int)SERVICES)
		return false;
	for (size_t s = 0; s < SERVICES; s++)
		if (strcmp(own->newest[s] ? own->newest[s] : NONE, noted[s]) < 0)
			return false;
	return true;
}

/* Without a note the next one asks again. */
static void renew_note(struct mr_arena *arena, const struct mr_config *config, const char *note,
		       const struct own *own)
{
	struct mr_error err;

	if (strcmp(note, format_note(arena, own)) != 0 && write_note(arena, config, own, &err) < 0)
		mr_log(MR_LOG_DEBUG, "%s", err.message);
}

int mr_heard_note(const struct mr_config *config, struct mr_directory *dir, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *note = read_note(arena, config);
	struct own own;

	if (read_own(arena, config->host, dir, &own, err) < 0)
		return -1;
	return strcmp(note, format_note(arena, &own)) == 0 ? 0
							   : write_note(arena, config, &own, err);
}

/* Whether anybody else has had the time to copy anything. */
static bool is_copied(const struct mr_config *config, const struct mr_topology *topology)
{
	for (size_t i = 0; i < topology->count; i++)
		if (topology->hosts[i].state == MR_JOINED &&
		    strcmp(topology->hosts[i].name, config->host) != 0)
			return true;
	return false;
}

/* An old disk is old for both services, so an answer for one will do. */
static int ask(struct mr_arena *arena, const struct mr_config *config, struct mr_directory *dir,
	       const struct mr_topology *topology, const struct own *own, enum mr_heard *out,
	       const char **from, struct mr_error *err)
{
	bool answered = false, silent = false;

	for (size_t s = 0; s < SERVICES; s++) {
		struct mr_recall_look look;

		if (!own->newest[s])
			continue;
		if (mr_recall_ask(arena, config, dir, topology, services[s], &look, err) < 0)
			return -1;
		if (look.newer) {
			*out = MR_HEARD_NEWER;
			*from = look.refill.from;
			return 0;
		}
		answered |= look.answered;
		silent |= look.refill.silent;
	}
	*out = !answered ? MR_HEARD_NOBODY : silent ? MR_HEARD_SOME : MR_HEARD_ALL;
	return 0;
}

int mr_heard_ask(struct mr_arena *arena, const struct mr_config *config, struct mr_directory *dir,
		 const struct mr_topology *topology, enum mr_heard *out, const char **from,
		 struct mr_error *err)
{
	const char *note = read_note(arena, config);
	struct own own;

	*from = NULL;
	if (read_own(arena, config->host, dir, &own, err) < 0)
		return -1;
	*out = MR_HEARD_NOTED;
	if (!is_noted(note, &own) && ask(arena, config, dir, topology, &own, out, from, err) < 0)
		return -1;
	if (*out == MR_HEARD_NOTED || *out == MR_HEARD_ALL)
		renew_note(arena, config, note, &own);
	return 0;
}

static int fail_newer(const char *from, enum mr_error_code code, struct mr_error *err)
{
	return mr_fail(err, code,
		       _("this host's disk is old, %s knows newer changes of what this host owns: "
			 "cl-rebuild --repl takes them back (mailrepl-watch does that by itself), "
			 "then run this again; nothing was changed"),
		       from);
}

static int fail_nobody(struct mr_error *err)
{
	return mr_fail(err, MR_E_TEMPORARY,
		       _("no other host has answered since this machine was started, so nobody "
			 "knows whether its disk is an old one: run this again when one can be "
			 "reached; or, if the disk is surely the one that it had, run cl-rebuild "
			 "--alone first; nothing was changed"));
}

/* After a cable was plugged in again one answers a little before the others. That there is nobody
 * else is noted, too: the topology need not be read for each command. */
static int ask_others(struct mr_arena *arena, const struct mr_config *config,
		      struct mr_directory *dir, struct mr_error *err)
{
	long long until = mr_now_ms() + MR_HEARD_PATIENCE * 1000;
	struct mr_topology topology;
	enum mr_heard heard;
	const char *from;

	if (mr_instance_topology(arena, dir, config, &topology, err) < 0)
		return -1;
	if (!mr_topology_host(&topology, config->host))
		return 0;
	if (topology.count < 2)
		return mr_heard_note(config, dir, err);
	for (;;) {
		if (mr_heard_ask(arena, config, dir, &topology, &heard, &from, err) < 0)
			return -1;
		if (heard != MR_HEARD_SOME || mr_left_ms(until) == 0)
			break;
		(void)usleep(PAUSE_MS * 1000);
	}
	if (heard == MR_HEARD_NEWER)
		return fail_newer(from, MR_E_TEMPORARY, err);
	if (heard == MR_HEARD_NOBODY)
		return is_copied(config, &topology) ? fail_nobody(err) : 0;
	return mr_heard_note(config, dir, err);
}

int mr_heard_check(const struct mr_config *config, struct mr_directory *dir, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *note = read_note(arena, config);
	struct own own;

	if (!config->host)
		return 0;
	if (read_own(arena, config->host, dir, &own, err) < 0)
		return mr_fail_in(err, _("looking how far this host's directory is"));
	if (!own.newest[0] && !own.newest[1])
		return 0;
	if (!is_noted(note, &own))
		return ask_others(arena, config, dir, err);
	renew_note(arena, config, note, &own);
	return 0;
}

int mr_heard_check_owner(struct mr_directory *dir, struct mr_directory *remote, const char *host,
			 struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();

	for (size_t s = 0; s < SERVICES; s++) {
		struct mr_list copies, owned;
		bool found;

		/* The copy first: it cannot come past its owner while we look. */
		if (mr_csns_read(arena, dir, mr_dit_all(services[s]), &found, &copies, err) < 0 ||
		    mr_csns_read(arena, remote, mr_dit_owned(arena, services[s], host), &found, &owned,
			      err) < 0)
			return mr_fail_in(err, _("looking how far the directory of %s is"), host);
		for (size_t i = 0; i < copies.count * owned.count; i++) {
			const char *copy = copies.items[i / owned.count];
			const char *own = owned.items[i % owned.count];

			if (mr_csn_server_id(copy) == mr_csn_server_id(own) &&
			    strcmp(copy, own) > 0)
				return mr_fail(err, MR_E_TEMPORARY,
					       _("%s has an old disk, this host knows newer "
						 "changes of what it owns: run cl-rebuild --repl "
						 "there first; nothing was changed"),
					       host);
		}
	}
	return 0;
}

int mr_heard_alone_plan(struct mr_arena *arena, const struct mr_config *config,
			struct mr_directory *dir, const struct mr_topology *topology,
			struct mr_plan *plan, struct mr_error *err)
{
	const char *note = read_note(arena, config), *from;
	enum mr_heard heard;
	struct own own;

	if (read_own(arena, config->host, dir, &own, err) < 0)
		return -1;
	if ((!own.newest[0] && !own.newest[1]) || is_noted(note, &own))
		return 0;
	if (ask(arena, config, dir, topology, &own, &heard, &from, err) < 0)
		return -1;
	if (heard == MR_HEARD_NEWER)
		return fail_newer(from, MR_E_DENIED, err);
	mr_plan_file(arena, plan, note_path(arena, config), format_note(arena, &own),
		     MR_FILE_PUBLIC,
		     heard == MR_HEARD_NOBODY
			     ? _("note that this host's disk is not an old one, although no other "
				 "host says so")
			     : _("note that another host has answered, and knows nothing newer"));
	return 0;
}
