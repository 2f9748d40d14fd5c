#include "features/advance.h"

#include <string.h>
#include <time.h>

#include "features/csn.h"
#include "features/skew.h"
#include "model/dit.h"

static int read_newest(struct mr_arena *arena, struct mr_directory *dir, const char *container,
		       const char **csn, struct mr_error *err)
{
	struct mr_list csns;

	if (mr_csns_read(arena, dir, container, NULL, &csns, err) < 0)
		return -1;
	*csn = mr_csn_newest(&csns);
	return 0;
}

/* 1: there is one, 0: there is none. */
static int has_newer(struct mr_arena *arena, struct mr_directory *dir, const char *container,
		     const char *csn, struct mr_error *err)
{
	static const char *const attrs[] = { "entryCSN", NULL };
	const struct mr_search find = { .base = container,
					.filter = mr_filter(arena, "(entryCSN>=%s)", csn),
					.attrs = attrs };
	struct mr_entries found = { 0 };

	if (mr_directory_list(dir, arena, &find, &found, err) < 0)
		return -1;
	for (size_t i = 0; i < found.count; i++) {
		const char *one = mr_entry_value(found.items[i], "entryCSN");

		if (one && strcmp(one, csn) > 0)
			return 1;
	}
	return 0;
}

static int write_again(struct mr_arena *arena, struct mr_directory *dir, const char *container,
		       const char *host, const char *csn, struct mr_error *err)
{
	struct mr_mod mod = { .op = MR_MOD_REPLACE, .attr = { .name = "cn" } };

	/* Consumers would take no notice of a write that is older than what they have. */
	if (mr_csn_time(csn) > (long long)time(NULL))
		return mr_fail(err, MR_E_TEMPORARY,
			       _("this host's clock is behind the newest change in %s"), container);
	mr_list_add(arena, &mod.attr.values, host);
	return mr_directory_modify(dir, container, &mod, 1, err);
}

static int advance(struct mr_arena *arena, struct mr_directory *dir, const char *container,
		   const char *host, bool always, struct mr_error *err)
{
	const char *csn;
	int due;

	if (read_newest(arena, dir, container, &csn, err) < 0)
		return -1;
	if (!csn)
		return 0;
	due = always ? 1 : has_newer(arena, dir, container, csn, err);
	return due > 0 ? write_again(arena, dir, container, host, csn, err) : due;
}

int mr_advance(struct mr_directory *dir, const char *host, bool always, struct mr_error *err)
{
	static const enum mr_service services[] = { MR_MAIL, MR_UNIX };
	MR_ARENA arena = mr_arena_open();

	for (size_t i = 0; i < 2; i++)
		if (advance(arena, dir, mr_dit_owned(arena, services[i], host), host, always, err) <
		    0)
			return -1;
	return 0;
}
