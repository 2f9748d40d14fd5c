#include "features/backup_manifest.h"

#include <string.h>
#include <time.h>

#include "adapters/archive_header.h"
#include "adapters/bzip2.h"
#include "adapters/json.h"
#include "features/backup_key.h"
#include "model/names.h"

#define NAME_MOST 200

enum holders {
	ALL,       /* every archive */
	FULL,      /* not in one for a peer */
	FULL_HOME, /* the home's own */
};

/* In the order of the archive. A name that ends in "/" stands for all below it. */
static const struct row {
	const char *name;
	enum holders holders;
	bool required;
	bool unix_only;
} rows[] = {
	{ "topology.ldif", ALL, true, false },     { "tls/ca.crt", ALL, true, false },
	{ MR_BACKUP_KEY_NAME, ALL, false, false }, { "tls/ca.key", FULL_HOME, true, false },
	{ "tls/host.crt", ALL, true, false },      { "tls/host.key", ALL, true, false },
	{ "tls/peers/", FULL_HOME, false, false }, { "mailrepl.conf", FULL, true, false },
	{ "templates/", ALL, false, false },       { "own/", FULL, false, false },
	{ "changes/", FULL, false, false },        { "secrets/", FULL, false, false },
	{ "mail-owned.ldif", ALL, false, false },
	{ "mail-copies.ldif", ALL, true, false },  { "unix-owned.ldif", ALL, false, true },
	{ "unix-copies.ldif", ALL, false, true },
};
#define ROWS (sizeof(rows) / sizeof(*rows))

static bool is_home(const struct mr_manifest *manifest)
{
	return strcmp(manifest->host, manifest->home) == 0;
}

static bool may_hold(const struct mr_manifest *manifest, enum holders holders)
{
	if (holders == ALL)
		return true;
	return !manifest->for_host && (holders == FULL || is_home(manifest));
}

char *mr_manifest_time(struct mr_arena *arena, int64_t created)
{
	time_t seconds = (time_t)created;
	struct tm tm;
	char text[32];

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return mr_strdup(arena, text);
}

char *mr_manifest_file_name(struct mr_arena *arena, const struct mr_manifest *manifest)
{
	const char *when = mr_manifest_time(arena, manifest->created);
	MR_BUF name = { 0 };

	for (const char *p = when; *p; p++)
		if (*p != '-' && *p != ':')
			mr_buf_putc(&name, *p);
	mr_buf_printf(&name, "-%s", manifest->host);
	if (manifest->for_host)
		mr_buf_printf(&name, "-for-%s", manifest->for_host);
	mr_buf_puts(&name, ".tar.bz2");
	return mr_strdup(arena, mr_buf_text(&name));
}

const struct mr_manifest_member *mr_manifest_member(const struct mr_manifest *manifest,
						    const char *name)
{
	for (size_t i = 0; i < manifest->count; i++)
		if (strcmp(manifest->members[i].name, name) == 0)
			return &manifest->members[i];
	return NULL;
}

static void add_member(struct mr_arena *arena, struct mr_value *members,
		       const struct mr_manifest_member *from)
{
	struct mr_value *member = mr_value_append(arena, members, mr_value_object(arena));

	mr_value_set_string(arena, member, "name", from->name);
	mr_value_set_int(arena, member, "size", from->size);
	mr_value_set_string(arena, member, "sha256", from->sha256);
	if (from->entries >= 0)
		mr_value_set_int(arena, member, "entries", from->entries);
}

static char *format(struct mr_arena *arena, const struct mr_manifest *manifest, const char *hmac)
{
	struct mr_value *top = mr_value_object(arena), *members = mr_value_list(arena);

	mr_value_set_int(arena, top, "format", manifest->format);
	mr_value_set_string(arena, top, "domainId", manifest->domain_id);
	mr_value_set_string(arena, top, "host", manifest->host);
	mr_value_set_int(arena, top, "serverId", manifest->server_id);
	mr_value_set_string(arena, top, "home", manifest->home);
	mr_value_set_string(arena, top, "for", manifest->for_host);
	mr_value_set_string(arena, top, "created", mr_manifest_time(arena, manifest->created));
	mr_value_set_int(arena, top, "generation", manifest->generation);
	if (manifest->format > 1) {
		mr_value_set_string(arena, top, "bzip2", manifest->bzip2);
		mr_value_set_int(arena, top, "restSize", manifest->rest_size);
		mr_value_set_string(arena, top, "restSha256", manifest->rest_sha256);
	}
	mr_value_set_int(arena, top, "count", (long long)manifest->count);
	mr_value_set(arena, top, "members", members);
	for (size_t i = 0; i < manifest->count; i++)
		add_member(arena, members, &manifest->members[i]);
	if (manifest->format > 1)
		mr_value_set_string(arena, top, "hmac", hmac);
	return mr_json_format(arena, top);
}

char *mr_manifest_format(struct mr_arena *arena, const struct mr_manifest *manifest)
{
	return format(arena, manifest, manifest->hmac);
}

char *mr_manifest_signed(struct mr_arena *arena, const struct mr_manifest *manifest)
{
	return format(arena, manifest, NULL);
}

int mr_manifest_pack(const struct mr_manifest *manifest, struct mr_buf *out, struct mr_error *err)
{
	static const char zeros[MR_ARCHIVE_BLOCK];
	MR_ARENA arena = mr_arena_open();
	const char *text = mr_manifest_format(arena, manifest);
	size_t len = strlen(text);
	char header[MR_ARCHIVE_BLOCK];
	MR_BUF tar = { 0 };

	if (len > MR_MANIFEST_MOST)
		return mr_fail(err, MR_E_INVALID, _("%s: too long"), MR_MANIFEST_NAME);
	if (mr_archive_header(MR_MANIFEST_NAME, (int64_t)len, manifest->created, header, err) < 0)
		return -1;
	mr_buf_add(&tar, header, sizeof(header));
	mr_buf_add(&tar, text, len);
	mr_buf_add(&tar, zeros, -len & (MR_ARCHIVE_BLOCK - 1));
	mr_bzip2_compress(out, tar.data, tar.len);
	return 0;
}

static int refuse(struct mr_error *err, const char *what, const char *value)
{
	return mr_fail(err, MR_E_ARCHIVE, "%s: %s: %s", MR_MANIFEST_NAME, what,
		       value ? value : _("missing"));
}

static int get_host(struct mr_arena *arena, const struct mr_value *top, const char *key,
		    const char **out, struct mr_error *err)
{
	const char *text = mr_value_get_string(top, key, NULL);

	if (!text || mr_host_parse(arena, text, out, err) < 0 || strcmp(text, *out) != 0)
		return refuse(err, key, text);
	return 0;
}

/* Read by number, and right only if it prints the same again. */
static int get_time(struct mr_arena *arena, const struct mr_value *top, int64_t *out,
		    struct mr_error *err)
{
	const char *text = mr_value_get_string(top, "created", "");
	struct tm tm = { 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);

	*out = end && !*end ? (int64_t)timegm(&tm) : -1;
	if (*out < 0 || strcmp(mr_manifest_time(arena, *out), text) != 0)
		return refuse(err, "created", text);
	return 0;
}

/* The same alphabet as adapters/archive.h demands of the members themselves. */
static bool name_ok(const char *name)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-";

	return *name && *name != '/' && strlen(name) <= NAME_MOST &&
	       !name[strspn(name, alphabet)] && !strstr(name, "//") && !strstr(name, "/../") &&
	       !strstr(name, "/./") && !mr_starts_with(name, "../") &&
	       !mr_starts_with(name, "./") && !mr_ends_with(name, "/..") &&
	       !mr_ends_with(name, "/.") && !mr_ends_with(name, "/");
}

/* "<host>.crt" or "<host>.key" */
static bool peer_file_ok(const char *file)
{
	size_t len = strlen(file);
	MR_ARENA arena = mr_arena_open();
	struct mr_error ignored;
	const char *host;

	if (!mr_ends_with(file, ".crt") && !mr_ends_with(file, ".key"))
		return false;
	return mr_host_parse(arena, mr_strndup(arena, file, len - 4), &host, &ignored) == 0;
}

static const struct row *row_of(const char *name)
{
	if (!name_ok(name))
		return NULL;
	for (size_t i = 0; i < ROWS; i++) {
		if (!mr_ends_with(rows[i].name, "/")) {
			if (strcmp(rows[i].name, name) == 0)
				return &rows[i];
		} else if (mr_starts_with(name, rows[i].name)) {
			if (strcmp(rows[i].name, "tls/peers/") == 0 &&
			    !peer_file_ok(name + strlen(rows[i].name)))
				return NULL;
			return &rows[i];
		}
	}
	return NULL;
}

static bool digest_ok(const char *text)
{
	return text && strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

static int parse_member(const struct mr_value *value, int format, struct mr_manifest_member *out,
			struct mr_error *err)
{
	bool ldif;

	out->name = mr_value_get_string(value, "name", NULL);
	out->size = mr_value_get_int(value, "size", -1);
	out->sha256 = mr_value_get_string(value, "sha256", NULL);
	if (!out->name || !row_of(out->name))
		return refuse(err, _("unknown member"), out->name);
	if (out->size < 0 || !digest_ok(out->sha256))
		return refuse(err, _("size or SHA-256"), out->name);
	ldif = format > 1 && mr_ends_with(row_of(out->name)->name, ".ldif");
	out->entries = mr_value_get_int(value, "entries", -1);
	if (ldif != (out->entries >= 0))
		return refuse(err, _("number of entries"), out->name);
	return 0;
}

static int check_members(const struct mr_manifest *manifest, struct mr_error *err)
{
	for (size_t i = 0; i < manifest->count; i++) {
		const char *name = manifest->members[i].name;
		const struct row *row = row_of(name);

		if (!may_hold(manifest, row->holders))
			return refuse(err, _("may not be in this archive"), name);
		if (i == 0)
			continue;
		if (row_of(manifest->members[i - 1].name) > row ||
		    (row_of(manifest->members[i - 1].name) == row &&
		     strcmp(manifest->members[i - 1].name, name) >= 0))
			return refuse(err, _("out of order"), name);
	}
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].required && may_hold(manifest, rows[i].holders) &&
		    !mr_manifest_member(manifest, rows[i].name))
			return refuse(err, rows[i].name, NULL);
	return 0;
}

static int parse_members(struct mr_arena *arena, const struct mr_value *top,
			 struct mr_manifest *out, struct mr_error *err)
{
	const struct mr_value *members = mr_value_get(top, "members");

	if (!members || members->kind != MR_VALUE_LIST ||
	    mr_value_get_int(top, "count", -1) != (long long)members->count)
		return refuse(err, "members", _("their count is wrong"));
	out->count = members->count;
	out->members = MR_NEW_ARRAY(arena, struct mr_manifest_member, members->count);
	for (size_t i = 0; i < members->count; i++)
		if (parse_member(members->items[i], out->format, &out->members[i], err) < 0)
			return -1;
	return check_members(out, err);
}

static int parse_format(const struct mr_value *top, int *out, struct mr_error *err)
{
	long long format = mr_value_get_int(top, "format", 0);

	*out = (int)format;
	if (format >= 1 && format <= MR_BACKUP_FORMAT)
		return 0;
	return mr_fail(err, MR_E_ARCHIVE,
		       _("%s: format %lld, this version of mailrepl reads format 1 to %d only"),
		       MR_MANIFEST_NAME, format, MR_BACKUP_FORMAT);
}

/* What format 2 has besides. */
static int parse_seal(const struct mr_value *top, struct mr_manifest *out, struct mr_error *err)
{
	out->bzip2 = mr_value_get_string(top, "bzip2", NULL);
	out->rest_size = mr_value_get_int(top, "restSize", -1);
	out->rest_sha256 = mr_value_get_string(top, "restSha256", NULL);
	out->hmac = mr_value_get_string(top, "hmac", NULL);
	if (!out->bzip2 || out->rest_size < 0 || !digest_ok(out->rest_sha256))
		return refuse(err, "bzip2, restSize, restSha256", NULL);
	if (out->hmac && !digest_ok(out->hmac))
		return refuse(err, "hmac", out->hmac);
	return 0;
}

/* Two texts for the same would leave room for bytes that nobody checks. */
static int check_text(struct mr_arena *arena, const struct mr_manifest *manifest, const char *text,
		      size_t len, struct mr_error *err)
{
	const char *canonical = mr_manifest_format(arena, manifest);

	if (strlen(canonical) != len || memcmp(canonical, text, len) != 0)
		return refuse(err, _("its text"), _("is not what mailrepl writes for this"));
	if (!manifest->hmac != !mr_manifest_member(manifest, MR_BACKUP_KEY_NAME))
		return refuse(err, "hmac", _("does not go with the members"));
	return 0;
}

static int parse_hosts(struct mr_arena *arena, const struct mr_value *top, struct mr_manifest *out,
		       struct mr_error *err)
{
	if (get_host(arena, top, "host", &out->host, err) < 0 ||
	    get_host(arena, top, "home", &out->home, err) < 0)
		return -1;
	if (mr_value_get(top, "for") && mr_value_get(top, "for")->kind != MR_VALUE_NULL &&
	    get_host(arena, top, "for", &out->for_host, err) < 0)
		return -1;
	if (out->for_host && !is_home(out))
		return refuse(err, _("only the home makes archives for others"), out->host);
	return 0;
}

int mr_manifest_parse(struct mr_arena *arena, const char *text, size_t len, struct mr_manifest *out,
		      struct mr_error *err)
{
	struct mr_value *top;
	long long server_id;

	*out = (struct mr_manifest){ 0 };
	if (mr_json_parse(arena, MR_MANIFEST_NAME, text, len, &top, err) < 0) {
		err->code = MR_E_ARCHIVE;
		return -1;
	}
	if (parse_format(top, &out->format, err) < 0)
		return -1;
	out->domain_id = mr_value_get_string(top, "domainId", NULL);
	server_id = mr_value_get_int(top, "serverId", 0);
	out->generation = mr_value_get_int(top, "generation", 0);
	if (!out->domain_id || !*out->domain_id || server_id < 1 || server_id > 4095 ||
	    out->generation < 1)
		return refuse(err, "domainId, serverId, generation", NULL);
	out->server_id = (unsigned)server_id;
	if (parse_hosts(arena, top, out, err) < 0 || get_time(arena, top, &out->created, err) < 0)
		return -1;
	if (out->format > 1 && parse_seal(top, out, err) < 0)
		return -1;
	if (parse_members(arena, top, out, err) < 0)
		return -1;
	return out->format > 1 ? check_text(arena, out, text, len, err) : 0;
}

static bool has_accounts(const struct mr_manifest *manifest)
{
	return mr_manifest_member(manifest, "unix-owned.ldif") ||
	       mr_manifest_member(manifest, "unix-copies.ldif");
}

int mr_manifest_agrees(const struct mr_manifest *manifest, const struct mr_topology *topology,
		       struct mr_error *err)
{
	const char *reader = manifest->for_host ? manifest->for_host : manifest->host;
	const struct mr_host *maker = mr_topology_host(topology, manifest->host);
	const struct mr_host *user = mr_topology_host(topology, reader);

	if (strcmp(topology->domain_id, manifest->domain_id) != 0 ||
	    strcmp(topology->home, manifest->home) != 0 ||
	    topology->generation != manifest->generation)
		return refuse(err, "topology.ldif", _("belongs to another archive"));
	if (!maker || maker->server_id != manifest->server_id)
		return refuse(err, _("not in topology.ldif with this serverID"), manifest->host);
	if (!user)
		return refuse(err, _("not in topology.ldif"), reader);
	if (!(user->services & MR_UNIX) && has_accounts(manifest))
		return refuse(err, _("holds accounts, which a relay may not have"), reader);
	return 0;
}
