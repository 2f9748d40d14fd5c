/* What the commands for groups share. */
#ifndef CL_GROUP_RESULT_H
#define CL_GROUP_RESULT_H

#include "common/cl.h"
#include "features/group.h"

struct mr_group_view group_view(const struct cl_context *context);
/* Appends what stands in `text`, divided by commas. MR_E_USAGE: an item is empty. */
int group_words(struct cl_context *context, const char *text, struct mr_list *out,
		struct mr_error *err) MR_MUST_CHECK;
/* *services = those named by the operands from `first` on; 0: none is. */
int group_services(const struct cl_context *context, int first, unsigned *services,
		   struct mr_error *err) MR_MUST_CHECK;
/* { "group": { name, service, owner, addresses, members, closed } } */
struct mr_value *group_value(struct mr_arena *arena, const struct mr_group_outcome *outcome);

#endif
