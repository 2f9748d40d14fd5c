#include "common/cl.h"

#include <stdio.h>
#include <unistd.h>

#include "features/backup_key.h"

static int compare(const struct mr_manifest *manifest, const char *path, const char *typed,
		   struct mr_error *err)
{
	if (!manifest->fingerprint)
		return mr_fail(err, MR_E_ARCHIVE,
			       _("%s: it carries no HMAC, so it has no fingerprint to compare"),
			       path);
	if (!mr_backup_key_matches(manifest->fingerprint, typed))
		return mr_fail(err, MR_E_ARCHIVE,
			       _("%s: its fingerprint is %s, not %s: it is not of that domain, "
				 "nothing was changed"),
			       path, manifest->fingerprint, typed);
	return 0;
}

int cl_fingerprint_check(struct cl_context *context, const struct mr_manifest *manifest,
			 const char *path, const char *typed, struct mr_error *err)
{
	FILE *to = context->json ? stderr : stdout;

	if (typed)
		return compare(manifest, path, typed, err);
	if (manifest->trust != MR_TRUST_SELF)
		return 0;
	fprintf(to,
		_("This host has no backup key of the domain yet. The archive's fingerprint is\n"
		  "\n  %s\n\nand must be what \"cl-backup --fingerprint\" shows on %s.\n"),
		manifest->fingerprint, manifest->home);
	fflush(to);
	if (context->dry_run || context->yes || !isatty(STDIN_FILENO))
		return 0;
	return cl_confirm(context, _("Is it the same?"), err);
}
