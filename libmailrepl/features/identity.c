#include "features/identity.h"

#include <string.h>
#include <unistd.h>

#include "base/hostname.h"
#include "base/paths.h"
#include "model/names.h"

#define MOST_PEM (64 * 1024)
#define SLAPD_GROUP "openldap"

int mr_identity_read(struct mr_arena *arena, const char *cert_path, const char *key_path,
		     struct mr_identity *out, struct mr_error *err)
{
	MR_ARENA scratch = mr_arena_open();
	char *key;
	size_t len;

	if (mr_file_read(arena, cert_path, MOST_PEM, &out->cert, NULL, err) < 0 ||
	    mr_file_read(scratch, key_path, MOST_PEM, &key, &len, err) < 0)
		return -1;
	mr_secret_set(&out->key, key, len);
	explicit_bzero(key, len);
	return 0;
}

/* 1: a whole pair is there, 0: none, -1: it cannot be read. */
static int read_pair(struct mr_arena *arena, const char *cert_path, const char *key_path,
		     struct mr_identity *out, struct mr_error *err)
{
	if (mr_identity_read(arena, cert_path, key_path, out, err) == 0)
		return 1;
	return err->code == MR_E_NOT_FOUND ? 0 : -1;
}

void mr_identity_plan(struct mr_arena *arena, const struct mr_identity *identity,
		      const char *cert_path, const char *key_path, struct mr_file_attrs key_attrs,
		      const char *what, struct mr_plan *plan)
{
	struct mr_step *step =
		mr_plan_step(arena, plan, MR_STEP_FILE, _("write the key of %s"), what);

	step->path = key_path;
	step->secret_content = &identity->key;
	step->attrs = key_attrs;
	mr_plan_file(arena, plan, cert_path, identity->cert, MR_FILE_PUBLIC,
		     mr_printf(arena, _("write the certificate of %s"), what));
}

int mr_identity_name(struct mr_arena *arena, const char *typed, struct mr_config *config,
		     struct mr_error *err)
{
	const char *host = NULL;

	if (typed && mr_host_parse(arena, typed, &host, err) < 0)
		return mr_fail_in(err, "--host");
	if (host && config->host && strcmp(host, config->host) != 0)
		return mr_fail(err, MR_E_CONFIG, _("%s: this host is set up as %s already"),
			       config->path, config->host);
	if (config->host)
		return 0;
	if (!host &&
	    (mr_hostname(arena, &host, err) < 0 || mr_host_parse(arena, host, &host, err) < 0))
		return mr_fail_in(err, _("this host's name"));
	config->host = host;
	return 0;
}

int mr_identity_ca_read(struct mr_arena *arena, const struct mr_config *config,
			struct mr_identity *ca, struct mr_error *err)
{
	const char *cert_path = mr_path(arena, config->root, MR_PATH_CA_CERT);
	const char *key_path = mr_path(arena, config->root, MR_PATH_CA_KEY);

	if (mr_identity_read(arena, cert_path, key_path, ca, err) == 0 &&
	    mr_tls_check(ca, ca->cert, err) == 0)
		return 0;
	err->code = MR_E_CONFIG;
	return mr_fail_in(err,
			  _("the domain's certification authority is not whole, take %s and "
			    "%s from an archive of this host"),
			  cert_path, key_path);
}

int mr_identity_ca(struct mr_arena *arena, const struct mr_config *config, const char *domain_id,
		   struct mr_identity *ca, struct mr_plan *plan, struct mr_error *err)
{
	const char *cert_path = mr_path(arena, config->root, MR_PATH_CA_CERT);
	const char *key_path = mr_path(arena, config->root, MR_PATH_CA_KEY);
	int found = read_pair(arena, cert_path, key_path, ca, err);

	if (found < 0)
		return -1;
	if (found && mr_tls_check(ca, ca->cert, err) == 0)
		return 0;
	if (mr_tls_make_ca(arena, domain_id, ca, err) < 0)
		return -1;
	mr_identity_plan(arena, ca, cert_path, key_path, MR_FILE_PRIVATE,
			 _("the domain's certification authority"), plan);
	return 0;
}

bool mr_identity_is_for(struct mr_arena *arena, const struct mr_identity *identity,
			const char *host)
{
	struct mr_certificate certificate;
	struct mr_error err;

	return mr_tls_describe(arena, identity->cert, &certificate, &err) == 0 &&
	       strcmp(certificate.host, host) == 0;
}

int mr_identity_host(struct mr_arena *arena, const struct mr_config *config,
		     const struct mr_identity *ca, const char *host, const char *base,
		     struct mr_file_attrs key_attrs, struct mr_identity *out, struct mr_plan *plan,
		     struct mr_error *err)
{
	const char *cert_path = mr_printf(arena, "%s%s.crt", config->root, base);
	const char *key_path = mr_printf(arena, "%s%s.key", config->root, base);
	int found = read_pair(arena, cert_path, key_path, out, err);

	if (found < 0)
		return -1;
	if (found && mr_tls_check(out, ca->cert, err) == 0 && mr_identity_is_for(arena, out, host))
		return 0;
	if (mr_tls_issue(arena, ca, host, config->certificate_days, out, err) < 0)
		return -1;
	mr_identity_plan(arena, out, cert_path, key_path, key_attrs, host, plan);
	return 0;
}

static int forget_key(void *argument, struct mr_error *err)
{
	const char *base = argument;
	MR_ARENA arena = mr_arena_open();

	if (mr_tree_remove(mr_printf(arena, "%s.key", base), err) < 0)
		return -1;
	return mr_tree_remove(mr_printf(arena, "%s.crt", base), err);
}

void mr_identity_forget(struct mr_arena *arena, const struct mr_config *config, const char *host,
			struct mr_plan *plan)
{
	mr_plan_action(arena, plan, forget_key,
		       mr_printf(arena, "%s%s/%s", config->root, MR_PATH_PEERS, host),
		       mr_printf(arena, _("remove the key of %s"), host));
}

int mr_identity_key_attrs(const struct mr_config *config, struct mr_file_attrs *out,
			  struct mr_error *err)
{
	*out = MR_FILE_PRIVATE;
	if (*config->root && geteuid() != 0)
		return 0;
	out->mode = 0640;
	out->uid = 0;
	return mr_group_id(SLAPD_GROUP, &out->gid, err);
}
