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
		return mr_fail(err, MR_E_INVALID, "%s", idn2_strerror(rc));
	*out = mr_strdup(arena, (const char *)ascii);
	idn2_free(ascii);
	return 0;
}
