/* cl-useradd --import. */
#ifndef CL_USERADD_IMPORT_H
#define CL_USERADD_IMPORT_H

#include "common/cl.h"

/* Before the directory is opened: starts a slapd that an import which was killed has left stopped.
 */
int useradd_import_check(struct cl_context *context, struct mr_error *err) MR_MUST_CHECK;
/* `path` "-": standard input. `host`: the owner of users for whom the file names none, or NULL.
 * With bad lines, all of them are printed and context->status is 65; without `partial` nothing is
 * written then. */
int useradd_import(struct cl_context *context, const char *path, const char *host, bool partial,
		   struct mr_error *err) MR_MUST_CHECK;

#endif
