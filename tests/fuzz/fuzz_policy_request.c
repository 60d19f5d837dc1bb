/* SPDX-License-Identifier: MIT */
/* However the bytes are cut, and wherever they lie in memory, the requests in
 * them are the same. The first octet chooses the cuts. */
#include <glib.h>
#include <stdlib.h>

#include "common/policy/policy_request.h"

enum { REQUEST_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void append(GString *out, struct rmt_span value)
{
	g_string_append_printf(out, "%zu:", value.len);
	g_string_append_len(out, value.p, (gssize)value.len);
}

static void describe(GString *out, const struct rmt_policy_request *r)
{
	const struct rmt_facts *f = &r->facts;
	const struct rmt_span all[] = { f->instance,       f->queue_id,
					f->sender,         f->recipient,
					f->sasl_user,      f->client_address,
					f->client_name,    f->reverse_client_name,
					f->helo,           f->cert_subject,
					f->cert_issuer,    f->cert_fingerprint,
					f->policy_context, f->cert_pubkey_fingerprint,
					r->remite_time,    r->remite_action };
	size_t i;

	g_string_append_printf(out, "%d %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " ",
			       (int)f->stage, f->recipient_count, f->size);
	for (i = 0; i < G_N_ELEMENTS(all); i++)
		append(out, all[i]);
}

/* Reads all requests, showing `step` more octets at a time, each time from a
 * fresh copy of the exact length so that an over-read shows. */
static void read_all(GString *out, const uint8_t *data, size_t size, size_t step)
{
	struct rmt_policy_request request;
	enum rmt_request_result result;
	size_t start = 0, shown = 0;
	char *copy = NULL, *old;

	rmt_policy_request_init(&request);
	do {
		shown = MIN(MAX(shown, start) + step, size);
		old = copy;
		copy = malloc(shown - start + 1);
		memcpy(copy + 1, data + start, shown - start);
		result = rmt_policy_request_read(&request, copy + 1, shown - start,
						 REQUEST_MAX);
		free(old);
		if (result == RMT_REQUEST_DONE) {
			describe(out, &request);
			start += request.length;
			shown = start;
			rmt_policy_request_init(&request);
		}
	} while (result != RMT_REQUEST_BROKEN && shown < size);
	g_string_append_printf(out, "end %d %s", (int)result,
			       result == RMT_REQUEST_BROKEN ? request.broken : "");
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GString) whole = g_string_new(NULL);
	g_autoptr(GString) pieces = g_string_new(NULL);

	if (size < 1 || size > 3 * REQUEST_MAX)
		return 0;
	read_all(whole, data + 1, size - 1, size);
	read_all(pieces, data + 1, size - 1, 1 + data[0] % 97u);
	if (!g_string_equal(whole, pieces))
		abort();
	return 0;
}
