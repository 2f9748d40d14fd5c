#include "features/trace.h"

#include <string.h>
#include <strings.h>

#include "features/render.h"
#include "model/mailbox.h"

/* More groups inside groups than anybody has; Postfix gives up after 50 hops. */
#define DEEPEST 20

struct tracer {
	struct mr_arena *arena;
	const struct mr_trace_view *view;
	struct mr_trace *out;
	struct mr_list seen; /* real addresses that were expanded: a cycle ends here */
	int depth;
};

static int trace(struct tracer *tracer, const char *text, const char *from, struct mr_error *err);

const char *mr_fate_word(enum mr_fate fate)
{
	static const char *const words[] = { "deliverable", "refused", "deferred" };

	return words[fate];
}

static void say(struct tracer *tracer, const char *what, const char *dn, const char *detail)
{
	struct mr_trace *out = tracer->out;

	if (out->step_count == out->step_size) {
		struct mr_trace_step *more;

		out->step_size = out->step_size ? out->step_size * 2 : 16;
		more = MR_NEW_ARRAY(tracer->arena, struct mr_trace_step, out->step_size);
		if (out->step_count)
			memcpy(more, out->steps, out->step_count * sizeof(*more));
		out->steps = more;
	}
	out->steps[out->step_count++] = (struct mr_trace_step){
		.what = what, .detail = detail, .dn = dn, .depth = tracer->depth
	};
}

static void arrive(struct tracer *tracer, const char *address, const char *owner,
		   const char *nexthop)
{
	struct mr_trace *out = tracer->out;

	for (size_t i = 0; i < out->target_count; i++)
		if (strcmp(out->targets[i].address, address) == 0)
			return;
	if (out->target_count == out->target_size) {
		struct mr_trace_target *more;

		out->target_size = out->target_size ? out->target_size * 2 : 8;
		more = MR_NEW_ARRAY(tracer->arena, struct mr_trace_target, out->target_size);
		if (out->target_count)
			memcpy(more, out->targets, out->target_count * sizeof(*more));
		out->targets = more;
	}
	out->targets[out->target_count++] = (struct mr_trace_target){ address, owner, nexthop };
	say(tracer, "nexthop", NULL, nexthop);
}

/* Of several members the worst counts, and the first reason is told. */
static int settle(struct tracer *tracer, enum mr_fate fate, const char *why)
{
	if (fate > tracer->out->fate) {
		tracer->out->fate = fate;
		tracer->out->why = why;
	}
	return 0;
}

/* What the domain's postmaster says counts for all hosts, a host's own setting for itself. */
static int trace_role(struct tracer *tracer, const struct mr_address *address, struct mr_error *err)
{
	const struct mr_config *config = tracer->view->config;
	const struct mr_topology *topology = tracer->view->topology;
	const char *postmaster = mr_topology_postmaster(topology, address->domain),
		   *to = postmaster ? postmaster : config ? config->mail_postmaster : NULL;
	int rc;

	say(tracer, "role", NULL,
	    to ? mr_printf(tracer->arena, _("a role address: it goes to %s"), to)
	       : _("a role address: where it goes is that host's setting"));
	if (to && !tracer->depth)
		tracer->out->mapped =
			mr_render_role(tracer->arena, topology,
				       postmaster ? address->domain : "localhost", to);
	if (!postmaster || mr_ends_with(postmaster, "@localhost")) {
		arrive(tracer, address->text, NULL, "local");
		return 0;
	}
	tracer->depth++;
	rc = trace(tracer, postmaster, tracer->view->host, err);
	tracer->depth--;
	return rc;
}

static int trace_outside(struct tracer *tracer, const struct mr_address *address,
			 struct mr_error *err)
{
	const char *nexthop, *detail;

	if (mr_trace_way_out(tracer->arena, tracer->view, address->text, &nexthop, &detail, err) <
	    0)
		return -1;
	say(tracer, "domain", NULL, detail);
	if (!nexthop)
		return settle(tracer, MR_FATE_REFUSED, detail);
	arrive(tracer, address->text, NULL, nexthop);
	return 0;
}

/* user+detail@d, user@d, @d: what Postfix looks up, in its order (virtual(5)). */
static void add_forms(struct tracer *tracer, const struct mr_address *address, struct mr_list *out)
{
	size_t plain =
		strcspn(address->local, mr_delimiter_text(tracer->view->topology->delimiter));

	mr_list_add(tracer->arena, out, address->text);
	if (address->local[plain] && plain > 0)
		mr_list_add(tracer->arena, out,
			    mr_printf(tracer->arena, "%.*s@%s", (int)plain, address->local,
				      address->domain));
	mr_list_add(tracer->arena, out, mr_printf(tracer->arena, "@%s", address->domain));
}

static int list_claims(struct tracer *tracer, const struct mr_list *forms, const char *domain,
		       struct mr_entries *out, struct mr_error *err)
{
	static const char *const attrs[] = { "objectClass",
					     "uid",
					     "cn",
					     "mailLocalAddress",
					     "mailHost",
					     "mailRoutingAddress",
					     "mailReplAccess",
					     "mailReplFormerAddress",
					     "mailReplForward",
					     "associatedDomain",
					     "mailReplHeldUntil",
					     NULL };
	struct mr_search find = { .base = mr_dit_all(MR_MAIL), .attrs = attrs };
	MR_BUF filter = { 0 };

	mr_buf_printf(&filter, "(|%s", mr_filter(tracer->arena, "(associatedDomain=%s)", domain));
	for (size_t i = 0; i < forms->count; i++)
		mr_buf_puts(&filter, mr_filter(tracer->arena,
					       "(mailLocalAddress=%s)(mailReplFormerAddress=%s)",
					       forms->items[i], forms->items[i]));
	mr_buf_putc(&filter, ')');
	find.filter = mr_buf_text(&filter);
	return mr_directory_list(tracer->view->dir, tracer->arena, &find, out, err);
}

static const char *owner_of(struct tracer *tracer, const struct mr_entry *entry)
{
	const char *owner = mr_dit_owner(tracer->arena, entry->dn);

	return owner ? owner : "?";
}

static void say_domain(struct tracer *tracer, const struct mr_entries *claims, const char *domain)
{
	for (size_t i = 0; i < claims->count; i++)
		if (mr_entry_has_nocase(claims->items[i], "associatedDomain", domain)) {
			say(tracer, "domain", claims->items[i]->dn,
			    mr_printf(tracer->arena, _("%s: a mail domain, set up at %s"), domain,
				      owner_of(tracer, claims->items[i])));
			return;
		}
	say(tracer, "domain", NULL, mr_printf(tracer->arena, _("%s: a mail domain"), domain));
}

/* What access.cf answers at RCPT; NULL: it has nothing to say. Not asked for "@domain". */
static const struct mr_entry *find_access(const struct mr_entries *claims,
					  const struct mr_list *forms)
{
	for (size_t f = 0; f + 1 < forms->count; f++)
		for (size_t i = 0; i < claims->count; i++)
			if (mr_entry_value(claims->items[i], "mailReplAccess") &&
			    mr_entry_has_nocase(claims->items[i], "mailLocalAddress",
						forms->items[f]))
				return claims->items[i];
	return NULL;
}

/* True if that ends it. */
static bool is_barred(struct tracer *tracer, const struct mr_entry *entry)
{
	static const struct {
		const char *word, *what;
		enum mr_fate fate;
	} rows[] = {
		{ "closed", N_("closed: outsiders are refused, the domain's own users are not"),
		  MR_FATE_DELIVERABLE },
		{ "deferred", N_("locked: mail is told to come later"), MR_FATE_DEFERRED },
		{ "refused", N_("locked: mail is refused"), MR_FATE_REFUSED },
		{ "gone", N_("no longer here: mail is refused"), MR_FATE_REFUSED },
	};
	const char *word = mr_entry_value(entry, "mailReplAccess");

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcasecmp(word, rows[i].word) == 0) {
			say(tracer, "access", entry->dn, _(rows[i].what));
			settle(tracer, rows[i].fate, _(rows[i].what));
			return rows[i].fate != MR_FATE_DELIVERABLE;
		}
	say(tracer, "access", entry->dn,
	    mr_printf(tracer->arena, _("an unknown word, %s: mail is told to come later"), word));
	settle(tracer, MR_FATE_DEFERRED, _("its access is of a kind that is unknown here"));
	return true;
}

/* Entries that have this form in `attribute`, and what Postfix takes from them. */
static void list_hits(struct tracer *tracer, const struct mr_entries *claims, const char *attribute,
		      const char *form, const char *result, struct mr_entries *out)
{
	*out = (struct mr_entries){ 0 };
	for (size_t i = 0; i < claims->count; i++)
		if (mr_entry_has_nocase(claims->items[i], attribute, form) &&
		    mr_entry_value(claims->items[i], result))
			mr_entries_add(tracer->arena, out, claims->items[i]);
}

static int clash(struct tracer *tracer, const char *form, const struct mr_entries *hits)
{
	struct mr_list owners = { 0 };

	for (size_t i = 0; i < hits->count; i++) {
		const char *owner = owner_of(tracer, hits->items[i]);

		say(tracer, "exact", hits->items[i]->dn,
		    mr_printf(tracer->arena, _("%s: claimed by %s"), form, owner));
		mr_list_add(tracer->arena, &owners, owner);
	}
	if (!tracer->depth)
		tracer->out->ambiguous = true;
	return settle(tracer, MR_FATE_DEFERRED,
		      mr_printf(tracer->arena,
				_("%s is claimed %zu times (%s): mail waits until it is settled "
				  "(cl-replication --settle)"),
				form, hits->count, mr_list_join(tracer->arena, &owners, ", ")));
}

static const char *step_of(size_t form, const struct mr_list *forms)
{
	if (form == 0)
		return "exact";
	return form + 1 == forms->count ? "catch-all" : "extension";
}

/* One form in one table. *done: it had an answer. */
static int look_up(struct tracer *tracer, const struct mr_entries *claims, const char *form,
		   const char *what, bool former, bool *done, struct mr_error *err)
{
	const char *attribute = former ? "mailReplFormerAddress" : "mailLocalAddress",
		   *result = former ? "mailReplForward" : "mailRoutingAddress", *to;
	struct mr_entries hits;

	list_hits(tracer, claims, attribute, form, result, &hits);
	*done = hits.count;
	if (!hits.count)
		return 0;
	if (hits.count > 1)
		return clash(tracer, form, &hits);
	to = mr_lower(tracer->arena, mr_entry_value(hits.items[0], result));
	say(tracer, former ? "former" : what, hits.items[0]->dn,
	    mr_printf(tracer->arena, "%s -> %s", form, to));
	if (!tracer->depth)
		tracer->out->mapped = to;
	return trace(tracer, to, tracer->view->host, err);
}

static int trace_unknown(struct tracer *tracer, const char *text)
{
	if (tracer->view->gate_closed)
		return settle(tracer, MR_FATE_DEFERRED,
			      mr_printf(tracer->arena,
					_("%s is unknown here, and %s is in doubt: mail is told to "
					  "come later"),
					text, tracer->view->host));
	return settle(tracer, MR_FATE_REFUSED, mr_printf(tracer->arena, _("%s is unknown"), text));
}

/* "postmaster+detail", unless the whole is somebody's. */
static bool is_role_without_detail(struct tracer *tracer, const char *form)
{
	return mr_is_role(mr_strndup(tracer->arena, form, strcspn(form, "@")));
}

static int trace_mail_domain(struct tracer *tracer, const struct mr_address *address,
			     struct mr_error *err)
{
	struct mr_entries claims = { 0 };
	const struct mr_entry *access;
	struct mr_list forms = { 0 };
	bool done = false;

	add_forms(tracer, address, &forms);
	if (!tracer->depth)
		tracer->out->forms = forms;
	if (mr_is_role(address->local)) {
		say(tracer, "domain", NULL,
		    mr_printf(tracer->arena, _("%s: a mail domain"), address->domain));
		return trace_role(tracer, address, err);
	}
	if (list_claims(tracer, &forms, address->domain, &claims, err) < 0)
		return -1;
	say_domain(tracer, &claims, address->domain);
	/* A member of a group does not come by RCPT. */
	access = tracer->depth ? NULL : find_access(&claims, &forms);
	if (access && is_barred(tracer, access)) {
		tracer->out->forms = (struct mr_list){ 0 };
		return 0;
	}
	/* While the gate is closed Postfix asks no catch-all: who is unknown may be known
	 * elsewhere. */
	for (size_t f = 0; f < forms.count - tracer->view->gate_closed && !done; f++) {
		if (is_role_without_detail(tracer, forms.items[f]))
			return trace_role(tracer, address, err);
		for (int former = 0; former < 2 && !done; former++)
			if (look_up(tracer, &claims, forms.items[f], step_of(f, &forms), former,
				    &done, err) < 0)
				return -1;
	}
	return done ? 0 : trace_unknown(tracer, address->text);
}

static const struct mr_host *host_of(const struct tracer *tracer, const char *name)
{
	return mr_topology_host(tracer->view->topology, name);
}

static const char *nexthop(struct tracer *tracer, const char *from, const char *owner)
{
	const struct mr_host *host = host_of(tracer, owner);

	if (strcmp(from, owner) == 0)
		return "lmtp";
	return mr_printf(tracer->arena, "%s:[%s]",
			 host && host->mode == MR_MODE_NONE ? "patient" : "relay", owner);
}

/* What the owner makes of a real address. */
static int expand(struct tracer *tracer, const struct mr_address *address, const char *owner,
		  const struct mr_entry *entry, const char *from, struct mr_error *err)
{
	const struct mr_attr *members = mr_entry_attr(entry, "rfc822MailMember"),
			     *forward = mr_entry_attr(entry, "mailReplForward"),
			     *to = members ? members : forward;
	const char *what =
		members ? "group"
			: (mr_entry_value(entry, "mailRoutingAddress") ? "forward" : "moved");

	if (!to) {
		say(tracer, "mailbox", entry->dn,
		    mr_printf(tracer->arena, _("%s, a mailbox of %s"), address->text, owner));
		arrive(tracer, address->text, owner, nexthop(tracer, from, owner));
		return 0;
	}
	say(tracer, what, entry->dn,
	    mr_printf(tracer->arena, _("%s, which %s sends on to %zu"), address->text, owner,
		      to->values.count));
	if (mr_list_has(&tracer->seen, address->text) || tracer->depth == DEEPEST)
		return settle(
			tracer, MR_FATE_REFUSED,
			mr_printf(tracer->arena, _("%s leads back to itself"), address->text));
	mr_list_add(tracer->arena, &tracer->seen, address->text);
	tracer->depth++;
	for (size_t i = 0; i < to->values.count; i++) {
		const char *next = mr_lower(tracer->arena, to->values.items[i]);

		/* A copy stays: Postfix stops at an address that leads to itself. */
		if (strcmp(next, address->text) == 0)
			arrive(tracer, address->text, owner, "lmtp");
		else if (trace(tracer, next, owner, err) < 0)
			return -1;
	}
	tracer->depth--;
	return 0;
}

static int trace_real(struct tracer *tracer, const struct mr_address *address, const char *owner,
		      const char *from, struct mr_error *err)
{
	const char *self = tracer->view->host;
	struct mr_list forms = { 0 };
	struct mr_entries found = { 0 };

	if (mr_is_role(address->local) && strcmp(from, owner) != 0 && host_of(tracer, owner) &&
	    mr_host_is_closed(host_of(tracer, owner)))
		return trace_role(tracer, address, err);
	if (mr_is_role(address->local)) {
		say(tracer, "role", NULL, _("a role address of that host"));
		arrive(tracer, address->text, owner, nexthop(tracer, from, owner));
		return 0;
	}
	add_forms(tracer, address, &forms);
	for (size_t f = 0; f + 1 < forms.count && !found.count; f++) {
		const char *form = forms.items[f];
		const struct mr_search find = {
			.base = strcmp(owner, self) == 0
					? mr_dit_owned(tracer->arena, MR_MAIL, owner)
					: mr_dit_copy(tracer->arena, MR_MAIL, owner),
			.filter = mr_filter(tracer->arena,
					    "(|(mailRoutingAddress=%s)(mailReplFormerAddress=%s))",
					    form, form),
		};

		if (mr_directory_list(tracer->view->dir, tracer->arena, &find, &found, err) < 0)
			return -1;
	}
	if (!found.count)
		return trace_unknown(tracer, address->text);
	return expand(tracer, address, owner, found.items[0], from, err);
}

/* The host behind a domain, itself or who has taken it over; NULL: none. */
static const char *host_behind(struct tracer *tracer, const char *domain)
{
	const struct mr_topology *topology = tracer->view->topology;

	if (mr_topology_host(topology, domain))
		return domain;
	for (size_t i = 0; i < topology->former.count; i++) {
		struct mr_former former = mr_former_parse(tracer->arena, topology->former.items[i]);

		if (strcmp(former.gone, domain) == 0)
			return former.by;
	}
	return NULL;
}

/* `from`: the host that hands it on. */
static int trace(struct tracer *tracer, const char *text, const char *from, struct mr_error *err)
{
	struct mr_address address;
	struct mr_error wrong = { 0 };
	const char *host;

	if (mr_address_parse(tracer->arena, text, &address, &wrong) < 0)
		return settle(tracer, MR_FATE_REFUSED, mr_strdup(tracer->arena, wrong.message));
	if (mr_list_has(&tracer->view->topology->domains, address.domain))
		return trace_mail_domain(tracer, &address, err);
	host = host_behind(tracer, address.domain);
	if (!host)
		return trace_outside(tracer, &address, err);
	/* Former hosts: their addresses are addresses of who has taken them over. */
	if (strcmp(host, address.domain) != 0)
		return trace_mail_domain(tracer, &address, err);
	return trace_real(tracer, &address, host, from, err);
}

/* What a host does before all that, whose Postfix asks no directory. True if that ends it. */
static bool trace_mode(struct tracer *tracer, const struct mr_address *address)
{
	const char *name = tracer->view->host;
	const struct mr_host *host = host_of(tracer, name);

	if (!host || mr_host_is_router(host) || strcmp(address->domain, name) == 0)
		return false;
	switch (host->mode) {
	case MR_MODE_LOCAL:
		say(tracer, "mode", NULL, mr_printf(tracer->arena, _("%s is in mode local"), name));
		settle(tracer, MR_FATE_REFUSED,
		       mr_printf(tracer->arena, _("mail does not leave %s"), name));
		return true;
	case MR_MODE_SATELLITE:
		say(tracer, "mode", NULL,
		    mr_printf(tracer->arena,
			      _("%s is a satellite: it hands this to a server, from where it goes "
				"on"),
			      name));
		return false;
	default:
		say(tracer, "mode", NULL,
		    mr_printf(tracer->arena,
			      _("the Postfix of %s is its administrators': this is what it should "
				"do"),
			      name));
		return false;
	}
}

int mr_trace_address(struct mr_arena *arena, const struct mr_trace_view *view, const char *address,
		     struct mr_trace *out, struct mr_error *err)
{
	struct tracer tracer = { .arena = arena, .view = view, .out = out };
	struct mr_address parsed;
	struct mr_error wrong = { 0 };
	const char *shown;

	*out = (struct mr_trace){ .address = address };
	if (mr_address_parse(arena, address, &parsed, &wrong) < 0) {
		char *typed = mr_strdup(arena, address);

		mr_printable(typed);
		out->address = typed;
		say(&tracer, "syntax", NULL, mr_strdup(arena, wrong.message));
		return settle(&tracer, MR_FATE_REFUSED, mr_strdup(arena, wrong.message));
	}
	out->address = parsed.text;
	shown = mr_address_show(arena, parsed.text);
	say(&tracer, "syntax", NULL,
	    strcmp(shown, parsed.text) == 0 ? parsed.text
					    : mr_printf(arena, "%s (%s)", parsed.text, shown));
	if (trace_mode(&tracer, &parsed))
		return 0;
	if (trace(&tracer, parsed.text, view->host, err) < 0)
		return -1;
	/* Their Postfixes have no such tables. */
	if (host_of(&tracer, view->host) && !mr_host_is_router(host_of(&tracer, view->host)))
		out->forms = (struct mr_list){ 0 };
	return 0;
}

static bool has_target(const struct mr_trace *trace, const struct mr_trace_target *target)
{
	for (size_t i = 0; i < trace->target_count; i++)
		if (strcmp(trace->targets[i].address, target->address) == 0)
			return true;
	return false;
}

bool mr_trace_equal(const struct mr_trace *a, const struct mr_trace *b)
{
	if (a->fate != b->fate || a->target_count != b->target_count)
		return false;
	for (size_t i = 0; i < a->target_count; i++)
		if (!has_target(b, &a->targets[i]))
			return false;
	return true;
}
