/* What divides a user from a detail. */
#include "model/topology.h"

#include <string.h>

static const char *const words[] = {
	[MR_DELIMITER_PLUS] = "+",
	[MR_DELIMITER_EQUALS] = "=",
	[MR_DELIMITER_NONE] = "none",
};

const char *mr_delimiter_word(enum mr_delimiter delimiter)
{
	return words[delimiter];
}

const char *mr_delimiter_text(enum mr_delimiter delimiter)
{
	return delimiter == MR_DELIMITER_NONE ? "" : words[delimiter];
}

int mr_delimiter_parse(const char *word, enum mr_delimiter *out, struct mr_error *err)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(word, words[i]) == 0) {
			*out = (enum mr_delimiter)i;
			return 0;
		}
	}
	if (strcmp(word, "-") == 0 || strcmp(word, ".") == 0)
		return mr_fail(err, MR_E_USAGE,
			       _("\"%s\" cannot divide a user from a detail: it may be in a user's "
				 "name, whose mail another would get; use +, = or none"),
			       word);
	return mr_fail(err, MR_E_USAGE, _("unknown delimiter \"%s\": use +, = or none"), word);
}
