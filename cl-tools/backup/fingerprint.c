#include "backup/actions.h"

#include <stdio.h>

#include "adapters/json.h"
#include "features/backup_key.h"

int backup_fingerprint_run(struct cl_context *context, struct mr_error *err)
{
	const char *fingerprint;
	struct mr_value *top;

	if (mr_backup_key_show(context->arena, &context->config, &fingerprint, err) < 0)
		return -1;
	if (!context->json) {
		puts(fingerprint);
		return 0;
	}
	top = mr_value_object(context->arena);
	mr_value_set_string(context->arena, top, "fingerprint", fingerprint);
	fputs(mr_json_format(context->arena, top), stdout);
	return 0;
}
