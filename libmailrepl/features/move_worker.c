#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/process.h"
#include "features/instance.h"
#include "features/move_state.h"

#define MOST_TAKERS 4
#define MOST_VISITS 16
#define SHORTEST_MS 100
#define LONGEST_MS 2000
#define LINGER_MS 3000 /* another move may follow at once */
#define FIRST_RETRY_MS 500
#define MOST_RETRY_MS 30000
#define MOST_FAILURES 64
#define START_MS 20000
#define WATCH_PAUSE 60

struct child {
	pid_t pid; /* 0: free */
	char user[64];
};

/* Whom to leave in peace for a while. */
struct failure {
	char user[64];
	long long until, pause_ms;
};

struct worker {
	const struct mr_config *config;
	const char *program;
	struct mr_directory *dir;
	int listener; /* -1: nothing to give */
	struct child takers[MOST_TAKERS], visits[MOST_VISITS];
	struct failure failures[MOST_FAILURES];
	char complaint[1024];
};

/* What one look has found. */
struct scene {
	struct mr_mover mover;
	struct mr_move_entry *gives, *takes;
	size_t give_count, take_count;
	bool active; /* something is due, or under way */
};

static void complain(struct worker *worker, const char *text)
{
	if (strcmp(text, worker->complaint) == 0)
		return;
	snprintf(worker->complaint, sizeof(worker->complaint), "%s", text);
	mr_log(MR_LOG_WARNING, "%s", text);
	mr_audit("%s", text);
}

static struct failure *failure_of(struct worker *worker, const char *user)
{
	struct failure *found = &worker->failures[0];

	for (size_t i = 0; i < MOST_FAILURES; i++) {
		struct failure *one = &worker->failures[i];

		if (strcmp(one->user, user) == 0)
			return one;
		if (one->until < found->until)
			found = one;
	}
	*found = (struct failure){ 0 };
	snprintf(found->user, sizeof(found->user), "%s", user);
	return found;
}

static void failed(struct worker *worker, const char *user)
{
	struct failure *failure = failure_of(worker, user);

	failure->pause_ms = failure->pause_ms ? failure->pause_ms * 2 : FIRST_RETRY_MS;
	if (failure->pause_ms > MOST_RETRY_MS)
		failure->pause_ms = MOST_RETRY_MS;
	failure->until = mr_now_ms() + failure->pause_ms;
}

/* In the child: dies with the worker, shares nothing with it that either would spoil for the other.
 */
static void become_child(struct scene *scene)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	scene->mover.dir = NULL;
}

static int run_taker(struct worker *worker, struct scene *scene, const struct mr_move_entry *at)
{
	struct mr_error err = { 0 };
	const char *from = mr_dit_owner(scene->mover.arena, at->entry->dn);

	become_child(scene);
	if (mr_instance_open(scene->mover.arena, worker->config, &scene->mover.dir, &err) == 0 &&
	    mr_move_take(&scene->mover, worker->program, from, at->route.user, &err) == 0)
		return 0;
	complain(worker, err.message);
	return mr_error_status(err.code);
}

static int run_visit(struct worker *worker, struct scene *scene, int fd)
{
	struct mr_error err = { 0 };

	become_child(scene);
	if (mr_instance_open(scene->mover.arena, worker->config, &scene->mover.dir, &err) < 0)
		close(fd);
	else if (mr_move_serve(&scene->mover, fd, &err) == 0)
		return 0;
	complain(worker, err.message);
	return mr_error_status(err.code);
}

static struct child *free_place(struct child *children, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!children[i].pid)
			return &children[i];
	return NULL;
}

static bool is_taking(const struct worker *worker, const char *user)
{
	for (size_t i = 0; i < MOST_TAKERS; i++)
		if (worker->takers[i].pid && strcmp(worker->takers[i].user, user) == 0)
			return true;
	return false;
}

static void start_taker(struct worker *worker, struct scene *scene, const struct mr_move_entry *at)
{
	struct child *place = free_place(worker->takers, MOST_TAKERS);
	pid_t pid;

	if (!place || is_taking(worker, at->route.user) ||
	    mr_now_ms() < failure_of(worker, at->route.user)->until)
		return;
	pid = fork();
	if (pid == 0)
		_exit(run_taker(worker, scene, at));
	if (pid < 0)
		return;
	place->pid = pid;
	snprintf(place->user, sizeof(place->user), "%s", at->route.user);
}

static void accept_visit(struct worker *worker, struct scene *scene)
{
	struct child *place = free_place(worker->visits, MOST_VISITS);
	int fd = place ? accept4(worker->listener, NULL, NULL, SOCK_CLOEXEC) : -1;
	pid_t pid;

	if (fd < 0)
		return;
	pid = fork();
	if (pid == 0)
		_exit(run_visit(worker, scene, fd));
	close(fd);
	if (pid > 0)
		place->pid = pid;
}

/* True if one has ended. */
static bool reap(struct worker *worker)
{
	bool any = false;
	int status;

	for (size_t i = 0; i < MOST_VISITS; i++)
		if (worker->visits[i].pid && waitpid(worker->visits[i].pid, NULL, WNOHANG) != 0) {
			worker->visits[i].pid = 0;
			any = true;
		}
	for (size_t i = 0; i < MOST_TAKERS; i++) {
		struct child *taker = &worker->takers[i];

		if (!taker->pid || waitpid(taker->pid, &status, WNOHANG) == 0)
			continue;
		if (status != 0)
			failed(worker, taker->user);
		taker->pid = 0;
		any = true;
	}
	return any;
}

static bool has_children(const struct worker *worker)
{
	for (size_t i = 0; i < MOST_VISITS; i++)
		if (worker->visits[i].pid)
			return true;
	for (size_t i = 0; i < MOST_TAKERS; i++)
		if (worker->takers[i].pid)
			return true;
	return false;
}

/* --- one look */

static int find_takes(struct worker *worker, struct scene *scene, struct mr_error *err)
{
	struct mr_arena *arena = scene->mover.arena;
	const char *self = worker->config->host;
	struct mr_move_entry *all;
	size_t count;

	if (mr_move_entry_list(arena, worker->dir, mr_dit_all(MR_MAIL), &all, &count, err) < 0)
		return -1;
	scene->takes = MR_NEW_ARRAY(arena, struct mr_move_entry, count);
	for (size_t i = 0; i < count; i++) {
		const char *owner = mr_dit_owner(arena, all[i].entry->dn);

		if (owner && strcmp(owner, self) != 0 && strcmp(all[i].move.host, self) == 0 &&
		    all[i].move.phase <= MR_MOVE_ADOPTING)
			scene->takes[scene->take_count++] = all[i];
	}
	return 0;
}

static int look(struct worker *worker, struct scene *scene, struct mr_error *err)
{
	struct mr_arena *arena = scene->mover.arena;
	const char *own = mr_dit_owned(arena, MR_MAIL, worker->config->host);
	struct mr_topology *topology = MR_NEW(arena, struct mr_topology);

	if (!worker->dir && mr_instance_open(arena, worker->config, &worker->dir, err) < 0)
		return -1;
	scene->mover.dir = worker->dir;
	scene->mover.topology = topology;
	if (mr_instance_topology(arena, worker->dir, worker->config, topology, err) < 0 ||
	    mr_move_entry_list(arena, worker->dir, own, &scene->gives, &scene->give_count, err) < 0)
		return -1;
	return find_takes(worker, scene, err);
}

/* It is open while somebody may ask, and no longer. */
static int keep_listener(struct worker *worker, const struct scene *scene, struct mr_error *err)
{
	bool wanted = false;

	for (size_t i = 0; i < scene->give_count; i++)
		wanted |= scene->gives[i].move.phase <= MR_MOVE_ADOPTING;
	if (wanted && worker->listener < 0)
		return mr_channel_listen(mr_move_port(worker->config), &worker->listener, err);
	if (!wanted && worker->listener >= 0) {
		close(worker->listener);
		worker->listener = -1;
	}
	return 0;
}

static void give_all(struct worker *worker, struct scene *scene)
{
	for (size_t i = 0; i < scene->give_count; i++) {
		const struct mr_move_entry *at = &scene->gives[i];
		struct mr_error err;
		bool busy = true;

		if (mr_move_give(&scene->mover, at, &busy, &err) < 0) {
			complain(worker, err.message);
			mr_move_trouble_note(worker->config, at->route.user, worker->config->host,
					     err.message);
		}
		scene->active |= busy;
	}
}

static void take_all(struct worker *worker, struct scene *scene)
{
	struct mr_list users = { 0 };
	struct mr_error err;

	for (size_t i = 0; i < scene->take_count; i++) {
		mr_list_add(scene->mover.arena, &users, scene->takes[i].route.user);
		start_taker(worker, scene, &scene->takes[i]);
	}
	scene->active |= scene->take_count > 0 || has_children(worker);
	if (!has_children(worker) && mr_move_folder_sweep(worker->config, &users, &err) < 0)
		complain(worker, err.message);
}

static void disconnect(struct worker *worker)
{
	mr_directory_close(worker->dir);
	worker->dir = NULL;
}

/* Sleeps until somebody knocks, for `ms` at most. */
static void wait_a_while(struct worker *worker, struct scene *scene, int ms)
{
	struct pollfd ready = { .fd = worker->listener, .events = POLLIN };

	if (poll(&ready, 1, ms) > 0)
		accept_visit(worker, scene);
}

/* False: nothing to do. */
static bool work_once(struct worker *worker, int pause_ms)
{
	MR_ARENA arena = mr_arena_open();
	struct scene scene = { .mover = { .arena = arena, .config = worker->config } };
	struct mr_error err = { 0 };

	if (look(worker, &scene, &err) < 0 || keep_listener(worker, &scene, &err) < 0) {
		complain(worker, err.message);
		disconnect(worker);
		wait_a_while(worker, &scene, LONGEST_MS);
		return true;
	}
	give_all(worker, &scene);
	take_all(worker, &scene);
	wait_a_while(worker, &scene, pause_ms);
	return scene.active;
}

int mr_move_work(const struct mr_config *config, const char *program, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	struct worker worker = { .config = config, .program = program, .listener = -1 };
	const char *path = mr_path(arena, config->root, MR_PATH_RUN "/move.lock");
	long long idle_since = mr_now_ms();
	int lock, pause = SHORTEST_MS;

	if (mr_lock_open(path, 0, &lock, err) < 0) {
		err->code = MR_E_EXISTS;
		return -1;
	}
	while (mr_now_ms() - idle_since < LINGER_MS) {
		if (work_once(&worker, pause))
			idle_since = mr_now_ms();
		/* Soon after something has happened, rarely when nothing does. */
		pause = reap(&worker) ? SHORTEST_MS : pause + pause / 8;
		if (pause > LONGEST_MS)
			pause = LONGEST_MS;
	}
	if (worker.listener >= 0)
		close(worker.listener);
	disconnect(&worker);
	mr_lock_close(lock);
	return 0;
}

int mr_move_fetch(const struct mr_config *config, const char *host, const char *user,
		  struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_channel *channel;
	int rc;

	if (mr_move_ask(arena, config, host, mr_printf(arena, "sync %s", user), MR_MOVE_DEADLINE_MS,
			&channel, err) < 0)
		return -1;
	rc = mr_channel_pump(channel, STDIN_FILENO, STDOUT_FILENO, 600000, err);
	mr_channel_close(channel);
	return rc;
}

int mr_move_start(const struct mr_config *config, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *const argv[] = { mr_printf(arena, "%s/mailrepl-move", mr_libexec_folder()),
				     mr_printf(arena, "--root=%s", config->root), "start", NULL };
	const struct mr_process process = { .argv = argv, .timeout_ms = START_MS, .daemon = true };

	return mr_process_check(&process, err);
}

static bool is_kept(const char *text)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_move move;
	struct mr_error ignored;

	return mr_move_parse(arena, text, &move, &ignored) == 0 && move.phase == MR_MOVE_KEPT;
}

struct watching {
	const char *host;
	bool now, later;
};

static int judge(void *context, const struct mr_entry *entry, struct mr_error *err)
{
	struct watching *watching = context;
	const char *text = mr_entry_value(entry, "mailReplMove");
	MR_ARENA arena = mr_arena_open();
	const char *owner = mr_dit_owner(arena, entry->dn);
	bool own = owner && strcmp(owner, watching->host) == 0;

	(void)err;
	if (own && is_kept(text))
		watching->later = true;
	else if (own || mr_starts_with(text, mr_printf(arena, "%s ", watching->host)))
		watching->now = true;
	return 0;
}

int mr_move_watch(const struct mr_config *config, struct mr_directory *dir, int64_t now,
		  int64_t *last, struct mr_error *err)
{
	static const char *const attrs[] = { "mailReplMove", NULL };
	const struct mr_search find = { .base = mr_dit_all(MR_MAIL),
					.filter = "(mailReplMove=*)",
					.attrs = attrs };
	struct watching watching = { .host = config->host };

	if (!config->mail_manage || mr_directory_visit(dir, &find, judge, &watching, err) < 0)
		return config->mail_manage ? -1 : 0;
	/* One that is kept has something to do now and then, for as long as queues may hold mail.
	 */
	if (!watching.now && !(watching.later && (now < *last || now - *last >= WATCH_PAUSE)))
		return 0;
	*last = now;
	return mr_move_start(config, err);
}
