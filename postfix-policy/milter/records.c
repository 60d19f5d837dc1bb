/* SPDX-License-Identifier: MIT */
#include "postfix-policy/milter/records.h"

struct rmt_store *rmt_milter_records(struct rmt_milter *milter, GError **err)
{
	struct rmt_in_force *in_force = rmt_milter_in_force(milter);
	g_autofree char *uri =
		g_strdup_printf("lmdb:%s/records", in_force->config->state);
	struct rmt_store *store;

	rmt_in_force_unref(in_force);
	g_mutex_lock(&milter->lock);
	if (milter->records == NULL)
		rmt_store_open(&milter->records, uri, false, err);
	store = milter->records;
	g_mutex_unlock(&milter->lock);
	return store;
}
