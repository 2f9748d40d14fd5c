#include "features/may_write.h"

#include "features/heard.h"
#include "features/skew.h"

int mr_may_write(const struct mr_config *config, struct mr_directory *own, struct mr_directory *at,
		 const char *host, struct mr_error *err)
{
	if (mr_skew_check(at, host, err) < 0)
		return -1;
	return host ? mr_heard_check_owner(own, at, host, err) : mr_heard_check(config, own, err);
}
