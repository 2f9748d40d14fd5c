#include "base/hostname.h"

#include <limits.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

#include "base/strings.h"

int mr_hostname(struct mr_arena *arena, const char **out, struct mr_error *err)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC,
				  .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_CANONNAME };
	struct addrinfo *found = NULL;
	char name[HOST_NAME_MAX + 1] = "";

	if (gethostname(name, sizeof(name) - 1) < 0)
		return mr_fail_errno(err, _("reading the host name"));
	if (!strchr(name, '.') && getaddrinfo(name, NULL, &hints, &found) == 0 &&
	    found->ai_canonname)
		*out = mr_lower(arena, found->ai_canonname);
	else
		*out = mr_lower(arena, name);
	if (found)
		freeaddrinfo(found);
	if (!strchr(*out, '.'))
		return mr_fail(err, MR_E_CONFIG,
			       _("this host's name \"%s\" is not fully qualified: set it so that "
				 "`hostname -f` prints a name such as mail1.lan"),
			       *out);
	return 0;
}
