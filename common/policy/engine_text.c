/* SPDX-License-Identifier: MIT */
/* engine_text.c - what the sender and the administrator read. */
#include "common/policy/engine_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/log.h"

/* One line of printable ASCII, cut to fit an SMTP reply. */
static void set_text(struct rmt_decision *decision, const char *text)
{
	size_t i;

	g_strlcpy(decision->text, text, sizeof(decision->text));
	for (i = 0; decision->text[i] != '\0'; i++)
		if (decision->text[i] < ' ' || decision->text[i] > '~')
			decision->text[i] = '?';
}

static void format_day(int64_t wall_secs, char out[11])
{
	time_t t = (time_t)wall_secs;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || strftime(out, 11, "%Y-%m-%d", &tm) == 0)
		strcpy(out, "?");
}

/* RFC 3463: 4 for "later", 5 for "never"; 7.1 is "delivery not authorized". */
static const char *status_code(enum rmt_action action)
{
	switch (action) {
	case RMT_ACTION_DEFER:
		return "4.7.1 ";
	case RMT_ACTION_REJECT:
		return "5.7.1 ";
	default:
		return "";
	}
}

void rmt_text_pause(const struct rmt_stream_state *state, const struct rmt_work *work,
		    struct rmt_decision *decision)
{
	const bool told = state->reason != NULL && state->reason[0] != '\0';
	g_autofree char *text = g_strdup_printf("4.7.1 Mail of stream %s is paused%s%s",
						work->stream->name, told ? ": " : "",
						told ? state->reason : "");

	strcpy(decision->rule_name, "paused");
	set_text(decision, text);
}

void rmt_text_suppression(const struct rmt_suppress_hit *hit, const struct rmt_work *work,
			  struct rmt_decision *decision)
{
	g_autofree char *text = NULL;
	char since[11];

	format_day(hit->since, since);
	text = g_strdup_printf("%s<%.*s> must not be mailed by stream %s: %s since %s",
			       status_code(decision->would),
			       RMT_SPAN_ARGS(work->recipient.whole), work->stream->name,
			       hit->reason, since);
	snprintf(decision->rule_name, sizeof(decision->rule_name), "suppressed:%s",
		 hit->reason);
	g_strlcpy(decision->key, hit->scope, sizeof(decision->key));
	set_text(decision, text);
}

/* "5.7.27 SPF gives fail for example.com (rule R2)" */
void rmt_text_gate(const struct rmt_gate_answer *answer, struct rmt_decision *decision)
{
	g_autofree char *text = g_strdup_printf(
		"%c.%s %s (rule %s)", decision->would == RMT_ACTION_DEFER ? '4' : '5',
		answer->code, answer->text, answer->rule);

	g_strlcpy(decision->rule_name, answer->rule, sizeof(decision->rule_name));
	set_text(decision, text);
}

void rmt_text_trouble(const char *problem, struct rmt_decision *decision)
{
	strcpy(decision->rule_name, "trouble");
	rmt_log(RMT_LOG_ERROR, "%s", problem);
	if (decision->would == RMT_ACTION_DEFER || decision->would == RMT_ACTION_REJECT)
		set_text(decision,
			 decision->would == RMT_ACTION_DEFER
				 ? "4.3.0 Policy is out of order; try again later"
				 : "5.3.0 Policy is out of order");
}

static void format_period(uint64_t ns, GString *out)
{
	static const struct {
		uint64_t secs;
		const char *name, *letter;
	} units[] = {
		{ 604800, "week", "w" }, { 86400, "day", "d" }, { 3600, "hour", "h" },
		{ 60, "minute", "m" },   { 1, "second", "s" },
	};
	uint64_t secs = ns / RMT_NS_PER_SEC;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(units); i++) {
		if (secs == units[i].secs)
			g_string_append(out, units[i].name);
		else if (secs > units[i].secs && secs % units[i].secs == 0)
			g_string_append_printf(out, "%" PRIu64 "%s", secs / units[i].secs,
					       units[i].letter);
		else
			continue;
		return;
	}
	g_string_append_printf(out, "%" PRIu64 "ms", ns / RMT_NS_PER_MS);
}

/* "40 s", "3 min", "2 h", rounded up. */
static void format_wait(int64_t ns, GString *out)
{
	int64_t secs = MAX(ns / RMT_NS_PER_SEC + (ns % RMT_NS_PER_SEC != 0), 1);

	if (secs < 120)
		g_string_append_printf(out, "%" PRId64 " s", secs);
	else if (secs < 7200)
		g_string_append_printf(out, "%" PRId64 " min", (secs + 59) / 60);
	else
		g_string_append_printf(out, "%" PRId64 " h", (secs + 3599) / 3600);
}

struct placeholders {
	const struct rmt_limit *limit;
	const struct rmt_work *work;
	const struct rmt_decision *decision;
	const struct rmt_amount *amount;
};

static bool append_placeholder(GString *out, struct rmt_span name,
			       const struct placeholders *of)
{
	if (rmt_span_eq(name, RMT_SPAN("stream")))
		g_string_append(out, of->work->stream->name);
	else if (rmt_span_eq(name, RMT_SPAN("limit")))
		g_string_append(out, of->limit->name);
	else if (rmt_span_eq(name, RMT_SPAN("key")))
		g_string_append(out, of->decision->key);
	else if (rmt_span_eq(name, RMT_SPAN("count")))
		g_string_append_printf(out, "%" PRIu64, of->decision->usage.used);
	else if (rmt_span_eq(name, RMT_SPAN("max")))
		g_string_append_printf(out, "%" PRIu64, of->amount->count);
	else if (rmt_span_eq(name, RMT_SPAN("unit")))
		g_string_append(out, rmt_unit_name(of->limit->of));
	else if (rmt_span_eq(name, RMT_SPAN("period")))
		format_period(of->amount->period_ns, out);
	else if (rmt_span_eq(name, RMT_SPAN("retry")))
		format_wait(of->decision->usage.retry_ns, out);
	else if (rmt_span_eq(name, RMT_SPAN("recipient")))
		g_string_append_len(out, of->work->recipient.text,
				    (gssize)of->work->recipient.whole.len);
	else if (rmt_span_eq(name, RMT_SPAN("sender")))
		g_string_append_len(out, of->work->sender.text,
				    (gssize)of->work->sender.whole.len);
	else
		return false;
	return true;
}

static void expand(const char *text, const struct placeholders *of, GString *out)
{
	const char *end;

	for (; *text != '\0'; text++) {
		end = *text == '{' ? strchr(text, '}') : NULL;
		if (end != NULL &&
		    append_placeholder(out, rmt_span(text + 1, (size_t)(end - text - 1)),
				       of))
			text = end;
		else
			g_string_append_c(out, *text);
	}
}

static bool has_status_code(const char *text)
{
	return g_ascii_isdigit(text[0]) && text[1] == '.' && g_ascii_isdigit(text[2]);
}

void rmt_text_limit(const struct rmt_limit *limit, const struct rmt_work *work,
		    struct rmt_decision *decision)
{
	static const char standard[] =
		"Limit {limit} of stream {stream} is reached: {max} {unit} per {period}";
	static const char standard_later[] =
		"Limit {limit} of stream {stream} is reached: {max} {unit} per {period}; "
		"try again in {retry}";
	char buffer[RMT_KEY_TEXT_MAX];
	struct rmt_span key = rmt_key_text(work, limit, buffer);
	const struct rmt_amount *amount =
		key.p != NULL ? rmt_key_amount(limit, key) : NULL;
	struct placeholders of = { limit, work, decision,
				   amount != NULL ? amount : &limit->amount };
	const char *text = limit->text != NULL                  ? limit->text
			   : limit->action == RMT_ACTION_REJECT ? standard
								: standard_later;
	g_autoptr(GString) out = g_string_new(NULL);

	snprintf(decision->rule_name, sizeof(decision->rule_name), "limit:%s",
		 limit->name);
	g_strlcpy(decision->key, key.p != NULL ? "" : "-", sizeof(decision->key));
	if (key.p != NULL)
		snprintf(decision->key, sizeof(decision->key), "%.*s",
			 RMT_SPAN_ARGS(key));
	if (!has_status_code(text))
		g_string_append(out, status_code(limit->action));
	expand(text, &of, out);
	set_text(decision, out->str);
}

/* Once per request: without printf. */
static void append(GString *out, const char *name, const char *value)
{
	g_string_append(out, name);
	g_string_append(out, value);
}

static void append_named(GString *out, const char *name, struct rmt_span value,
			 bool angle)
{
	append(out, name, angle ? "<" : "");
	rmt_log_printable(out, value, 320);
	if (angle)
		g_string_append_c(out, '>');
}

static void append_number(GString *out, const char *name, uint64_t number)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	g_string_append(out, name);
	g_string_append_len(out, digits + at, (gssize)(sizeof(digits) - at));
}

static void append_limit(GString *out, const struct rmt_work *work,
			 const struct rmt_decision *decision)
{
	char buffer[RMT_KEY_TEXT_MAX];

	if (decision->limit == NULL)
		return;
	append(out, " limit=", decision->limit->name);
	append_number(out, " used=", decision->usage.used);
	append_number(out, " of=", decision->usage.limit);
	append_named(out, " key=", rmt_key_text(work, decision->limit, buffer), false);
}

static const char *stage_name(enum rmt_stage stage)
{
	static const char *const names[] = { "OTHER", "VRFY", "RCPT", "DATA",
					     "END-OF-MESSAGE" };

	return names[stage];
}

void rmt_decision_format(const struct rmt_work *work, const struct rmt_decision *decision,
			 GString *out)
{
	append(out, "action=", rmt_action_name(decision->action));
	if (decision->would != decision->action)
		append(out, " would=", rmt_action_name(decision->would));
	append(out, " stream=", work->stream != NULL ? work->stream->name : "-");
	append(out, " rule=", decision->rule_name);
	append(out, " stage=", stage_name(work->facts.stage));
	append_limit(out, work, decision);
	append_named(out, " sender=", work->facts.sender, true);
	if (work->facts.recipient.len > 0)
		append_named(out, " recipient=", work->facts.recipient, true);
	if (work->facts.recipient_count > 0)
		append_number(out, " recipients=", work->facts.recipient_count);
	if (work->facts.sasl_user.len > 0)
		append_named(out, " sasl_user=", work->facts.sasl_user, false);
	append_named(out, " client=", work->facts.client_address, false);
	if (decision->unknown != NULL)
		append(out, " unknown=", decision->unknown);
	if (decision->candidates_charged)
		g_string_append(out, " note=\"a refused recipient is not named: the "
				     "recipients' own limits keep all\"");
	if (decision->text[0] != '\0')
		g_string_append_printf(out, " text=\"%s\"", decision->text);
}
