/* The text of mailrepl.conf, changed in place: one setting gets another value, every other byte stays as it is, comments
 * above all. Only adapters/config*.c include this. */
#ifndef MR_ADAPTERS_CONFIG_TEXT_H
#define MR_ADAPTERS_CONFIG_TEXT_H

#include <stdbool.h>

#include "base/memory.h"

/* Past the text in quotes or the comment that begins here; otherwise one byte further, or none at the end. */
const char *mr_config_text_skip(const char *text);

/* Neither a comment nor an included file is in it: nothing of it is lost if it is written anew. */
bool mr_config_text_is_bare(const char *text);

/* `text` with `value`, as the file writes it, for the setting "name" or "group.name": in the place of its value; or on a
 * line of its own below one that is commented out and names it ("# name = ..."), or else at the end of its group, or with a group of its own at
 * the end. NULL: the text is not what libconfig takes. What is in included files is not seen. */
char *mr_config_text_set(struct mr_arena *arena, const char *text, const char *name,
			 const char *value);

#endif
