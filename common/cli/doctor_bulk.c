/* SPDX-License-Identifier: MIT */
/* doctor_bulk.c - who is a bulk sender, or will be: policyd counts, the records know. */
#include <time.h>

#include "common/base/when.h"
#include "common/cli/doctor.h"
#include "common/store/bulk.h"

static bool tell(void *context, const char *org, const char *provider,
		 const struct rmt_bulk_count *count)
{
	struct rmt_doctor *d = context;
	const uint64_t day = rmt_bulk_count_day(count, (int64_t)time(NULL));
	g_autofree char *place = g_strdup_printf("%s at %s", org, provider);
	g_autofree char *remedy = g_strdup_printf("remite check %s", org);
	char when[RMT_WHEN_SIZE];

	if (count->since != 0)
		rmt_find(&d->findings, RMT_SEVERITY_NOTE, place, remedy,
			 "a bulk sender since %s, for good: more rules hold",
			 rmt_when_format(count->since, when));
	else if (day >= RMT_BULK_WARN)
		rmt_find(&d->findings, RMT_SEVERITY_WARNING, place, remedy,
			 "%" G_GUINT64_FORMAT
			 " recipients within a day: from %d on it is "
			 "a bulk sender there for good",
			 (guint64)day, RMT_BULK_LIMIT);
	return true;
}

void rmt_doctor_bulk(struct rmt_doctor *d)
{
	g_autofree char *path = g_build_filename(d->config->state, "records", NULL);
	g_autofree char *uri = g_strconcat("lmdb:", path, NULL);
	struct rmt_store *store = NULL;

	/* That they do not open is told by the row `state`. */
	if (!g_file_test(path, G_FILE_TEST_EXISTS) ||
	    !rmt_store_open(&store, uri, true, NULL))
		return;
	rmt_bulk_walk(store, tell, d, NULL);
	rmt_store_close(&store);
}
