#include "features/serves.h"

#include "adapters/probe.h"

#define PROBE_MS 40000

static int ask_postfix(const char *host, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const struct mr_probe_line lines[] = {
		{ NULL, "220" },
		{ "EHLO localhost", "250" },
		{ "MAIL FROM:<>", "250" },
		{ mr_printf(arena, "RCPT TO:<postmaster@%s>", host), "25|4" },
		{ mr_printf(arena, "RCPT TO:<no-such-user.mailrepl-probe@%s>", host), "5|4" },
		{ "QUIT", "2" },
	};
	/* Without a directory each look-up takes its time, and says nothing about the configuration. */
	size_t count =
		mr_service_running(MR_SERVICE_SLAPD, "") ? sizeof(lines) / sizeof(lines[0]) : 2;

	return mr_probe(host, 25, lines, count, PROBE_MS, err);
}

int mr_serves(const struct mr_config *config, enum mr_service_name service, struct mr_error *err)
{
	static const struct mr_probe_line greeting = { NULL, "* OK" };

	if (service == MR_SERVICE_POSTFIX)
		return ask_postfix(config->host, err);
	if (service == MR_SERVICE_DOVECOT)
		return mr_probe(config->host, 143, &greeting, 1, PROBE_MS, err);
	return 0;
}
