#include "features/backup_dump.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "adapters/archive_header.h"
#include "adapters/tls.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/process.h"
#include "features/backup.h"
#include "features/backup_manifest.h"

#define CHUNK ((size_t)64 * 1024)
#define LOOK_MOST 3 /* archives that are looked at for how large this one may become */
#define FOR "-for-" /* in names of archives for other hosts */

static const struct {
	enum mr_database database;
	enum mr_service service;
	const char *name;
} rows[MR_DUMPS] = {
	{ MR_DB_MAIL_OWNED, MR_MAIL, "mail-owned.ldif" },
	{ MR_DB_MAIL, MR_MAIL, "mail-copies.ldif" },
	{ MR_DB_UNIX_OWNED, MR_UNIX, "unix-owned.ldif" },
	{ MR_DB_UNIX, MR_UNIX, "unix-copies.ldif" },
};

#define MARK "\n\ndn" /* where an entry begins: slapcat ends each with an empty line */
#define CARRY (sizeof(MARK) - 2)

static int64_t count_marks(const char *text, size_t len)
{
	const char *end = text + len;
	int64_t count = 0;

	while ((text = memmem(text, (size_t)(end - text), MARK, strlen(MARK)))) {
		text += strlen(MARK);
		count++;
	}
	return count;
}

/* slapcat's output goes through us into the compressor. In front of each block are the last bytes
 * of the one before, in case a mark lies across both. */
static int pump(struct mr_dump *dump, unsigned long long expected, int fd,
		struct mr_piece_writer *writer, struct mr_error *err)
{
	struct mr_sha256 *sum = mr_sha256_open();
	char room[CARRY + CHUNK] = "\n\n\n", *block = room + CARRY;
	ssize_t n;
	int rc = 0;

	while (rc == 0 && (n = read(fd, block, CHUNK)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			rc = mr_fail_errno(err, _("reading %s"), dump->name);
			break;
		}
		mr_sha256_add(sum, block, (size_t)n);
		rc = mr_piece_add(writer, block, (size_t)n, err);
		dump->size += n;
		dump->entries += count_marks(room, CARRY + (size_t)n);
		memmove(room, room + n, CARRY);
		mr_progress_bytes(dump->name, (unsigned long long)dump->size, expected);
	}
	mr_sha256_close(sum, dump->sha256);
	mr_progress_end();
	if (rc == 0 && memcmp(room + CARRY - 2, "\n\n", 2) != 0)
		rc = mr_fail(err, MR_E_IO, _("slapcat's output is cut off: run this again"));
	return rc;
}

/* slapcat's status is 0 also if its last block could not be written. A host's own part has an entry for the host. */
static int check_whole(int row, const struct mr_dump *dump, struct mr_error *err)
{
	if (dump->entries || !mr_database_owned(rows[row].database))
		return 0;
	return mr_fail(err, MR_E_IO, _("slapcat's output is empty: run this again"));
}

struct dumping {
	struct mr_arena *arena;
	const struct mr_config *config;
	const char *folder;
	int64_t time;
	struct mr_manifest before; /* of this host's newest archive; no members: there is none */
};

/* How large the next archive will be is not known before it is made: about as large as the last. */
static void look_before(struct dumping *du)
{
	const char *folder = mr_path(du->arena, du->config->root, du->config->backup_folder);
	struct mr_list names = { 0 };
	struct mr_error ignored;
	int tries = LOOK_MOST;

	if (mr_backup_names(du->arena, folder, &names, &ignored) < 0)
		return;
	for (size_t i = names.count; i > 0 && tries > 0; i--) {
		const char *path = mr_printf(du->arena, "%s/%s", folder, names.items[i - 1]);

		/* To open a sealed one somebody might be asked for a passphrase. */
		if (mr_ends_with(path, ".age") || strstr(path, FOR))
			continue;
		tries--;
		if (mr_backup_peek(du->arena, path, &du->before, &ignored) == 0 &&
		    !du->before.for_host && strcmp(du->before.host, du->config->host) == 0)
			return;
		du->before = (struct mr_manifest){ 0 };
	}
}

static unsigned long long expected_size(const struct dumping *du, const char *name)
{
	const struct mr_manifest_member *member = mr_manifest_member(&du->before, name);

	return member ? (unsigned long long)member->size : 0;
}

static int run_slapcat(const struct dumping *du, int row, struct mr_child **child, int *fd,
		       struct mr_error *err)
{
	const char *configuration = mr_path(du->arena, du->config->root, MR_PATH_SLAPD_D);
	const char *suffix = mr_database_suffix(du->arena, rows[row].database, du->config->host);
	const char *filter = NULL;

	/* Our own container is in the other member already. slapcat decides before it formats:
	 * 100,000 entries that are left out cost 70 ms. (Its option -s would be faster still, but
	 * crashes in 2.5.13.) */
	if (!mr_database_owned(rows[row].database))
		filter = mr_filter(du->arena, "(!(entryDN:dnSubtreeMatch:=%s))",
				   mr_dit_copy(du->arena, rows[row].service, du->config->host));
	return mr_database_dump(configuration, suffix, filter, child, fd, err);
}

static int write_data(const struct dumping *du, int row, struct mr_dump *dump, struct mr_error *err)
{
	struct mr_piece_writer *writer;
	struct mr_child *child;
	int fd;

	if (mr_piece_create(du->folder, false, &writer, err) < 0)
		return -1;
	if (run_slapcat(du, row, &child, &fd, err) < 0) {
		mr_piece_abandon(writer);
		return -1;
	}
	if (pump(dump, expected_size(du, dump->name), fd, writer, err) < 0) {
		mr_process_kill(child);
		mr_piece_abandon(writer);
		return -1;
	}
	if (mr_process_end(child, err) < 0 || check_whole(row, dump, err) < 0 ||
	    mr_piece_pad(writer, err) < 0) {
		mr_piece_abandon(writer);
		return -1;
	}
	return mr_piece_finish(writer, &dump->data, err);
}

static int write_head(const struct dumping *du, struct mr_dump *dump, struct mr_error *err)
{
	char header[MR_ARCHIVE_BLOCK];

	if (mr_archive_header(dump->name, dump->size, du->time, header, err) < 0)
		return -1;
	return mr_piece_put_small(du->folder, header, sizeof(header), &dump->head, err);
}

static int write_end(const struct dumping *du, struct mr_piece *out, struct mr_error *err)
{
	static const char zeros[2 * MR_ARCHIVE_BLOCK];

	return mr_piece_put_small(du->folder, zeros, sizeof(zeros), out, err);
}

int mr_dumps_create(const struct mr_config *config, const char *folder, int64_t time,
		    struct mr_dumps *out, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	struct dumping du = { .arena = arena, .config = config, .folder = folder, .time = time };

	look_before(&du);
	for (int i = 0; i < MR_DUMPS; i++) {
		struct mr_dump *dump = &out->items[i];

		*dump = (struct mr_dump){ .name = rows[i].name, .service = rows[i].service };
		if (!mr_database_exists(config, rows[i].database))
			continue;
		if (write_data(&du, i, dump, err) < 0 || write_head(&du, dump, err) < 0)
			return mr_fail_in(err, "%s", dump->name);
		dump->present = true;
	}
	return write_end(&du, &out->end, err);
}

void mr_dumps_close(struct mr_dumps *dumps)
{
	for (int i = 0; i < MR_DUMPS; i++) {
		mr_piece_close(&dumps->items[i].head);
		mr_piece_close(&dumps->items[i].data);
	}
	mr_piece_close(&dumps->end);
}
