/* What this host's settings are, those at their default too. */
#ifndef CL_REBUILD_SETTINGS_H
#define CL_REBUILD_SETTINGS_H

#include "common/cl.h"

/* Prints "group.name = value", a line for each setting; operands are names of settings or of groups, none: all. */
int rebuild_settings(struct cl_context *context, struct mr_error *err) MR_MUST_CHECK;

#endif
