/* Archives in a folder, read with lbzip2 or without: for the tests of the adapter. */
#ifndef MR_TESTS_UNIT_ARCHIVE_FILES_H
#define MR_TESTS_UNIT_ARCHIVE_FILES_H

#include <fcntl.h>
#include <sys/stat.h>

#include "adapters/archive.h"
#include "test.h"

static inline char *path_in(void **state, const char *name)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s", (const char *)*state, name);
	return path;
}

static inline int create_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd > 2);
	return fd;
}

static inline void write_file(const char *path, const void *data, size_t len)
{
	int fd = create_file(path);

	assert_int_equal(write(fd, data, len), (ssize_t)len);
	close(fd);
}

static inline char *read_whole(struct mr_arena *arena, const char *path, size_t *len)
{
	struct mr_error err = { 0 };
	char *data;

	assert_ok(mr_file_read(arena, path, (size_t)64 << 20, &data, len, &err), err);
	return data;
}

/* Grows with every byte that read_all has read, each in its place. */
static unsigned long content_sum;

static inline void sum_content(const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		content_sum = content_sum * 31 + (unsigned char)data[i];
}

/* Reads everything: the number of members, or -1 with *err. */
static inline int read_all(const char *path, struct mr_error *err)
{
	struct mr_archive_reader *reader;
	struct mr_archive_member member;
	char block[3000];
	int count = 0, rc = mr_archive_open(path, &reader, err);
	long n = 0;

	content_sum = 0;
	if (rc < 0)
		return -1;
	while (n >= 0 && (rc = mr_archive_next(reader, &member, err)) == 1) {
		while ((n = mr_archive_read(reader, block, sizeof(block), err)) > 0)
			sum_content(block, (size_t)n);
		sum_content(member.name, strlen(member.name));
		count++;
	}
	mr_archive_close(reader);
	return rc < 0 || n < 0 ? -1 : count;
}

/* A folder of that name in PATH is found and cannot be executed. */
static inline void hide_lbzip2(void **state)
{
	char *path = strdup(path_in(state, "bin")), *blocker = strdup(path_in(state, "bin/lbzip2"));
	char *search = NULL;

	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(mkdir(blocker, 0700), 0);
	assert_true(asprintf(&search, "%s:/usr/bin:/bin", path) > 0);
	setenv("PATH", search, 1);
	free(search);
	free(blocker);
	free(path);
}

static inline int path_teardown(void **state)
{
	setenv("PATH", "/usr/bin:/bin", 1);
	return folder_teardown(state);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, path_teardown)

#endif
