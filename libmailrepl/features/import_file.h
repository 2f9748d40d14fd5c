/* A file of users, as an administrator or cl-userlist --export writes it: CSV with a header, or
 * JSON lines. Pure: text in, users and problems out; no directory is asked.
 *
 * Columns, in any order (members of an object likewise), all but the first may be missing:
 *	user		the name
 *	addresses	of the mailbox, divided by blanks (JSON: or a list)
 *	full_name
 *	services	mail, unix, or both; without it: mail if there are addresses, else unix
 *	host		the owner
 *	quota		bytes, or a number and K, M, G or T (1024)
 *	forward		addresses that mail goes to instead
 *	keep		yes: and to the mailbox as well
 *	access		open, closed, deferred or refused
 *	locked		yes or no
 *	password	in the clear
 *	hash		{CRYPT}..., taken as it is; not both
 * An empty field says nothing. */
#ifndef MR_FEATURES_IMPORT_FILE_H
#define MR_FEATURES_IMPORT_FILE_H

#include "model/mailbox.h"

struct mr_import_user {
	unsigned long line;       /* where the record begins, from 1 */
	const char *user;         /* stored form, as all names here */
	struct mr_list addresses; /* each once */
	const char *full_name;    /* NULL: not said, and so on */
	unsigned services;        /* MR_MAIL | MR_UNIX, never 0 */
	const char *host;
	long long quota;
	struct mr_list forward;
	bool keep, locked;
	enum mr_access access;
	struct mr_secret password, hash; /* lie in the file's store: not to be closed */
	bool bad;                        /* there is a problem with it */
};

struct mr_import_problem {
	unsigned long line;
	const char *text;
};

struct mr_import_file {
	struct mr_arena *arena;
	struct mr_import_user *users;
	size_t count, size;
	struct mr_import_problem *problems;
	size_t problem_count, problem_size;
	bool secrets;           /* it holds a password or a hash */
	struct mr_secret store; /* what secrets lie in */
};

/* Reads `text`. JSON lines if `name` ends in .json, .jsonl or .ndjson, or does not end in .csv and
 * the text begins with "{". Every record that can be read becomes a user, in the order of the file;
 * what is wrong with one is a problem, also several. A header that cannot be used is a problem, and
 * then there are no users. */
void mr_import_file_parse(struct mr_arena *arena, const char *name, const char *text, size_t len,
			  struct mr_import_file *out);
void mr_import_file_close(struct mr_import_file *file); /* wipes the secrets */
/* Adds a problem with `user` (NULL: with none, then `line` counts). */
void mr_import_problem(struct mr_import_file *file, struct mr_import_user *user, unsigned long line,
		       const char *text);
/* By line, in place; of one line in the order of their coming. */
void mr_import_problems_sort(struct mr_import_file *file);

/* The columns of an export, in order; the last is "hash". */
#define MR_IMPORT_COLUMNS 11
extern const char *const mr_import_columns[MR_IMPORT_COLUMNS];

#endif
