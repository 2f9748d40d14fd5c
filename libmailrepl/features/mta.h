/* Which mail transfer agent this host has (setting mail.mta), and what differs between the two. */
#ifndef MR_FEATURES_MTA_H
#define MR_FEATURES_MTA_H

#include "adapters/config.h"
#include "adapters/service.h"
#include "model/topology.h"

/* MR_SERVICE_POSTFIX or MR_SERVICE_EXIM. */
enum mr_service_name mr_mta(const struct mr_config *config);
enum mr_service_name mr_mta_other(const struct mr_config *config); /* the one that it is not */
/* False for the one that this host does not have; true for all other services. */
bool mr_mta_has(const struct mr_config *config, enum mr_service_name service);
/* The folder of its configuration, without root: "/etc/postfix" or "/etc/exim4". */
const char *mr_mta_folder(enum mr_service_name service);
/* Is it configured by us? Our tables' folder, the last thing to go, tells. Not after `cl-setup --undo`,
 * nor in mode none, nor before the first rendering. */
bool mr_mta_is_ours(const struct mr_config *config);

/* For the beginning of a plan. MR_E_CONFIG, by name: Exim beside a host
 * in mode none; Exim is not installed, or the other one still runs (both counted only where mail is managed, and not in mode
 * none). */
int mr_mta_check(const struct mr_config *config, const struct mr_topology *topology,
		 struct mr_error *err) MR_MUST_CHECK;

/* A part of mr_settings_check: whether this MTA's templates follow what mailrepl.conf says, setting by setting. MR_E_CONFIG,
 * by name and with the reason: they do not. Postfix's follow all. */
int mr_mta_settings_check(const struct mr_config *config, const struct mr_topology *topology,
			  struct mr_error *err) MR_MUST_CHECK;

/* Before each start or reload of `service` by mailrepl: Exim, which is not root when it reads them,
 * gets copies of this host's key, of the given certificate (tls.certificate) and its key, and of the passwords at smarthosts, which only it can read. Others: nothing. */
int mr_mta_ready(const struct mr_config *config, enum mr_service_name service,
		 struct mr_error *err) MR_MUST_CHECK;
/* Removes these copies. */
int mr_mta_forget(const struct mr_config *config, enum mr_service_name service,
		  struct mr_error *err) MR_MUST_CHECK;

#endif
