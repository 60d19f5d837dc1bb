/* SPDX-License-Identifier: MIT */
#include "postfix-policy/policyd/shares_keeper.h"

#include <inttypes.h>

#include "common/base/background.h"
#include "common/base/log.h"

enum { DAYS = 30, PERIOD_SECS = 10 };

struct rmt_shares_keeper {
	struct rmt_store *store; /* foreign */
	GThread *thread;
	GMutex lock;
	GCond changed;
	bool ending;     /* under lock */
	GPtrArray *rows; /* own; under lock */
};

static GPtrArray *read_rows(struct rmt_shares_keeper *keeper)
{
	g_autoptr(GError) err = NULL;
	GPtrArray *rows;

	if (rmt_shares_read(keeper->store, g_get_real_time() / G_USEC_PER_SEC, DAYS,
			    &rows, &err))
		return rows;
	rmt_log(RMT_LOG_WARNING, "rates of what came back cannot be read: %s",
		err->message);
	return NULL;
}

static gpointer keep(gpointer data)
{
	struct rmt_shares_keeper *keeper = data;
	GPtrArray *rows;

	rmt_background();
	g_mutex_lock(&keeper->lock);
	while (!keeper->ending) {
		g_mutex_unlock(&keeper->lock);
		rows = read_rows(keeper);
		g_mutex_lock(&keeper->lock);
		if (rows != NULL) {
			g_ptr_array_unref(keeper->rows);
			keeper->rows = rows;
		}
		if (!keeper->ending)
			g_cond_wait_until(&keeper->changed, &keeper->lock,
					  g_get_monotonic_time() +
						  PERIOD_SECS * G_USEC_PER_SEC);
	}
	g_mutex_unlock(&keeper->lock);
	return NULL;
}

struct rmt_shares_keeper *rmt_shares_keeper_new(struct rmt_store *store)
{
	struct rmt_shares_keeper *keeper = g_new0(struct rmt_shares_keeper, 1);

	keeper->store = store;
	keeper->rows = g_ptr_array_new();
	g_mutex_init(&keeper->lock);
	g_cond_init(&keeper->changed);
	keeper->thread = g_thread_new("shares", keep, keeper);
	return keeper;
}

void rmt_shares_keeper_free(struct rmt_shares_keeper *keeper)
{
	if (keeper == NULL)
		return;
	g_mutex_lock(&keeper->lock);
	keeper->ending = true;
	g_cond_signal(&keeper->changed);
	g_mutex_unlock(&keeper->lock);
	g_thread_join(keeper->thread);
	g_ptr_array_unref(keeper->rows);
	g_cond_clear(&keeper->changed);
	g_mutex_clear(&keeper->lock);
	g_free(keeper);
}

GPtrArray *rmt_shares_keeper_rows(struct rmt_shares_keeper *keeper)
{
	GPtrArray *rows;

	if (keeper == NULL)
		return g_ptr_array_new();
	g_mutex_lock(&keeper->lock);
	rows = g_ptr_array_ref(keeper->rows);
	g_mutex_unlock(&keeper->lock);
	return rows;
}

/* --- JSON -------------------------------------------------------------------------- */

static json_t *tally_json(struct rmt_tally tally)
{
	double low, high;

	if (tally.n == 0)
		return json_null();
	rmt_share_interval(tally, &low, &high);
	return json_pack("{s:I,s:I,s:f,s:f,s:f}", "of", (json_int_t)tally.n, "count",
			 (json_int_t)tally.k, "share", (double)tally.k / (double)tally.n,
			 "low", low, "high", high);
}

static json_t *events_json(const struct rmt_shares_row *share)
{
	json_t *events = json_object();
	int class;

	for (class = 0; class < RMT_CLASSES; class ++)
		if (share->events[class] > 0)
			json_object_set_new(
				events,
				rmt_report_class_name((enum rmt_report_class) class),
				json_integer((json_int_t)share->events[class]));
	return events;
}

json_t *rmt_shares_json(const GPtrArray *rows)
{
	json_t *list = json_array();
	guint i;

	for (i = 0; i < rows->len; i++) {
		const struct rmt_shares_row *share = rows->pdata[i];

		json_array_append_new(
			list,
			json_pack("{s:s,s:s,s:i,s:I,s:I,s:I,s:o,s:o,s:o}", "stream",
				  share->stream, "provider", share->provider, "days",
				  DAYS, "sent", (json_int_t)share->sent, "accepted",
				  (json_int_t)share->accepted, "deferred",
				  (json_int_t)share->deferred, "complaints",
				  tally_json(share->complaints), "dead",
				  tally_json(share->dead), "events", events_json(share)));
	}
	return list;
}

/* --- Prometheus -------------------------------------------------------------------- */

/* Stream names are words of the configuration, providers are ours. */
static void series(GString *out, const char *name, const struct rmt_shares_row *share,
		   const char *more, uint64_t value)
{
	g_string_append_printf(
		out, "remite_feedback_%s{stream=\"%s\",provider=\"%s\"%s} %" PRIu64 "\n",
		name, share->stream, share->provider, more, value);
}

static void format_events(GString *out, const struct rmt_shares_row *share)
{
	int class;

	for (class = 0; class < RMT_CLASSES; class ++) {
		g_autofree char *label = NULL;

		if (share->events[class] == 0)
			continue;
		label = g_strdup_printf(
			",class=\"%s\"",
			rmt_report_class_name((enum rmt_report_class) class));
		series(out, "events", share, label, share->events[class]);
	}
}

enum what { SENT, ACCEPTED, DEFERRED, COMPLAINTS, COMPLAINTS_OF, DEAD, EVENTS };

static const struct {
	const char *name, *help;
} kinds[] = {
	[SENT] = { "sent", "Recipients that left in 30 days, by day of sending." },
	[ACCEPTED] = { "accepted", "Of them, those their provider took." },
	[DEFERRED] = { "deferrals", "Tries that were put off." },
	[COMPLAINTS] = { "complaints", "Complaints, at providers that tell of them." },
	[COMPLAINTS_OF] = { "complaints_of", "Recipients they are a share of." },
	[DEAD] = { "dead", "Dead addresses and domains." },
	[EVENTS] = { "events", "What came back, by class." },
};

static void format_row(GString *out, enum what what, const struct rmt_shares_row *share)
{
	const uint64_t values[] = {
		[SENT] = share->sent,
		[ACCEPTED] = share->accepted,
		[DEFERRED] = share->deferred,
		[COMPLAINTS] = share->complaints.k,
		[COMPLAINTS_OF] = share->complaints.n,
		[DEAD] = share->dead.k,
	};

	if (share->provider[0] == '\0') /* the sum is theirs to make */
		return;
	if (what == EVENTS)
		format_events(out, share);
	else if ((what != COMPLAINTS && what != COMPLAINTS_OF) || share->complaints.n > 0)
		series(out, kinds[what].name, share, "", values[what]);
}

void rmt_shares_format(const GPtrArray *rows, GString *out)
{
	size_t what;
	guint i;

	for (what = 0; what < G_N_ELEMENTS(kinds); what++) {
		g_string_append_printf(out,
				       "# HELP remite_feedback_%s %s\n"
				       "# TYPE remite_feedback_%s gauge\n",
				       kinds[what].name, kinds[what].help,
				       kinds[what].name);
		for (i = 0; i < rows->len; i++)
			format_row(out, (enum what)what, rows->pdata[i]);
	}
}
