/* Which user of a file has a name, an address or a mailbox: looked up once for every value in the
 * directory. */
#ifndef MR_FEATURES_IMPORT_INDEX_H
#define MR_FEATURES_IMPORT_INDEX_H

#include <stdbool.h>
#include <stddef.h>

enum mr_import_key { MR_IMPORT_USER, MR_IMPORT_ADDRESS, MR_IMPORT_MAILBOX };

struct mr_import_index;

struct mr_import_index *mr_import_index_open(void);
void mr_import_index_close(struct mr_import_index *index); /* NULL-safe */
/* False if the key is there; *user is then whose it is, else `user`. Text (borrowed) compares
 * without regard to case. */
bool mr_import_index_add(struct mr_import_index *index, enum mr_import_key key, const char *text,
			 size_t *user);
bool mr_import_index_find(const struct mr_import_index *index, enum mr_import_key key,
			  const char *text, size_t *user);

#endif
