#include "base/paths.h"

#include <stdlib.h>

char *mr_path(struct mr_arena *arena, const char *root, const char *path)
{
	return mr_printf(arena, "%s%s", root ? root : "", path);
}

/* secure_getenv: the environment of whoever starts a setuid program does not choose what it trusts.
 */
static const char *chosen(const char *variable, const char *built_in)
{
	const char *folder = secure_getenv(variable);

	return folder && *folder ? folder : built_in;
}

const char *mr_data_folder(void)
{
	return chosen("MAILREPL_DATA", MR_DATA_DIR);
}

const char *mr_libexec_folder(void)
{
	return chosen("MAILREPL_LIBEXEC", MR_LIBEXEC_DIR);
}
