/* Which of the settings that only templates know those of Exim follow, too. */
#include <string.h>

#include "features/mta.h"

/* Settings without a row are refused with Exim, whatever they say: half of a protection is none. */
static const struct row {
	const char *setting;
	const char *word; /* what it must not say; NULL: anything at all */
	const char *why;  /* NULL: Exim follows it */
} rows[] = {
	{ "mail.networks", NULL, NULL },
	{ "mail.destinations", NULL, NULL },
	{ "mail.intranet", NULL, NULL },
	{ "mail.message_size_limit", NULL, NULL },
	{ "mail.name", NULL, NULL },
	{ "mail.smarthost", NULL, NULL },
	{ "mail.smarthost_user", NULL, NULL },
	{ "mail.smarthost_tls", NULL, NULL },
	{ "mail.smarthost_ca", NULL, NULL },
	{ "mail.smarthosts", NULL, NULL },
};

static bool says(const struct mr_value *value, const char *word)
{
	switch (value->kind) {
	case MR_VALUE_STRING:
		return strcmp(value->string ? value->string : "", word) == 0;
	case MR_VALUE_BOOL:
		return value->boolean == (strcmp(word, "true") == 0);
	default:
		return false;
	}
}

static const struct row *row_of(const char *setting)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].setting, setting) == 0)
			return &rows[i];
	return NULL;
}

static int check(const struct mr_config *config, const char *setting, const struct mr_value *value,
		 struct mr_error *err)
{
	const struct row *row = row_of(setting);

	if (!row)
		return mr_fail(err, MR_E_CONFIG,
			       _("%s: mail.mta = \"exim\": the setting %s is for Postfix alone"),
			       config->path, setting);
	if (!row->why || (row->word && !says(value, row->word)))
		return 0;
	return mr_fail(err, MR_E_CONFIG, _("%s: mail.mta = \"exim\": %s%s%s: %s"), config->path,
		       setting, row->word ? " = " : "", row->word ? row->word : "", _(row->why));
}

int mr_mta_settings_check(const struct mr_config *config, struct mr_error *err)
{
	const struct mr_value *others = config->others;

	for (size_t i = 0; others && i < others->count; i++)
		if (check(config, others->keys[i], others->items[i], err) < 0)
			return -1;
	return 0;
}
