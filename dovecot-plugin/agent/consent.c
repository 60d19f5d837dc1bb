/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/token/consent.h"
#include "dovecot-plugin/agent/consent.h"

G_STATIC_ASSERT((int)RMT_CONSENT_KEY == (int)RMT_CLAIM_KEY);

char *rmt_consent_link(const struct rmt_agent *agent, const struct rmt_prompt *prompt)
{
	struct rmt_consent consent = { .until = prompt->until };
	g_autoptr(rmt_sealer) sealer = NULL;
	char key[RMT_CLAIM_KEY];
	GString *link;

	if (agent->config->prompts.link == NULL || agent->keys == NULL)
		return NULL;
	sealer = rmt_sealer_new(agent->keys, RMT_PURPOSE_CONSENT, prompt->since);
	g_strlcpy(consent.user, prompt->user, sizeof(consent.user));
	memcpy(consent.key, rmt_claim_key(prompt->user, prompt->id, key).p, sizeof(key));
	link = g_string_new(agent->config->prompts.link);
	rmt_consent_seal(sealer, &consent, link);
	return g_string_free(link, FALSE);
}

char *rmt_consent_message_id(const struct rmt_agent *agent,
			     const struct rmt_prompt *prompt, unsigned count)
{
	g_autoptr(GString) key = g_string_new(NULL);

	rmt_write_key(prompt->user, prompt->id, key);
	return g_strdup_printf("prompt.%s.%u@%s", key->str, count, agent->host);
}

bool rmt_read_key(const char *hex, char key[RMT_CLAIM_KEY])
{
	size_t i;

	if (strlen(hex) != (size_t)2 * RMT_CLAIM_KEY)
		return false;
	for (i = 0; i < RMT_CLAIM_KEY; i++) {
		int high = g_ascii_xdigit_value(hex[2 * i]);
		int low = g_ascii_xdigit_value(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		key[i] = (char)(high << 4 | low);
	}
	return true;
}

void rmt_write_key(const char *user, const char *id, GString *out)
{
	char key[RMT_CLAIM_KEY];
	size_t i;

	rmt_claim_key(user, id, key);
	for (i = 0; i < sizeof(key); i++)
		g_string_append_printf(out, "%02x", (unsigned char)key[i]);
}
