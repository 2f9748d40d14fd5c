#include "features/hardening.h"

#include <string.h>
#include <time.h>

#include "adapters/tls_files.h"
#include "base/file.h"
#include "base/log.h"
#include "base/paths.h"
#include "features/mta.h"

#define MAIN_CF_MOST ((size_t)4 << 20)

static const char *text_of(const struct mr_value *settings, const char *group, const char *name)
{
	return mr_value_get_string(mr_value_get(settings, group), name, "");
}

static bool flag_of(const struct mr_value *settings, const char *group, const char *name)
{
	const struct mr_value *value = mr_value_get(mr_value_get(settings, group), name);

	return value && value->boolean;
}

static bool is(const struct mr_value *settings, const char *group, const char *name,
	       const char *word)
{
	return strcmp(text_of(settings, group, name), word) == 0;
}

static bool uses_dane(const struct mr_value *settings)
{
	return mr_starts_with(text_of(settings, "tls", "outgoing"), "dane");
}

static int check_dns(const struct mr_config *config, const struct mr_value *settings,
		     struct mr_error *err)
{
	const struct mr_value *dnsbl = mr_value_get(mr_value_get(settings, "postscreen"), "dnsbl");
	const char *setting = NULL;

	if (config->mail_dns)
		return 0;
	if (uses_dane(settings))
		setting = "tls.outgoing";
	else if (dnsbl && dnsbl->count)
		setting = "postscreen.dnsbl";
	return setting ? mr_fail(err, MR_E_CONFIG,
				 _("%s: %s: asks DNS, and there is none (mail.dns)"), config->path,
				 setting)
		       : 0;
}

/* False: none is given, or half of it. */
static bool find_given(struct mr_arena *arena, const struct mr_config *config,
		       const struct mr_value *settings, struct mr_hardening *out)
{
	const char *certificate = text_of(settings, "tls", "certificate");
	const char *key = text_of(settings, "tls", "key");

	if (!*certificate || !*key)
		return false;
	out->certificate = mr_path(arena, config->root, certificate);
	out->key = mr_path(arena, config->root, key);
	return true;
}

static bool is_in_force(struct mr_arena *arena, const struct mr_config *config,
			const char *fingerprint)
{
	const char *main_cf = mr_path(arena, config->root,
				      mr_mta(config) == MR_SERVICE_EXIM ? MR_PATH_EXIM "/exim4.conf"
									: MR_PATH_POSTFIX "/main.cf");
	struct mr_error ignored;
	char *text;

	return mr_file_read(arena, main_cf, MAIN_CF_MOST, &text, NULL, &ignored) == 0 &&
	       strstr(text, fingerprint);
}

static int check_end(struct mr_arena *arena, const struct mr_config *config,
		     const struct mr_hardening *given, struct mr_error *err)
{
	mr_fail(err, MR_E_CONFIG, _("%s: tls: %s: the certificate has expired at %s: renew it"),
		config->path, given->certificate, given->until);
	if (!is_in_force(arena, config, given->fingerprint))
		return -1;
	mr_log(MR_LOG_WARNING, "%s", err->message);
	return 0;
}

int mr_hardening_read(struct mr_arena *arena, const struct mr_config *config,
		      struct mr_hardening *out, struct mr_error *err)
{
	const struct mr_value *settings = mr_config_settings(arena, config);
	struct mr_certificate found;
	char until[32];
	struct tm tm;
	time_t end;

	*out = (struct mr_hardening){ 0 };
	if (check_dns(config, settings, err) < 0)
		return -1;
	if (!*text_of(settings, "tls", "certificate") != !*text_of(settings, "tls", "key"))
		return mr_fail(err, MR_E_CONFIG,
			       _("%s: tls.certificate and tls.key: both must be given, or neither"),
			       config->path);
	if (!find_given(arena, config, settings, out))
		return 0;
	if (mr_tls_check_files(arena, out->certificate, out->key, &found, err) < 0) {
		err->code = MR_E_CONFIG;
		return mr_fail_in(err, "%s: tls", config->path);
	}
	end = (time_t)found.not_after;
	strftime(until, sizeof(until), "%Y-%m-%d %H:%M:%S UTC", gmtime_r(&end, &tm));
	out->fingerprint = found.fingerprint;
	out->until = mr_strdup(arena, until);
	return found.not_after < time(NULL) ? check_end(arena, config, out, err) : 0;
}

static void set_tls(struct mr_arena *arena, const struct mr_config *config,
		    const struct mr_value *settings, const struct mr_hardening *hardening,
		    struct mr_value *out)
{
	const char *outgoing = text_of(settings, "tls", "outgoing");
	struct mr_value *tls = mr_value_set(arena, out, "tls", mr_value_object(arena));
	const char *certificate = hardening->certificate, *key = hardening->key;

	if (!certificate)
		certificate = mr_path(arena, config->root, MR_PATH_HOST_CERT);
	if (!key)
		key = mr_path(arena, config->root, MR_PATH_HOST_KEY);
	mr_value_set_bool(arena, tls, "given", hardening->certificate != NULL);
	mr_value_set_string(arena, tls, "certificate", certificate);
	mr_value_set_string(arena, tls, "key", key);
	mr_value_set_string(arena, tls, "fingerprint", hardening->fingerprint);
	mr_value_set_string(arena, tls, "until", hardening->until);
	mr_value_set_string(arena, tls, "hosts_name", MR_HOSTS_NAME);
	mr_value_set_bool(arena, tls, "always", is(settings, "tls", "incoming", "encrypt"));
	mr_value_set_bool(arena, tls, "required",
			  strcmp(outgoing, "may") != 0 && strcmp(outgoing, "dane") != 0);
	mr_value_set_bool(arena, tls, "dane", uses_dane(settings));
	mr_value_set_bool(arena, tls, "verifies",
			  strcmp(outgoing, "verify") == 0 || strcmp(outgoing, "secure") == 0);
}

/* Each level of restrictions.helo has what the one before has. */
static void set_strangers(struct mr_arena *arena, const struct mr_config *config,
			  const struct mr_value *settings, struct mr_value *out)
{
	struct mr_value *value = mr_value_set(arena, out, "strangers", mr_value_object(arena));
	const char *group = "restrictions";
	bool known = is(settings, group, "helo", "known");
	bool fqdn = known || is(settings, group, "helo", "fqdn");

	mr_value_set_bool(arena, value, "helo", !is(settings, group, "helo", "none"));
	mr_value_set_bool(arena, value, "helo_fqdn", fqdn);
	mr_value_set_bool(arena, value, "helo_known", known && config->mail_dns);
	mr_value_set_bool(arena, value, "client_name",
			  flag_of(settings, group, "client_name") && config->mail_dns);
	mr_value_set_bool(arena, value, "sender_domain",
			  flag_of(settings, group, "sender_domain") && config->mail_dns);
	mr_value_set_bool(arena, value, "own_known", is(settings, group, "own_senders", "known"));
	mr_value_set_bool(arena, value, "own_login", is(settings, group, "own_senders", "login"));
}

static void set_postscreen(struct mr_arena *arena, const struct mr_value *settings,
			   struct mr_value *out)
{
	const struct mr_value *dnsbl = mr_value_get(mr_value_get(settings, "postscreen"), "dnsbl");
	struct mr_value *value = mr_value_set(arena, out, "postscreen", mr_value_object(arena));
	bool shown = false;

	for (size_t i = 0; dnsbl && i < dnsbl->count; i++)
		shown |= *mr_value_get_string(dnsbl->items[i], "shown", "") != '\0';
	mr_value_set_bool(arena, value, "shown", shown);
}

void mr_hardening_set(struct mr_arena *arena, const struct mr_config *config,
		      const struct mr_hardening *hardening, struct mr_value *out)
{
	const struct mr_value *settings = mr_config_settings(arena, config);
	struct mr_value *dsn = mr_value_set(arena, out, "dsn", mr_value_object(arena));
	struct mr_value *submitted = mr_value_set(arena, out, "submitted", mr_value_object(arena));

	set_tls(arena, config, settings, hardening, out);
	set_strangers(arena, config, settings, out);
	set_postscreen(arena, settings, out);
	mr_value_set_bool(arena, dsn, "inside", !is(settings, "dsn", "offer", "nobody"));
	mr_value_set_bool(arena, dsn, "strangers", is(settings, "dsn", "offer", "everybody"));
	mr_value_set_bool(arena, submitted, "checked",
			  flag_of(settings, "submission", "hide_client") ||
				  flag_of(settings, "submission", "hide_program"));
}

const char *mr_hardening_renewed(struct mr_arena *arena, const struct mr_config *config)
{
	struct mr_hardening given = { 0 };
	struct mr_certificate found;
	struct mr_error ignored;

	if (!find_given(arena, config, mr_config_settings(arena, config), &given) ||
	    mr_tls_check_files(arena, given.certificate, given.key, &found, &ignored) < 0 ||
	    found.not_after < time(NULL) || is_in_force(arena, config, found.fingerprint))
		return NULL;
	return found.fingerprint;
}

bool mr_hardening_needs_tls(const struct mr_config *config)
{
	MR_ARENA arena = mr_arena_open();

	return is(mr_config_settings(arena, config), "tls", "incoming", "encrypt");
}
