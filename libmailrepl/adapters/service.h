/* Services of the system: through systemd where it runs, otherwise through the programs themselves
 * (a container, a lab). */
#ifndef MR_ADAPTERS_SERVICE_H
#define MR_ADAPTERS_SERVICE_H

#include <stdbool.h>

#include "base/error.h"

enum mr_service_name {
	MR_SERVICE_SLAPD,
	MR_SERVICE_POSTFIX,
	MR_SERVICE_DOVECOT,
	MR_SERVICE_WATCH,
	MR_SERVICE_NSLCD,
	MR_SERVICE_EXIM
};

const char *mr_service_word(enum mr_service_name name); /* "slapd", … "mailrepl-watch" */
/* True if systemd starts again what has failed. */
bool mr_service_is_supervised(const char *root);
bool mr_service_running(enum mr_service_name name, const char *root);
/* Start, stop, restart and reload return when the service answers (or is gone), at the latest after
 * 30 seconds (MR_E_TEMPORARY). Starting what runs and stopping what does not run are no errors.
 * Under systemd starting slapd or mailrepl-watch enables its unit, too. `root` is the --root folder
 * or
 * "": only these two can be run under one. systemd's unit of slapd is mailrepl-slapd.service,
 * which, as the direct way does, runs /usr/lib/mailrepl/mailrepl-slapd. */
int mr_service_start(enum mr_service_name name, const char *root,
		     struct mr_error *err) MR_MUST_CHECK;
int mr_service_stop(enum mr_service_name name, const char *root,
		    struct mr_error *err) MR_MUST_CHECK;
int mr_service_restart(enum mr_service_name name, const char *root,
		       struct mr_error *err) MR_MUST_CHECK;
/* Starts it if it does not run. slapd has no reload: a restart. */
int mr_service_reload(enum mr_service_name name, const char *root,
		      struct mr_error *err) MR_MUST_CHECK;
/* Reloads it if it runs; never starts it, also if somebody stops it meanwhile. */
int mr_service_refresh(enum mr_service_name name, const char *root,
		       struct mr_error *err) MR_MUST_CHECK;

#endif
