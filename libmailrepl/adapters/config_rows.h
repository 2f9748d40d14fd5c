/* The settings of mailrepl.conf, one row each; only adapters/config*.c include this. */
#ifndef MR_ADAPTERS_CONFIG_ROWS_H
#define MR_ADAPTERS_CONFIG_ROWS_H

#include <stddef.h>

#include "adapters/config.h"

enum mr_config_kind {
	MR_CONFIG_NUMBER,
	MR_CONFIG_FLAG,
	/* texts */
	MR_CONFIG_HOST, /* FQDN in lower case */
	MR_CONFIG_FOLDER,
	MR_CONFIG_ADDRESS, /* user@domain */
	MR_CONFIG_CHOICE,  /* one of the words in `unit`, divided by | */
	MR_CONFIG_KEEP,    /* model/keep.h */
	MR_CONFIG_KEYS,    /* public keys of age, divided by blanks */
	MR_CONFIG_DOMAIN,  /* A-labels in lower case */
	MR_CONFIG_DOMAINS, /* the same; with a leading dot: what lies below it */
	MR_CONFIG_NETWORK, /* an IP address, or a network: address/bits */
	MR_CONFIG_NEXTHOP, /* as Postfix writes it: [host], host, each with :port or without */
	MR_CONFIG_LABEL,   /* printable ASCII without blanks and quotes */
	MR_CONFIG_SERVICE, /* as Postfix writes it: inet:host:port or unix:path */
	/* more than one value */
	MR_CONFIG_LIST, /* [ "text", ... ], each of the kind `element` */
	MR_CONFIG_TABLE /* ( { column = value; ... }, ... ) */
};

#define MR_CONFIG_NO_FIELD ((size_t)-1)

struct mr_config_row {
	const char *name; /* "group.name"; of a column: its name */
	enum mr_config_kind kind;
	size_t field; /* in struct mr_config, or MR_CONFIG_NO_FIELD: read by mr_config_settings only */
	long long least, most;
	long long number; /* default of NUMBER and FLAG */
	const char *text; /* default of texts, or NULL */
	const char *unit; /* of CHOICE: the words, divided by | */
	const char *help;
	enum mr_config_kind element;         /* of LIST */
	const struct mr_config_row *columns; /* of TABLE, ended by one without a name */
	bool needed;                         /* of a column: it must be given */
};

/* Ended by a row without a name. */
extern const struct mr_config_row mr_config_rows[];

#define MR_CONFIG_MOST_BYTES ((size_t)64 * 1024)

/* A file's text that was read; root and path of *out are set. Errors as mr_config_load's. */
int mr_config_parse(struct mr_arena *arena, const char *text, struct mr_config *out,
		    struct mr_error *err) MR_MUST_CHECK;
/* "file:line" if the setting lies in a file that `text` includes, or its group does while the setting is nowhere; NULL:
 * neither. */
const char *mr_config_elsewhere(struct mr_arena *arena, const char *text, const char *name);

/* The type as a word or two, for people. */
const char *mr_config_kind_word(enum mr_config_kind kind);
/* What is wrong with a text of that kind, as a sentence without a subject; NULL: nothing. */
const char *mr_config_fault(const struct mr_config_row *row, enum mr_config_kind kind,
			    const char *text);
/* A text that is right for that kind: what templates are tried with. */
const char *mr_config_sample(const struct mr_config_row *row, enum mr_config_kind kind);
/* Gives every field its default; config->root is set. */
void mr_config_set_defaults(struct mr_config *config);
/* The default as a value; "" is nothing (null). Lists and tables are empty. */
struct mr_value *mr_config_default(struct mr_arena *arena, const struct mr_config_row *row);
/* A number, flag or text with a field in `config`, as a value. */
struct mr_value *mr_config_field(struct mr_arena *arena, const struct mr_config_row *row,
				 const struct mr_config *config);

#endif
