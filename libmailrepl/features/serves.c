#include "features/serves.h"

#include <string.h>
#include <unistd.h>

#include "adapters/probe.h"
#include "base/clock.h"
#include "base/process.h"
#include "features/hardening.h"
#include "features/instance.h"
#include "features/mta.h"
#include "features/render_known.h"

#define PROBE_MS 40000
#define LOGIN_MS 15000
#define LOGIN_PAUSE_US 200000
#define LOGIN_TIMEOUT_MS 10000
/* What doveadm says of a user who is not there: EX_NOUSER. */
#define DOVEADM_NO_USER 67

static int ask_mta(const struct mr_config *config, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	/* Exim asks that of who comes from elsewhere alone. */
	bool tls_first = mr_mta(config) == MR_SERVICE_POSTFIX && mr_hardening_needs_tls(config);
	const struct mr_probe_line lines[] = {
		{ NULL, "220" },
		{ "EHLO localhost", "250" },
		{ "MAIL FROM:<>", tls_first ? "530" : "250" },
		{ mr_printf(arena, "RCPT TO:<postmaster@%s>", config->host), "25|4" },
		{ mr_printf(arena, "RCPT TO:<no-such-user.mailrepl-probe@%s>", config->host),
		  "5|4" },
		{ "QUIT", "2" },
	};
	/* Without a directory each look-up takes its time, and says nothing about the configuration. */
	size_t count =
		mr_service_running(MR_SERVICE_SLAPD, "") ? sizeof(lines) / sizeof(lines[0]) : 2;

	if (tls_first && count > 3)
		count = 3;
	return mr_probe(config->host, 25, lines, count, PROBE_MS, err);
}

/* As IMAP's login process asks; nobody's password is needed for that. */
static int ask_login(const char *user, struct mr_process_result *result, struct mr_error *err)
{
	const char *const argv[] = {
		"doveadm", "auth", "lookup", "-x", "service=imap", user, NULL
	};
	const struct mr_process process = { .argv = argv, .timeout_ms = LOGIN_TIMEOUT_MS };

	return mr_process_run(&process, result, err);
}

/* `words`: what must be said of a user who is known. */
static int check_login(const char *user, bool known, const char *words, struct mr_error *err)
{
	struct mr_process_result result = { 0 };
	int rc = ask_login(user, &result, err);

	if (rc == 0 && result.status == DOVEADM_NO_USER && known)
		rc = mr_fail(err, MR_E_CONFIG, _("it does not know %s, whom the directory has"),
			     user);
	else if (rc == 0 && result.status == 0 && !known)
		rc = mr_fail(err, MR_E_CONFIG, _("it knows %s, who is nobody"), user);
	else if (rc == 0 && result.status != 0 && result.status != DOVEADM_NO_USER)
		rc = mr_fail(err, MR_E_CONFIG,
			     _("it cannot look up %s (the system's log says why)"), user);
	else if (rc == 0 && known && !strstr(mr_buf_text(&result.output), words))
		rc = mr_fail(err, MR_E_CONFIG, _("it does not hand %s on to their host"), user);
	mr_buf_close(&result.output);
	return rc;
}

static int check_logins(struct mr_arena *arena, const struct mr_config *config,
			struct mr_directory *dir, struct mr_error *err)
{
	const char *here, *elsewhere;

	if (mr_render_known_logins(arena, config, dir, &here, &elsewhere, err) < 0 ||
	    (here && check_login(here, true, "user", err) < 0) ||
	    (elsewhere && check_login(elsewhere, true, "proxy", err) < 0))
		return -1;
	return check_login("no-such-user.mailrepl-probe", false, "", err);
}

/* Right after a reload it may be the process from before, or none, that answers. */
static int ask_logins(const struct mr_config *config, struct mr_error *err)
{
	long long deadline = mr_now_ms() + LOGIN_MS;

	for (;;) {
		MR_ARENA arena = mr_arena_open();
		MR_DIRECTORY dir = NULL;
		struct mr_error ignored;

		/* Without a directory nobody is known, whatever the configuration is. */
		if (!mr_service_running(MR_SERVICE_SLAPD, "") ||
		    mr_instance_open(arena, config, &dir, &ignored) < 0 ||
		    check_logins(arena, config, dir, err) == 0)
			return 0;
		if (mr_left_ms(deadline) == 0)
			return -1;
		usleep(LOGIN_PAUSE_US);
	}
}

static int ask_dovecot(const struct mr_config *config, struct mr_error *err)
{
	static const struct mr_probe_line greeting = { NULL, "* OK" };

	return mr_probe(config->host, 143, &greeting, 1, PROBE_MS, err) < 0
		       ? -1
		       : ask_logins(config, err);
}

int mr_serves(const struct mr_config *config, enum mr_service_name service, struct mr_error *err)
{
	if (service == MR_SERVICE_POSTFIX || service == MR_SERVICE_EXIM)
		return ask_mta(config, err);
	if (service == MR_SERVICE_DOVECOT)
		return ask_dovecot(config, err);
	return 0;
}
