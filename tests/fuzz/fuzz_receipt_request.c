/* SPDX-License-Identifier: MIT */
/* A header, to a decision, to a receipt: nothing of it may come out as a field. */
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/receipts/mdn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_back(const struct rmt_receipt_request *request,
		       const struct rmt_receipt_user *user)
{
	static struct rmt_templates *templates;
	const struct rmt_receipts_config settings = { .language = (char *)"en",
						      .reporting_ua = (char *)"x",
						      .round_date_ns = RMT_NS_PER_SEC,
						      .return_headers = true };
	struct rmt_mdn_order order = { .request = request,
				       .message_id = "<a.receipt@example.com>",
				       .now = 1795312845,
				       .smtputf8 = true,
				       .settings = &settings };
	g_autoptr(rmt_mdn) mdn = NULL;
	GString *message;
	bool utf8;

	if (templates == NULL)
		templates = rmt_templates_read(NULL, NULL);
	rmt_receipt_recipient_find(request, user, NULL, &order.recipient);
	message = rmt_mdn_write(&order, templates, &utf8, NULL);
	if (message == NULL)
		return;
	if (memchr(message->str, '\0', message->len) != NULL ||
	    strstr(message->str, "\nDisposition-Notification-To:") != NULL)
		abort();
	mdn = rmt_mdn_read(rmt_span(message->str, message->len));
	if (mdn->form != RMT_MDN_STANDARD && mdn->form != RMT_MDN_GLOBAL)
		abort();
	g_string_free(message, TRUE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const ids[] = { "mx.example.com", NULL };
	static const char *const addresses[] = { "bob@example.com", NULL };
	const struct rmt_request_reading with = { ids };
	g_autoptr(rmt_receipt_request) request =
		rmt_receipt_request_read(rmt_span((const char *)data, size), &with);
	g_autoptr(rmt_receipt_user) user =
		rmt_receipt_user_new("bob", addresses, NULL, NULL, NULL);

	if (request->key == NULL || request->targets->len > RMT_REQUEST_TARGETS_MAX ||
	    (!request->asked && request->targets->len > 0))
		abort();
	write_back(request, user);
	return 0;
}
