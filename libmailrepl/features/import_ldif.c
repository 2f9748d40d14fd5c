#include "features/import_ldif.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "adapters/ldif.h"
#include "adapters/tls.h"
#include "base/file.h"
#include "features/import_write.h"

#define FLUSH_AT ((size_t)256 * 1024)

struct output {
	const char *container;
	int fd;
	struct mr_buf text;
};

static int flush(struct output *output, struct mr_error *err)
{
	int rc = mr_write_all(output->fd, mr_buf_text(&output->text), output->text.len, err);

	/* It holds hashes. */
	if (output->text.data)
		explicit_bzero(output->text.data, output->text.len);
	output->text.len = 0;
	return rc;
}

static int write_entry(struct output *output, const struct mr_entry *entry,
		       const struct mr_secret *hash, const char *operational, struct mr_error *err)
{
	mr_ldif_format(&output->text, entry);
	output->text.len--; /* the empty line: the record goes on */
	if (hash->data)
		mr_buf_printf(&output->text, "userPassword: %s\n", hash->data);
	mr_buf_puts(&output->text, operational);
	return output->text.len < FLUSH_AT ? 0 : flush(output, err);
}

/* `number`: which of the changes of that instant it is. */
static const char *operational_of(struct mr_arena *arena, const struct mr_stamp *stamp,
				  enum mr_service service, size_t number)
{
	char csn[MR_CSN_SIZE];

	mr_stamp_csn(stamp, (uint32_t)number, csn);
	return mr_printf(arena,
			 "structuralObjectClass: %s\nentryUUID: %s\n"
			 "creatorsName: " MR_DIT_LOCAL_ROOT "\ncreateTimestamp: %s\n"
			 "modifiersName: " MR_DIT_LOCAL_ROOT "\nmodifyTimestamp: %s\n"
			 "entryCSN: %s\n\n",
			 service == MR_UNIX ? "inetOrgPerson" : "account", mr_uuid(arena),
			 stamp->time, stamp->time, csn);
}

static int write_item(struct mr_arena *arena, const struct mr_import_item *item,
		      enum mr_service service, const char *operational, struct output *output,
		      struct mr_error *err)
{
	static const struct mr_secret none = { NULL, 0 };
	struct mr_entry *entry = service == MR_UNIX
					 ? mr_import_account(arena, item, output->container)
					 : mr_import_route(arena, item, output->container);

	return write_entry(output, entry, service == MR_UNIX ? &item->hash : &none, operational,
			   err);
}

static bool has_entry(const struct mr_import_item *item, const struct mr_host *host,
		      enum mr_service service)
{
	return mr_import_is_at(item, host) &&
	       (service == MR_UNIX ? item->state == MR_IMPORT_NEW : item->wanted.mailbox);
}

static int write_all(struct mr_import *import, const struct mr_host *host, enum mr_service service,
		     const struct mr_stamp *stamp, struct output *outputs, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	size_t number = 0;

	for (size_t i = 0; i < import->file->count; i++) {
		const struct mr_import_item *item = &import->items[i];
		const char *operational;

		if (!has_entry(item, host, service))
			continue;
		operational = operational_of(arena, stamp, service, number++);
		for (int o = 0; o < 2; o++)
			if (outputs[o].fd >= 0 &&
			    write_item(arena, item, service, operational, &outputs[o], err) < 0)
				return -1;
		mr_arena_reset(arena);
	}
	for (int o = 0; o < 2; o++)
		if (outputs[o].fd >= 0 && flush(&outputs[o], err) < 0)
			return -1;
	return 0;
}

static int open_file(const char *path, struct output *output, struct mr_error *err)
{
	if (!path)
		return 0;
	output->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return output->fd < 0 ? mr_fail_errno(err, "%s", path) : 0;
}

int mr_import_ldif_write(struct mr_import *import, const struct mr_host *host,
			 enum mr_service service, const struct mr_stamp *stamp, const char *owned,
			 const char *copy, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	struct output outputs[2] = {
		{ mr_dit_owned(arena, service, host->name), -1, { 0 } },
		{ mr_dit_copy(arena, service, host->name), -1, { 0 } },
	};
	int rc = 0;

	if (open_file(owned, &outputs[0], err) < 0 || open_file(copy, &outputs[1], err) < 0)
		rc = -1;
	else
		rc = write_all(import, host, service, stamp, outputs, err);
	for (int o = 0; o < 2; o++) {
		if (outputs[o].fd >= 0 && close(outputs[o].fd) < 0 && rc == 0)
			rc = mr_fail_errno(err, "%s", o ? copy : owned);
		if (outputs[o].text.data)
			explicit_bzero(outputs[o].text.data, outputs[o].text.size);
		mr_buf_close(&outputs[o].text);
	}
	return rc;
}
