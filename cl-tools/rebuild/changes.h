/* What cl-rebuild would change, or somebody has: as unified diffs. */
#ifndef CL_REBUILD_CHANGES_H
#define CL_REBUILD_CHANGES_H

#include "common/cl.h"

/* cl_finish; a dry run shows the difference that each file of the plan makes, in JSON as "diff". */
int rebuild_finish(struct cl_context *context, const struct mr_plan *plan,
		   struct mr_error *err) MR_MUST_CHECK;
/* The same of a step back. */
int rebuild_finish_undo(struct cl_context *context, const struct mr_plan *plan,
			struct mr_error *err) MR_MUST_CHECK;
/* Prints what was changed by hand in rendered files; context->topology is read. */
int rebuild_changes(struct cl_context *context, struct mr_error *err) MR_MUST_CHECK;

#endif
