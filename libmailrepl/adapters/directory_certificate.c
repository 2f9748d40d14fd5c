#include "adapters/directory_ldap.h"

bool mr_ldap_certificate(struct mr_directory *dir, struct mr_buf *der)
{
	struct ldap_directory *ldap = (struct ldap_directory *)dir;
	struct berval cert = { 0, NULL };

	if (ldap->lost ||
	    ldap_get_option(ldap->ld, LDAP_OPT_X_TLS_PEERCERT, &cert) != LDAP_OPT_SUCCESS ||
	    !cert.bv_val)
		return false;
	mr_buf_add(der, cert.bv_val, cert.bv_len);
	ldap_memfree(cert.bv_val);
	return true;
}
