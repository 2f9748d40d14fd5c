/* mailrepl.conf: what this host alone decides. (What the hosts share lies in the directory.)
 * libconfig syntax. */
#ifndef MR_ADAPTERS_CONFIG_H
#define MR_ADAPTERS_CONFIG_H

#include <stdbool.h>

#include "base/value.h"

/* What C code asks for has a field; all others are in mr_config_settings alone. The rows (name, kind,
 * field, least, most, default, unit, help) are in config_rows.c. */
struct mr_config {
	const char *root; /* "" or the --root folder without trailing slash */
	const char *path; /* the file itself, with root */
	bool exists;      /* false: defaults only, the file is not there yet */

	const char *host;             /* "host": this host's FQDN; NULL until cl-setup or a join */
	const char *home;             /* "home": whose topology this host obeys; NULL: any's */
	long long directory_port;     /* "directory.port" */
	long long directory_deadline; /* "directory.deadline", seconds, for each call */
	long long directory_max_size; /* "directory.max_size", MiB, of each database */
	long long join_deadline;      /* "directory.join_deadline", seconds until in step */
	const char *backup_folder;    /* "backup.folder", without root */
	const char *backup_keep;      /* "backup.keep", as model/keep.h parses it; "": all */
	const char *
		backup_recipients; /* "backup.recipients": keys, divided by blanks; "": in the clear */
	bool mail_dns; /* "mail.dns": false on an intranet whose names are in /etc/hosts only */
	const char *mail_mta; /* "mail.mta": "postfix" (NULL, too) or "exim" */
	const char *mail_postmaster; /* "mail.postmaster": where role addresses go */
	bool mail_manage;     /* "mail.manage": false: Postfix and Dovecot are rendered, not run
				 (--root) */
	long long mail_doubt; /* "mail.doubt", seconds */
	long long
		mail_quota; /* "mail.quota", MiB, of a mailbox without a limit of its own; 0: none */
	const char *mail_quota_full;              /* "mail.quota_full": "defer" or "reject" */
	long long watch_interval, watch_patience; /* "watch.interval", "watch.patience", seconds */
	long long watch_verify;                   /* "watch.verify", seconds; 0: never */
	long long certificate_days;               /* "certificates.days" */
	long long password_length,
		password_classes; /* "password.min_length", "password.min_classes" */
	struct mr_value *others;  /* settings without a field that the file has, by their whole
				    names; NULL: none */
};

/* `root` NULL or "" for the machine itself; `path` NULL for <root>/etc/mailrepl/mailrepl.conf. A
 * missing file gives defaults with exists == false (but MR_E_NOT_FOUND if `path` was given). A
 * wrong one: MR_E_CONFIG "file:line: …", also for an unknown setting, a wrong type or a number out
 * of range. All in `arena`. */
int mr_config_load(struct mr_arena *arena, const char *root, const char *path,
		   struct mr_config *out, struct mr_error *err) MR_MUST_CHECK;
/* Gives one setting that is a text another value, "" its default. MR_E_INVALID: what the file may not say either, by the
 * setting's name; *changed: it had another. The file is not written: mr_config_edit. */
int mr_config_set_text(struct mr_arena *arena, struct mr_config *config, const char *name,
		       const char *value, bool *changed, struct mr_error *err) MR_MUST_CHECK;
/* All settings, those at their default too, as a tree: {"mail": {"dns": true, ...}, ...}. A text that is
 * empty is null. Of a table every column of every line is there. */
struct mr_value *mr_config_settings(struct mr_arena *arena, const struct mr_config *config);
/* The same tree with something of everything: flags are set, lists and tables have one item. */
struct mr_value *mr_config_sample_settings(struct mr_arena *arena);
/* The file's text with a comment for each setting; settings at their default are written commented
 * out. */
char *mr_config_format(struct mr_arena *arena, const struct mr_config *config);
/* One value of that tree as the file has it: true, 5, "text", [ "a", "b" ], ( { a = "b"; } ); nothing is "". */
const char *mr_config_value_text(struct mr_arena *arena, const struct mr_value *value);
/* What the file must hold to say what `config` says. If it is there it is changed in place, setting by setting: all else
 * in it stays as somebody wrote it. If it is not, or if it neither names a host yet nor has a comment, *out is
 * mr_config_format's. MR_E_CONFIG, with file and line: a setting that must change lies in a file that is included, or the
 * text cannot be changed so. */
int mr_config_edit(struct mr_arena *arena, const struct mr_config *config, const char **out,
		   struct mr_error *err) MR_MUST_CHECK;
/* Rows { name, type, default, unit, help } as a list of objects; of a table also its columns, such rows again. */
struct mr_value *mr_config_describe(struct mr_arena *arena);

#endif
