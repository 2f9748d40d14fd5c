#include "adapters/directory_ldap.h"

#include <string.h>

static const struct {
	int rc;
	enum mr_error_code code;
} codes[] = {
	{ LDAP_NO_SUCH_OBJECT, MR_E_NOT_FOUND },
	{ LDAP_ALREADY_EXISTS, MR_E_EXISTS },
	{ LDAP_TYPE_OR_VALUE_EXISTS, MR_E_EXISTS },
	{ LDAP_NO_SUCH_ATTRIBUTE, MR_E_EXISTS },
	{ LDAP_INSUFFICIENT_ACCESS, MR_E_DENIED },
	{ LDAP_INVALID_CREDENTIALS, MR_E_DENIED },
	{ LDAP_INAPPROPRIATE_AUTH, MR_E_DENIED },
	{ LDAP_AUTH_METHOD_NOT_SUPPORTED, MR_E_DENIED },
	{ LDAP_STRONG_AUTH_REQUIRED, MR_E_DENIED },
	{ LDAP_CONFIDENTIALITY_REQUIRED, MR_E_DENIED },
	{ LDAP_UNWILLING_TO_PERFORM, MR_E_DENIED },
	{ LDAP_REFERRAL, MR_E_DENIED },
	{ LDAP_CONSTRAINT_VIOLATION, MR_E_INVALID },
	{ LDAP_INVALID_SYNTAX, MR_E_INVALID },
	{ LDAP_INVALID_DN_SYNTAX, MR_E_INVALID },
	{ LDAP_UNDEFINED_TYPE, MR_E_INVALID },
	{ LDAP_INAPPROPRIATE_MATCHING, MR_E_INVALID },
	{ LDAP_NAMING_VIOLATION, MR_E_INVALID },
	{ LDAP_OBJECT_CLASS_VIOLATION, MR_E_INVALID },
	{ LDAP_NOT_ALLOWED_ON_NONLEAF, MR_E_INVALID },
	{ LDAP_NOT_ALLOWED_ON_RDN, MR_E_INVALID },
	{ LDAP_NO_OBJECT_CLASS_MODS, MR_E_INVALID },
	{ LDAP_FILTER_ERROR, MR_E_INVALID },
	{ LDAP_PARAM_ERROR, MR_E_INVALID },
	{ LDAP_ENCODING_ERROR, MR_E_INVALID },
	{ LDAP_SIZELIMIT_EXCEEDED, MR_E_CONFIG },
	{ LDAP_ADMINLIMIT_EXCEEDED, MR_E_CONFIG },
	{ LDAP_TIMELIMIT_EXCEEDED, MR_E_TEMPORARY },
	{ LDAP_BUSY, MR_E_TEMPORARY },
	{ LDAP_UNAVAILABLE, MR_E_UNAVAILABLE },
	{ LDAP_SERVER_DOWN, MR_E_UNAVAILABLE },
	{ LDAP_CONNECT_ERROR, MR_E_UNAVAILABLE },
	{ LDAP_TIMEOUT, MR_E_UNAVAILABLE },
};

static enum mr_error_code code_of(int rc)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].rc == rc)
			return codes[i].code;
	return MR_E_PROTOCOL;
}

struct mr_ldap_call mr_ldap_begin(struct ldap_directory *dir, const char *verb, const char *dn)
{
	return (struct mr_ldap_call){ dir, verb, dn, mr_now_ms() + dir->deadline_ms };
}

static const char *words_of(int rc)
{
	switch (rc) {
	case LDAP_TIMEOUT:
		return _("no answer in time");
	case LDAP_SERVER_DOWN:
	case LDAP_CONNECT_ERROR:
		return _("the connection is lost");
	case LDAP_REFERRAL:
		return _("this is a read-only copy; write at its owner");
	case LDAP_OTHER:
		return _("slapd could not store or read it; is its disk full?");
	case LDAP_SIZELIMIT_EXCEEDED:
	case LDAP_ADMINLIMIT_EXCEEDED:
		return _("the server cut the result short; its limits are too low");
	default:
		return ldap_err2string(rc);
	}
}

int mr_ldap_fail_with(const struct mr_ldap_call *call, int rc, const char *diagnostic,
		      struct mr_error *err)
{
	bool detail = diagnostic && *diagnostic && rc != LDAP_SERVER_DOWN;

	if (rc == LDAP_SERVER_DOWN || rc == LDAP_CONNECT_ERROR)
		call->dir->lost = true;
	return mr_fail(err, code_of(rc), "%s: %s%s%s: %s%s%s%s", call->dir->server, call->verb,
		       *call->dn ? " " : "", call->dn, words_of(rc), detail ? " (" : "",
		       detail ? diagnostic : "", detail ? ")" : "");
}

int mr_ldap_fail(const struct mr_ldap_call *call, int rc, struct mr_error *err)
{
	return mr_ldap_fail_with(call, rc, NULL, err);
}

int mr_ldap_wait(const struct mr_ldap_call *call, int msgid, LDAPMessage **message,
		 struct mr_error *err)
{
	struct timeval left = mr_left(call->until);
	LDAP *ld = call->dir->ld;
	int rc, type = ldap_result(ld, msgid, LDAP_MSG_ONE, &left, message);

	if (type > 0)
		return 0;
	if (type == 0) {
		ldap_abandon_ext(ld, msgid, NULL, NULL);
		return mr_ldap_fail(call, LDAP_TIMEOUT, err);
	}
	if (ldap_get_option(ld, LDAP_OPT_RESULT_CODE, &rc) != LDAP_OPT_SUCCESS ||
	    rc == LDAP_SUCCESS)
		rc = LDAP_SERVER_DOWN;
	call->dir->lost = true;
	return mr_ldap_fail(call, rc, err);
}

int mr_ldap_parse(const struct mr_ldap_call *call, LDAPMessage *message, char **diagnostic,
		  LDAPControl ***controls)
{
	int code = LDAP_PROTOCOL_ERROR;
	int rc = ldap_parse_result(call->dir->ld, message, &code, NULL, diagnostic, NULL, controls,
				   1);

	return rc == LDAP_SUCCESS ? code : rc;
}

int mr_ldap_finish(const struct mr_ldap_call *call, int sent, int msgid, LDAPControl ***controls,
		   struct mr_error *err)
{
	LDAPMessage *message = NULL;
	char *diagnostic = NULL;
	int rc;

	if (sent != LDAP_SUCCESS)
		return mr_ldap_fail(call, sent, err);
	if (mr_ldap_wait(call, msgid, &message, err) < 0)
		return -1;
	rc = mr_ldap_parse(call, message, &diagnostic, controls);
	if (rc != LDAP_SUCCESS)
		mr_ldap_fail_with(call, rc, diagnostic, err);
	ldap_memfree(diagnostic);
	return rc == LDAP_SUCCESS ? 0 : -1;
}
