/* Parsing and describing the options of a command: its own rows and those that every command has.
 */
#ifndef CL_COMMON_OPTIONS_H
#define CL_COMMON_OPTIONS_H

#include "common/cl.h"

/* What the common options ask for before there is a configuration. */
struct cl_start {
	const char *root;   /* absolute, without trailing slash; "" for the machine itself */
	const char *config; /* --config, or NULL */
	bool help, version;
};

/* Fills `start` and the switches of `context`, calls command->option for the command's own options,
 * leaves the operands in context->argc and argv. Options may follow operands; "--" ends them.
 * MR_E_USAGE names the option; even then context->json is what all the options say. */
int cl_options_parse(int argc, char **argv, const struct cl_command *command,
		     struct cl_context *context, struct cl_start *start,
		     struct mr_error *err) MR_MUST_CHECK;
/* MR_E_USAGE if a word is in both lists, which are what `options` (for the message) were given. */
int cl_options_apart(const struct mr_list *one, const struct mr_list *other, const char *options,
		     struct mr_error *err) MR_MUST_CHECK;
/* --help: usage, summary and a row per option, on stdout. */
void cl_options_help(const struct cl_command *command);

#endif
