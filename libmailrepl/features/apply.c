#include "features/apply.h"

#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "features/instance.h"
#include "features/may_write.h"

/* An open connection to the slapd of `host`; NULL: this host's. */
struct link {
	struct link *next;
	const char *host;
	struct mr_directory *dir;
	bool given;   /* the caller's: not closed here */
	bool checked; /* link_check was content */
	bool stale;   /* an action has run since: it may have restarted that slapd */
};

struct applier {
	struct mr_arena *arena;
	const struct mr_config *config;
	struct link *links;
};

static struct link *link_new(struct applier *applier, const char *host)
{
	struct link *link = MR_NEW(applier->arena, struct link);

	link->host = host;
	link->next = applier->links;
	applier->links = link;
	return link;
}

static struct link *link_find(struct applier *applier, const char *host)
{
	for (struct link *link = applier->links; link; link = link->next)
		if (host ? link->host && strcmp(link->host, host) == 0 : !link->host)
			return link;
	return link_new(applier, host);
}

static void link_close(struct link *link)
{
	if (!link->given)
		mr_directory_close(link->dir);
	link->dir = NULL;
	link->given = link->checked = link->stale = false;
}

/* Who writes must not be behind what others know: neither this host's or the owner's clock, nor
 * what the owner has. */
static int link_check(struct applier *applier, const struct link *link, struct mr_error *err)
{
	struct link *own = link_find(applier, NULL);

	if (link->host && own->stale)
		link_close(own);
	if (!own->dir && mr_instance_open(applier->arena, applier->config, &own->dir, err) < 0)
		return -1;
	return mr_may_write(applier->config, own->dir, link->dir, link->host, err);
}

static int link_ready(struct applier *applier, struct link *link, struct mr_error *err)
{
	if (!link->dir &&
	    (link->host ? mr_instance_open_peer(applier->arena, applier->config, NULL, link->host,
						&link->dir, err)
			: mr_instance_open(applier->arena, applier->config, &link->dir, err)) < 0)
		return -1;
	if (!link->checked && link_check(applier, link, err) < 0)
		return -1;
	link->checked = true;
	return 0;
}

static const char *host_of(const struct applier *applier, const struct mr_step *step)
{
	bool own = !step->host ||
		   (applier->config->host && strcmp(step->host, applier->config->host) == 0);

	return own ? NULL : step->host;
}

/* Object classes are names, the only values here whose case the server may have changed. */
static bool same_values(const struct mr_attr *wanted, const struct mr_attr *found)
{
	if (strcasecmp(wanted->name, "objectClass") != 0)
		return mr_list_equal(&wanted->values, &found->values);
	for (size_t i = 0; i < wanted->values.count; i++) {
		bool has = false;

		for (size_t j = 0; j < found->values.count; j++)
			has |= strcasecmp(wanted->values.items[i], found->values.items[j]) == 0;
		if (!has)
			return false;
	}
	return true;
}

/* A secret cannot be compared: hashes of one password differ. */
static int is_there(struct applier *applier, struct mr_directory *dir,
		    const struct mr_entry *wanted, bool *same, struct mr_error *err)
{
	struct mr_entry *found;

	*same = false;
	if (mr_directory_read(dir, applier->arena, wanted->dn, NULL, &found, err) < 0)
		return -1;
	if (!found)
		return 0;
	for (size_t i = 0; i < wanted->count; i++) {
		const struct mr_attr *attr = mr_entry_attr(found, wanted->attrs[i].name);

		if (!wanted->attrs[i].secret && (!attr || !same_values(&wanted->attrs[i], attr)))
			return 0;
	}
	*same = true;
	return 0;
}

static int add(struct applier *applier, struct mr_directory *dir, const struct mr_entry *entry,
	       struct mr_error *err)
{
	struct mr_error why;
	bool same;

	if (mr_directory_add(dir, entry, err) == 0)
		return 0;
	if (err->code != MR_E_EXISTS)
		return -1;
	if (is_there(applier, dir, entry, &same, &why) < 0 || !same)
		return -1;
	return 0;
}

static int change_directory(struct applier *applier, struct mr_directory *dir,
			    const struct mr_step *step, struct mr_error *err)
{
	switch (step->kind) {
	case MR_STEP_ADD:
		return add(applier, dir, step->entry, err);
	case MR_STEP_MODIFY:
		return mr_directory_modify(dir, step->dn, step->mods, step->mod_count, err);
	case MR_STEP_RENAME:
		return mr_directory_rename(dir, step->dn, step->name, err);
	default:
		if (mr_directory_delete(dir, step->dn, err) == 0 || err->code == MR_E_NOT_FOUND)
			return 0;
		return -1;
	}
}

static int apply_directory(struct applier *applier, const struct mr_step *step,
			   struct mr_error *err)
{
	struct link *link = link_find(applier, host_of(applier, step));

	for (;;) {
		bool stale = link->stale;

		link->stale = false;
		if (link_ready(applier, link, err) == 0 &&
		    change_directory(applier, link->dir, step, err) == 0)
			return 0;
		/* An action before this step may have restarted slapd: then the connection is dead,
		 * the change was not made, and a fresh connection makes it. */
		if (!stale || err->code != MR_E_UNAVAILABLE)
			return -1;
		link_close(link);
	}
}

static int apply_file(struct applier *applier, const struct mr_step *step, struct mr_error *err)
{
	const char *slash = strrchr(step->path, '/');
	const struct mr_file_attrs attrs = { 0755, (uid_t)-1, (gid_t)-1 };

	if (slash && slash > step->path) {
		const char *folder =
			mr_strndup(applier->arena, step->path, (size_t)(slash - step->path));

		if (!mr_path_exists(folder) && mr_folder_make(folder, attrs, err) < 0)
			return -1;
	}
	if (step->secret_content)
		return mr_file_replace(step->path, step->secret_content->data,
				       step->secret_content->len, step->attrs, err);
	return mr_file_replace(step->path, step->content, step->content_len, step->attrs, err);
}

static int apply_step(struct applier *applier, const struct mr_step *step, struct mr_error *err)
{
	switch (step->kind) {
	case MR_STEP_FILE:
		return apply_file(applier, step, err);
	case MR_STEP_ACTION:
		for (struct link *link = applier->links; link; link = link->next)
			link->stale = link->dir;
		return step->run(step->argument, err);
	default:
		return apply_directory(applier, step, err);
	}
}

/* Before the first step, not before the first that writes: what precedes it would be half a plan.
 */
static int check_clock(struct applier *applier, const struct mr_plan *plan, struct mr_error *err)
{
	struct link *own = link_find(applier, NULL);

	for (size_t i = 0; own->dir && i < plan->count; i++) {
		enum mr_step_kind kind = plan->steps[i].kind;

		if (kind != MR_STEP_FILE && kind != MR_STEP_ACTION)
			return link_ready(applier, own, err);
	}
	return 0;
}

static int apply_steps(struct applier *applier, const struct mr_plan *plan, struct mr_error *err)
{
	if (check_clock(applier, plan, err) < 0)
		return -1;
	for (size_t i = 0; i < plan->count; i++) {
		const struct mr_step *step = &plan->steps[i];

		mr_log(MR_LOG_INFO, "%s", step->summary);
		if (apply_step(applier, step, err) < 0) {
			if (step->take_back)
				step->take_back(step->argument, err);
			return mr_fail_in(err, "%s", step->summary);
		}
		mr_audit("%s", step->summary);
	}
	return 0;
}

int mr_plan_apply(const struct mr_plan *plan, const struct mr_config *config,
		  struct mr_directory *dir, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	struct applier applier = { arena, config, NULL };
	struct link *own = link_new(&applier, NULL);
	int result;

	own->dir = dir;
	own->given = dir;
	result = apply_steps(&applier, plan, err);
	for (struct link *link = applier.links; link; link = link->next)
		link_close(link);
	return result;
}
