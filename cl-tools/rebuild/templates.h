/* For whoever writes templates: cl-rebuild --check-templates and --facts. */
#ifndef CL_REBUILD_TEMPLATES_H
#define CL_REBUILD_TEMPLATES_H

#include "common/cl.h"

/* Prints every mistake; MR_E_CONFIG if there is one. */
int rebuild_check_templates(struct cl_context *context, struct mr_error *err) MR_MUST_CHECK;
/* Prints what templates are filled with on this host; context->topology is read. */
int rebuild_facts(struct cl_context *context, struct mr_error *err) MR_MUST_CHECK;

#endif
