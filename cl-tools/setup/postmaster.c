#include "setup/actions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int setup_ask_postmaster(struct cl_context *context, const char *domain, const char **out,
			 struct mr_error *err)
{
	char *answer = NULL;
	size_t size = 0;
	ssize_t len;

	*out = NULL;
	if (context->yes || context->json || context->dry_run || !isatty(STDIN_FILENO))
		return 0;
	fprintf(stderr, _("Where shall mail for postmaster@%s go? [root@localhost] "), domain);
	fflush(stderr);
	len = getline(&answer, &size, stdin);
	if (len < 0) {
		free(answer);
		return mr_fail(err, MR_E_DENIED, _("no answer: nothing was changed"));
	}
	answer[strcspn(answer, "\r\n")] = '\0';
	if (*answer)
		*out = mr_strdup(context->arena, answer);
	free(answer);
	return 0;
}
