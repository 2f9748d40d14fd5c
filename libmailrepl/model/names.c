#include "model/names.h"

#include <string.h>
#include <strings.h>

#include "adapters/idn.h"

#define LOCAL_MOST     64  /* RFC 5321 section 4.5.3.1.1 */
#define ADDRESS_MOST   254 /* RFC 5321 section 4.5.3.1.3: a path of 256 less its brackets */
#define DOMAIN_MOST    253 /* RFC 1035 section 2.3.4: 255 octets on the wire */
#define LABEL_MOST     63
#define USER_MOST      32
#define FULL_NAME_MOST 200

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c);
}

static bool is_ascii(const char *text)
{
	while (*text)
		if ((unsigned char)*text++ >= 0x80)
			return false;
	return true;
}

/* RFC 5322 section 3.2.3 */
static bool is_atext(char c)
{
	return is_alnum(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

static int label_check(const char *domain, const char *label, size_t len, struct mr_error *err)
{
	if (len == 0)
		return mr_fail(err, MR_E_INVALID, _("\"%s\": a label is empty (a dot too many?)"),
			       domain);
	if (len > LABEL_MOST)
		return mr_fail(err, MR_E_INVALID,
			       _("\"%s\": the label \"%.*s\" is longer than %d characters"), domain,
			       (int)len, label, LABEL_MOST);
	if (label[0] == '-' || label[len - 1] == '-')
		return mr_fail(err, MR_E_INVALID,
			       _("\"%s\": the label \"%.*s\" begins or ends with a hyphen"), domain,
			       (int)len, label);
	for (size_t i = 0; i < len; i++)
		if (!is_alnum(label[i]) && label[i] != '-')
			return mr_fail(
				err, MR_E_INVALID,
				_("\"%s\": only letters, digits, hyphens and dots are allowed"),
				domain);
	return 0;
}

static bool all_digits(const char *text)
{
	while (is_digit(*text))
		text++;
	return !*text;
}

/* RFC 1123 section 2.1, on the ASCII form. */
static int labels_check(const char *domain, struct mr_error *err)
{
	const char *label = domain;

	if (strlen(domain) > DOMAIN_MOST)
		return mr_fail(err, MR_E_INVALID,
			       _("a domain is longer than %d characters: \"%.40s...\""),
			       DOMAIN_MOST, domain);
	for (;;) {
		size_t len = strcspn(label, ".");

		if (label_check(domain, label, len, err) < 0)
			return -1;
		if (!label[len])
			break;
		label += len + 1;
	}
	if (all_digits(label))
		return mr_fail(err, MR_E_INVALID,
			       _("\"%s\" is a number or an IP address, not a name"), domain);
	return 0;
}

static bool has_a_label(const char *domain)
{
	for (; domain; domain = strchr(domain, '.')) {
		domain += *domain == '.';
		if (strncasecmp(domain, "xn--", 4) == 0)
			return true;
	}
	return false;
}

static int domain_format(struct mr_arena *arena, const char *text, const char **out,
			 struct mr_error *err)
{
	const char *ascii = text;

	if (!*text)
		return mr_fail(err, MR_E_INVALID, _("the domain is empty"));
	/* libidn2 maps much to dots and letters: what is plain ASCII is not shown to it. */
	if (is_ascii(text) && labels_check(text, err) < 0)
		return -1;
	if ((!is_ascii(text) || has_a_label(text)) && mr_idn_format(arena, text, &ascii, err) < 0)
		return mr_fail_in(err, "\"%s\"", text);
	if (labels_check(ascii, err) < 0)
		return -1;
	*out = mr_lower(arena, ascii);
	return 0;
}

int mr_domain_parse(struct mr_arena *arena, const char *text, const char **out,
		    struct mr_error *err)
{
	const char *domain;

	if (text[0] == '[')
		return mr_fail(err, MR_E_INVALID,
			       _("\"%s\": address literals are not supported, give a name"), text);
	if (domain_format(arena, text, &domain, err) < 0)
		return -1;
	if (!strchr(domain, '.'))
		return mr_fail(err, MR_E_INVALID,
			       _("\"%s\" has one label only: give a full domain such as %s.org"),
			       text, domain);
	*out = domain;
	return 0;
}

int mr_host_parse(struct mr_arena *arena, const char *text, const char **out, struct mr_error *err)
{
	const char *host;

	if (!*text)
		return mr_fail(err, MR_E_INVALID,
			       _("the name of a host is missing: give the fully qualified one, as "
				 "in mail1.lan"));
	if (!is_ascii(text))
		return mr_fail(err, MR_E_INVALID,
			       _("host \"%s\": only ASCII is allowed in the name of a host"), text);
	if (domain_format(arena, text, &host, err) < 0)
		return mr_fail_in(err, _("host"));
	if (!strchr(host, '.'))
		return mr_fail(err, MR_E_INVALID,
			       _("host \"%s\": give the fully qualified name (`hostname -f` there "
				 "tells it)"),
			       text);
	*out = host;
	return 0;
}

int mr_hosts_parse(struct mr_arena *arena, const char *text, struct mr_list *out,
		   struct mr_error *err)
{
	struct mr_list words = mr_list_split(arena, text, ','), hosts = { 0 };

	for (size_t i = 0; i < words.count; i++) {
		const char *host;

		if (!*words.items[i])
			return mr_fail(err, MR_E_INVALID,
				       _("host list \"%s\": an item is empty (a comma too many?)"),
				       text);
		if (mr_host_parse(arena, words.items[i], &host, err) < 0)
			return -1;
		if (mr_list_has(&hosts, host))
			return mr_fail(err, MR_E_INVALID, _("host list \"%s\": %s is named twice"),
				       text, host);
		mr_list_add(arena, &hosts, host);
	}
	*out = hosts;
	return 0;
}

/* RFC 5321 section 4.1.2: quotes and backslashes are not part of the name, so "user1" and user1 are
 * the same; what cannot be written without quotes is not supported. */
static int unquote(struct mr_arena *arena, const char *text, const char *local, const char **out,
		   struct mr_error *err)
{
	size_t len = strlen(local);
	MR_BUF plain = { 0 };

	*out = local;
	if (local[0] != '"')
		return 0;
	for (size_t i = 1; i + 1 < len; i++) {
		if (local[i] == '\\' && i + 2 < len)
			i++;
		if (!is_atext(local[i]) && local[i] != '.')
			break;
		mr_buf_putc(&plain, local[i]);
		if (i + 2 == len && local[i + 1] == '"') {
			*out = mr_strdup(arena, mr_buf_text(&plain));
			return 0;
		}
	}
	return mr_fail(err, MR_E_INVALID,
		       _("\"%s\": quoted local parts are not supported, but for those that need no "
			 "quotes"),
		       text);
}

static int local_check(const char *text, const char *local, struct mr_error *err)
{
	size_t len = strlen(local);

	if (len == 0)
		return mr_fail(err, MR_E_INVALID, _("\"%s\": nothing stands before the @"), text);
	if (!is_ascii(local))
		return mr_fail(err, MR_E_INVALID,
			       _("\"%s\": only ASCII is supported before the @ (no SMTPUTF8)"),
			       text);
	if (len > LOCAL_MOST)
		return mr_fail(err, MR_E_INVALID, _("\"%s\": more than %d characters before the @"),
			       text, LOCAL_MOST);
	/* Postfix refuses them whatever the maps say: allow_min_user */
	if (local[0] == '-')
		return mr_fail(err, MR_E_INVALID,
			       _("\"%s\": an address must not begin with a hyphen"), text);
	if (local[0] == '.' || local[len - 1] == '.' || strstr(local, ".."))
		return mr_fail(err, MR_E_INVALID,
			       _("\"%s\": a dot before the @ must stand between other characters"),
			       text);
	for (const char *p = local; *p; p++)
		if (!is_atext(*p) && *p != '.')
			return mr_fail(err, MR_E_INVALID,
				       _("\"%s\": the character '%c' is not allowed before the @"),
				       text, *p);
	return 0;
}

int mr_address_parse(struct mr_arena *arena, const char *text, struct mr_address *out,
		     struct mr_error *err)
{
	const char *at = strrchr(text, '@');
	struct mr_address address = { 0 };

	if (!at)
		return mr_fail(err, MR_E_INVALID,
			       _("\"%s\" is no mail address: it has no @ (user1@maildomain.org)"),
			       text);
	address.local = mr_lower(arena, mr_strndup(arena, text, (size_t)(at - text)));
	if (unquote(arena, text, address.local, &address.local, err) < 0 ||
	    local_check(text, address.local, err) < 0)
		return mr_fail_in(err, _("address"));
	if (mr_domain_parse(arena, at + 1, &address.domain, err) < 0)
		return mr_fail_in(err, _("address \"%s\""), text);
	address.text = mr_printf(arena, "%s@%s", address.local, address.domain);
	if (strlen(address.text) > ADDRESS_MOST)
		return mr_fail(err, MR_E_INVALID,
			       _("address \"%.40s...\": longer than %d characters"), text,
			       ADDRESS_MOST);
	*out = address;
	return 0;
}

const char *mr_address_show(struct mr_arena *arena, const char *address)
{
	const char *at = strrchr(address, '@');
	const char *domain = at ? at + 1 : address;

	return mr_printf(arena, "%.*s%s", (int)(domain - address), address,
			 has_a_label(domain) ? mr_idn_show(arena, domain) : domain);
}

int mr_claim_parse(struct mr_arena *arena, const char *text, struct mr_address *out,
		   struct mr_error *err)
{
	struct mr_address claim = { .local = "" };

	if (text[0] != '@')
		return mr_address_parse(arena, text, out, err);
	if (mr_domain_parse(arena, text + 1, &claim.domain, err) < 0)
		return mr_fail_in(err, _("catch-all \"%s\""), text);
	claim.text = mr_printf(arena, "@%s", claim.domain);
	*out = claim;
	return 0;
}

static bool is_user_name(const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || len > USER_MOST || !((text[0] >= 'a' && text[0] <= 'z') || text[0] == '_'))
		return false;
	for (const char *p = text; *p; p++)
		if (!(*p >= 'a' && *p <= 'z') && !is_digit(*p) && !strchr("_.-", *p))
			return false;
	return text[len - 1] != '.' && !strstr(text, "..");
}

bool mr_is_role(const char *local)
{
	static const char *const roles[] = { "postmaster", "abuse", "root", "mailer-daemon" };

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (strcmp(local, roles[i]) == 0)
			return true;
	return false;
}

int mr_user_parse(struct mr_arena *arena, const char *text, const char **out, struct mr_error *err)
{
	if (!is_user_name(text))
		return mr_fail(err, MR_E_INVALID,
			       _("user \"%s\": a user name has 1 to %d characters: small letters, "
				 "digits, _ . -; "
				 "first a letter or _, dots single and not at the end"),
			       text, USER_MOST);
	if (mr_is_role(text))
		return mr_fail(err, MR_E_INVALID,
			       _("user \"%s\": the name is reserved for the role address "
				 "of every domain"),
			       text);
	*out = mr_strdup(arena, text);
	return 0;
}

int mr_group_name_parse(struct mr_arena *arena, const char *text, const char **out,
			struct mr_error *err)
{
	if (!is_user_name(text))
		return mr_fail(err, MR_E_INVALID,
			       _("group \"%s\": the name of a group has 1 to %d characters: small "
				 "letters, digits, _ . -; first a letter or _, dots single and not "
				 "at the end"),
			       text, USER_MOST);
	if (mr_is_role(text))
		return mr_fail(err, MR_E_INVALID,
			       _("group \"%s\": the name is reserved for the role address of "
				 "every domain"),
			       text);
	*out = mr_strdup(arena, text);
	return 0;
}

int mr_full_name_parse(struct mr_arena *arena, const char *text, const char **out,
		       struct mr_error *err)
{
	char *shown = mr_strdup(arena, text);

	if (strspn(text, " ") == strlen(text))
		return mr_fail(err, MR_E_INVALID, _("the full name is empty"));
	if (strlen(text) > FULL_NAME_MOST)
		return mr_fail(err, MR_E_INVALID, _("the full name is longer than %d bytes"),
			       FULL_NAME_MOST);
	mr_printable(shown);
	if (strcmp(shown, text) != 0)
		return mr_fail(err, MR_E_INVALID,
			       _("the full name \"%s\" is not UTF-8 or holds control characters"),
			       text);
	*out = mr_strdup(arena, text);
	return 0;
}
