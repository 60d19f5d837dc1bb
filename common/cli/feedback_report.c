/* SPDX-License-Identifier: MIT */
/* feedback_report.c - `remite report`: how each stream fares. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/when.h"
#include "common/cli/feedback_report.h"
#include "common/feedback/aggregate.h"
#include "common/feedback/provider.h"

static const struct rmt_command *const command = &rmt_command_report;

enum { DAY_SECS = 86400, DAYS_STANDARD = 30 };

/* --- gathering --------------------------------------------------------------------- */

static void free_provider(gpointer data)
{
	struct rmt_report_provider *provider = data;

	g_free(provider->name);
	g_free(provider);
}

static void free_stream(gpointer data)
{
	struct rmt_report_stream *stream = data;

	g_free(stream->days);
	g_free(stream->complaint_days);
	g_free(stream->dead_days);
	g_ptr_array_unref(stream->providers);
	rmt_stream_state_clear(&stream->state);
	g_free(stream);
}

void rmt_feedback_report_free(struct rmt_feedback_report *report)
{
	if (report == NULL)
		return;
	g_ptr_array_unref(report->streams);
	g_clear_pointer(&report->aggregates, g_ptr_array_unref);
	g_free(report);
}

static void add(struct rmt_report_sum *sum, const struct rmt_rates *rates)
{
	int i;

	for (i = 0; i < RMT_RATES; i++)
		sum->counts[i] += rates->counts[i];
}

static struct rmt_report_provider *provider_of(struct rmt_report_stream *stream,
					       const char *name)
{
	struct rmt_report_provider *provider;
	guint i;

	for (i = 0; i < stream->providers->len; i++) {
		provider = g_ptr_array_index(stream->providers, i);
		if (strcmp(provider->name, name) == 0)
			return provider;
	}
	provider = g_new0(struct rmt_report_provider, 1);
	provider->name = g_strdup(name);
	g_ptr_array_add(stream->providers, provider);
	return provider;
}

static struct rmt_report_stream *stream_of(struct rmt_feedback_report *report,
					   const char *name)
{
	guint i;

	for (i = 0; i < report->streams->len; i++) {
		struct rmt_report_stream *stream = g_ptr_array_index(report->streams, i);

		if (strcmp(stream->stream->name, name) == 0)
			return stream;
	}
	return NULL;
}

static bool take_rates(void *context, const struct rmt_rates *rates)
{
	struct rmt_feedback_report *report = context;
	struct rmt_report_stream *stream = stream_of(report, rates->stream);
	int64_t at = rates->day - report->first_day;
	uint64_t complaints = rates->counts[RMT_RATE_COMPLAINTS];

	report->strangers += rates->counts[RMT_RATE_STRANGERS];
	if (stream == NULL || at < 0 || at >= report->days)
		return true;
	add(&stream->sum, rates);
	add(&stream->days[at], rates);
	add(&provider_of(stream, rates->provider)->sum, rates);
	if (rmt_provider_complains(rates->provider) || complaints > 0) {
		stream->complaints.n += rmt_rates_accepted(rates);
		stream->complaints.k += complaints;
		stream->complaint_days[at].n += rmt_rates_armed_accepted(rates);
		stream->complaint_days[at].k += rates->counts[RMT_RATE_ARMED_COMPLAINTS];
	}
	stream->dead_days[at].n += rates->counts[RMT_RATE_ARMED_SENT];
	stream->dead_days[at].k += rates->counts[RMT_RATE_ARMED_DEAD];
	return true;
}

uint64_t rmt_report_dead(const struct rmt_report_sum *sum)
{
	return sum->counts[RMT_RATE_CLASSES + RMT_CLASS_DEAD_ADDRESS] +
	       sum->counts[RMT_RATE_CLASSES + RMT_CLASS_DEAD_DOMAIN];
}

bool rmt_report_has_log(const struct rmt_report_sum *sum)
{
	return sum->counts[RMT_RATE_ACCEPTED] > 0 || sum->counts[RMT_RATE_DEFERRED] > 0;
}

uint64_t rmt_report_other(const struct rmt_report_sum *sum)
{
	uint64_t other = sum->counts[RMT_RATE_CLASSES + RMT_CLASS_UNKNOWN];
	int class;

	for (class = RMT_CLASS_MAILBOX_FULL; class <= RMT_CLASS_CONFIG_OURS; class ++)
		other += sum->counts[RMT_RATE_CLASSES + class];
	return other;
}

static gint by_volume(gconstpointer a, gconstpointer b)
{
	const struct rmt_report_provider *x = *(struct rmt_report_provider *const *)a;
	const struct rmt_report_provider *y = *(struct rmt_report_provider *const *)b;

	return x->sum.counts[RMT_RATE_SENT] < y->sum.counts[RMT_RATE_SENT]
		       ? 1
		       : -(x->sum.counts[RMT_RATE_SENT] > y->sum.counts[RMT_RATE_SENT]);
}

static bool add_streams(struct rmt_feedback_report *report,
			const struct rmt_cli_records *records, GError **err)
{
	guint i;

	for (i = 0; i < records->config->streams->len; i++) {
		struct rmt_report_stream *stream = g_new0(struct rmt_report_stream, 1);

		stream->stream = g_ptr_array_index(records->config->streams, i);
		stream->days = g_new0(struct rmt_report_sum, report->days);
		stream->complaint_days = g_new0(struct rmt_tally, report->days);
		stream->dead_days = g_new0(struct rmt_tally, report->days);
		stream->providers = g_ptr_array_new_with_free_func(free_provider);
		g_ptr_array_add(report->streams, stream);
		if (!rmt_stream_state_get(records->store, stream->stream->name,
					  &stream->state, err))
			return false;
	}
	return true;
}

struct rmt_feedback_report *rmt_feedback_report_new(const struct rmt_cli_records *records,
						    unsigned days, GError **err)
{
	struct rmt_feedback_report *report = g_new0(struct rmt_feedback_report, 1);
	guint i;

	report->now = records->now;
	report->days = days;
	report->first_day = records->now / DAY_SECS - days + 1;
	report->streams = g_ptr_array_new_with_free_func(free_stream);
	if (!add_streams(report, records, err) ||
	    !rmt_rates_walk(records->store, NULL, report->first_day, take_rates, report,
			    err) ||
	    !rmt_aggregate_sums(records->store, report->first_day * DAY_SECS,
				&report->aggregates, err)) {
		rmt_feedback_report_free(report);
		return NULL;
	}
	for (i = 0; i < report->streams->len; i++) {
		struct rmt_report_stream *stream = g_ptr_array_index(report->streams, i);

		g_ptr_array_sort(stream->providers, by_volume);
		stream->bounces = (struct rmt_tally){ stream->sum.counts[RMT_RATE_SENT],
						      rmt_report_dead(&stream->sum) };
	}
	return report;
}

/* --- text -------------------------------------------------------------------------- */

/* "0.12 % (0.05 to 0.29)", or "no data": never a zero that nobody measured. */
static void print_share(const char *name, struct rmt_tally tally,
			const struct rmt_pause_test *test)
{
	double low, high;

	if (tally.n == 0 || tally.n < tally.k) {
		printf("  %-12s no data\n", name);
		return;
	}
	rmt_share_interval(tally, &low, &high);
	printf("  %-12s %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
	       ", %.2f %% (95 %%: %.2f to %.2f; accepted %g, pause %g)\n",
	       name, (guint64)tally.k, (guint64)tally.n,
	       100 * (double)tally.k / (double)tally.n, 100 * low, 100 * high,
	       100 * test->accept, 100 * test->pause);
}

static void print_classes(const struct rmt_report_sum *sum)
{
	int class;

	for (class = 0; class < RMT_CLASSES; class ++)
		if (sum->counts[RMT_RATE_CLASSES + class] > 0)
			printf("  %-16s %" G_GUINT64_FORMAT "\n",
			       rmt_report_class_name((enum rmt_report_class) class),
			       (guint64)sum->counts[RMT_RATE_CLASSES + class]);
}

static void print_providers(const struct rmt_report_stream *stream)
{
	guint i;

	for (i = 0; i < stream->providers->len; i++) {
		const struct rmt_report_provider *p =
			g_ptr_array_index(stream->providers, i);
		bool told = rmt_provider_complains(p->name) ||
			    p->sum.counts[RMT_RATE_COMPLAINTS] > 0;
		g_autofree char *deferred = g_strdup_printf(
			"%" G_GUINT64_FORMAT, (guint64)p->sum.counts[RMT_RATE_DEFERRED]);
		g_autofree char *complaints =
			g_strdup_printf("%" G_GUINT64_FORMAT,
					(guint64)p->sum.counts[RMT_RATE_COMPLAINTS]);

		printf("  at %-12s sent %" G_GUINT64_FORMAT
		       ", deferred %s, dead %" G_GUINT64_FORMAT
		       ", other bounces %" G_GUINT64_FORMAT ", complaints %s\n",
		       p->name, (guint64)p->sum.counts[RMT_RATE_SENT],
		       rmt_report_has_log(&stream->sum) ? deferred : "no data",
		       (guint64)rmt_report_dead(&p->sum),
		       (guint64)rmt_report_other(&p->sum), told ? complaints : "no data");
	}
}

static void print_stream(const struct rmt_feedback_report *report,
			 const struct rmt_report_stream *stream)
{
	g_autoptr(GString) text = g_string_new(NULL);
	char when[RMT_WHEN_SIZE];

	printf("%s: %" G_GUINT64_FORMAT " recipients in %u days\n", stream->stream->name,
	       (guint64)stream->sum.counts[RMT_RATE_SENT], report->days);
	if (rmt_stream_is_paused(&stream->state, report->now))
		printf("  PAUSED since %s by %s: %s\n",
		       rmt_when_format(stream->state.since, when),
		       stream->state.by != NULL ? stream->state.by : "?",
		       stream->state.reason != NULL
			       ? rmt_cli_printable(text, stream->state.reason)
			       : "");
	print_share("complaints", stream->complaints, &stream->stream->pause.complaints);
	print_share("dead", stream->bounces, &stream->stream->pause.bounces);
	print_providers(stream);
	print_classes(&stream->sum);
}

static void print_aggregates(const struct rmt_feedback_report *report)
{
	guint i;

	for (i = 0; i < report->aggregates->len && i < 20; i++) {
		const struct rmt_aggregate_row *row =
			g_ptr_array_index(report->aggregates, i);

		if (i == 0)
			puts("who sends as us, by DMARC's reports:");
		printf("  %-40s as %s: %" G_GUINT64_FORMAT " aligned, %" G_GUINT64_FORMAT
		       " not\n",
		       row->source, row->domain, (guint64)row->aligned,
		       (guint64)row->unaligned);
	}
}

static void print_text(const struct rmt_feedback_report *report)
{
	guint i;

	for (i = 0; i < report->streams->len; i++)
		print_stream(report, g_ptr_array_index(report->streams, i));
	printf("strangers' reports, without effect: %" G_GUINT64_FORMAT "\n",
	       (guint64)report->strangers);
	print_aggregates(report);
}

/* --- JSON -------------------------------------------------------------------------- */

static json_t *sum_json(const struct rmt_report_sum *sum)
{
	json_t *out = json_object(), *classes = json_object();
	int class;

	json_object_set_new(out, "sent", json_integer((json_int_t)sum->counts[0]));
	json_object_set_new(out, "accepted",
			    json_integer((json_int_t)sum->counts[RMT_RATE_ACCEPTED]));
	json_object_set_new(out, "deferred",
			    json_integer((json_int_t)sum->counts[RMT_RATE_DEFERRED]));
	json_object_set_new(out, "complaints",
			    json_integer((json_int_t)sum->counts[RMT_RATE_COMPLAINTS]));
	json_object_set_new(out, "dead", json_integer((json_int_t)rmt_report_dead(sum)));
	for (class = 0; class < RMT_CLASSES; class ++)
		if (sum->counts[RMT_RATE_CLASSES + class] > 0)
			json_object_set_new(
				classes,
				rmt_report_class_name((enum rmt_report_class) class),
				json_integer((json_int_t)sum
						     ->counts[RMT_RATE_CLASSES + class]));
	json_object_set_new(out, "classes", classes);
	return out;
}

static json_t *share_json(struct rmt_tally tally)
{
	double low, high;

	if (tally.n == 0 || tally.n < tally.k)
		return json_null();
	rmt_share_interval(tally, &low, &high);
	return json_pack("{sI sI sf sf sf}", "of", (json_int_t)tally.n, "count",
			 (json_int_t)tally.k, "share", (double)tally.k / (double)tally.n,
			 "low", low, "high", high);
}

static json_t *stream_json(const struct rmt_feedback_report *report,
			   const struct rmt_report_stream *stream)
{
	json_t *out = sum_json(&stream->sum), *providers = json_object();
	guint i;

	json_object_set_new(out, "stream", json_string(stream->stream->name));
	json_object_set_new(
		out, "paused",
		json_boolean(rmt_stream_is_paused(&stream->state, report->now)));
	json_object_set_new(out, "complaint_share", share_json(stream->complaints));
	json_object_set_new(out, "dead_share", share_json(stream->bounces));
	for (i = 0; i < stream->providers->len; i++) {
		const struct rmt_report_provider *p =
			g_ptr_array_index(stream->providers, i);

		json_object_set_new(providers, p->name, sum_json(&p->sum));
	}
	json_object_set_new(out, "providers", providers);
	return out;
}

static void print_json(const struct rmt_feedback_report *report)
{
	json_t *out = json_object(), *streams = json_array();
	guint i;

	for (i = 0; i < report->streams->len; i++)
		json_array_append_new(
			streams,
			stream_json(report, g_ptr_array_index(report->streams, i)));
	json_object_set_new(out, "days", json_integer(report->days));
	json_object_set_new(out, "streams", streams);
	json_object_set_new(out, "strangers",
			    json_integer((json_int_t)report->strangers));
	json_dumpf(out, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(out);
}

/* --- Prometheus -------------------------------------------------------------------- */

static void print_head(const char *name, const char *help)
{
	printf("# HELP remite_%s %s\n# TYPE remite_%s gauge\n", name, help, name);
}

static void print_series(const char *name, const char *stream, const char *provider,
			 const char *label, uint64_t value)
{
	printf("remite_feedback_%s{stream=\"%s\",provider=\"%s\"%s} %" G_GUINT64_FORMAT
	       "\n",
	       name, stream, provider, label, (guint64)value);
}

static void print_events(const char *stream, const struct rmt_report_provider *p)
{
	int class;

	for (class = 0; class < RMT_CLASSES; class ++) {
		g_autofree char *label = g_strdup_printf(
			",class=\"%s\"",
			rmt_report_class_name((enum rmt_report_class) class));
		uint64_t count = p->sum.counts[RMT_RATE_CLASSES + class];

		if (count > 0)
			print_series("events", stream, p->name, label, count);
	}
}

/* No series where there is no data: providers that tell nobody of complaints. */
static void print_rate(const char *name, int rate, const char *stream,
		       const struct rmt_report_provider *p)
{
	uint64_t count = p->sum.counts[rate];

	if (rate != RMT_RATE_COMPLAINTS || count > 0 || rmt_provider_complains(p->name))
		print_series(name, stream, p->name, "", count);
}

static void print_rates(const struct rmt_feedback_report *report, const char *name,
			int rate)
{
	guint i, k;

	for (i = 0; i < report->streams->len; i++) {
		const struct rmt_report_stream *stream =
			g_ptr_array_index(report->streams, i);

		for (k = 0; k < stream->providers->len; k++)
			if (rate == RMT_RATE_CLASSES)
				print_events(stream->stream->name,
					     stream->providers->pdata[k]);
			else
				print_rate(name, rate, stream->stream->name,
					   stream->providers->pdata[k]);
	}
}

static void print_paused(const struct rmt_feedback_report *report)
{
	guint i;

	for (i = 0; i < report->streams->len; i++) {
		const struct rmt_report_stream *stream =
			g_ptr_array_index(report->streams, i);

		printf("remite_stream_paused{stream=\"%s\"} %d\n", stream->stream->name,
		       rmt_stream_is_paused(&stream->state, report->now));
	}
}

/* For node_exporter's textfile collector. Stream names are words, providers ours. */
static void print_prometheus(const struct rmt_feedback_report *report)
{
	static const struct {
		const char *name, *help;
		int rate;
	} rates[] = {
		{ "feedback_sent", "Recipients mailed, by day of sending.",
		  RMT_RATE_SENT },
		{ "feedback_accepted", "Recipients whose provider took the mail.",
		  RMT_RATE_ACCEPTED },
		{ "feedback_deferrals", "Deferrals seen in the mail log.",
		  RMT_RATE_DEFERRED },
		{ "feedback_complaints", "Complaints, of providers that tell of them.",
		  RMT_RATE_COMPLAINTS },
		{ "feedback_events", "What came back, by class.", RMT_RATE_CLASSES },
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(rates); i++) {
		print_head(rates[i].name, rates[i].help);
		print_rates(report, rates[i].name + strlen("feedback_"), rates[i].rate);
	}
	print_head("stream_paused", "1 while the stream is paused.");
	print_paused(report);
	print_head("feedback_strangers", "Reports that nobody could vouch for.");
	printf("remite_feedback_strangers %" G_GUINT64_FORMAT "\n",
	       (guint64)report->strangers);
}

/* --- the command ------------------------------------------------------------------- */

static void print_html(const struct rmt_feedback_report *report)
{
	g_autoptr(GString) out = g_string_new(NULL);

	rmt_feedback_report_html(report, out);
	fwrite(out->str, 1, out->len, stdout);
}

typedef void print_report(const struct rmt_feedback_report *report);

static int show(const struct rmt_cli *cli, unsigned days, print_report *print)
{
	struct rmt_cli_records records;
	struct rmt_feedback_report *report;
	GError *err = NULL;
	int status = RMT_EXIT_OK;

	if (!rmt_cli_records_open(&records, cli, command, true))
		return RMT_EXIT_TROUBLE;
	report = rmt_feedback_report_new(&records, days, &err);
	if (report == NULL)
		status = rmt_cli_trouble(command, err);
	else
		print(report);
	rmt_feedback_report_free(report);
	rmt_cli_records_close(&records);
	return rmt_cli_flush(command) ? status : RMT_EXIT_TROUBLE;
}

static int take_aggregate(const struct rmt_cli *cli, const char *name)
{
	struct rmt_cli_records records;
	g_autofree char *octets = NULL;
	GError *err = NULL;
	gsize len;
	unsigned rows;
	int status = RMT_EXIT_OK;

	if (!rmt_cli_records_open(&records, cli, command, false))
		return RMT_EXIT_TROUBLE;
	if (!g_file_get_contents(name, &octets, &len, &err) ||
	    !rmt_aggregate_take(records.store, rmt_span(octets, len), records.now, &rows,
				&err))
		status = rmt_cli_trouble(command, err);
	else
		printf("%s: %u rows\n", name, rows);
	rmt_cli_records_close(&records);
	return status;
}

static int run(const struct rmt_cli *cli, int argc, char **argv)
{
	gboolean json = FALSE, html = FALSE, prometheus = FALSE;
	int days = DAYS_STANDARD, count, status = RMT_EXIT_USAGE;
	char *dmarc = NULL;
	const GOptionEntry entries[] = {
		{ "json", 0, 0, G_OPTION_ARG_NONE, &json, NULL, NULL },
		{ "html", 0, 0, G_OPTION_ARG_NONE, &html, NULL, NULL },
		{ "prometheus", 0, 0, G_OPTION_ARG_NONE, &prometheus, NULL, NULL },
		{ "days", 0, 0, G_OPTION_ARG_INT, &days, NULL, NULL },
		{ "dmarc", 0, 0, G_OPTION_ARG_FILENAME, &dmarc, NULL, NULL },
		{ NULL },
	};
	g_auto(GStrv) args = NULL;

	if (!rmt_cli_options(command, entries, argc, argv, &count, &args))
		return RMT_EXIT_USAGE;
	if (count != 1 || json + html + prometheus > 1 || days < 1 ||
	    days > RMT_REPORT_DAYS_MAX)
		rmt_cli_usage(command, RMT_EXIT_USAGE);
	else if (dmarc != NULL)
		status = take_aggregate(cli, dmarc);
	else
		status = show(cli, (unsigned)days,
			      json         ? print_json
			      : html       ? print_html
			      : prometheus ? print_prometheus
					   : print_text);
	g_free(dmarc);
	return status;
}

const struct rmt_command rmt_command_report = {
	.name = "report",
	.summary = "how each stream fares: volume, bounces, complaints, pauses",
	.usage =
		"usage: remite report [--json | --html | --prometheus] [--days N]\n"
		"       remite report --dmarc FILE\n"
		"\n"
		"Counts of the last 30 (or N) days of sending, by stream and provider, "
		"with\n"
		"intervals of 95 %. A provider that tells nobody of complaints has no "
		"data,\n"
		"which is not zero.\n"
		"\n"
		"  --html        a page with plots, to standard output; it needs nothing "
		"else\n"
		"  --dmarc FILE  takes in an aggregate report (RFC 9990; XML, gzip or "
		"zip),\n"
		"                shown at the end: who sends as us\n",
	.run = run,
};
