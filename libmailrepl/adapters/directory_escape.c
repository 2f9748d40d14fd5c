#include "adapters/directory_backend.h"

#include <ldap.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void add_filter_value(struct mr_buf *out, const char *value)
{
	struct berval in = { strlen(value), (char *)(uintptr_t)value }, escaped = { 0, NULL };

	if (ldap_bv2escaped_filter_value(&in, &escaped) != 0)
		abort();
	mr_buf_add(out, escaped.bv_val ? escaped.bv_val : "", escaped.bv_len);
	if (escaped.bv_val != in.bv_val)
		ldap_memfree(escaped.bv_val);
}

char *mr_filter(struct mr_arena *arena, const char *fmt, ...)
{
	MR_BUF text = { 0 };
	va_list args;

	mr_ldap_library_init();
	va_start(args, fmt);
	for (const char *p = fmt; *p; p++) {
		if (*p != '%') {
			mr_buf_putc(&text, *p);
			continue;
		}
		if (*++p != 's')
			abort();
		add_filter_value(&text, va_arg(args, const char *));
	}
	va_end(args);
	return mr_strdup(arena, mr_buf_text(&text));
}

/* libldap refuses what is not UTF-8; hex pairs can say anything (RFC 4514 section 2.4). */
static void add_hex_rdn(struct mr_buf *out, const char *type, const char *value)
{
	mr_buf_printf(out, "%s=", type);
	for (const char *p = value; *p; p++)
		mr_buf_printf(out, "\\%02X", (unsigned int)(unsigned char)*p);
}

static void add_rdn(struct mr_buf *out, const char *type, const char *value)
{
	LDAPAVA ava = { .la_attr = { strlen(type), (char *)(uintptr_t)type },
			.la_value = { strlen(value), (char *)(uintptr_t)value },
			.la_flags = LDAP_AVA_STRING };
	LDAPAVA *rdn[] = { &ava, NULL };
	char *text = NULL;

	mr_ldap_library_init();
	if (ldap_rdn2str(rdn, &text, LDAP_DN_FORMAT_LDAPV3 | LDAP_DN_PRETTY) == LDAP_SUCCESS &&
	    text)
		mr_buf_puts(out, text);
	else
		add_hex_rdn(out, type, value);
	ldap_memfree(text);
}

char *mr_dn(struct mr_arena *arena, const char *type, const char *value, const char *parent)
{
	MR_BUF dn = { 0 };

	add_rdn(&dn, type, value);
	if (parent && *parent)
		mr_buf_printf(&dn, ",%s", parent);
	return mr_strdup(arena, mr_buf_text(&dn));
}

/* NULL if malformed or empty; to be freed with ldap_dnfree. */
static LDAPDN dn_parse(const char *text)
{
	LDAPDN dn = NULL;

	mr_ldap_library_init();
	if (ldap_str2dn(text, &dn, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS)
		return NULL;
	return dn;
}

/* A value as #hex is BER, which names nothing of ours; one with a NUL cannot be a string. */
static bool is_text(const LDAPAVA *ava)
{
	return !(ava->la_flags & LDAP_AVA_BINARY) &&
	       !(ava->la_value.bv_len && memchr(ava->la_value.bv_val, 0, ava->la_value.bv_len));
}

char *mr_dn_value(struct mr_arena *arena, const char *dn)
{
	LDAPDN parsed = dn_parse(dn);
	char *value = NULL;

	if (!parsed)
		return NULL;
	if (parsed[0] && is_text(parsed[0][0])) {
		const struct berval *found = &parsed[0][0]->la_value;

		value = mr_strndup(arena, found->bv_len ? found->bv_val : "", found->bv_len);
	}
	ldap_dnfree(parsed);
	return value;
}

char *mr_dn_renamed(struct mr_arena *arena, const char *dn, const char *value)
{
	LDAPDN parsed = dn_parse(dn);
	struct berval parent = { 0, NULL };
	char *renamed = NULL;

	if (!parsed)
		return NULL;
	if (parsed[0] && ldap_dn2bv(parsed + 1, &parent, LDAP_DN_FORMAT_LDAPV3 | LDAP_DN_PRETTY) ==
				 LDAP_SUCCESS) {
		const struct berval *type = &parsed[0][0]->la_attr;

		renamed = mr_dn(arena, mr_strndup(arena, type->bv_val, type->bv_len), value,
				parent.bv_val);
	}
	ldap_memfree(parent.bv_val);
	ldap_dnfree(parsed);
	return renamed;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c && strchr(" -_.@/", c)) ||
	       (unsigned char)c >= 0x80;
}

/* RFC 4518 section 2.6.1: spaces at the ends do not count, several in a row are one. */
static void add_normal(struct mr_buf *out, const struct berval *value)
{
	bool space = false, any = false;

	for (size_t i = 0; i < value->bv_len; i++) {
		char c = lower(value->bv_val[i]);

		if (c == ' ') {
			space = true;
			continue;
		}
		if (space && any)
			mr_buf_putc(out, ' ');
		space = false;
		any = true;
		if (is_plain(c))
			mr_buf_putc(out, c);
		else
			mr_buf_printf(out, "\\%02x", (unsigned int)(unsigned char)c);
	}
}

static const char *rdn_normalize(struct mr_arena *arena, LDAPRDN rdn)
{
	struct mr_list parts = { 0 };

	for (size_t i = 0; rdn[i]; i++) {
		MR_BUF part = { 0 };

		add_normal(&part, &rdn[i]->la_attr);
		mr_buf_puts(&part, rdn[i]->la_flags & LDAP_AVA_BINARY ? "=#" : "=");
		add_normal(&part, &rdn[i]->la_value);
		mr_list_add(arena, &parts, mr_buf_text(&part));
	}
	mr_list_sort(&parts);
	return mr_list_join(arena, &parts, "+");
}

char *mr_dn_normalize(struct mr_arena *arena, const char *dn)
{
	struct mr_list rdns = { 0 };
	LDAPDN parsed = dn_parse(dn);

	if (!parsed)
		return *dn ? NULL : mr_strdup(arena, "");
	for (size_t i = 0; parsed[i]; i++)
		mr_list_add(arena, &rdns, rdn_normalize(arena, parsed[i]));
	ldap_dnfree(parsed);
	return mr_strdup(arena, mr_list_join(arena, &rdns, ","));
}

bool mr_dn_equal(const char *a, const char *b)
{
	MR_ARENA arena = mr_arena_open();
	const char *left = mr_dn_normalize(arena, a), *right = mr_dn_normalize(arena, b);

	return left && right && strcmp(left, right) == 0;
}

char *mr_directory_socket_uri(struct mr_arena *arena, const char *path)
{
	MR_BUF uri = { 0 };

	mr_buf_puts(&uri, "ldapi://");
	for (const char *p = path; *p; p++) {
		if (is_plain(lower(*p)) && *p != '/' && *p != ' ' && *p != '@' &&
		    (unsigned char)*p < 0x80)
			mr_buf_putc(&uri, *p);
		else
			mr_buf_printf(&uri, "%%%02X", (unsigned int)(unsigned char)*p);
	}
	return mr_strdup(arena, mr_buf_text(&uri));
}
