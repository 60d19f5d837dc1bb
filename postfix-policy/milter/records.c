/* SPDX-License-Identifier: MIT */
#include "common/base/log.h"
#include "postfix-policy/milter/records.h"

enum { TRY_AGAIN_SECS = 60 };

/* Under the milter's lock. */
static void try_open(struct rmt_milter *milter, const char *uri)
{
	const int64_t now = g_get_monotonic_time() / G_USEC_PER_SEC;

	if (milter->records_trouble != NULL && now < milter->records_again)
		return;
	g_clear_error(&milter->records_trouble);
	milter->records_again = now + TRY_AGAIN_SECS;
	if (!rmt_store_open(&milter->records, uri, false, &milter->records_trouble))
		rmt_log(RMT_LOG_WARNING,
			"%s: receipts are judged by policy alone, lists that go on "
			"sending "
			"are not noticed, what leaves is not remembered",
			milter->records_trouble->message);
}

struct rmt_store *rmt_milter_records(struct rmt_milter *milter, GError **err)
{
	struct rmt_in_force *in_force = rmt_milter_in_force(milter);
	g_autofree char *uri =
		g_strdup_printf("lmdb:%s/records", in_force->config->state);
	struct rmt_store *store;

	rmt_in_force_unref(in_force);
	g_mutex_lock(&milter->lock);
	if (milter->records == NULL)
		try_open(milter, uri);
	store = milter->records;
	if (store == NULL && err != NULL)
		*err = g_error_copy(milter->records_trouble);
	g_mutex_unlock(&milter->lock);
	return store;
}
