#include "common/cl.h"

#include <stdio.h>
#include <stdlib.h>

/* The terminal itself, not stdin: that may be a pipe with the command's input. */
int cl_confirm(struct cl_context *context, const char *question, struct mr_error *err)
{
	char *answer = NULL;
	size_t size = 0;
	int said;
	FILE *terminal;

	if (context->yes)
		return 0;
	terminal = fopen("/dev/tty", "r+e");
	if (!terminal)
		return mr_fail(err, MR_E_USAGE, _("there is no terminal to ask on: use --yes"));
	fprintf(terminal, _("%s [y/N] "), question);
	fflush(terminal);
	said = getline(&answer, &size, terminal) > 0 ? rpmatch(answer) : 0;
	free(answer);
	fclose(terminal);
	if (said != 1)
		return mr_fail(err, MR_E_DENIED, _("not confirmed: nothing was changed"));
	return 0;
}
