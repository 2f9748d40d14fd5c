#include "features/foreign.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "model/names.h"
#include "model/topology.h"

#define LIST_MOST ((size_t)16 * 1024 * 1024)
#define BLANKS " \t\r"

static int add_address(struct mr_arena *arena, const char *text, const char *domain,
		       struct mr_list *out, struct mr_error *err)
{
	struct mr_address address;

	if (mr_address_parse(arena, text, &address, err) < 0)
		return -1;
	if (strcmp(address.domain, domain) != 0)
		return mr_fail(err, MR_E_INVALID, _("%s is not in %s"), address.text, domain);
	mr_list_add(arena, out, address.text);
	return 0;
}

static void drop_doubles(struct mr_list *list)
{
	size_t kept = 0;

	mr_list_sort(list);
	for (size_t i = 0; i < list->count; i++)
		if (kept == 0 || strcmp(list->items[kept - 1], list->items[i]) != 0)
			list->items[kept++] = list->items[i];
	list->count = kept;
}

int mr_foreign_list_read(struct mr_arena *arena, const char *path, const char *domain,
			 struct mr_list *out, struct mr_error *err)
{
	unsigned number = 0;
	char *text, *line;
	size_t len;

	if (mr_file_read(arena, path, LIST_MOST, &text, &len, err) < 0)
		return -1;
	/* Whoever stands behind it would be unknown, and refused. */
	if (strlen(text) != len)
		return mr_fail(err, MR_E_INVALID, _("%s: contains a NUL byte"), path);
	while ((line = strsep(&text, "\n"))) {
		number++;
		line += strspn(line, BLANKS);
		line[strcspn(line, BLANKS "#")] = '\0';
		if (*line && add_address(arena, line, domain, out, err) < 0)
			return mr_fail_in(err, "%s:%u", path, number);
	}
	drop_doubles(out);
	return 0;
}

static bool is_port(const char *text)
{
	return *text && !text[strspn(text, "0123456789")] && strlen(text) <= 5 && atoi(text) > 0 &&
	       atoi(text) <= 65535;
}

int mr_foreign_primary_parse(struct mr_arena *arena, const char *text, const char **out,
			     struct mr_error *err)
{
	const bool bracket = *text == '[';
	const size_t len = strcspn(text + bracket, bracket ? "]" : ":");
	const char *name = mr_strndup(arena, text + bracket, len), *rest = text + bracket + len;
	unsigned char bytes[16];
	const bool closed = !bracket || *rest == ']';

	*out = NULL;
	if (strcmp(text, MR_PRIMARY_DNS) == 0)
		return 0;
	rest += bracket && closed;
	if (inet_pton(AF_INET, name, bytes) != 1 &&
	    !(bracket && inet_pton(AF_INET6, name, bytes) == 1) &&
	    mr_host_parse(arena, name, &name, err) < 0)
		return mr_fail_in(err, "--primary");
	if (!closed || (*rest && (*rest != ':' || !is_port(rest + 1))))
		return mr_fail(err, MR_E_INVALID,
			       _("--primary %s: must be a host, with a port or without "
				 "(mail.partner.org, 192.0.2.1:2525), or dns"),
			       text);
	*out = mr_printf(arena, "[%s]%s", name, rest);
	return 0;
}
