#include "features/status.h"

#include <math.h>

#include "features/status_words.h"

/* JSON's numbers here are whole: what has a fraction is given in thousandths. */
static void set_known(struct mr_arena *arena, struct mr_value *object, const char *key, bool known,
		      long long number)
{
	mr_value_set(arena, object, key,
		     known ? mr_value_int(arena, number) : mr_value_string(arena, NULL));
}

static const char *state_word(int state)
{
	static const char *const words[] = { [MR_COPY_UNKNOWN] = NULL,
					     [MR_COPY_EQUAL] = "equal",
					     [MR_COPY_BEHIND] = "behind",
					     [MR_COPY_DIFFERS] = "differs" };

	return words[state];
}

static struct mr_value *copy_value(struct mr_arena *arena, const struct mr_provider_status *copy)
{
	struct mr_value *value = mr_value_object(arena);

	mr_value_set_string(arena, value, "provider", copy->provider->name);
	mr_value_set_string(arena, value, "service", mr_service_name(copy->service));
	mr_value_set_string(arena, value, "provider_csn", copy->provider_csn);
	mr_value_set_string(arena, value, "copy_csn", copy->copy_csn);
	set_known(arena, value, "behind_ms", copy->behind >= 0, llround(copy->behind * 1000));
	set_known(arena, value, "changes", copy->changes >= 0, copy->changes);
	set_known(arena, value, "provider_entries", copy->provider_entries >= 0,
		  copy->provider_entries);
	set_known(arena, value, "entries", copy->entries >= 0, copy->entries);
	mr_value_set_string(arena, value, "digest", state_word(copy->state));
	mr_value_set_string(arena, value, "why", copy->why);
	return value;
}

static void set_software(struct mr_arena *arena, struct mr_value *value,
			 const struct mr_host_status *host)
{
	struct mr_value *versions = mr_value_set(arena, value, "versions", mr_value_object(arena));

	mr_value_set_string(arena, versions, "mailrepl", host->version);
	mr_value_set_string(arena, versions, "slapd", host->slapd);
	mr_value_set_string(arena, versions, "postfix", host->postfix);
	mr_value_set_string(arena, versions, "dovecot", host->dovecot);
}

static struct mr_value *host_value(struct mr_arena *arena, const struct mr_status *status,
				   const struct mr_host_status *host)
{
	bool clock = host->reachable && isfinite(host->clock_offset);
	struct mr_value *value = mr_value_object(arena), *copies = mr_value_list(arena);

	mr_value_set_string(arena, value, "host", host->host->name);
	mr_value_set_string(arena, value, "role", mr_status_role(arena, status, host->host));
	mr_value_set_string(arena, value, "state", mr_host_state_word(host->host->state));
	mr_value_set_string(arena, value, "mode", mr_mode_word(host->host->mode));
	mr_value_set_bool(arena, value, "reachable", host->reachable);
	mr_value_set_string(arena, value, "why", host->why);
	set_known(arena, value, "latency_us", host->reachable, llround(host->latency_ms * 1000));
	set_known(arena, value, "rendered_generation", host->rendered >= 0, host->rendered);
	set_known(arena, value, "clock_offset_ms", clock,
		  clock ? llround(host->clock_offset * 1000) : 0);
	mr_value_set_string(arena, value, "clock", host->clock_source);
	set_known(arena, value, "certificate_not_after", host->certificate_not_after > 0,
		  host->certificate_not_after);
	set_known(arena, value, "queue", host->queue >= 0, host->queue);
	mr_value_set_string(arena, value, "gate", host->gate);
	set_software(arena, value, host);
	for (size_t i = 0; i < host->count; i++)
		mr_value_append(arena, copies, copy_value(arena, &host->providers[i]));
	mr_value_set(arena, value, "copies", copies);
	return value;
}

struct mr_value *mr_status_value(struct mr_arena *arena, const struct mr_status *status)
{
	struct mr_value *value = mr_value_object(arena), *hosts = mr_value_list(arena);

	mr_value_set_string(arena, value, "outcome", mr_status_outcome_word(status->outcome));
	mr_value_set_int(arena, value, "when", status->when);
	mr_value_set_string(arena, value, "asked_from", status->asked_from);
	mr_value_set_string(arena, value, "home", status->topology->home);
	mr_value_set_string(arena, value, "scheme", mr_scheme_word(status->topology->scheme));
	mr_value_set(arena, value, "mx", mr_value_strings(arena, &status->topology->mx));
	mr_value_set_int(arena, value, "generation", status->topology->generation);
	mr_value_set_bool(arena, value, "digests", status->digests);
	set_known(arena, value, "clashes", status->clashes >= 0, status->clashes);
	mr_value_set(arena, value, "notes", mr_value_strings(arena, &status->notes));
	for (size_t i = 0; i < status->topology->count; i++)
		mr_value_append(arena, hosts, host_value(arena, status, &status->hosts[i]));
	mr_value_set(arena, value, "hosts", hosts);
	return value;
}
