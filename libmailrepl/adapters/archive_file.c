#include "adapters/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/age.h"

static mr_archive_unsealer unsealer;

void mr_archive_set_unsealer(mr_archive_unsealer unseal)
{
	unsealer = unseal;
}

/* What is sealed becomes a file like any other: the descriptor of that, or -1. */
static int unseal(int file, const char *path, struct mr_error *err)
{
	enum mr_age_kind kind;
	int plain;

	if (mr_age_kind(file, &kind, err) < 0)
		return mr_fail_in(err, "%s", path);
	if (kind == MR_AGE_NONE)
		return file;
	if (!unsealer)
		return mr_fail(err, MR_E_DENIED, _("%s: is sealed"), path);
	return unsealer(file, path, &plain, err) < 0 ? -1 : plain;
}

int mr_archive_open_file(const char *path, struct mr_error *err)
{
	/* O_NONBLOCK: a FIFO that lies there must not keep us waiting. */
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), plain;
	struct stat info;

	if (file < 0)
		return mr_fail_errno(err, "%s", path);
	if (fstat(file, &info) < 0)
		plain = mr_fail_errno(err, "%s", path);
	else if (!S_ISREG(info.st_mode))
		plain = mr_fail(err, MR_E_ARCHIVE, _("%s: is not a plain file"), path);
	else
		plain = unseal(file, path, err);
	if (plain != file)
		close(file);
	return plain;
}
