#include "features/status.h"

#include <math.h>
#include <string.h>

#include "features/status_words.h"

/* The one function for label values: text format 0.0.4 escapes backslash, quote and newline, and is
 * UTF-8. */
static void add_label(struct mr_arena *arena, struct mr_buf *out, const char *name,
		      const char *value)
{
	char *text = mr_strdup(arena, value ? value : "");

	mr_printable(text);
	mr_buf_printf(out, "%s=\"", name);
	for (const char *at = text; *at; at++) {
		if (*at == '\\' || *at == '"')
			mr_buf_putc(out, '\\');
		mr_buf_putc(out, *at);
	}
	mr_buf_putc(out, '"');
}

static void head(struct mr_buf *out, const char *name, const char *help)
{
	mr_buf_printf(out, "# HELP mailrepl_%s %s\n# TYPE mailrepl_%s gauge\n", name, help, name);
}

struct host_metric {
	const char *name, *help;
	/* NAN: there is no sample. */
	double (*value)(const struct mr_status *status, const struct mr_host_status *host);
	int digits;
};

static double known(bool yes, double value)
{
	return yes ? value : NAN;
}

static double up(const struct mr_status *status, const struct mr_host_status *host)
{
	(void)status;
	return known(host->host->state == MR_JOINED, host->reachable);
}

static double latency(const struct mr_status *status, const struct mr_host_status *host)
{
	(void)status;
	return known(host->reachable, host->latency_ms / 1000);
}

static double rendered(const struct mr_status *status, const struct mr_host_status *host)
{
	(void)status;
	return known(host->reachable && host->rendered >= 0, (double)host->rendered);
}

static double clock_offset(const struct mr_status *status, const struct mr_host_status *host)
{
	(void)status;
	return known(host->reachable, host->clock_offset);
}

static double synchronised(const struct mr_status *status, const struct mr_host_status *host)
{
	(void)status;
	return known(host->reachable && host->clock_source,
		     host->clock_source && strcmp(host->clock_source, "synchronised") == 0);
}

static double certificate(const struct mr_status *status, const struct mr_host_status *host)
{
	(void)status;
	return known(host->certificate_not_after > 0, (double)host->certificate_not_after);
}

static double queue(const struct mr_status *status, const struct mr_host_status *host)
{
	(void)status;
	return known(host->reachable && host->queue >= 0, (double)host->queue);
}

static double gate(const struct mr_status *status, const struct mr_host_status *host)
{
	(void)status;
	return known(host->reachable && host->gate,
		     host->gate && mr_starts_with(host->gate, "closed"));
}

static const struct host_metric host_metrics[] = {
	{ "up", "Whether the host's directory answers.", up, 0 },
	{ "latency_seconds", "One question to the host's directory and its answer.", latency, 6 },
	{ "rendered_generation", "Generation of the topology that the host has rendered.", rendered,
	  0 },
	{ "clock_offset_seconds", "The host's clock minus the asking host's.", clock_offset, 3 },
	{ "clock_synchronised", "Whether NTP keeps the host's clock.", synchronised, 0 },
	{ "certificate_not_after_seconds", "When the host's certificate ends.", certificate, 0 },
	{ "queue_messages", "Messages in the host's mail queue.", queue, 0 },
	{ "gate_closed", "Whether unknown recipients are told to try again later.", gate, 0 },
};

static void add_host_metric(struct mr_arena *arena, const struct mr_status *status,
			    const struct host_metric *metric, struct mr_buf *out)
{
	head(out, metric->name, metric->help);
	for (size_t i = 0; i < status->topology->count; i++) {
		double value = metric->value(status, &status->hosts[i]);

		if (!isfinite(value))
			continue;
		mr_buf_printf(out, "mailrepl_%s{", metric->name);
		add_label(arena, out, "host", status->hosts[i].host->name);
		mr_buf_printf(out, "} %s\n", mr_status_number(arena, value, metric->digits));
	}
}

struct copy_metric {
	const char *name, *help;
	double (*value)(const struct mr_provider_status *copy);
	int digits;
};

static double behind(const struct mr_provider_status *copy)
{
	return known(copy->behind >= 0, copy->behind);
}

static double changes(const struct mr_provider_status *copy)
{
	return known(copy->changes >= 0, (double)copy->changes);
}

static double entries(const struct mr_provider_status *copy)
{
	return known(copy->entries >= 0, (double)copy->entries);
}

static double provider_entries(const struct mr_provider_status *copy)
{
	return known(copy->provider_entries >= 0, (double)copy->provider_entries);
}

static double equal(const struct mr_provider_status *copy)
{
	return known(copy->state != MR_COPY_UNKNOWN, copy->state == MR_COPY_EQUAL);
}

static const struct copy_metric copy_metrics[] = {
	{ "copy_behind_seconds", "Age of the oldest change that the copy lacks.", behind, 3 },
	{ "copy_missing_changes", "Changed entries that the copy lacks.", changes, 0 },
	{ "copy_entries", "Entries of the copy.", entries, 0 },
	{ "copy_provider_entries", "Entries that the owner has.", provider_entries, 0 },
	{ "copy_equal", "Whether the copy's digest is the owner's.", equal, 0 },
};

static void add_copy_metric(struct mr_arena *arena, const struct mr_status *status,
			    const struct copy_metric *metric, struct mr_buf *out)
{
	head(out, metric->name, metric->help);
	for (size_t i = 0; i < status->topology->count; i++)
		for (size_t c = 0; c < status->hosts[i].count; c++) {
			const struct mr_provider_status *copy = &status->hosts[i].providers[c];
			double value = metric->value(copy);

			if (!isfinite(value))
				continue;
			mr_buf_printf(out, "mailrepl_%s{", metric->name);
			add_label(arena, out, "host", status->hosts[i].host->name);
			mr_buf_putc(out, ',');
			add_label(arena, out, "provider", copy->provider->name);
			mr_buf_putc(out, ',');
			add_label(arena, out, "service", mr_service_name(copy->service));
			mr_buf_printf(out, "} %s\n",
				      mr_status_number(arena, value, metric->digits));
		}
}

static void add_info(struct mr_arena *arena, const struct mr_status *status, struct mr_buf *out)
{
	head(out, "host_info", "What the host is and runs.");
	for (size_t i = 0; i < status->topology->count; i++) {
		const struct mr_host_status *host = &status->hosts[i];
		const char *const labels[][2] = {
			{ "host", host->host->name },
			{ "role", mr_status_role(arena, status, host->host) },
			{ "state", mr_host_state_word(host->host->state) },
			{ "version", host->version },
			{ "slapd", host->slapd },
			{ "postfix", host->postfix },
			{ "dovecot", host->dovecot },
		};

		mr_buf_puts(out, "mailrepl_host_info{");
		for (size_t l = 0; l < sizeof(labels) / sizeof(labels[0]); l++) {
			mr_buf_puts(out, l ? "," : "");
			add_label(arena, out, labels[l][0], labels[l][1]);
		}
		mr_buf_puts(out, "} 1\n");
	}
}

static void add_number(struct mr_buf *out, const char *name, const char *help, long long number)
{
	head(out, name, help);
	mr_buf_printf(out, "mailrepl_%s %lld\n", name, number);
}

void mr_status_prometheus(const struct mr_status *status, struct mr_buf *out)
{
	MR_ARENA arena = mr_arena_open();

	add_number(out, "status_timestamp_seconds", "When the hosts were asked.", status->when);
	add_number(out, "status_outcome", "0 well, 1 behind, 2 diverged or unreachable.",
		   status->outcome);
	add_number(out, "topology_generation", "Generation of the topology.",
		   status->topology->generation);
	if (status->clashes >= 0)
		add_number(out, "clashes", "Addresses that are claimed twice.", status->clashes);
	add_info(arena, status, out);
	for (size_t i = 0; i < sizeof(host_metrics) / sizeof(host_metrics[0]); i++)
		add_host_metric(arena, status, &host_metrics[i], out);
	for (size_t i = 0; i < sizeof(copy_metrics) / sizeof(copy_metrics[0]); i++)
		add_copy_metric(arena, status, &copy_metrics[i], out);
}
