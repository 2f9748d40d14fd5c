#include "adapters/directory_ldap.h"

#include <netinet/in.h>
#include <pthread.h>
#include <resolv.h>
#include <sasl/sasl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEFAULT_DEADLINE_MS 10000

#if defined(__has_feature)
#define WITH_LEAK_CHECK __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define WITH_LEAK_CHECK 1
#else
#define WITH_LEAK_CHECK 0
#endif

#if WITH_LEAK_CHECK
const char *__lsan_default_suppressions(void);
const char *__lsan_default_options(void);

/* libldap 2.5 never frees what it hands to GnuTLS for a TLS context; we call GnuTLS nowhere. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libgnutls\nleak:gnutls_\n";
}

const char *__lsan_default_options(void)
{
	return "print_suppressions=0";
}
#endif

/* Initialising, the library reads the environment, loads every SASL plug-in that it finds (EXTERNAL
 * is none) and asks the resolver for this host's own name, which without a name server would take
 * half a minute. The resolver's settings are those of this thread; mr_connect_host asks in another.
 */
static void library_init(void)
{
	static const char variable[] = "LDAPNOINIT";
	bool ours = !getenv(variable);
	int version = LDAP_VERSION3, retrans, retry;

	if (ours)
		setenv(variable, "1", 1);
	res_init();
	retrans = _res.retrans;
	retry = _res.retry;
	_res.retrans = _res.retry = 1;
	sasl_set_path(SASL_PATH_TYPE_PLUGIN, (char[]){ "/nonexistent" });
	ldap_set_option(NULL, LDAP_OPT_PROTOCOL_VERSION, &version);
	_res.retrans = retrans;
	_res.retry = retry;
	if (ours)
		unsetenv(variable);
}

void mr_ldap_library_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, library_init);
}

static void ldap_close(struct mr_directory *dir)
{
	struct ldap_directory *ldap = (struct ldap_directory *)dir;

	if (ldap->ld)
		ldap_unbind_ext(ldap->ld, NULL, NULL);
	free(ldap->server);
	free(ldap);
}

static const struct mr_directory_backend ldap_backend = {
	.close = ldap_close,
	.visit = mr_ldap_visit,
	.add = mr_ldap_add,
	.modify = mr_ldap_modify,
	.remove = mr_ldap_delete,
	.rename = mr_ldap_rename,
	.increment = mr_ldap_increment,
	.certificate = mr_ldap_certificate,
};

/* libldap connects again by itself when a connection was lost, but then sends in the clear and
 * unbound: it must not. */
static int refuse_connection(LDAP *ld, Sockbuf *sb, LDAPURLDesc *url, struct sockaddr *addr,
			     struct ldap_conncb *context)
{
	(void)ld, (void)sb, (void)url, (void)addr, (void)context;
	return -1;
}

static void forget_connection(LDAP *ld, Sockbuf *sb, struct ldap_conncb *context)
{
	(void)ld, (void)sb, (void)context;
}

static void set_options(struct ldap_directory *ldap, long long until)
{
	static struct ldap_conncb no_more = { refuse_connection, forget_connection, NULL };
	struct timeval left = mr_left(until),
		       each = { ldap->deadline_ms / 1000, ldap->deadline_ms % 1000 * 1000 };
	int version = LDAP_VERSION3;

	ldap_set_option(ldap->ld, LDAP_OPT_PROTOCOL_VERSION, &version);
	ldap_set_option(ldap->ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
	ldap_set_option(ldap->ld, LDAP_OPT_RESTART, LDAP_OPT_ON);
	ldap_set_option(ldap->ld, LDAP_OPT_NETWORK_TIMEOUT, &left);
	ldap_set_option(ldap->ld, LDAP_OPT_TIMEOUT, &each);
	ldap_set_option(ldap->ld, LDAP_OPT_CONNECT_CB, &no_more);
}

/* Readable now, because the TLS library's own complaint names no file. */
static int check_file(const char *path, struct mr_error *err)
{
	if (access(path, R_OK) < 0)
		return mr_fail_errno(err, "%s", path);
	return 0;
}

static int set_tls(struct ldap_directory *ldap, const struct mr_directory_target *target,
		   struct mr_error *err)
{
	int demand = LDAP_OPT_X_TLS_DEMAND, least = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2, client = 0;

	if (check_file(target->ca_file, err) < 0 || check_file(target->cert_file, err) < 0 ||
	    check_file(target->key_file, err) < 0)
		return -1;
	if (ldap_set_option(ldap->ld, LDAP_OPT_X_TLS_CACERTFILE, target->ca_file) ||
	    ldap_set_option(ldap->ld, LDAP_OPT_X_TLS_CERTFILE, target->cert_file) ||
	    ldap_set_option(ldap->ld, LDAP_OPT_X_TLS_KEYFILE, target->key_file) ||
	    ldap_set_option(ldap->ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) ||
	    ldap_set_option(ldap->ld, LDAP_OPT_X_TLS_REQUIRE_SAN, &demand) ||
	    ldap_set_option(ldap->ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, &least) ||
	    ldap_set_option(ldap->ld, LDAP_OPT_X_TLS_NEWCTX, &client))
		return mr_fail(err, MR_E_CONFIG,
			       _("%s, %s and %s are no usable CA, certificate and its key"),
			       target->ca_file, target->cert_file, target->key_file);
	return 0;
}

/* The library tells neither why it does not trust a server nor that this one hung up. */
static int explain_tls(const struct mr_ldap_call *call, const char *host,
		       const struct mr_directory_target *target, struct mr_error *err)
{
	if (mr_left_ms(call->until) == 0)
		return mr_ldap_fail(call, LDAP_TIMEOUT, err);
	if (call->dir->socket.ended)
		return mr_ldap_fail(call, LDAP_SERVER_DOWN, err);
	if (call->dir->socket.error)
		return mr_fail(err, MR_E_UNAVAILABLE, "%s: %s: %s", call->dir->server, call->verb,
			       strerror(call->dir->socket.error));
	return mr_fail(
		err, MR_E_DENIED,
		_("%s: no trusted TLS connection: its certificate must be signed by the CA in %s, "
		  "name %s and be valid now"),
		call->dir->server, target->ca_file, host);
}

static int start_tls(const struct mr_ldap_call *call, const char *host,
		     const struct mr_directory_target *target, struct mr_error *err)
{
	struct mr_ldap_socket *socket = &call->dir->socket;
	LDAP *ld = call->dir->ld;
	int msgid = -1, rc = ldap_start_tls(ld, NULL, NULL, &msgid);
	struct timeval left;

	if (mr_ldap_finish(call, rc, msgid, NULL, err) < 0)
		return -1;
	left = mr_left(call->until);
	ldap_set_option(ld, LDAP_OPT_NETWORK_TIMEOUT, &left);
	/* During the handshake the library itself would not wait on a non-blocking socket, but try again
	 * and again, as fast as it can, and for ever. */
	socket->wait_until = call->until;
	rc = ldap_install_tls(ld);
	socket->wait_until = 0;
	if (rc != LDAP_SUCCESS)
		return explain_tls(call, host, target, err);
	/* It leaves the socket in blocking mode; then a write to a server that does not read would
	 * know no deadline. */
	return mr_socket_unblock(socket->fd, err);
}

/* RFC 4422 appendix A: the mechanism is one message, the identity asked for, which is empty; so it
 * needs none of libsasl2's plugins, whose loading would take longer than all the rest. */
static int bind_external(const struct mr_ldap_call *call, struct mr_error *err)
{
	static char none[] = "";
	struct berval identity = { 0, none };
	int msgid = -1,
	    rc = ldap_sasl_bind(call->dir->ld, NULL, "EXTERNAL", &identity, NULL, NULL, &msgid);

	return mr_ldap_finish(call, rc, msgid, NULL, err);
}

/* Of the password no copy stays: the layers of mr_ldap_attach wipe what they send. */
static int bind_as(const struct mr_ldap_call *call, const char *dn,
		   const struct mr_secret *password, struct mr_error *err)
{
	struct berval secret = { password->len, password->data };
	int msgid = -1,
	    rc = ldap_sasl_bind(call->dir->ld, dn, LDAP_SASL_SIMPLE, &secret, NULL, NULL, &msgid);

	return mr_ldap_finish(call, rc, msgid, NULL, err);
}

static int open_local(struct ldap_directory *ldap, const LDAPURLDesc *url, const char *uri,
		      long long until, struct mr_error *err)
{
	if (mr_connect_socket(url->lud_host, until, &ldap->socket.fd, err) < 0)
		return mr_fail_in(err, "%s", ldap->server);
	ldap->ld = mr_ldap_attach(&ldap->socket, uri);
	set_options(ldap, until);
	return 0;
}

static int open_remote(struct ldap_directory *ldap, const LDAPURLDesc *url,
		       const struct mr_directory_target *target, long long until,
		       struct mr_error *err)
{
	struct mr_ldap_call call = { ldap, _("starting TLS"), "", until };

	if (mr_connect_host(url->lud_host, url->lud_port, until, &ldap->socket.fd, err) < 0)
		return mr_fail_in(err, "%s", ldap->server);
	ldap->ld = mr_ldap_attach(&ldap->socket, target->uri);
	set_options(ldap, until);
	if (set_tls(ldap, target, err) < 0)
		return mr_fail_in(err, "%s", ldap->server);
	return start_tls(&call, url->lud_host, target, err);
}

static int connect_and_bind(struct ldap_directory *ldap, const LDAPURLDesc *url,
			    const struct mr_directory_target *target, struct mr_error *err)
{
	long long until = mr_now_ms() + ldap->deadline_ms;
	struct mr_ldap_call bind = { ldap, _("logging in"), "", until };

	if (strcmp(url->lud_scheme, "ldapi") == 0) {
		if (open_local(ldap, url, target->uri, until, err) < 0)
			return -1;
	} else if (target->bind_dn) {
		/* A password is for this machine's own server only. */
		return mr_fail(err, MR_E_CONFIG, _("%s: a password goes through the socket only"),
			       ldap->server);
	} else if (!target->ca_file || !target->cert_file || !target->key_file) {
		return mr_fail(err, MR_E_CONFIG,
			       _("%s: a CA, a certificate and its key are needed"), ldap->server);
	} else if (open_remote(ldap, url, target, until, err) < 0) {
		return -1;
	}
	if ((target->bind_dn ? bind_as(&bind, target->bind_dn, target->password, err)
			     : bind_external(&bind, err)) == 0)
		return 0;
	/* In TLS 1.3 a server refuses a certificate after the handshake, by hanging up. */
	if (ldap->lost && target->cert_file)
		return mr_fail(
			err, MR_E_UNAVAILABLE,
			_("%s: it ended the connection; if it runs, it refuses our certificate %s"),
			ldap->server, target->cert_file);
	return -1;
}

/* Takes over `text`'s content: handles live on the heap, not in an arena. */
static char *server_name(const LDAPURLDesc *url)
{
	struct mr_buf text = { 0 };

	if (strcmp(url->lud_scheme, "ldapi") == 0)
		mr_buf_printf(&text, _("slapd at %s"), url->lud_host);
	else
		mr_buf_printf(&text, _("slapd at %s:%d"), url->lud_host, url->lud_port);
	return text.data;
}

int mr_directory_open(const struct mr_directory_target *target, struct mr_directory **out,
		      struct mr_error *err)
{
	struct ldap_directory *ldap;
	LDAPURLDesc *url = NULL;
	int rc;

	*out = NULL;
	mr_ldap_library_init();
	/* RFC 4513 section 5.1.2: a name without a password would be nobody, and succeed. */
	if (target->bind_dn && (!target->password || !target->password->len))
		return mr_fail(err, MR_E_DENIED, _("no password for %s"), target->bind_dn);
	if (ldap_url_parse(target->uri, &url) != LDAP_URL_SUCCESS || !url->lud_host ||
	    !*url->lud_host ||
	    (strcmp(url->lud_scheme, "ldapi") != 0 && strcmp(url->lud_scheme, "ldap") != 0)) {
		ldap_free_urldesc(url);
		return mr_fail(err, MR_E_CONFIG,
			       _("%s: not the ldapi:// or ldap:// URI of a server"), target->uri);
	}
	ldap = calloc(1, sizeof(*ldap));
	if (!ldap)
		abort();
	ldap->base.backend = &ldap_backend;
	ldap->deadline_ms = target->deadline_ms > 0 ? target->deadline_ms : DEFAULT_DEADLINE_MS;
	ldap->server = server_name(url);
	rc = connect_and_bind(ldap, url, target, err);
	ldap_free_urldesc(url);
	if (rc < 0)
		ldap_close(&ldap->base);
	else
		*out = &ldap->base;
	return rc;
}
