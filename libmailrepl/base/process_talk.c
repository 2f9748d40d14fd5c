#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/process.h"

static int read_back(struct mr_arena *arena, int fd, size_t most, char **text, struct mr_error *err)
{
	const off_t end = lseek(fd, 0, SEEK_END);

	if (end < 0)
		return mr_fail_errno(err, _("what a program has said"));
	if ((size_t)end > most)
		return mr_fail(err, MR_E_INVALID, _("a program has said more than %zu bytes"),
			       most);
	*text = mr_alloc(arena, (size_t)end + 1);
	/* A file in memory is read in one go. */
	if (pread(fd, *text, (size_t)end, 0) != end)
		return mr_fail_errno(err, _("what a program has said"));
	return 0;
}

int mr_process_talk(struct mr_arena *arena, const struct mr_process *process, const char *input,
		    size_t most, char **said, struct mr_process_result *result,
		    struct mr_error *err)
{
	struct mr_process own = *process;
	int rc;

	own.in_fd = memfd_create("input", MFD_CLOEXEC);
	if (own.in_fd < 0)
		return mr_fail_errno(err, "memfd_create");
	own.out_fd = memfd_create("output", MFD_CLOEXEC);
	if (own.out_fd < 0) {
		rc = mr_fail_errno(err, "memfd_create");
		close(own.in_fd);
		return rc;
	}
	rc = mr_write_all(own.in_fd, input, strlen(input), err);
	if (rc == 0 && lseek(own.in_fd, 0, SEEK_SET) < 0)
		rc = mr_fail_errno(err, "lseek");
	if (rc == 0)
		rc = mr_process_run(&own, result, err);
	if (rc == 0)
		rc = read_back(arena, own.out_fd, most, said, err);
	close(own.in_fd);
	close(own.out_fd);
	return rc;
}
