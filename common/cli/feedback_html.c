/* SPDX-License-Identifier: MIT */
/* feedback_html.c - the page of `remite report --html`: text, tables and plots in
 * SVG; no script, nothing from elsewhere. */
#include <string.h>
#include <time.h>

#include "common/base/when.h"
#include "common/cli/feedback_report.h"
#include "common/feedback/aggregate.h"
#include "common/feedback/provider.h"

enum {
	WIDTH = 440, /* of a plot, in its own units */
	HEIGHT = 180,
	LEFT = 46,
	RIGHT = 8,
	TOP = 10,
	BOTTOM = 24,
	DAY_SECS = 86400,
};

static const char style[] =
	":root{--page:#fbfbfa;--card:#fff;--ink:#1d232a;--dim:#667079;--line:#dfe3e6;"
	"--a:#2f6db3;--b:#c8553d;--c:#d9a13b;--d:#5f8f5a;--e:#8a6fb0;--bad:#b3261e;"
	"--good:#2e7d4f}"
	"@media(prefers-color-scheme:dark){:root{--page:#14181c;--card:#1c2228;--ink:#"
	"e6e9ec;"
	"--dim:#98a2ab;--line:#323a42;--a:#6ea5df;--b:#e5826c;--c:#e6bd6a;--d:#8dbd88;"
	"--e:#b49bd8;--bad:#f2837c;--good:#7cc79a}}"
	"*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--ink);"
	"font:15px/1.5 system-ui,sans-serif}main{max-width:1020px;margin:0 auto;"
	"padding:28px 20px 60px}h1{font-size:24px;margin:0}h2{font-size:19px;margin:0}"
	"h3{font-size:14px;margin:0 0 4px;font-weight:600}p{margin:4px 0}"
	".dim{color:var(--dim)}section{background:var(--card);border:1px solid "
	"var(--line);"
	"border-radius:8px;padding:18px 20px;margin-top:20px}"
	".head{display:flex;gap:12px;align-items:baseline;flex-wrap:wrap}"
	".pill{font-size:12px;font-weight:600;padding:1px 9px;border-radius:9px;"
	"border:1px solid currentColor}.run{color:var(--good)}.paused{color:var(--bad)}"
	".numbers{display:flex;flex-wrap:wrap;gap:8px 34px;margin:12px 0 16px}"
	".numbers b{display:block;font-size:21px;font-variant-numeric:tabular-nums}"
	".plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(400px,100%)"
	",1fr));"
	"gap:18px}"
	"svg{width:100%;height:auto;display:block}svg "
	"text{fill:var(--dim);font-size:11px}"
	".key{display:flex;flex-wrap:wrap;gap:2px 14px;font-size:12.5px;color:var(--dim)}"
	".key i{display:inline-block;width:10px;height:10px;border-radius:2px;"
	"margin-right:5px}.wide{overflow-x:auto}table{border-collapse:collapse;width:100%"
	";"
	"margin-top:14px;font-variant-numeric:tabular-nums}th,td{text-align:right;"
	"padding:4px 8px;border-bottom:1px solid var(--line);white-space:nowrap}"
	"th{font-weight:600;font-size:13px;color:var(--dim)}"
	"th:first-child,td:first-child{text-align:left}";

static void escape(GString *out, const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	g_autofree char *escaped = g_markup_escape_text(valid, -1);

	g_string_append(out, escaped);
}

static void number(GString *out, uint64_t n)
{
	char digits[32];
	size_t len, i;

	g_snprintf(digits, sizeof(digits), "%" G_GUINT64_FORMAT, (guint64)n);
	len = strlen(digits);
	for (i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			g_string_append_c(out, ',');
		g_string_append_c(out, digits[i]);
	}
}

/* --- plots ------------------------------------------------------------------------- */

struct plot {
	GString *out;
	double x_max, y_max;
};

static double x_of(const struct plot *plot, double x)
{
	return LEFT + x / plot->x_max * (WIDTH - LEFT - RIGHT);
}

static double y_of(const struct plot *plot, double y)
{
	return HEIGHT - BOTTOM - y / plot->y_max * (HEIGHT - TOP - BOTTOM);
}

/* 1, 2 or 5 times a power of ten, at least so much. */
static double round_up(double value)
{
	double step = 1;

	while (step * 10 < value)
		step *= 10;
	if (value <= step)
		return step;
	if (value <= 2 * step)
		return 2 * step;
	return value <= 5 * step ? 5 * step : 10 * step;
}

static void short_number(GString *out, double n)
{
	if (n >= 1e6)
		g_string_append_printf(out, "%.3gM", n / 1e6);
	else if (n >= 1e4)
		g_string_append_printf(out, "%.3gk", n / 1e3);
	else
		g_string_append_printf(out, "%.4g", n);
}

static void begin_plot(struct plot *plot, const char *title, double x_max, double y_max)
{
	GString *out = plot->out;
	int i;

	plot->x_max = MAX(x_max, 1);
	plot->y_max = round_up(MAX(y_max, 1));
	g_string_append_printf(out,
			       "<div><h3>%s</h3><svg viewBox=\"0 0 %d %d\" role=\"img\" "
			       "aria-label=\"%s\">",
			       title, WIDTH, HEIGHT, title);
	for (i = 0; i <= 2; i++) {
		double y = y_of(plot, plot->y_max * i / 2);

		g_string_append_printf(out,
				       "<path d=\"M%d %.1fH%d\" stroke=\"var(--line)\"/>"
				       "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">",
				       LEFT, y, WIDTH - RIGHT, LEFT - 6, y + 4);
		short_number(out, plot->y_max * i / 2);
		g_string_append(out, "</text>");
	}
}

static void end_plot(struct plot *plot, const char *left, const char *right)
{
	g_string_append_printf(plot->out,
			       "<text x=\"%d\" y=\"%d\">%s</text><text x=\"%d\" y=\"%d\" "
			       "text-anchor=\"end\">%s</text></svg>",
			       LEFT, HEIGHT - 6, left, WIDTH - RIGHT, HEIGHT - 6, right);
}

struct layer {
	const char *name, *color;
	uint64_t (*value)(const struct rmt_report_sum *sum);
};

static void key(GString *out, const struct layer *layers, size_t count)
{
	size_t i;

	g_string_append(out, "<div class=\"key\">");
	for (i = 0; i < count; i++)
		g_string_append_printf(
			out, "<span><i style=\"background:var(--%s)\"></i>%s</span>",
			layers[i].color, layers[i].name);
	g_string_append(out, "</div></div>");
}

static double highest_day(const struct rmt_feedback_report *report,
			  const struct rmt_report_stream *stream,
			  const struct layer *layers, size_t count)
{
	uint64_t highest = 0, sum;
	unsigned day;
	size_t i;

	for (day = 0; day < report->days; day++) {
		for (sum = 0, i = 0; i < count; i++)
			sum += layers[i].value(&stream->days[day]);
		highest = MAX(highest, sum);
	}
	return (double)highest;
}

static void date_of(int64_t day, char out[8])
{
	time_t at = (time_t)(day * DAY_SECS);
	struct tm tm;

	gmtime_r(&at, &tm);
	strftime(out, 8, "%d %b", &tm);
}

/* Bars by day, one layer on the other. */
static void stacked(const struct rmt_feedback_report *report,
		    const struct rmt_report_stream *stream, const char *title,
		    const struct layer *layers, size_t count, GString *out)
{
	struct plot plot = { out };
	double width, below;
	char first[8], last[8];
	unsigned day;
	size_t i;

	begin_plot(&plot, title, report->days,
		   highest_day(report, stream, layers, count));
	width = (x_of(&plot, 1) - x_of(&plot, 0)) * 0.78;
	for (day = 0; day < report->days; day++)
		for (below = 0, i = 0; i < count; i++) {
			double value = (double)layers[i].value(&stream->days[day]);
			double top = y_of(&plot, below + value);

			if (value > 0)
				g_string_append_printf(
					out,
					"<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
					"height=\"%.1f\" fill=\"var(--%s)\"/>",
					x_of(&plot, day), top, width,
					y_of(&plot, below) - top, layers[i].color);
			below += value;
		}
	date_of(report->first_day, first);
	date_of(report->first_day + report->days - 1, last);
	end_plot(&plot, first, last);
	key(out, layers, count);
}

static uint64_t sent(const struct rmt_report_sum *sum)
{
	return sum->counts[RMT_RATE_SENT];
}

static uint64_t deferred(const struct rmt_report_sum *sum)
{
	return sum->counts[RMT_RATE_DEFERRED];
}

static uint64_t of(const struct rmt_report_sum *sum, int from, int to)
{
	uint64_t n = 0;

	for (; from <= to; from++)
		n += sum->counts[RMT_RATE_CLASSES + from];
	return n;
}

static uint64_t closed(const struct rmt_report_sum *sum)
{
	return of(sum, RMT_CLASS_MAILBOX_FULL, RMT_CLASS_INACTIVE);
}

static uint64_t policy(const struct rmt_report_sum *sum)
{
	return of(sum, RMT_CLASS_POLICY_SENDER, RMT_CLASS_AUTH);
}

static uint64_t network(const struct rmt_report_sum *sum)
{
	return of(sum, RMT_CLASS_NETWORK, RMT_CLASS_CONFIG_OURS);
}

static uint64_t unknown(const struct rmt_report_sum *sum)
{
	return sum->counts[RMT_RATE_CLASSES + RMT_CLASS_UNKNOWN];
}

static const struct layer volume_layers[] = {
	{ "recipients", "a", sent },
	{ "deferrals", "c", deferred },
};

static const struct layer bounce_layers[] = {
	{ "dead address or domain", "b", rmt_report_dead },
	{ "full or closed", "c", closed },
	{ "policy, reputation, rate", "e", policy },
	{ "network, expired, size", "a", network },
	{ "unknown", "d", unknown },
};

static void limit_line(const struct plot *plot, const struct rmt_pause_test *test)
{
	g_string_append_printf(
		plot->out,
		"<path d=\"M%.1f %.1fL%.1f %.1f\" stroke=\"var(--b)\" "
		"stroke-width=\"1.5\" "
		"stroke-dasharray=\"5 4\" fill=\"none\"/>",
		x_of(plot, 0), y_of(plot, (double)rmt_breaker_limit(test, 0)),
		x_of(plot, plot->x_max),
		y_of(plot, (double)rmt_breaker_limit(test, (uint64_t)plot->x_max)));
}

/* What the breaker sees: bad mails against all that count, day by day, and from
 * where on it pauses. */
static void evidence(const struct rmt_feedback_report *report, const char *title,
		     const struct rmt_tally *days, const struct rmt_pause_test *test,
		     GString *out)
{
	struct plot plot = { out };
	struct rmt_tally sum = { 0, 0 }, all = { 0, 0 };
	g_autoptr(GString) right = g_string_new(NULL);
	unsigned day;

	for (day = 0; day < report->days; day++) {
		all.n += days[day].n;
		all.k += days[day].k;
	}
	begin_plot(&plot, title, (double)all.n,
		   (double)MAX(rmt_breaker_limit(test, all.n), all.k));
	limit_line(&plot, test);
	g_string_append_printf(out, "<path d=\"M%.1f %.1f", x_of(&plot, 0),
			       y_of(&plot, 0));
	for (day = 0; day < report->days; day++) {
		sum.n += days[day].n;
		sum.k += days[day].k;
		if (days[day].n > 0)
			g_string_append_printf(out, "L%.1f %.1f",
					       x_of(&plot, (double)sum.n),
					       y_of(&plot, (double)sum.k));
	}
	g_string_append(out, "\" stroke=\"var(--a)\" stroke-width=\"2\" fill=\"none\"/>");
	number(right, all.n);
	g_string_append(right, " mails that count");
	end_plot(&plot, "0", right->str);
	g_string_append(out,
			"<div class=\"key\"><span><i style=\"background:var(--a)\"></i>"
			"counted</span><span><i style=\"background:var(--b)\"></i>"
			"pauses from here</span></div></div>");
}

/* --- numbers and tables ------------------------------------------------------------ */

static void share(GString *out, const char *name, struct rmt_tally tally)
{
	double low, high;

	g_string_append_printf(out, "<div><span class=\"dim\">%s</span><b>", name);
	if (tally.n == 0 || tally.n < tally.k) {
		g_string_append(out, "no data</b></div>");
		return;
	}
	rmt_share_interval(tally, &low, &high);
	g_string_append_printf(
		out, "%.2f&thinsp;%%</b><span class=\"dim\">%.2f to %.2f, of ",
		100 * (double)tally.k / (double)tally.n, 100 * low, 100 * high);
	number(out, tally.n);
	g_string_append(out, "</span></div>");
}

static void numbers(const struct rmt_report_stream *stream, GString *out)
{
	g_string_append(out, "<div class=\"numbers\"><div><span class=\"dim\">recipients"
			     "</span><b>");
	number(out, stream->sum.counts[RMT_RATE_SENT]);
	g_string_append(out, "</b></div>");
	share(out, "dead addresses", stream->bounces);
	share(out, "complaints", stream->complaints);
	g_string_append(out, "</div>");
}

static void cell(GString *out, uint64_t n)
{
	g_string_append(out, "<td>");
	number(out, n);
	g_string_append(out, "</td>");
}

static void no_cell(GString *out)
{
	g_string_append(out, "<td class=\"dim\">no data</td>");
}

/* What is only known where Postfix's log is read. */
static void cell_of_log(GString *out, const struct rmt_report_sum *all, uint64_t n)
{
	if (rmt_report_has_log(all))
		cell(out, n);
	else
		no_cell(out);
}

static void providers(const struct rmt_report_stream *stream, GString *out)
{
	guint i;

	g_string_append(out, "<div class=\"wide\"><table><tr><th>provider<th>recipients"
			     "<th>accepted<th>deferrals<th>dead<th>other bounces"
			     "<th>complaints</tr>");
	for (i = 0; i < stream->providers->len; i++) {
		const struct rmt_report_provider *p =
			g_ptr_array_index(stream->providers, i);

		g_string_append(out, "<tr><td>");
		escape(out, p->name);
		g_string_append(out, "</td>");
		cell(out, p->sum.counts[RMT_RATE_SENT]);
		cell_of_log(out, &stream->sum, p->sum.counts[RMT_RATE_ACCEPTED]);
		cell_of_log(out, &stream->sum, p->sum.counts[RMT_RATE_DEFERRED]);
		cell(out, rmt_report_dead(&p->sum));
		cell(out, rmt_report_other(&p->sum));
		if (rmt_provider_complains(p->name) ||
		    p->sum.counts[RMT_RATE_COMPLAINTS] > 0)
			cell(out, p->sum.counts[RMT_RATE_COMPLAINTS]);
		else
			no_cell(out);
		g_string_append(out, "</tr>");
	}
	g_string_append(out, "</table></div>");
}

static void heading(const struct rmt_feedback_report *report,
		    const struct rmt_report_stream *stream, GString *out)
{
	bool paused = rmt_stream_is_paused(&stream->state, report->now);
	char when[RMT_WHEN_SIZE];

	g_string_append(out, "<div class=\"head\"><h2>");
	escape(out, stream->stream->name);
	g_string_append_printf(out, "</h2><span class=\"pill %s\">%s</span></div>",
			       paused ? "paused" : "run", paused ? "paused" : "runs");
	if (!paused)
		return;
	g_string_append_printf(out, "<p>since %s by ",
			       rmt_when_format(stream->state.since, when));
	escape(out, stream->state.by != NULL ? stream->state.by : "?");
	if (stream->state.reason != NULL && stream->state.reason[0] != '\0') {
		g_string_append(out, ": ");
		escape(out, stream->state.reason);
	}
	g_string_append(out, "</p>");
}

static void section(const struct rmt_feedback_report *report,
		    const struct rmt_report_stream *stream, GString *out)
{
	const struct rmt_pause *pause = &stream->stream->pause;

	g_string_append(out, "<section>");
	heading(report, stream, out);
	numbers(stream, out);
	if (stream->sum.counts[RMT_RATE_SENT] == 0) {
		g_string_append(out, "<p class=\"dim\">Nothing left in these days.</p>"
				     "</section>");
		return;
	}
	g_string_append(out, "<div class=\"plots\">");
	stacked(report, stream, "Volume, and tries that were deferred", volume_layers,
		G_N_ELEMENTS(volume_layers), out);
	stacked(report, stream, "Bounces by class", bounce_layers,
		G_N_ELEMENTS(bounce_layers), out);
	evidence(report, "Complaints against the limit", stream->complaint_days,
		 &pause->complaints, out);
	evidence(report, "Dead addresses against the limit", stream->dead_days,
		 &pause->bounces, out);
	g_string_append(out, "</div>");
	providers(stream, out);
	g_string_append(out, "</section>");
}

static void aggregates(const struct rmt_feedback_report *report, GString *out)
{
	guint i;

	if (report->aggregates == NULL || report->aggregates->len == 0)
		return;
	g_string_append(out, "<section><h2>Who sends as us</h2><p class=\"dim\">by the "
			     "aggregate reports of DMARC that were taken in</p>"
			     "<div class=\"wide\"><table><tr><th>source<th>From"
			     "<th>aligned<th>not aligned</tr>");
	for (i = 0; i < report->aggregates->len && i < 50; i++) {
		const struct rmt_aggregate_row *row =
			g_ptr_array_index(report->aggregates, i);

		g_string_append(out, "<tr><td>");
		escape(out, row->source);
		g_string_append(out, "</td><td>");
		escape(out, row->domain);
		g_string_append(out, "</td>");
		cell(out, row->aligned);
		cell(out, row->unaligned);
		g_string_append(out, "</tr>");
	}
	g_string_append(out, "</table></div></section>");
}

void rmt_feedback_report_html(const struct rmt_feedback_report *report, GString *out)
{
	char when[RMT_WHEN_SIZE];
	guint i;

	g_string_append_printf(
		out,
		"<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta "
		"name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
		"<title>Streams</title><style>%s</style></head><body><main><h1>Streams</"
		"h1>"
		"<p class=\"dim\">%u days of sending until %s; intervals of "
		"95&thinsp;%%. "
		"Reports about mail that is not ours, without effect: %" G_GUINT64_FORMAT
		".</p>",
		style, report->days, rmt_when_format(report->now, when),
		(guint64)report->strangers);
	for (i = 0; i < report->streams->len; i++)
		section(report, g_ptr_array_index(report->streams, i), out);
	aggregates(report, out);
	g_string_append(out, "</main></body></html>\n");
}
