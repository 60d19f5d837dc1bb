/* SPDX-License-Identifier: MIT */
#include "postfix-policy/milter/judge.h"

#include <string.h>

#include "common/rules/names.h"
#include "common/rules/rules.h"

enum rmt_level rmt_judge_level(const struct rmt_stream *stream, enum rmt_kind kind,
			       enum rmt_rule_group group)
{
	enum rmt_level level = (enum rmt_level)stream->rules[group];
	const bool about_domains = group == RMT_RULES_ALIGN || group == RMT_RULES_BULK ||
				   group == RMT_RULES_DOMAINS;

	if (kind == RMT_KIND_INDIRECT || (kind == RMT_KIND_NOTICE && about_domains))
		return MIN(level, RMT_LEVEL_LOG);
	return level;
}

struct judging {
	const struct rmt_message_facts *facts;
	const struct rmt_stream *stream;
	struct rmt_outcome *outcome;
};

static void add(struct judging *judging, enum rmt_rule_group group,
		enum rmt_rule_number rule, const char *code, const char *format, ...)
	G_GNUC_PRINTF(5, 6);

static void add(struct judging *judging, enum rmt_rule_group group,
		enum rmt_rule_number rule, const char *code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	rmt_outcome_add_va(judging->outcome,
			   rmt_judge_level(judging->stream, judging->facts->kind, group),
			   rmt_rule_get(rule)->id, code, format, args);
	va_end(args);
}

static void judge_from(struct judging *judging)
{
	const struct rmt_from *from = &judging->facts->from;

	if (from->result == RMT_FROM_OK)
		return;
	if (from->offset > 0)
		add(judging, RMT_RULES_FROM, RMT_R11, "7.1",
		    "From: %s (at octet %zu of the header)", from->reason, from->offset);
	else
		add(judging, RMT_RULES_FROM, RMT_R11, "7.1", "From: %s", from->reason);
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
	if (facts->dkim == RMT_YES)
		return "the DKIM signatures are of other domains";
	return facts->narrow ? "no DKIM signature holds but of Ed25519, which Gmail and "
			       "Outlook do not verify"
			     : "no DKIM signature holds";
}

/* R1: nobody vouches for anything. R8: for free mail, whose own hosts alone may send.
 * R7: somebody does, but for another domain, and the one in From asks to refuse such
 * mail. R6: it does not ask. */
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
		judging->outcome->open = facts->spf.evaluated || facts->spf.domain == NULL
						 ? "dns"
						 : "no-egress";
	if (facts->aligned != RMT_NO)
		return;
	if (nothing)
		add(judging, RMT_RULES_ALIGN, RMT_R1, "7.26",
		    "Mail from %s is not authenticated: %s, and %s", domain, dkim, spf);
	else if (rmt_is_free_mail(rmt_span_of(domain)))
		add(judging, RMT_RULES_ALIGN, RMT_R8, "7.26",
		    "Only the hosts of %s may send for its addresses: %s, and %s", domain,
		    dkim, spf);
	else if (facts->policy > RMT_DMARC_NONE)
		add(judging, RMT_RULES_ALIGN, RMT_R7, "7.26",
		    "The DMARC policy of %s (%s) does not allow this mail: %s, and %s",
		    domain, rmt_dmarc_policy_name(facts->policy), dkim, spf);
	else
		add(judging, RMT_RULES_ALIGN, RMT_R6, "7.32",
		    "Nothing vouches for %s in From: %s, and %s", domain, dkim, spf);
}

static void judge_bulk(struct judging *judging)
{
	const struct rmt_message_facts *facts = judging->facts;
	g_autoptr(GString) buffer = g_string_new(NULL);

	if (facts->spf.evaluated && facts->spf.result != RMT_SPF_PASS &&
	    facts->spf.result != RMT_SPF_TEMPERROR)
		add(judging, RMT_RULES_BULK, RMT_R2, "7.27", "Bulk mail needs SPF: %s",
		    spf_words(facts, buffer));
	if (facts->dkim == RMT_NO)
		add(judging, RMT_RULES_BULK, RMT_R4, "7.30", "Bulk mail needs DKIM: %s",
		    dkim_words(facts));
	if (facts->from.result == RMT_FROM_OK && facts->published == RMT_NO)
		add(judging, RMT_RULES_BULK, RMT_R5, "7.40",
		    "Bulk mail needs a DMARC record, and %s has none",
		    facts->from.domain);
}

void rmt_judge(const struct rmt_message_facts *facts, const struct rmt_stream *stream,
	       struct rmt_outcome *outcome)
{
	struct judging judging = { facts, stream, outcome };

	judge_from(&judging);
	if (facts->from.result == RMT_FROM_OK)
		judge_alignment(&judging);
	judge_bulk(&judging);
}
