#include "adapters/directory_ldap.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* All of it borrows: a secret's bytes are read from where the caller keeps them. */
static struct berval *borrow(struct mr_arena *arena, const char *data, size_t len)
{
	struct berval *value = MR_NEW(arena, struct berval);

	value->bv_val = (char *)(uintptr_t)data;
	value->bv_len = len;
	return value;
}

static struct berval **borrow_values(struct mr_arena *arena, const struct mr_attr *attr)
{
	size_t count = attr->secret ? 1 : attr->values.count;
	struct berval **values = MR_NEW_ARRAY(arena, struct berval *, count + 1);

	if (attr->secret)
		values[0] = borrow(arena, attr->secret->data, attr->secret->len);
	for (size_t i = 0; i < count && !attr->secret; i++)
		values[i] = borrow(arena, attr->values.items[i], strlen(attr->values.items[i]));
	return count ? values : NULL;
}

static LDAPMod *mod_new(struct mr_arena *arena, int op, const struct mr_attr *attr)
{
	LDAPMod *mod = MR_NEW(arena, LDAPMod);

	mod->mod_op = op | LDAP_MOD_BVALUES;
	mod->mod_type = (char *)(uintptr_t)attr->name;
	mod->mod_bvalues = borrow_values(arena, attr);
	return mod;
}

/* A lost connection is not made again: see refuse_connection. */
static int begin(struct ldap_directory *dir, const char *verb, const char *dn,
		 struct mr_ldap_call *call, struct mr_error *err)
{
	*call = mr_ldap_begin(dir, verb, dn);
	return dir->lost ? mr_ldap_fail(call, LDAP_SERVER_DOWN, err) : 0;
}

int mr_ldap_add(struct mr_directory *dir, const struct mr_entry *entry, struct mr_error *err)
{
	struct ldap_directory *ldap = (struct ldap_directory *)dir;
	MR_ARENA arena = mr_arena_open();
	LDAPMod **mods = MR_NEW_ARRAY(arena, LDAPMod *, entry->count + 1);
	struct mr_ldap_call call;
	int rc, msgid = -1;

	for (size_t i = 0; i < entry->count; i++)
		mods[i] = mod_new(arena, LDAP_MOD_ADD, &entry->attrs[i]);
	if (begin(ldap, _("adding"), entry->dn, &call, err) < 0)
		return -1;
	rc = ldap_add_ext(ldap->ld, entry->dn, mods, NULL, NULL, &msgid);
	return mr_ldap_finish(&call, rc, msgid, NULL, err);
}

int mr_ldap_modify(struct mr_directory *dir, const char *dn, const struct mr_mod *mods,
		   size_t count, struct mr_error *err)
{
	static const int ops[] = { [MR_MOD_ADD] = LDAP_MOD_ADD,
				   [MR_MOD_DELETE] = LDAP_MOD_DELETE,
				   [MR_MOD_REPLACE] = LDAP_MOD_REPLACE,
				   [MR_MOD_INCREMENT] = LDAP_MOD_INCREMENT };
	struct ldap_directory *ldap = (struct ldap_directory *)dir;
	MR_ARENA arena = mr_arena_open();
	LDAPMod **list = MR_NEW_ARRAY(arena, LDAPMod *, count + 1);
	struct mr_ldap_call call;
	int rc, msgid = -1;

	for (size_t i = 0; i < count; i++)
		list[i] = mod_new(arena, ops[mods[i].op], &mods[i].attr);
	if (begin(ldap, _("modifying"), dn, &call, err) < 0)
		return -1;
	rc = ldap_modify_ext(ldap->ld, dn, list, NULL, NULL, &msgid);
	return mr_ldap_finish(&call, rc, msgid, NULL, err);
}

int mr_ldap_delete(struct mr_directory *dir, const char *dn, struct mr_error *err)
{
	struct ldap_directory *ldap = (struct ldap_directory *)dir;
	struct mr_ldap_call call;
	int rc, msgid = -1;

	if (begin(ldap, _("deleting"), dn, &call, err) < 0)
		return -1;
	rc = ldap_delete_ext(ldap->ld, dn, NULL, NULL, &msgid);
	return mr_ldap_finish(&call, rc, msgid, NULL, err);
}

int mr_ldap_rename(struct mr_directory *dir, const char *dn, const char *value,
		   struct mr_error *err)
{
	struct ldap_directory *ldap = (struct ldap_directory *)dir;
	MR_ARENA arena = mr_arena_open();
	const char *type = mr_strndup(arena, dn, strcspn(dn, "= "));
	struct mr_ldap_call call;
	int rc, msgid = -1;

	if (begin(ldap, _("renaming"), dn, &call, err) < 0)
		return -1;
	rc = ldap_rename(ldap->ld, dn, mr_dn(arena, type, value, NULL), NULL, 1, NULL, NULL,
			 &msgid);
	return mr_ldap_finish(&call, rc, msgid, NULL, err);
}

/* The control's value is an AttributeSelection (RFC 4527 section 3.2). */
static LDAPControl *post_read(const char *attribute)
{
	BerElement *ber = ber_alloc_t(LBER_USE_DER);
	struct berval value = { 0, NULL };
	LDAPControl *control = NULL;

	if (!ber || ber_printf(ber, "{s}", attribute) < 0 || ber_flatten2(ber, &value, 0) < 0 ||
	    ldap_control_create(LDAP_CONTROL_POST_READ, 1, &value, 1, &control) != LDAP_SUCCESS)
		abort();
	ber_free(ber, 1);
	return control;
}

/* A SearchResultEntry with one attribute of one value. */
static bool parse_post_read(LDAPControl **controls, long long *value)
{
	LDAPControl *control =
		controls ? ldap_control_find(LDAP_CONTROL_POST_READ, controls, NULL) : NULL;
	BerElement *ber = control ? ber_init(&control->ldctl_value) : NULL;
	struct berval dn, name, *values = NULL;
	bool ok = false;
	char *end;

	if (ber && ber_scanf(ber, "{m{{m[W]}}}", &dn, &name, &values) != LBER_ERROR && values &&
	    values[0].bv_val) {
		errno = 0;
		*value = strtoll(values[0].bv_val, &end, 10);
		ok = errno == 0 && end != values[0].bv_val && *end == '\0';
	}
	ber_bvarray_free(values);
	ber_free(ber, 1);
	return ok;
}

int mr_ldap_increment(struct mr_directory *dir, const char *dn, const char *attribute,
		      long long *value, struct mr_error *err)
{
	struct ldap_directory *ldap = (struct ldap_directory *)dir;
	static char one[] = "1";
	struct berval by = { 1, one }, *bys[] = { &by, NULL };
	LDAPMod mod = { .mod_op = LDAP_MOD_INCREMENT | LDAP_MOD_BVALUES,
			.mod_type = (char *)(uintptr_t)attribute,
			.mod_bvalues = bys };
	LDAPMod *mods[] = { &mod, NULL };
	LDAPControl *controls[] = { NULL, NULL }, **answer = NULL;
	struct mr_ldap_call call;
	int rc, msgid = -1;

	if (begin(ldap, _("counting up in"), dn, &call, err) < 0)
		return -1;
	controls[0] = post_read(attribute);
	rc = ldap_modify_ext(ldap->ld, dn, mods, controls, NULL, &msgid);
	ldap_control_free(controls[0]);
	rc = mr_ldap_finish(&call, rc, msgid, &answer, err);
	if (rc < 0 && err->code == MR_E_EXISTS)
		err->code = MR_E_NOT_FOUND; /* "no such attribute": nothing to count */
	if (rc == 0 && !parse_post_read(answer, value))
		rc = mr_fail(err, MR_E_PROTOCOL, _("%s: %s %s: the new %s was not returned"),
			     ldap->server, call.verb, dn, attribute);
	ldap_controls_free(answer);
	return rc;
}
