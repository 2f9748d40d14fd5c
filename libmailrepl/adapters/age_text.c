#include "adapters/age_text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "adapters/age.h"

#define WORDS 52 /* groups of 5 bits in 32 bytes */
#define CHECKSUM 6

static const char alphabet[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

static uint32_t polymod(uint32_t sum, unsigned value)
{
	static const uint32_t generator[] = { 0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
					      0x2a1462b3 };
	uint32_t top = sum >> 25;

	sum = (sum & 0x1ffffff) << 5 ^ value;
	for (unsigned i = 0; i < 5; i++)
		if (top >> i & 1)
			sum ^= generator[i];
	return sum;
}

/* Of the part in front of the last '1', as BIP 173 has it. */
static uint32_t begin_sum(const char *prefix)
{
	uint32_t sum = 1;

	for (const char *c = prefix; *c; c++)
		sum = polymod(sum, (unsigned char)*c >> 5);
	sum = polymod(sum, 0);
	for (const char *c = prefix; *c; c++)
		sum = polymod(sum, *c & 31);
	return sum;
}

void mr_age_text_format(const char *prefix, const unsigned char key[MR_KEY_SIZE], char *out)
{
	uint32_t sum = begin_sum(prefix), bits = 0;
	unsigned count = 0, next = 0;
	char *to = out + sprintf(out, "%s1", prefix);

	for (size_t i = 0; i < WORDS; i++) {
		if (count < 5) {
			bits = bits << 8 | (next < MR_KEY_SIZE ? key[next] : 0U);
			next++;
			count += 8;
		}
		count -= 5;
		*to++ = alphabet[bits >> count & 31];
		sum = polymod(sum, bits >> count & 31);
	}
	for (unsigned i = 0; i < CHECKSUM; i++)
		sum = polymod(sum, 0);
	sum ^= 1;
	for (unsigned i = 0; i < CHECKSUM; i++)
		*to++ = alphabet[sum >> 5 * (CHECKSUM - 1 - i) & 31];
	*to = '\0';
}

/* 0 to 31, or -1. */
static int value_of(char c)
{
	const char *at = c ? strchr(alphabet, c) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

/* The four bits that are left over must be zero. */
bool mr_age_text_parse(const char *prefix, const char *text, unsigned char out[MR_KEY_SIZE])
{
	size_t front = strlen(prefix), done = 0;
	uint32_t sum = begin_sum(prefix), bits = 0;
	unsigned count = 0;

	if (strlen(text) != front + 1 + WORDS + CHECKSUM || strncmp(text, prefix, front) != 0 ||
	    text[front] != '1')
		return false;
	for (size_t i = 0; i < WORDS + CHECKSUM; i++) {
		int value = value_of(text[front + 1 + i]);

		if (value < 0)
			return false;
		sum = polymod(sum, (unsigned)value);
		if (i >= WORDS)
			continue;
		bits = bits << 5 | (unsigned)value;
		count += 5;
		if (count >= 8) {
			count -= 8;
			out[done++] = (unsigned char)(bits >> count & 0xff);
		}
	}
	return sum == 1 && (bits & ((1U << count) - 1)) == 0;
}

int mr_age_recipient_parse(const char *text, unsigned char out[MR_KEY_SIZE], struct mr_error *err)
{
	if (mr_starts_with(text, "AGE-SECRET-KEY-"))
		return mr_fail(
			err, MR_E_INVALID,
			_("this is a secret key, which is for reading: archives are sealed to "
			  "the public one, \"age1...\""));
	return mr_age_text_parse(MR_AGE_RECIPIENT, text, out)
		       ? 0
		       : mr_fail(err, MR_E_INVALID,
				 _("%s: is not a public key of age (\"age1...\")"), text);
}

int mr_age_recipient_check(const char *text, struct mr_error *err)
{
	unsigned char key[MR_KEY_SIZE];

	return mr_age_recipient_parse(text, key, err);
}
