/* SPDX-License-Identifier: MIT */
/* version (1), key, until (8 octets, big-endian), the user's name to the end. */
#include <string.h>

#include "common/token/consent.h"

enum { VERSION = 1, HEAD = 1 + RMT_CONSENT_KEY + 8 };

void rmt_consent_seal(struct rmt_sealer *sealer, const struct rmt_consent *consent,
		      GString *out)
{
	g_autoptr(GString) plain = g_string_new(NULL);
	uint64_t until = GUINT64_TO_BE((uint64_t)MAX(consent->until, 0));

	g_string_append_c(plain, VERSION);
	g_string_append_len(plain, (const char *)consent->key, RMT_CONSENT_KEY);
	g_string_append_len(plain, (const char *)&until, sizeof(until));
	g_string_append(plain, consent->user);
	rmt_token_seal(sealer, rmt_span(plain->str, plain->len), out);
}

enum rmt_token_result rmt_consent_open(struct rmt_sealer *sealer, struct rmt_span text,
				       struct rmt_consent *consent_r)
{
	g_autoptr(GString) plain = g_string_new(NULL);
	enum rmt_token_result result = rmt_token_open(sealer, text, plain);
	uint64_t until;

	if (result != RMT_TOKEN_OK)
		return result;
	if (plain->len <= HEAD || plain->len > HEAD + RMT_CONSENT_USER_MAX ||
	    plain->str[0] != VERSION || strlen(plain->str + HEAD) != plain->len - HEAD)
		return RMT_TOKEN_MALFORMED;
	memcpy(consent_r->key, plain->str + 1, RMT_CONSENT_KEY);
	memcpy(&until, plain->str + 1 + RMT_CONSENT_KEY, sizeof(until));
	consent_r->until = (int64_t)GUINT64_FROM_BE(until);
	g_strlcpy(consent_r->user, plain->str + HEAD, sizeof(consent_r->user));
	return RMT_TOKEN_OK;
}
