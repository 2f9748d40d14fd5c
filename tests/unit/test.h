/* What the unit tests share: cmocka with the headers that it needs, and a folder that goes away. */
#ifndef MR_TESTS_UNIT_TEST_H
#define MR_TESTS_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

/* The call succeeded; otherwise its message is shown. */
#define assert_ok(call, err)                                                                       \
	do {                                                                                       \
		if ((call) != 0)                                                                   \
			fail_msg("%s: %s", #call, (err).message);                                  \
	} while (0)

/* The call failed with this code; otherwise the code that came is shown. */
#define assert_fails(call, want, err)                                                              \
	do {                                                                                       \
		assert_int_equal(call, -1);                                                        \
		assert_string_equal(mr_error_word((err).code), mr_error_word(want));               \
	} while (0)

#define assert_contains(text, part)                                                                \
	do {                                                                                       \
		if (!strstr(text, part))                                                           \
			fail_msg("\"%s\" does not contain \"%s\"", text, part);                    \
	} while (0)

/* A file with this text; folders that are missing above it are made. */
static inline void put_file(const char *path, const char *text)
{
	MR_ARENA arena = mr_arena_open();
	char *folder = mr_strdup(arena, path);
	struct mr_error err;

	*strrchr(folder, '/') = '\0';
	assert_ok(mr_folder_make(folder, MR_FILE_PUBLIC_FOLDER, &err), err);
	assert_ok(mr_file_replace(path, text, strlen(text), MR_FILE_PUBLIC, &err), err);
}

/* cmocka setup and teardown: *state is the path of an empty folder. */
static inline int folder_setup(void **state)
{
	char path[] = "/tmp/mailrepl-test-XXXXXX";

	*state = mkdtemp(path) ? strdup(path) : NULL;
	return *state ? 0 : -1;
}

static inline int folder_teardown(void **state)
{
	struct mr_error err;
	int rc = mr_tree_remove(*state, &err);

	free(*state);
	return rc;
}

#endif
