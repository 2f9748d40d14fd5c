#include "adapters/idn.h"

#include <idn2.h>
#include <stdint.h>

int mr_idn_format(struct mr_arena *arena, const char *domain, const char **out,
		  struct mr_error *err)
{
	uint8_t *ascii = NULL;
	int rc = idn2_lookup_u8((const uint8_t *)domain, &ascii,
				IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);

	if (rc != IDN2_OK)
		return mr_fail(err, MR_E_INVALID, "%s",
			       rc == IDN2_ENCODING_ERROR ? _("is not UTF-8") : idn2_strerror(rc));
	*out = mr_strdup(arena, (const char *)ascii);
	idn2_free(ascii);
	return 0;
}

const char *mr_idn_show(struct mr_arena *arena, const char *domain)
{
	char *text = NULL;
	const char *out = domain;

	if (idn2_to_unicode_8z8z(domain, &text, IDN2_NONTRANSITIONAL) == IDN2_OK)
		out = mr_strdup(arena, text);
	idn2_free(text);
	return out;
}
