#include "adapters/ldif.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define RECORD_MAX ((size_t)4 * 1024 * 1024)
#define ATTRS_MAX  1000 /* each is compared with those before */
#define CHUNK	   ((size_t)64 * 1024)

struct mr_ldif {
	mr_ldif_source source;
	void *context;
	int fd; /* what read_fd reads */
	char *name;
	char *chunk;
	size_t at, len;			/* what of the chunk is not used yet */
	unsigned long line, first_line; /* of the file; where the logical line begins */
	struct mr_buf text;		/* one logical line: unfolded, without its end */
	struct mr_buf value;		/* decoded */
	size_t record;			/* bytes of the record so far */
	bool begun;			/* a record was seen: "version:" is over */
};

struct mr_ldif *mr_ldif_open_source(mr_ldif_source source, void *context, const char *name)
{
	struct mr_ldif *ldif = calloc(1, sizeof(*ldif));

	if (!ldif)
		abort();
	ldif->source = source;
	ldif->context = context;
	ldif->name = strdup(name);
	ldif->chunk = malloc(CHUNK);
	if (!ldif->name || !ldif->chunk)
		abort();
	return ldif;
}

static long read_fd(void *context, char *buf, size_t size, struct mr_error *err)
{
	const struct mr_ldif *ldif = context;
	ssize_t n;

	do {
		n = read(ldif->fd, buf, size);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? mr_fail_errno(err, "%s", ldif->name) : (long)n;
}

struct mr_ldif *mr_ldif_open(int fd, const char *name)
{
	struct mr_ldif *ldif = mr_ldif_open_source(read_fd, NULL, name);

	ldif->context = ldif;
	ldif->fd = fd;
	return ldif;
}

void mr_ldif_close(struct mr_ldif *ldif)
{
	if (!ldif)
		return;
	mr_buf_close(&ldif->text);
	mr_buf_close(&ldif->value);
	free(ldif->chunk);
	free(ldif->name);
	free(ldif);
}

static int invalid(const struct mr_ldif *ldif, const char *why, struct mr_error *err)
{
	return mr_fail(err, MR_E_INVALID, _("%s: line %lu: %s"), ldif->name, ldif->first_line, why);
}

/* 1: there is at least one byte; 0: the end; -1: error. */
static int fill(struct mr_ldif *ldif, struct mr_error *err)
{
	long n;

	if (ldif->at < ldif->len)
		return 1;
	n = ldif->source(ldif->context, ldif->chunk, CHUNK, err);
	if (n < 0)
		return -1;
	ldif->at = 0;
	ldif->len = (size_t)n;
	return n > 0;
}

/* Appends one line of the file to the logical line. */
static int read_physical(struct mr_ldif *ldif, struct mr_error *err)
{
	int rc;

	ldif->line++;
	while ((rc = fill(ldif, err)) > 0) {
		const char *from = ldif->chunk + ldif->at;
		const char *end = memchr(from, '\n', ldif->len - ldif->at);
		size_t len = end ? (size_t)(end - from) : ldif->len - ldif->at;

		ldif->record += len;
		if (ldif->record > RECORD_MAX)
			return invalid(ldif, _("the record is larger than 4 MiB"), err);
		mr_buf_add(&ldif->text, from, len);
		ldif->at += len + (end != NULL);
		if (end)
			break;
	}
	if (rc >= 0 && ldif->text.len && ldif->text.data[ldif->text.len - 1] == '\r')
		ldif->text.data[--ldif->text.len] = '\0';
	return rc < 0 ? -1 : 0;
}

/* 1: a logical line is in ldif->text; 0: the end; -1: error. */
static int read_logical(struct mr_ldif *ldif, struct mr_error *err)
{
	int rc = fill(ldif, err);

	if (rc <= 0)
		return rc;
	ldif->text.len = 0;
	ldif->first_line = ldif->line + 1;
	if (read_physical(ldif, err) < 0)
		return -1;
	/* A line of one space after an empty one continues nothing. */
	while (ldif->text.len && (rc = fill(ldif, err)) > 0 && ldif->chunk[ldif->at] == ' ') {
		ldif->at++;
		if (read_physical(ldif, err) < 0)
			return -1;
	}
	if (rc >= 0 && ldif->text.len && memchr(ldif->text.data, 0, ldif->text.len))
		return invalid(ldif, _("it contains a NUL byte"), err);
	return rc < 0 ? -1 : 1;
}

static int sextet(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = c ? strchr(digits, c) : NULL;

	return found ? (int)(found - digits) : -1;
}

static bool decode_base64(struct mr_buf *out, const char *text)
{
	size_t len = strlen(text);

	while (len && text[len - 1] == ' ')
		len--;
	if (len % 4)
		return false;
	for (size_t i = 0; i < len; i += 4) {
		const char *p = text + i;
		bool last = i + 4 == len;
		int pad = last && p[3] == '=' ? (p[2] == '=' ? 2 : 1) : 0;
		unsigned int bits = 0;

		for (int j = 0; j < 4; j++) {
			int six = j >= 4 - pad ? 0 : sextet(p[j]);

			if (six < 0)
				return false;
			bits = bits << 6 | (unsigned int)six;
		}
		mr_buf_add(out, (const char[]){ (char)(bits >> 16), (char)(bits >> 8), (char)bits },
			   (size_t)(3 - pad));
	}
	return true;
}

/* Of every line: strspn(3) would make a table each time. */
static bool is_name(const char *name)
{
	static const bool allowed[256] = {
		['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['0' ... '9'] = true,
		['-'] = true,	      [';'] = true,	    ['.'] = true,
	};

	if (!*name || *name == '-' || *name == ';' || *name == '.')
		return false;
	while (allowed[(unsigned char)*name])
		name++;
	return !*name;
}

/* Splits ldif->text in place; *value lies there or in ldif->value. */
static int split_line(struct mr_ldif *ldif, const char **name, const char **value,
		      struct mr_error *err)
{
	char *colon = strchr(ldif->text.data, ':');
	char kind;

	if (!colon)
		return invalid(ldif, _("not \"attribute: value\""), err);
	*colon = '\0';
	kind = colon[1];
	*name = ldif->text.data;
	if (!is_name(*name))
		return invalid(ldif, _("not the name of an attribute"), err);
	if (kind == '<')
		return invalid(ldif, _("values by URL are not allowed"), err);
	colon += kind == ':' ? 2 : 1;
	*value = colon + strspn(colon, " ");
	if (kind != ':')
		return 0;
	ldif->value.len = 0;
	mr_buf_add(&ldif->value, "", 0);
	if (!decode_base64(&ldif->value, *value))
		return invalid(ldif, _("not base64"), err);
	if (ldif->value.len && memchr(ldif->value.data, 0, ldif->value.len))
		return invalid(ldif, _("it contains a NUL byte"), err);
	*value = ldif->value.data;
	return 0;
}

/* 1: the line of the DN; 0: the end of the file; -1: error. */
static int read_dn(struct mr_ldif *ldif, const char **dn, struct mr_error *err)
{
	const char *name;
	int rc;

	for (;;) {
		ldif->record = 0;
		rc = read_logical(ldif, err);
		if (rc <= 0)
			return rc;
		if (!ldif->text.len || ldif->text.data[0] == '#')
			continue;
		if (split_line(ldif, &name, dn, err) < 0)
			return -1;
		if (strcasecmp(name, "dn") == 0)
			break;
		if (ldif->begun || strcasecmp(name, "version") != 0 || strcmp(*dn, "1") != 0)
			return invalid(ldif, _("a record must begin with \"dn:\""), err);
		ldif->begun = true;
	}
	ldif->begun = true;
	return 1;
}

static bool is_change(const char *name)
{
	return strcasecmp(name, "changetype") == 0 || strcasecmp(name, "control") == 0;
}

int mr_ldif_read(struct mr_ldif *ldif, struct mr_arena *arena, struct mr_entry **out,
		 struct mr_error *err)
{
	const char *name, *value;
	struct mr_entry *entry;
	int rc = read_dn(ldif, &value, err);

	if (rc <= 0)
		return rc;
	entry = mr_entry_new(arena, value);
	while ((rc = read_logical(ldif, err)) > 0 && ldif->text.len) {
		if (ldif->text.data[0] == '#')
			continue;
		if (split_line(ldif, &name, &value, err) < 0)
			return -1;
		if (entry->count == 0 && is_change(name))
			return invalid(ldif, _("a change, where only entries are allowed"), err);
		if (strcasecmp(name, "dn") == 0)
			return invalid(ldif, _("an empty line is missing before this record"), err);
		mr_entry_add(arena, entry, name, value);
		if (entry->count > ATTRS_MAX)
			return invalid(ldif, _("the record has more than 1000 attributes"), err);
	}
	if (rc < 0)
		return -1;
	if (entry->count == 0)
		return invalid(ldif, _("an entry without attributes"), err);
	*out = entry;
	return 1;
}

/* RFC 2849 SAFE-STRING, less a space at the end (note 8). */
static bool is_safe(const char *value, size_t len)
{
	if (len && (strchr(" :<", value[0]) || value[len - 1] == ' '))
		return false;
	for (size_t i = 0; i < len; i++)
		if (value[i] == '\n' || value[i] == '\r' || (unsigned char)value[i] >= 0x80)
			return false;
	return true;
}

static void add_base64(struct mr_buf *out, const char *data, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < len; i += 3) {
		const unsigned char *p = (const unsigned char *)data + i;
		size_t n = len - i < 3 ? len - i : 3;
		unsigned int bits = (unsigned int)p[0] << 16 |
				    (n > 1 ? (unsigned int)p[1] << 8 : 0) | (n > 2 ? p[2] : 0);
		const char quad[] = { digits[bits >> 18], digits[bits >> 12 & 63],
				      n > 1 ? digits[bits >> 6 & 63] : '=',
				      n > 2 ? digits[bits & 63] : '=' };

		mr_buf_add(out, quad, sizeof(quad));
	}
}

static void format_line(struct mr_buf *out, const char *name, const char *value)
{
	size_t len = strlen(value);

	mr_buf_puts(out, name);
	if (is_safe(value, len)) {
		mr_buf_puts(out, len ? ": " : ":");
		mr_buf_add(out, value, len);
	} else {
		mr_buf_puts(out, ":: ");
		add_base64(out, value, len);
	}
	mr_buf_putc(out, '\n');
}

void mr_ldif_format(struct mr_buf *out, const struct mr_entry *entry)
{
	format_line(out, "dn", entry->dn);
	for (size_t i = 0; i < entry->count; i++)
		for (size_t j = 0; j < entry->attrs[i].values.count; j++)
			format_line(out, entry->attrs[i].name, entry->attrs[i].values.items[j]);
	mr_buf_putc(out, '\n');
}
