#include "fuzz.h"

#include "features/backup_manifest.h"

/* Any bytes as MANIFEST.json. What is taken has one text only, and its names lead nowhere else. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_manifest manifest, again;
	struct mr_error err = { 0 };
	char *text = malloc(size + 1);
	const char *canonical;

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	if (mr_manifest_parse(arena, text, size, &manifest, &err) < 0) {
		FUZZ_MUST(err.message[0] && err.code == MR_E_ARCHIVE);
		free(text);
		return 0;
	}
	canonical = mr_manifest_format(arena, &manifest);
	FUZZ_MUST(manifest.format == 1 ||
		  (strlen(canonical) == size && memcmp(canonical, text, size) == 0));
	FUZZ_MUST(mr_manifest_parse(arena, canonical, strlen(canonical), &again, &err) == 0);
	FUZZ_MUST(strcmp(mr_manifest_format(arena, &again), canonical) == 0);
	for (size_t i = 0; i < manifest.count; i++) {
		const char *name = manifest.members[i].name;

		FUZZ_MUST(*name && *name != '/');
		FUZZ_MUST(!strstr(name, "/../") && strncmp(name, "../", 3) != 0);
		FUZZ_MUST(manifest.members[i].size >= 0);
		FUZZ_MUST(mr_manifest_member(&manifest, name) == &manifest.members[i]);
	}
	FUZZ_MUST(!strchr(mr_manifest_file_name(arena, &manifest), '/'));
	free(text);
	return 0;
}
