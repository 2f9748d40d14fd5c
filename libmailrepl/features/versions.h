/* Which versions of the programs are here that mailrepl configures, what they can do, and whether
 * mailrepl can configure them at all. Templates see it as {{versions.…}} (templates/README.md). */
#ifndef MR_FEATURES_VERSIONS_H
#define MR_FEATURES_VERSIONS_H

#include "base/error.h"
#include "base/value.h"

enum mr_program {
	MR_PROGRAM_SLAPD,
	MR_PROGRAM_POSTFIX,
	MR_PROGRAM_DOVECOT,
	MR_PROGRAM_EXIM,
	MR_PROGRAM_COUNT
};

#define MR_VERSION_SIZE 64
#define MR_TABLE_TYPES_SIZE 512

struct mr_versions {
	char text[MR_PROGRAM_COUNT][MR_VERSION_SIZE]; /* "3.7.11"; "": it is not there, or does not
							 say */
	char table_types[MR_TABLE_TYPES_SIZE]; /* of Postfix (postconf -m), each with a blank before
						  and after it; "": unknown */
};

/* Those of Debian 12: for samples and tests, which must not depend on the machine. */
extern const struct mr_versions mr_versions_sample;

/* Asks one program: the first word of what it says that begins with a digit, or "". */
void mr_version_read(enum mr_program program, char out[MR_VERSION_SIZE]);
/* Asks all of them. None must be there. */
void mr_versions_read(struct mr_versions *out);

/* `program` is configured here. MR_E_CONFIG, with its name and its version, if that is older or
 * newer than what templates are written for, or if a package of it is missing. One that does not
 * say what it is passes: its own checker is asked anyway. */
int mr_version_check(const struct mr_versions *versions, enum mr_program program,
		     struct mr_error *err) MR_MUST_CHECK;

/* What templates see. Of a program that does not say what it is: as Debian 12's. */
struct mr_value *mr_versions_value(struct mr_arena *arena, const struct mr_versions *versions);

#endif
