/* Exim as the tests ask it: unpacked from the packages that tools/install-packages fetches, since it cannot be installed
 * beside Postfix. */
#ifndef MR_TESTS_UNIT_EXIM_FIXTURE_H
#define MR_TESTS_UNIT_EXIM_FIXTURE_H

#include "roundtrip.h"

/* Unpacks it below `folder`, once. False: it is not there, or only root could run it. */
static inline bool exim_unpack(struct mr_arena *arena, const char *folder)
{
	static const char script[] =
		"if [ -x \"$2/usr/sbin/exim4\" ]; then echo there; exit; fi\n"
		"dpkg -x \"$1\"/exim4-daemon-heavy_*.deb \"$2\" || exit\n"
		"for file in passwd group; do grep -v ^Debian-exim: /etc/$file >\"$2/$file\"; "
		"done\n"
		"echo Debian-exim:x:999:999::/nonexistent:/usr/sbin/nologin >>\"$2/passwd\"\n"
		"echo Debian-exim:x:999: >>\"$2/group\"\n"
		"chmod 0755 \"$2\" && echo there\n";
	const char *packages = getenv("EXIM_PACKAGES");
	const char *const argv[] = {
		"sh",   "-c", script, "sh", packages ? packages : "/var/cache/mailrepl/exim",
		folder, NULL
	};

	return geteuid() == 0 && strcmp(said(arena, folder, argv, NULL), "there\n") == 0;
}

/* What `commands` of a shell say there, where "exim4" is Exim and has its user. */
static inline const char *exim_said(struct mr_arena *arena, const char *folder,
				    const char *commands, const char *input)
{
	const char *script = mr_printf(
		arena,
		"mount --bind passwd /etc/passwd && mount --bind group /etc/group || exit\n"
		"PATH=$PWD/usr/sbin:$PATH\n%s",
		commands);
	const char *const argv[] = {
		"unshare", "-m", "sh", "-c", mr_printf(arena, "cd '%s' && %s", folder, script), NULL
	};

	return said(arena, folder, argv, input);
}

#endif
