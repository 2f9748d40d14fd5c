#include "features/skew.h"

#include <time.h>

#include "features/csn.h"
#include "model/dit.h"

static int newest(struct mr_arena *arena, struct mr_directory *dir, const char *dn,
		  long long *seconds, struct mr_error *err)
{
	struct mr_list csns;

	if (mr_csns_read(arena, dir, dn, NULL, &csns, err) < 0)
		return -1;
	for (size_t i = 0; i < csns.count; i++) {
		long long one = mr_csn_time(csns.items[i]);

		if (one > *seconds)
			*seconds = one;
	}
	return 0;
}

int mr_skew_check(struct mr_directory *dir, const char *host, struct mr_error *err)
{
	static const enum mr_service services[] = { MR_MAIL, MR_UNIX };
	MR_ARENA arena = mr_arena_open();
	long long seen = 0, ahead;

	for (size_t i = 0; i < 2; i++) {
		const char *dn =
			host ? mr_dit_owned(arena, services[i], host) : mr_dit_all(services[i]);

		if (newest(arena, dir, dn, &seen, err) < 0)
			return mr_fail_in(err, _("comparing the clock with the directory"));
	}
	ahead = seen - (long long)time(NULL);
	if (ahead <= MR_SKEW_MOST)
		return 0;
	return mr_fail(
		err, MR_E_TEMPORARY,
		_("this host's clock is %lld seconds behind the newest change in the directory: "
		  "set the "
		  "clocks of all hosts right, then run the command again; nothing was changed"),
		ahead);
}
