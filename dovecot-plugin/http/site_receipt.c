/* SPDX-License-Identifier: MIT */
/* site_receipt.c - the page that asks whether a receipt may be sent. What is open,
 * and what an answer does, is remite-agent's to know: a link that is followed twice
 * finds the question answered. */
#include <string.h>

#include "common/base/log.h"
#include "common/token/consent.h"
#include "dovecot-plugin/http/site_private.h"

static enum rmt_token_result open_consent(struct rmt_visit *visit,
					  struct rmt_consent *consent_r)
{
	g_autoptr(GError) err = NULL;
	struct rmt_sealer *sealer =
		rmt_followed_get(visit->site->consents, visit->request->now, &err);

	if (sealer != NULL)
		return rmt_consent_open(sealer, visit->token, consent_r);
	rmt_log(RMT_LOG_ERROR, "no link can be opened: %s", err->message);
	return RMT_TOKEN_UNKNOWN_KEY;
}

static bool is_choice(const char *word)
{
	static const char *const choices[] = { "approve", "deny", "always", "never",
					       NULL };

	return g_strv_contains(choices, word);
}

static char *hex_of(const unsigned char key[RMT_CONSENT_KEY])
{
	GString *hex = g_string_new(NULL);
	size_t i;

	for (i = 0; i < RMT_CONSENT_KEY; i++)
		g_string_append_printf(hex, "%02x", key[i]);
	return g_string_free(hex, FALSE);
}

enum rmt_site_result rmt_visit_receipt(struct rmt_visit *visit)
{
	g_autoptr(GString) choice = g_string_new(NULL);
	struct rmt_site_ask *ask = &visit->reply->ask;
	struct rmt_consent consent;
	enum rmt_token_result opened = open_consent(visit, &consent);

	if (opened != RMT_TOKEN_OK)
		return rmt_visit_bad_token(visit, opened);
	if (!rmt_visit_charge(visit))
		return RMT_SITE_NOW;
	if (visit->request->now > consent.until)
		return rmt_visit_page(visit, 410, "Gone", RMT_PAGE_RECEIPT_OVER);
	if (visit->request->method == RMT_METHOD_POST) {
		if (!rmt_visit_field(visit, "choice", choice) || !is_choice(choice->str))
			return rmt_visit_page(visit, 400, "Bad Request",
					      RMT_PAGE_REFUSED);
		ask->choice = g_strdup(choice->str);
	}
	ask->user = g_strdup(consent.user);
	ask->key = hex_of(consent.key);
	return RMT_SITE_AGENT;
}

/* --- what the agent says ---------------------------------------------------------- */

/* A yes may come too late: the policy says no by now, or a limit is reached. */
static bool is_sent(const char *choice, const char *state)
{
	return (strcmp(choice, "approve") == 0 || strcmp(choice, "always") == 0) &&
	       g_strcmp0(state, "denied") != 0;
}

static enum rmt_page_kind kind_of(const struct rmt_site_ask *ask, bool taken,
				  const char *target, const char *state)
{
	if (ask->choice == NULL)
		return taken && target != NULL ? RMT_PAGE_RECEIPT_ASK
					       : RMT_PAGE_RECEIPT_OVER;
	if (!taken)
		return RMT_PAGE_RECEIPT_OVER;
	return is_sent(ask->choice, state) ? RMT_PAGE_RECEIPT_SENT : RMT_PAGE_RECEIPT_NOT;
}

void rmt_site_answer(const struct rmt_http_request *request, struct rmt_http_reply *reply,
		     bool ok, bool taken, rmt_site_get *get, void *context)
{
	const enum rmt_language language = rmt_language_of(request->accept_language);
	struct rmt_page page = { .kind = RMT_PAGE_TROUBLE };

	reply->status = ok ? 200 : 503;
	reply->reason = ok ? "OK" : "Service Unavailable";
	reply->retry_after_secs = ok ? 0 : 60;
	if (ok)
		page.kind = kind_of(&reply->ask, taken, get(context, "target"),
				    get(context, "state"));
	if (page.kind == RMT_PAGE_RECEIPT_ASK) {
		page.target = get(context, "target");
		page.subject = get(context, "subject");
	}
	reply->language = rmt_language_tag(language);
	g_string_truncate(reply->body, 0);
	rmt_page_write(&page, language, reply->body);
}
