#include "adapters/archive_header.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "adapters/archive_name.h"

struct tar_header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
	char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], rest[12];
};
_Static_assert(sizeof(struct tar_header) == MR_ARCHIVE_BLOCK, "a tar header is one block");

static bool put_name(struct tar_header *header, const char *name)
{
	size_t len = strlen(name);
	const char *cut = name;

	if (len > sizeof(header->name)) {
		cut = strchr(name + len - sizeof(header->name) - 1, '/');
		if (!cut || (size_t)(cut - name) > sizeof(header->prefix))
			return false;
		memcpy(header->prefix, name, (size_t)(cut - name));
		cut++;
	}
	memcpy(header->name, cut, strlen(cut));
	return true;
}

static void put_number(char *field, size_t len, int64_t number)
{
	if (number < (int64_t)1 << (3 * (len - 1))) {
		char text[24];

		snprintf(text, sizeof(text), "%0*llo", (int)len - 1, (unsigned long long)number);
		memcpy(field, text, len - 1);
		return;
	}
	for (size_t i = len - 1; i > 0; i--, number >>= 8)
		field[i] = (char)(number & 0xff);
	field[0] = (char)0x80;
}

int mr_archive_header(const char *name, int64_t size, int64_t time, char block[MR_ARCHIVE_BLOCK],
		      struct mr_error *err)
{
	struct tar_header header = { .type = '0', .magic = "ustar", .version = { '0', '0' } };
	const unsigned char *bytes = (const unsigned char *)&header;
	char text[8];
	unsigned sum = 0;

	if (!mr_archive_name_valid(name) || size < 0 || time < 0 || !put_name(&header, name))
		return mr_fail(err, MR_E_INVALID, _("%s: no name for a member of an archive"),
			       name);
	put_number(header.mode, sizeof(header.mode), 0600);
	put_number(header.uid, sizeof(header.uid), 0);
	put_number(header.gid, sizeof(header.gid), 0);
	put_number(header.size, sizeof(header.size), size);
	put_number(header.mtime, sizeof(header.mtime), time);
	memcpy(header.user, "root", 4);
	memcpy(header.group, "root", 4);
	memset(header.checksum, ' ', sizeof(header.checksum));
	for (size_t i = 0; i < sizeof(header); i++)
		sum += bytes[i];
	snprintf(text, sizeof(text), "%06o", sum & 0777777);
	memcpy(header.checksum, text, 7);
	memcpy(block, &header, sizeof(header));
	return 0;
}
