#include "features/csn.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

unsigned mr_csn_server_id(const char *csn)
{
	const char *at = strchr(csn, '#');

	at = at ? strchr(at + 1, '#') : NULL;
	return at ? (unsigned)strtoul(at + 1, NULL, 16) : 0;
}

long long mr_csn_time(const char *csn)
{
	struct tm when = { 0 };
	const char *rest = strptime(csn, "%Y%m%d%H%M%S", &when);

	if (!rest || (*rest != '.' && *rest != 'Z'))
		return -1;
	return timegm(&when);
}

const char *mr_csn_of(const struct mr_list *csns, unsigned server_id)
{
	for (size_t i = 0; i < csns->count; i++)
		if (mr_csn_server_id(csns->items[i]) == server_id)
			return csns->items[i];
	return NULL;
}

const char *mr_csn_newest(const struct mr_list *csns)
{
	const char *newest = NULL;

	for (size_t i = 0; i < csns->count; i++)
		if (!newest || strcmp(csns->items[i], newest) > 0)
			newest = csns->items[i];
	return newest;
}

int mr_csns_read(struct mr_arena *arena, struct mr_directory *dir, const char *dn, bool *found,
		 struct mr_list *out, struct mr_error *err)
{
	static const char *const attrs[] = { "contextCSN", NULL };
	const struct mr_attr *csns;
	struct mr_entry *entry;

	*out = (struct mr_list){ 0 };
	if (mr_directory_read(dir, arena, dn, attrs, &entry, err) < 0)
		return -1;
	csns = entry ? mr_entry_attr(entry, "contextCSN") : NULL;
	if (csns)
		*out = csns->values;
	if (found)
		*found = entry != NULL;
	return 0;
}

int mr_csn_read(struct mr_arena *arena, struct mr_directory *dir, const char *dn,
		unsigned server_id, char **out, struct mr_error *err)
{
	struct mr_list csns;

	*out = NULL;
	if (mr_csns_read(arena, dir, dn, NULL, &csns, err) < 0)
		return -1;
	*out = mr_strdup(arena, mr_csn_of(&csns, server_id));
	return 0;
}
