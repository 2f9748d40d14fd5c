#include "features/mx_check.h"

#include "base/clock.h"

bool mr_mx_wanted(const struct mr_config *config)
{
	return config->mail_dns;
}

struct mr_list mr_mx_backups(struct mr_arena *arena, const struct mr_config *config)
{
	const struct mr_value *settings = mr_config_settings(arena, config),
			      *group = mr_value_get(settings, "backup_mx"),
			      *list = group ? mr_value_get(group, "backups") : NULL;
	struct mr_list hosts = { 0 };

	for (size_t i = 0; list && i < list->count; i++)
		mr_list_add(arena, &hosts, mr_lower(arena, list->items[i]->string));
	return hosts;
}

/* What a look-up that brought nothing has cost of the time that there is for such. */
static void count(enum mr_dns_answer answer, long long since, long long *wasted)
{
	if (answer == MR_DNS_SILENT)
		*wasted += mr_now_ms() - since;
}

static bool is_over(long long wasted, enum mr_dns_answer *answer, const char **why)
{
	if (wasted < MR_MX_PATIENCE * 1000)
		return false;
	*answer = MR_DNS_SILENT;
	*why = _("DNS does not answer");
	return true;
}

static void ask_record(struct mr_arena *arena, struct mr_dns *dns, struct mr_mx_record *record,
		       long long *wasted)
{
	long long since = mr_now_ms();

	if (!*record->mx.host || is_over(*wasted, &record->answer, &record->why))
		return;
	record->answer = mr_dns_host(arena, dns, record->mx.host, &record->alias,
				     &record->addresses, &record->why);
	count(record->answer, since, wasted);
}

static void ask_domain(struct mr_arena *arena, struct mr_dns *dns, struct mr_mx_domain *domain,
		       long long *wasted)
{
	long long since = mr_now_ms();
	struct mr_mx *mx = NULL;

	if (is_over(*wasted, &domain->answer, &domain->why))
		return;
	domain->answer = mr_dns_mx(arena, dns, domain->domain, &mx, &domain->count, &domain->why);
	count(domain->answer, since, wasted);
	domain->records = MR_NEW_ARRAY(arena, struct mr_mx_record, domain->count + 1);
	for (size_t i = 0; i < domain->count; i++) {
		domain->records[i].mx = mx[i];
		ask_record(arena, dns, &domain->records[i], wasted);
	}
}

void mr_mx_ask(struct mr_arena *arena, struct mr_dns *dns, const struct mr_topology *topology,
	       struct mr_mx_check *out)
{
	long long wasted = 0;

	*out = (struct mr_mx_check){ .domain_count = topology->domains.count };
	out->domains = MR_NEW_ARRAY(arena, struct mr_mx_domain, out->domain_count + 1);
	for (size_t i = 0; i < out->domain_count; i++) {
		out->domains[i].domain = topology->domains.items[i];
		ask_domain(arena, dns, &out->domains[i], &wasted);
	}
}

void mr_mx_look(struct mr_arena *arena, const struct mr_config *config,
		const struct mr_topology *topology, struct mr_mx_check *out)
{
	struct mr_list backups = mr_mx_backups(arena, config);
	MR_DNS dns = mr_dns_open(arena, NULL);

	mr_mx_ask(arena, dns, topology, out);
	mr_mx_judge(arena, topology, &backups, out);
}

const char *mr_mx_scheme_line(struct mr_arena *arena, const struct mr_topology *topology)
{
	struct mr_list hosts = { 0 };

	if (topology->scheme == MR_SCHEME_INTRANET)
		return _("Scheme intranet: no mail comes from outside, and none leaves.");
	for (size_t i = 0; i < topology->mx.count; i++) {
		const char *name = topology->mx.items[i];

		mr_list_add(arena, &hosts,
			    mr_topology_host(topology, name)
				    ? name
				    : mr_printf(arena, _("%s (no host of the domain)"), name));
	}
	return mr_printf(arena,
			 hosts.count == 1 ? _("Scheme %s: %s takes mail from outside.")
					  : _("Scheme %s: %s take mail from outside."),
			 mr_scheme_word(topology->scheme), mr_list_join(arena, &hosts, ", "));
}

const char *mr_mx_scheme_doubt(struct mr_arena *arena, const struct mr_topology *topology)
{
	const bool relay = topology->scheme == MR_SCHEME_RELAY_MX;
	bool servers = false;

	if (topology->scheme == MR_SCHEME_INTRANET)
		return NULL;
	for (size_t i = 0; i < topology->count; i++)
		servers |= mr_host_is_server(&topology->hosts[i]);
	for (size_t i = 0; i < topology->mx.count; i++) {
		const struct mr_host *host = mr_topology_host(topology, topology->mx.items[i]);

		if (!host || mr_host_is_server(host) != relay)
			return NULL;
	}
	if (!servers)
		return NULL;
	return mr_printf(arena,
			 relay ? _("%s holds mailboxes, and in the scheme relay-mx a relay takes "
				   "mail from outside: cl-setup --scheme server-mx says what is so")
			       : _("%s holds no mailboxes, and in the scheme server-mx a mail server "
				   "takes mail from outside: cl-setup --scheme relay-mx says what is "
				   "so"),
			 mr_list_join(arena, &topology->mx, ", "));
}

static const char *const words[] = {
	[MR_MX_UNASKED] = "unasked", [MR_MX_OUTSIDE] = "outside",       [MR_MX_NONE] = "none",
	[MR_MX_MISSING] = "missing", [MR_MX_EXTRA] = "extra",           [MR_MX_BACKUP] = "backup",
	[MR_MX_ALIAS] = "alias",     [MR_MX_NO_ADDRESS] = "no_address",
};

const char *mr_mx_fault_word(enum mr_mx_fault fault)
{
	return words[fault];
}

bool mr_mx_is_note(enum mr_mx_fault fault)
{
	return fault == MR_MX_UNASKED || fault == MR_MX_OUTSIDE;
}

static const char *answer_word(enum mr_dns_answer answer)
{
	return answer == MR_DNS_FOUND ? "found" : answer == MR_DNS_NONE ? "none" : "silent";
}

static struct mr_value *domain_value(struct mr_arena *arena, const struct mr_mx_domain *domain)
{
	struct mr_value *value = mr_value_object(arena), *list = mr_value_list(arena);

	mr_value_set_string(arena, value, "domain", domain->domain);
	mr_value_set_string(arena, value, "answer", answer_word(domain->answer));
	for (size_t i = 0; i < domain->count; i++) {
		const struct mr_mx_record *record = &domain->records[i];
		struct mr_value *one = mr_value_append(arena, list, mr_value_object(arena));

		mr_value_set_int(arena, one, "preference", record->mx.preference);
		mr_value_set_string(arena, one, "host", record->mx.host);
		mr_value_set_string(arena, one, "alias", record->alias);
		mr_value_set(arena, one, "addresses", mr_value_strings(arena, &record->addresses));
	}
	mr_value_set(arena, value, "mx", list);
	return value;
}

struct mr_value *mr_mx_value(struct mr_arena *arena, const struct mr_mx_check *check)
{
	struct mr_value *value = mr_value_object(arena), *domains = mr_value_list(arena),
			*findings = mr_value_list(arena);

	for (size_t i = 0; i < check->domain_count; i++)
		mr_value_append(arena, domains, domain_value(arena, &check->domains[i]));
	for (size_t i = 0; i < check->count; i++) {
		const struct mr_mx_finding *finding = &check->findings[i];
		struct mr_value *one = mr_value_append(arena, findings, mr_value_object(arena));

		mr_value_set_string(arena, one, "fault", mr_mx_fault_word(finding->fault));
		mr_value_set_string(arena, one, "domain", finding->domain);
		mr_value_set_string(arena, one, "host", finding->host);
		mr_value_set_bool(arena, one, "wrong", !mr_mx_is_note(finding->fault));
		mr_value_set_string(arena, one, "text", finding->text);
	}
	mr_value_set(arena, value, "domains", domains);
	mr_value_set(arena, value, "findings", findings);
	mr_value_set_bool(arena, value, "well", check->wrong == 0);
	return value;
}
