/* SPDX-License-Identifier: MIT */
/* "feedback-state", key "warned ", stream: version (1), then for each test that
 * is not quiet its name and its verdict. */
#include "common/feedback/judge.h"

#include <string.h>

#include "common/base/log.h"
#include "common/feedback/breaker.h"
#include "common/feedback/provider.h"
#include "common/feedback/rates.h"
#include "common/store/deal.h"
#include "common/store/pack.h"
#include "common/store/stream_state.h"

#define TABLE "feedback-state"
enum { VERSION = 1, DAY_SECS = 86400, WINDOW_DAYS = 30 };

/* --- what came back ---------------------------------------------------------------- */

struct sums {
	struct rmt_tally all, worst; /* worst: the day with most of them */
};

struct both {
	struct sums complaints, bounces, unsubscribes;
};

static void add_day(struct sums *sums, uint64_t n, uint64_t k)
{
	sums->all.n += n;
	sums->all.k += k;
	if (n >= k && k > sums->worst.k)
		sums->worst = (struct rmt_tally){ n, k };
}

static struct both *both_of(GHashTable *providers, const char *name)
{
	struct both *both = g_hash_table_lookup(providers, name);

	if (both == NULL) {
		both = g_new0(struct both, 1);
		g_hash_table_insert(providers, g_strdup(name), both);
	}
	return both;
}

static bool add_rates(void *context, const struct rmt_rates *rates)
{
	GHashTable *providers = context; /* name -> struct both */
	struct both *both = both_of(providers, rates->provider);
	struct both *all = both_of(providers, "");
	uint64_t sent = rates->counts[RMT_RATE_ARMED_SENT];
	uint64_t complaints = rates->counts[RMT_RATE_ARMED_COMPLAINTS];
	uint64_t accepted = rmt_rates_armed_accepted(rates);

	/* Who reports no complaints is no denominator for them. */
	if (rmt_provider_complains(rates->provider) || complaints > 0) {
		add_day(&both->complaints, accepted, complaints);
		add_day(&all->complaints, accepted, complaints);
	}
	add_day(&both->bounces, sent, rates->counts[RMT_RATE_ARMED_DEAD]);
	add_day(&all->bounces, sent, rates->counts[RMT_RATE_ARMED_DEAD]);
	add_day(&both->unsubscribes, accepted, rmt_rates_armed_unsubscribes(rates));
	add_day(&all->unsubscribes, accepted, rmt_rates_armed_unsubscribes(rates));
	return true;
}

static enum rmt_breaker_verdict judge_sums(const struct rmt_pause_test *test,
					   const struct sums *sums)
{
	/* More came back than left: what left was not counted. No data. */
	if (sums->all.n < sums->all.k || sums->all.n == 0)
		return RMT_BREAKER_RUN;
	return rmt_breaker_judge(test, &sums->all, &sums->worst);
}

/* --- the tests --------------------------------------------------------------------- */

/* A test that is not quiet. */
struct finding {
	char *name; /* own; "complaints at yahoo" */
	enum rmt_breaker_verdict verdict, before;
	char *reason; /* own */
};

static void free_finding(void *data)
{
	struct finding *finding = data;

	g_free(finding->name);
	g_free(finding->reason);
	g_free(finding);
}

static struct finding *add_finding(GPtrArray *findings, enum rmt_breaker_verdict verdict,
				   const char *what, const char *provider)
{
	struct finding *finding = g_new0(struct finding, 1);

	finding->verdict = verdict;
	finding->name =
		g_strconcat(what, provider[0] != '\0' ? " at " : "", provider, NULL);
	g_ptr_array_add(findings, finding);
	return finding;
}

static void find(GPtrArray *findings, const struct rmt_pause_test *test,
		 const struct sums *sums, const char *what, const char *provider)
{
	enum rmt_breaker_verdict verdict = judge_sums(test, sums);
	struct finding *finding;
	double low, high;

	if (verdict == RMT_BREAKER_RUN)
		return;
	rmt_share_interval(sums->all, &low, &high);
	finding = add_finding(findings, verdict, what, provider);
	finding->reason = g_strdup_printf(
		"%s: %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
		" mails (%.2f%%, 95%% between %.2f and %.2f; accepted %.2g%%)",
		finding->name, (guint64)sums->all.k, (guint64)sums->all.n,
		100 * (double)sums->all.k / (double)sums->all.n, 100 * low, 100 * high,
		100 * test->accept);
}

static void find_together(GPtrArray *findings, const struct rmt_pause *pause,
			  const struct both *both, const char *provider)
{
	const struct rmt_evidence evidence = { both->complaints.all, both->bounces.all,
					       both->unsubscribes.all };
	enum rmt_breaker_verdict verdict = rmt_breaker_judge_together(pause, &evidence);
	struct finding *finding;

	if (verdict == RMT_BREAKER_RUN)
		return;
	finding = add_finding(findings, verdict, "together", provider);
	finding->reason = g_strdup_printf(
		"%s: complaints %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
		", dead addresses %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
		", unsubscribes %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " mails",
		finding->name, (guint64)evidence.complaints.k,
		(guint64)evidence.complaints.n, (guint64)evidence.bounces.k,
		(guint64)evidence.bounces.n, (guint64)evidence.unsubscribes.k,
		(guint64)evidence.unsubscribes.n);
}

static gint by_name(gconstpointer a, gconstpointer b)
{
	const struct finding *const *one = a, *const *other = b;

	return strcmp((*one)->name, (*other)->name);
}

static GPtrArray *judge_all(const struct rmt_stream *stream, GHashTable *providers)
{
	GPtrArray *findings = g_ptr_array_new_with_free_func(free_finding);
	GHashTableIter iter;
	gpointer name, value;

	g_hash_table_iter_init(&iter, providers);
	while (g_hash_table_iter_next(&iter, &name, &value)) {
		const struct both *both = value;

		find(findings, &stream->pause.complaints, &both->complaints, "complaints",
		     name);
		find(findings, &stream->pause.bounces, &both->bounces, "dead addresses",
		     name);
		find_together(findings, &stream->pause, both, name);
	}
	g_ptr_array_sort(findings, by_name);
	return findings;
}

/* --- what was said before ---------------------------------------------------------- */

static struct rmt_span key_of(const char *stream, char key[RMT_STORE_KEY_MAX])
{
	g_snprintf(key, RMT_STORE_KEY_MAX, "warned %s", stream);
	return rmt_span_of(key);
}

/* Of another version: as if nothing had been said. */
static enum rmt_breaker_verdict before(struct rmt_span row, const char *name)
{
	struct rmt_unpack in = { row, false };
	struct rmt_span said;
	uint64_t verdict;

	if (row.p == NULL || rmt_unpack_number(&in) != VERSION)
		return RMT_BREAKER_RUN;
	while (in.rest.len > 0 && !in.damaged) {
		said = rmt_unpack_string(&in);
		verdict = rmt_unpack_number(&in);
		if (!in.damaged && rmt_span_eq(said, rmt_span_of(name)))
			return (enum rmt_breaker_verdict)MIN(verdict, RMT_BREAKER_PAUSE);
	}
	return RMT_BREAKER_RUN;
}

static void pack(const GPtrArray *findings, GString *out)
{
	guint i;

	if (findings->len == 0)
		return;
	rmt_pack_number(out, VERSION);
	for (i = 0; i < findings->len; i++) {
		const struct finding *finding = findings->pdata[i];

		rmt_pack_string(out, rmt_span_of(finding->name));
		rmt_pack_number(out, finding->verdict);
	}
}

/* Two programs that judge at once say it once. */
static enum rmt_store_verdict take_over(void *context, struct rmt_span old,
					GString *value_r)
{
	GPtrArray *findings = context;
	guint i;

	for (i = 0; i < findings->len; i++) {
		struct finding *finding = findings->pdata[i];

		finding->before = before(old, finding->name);
	}
	pack(findings, value_r);
	if (rmt_span_eq(rmt_span(value_r->str, value_r->len), old))
		return RMT_STORE_KEEP;
	return value_r->len > 0 ? RMT_STORE_PUT : RMT_STORE_REMOVE;
}

static bool is_as_before(struct rmt_store *store, struct rmt_span key,
			 GPtrArray *findings, bool *same_r, GError **err)
{
	g_autoptr(GBytes) row = NULL;
	g_autoptr(GString) value = g_string_new(NULL);
	gsize len = 0;
	const char *p;

	if (!rmt_deal_read(store, TABLE, key, &row, err))
		return false;
	p = row != NULL ? g_bytes_get_data(row, &len) : NULL;
	*same_r = take_over(findings, rmt_span(p, len), value) == RMT_STORE_KEEP ||
		  (p == NULL && value->len == 0);
	return true;
}

static bool remember(struct rmt_store *store, const char *stream, GPtrArray *findings,
		     GError **err)
{
	char key[RMT_STORE_KEY_MAX];
	struct rmt_store_change change = { .table = TABLE,
					   .key = key_of(stream, key),
					   .modify = take_over,
					   .context = findings };
	bool same;

	if (!is_as_before(store, change.key, findings, &same, err))
		return false;
	return same || rmt_store_commit(store, &change, 1, NULL, err);
}

bool rmt_judge_forget(struct rmt_store *store, const char *stream, GError **err)
{
	char key[RMT_STORE_KEY_MAX];
	const struct rmt_store_change change = { .table = TABLE,
						 .key = key_of(stream, key),
						 .remove = true };

	return rmt_store_commit(store, &change, 1, NULL, err);
}

/* --- what is done ------------------------------------------------------------------ */

static bool pause_stream(struct rmt_store *store, const struct rmt_stream *stream,
			 const char *reason, int64_t now, GError **err)
{
	struct rmt_stream_state state;
	bool paused;

	if (!rmt_stream_state_get(store, stream->name, &state, err))
		return false;
	paused = rmt_stream_is_paused(&state, now);
	rmt_stream_state_clear(&state);
	if (paused)
		return true;
	rmt_log(RMT_LOG_ERROR, "stream %s paused: %s (remite stream resume %s)",
		stream->name, reason, stream->name);
	return rmt_stream_pause(store, stream->name, reason, "breaker", now, 0, err);
}

static void say(const struct rmt_stream *stream, const struct finding *finding)
{
	if (finding->verdict <= finding->before)
		return;
	if (finding->verdict == RMT_BREAKER_WARN)
		rmt_log(RMT_LOG_WARNING, "stream %s nears a pause: %s", stream->name,
			finding->reason);
	else if (!stream->pause.on)
		rmt_log(RMT_LOG_WARNING, "stream %s would pause (no setting pause): %s",
			stream->name, finding->reason);
}

static bool act_on(struct rmt_store *store, const struct rmt_stream *stream,
		   const GPtrArray *findings, int64_t now, GError **err)
{
	const struct finding *worst = NULL;
	guint i;

	for (i = 0; i < findings->len; i++) {
		const struct finding *finding = findings->pdata[i];

		say(stream, finding);
		if (worst == NULL || finding->verdict > worst->verdict)
			worst = finding;
	}
	if (worst == NULL || worst->verdict != RMT_BREAKER_PAUSE || !stream->pause.on)
		return true;
	return pause_stream(store, stream, worst->reason, now, err);
}

bool rmt_judge_stream(struct rmt_store *store, const struct rmt_stream *stream,
		      int64_t now, GError **err)
{
	g_autoptr(GHashTable) providers =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autoptr(GPtrArray) findings = NULL;

	if (!rmt_rates_walk(store, stream->name, now / DAY_SECS - WINDOW_DAYS, add_rates,
			    providers, err))
		return false;
	findings = judge_all(stream, providers);
	return remember(store, stream->name, findings, err) &&
	       act_on(store, stream, findings, now, err);
}
