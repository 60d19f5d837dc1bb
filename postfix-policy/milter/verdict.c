/* SPDX-License-Identifier: MIT */
#include "postfix-policy/milter/verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/log.h"

/* --- findings ---------------------------------------------------------------------- */

/* A notice is never refused for alignment, indirect mail for nothing. */
static enum rmt_level level_of(const struct rmt_message_facts *facts,
			       const struct rmt_stream *stream, enum rmt_rule_group group)
{
	enum rmt_level level = (enum rmt_level)stream->rules[group];
	const bool about_domains = group == RMT_RULES_ALIGN || group == RMT_RULES_BULK;

	if (facts->kind == RMT_KIND_INDIRECT ||
	    (facts->kind == RMT_KIND_NOTICE && about_domains))
		return MIN(level, RMT_LEVEL_LOG);
	return level;
}

struct judging {
	const struct rmt_message_facts *facts;
	const struct rmt_stream *stream;
	struct rmt_outcome *verdict;
};

static void add(struct judging *judging, enum rmt_rule_group group, const char *rule,
		const char *code, const char *format, ...) G_GNUC_PRINTF(5, 6);

static void add(struct judging *judging, enum rmt_rule_group group, const char *rule,
		const char *code, const char *format, ...)
{
	struct rmt_outcome *verdict = judging->verdict;
	enum rmt_level level = level_of(judging->facts, judging->stream, group);
	g_autoptr(GString) shown = g_string_new(NULL);
	g_autofree char *text = NULL;
	struct rmt_found *found;
	va_list args;

	if (level == RMT_LEVEL_OFF || verdict->count == RMT_FINDINGS_MAX)
		return;
	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	rmt_log_printable(shown, rmt_span_of(text), RMT_FINDING_TEXT_MAX - 8);
	found = &verdict->found[verdict->count++];
	*found = (struct rmt_found){
		.group = group, .level = level, .rule = rule, .code = code
	};
	g_strlcpy(found->text, shown->str, sizeof(found->text));
}

static void judge_from(struct judging *judging)
{
	const struct rmt_from *from = &judging->facts->from;

	if (from->result == RMT_FROM_OK)
		return;
	if (from->offset > 0)
		add(judging, RMT_RULES_FROM, "R11", "7.1",
		    "From: %s (at octet %zu of the header)", from->reason, from->offset);
	else
		add(judging, RMT_RULES_FROM, "R11", "7.1", "From: %s", from->reason);
}

/* What SPF has to say, for whoever sent it: no address of ours. */
static const char *spf_words(const struct rmt_message_facts *facts, GString *buffer)
{
	const char *domain = facts->spf.domain;

	if (domain == NULL)
		return "there is no return path for SPF";
	if (facts->spf.evaluated && facts->spf.result == RMT_SPF_PASS)
		g_string_printf(buffer, "SPF passes for %s", domain);
	else if (facts->spf.evaluated)
		g_string_printf(buffer, "SPF gives %s for %s",
				rmt_spf_verdict_name(facts->spf.result), domain);
	else
		g_string_printf(buffer, "SPF could only speak for %s", domain);
	return buffer->str;
}

static const char *dkim_words(const struct rmt_message_facts *facts)
{
	if (facts->dkim_text->len == 0 || strcmp(facts->dkim_text->str, "none") == 0)
		return "there is no DKIM signature";
	return facts->dkim == RMT_YES ? "the DKIM signatures are of other domains"
				      : "no DKIM signature holds";
}

/* R1: nobody vouches for anything. R7: somebody does, but for another domain, and
 * the one in From asks to refuse such mail. R6: it does not ask. */
static void judge_alignment(struct judging *judging)
{
	const struct rmt_message_facts *facts = judging->facts;
	const bool spf_passes = facts->spf.evaluated && facts->spf.result == RMT_SPF_PASS;
	const bool nothing =
		!spf_passes && facts->spf.evaluated && facts->dkim != RMT_YES;
	g_autoptr(GString) buffer = g_string_new(NULL);
	const char *spf = spf_words(facts, buffer), *dkim = dkim_words(facts);
	const char *domain = facts->from.domain;

	if (facts->aligned == RMT_UNKNOWN)
		judging->verdict->open = facts->spf.evaluated || facts->spf.domain == NULL
						 ? "dns"
						 : "no-egress";
	if (facts->aligned != RMT_NO)
		return;
	if (nothing)
		add(judging, RMT_RULES_ALIGN, "R1", "7.26",
		    "Mail from %s is not authenticated: %s, and %s", domain, dkim, spf);
	else if (facts->policy > RMT_DMARC_NONE)
		add(judging, RMT_RULES_ALIGN, "R7", "7.26",
		    "The DMARC policy of %s (%s) does not allow this mail: %s, and %s",
		    domain, rmt_dmarc_policy_name(facts->policy), dkim, spf);
	else
		add(judging, RMT_RULES_ALIGN, "R6", "7.32",
		    "Nothing vouches for %s in From: %s, and %s", domain, dkim, spf);
}

static void judge_bulk(struct judging *judging)
{
	const struct rmt_message_facts *facts = judging->facts;
	g_autoptr(GString) buffer = g_string_new(NULL);

	if (facts->spf.evaluated && facts->spf.result != RMT_SPF_PASS &&
	    facts->spf.result != RMT_SPF_TEMPERROR)
		add(judging, RMT_RULES_BULK, "R2", "7.27", "Bulk mail needs SPF: %s",
		    spf_words(facts, buffer));
	if (facts->dkim == RMT_NO)
		add(judging, RMT_RULES_BULK, "R4", "7.30", "Bulk mail needs DKIM: %s",
		    dkim_words(facts));
}

/* --- the verdict ----------------------------------------------------------------------
 */

static void decide(const struct rmt_stream *stream, struct rmt_outcome *verdict)
{
	size_t i;

	for (i = 0; i < verdict->count; i++)
		if (verdict->why == NULL || verdict->found[i].level > verdict->level) {
			verdict->why = &verdict->found[i];
			verdict->level = verdict->found[i].level;
		}
	verdict->done = verdict->level;
	if (stream->mode == RMT_MODE_REPORT)
		verdict->done = MIN(verdict->level, RMT_LEVEL_LOG);
}

void rmt_judge(const struct rmt_message_facts *facts, const struct rmt_stream *stream,
	       struct rmt_outcome *verdict_r)
{
	struct judging judging = { facts, stream, verdict_r };

	verdict_r->count = 0;
	verdict_r->level = verdict_r->done = RMT_LEVEL_OFF;
	verdict_r->why = NULL;
	verdict_r->open = NULL;
	judge_from(&judging);
	if (facts->from.result == RMT_FROM_OK)
		judge_alignment(&judging);
	judge_bulk(&judging);
	decide(stream, verdict_r);
}

/* --- words
 * ------------------------------------------------------------------------------ */

void rmt_outcome_rules(const struct rmt_outcome *verdict, GString *out)
{
	size_t i, k;

	for (i = 0; i < verdict->count; i++) {
		for (k = 0; k < i; k++)
			if (strcmp(verdict->found[k].rule, verdict->found[i].rule) == 0)
				break;
		if (k == i)
			g_string_append_printf(out, "%s%s", i > 0 ? "," : "",
					       verdict->found[i].rule);
	}
	if (verdict->count == 0)
		g_string_append_c(out, '-');
}

/* RFC 5321, 4.2.3: 552 is about storage and sizes, as is X.3.4. */
static const char *basic_code(const struct rmt_found *found)
{
	if (found->level == RMT_LEVEL_DEFER)
		return "451";
	return strcmp(found->code, "3.4") == 0 ? "552" : "550";
}

void rmt_outcome_reply(const struct rmt_outcome *verdict, struct rmt_reply *reply_r)
{
	const struct rmt_found *why = verdict->why;

	g_strlcpy(reply_r->code, basic_code(why), sizeof(reply_r->code));
	snprintf(reply_r->status, sizeof(reply_r->status), "%c.%s",
		 why->level == RMT_LEVEL_DEFER ? '4' : '5', why->code);
	snprintf(reply_r->text, sizeof(reply_r->text), "%s (rule %s)", why->text,
		 why->rule);
}

void rmt_outcome_field(const struct rmt_outcome *verdict, GString *out)
{
	size_t i;

	for (i = 0; i < verdict->count; i++)
		if (verdict->found[i].level >= RMT_LEVEL_HEADER)
			g_string_append_printf(
				out, "%s%s: %s", out->len > 0 ? ";\n\t" : "",
				verdict->found[i].rule, verdict->found[i].text);
}
