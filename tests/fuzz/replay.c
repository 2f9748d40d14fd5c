#include "fuzz.h"

#include <dirent.h>

/* Runs the target over the files of the folders that are given, in TAP: what a fuzzer once found stays found. */

#define MOST ((size_t)16 << 20)

static int run(const char *path)
{
	FILE *file = fopen(path, "re");
	uint8_t *data;
	size_t size;

	if (!file)
		return -1;
	data = malloc(MOST);
	if (!data)
		abort();
	size = fread(data, 1, MOST, file);
	fclose(file);
	/* Room of just that size, so that a sanitizer sees what reads beyond it. */
	data = realloc(data, size ? size : 1);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	int count = 0;

	for (int i = 1; i < argc; i++) {
		DIR *folder = opendir(argv[i]);
		struct dirent *item;

		while (folder && (item = readdir(folder))) {
			char path[4096];

			if (item->d_name[0] == '.')
				continue;
			snprintf(path, sizeof(path), "%s/%s", argv[i], item->d_name);
			printf("%s %d - %s\n", run(path) == 0 ? "ok" : "not ok", ++count,
			       item->d_name);
			fflush(stdout);
		}
		if (folder)
			closedir(folder);
	}
	if (!count)
		puts("not ok 1 - there is no input");
	printf("1..%d\n", count ? count : 1);
	return count ? 0 : 1;
}
