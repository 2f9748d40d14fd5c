#include "adapters/directory_ldap.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#define PAGE_SIZE   1000
#define SMALL_LIMIT 100 /* up to here the answer is one page anyway */

struct walk {
	struct mr_ldap_call call;
	const struct mr_search *search;
	struct mr_arena *arena;
	bool scratch; /* the arena is emptied after each entry */
	mr_entry_visitor visit;
	void *context;
	int seen;
	bool paged;
	struct berval cookie; /* of the next page; empty: there is none */
};

static bool is_full(const struct walk *walk)
{
	return walk->search->size_limit > 0 && walk->seen >= walk->search->size_limit;
}

static bool is_password(const struct walk *walk, const struct berval *name)
{
	static const char password[] = "userPassword";

	return walk->search->password && name->bv_len == sizeof(password) - 1 &&
	       strncasecmp(name->bv_val, password, name->bv_len) == 0;
}

/* The library's own copy is wiped, too. */
static int copy_password(struct walk *walk, struct mr_entry *entry, const struct berval *values,
			 struct mr_error *err)
{
	if (!values || !values[0].bv_val)
		return 0;
	if (values[1].bv_val || walk->search->password->data)
		return mr_fail(err, MR_E_INVALID, _("%s: %s: more than one password"),
			       walk->call.dir->server, entry->dn);
	mr_secret_set(walk->search->password, values[0].bv_val, values[0].bv_len);
	explicit_bzero(values[0].bv_val, values[0].bv_len);
	mr_entry_add_secret(walk->arena, entry, "userPassword", walk->search->password);
	return 0;
}

static int copy_attr(struct walk *walk, struct mr_entry *entry, const struct berval *name,
		     const struct berval *values, struct mr_error *err)
{
	struct mr_list *list;
	size_t count = 0;

	while (values && values[count].bv_val)
		count++;
	mr_entry_add(walk->arena, entry, mr_strndup(walk->arena, name->bv_val, name->bv_len), "");
	list = &entry->attrs[entry->count - 1].values;
	*list = (struct mr_list){ MR_NEW_ARRAY(walk->arena, const char *, count), count, count };
	for (size_t i = 0; i < count; i++) {
		if (memchr(values[i].bv_val, 0, values[i].bv_len))
			return mr_fail(err, MR_E_INVALID,
				       _("%s: %s: a value of %s contains a NUL byte"),
				       walk->call.dir->server, entry->dn,
				       entry->attrs[entry->count - 1].name);
		list->items[i] = mr_strndup(walk->arena, values[i].bv_val, values[i].bv_len);
	}
	return 0;
}

static int copy_attrs(struct walk *walk, LDAPMessage *message, BerElement *ber,
		      struct mr_entry *entry, struct mr_error *err)
{
	for (;;) {
		struct berval name = { 0, NULL }, *values = NULL;
		int rc = ldap_get_attribute_ber(walk->call.dir->ld, message, ber, &name, &values);

		if (rc != LDAP_SUCCESS)
			return mr_ldap_fail(&walk->call, rc, err);
		if (!name.bv_val)
			return 0;
		rc = is_password(walk, &name) ? copy_password(walk, entry, values, err)
					      : copy_attr(walk, entry, &name, values, err);
		ldap_memfree(values);
		if (rc < 0)
			return -1;
	}
}

static int read_entry(struct walk *walk, LDAPMessage *message, struct mr_entry **out,
		      struct mr_error *err)
{
	struct berval dn = { 0, NULL };
	BerElement *ber = NULL;
	int rc = ldap_get_dn_ber(walk->call.dir->ld, message, &ber, &dn);

	if (rc != LDAP_SUCCESS) {
		mr_ldap_fail(&walk->call, rc, err);
	} else {
		*out = mr_entry_new(walk->arena, mr_strndup(walk->arena, dn.bv_val, dn.bv_len));
		rc = copy_attrs(walk, message, ber, *out, err);
	}
	ber_free(ber, 0);
	return rc == 0 ? 0 : -1;
}

/* The visitor's own time does not count: only the server has a deadline. */
static int visit_entry(struct walk *walk, LDAPMessage *message, struct mr_error *err)
{
	long long begin = mr_now_ms();
	struct mr_entry *entry = NULL;

	if (read_entry(walk, message, &entry, err) < 0)
		return -1;
	walk->seen++;
	if (walk->visit(walk->context, entry, err) < 0)
		return -1;
	if (walk->scratch)
		mr_arena_reset(walk->arena);
	walk->call.until += mr_now_ms() - begin;
	return 0;
}

/* The cookie of the next page into the walk. */
static int read_cookie(struct walk *walk, LDAPControl **controls)
{
	LDAPControl *page =
		controls ? ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, NULL) : NULL;
	ber_int_t estimate;

	if (!page)
		return LDAP_SUCCESS;
	return ldap_parse_pageresponse_control(walk->call.dir->ld, page, &estimate, &walk->cookie);
}

static int end_page(struct walk *walk, LDAPMessage *message, struct mr_error *err)
{
	LDAPControl **controls = NULL;
	char *diagnostic = NULL;
	int rc = mr_ldap_parse(&walk->call, message, &diagnostic, &controls);

	/* The limit we set ourselves; any other one means that entries are missing. */
	if (rc == LDAP_SIZELIMIT_EXCEEDED && is_full(walk))
		rc = LDAP_SUCCESS;
	if (rc == LDAP_SUCCESS)
		rc = read_cookie(walk, controls);
	if (rc != LDAP_SUCCESS)
		mr_ldap_fail_with(&walk->call, rc, diagnostic, err);
	ldap_controls_free(controls);
	ldap_memfree(diagnostic);
	return rc == LDAP_SUCCESS ? 0 : -1;
}

/* 1: another entry may follow; 0: this was the page's result; -1: an error. */
static int handle_message(struct walk *walk, LDAPMessage *message, struct mr_error *err)
{
	int rc;

	switch (ldap_msgtype(message)) {
	case LDAP_RES_SEARCH_ENTRY:
		rc = visit_entry(walk, message, err);
		break;
	case LDAP_RES_SEARCH_RESULT:
		return end_page(walk, message, err);
	case LDAP_RES_SEARCH_REFERENCE:
		rc = mr_fail(err, MR_E_PROTOCOL,
			     _("%s: %s %s: a part of the result lies elsewhere"),
			     walk->call.dir->server, walk->call.verb, walk->call.dn);
		break;
	default:
		rc = 0; /* an intermediate response says nothing that we asked for */
	}
	ldap_msgfree(message);
	return rc < 0 ? -1 : 1;
}

static int read_page(struct walk *walk, int msgid, struct mr_error *err)
{
	for (;;) {
		LDAPMessage *message = NULL;
		bool last;
		int rc;

		if (mr_ldap_wait(&walk->call, msgid, &message, err) < 0)
			return -1;
		last = ldap_msgtype(message) == LDAP_RES_SEARCH_RESULT;
		rc = handle_message(walk, message, err);
		if (rc == 0)
			return 0;
		if (rc > 0 && !(is_full(walk) && walk->paged))
			continue;
		if (!last)
			ldap_abandon_ext(walk->call.dir->ld, msgid, NULL, NULL);
		return rc < 0 ? -1 : 0;
	}
}

static int send_search(struct walk *walk, LDAPControl *page, int *msgid)
{
	static const int scopes[] = { [MR_SCOPE_SUBTREE] = LDAP_SCOPE_SUBTREE,
				      [MR_SCOPE_ONE] = LDAP_SCOPE_ONELEVEL,
				      [MR_SCOPE_BASE] = LDAP_SCOPE_BASE };
	const struct mr_search *search = walk->search;
	LDAPControl *controls[] = { page, NULL };

	return ldap_search_ext(walk->call.dir->ld, search->base, scopes[search->scope],
			       search->filter ? search->filter : "(objectClass=*)",
			       (char **)(uintptr_t)search->attrs, 0, page ? controls : NULL, NULL,
			       NULL, walk->paged ? LDAP_NO_LIMIT : search->size_limit, msgid);
}

static int do_page(struct walk *walk, struct mr_error *err)
{
	LDAPControl *page = NULL;
	int msgid = -1, rc = LDAP_SUCCESS;
	ber_int_t most = PAGE_SIZE;

	walk->call.until = mr_now_ms() + walk->call.dir->deadline_ms;
	if (walk->search->size_limit > 0 && walk->search->size_limit - walk->seen < PAGE_SIZE)
		most = walk->search->size_limit - walk->seen;
	if (walk->paged)
		rc = ldap_create_page_control(walk->call.dir->ld, most, &walk->cookie, 0, &page);
	ldap_memfree(walk->cookie.bv_val);
	walk->cookie = (struct berval){ 0, NULL };
	if (rc == LDAP_SUCCESS)
		rc = send_search(walk, page, &msgid);
	ldap_control_free(page);
	return rc == LDAP_SUCCESS ? read_page(walk, msgid, err)
				  : mr_ldap_fail(&walk->call, rc, err);
}

int mr_ldap_visit(struct mr_directory *dir, struct mr_arena *arena, const struct mr_search *search,
		  mr_entry_visitor visit, void *context, struct mr_error *err)
{
	struct ldap_directory *ldap = (struct ldap_directory *)dir;
	MR_ARENA own = arena ? NULL : mr_arena_open();
	struct walk walk = { .call = mr_ldap_begin(ldap, _("searching"), search->base),
			     .search = search,
			     .arena = arena ? arena : own,
			     .scratch = !arena,
			     .visit = visit,
			     .context = context };
	int rc;

	walk.paged = search->scope != MR_SCOPE_BASE &&
		     !(search->size_limit > 0 && search->size_limit <= SMALL_LIMIT);
	if (ldap->lost)
		return mr_ldap_fail(&walk.call, LDAP_SERVER_DOWN, err);
	do {
		rc = do_page(&walk, err);
	} while (rc == 0 && walk.cookie.bv_len && !is_full(&walk));
	ldap_memfree(walk.cookie.bv_val);
	return rc;
}
