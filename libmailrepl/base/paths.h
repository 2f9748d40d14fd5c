/* Where things lie. Every path begins with the --root folder ("" for the machine itself). */
#ifndef MR_BASE_PATHS_H
#define MR_BASE_PATHS_H

#include "base/memory.h"

#define MR_PATH_CONFIG "/etc/mailrepl/mailrepl.conf"
#define MR_PATH_TLS "/etc/mailrepl/tls"
#define MR_PATH_CA_CERT "/etc/mailrepl/tls/ca.crt"
#define MR_PATH_CA_KEY "/etc/mailrepl/tls/ca.key" /* only on the home */
#define MR_PATH_HOST_CERT "/etc/mailrepl/tls/host.crt"
#define MR_PATH_HOST_KEY "/etc/mailrepl/tls/host.key"
#define MR_PATH_BACKUP_KEY "/etc/mailrepl/tls/backup.key"
#define MR_PATH_PEERS "/etc/mailrepl/tls/peers" /* only on the home: <host>.crt, <host>.key */
#define MR_PATH_BACKUP_AGE "/etc/mailrepl/tls/backup.age" /* this host's key for sealed archives */
#define MR_PATH_OVERRIDES "/etc/mailrepl/templates"
#define MR_PATH_OWN "/etc/mailrepl/own" /* parameters that win over ours */
#define MR_PATH_CHANGES "/etc/mailrepl/changes" /* what was changed by hand in rendered files */
#define MR_PATH_SECRETS "/etc/mailrepl/secrets" /* passwords that this host uses, a file each */
#define MR_PATH_STATE "/var/lib/mailrepl"
#define MR_PATH_LOCK "/var/lib/mailrepl/lock"
#define MR_PATH_SLAPD "/var/lib/mailrepl/slapd"
#define MR_PATH_SLAPD_LDIF "/var/lib/mailrepl/slapd/config.ldif" /* as rendered */
#define MR_PATH_SLAPD_D "/var/lib/mailrepl/slapd/slapd.d"        /* as loaded by slapadd -n0 */
#define MR_PATH_SLAPD_CHANGES "/var/lib/mailrepl/slapd/changes.diff" /* what was changed by hand there, and is gone */
#define MR_PATH_DB "/var/lib/mailrepl/db"
#define MR_PATH_MAILBOXES "/var/lib/mailrepl/mail"
#define MR_PATH_QUOTA "/var/lib/mailrepl/quota" /* limits of mailboxes, for Dovecot */
#define MR_PATH_ORIGINAL "/var/lib/mailrepl/original" /* what lay there before mailrepl */
#define MR_PATH_BEFORE "/var/lib/mailrepl/before" /* what a service had before its last change */
#define MR_PATH_UNDOING "/var/lib/mailrepl/before/undoing" /* features/render_back.h */
#define MR_PATH_WRITTEN "/var/lib/mailrepl/written" /* what was rendered last: other text is an administrator's */
#define MR_PATH_WRITING "/var/lib/mailrepl/writing" /* what is being installed */
/* Postfix is not ours (mode none); cl-setup --undo leaves no such mark. */
#define MR_PATH_LEFT "/var/lib/mailrepl/postfix-left-alone"
#define MR_PATH_GATE "/var/lib/mailrepl/gate" /* whether Postfix may say "unknown user" */
/* A copy was lost or is being filled: Postfix must not run, also not after a reboot (systemd's unit
 * of it has that as a condition). */
#define MR_PATH_HELD "/var/lib/mailrepl/not-in-step"
/* New configuration is installed and not in force yet. */
#define MR_PATH_DUE_POSTFIX "/var/lib/mailrepl/.due-postfix"
/* The gate is in main.cf, and Postfix has not read it yet (features/gate.h). */
#define MR_PATH_DUE_GATE "/var/lib/mailrepl/.due-gate"
#define MR_PATH_ARCHIVED "/var/lib/mailrepl/archived" /* the folder that archives were written to */
#define MR_PATH_RUN "/run/mailrepl"
/* Held while the chroot of Postfix is filled. */
#define MR_PATH_POSTFIX_LOCK "/var/lib/mailrepl/postfix.lock"
#define MR_PATH_STOPPED "/run/mailrepl/stopped" /* slapd does not run, and that is meant */
#define MR_PATH_STARTED "/run/mailrepl/started" /* slapd was started since the machine was */
#define MR_PATH_HEARD "/run/mailrepl/heard" /* features/heard.h */
#define MR_PATH_GATE_LOCK "/run/mailrepl/gate.lock" /* features/gate.h */
#define MR_PATH_WATCH_PID "/run/mailrepl/watch.pid"
#define MR_PATH_SOCKET "/run/mailrepl/ldapi"
#define MR_PATH_PID "/run/mailrepl/slapd.pid"
#define MR_PATH_POSTFIX "/etc/postfix"
#define MR_PATH_DOVECOT "/etc/dovecot"
#define MR_PATH_EXIM "/etc/exim4"
#define MR_PATH_EXIM_KEY "/etc/exim4/mailrepl/host.key" /* a copy that Exim may read */
/* And of the given ones (tls.certificate). */
#define MR_PATH_EXIM_GIVEN_CERT "/etc/exim4/mailrepl/given.crt"
#define MR_PATH_EXIM_GIVEN_KEY "/etc/exim4/mailrepl/given.key"
#define MR_PATH_NSSWITCH "/etc/nsswitch.conf"

/* "<root><path>" */
char *mr_path(struct mr_arena *arena, const char *root, const char *path);

/* Installed data: templates and schema. MAILREPL_DATA in the environment wins over the built-in
 * folder (only if we run with the ids of the caller: not setuid). */
const char *mr_data_folder(void);
/* The program mailrepl-slapd: MAILREPL_LIBEXEC in the environment wins likewise. */
const char *mr_libexec_folder(void);

#endif
