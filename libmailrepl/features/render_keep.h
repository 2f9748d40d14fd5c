/* What lies, or lay, at destinations, kept in a folder for each purpose: MR_PATH_ORIGINAL (before
 * mailrepl, put back by cl-setup --undo), MR_PATH_BEFORE/<service> (before the last change, put
 * back by cl-rebuild --undo), MR_PATH_WRITTEN and MR_PATH_WRITING (what is ours).
 * Kept is <root><store><destination>, or the same name with ".absent" if nothing lay there. */
#ifndef MR_FEATURES_RENDER_KEEP_H
#define MR_FEATURES_RENDER_KEEP_H

#include <stdbool.h>

#include "adapters/config.h"
#include "base/file.h"

struct mr_kept {
	const char *copy;   /* path of the copy, whether there is one or not */
	const char *absent; /* path of the mark */
	bool is_copy, is_absent;
};

/* `path` is the destination with root. */
struct mr_kept mr_kept_find(struct mr_arena *arena, const struct mr_config *config,
			    const char *store, const char *path);
/* Keeps `path` unless something is kept of it already; *fresh is set to true if not. */
int mr_kept_make(const struct mr_config *config, const char *store, const char *path, bool *fresh,
		 struct mr_error *err) MR_MUST_CHECK;
/* Keeps a text in the place of what is kept. */
int mr_kept_write(const struct mr_config *config, const char *store, const char *path,
		  const char *text, size_t len, struct mr_error *err) MR_MUST_CHECK;
/* The kept text, or NULL: none. */
const char *mr_kept_text(struct mr_arena *arena, const struct mr_config *config, const char *store,
			 const char *path);
/* Puts the copy back, or removes what lies at `path`. Nothing kept: nothing done. */
int mr_kept_put(const struct mr_config *config, const char *store, const char *path,
		struct mr_error *err) MR_MUST_CHECK;
/* The same, then forgets it. */
int mr_kept_restore(const struct mr_config *config, const char *store, const char *path,
		    struct mr_error *err) MR_MUST_CHECK;

#endif
