/* The forms in which cl-userlist prints. */
#ifndef CL_USERLIST_PRINT_H
#define CL_USERLIST_PRINT_H

#include <stdio.h>

#include "common/cl.h"
#include "features/userlist.h"

enum userlist_form {
	USERLIST_TABLE, /* for people; as wide as the first 200 rows need, what is longer sticks out
			 */
	USERLIST_TSV,   /* no header; a tab or newline in a value becomes a blank */
	USERLIST_JSON,  /* one object a line */
	USERLIST_CSV,   /* what cl-useradd --import reads: whole users only */
};

/* Prints each row as it comes. */
int userlist_print(struct cl_context *context, const struct mr_userlist *list,
		   enum userlist_form form, FILE *out, struct mr_error *err) MR_MUST_CHECK;

#endif
