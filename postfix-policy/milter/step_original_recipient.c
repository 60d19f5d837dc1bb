/* SPDX-License-Identifier: MIT */
/* step_original_recipient.c - inbound: whom the sender meant, before aliases, so that a
 * receipt can say so (RFC 8098, 2.3; D03). Dovecot's LMTP does not write it. Only for a
 * message of one recipient: all others have one header together. */
#include "postfix-policy/milter/milter.h"
#include "postfix-policy/milter/step.h"

#define FIELD "Original-Recipient"

enum { ORCPT_MAX = 500 /* RFC 3461, 4.2 */ };

/* xtext (RFC 3461, 4) of printable characters, as text; NULL: it is none. Own. */
static char *decode(const char *xtext)
{
	g_autoptr(GString) out = g_string_new(NULL);
	int high, low;

	for (; *xtext != '\0'; xtext++) {
		if (*xtext != '+') {
			g_string_append_c(out, *xtext);
			continue;
		}
		high = g_ascii_xdigit_value(xtext[1]);
		low = high < 0 ? -1 : g_ascii_xdigit_value(xtext[2]);
		if (low < 0)
			return NULL;
		g_string_append_c(out, (char)(16 * high + low));
		xtext += 2;
	}
	for (xtext = out->str; *xtext != '\0'; xtext++)
		if (!g_ascii_isgraph(*xtext))
			return NULL;
	return out->len == strlen(out->str) && out->len > 0
		       ? g_string_free(g_steal_pointer(&out), FALSE)
		       : NULL;
}

/* "rfc822;ann@example.org", or NULL. Own. */
static char *value_of(const char *orcpt)
{
	const char *address = strchr(orcpt, ';');
	g_autofree char *decoded = NULL;

	if (address == NULL || strlen(orcpt) > ORCPT_MAX ||
	    g_ascii_strncasecmp(orcpt, "rfc822;", 7) != 0)
		return NULL;
	decoded = decode(address + 1);
	return decoded != NULL ? g_strconcat("rfc822;", decoded, NULL) : NULL;
}

static void run(struct rmt_milter_message *message, void *state)
{
	const char *orcpt = message->session->orcpt;
	struct rmt_header_field field;
	g_autofree char *value = NULL;
	int count = 0;

	(void)state;
	if (orcpt == NULL || message->recipient_count != 1)
		return;
	value = value_of(orcpt);
	if (value == NULL)
		return;
	/* One at most: what the envelope says counts. */
	while (rmt_message_field(message, FIELD, count + 1, &field))
		count++;
	for (; count > 0; count--)
		rmt_message_change_field(message, FIELD, count, NULL);
	rmt_message_insert_field(message, FIELD, value);
}

const struct rmt_step rmt_step_original_recipient = {
	.name = "original-recipient",
	.places = 1 << RMT_PLACE_INBOUND,
	.run = run,
};
