#include "features/verify.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "features/csn.h"
#include "features/instance.h"

#define LOOKS 3 /* at a copy that differs */

/* What one owner has of one service, read once for all holders. */
struct view {
	const struct mr_host *owner;
	enum mr_service service;
	struct mr_digest digest;
	const char *why; /* it could not be read; NULL: it was */
};

struct verifying {
	const struct mr_config *config;
	const struct mr_topology *topology;
	const struct mr_verify_part *part;
	struct mr_directory *dir; /* this host's, for this thread only */
	struct view *views;
	size_t view_count;
	struct mr_verification *out;
};

/* What is asked of one host, in a thread and an arena of its own. */
struct task {
	struct verifying *verifying;
	const struct mr_host *host;
	struct mr_arena *arena;
	struct mr_directory *dir;
	struct mr_copy_check strays[2];
	size_t stray_count;
	void (*run)(struct task *task);
	const char *why; /* the host cannot be asked */
};

static const enum mr_service services[] = { MR_MAIL, MR_UNIX };

static int open_host(struct task *task, const struct mr_host *host, struct mr_directory **out,
		     struct mr_error *err)
{
	const struct mr_config *config = task->verifying->config;

	if (strcmp(host->name, config->host) == 0)
		return mr_instance_open(task->arena, config, out, err);
	return mr_instance_open_peer(task->arena, config, NULL, host->name, out, err);
}

static void read_views(struct task *task)
{
	struct verifying *v = task->verifying;
	struct mr_error err;

	for (size_t i = 0; i < v->view_count; i++) {
		struct view *view = &v->views[i];

		if (view->owner != task->host)
			continue;
		view->why = task->why;
		if (!view->why &&
		    mr_digest_read(task->dir,
				   mr_dit_owned(task->arena, view->service, view->owner->name),
				   &view->digest, &err) < 0)
			view->why = mr_strdup(task->arena, err.message);
	}
}

/* 0.2 and 0.8 seconds: most changes are everywhere after some milliseconds. */
static void pause_before(int look)
{
	if (look > 0)
		(void)usleep(look == 1 ? 200 * 1000 : 800 * 1000);
}

/* The owner's digest is from a moment ago, and so a copy that differs from it is compared again, side by side. */
static int look_closely(struct task *task, struct mr_copy_check *check, struct mr_error *err)
{
	MR_DIRECTORY owner = NULL;

	if (open_host(task, check->owner, &owner, err) < 0)
		return mr_fail_in(err, "%s", check->owner->name);
	for (int look = 0; look < LOOKS; look++) {
		pause_before(look);
		if (mr_verify_copy(task->arena, owner, task->dir, check, err) < 0)
			return -1;
		/* So much will not have come a moment later. */
		if (check->state == MR_COPY_EQUAL ||
		    (check->state == MR_COPY_BEHIND && check->differences.more))
			break;
	}
	return 0;
}

static int check_copy(struct task *task, const struct view *view, struct mr_copy_check *check,
		      struct mr_error *err)
{
	struct mr_digest *digest = MR_NEW(task->arena, struct mr_digest);
	char *csn;

	if (view->why)
		return mr_fail(err, MR_E_UNAVAILABLE, "%s", view->why);
	if (mr_digest_read(task->dir,
			   mr_dit_copy(task->arena, check->service, check->owner->name), digest,
			   err) < 0 ||
	    mr_csn_read(task->arena, task->dir, mr_dit_all(check->service), check->owner->server_id,
			&csn, err) < 0)
		return -1;
	check->owner_entries = view->digest.entries;
	check->copy_entries = digest->entries;
	check->state = MR_COPY_EQUAL;
	return csn && mr_digest_equal(&view->digest, digest) ? 0 : look_closely(task, check, err);
}

static const struct view *find_view(const struct verifying *v, const struct mr_copy_check *check)
{
	for (size_t i = 0; i < v->view_count; i++)
		if (v->views[i].owner == check->owner && v->views[i].service == check->service)
			return &v->views[i];
	return NULL;
}

static bool names_owners(const struct mr_verify_part *part)
{
	return part->owners && part->owners->count;
}

static void find_strays(struct task *task)
{
	const struct mr_topology *topology = task->verifying->topology;
	const struct mr_host *self = mr_topology_host(topology, task->verifying->config->host);
	struct mr_error err;

	for (size_t s = 0; s < 2; s++) {
		struct mr_copy_check *check = &task->strays[task->stray_count];

		if (!(self->services & task->host->services & services[s]))
			continue;
		*check = (struct mr_copy_check){ .holder = task->host, .service = services[s] };
		if (mr_verify_strays(task->arena, task->dir, services[s], topology,
				     &check->differences, &err) < 0) {
			check->why = mr_strdup(task->arena, err.message);
			task->stray_count++;
		} else if (check->differences.count) {
			check->state = MR_COPY_DIFFERS;
			check->copy_entries = check->differences.count;
			task->stray_count++;
		}
	}
}

static void check_copies(struct task *task)
{
	struct verifying *v = task->verifying;
	struct mr_error err;

	for (size_t i = 0; i < v->out->count; i++) {
		struct mr_copy_check *check = &v->out->items[i];

		if (check->holder != task->host)
			continue;
		check->why = task->why;
		if (!check->why && check_copy(task, find_view(v, check), check, &err) < 0) {
			check->state = MR_COPY_UNKNOWN;
			check->why = mr_strdup(task->arena, err.message);
		}
	}
	if (!task->why && !names_owners(v->part))
		find_strays(task);
}

static void *run_task(void *argument)
{
	struct task *task = argument;
	MR_DIRECTORY opened = NULL;
	struct mr_error err;

	if (!task->dir) {
		if (open_host(task, task->host, &opened, &err) < 0)
			task->why = mr_strdup(task->arena, err.message);
		task->dir = opened;
	}
	task->run(task);
	return NULL;
}

/* All at once, this host's own in this thread. One that gets no thread is run after the others. */
static void run_tasks(struct mr_arena *arena, struct task *tasks, size_t count)
{
	pthread_t *threads = MR_NEW_ARRAY(arena, pthread_t, count);
	bool *started = MR_NEW_ARRAY(arena, bool, count);

	for (size_t i = 0; i < count; i++)
		started[i] = !tasks[i].dir &&
			     pthread_create(&threads[i], NULL, run_task, &tasks[i]) == 0;
	for (size_t i = 0; i < count; i++)
		if (!started[i])
			run_task(&tasks[i]);
	for (size_t i = 0; i < count; i++)
		if (started[i])
			pthread_join(threads[i], NULL);
}

static size_t make_tasks(struct mr_arena *arena, struct verifying *v, void (*run)(struct task *),
			 bool (*wanted)(const struct verifying *, const struct mr_host *),
			 struct task **out)
{
	size_t count = 0;

	*out = MR_NEW_ARRAY(arena, struct task, v->topology->count);
	for (size_t i = 0; i < v->topology->count; i++) {
		const struct mr_host *host = &v->topology->hosts[i];
		bool self = strcmp(host->name, v->config->host) == 0;

		if (wanted(v, host))
			(*out)[count++] = (struct task){ .verifying = v,
							 .host = host,
							 .arena = mr_arena_open(),
							 .dir = self ? v->dir : NULL,
							 .run = run };
	}
	return count;
}

static void close_tasks(struct task *tasks, size_t count)
{
	for (size_t i = 0; i < count; i++)
		mr_arena_close(tasks[i].arena);
}

static bool is_owner(const struct verifying *v, const struct mr_host *host)
{
	for (size_t i = 0; i < v->view_count; i++)
		if (v->views[i].owner == host)
			return true;
	return false;
}

static bool is_holder(const struct verifying *v, const struct mr_host *host)
{
	for (size_t i = 0; i < v->out->count; i++)
		if (v->out->items[i].holder == host)
			return true;
	return false;
}

/* From the thread's arena into the caller's. */
static void keep(struct mr_arena *arena, struct mr_copy_check *check)
{
	struct mr_difference *items =
		MR_NEW_ARRAY(arena, struct mr_difference, check->differences.count);

	check->why = mr_strdup(arena, check->why);
	for (size_t i = 0; i < check->differences.count; i++) {
		items[i] = check->differences.items[i];
		items[i].dn = mr_strdup(arena, items[i].dn);
		items[i].what = mr_strdup(arena, items[i].what);
		items[i].csn = mr_strdup(arena, items[i].csn);
	}
	check->differences.items = items;
}

static void keep_all(struct mr_arena *arena, struct mr_verification *out, const struct task *tasks,
		     size_t count)
{
	for (size_t i = 0; i < out->count; i++)
		keep(arena, &out->items[i]);
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < tasks[i].stray_count; k++) {
			struct mr_copy_check *check = &out->items[out->count++];

			*check = tasks[i].strays[k];
			keep(arena, check);
		}
}

static void add_view(struct verifying *v, const struct mr_host *owner, enum mr_service service,
		     const struct mr_host *only)
{
	v->views[v->view_count++] = (struct view){ .owner = owner, .service = service };
	for (size_t i = 0; i < v->topology->count; i++) {
		const struct mr_host *holder = &v->topology->hosts[i];

		if (holder->state == MR_JOINED && holder->services & service &&
		    (!only || only == holder))
			v->out->items[v->out->count++] = (struct mr_copy_check){
				.owner = owner, .holder = holder, .service = service
			};
	}
}

/* The services that this host, too, has of a joined provider; 0: it is none. */
static unsigned provided(const struct mr_topology *topology, const struct mr_host *self,
			 const struct mr_host *host)
{
	return host->state == MR_JOINED && mr_host_is_provider(topology, host)
		       ? self->services & host->services
		       : 0;
}

static int check_owners(const struct verifying *v, const struct mr_host *self, struct mr_error *err)
{
	for (size_t i = 0; names_owners(v->part) && i < v->part->owners->count; i++) {
		const char *name = v->part->owners->items[i];
		const struct mr_host *host = mr_topology_host(v->topology, name);

		if (!host || !provided(v->topology, self, host))
			return mr_fail(err, MR_E_NO_HOST,
				       _("%s: no host that has joined, owns anything, and is "
					 "replicated to this host"),
				       name);
	}
	return 0;
}

static void make_checks(struct mr_arena *arena, struct verifying *v, const struct mr_host *self)
{
	const struct mr_topology *topology = v->topology;
	const struct mr_host *only = v->part->here ? self : NULL;
	size_t n = topology->count;

	v->views = MR_NEW_ARRAY(arena, struct view, 2 * n);
	v->out->items = MR_NEW_ARRAY(arena, struct mr_copy_check, 2 * n * (n + 1));
	for (size_t s = 0; s < 2; s++)
		for (size_t i = 0; i < n; i++)
			if (provided(topology, self, &topology->hosts[i]) & services[s] &&
			    (!names_owners(v->part) ||
			     mr_list_has(v->part->owners, topology->hosts[i].name)))
				add_view(v, &topology->hosts[i], services[s], only);
}

int mr_verify_part(struct mr_arena *arena, const struct mr_config *config, struct mr_directory *dir,
		   const struct mr_topology *topology, const struct mr_verify_part *part,
		   struct mr_verification *out, struct mr_error *err)
{
	const struct mr_host *self = mr_topology_host(topology, config->host);
	struct verifying v = {
		.config = config, .topology = topology, .part = part, .dir = dir, .out = out
	};
	struct task *owners, *holders;
	size_t owner_count, holder_count;

	*out = (struct mr_verification){ 0 };
	if (!self)
		return mr_fail(err, MR_E_NO_HOST, _("%s is not in the topology any more"), config->host);
	if (check_owners(&v, self, err) < 0)
		return -1;
	make_checks(arena, &v, self);
	owner_count = make_tasks(arena, &v, read_views, is_owner, &owners);
	run_tasks(arena, owners, owner_count);
	holder_count = make_tasks(arena, &v, check_copies, is_holder, &holders);
	run_tasks(arena, holders, holder_count);
	keep_all(arena, out, holders, holder_count);
	close_tasks(owners, owner_count);
	close_tasks(holders, holder_count);
	return 0;
}

int mr_verify(struct mr_arena *arena, const struct mr_config *config, struct mr_directory *dir,
	      const struct mr_topology *topology, struct mr_verification *out, struct mr_error *err)
{
	const struct mr_verify_part all = { 0 };

	return mr_verify_part(arena, config, dir, topology, &all, out, err);
}

static int ask_home(struct mr_arena *arena, const struct mr_config *config, const char *home,
		    struct mr_topology *out, struct mr_error *err)
{
	const struct mr_search find = { .base = mr_dit_owned(arena, MR_MAIL, home),
					.filter = MR_TOPOLOGY_FILTER };
	struct mr_entries entries = { 0 };
	MR_DIRECTORY dir = NULL;

	if (mr_instance_open_peer(arena, config, NULL, home, &dir, err) < 0 ||
	    mr_directory_list(dir, arena, &find, &entries, err) < 0)
		return -1;
	return mr_topology_parse(arena, &entries, out, err);
}

int mr_verify_topology(struct mr_arena *arena, const struct mr_config *config,
		       const struct mr_topology *known, struct mr_topology *out,
		       struct mr_error *err)
{
	const char *home = config->home ? config->home : known->home;

	if (home && strcmp(home, config->host) != 0 && ask_home(arena, config, home, out, err) == 0)
		return 0;
	*out = *known;
	if (mr_topology_host(out, config->host))
		return 0;
	return mr_fail(err, MR_E_UNAVAILABLE,
		       _("this host's copy does not say which hosts there are, and the home of the "
			 "mail domain, %s, does not tell"),
		       home ? home : "?");
}
