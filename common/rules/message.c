/* SPDX-License-Identifier: MIT */
#include "common/message/header.h"
#include "common/rules/message.h"
#include "common/rules/names.h"

/* What the signatures come to. */
struct signatures {
	unsigned count, passed, rsa_passed, unknown;
	const struct rmt_dkim_signature *first; /* that did not pass */
};

static struct signatures sum_signatures(const struct rmt_dkim *dkim)
{
	const struct rmt_dkim_signature *signature;
	struct signatures sum = { 0 };
	size_t i;

	for (i = 0; (signature = rmt_dkim_get(dkim, i)) != NULL; i++) {
		bool passed = signature->result == RMT_DKIM_PASS;

		sum.count++;
		sum.passed += passed;
		sum.rsa_passed += rmt_dkim_holds_widely(signature);
		sum.unknown += signature->result == RMT_DKIM_TEMPERROR;
		if (!passed && sum.first == NULL)
			sum.first = signature;
	}
	return sum;
}

static enum rmt_spf_verdict spf_of(const struct rmt_mail_facts *mail)
{
	const struct rmt_egress_facts *egress = mail->domain->egress->pdata[0];

	return rmt_spf_result(egress->spf)->result;
}

static void judge_either(const struct rmt_mail_facts *mail,
			 struct rmt_rule_findings *findings) /* R1 */
{
	struct signatures sum = sum_signatures(mail->dkim);
	enum rmt_spf_verdict spf = spf_of(mail);
	const char *from = mail->from->domain;

	if (spf == RMT_SPF_PASS || sum.rsa_passed > 0)
		rmt_rule_add(findings, RMT_R1, RMT_RULE_HOLDS, from, "%s",
			     spf == RMT_SPF_PASS ? "SPF passes" : "a signature holds");
	else if (spf == RMT_SPF_TEMPERROR || sum.unknown > 0)
		rmt_rule_add(findings, RMT_R1, RMT_RULE_UNKNOWN, from,
			     "DNS did not answer");
	else
		rmt_rule_add(findings, RMT_R1, RMT_RULE_BROKEN, from,
			     "SPF gives %s, and %s", rmt_spf_verdict_name(spf),
			     sum.passed > 0  ? "only an Ed25519 signature holds"
			     : sum.count > 0 ? "no signature holds"
					     : "there is no signature");
}

static void judge_signatures(const struct rmt_mail_facts *mail,
			     struct rmt_rule_findings *findings) /* R4 */
{
	struct signatures sum = sum_signatures(mail->dkim);
	const char *from = mail->from->domain;

	if (sum.rsa_passed > 0)
		rmt_rule_add(findings, RMT_R4, RMT_RULE_HOLDS, from, "a signature holds");
	else if (sum.unknown > 0)
		rmt_rule_add(findings, RMT_R4, RMT_RULE_UNKNOWN, from,
			     "DNS did not answer");
	else if (sum.passed > 0)
		rmt_rule_add(
			findings, RMT_R4, RMT_RULE_BROKEN, from,
			"only an Ed25519 signature holds, which Gmail and Outlook do "
			"not verify");
	else if (sum.count == 0)
		rmt_rule_add(findings, RMT_R4, RMT_RULE_BROKEN, from,
			     "there is no signature");
	else
		rmt_rule_add(findings, RMT_R4, RMT_RULE_BROKEN, from,
			     "no signature holds: d=%.*s: %s",
			     RMT_SPAN_ARGS(sum.first->domain),
			     rmt_dkim_reason_text(sum.first->reason));
}

static bool any_unknown(const struct rmt_mail_facts *mail)
{
	return mail->dmarc->tree.verdict == RMT_DMARC_TEMPERROR ||
	       spf_of(mail) == RMT_SPF_TEMPERROR ||
	       sum_signatures(mail->dkim).unknown > 0;
}

static void judge_aligned(const struct rmt_mail_facts *mail,
			  struct rmt_rule_findings *findings) /* R6 */
{
	const struct rmt_dmarc_view *view = &mail->dmarc->tree;
	const char *from = mail->from->domain;

	if (view->spf_aligned || view->dkim_aligned)
		rmt_rule_add(findings, RMT_R6, RMT_RULE_HOLDS, from, "aligned with %s",
			     view->spf_aligned && view->dkim_aligned ? "SPF and DKIM"
			     : view->spf_aligned                     ? "SPF"
								     : "DKIM");
	else if (any_unknown(mail))
		rmt_rule_add(findings, RMT_R6, RMT_RULE_UNKNOWN, from,
			     "DNS did not answer");
	else
		rmt_rule_add(findings, RMT_R6, RMT_RULE_BROKEN, from,
			     "aligned with nothing that passes");
}

/* One kind of receiver. True: a finding was added. */
static bool judge_view(const struct rmt_mail_facts *mail,
		       const struct rmt_dmarc_view *view, const char *rfc,
		       struct rmt_rule_findings *findings)
{
	bool rejects = view->disposition == RMT_DMARC_REJECT;

	if (view->verdict != RMT_DMARC_FAIL || view->disposition == RMT_DMARC_NONE)
		return false;
	rmt_rule_add(findings, RMT_R7, RMT_RULE_BROKEN, mail->from->domain,
		     "fails DMARC (%s), and %.*s asks to %s such mail", rfc,
		     RMT_SPAN_ARGS(view->policy_domain), rejects ? "reject" : "put aside")
		->severity = rejects ? RMT_SEVERITY_ERROR : RMT_SEVERITY_WARNING;
	return true;
}

static void judge_policy(const struct rmt_mail_facts *mail,
			 struct rmt_rule_findings *findings) /* R7 */
{
	const struct rmt_dmarc_view *view = &mail->dmarc->tree;

	if (view->verdict == RMT_DMARC_TEMPERROR)
		rmt_rule_add(findings, RMT_R7, RMT_RULE_UNKNOWN, mail->from->domain,
			     "DNS did not answer");
	else if (!judge_view(mail, view, "RFC 9989", findings) &&
		 !judge_view(mail, &mail->dmarc->psl, "RFC 7489", findings))
		rmt_rule_add(findings, RMT_R7, RMT_RULE_HOLDS, mail->from->domain, "%s",
			     view->verdict == RMT_DMARC_PASS ? "DMARC passes"
			     : view->verdict == RMT_DMARC_NO_POLICY
				     ? "there is no policy"
				     : "the policy asks for "
				       "nothing");
}

/* Mail that the provider itself signed is its own. */
static void judge_free_mail(const struct rmt_mail_facts *mail,
			    struct rmt_rule_findings *findings) /* R8 */
{
	if (mail->dmarc->tree.spf_aligned || mail->dmarc->tree.dkim_aligned)
		rmt_rule_add(findings, RMT_R8, RMT_RULE_HOLDS, mail->from->domain,
			     "vouches for the message");
	else if (rmt_is_free_mail(rmt_span_of(mail->domain->domain)) && any_unknown(mail))
		rmt_rule_add(findings, RMT_R8, RMT_RULE_UNKNOWN, mail->from->domain,
			     "DNS did not answer");
	else
		rmt_rule_free_mail(mail->domain, findings);
}

static void judge_from(const struct rmt_mail_facts *mail,
		       struct rmt_rule_findings *findings) /* R11 */
{
	if (mail->from->result != RMT_FROM_OK)
		rmt_rule_add(findings, RMT_R11, RMT_RULE_BROKEN, "From", "%s (octet %zu)",
			     mail->from->reason, mail->from->offset);
	else if (mail->header == NULL)
		rmt_rule_add(findings, RMT_R11, RMT_RULE_NEEDS, "From",
			     "From is right; other fields are not judged here");
}

static void judge_header(const struct rmt_mail_facts *mail,
			 struct rmt_rule_findings *findings)
{
	struct rmt_header_field field;

	rmt_rule_format(mail->header, findings);
	rmt_rule_header_sizes(mail->header, findings);
	if (mail->bulk || rmt_header_first(mail->header, "List-Unsubscribe", &field)) {
		rmt_rule_one_click(mail->header, findings);
		rmt_rule_unsubscribe_link(mail->header, findings);
	}
	rmt_rule_deceptive(mail->header, findings);
}

static bool has_field(const struct rmt_mail_facts *mail, const char *name)
{
	struct rmt_header_field field;

	return rmt_header_first(mail->header, name, &field);
}

/* What passes through is known by what redirecting programs and lists leave. */
static void judge_forwarded(const struct rmt_mail_facts *mail,
			    struct rmt_rule_findings *findings) /* R21 */
{
	const struct rmt_facts *domain = mail->domain;
	const struct rmt_forward_facts facts = {
		.is_forwarded = has_field(mail, "Resent-From") ||
				has_field(mail, "Resent-Sender") ||
				rmt_is_srs(rmt_span_of(domain->mail_from)),
		.signature_holds = mail->dmarc->tree.dkim_aligned,
		.unknown = sum_signatures(mail->dkim).unknown > 0,
		.has_arc = has_field(mail, "ARC-Seal"),
		.own_return_path =
			!rmt_domain_within(rmt_span_of(domain->mail_from_domain),
					   rmt_span_of(domain->domain)),
	};

	rmt_rule_forwarded(&facts, findings);
}

/* Replies go to Reply-To; From is then not asked. */
static void judge_domains(const struct rmt_mail_facts *mail,
			  struct rmt_rule_findings *findings) /* R17, R18 */
{
	rmt_rule_domain_exists(mail->domain, findings);
	if (mail->return_path != NULL)
		rmt_rule_resolves(mail->return_path, "return path", findings);
	if (mail->reply_to != NULL)
		rmt_rule_answerable(mail->reply_to, "Reply-To", findings);
	else
		rmt_rule_can_reply(mail->domain, findings);
}

static void add_rest(struct rmt_rule_findings *findings)
{
	unsigned i;
	guint j;

	for (i = RMT_R1; i <= RMT_R22; i++) {
		bool said = false;

		for (j = 0; j < findings->list->len && !said; j++)
			said = ((struct rmt_rule_finding *)findings->list->pdata[j])
				       ->rule->number == i;
		if (!said)
			rmt_rule_add(findings, i, RMT_RULE_NEEDS, "message",
				     "not judged here");
	}
}

void rmt_rules_message(const struct rmt_mail_facts *mail,
		       struct rmt_rule_findings *findings)
{
	judge_from(mail, findings);
	if (mail->header != NULL)
		judge_header(mail, findings);
	if (mail->domain != NULL) {
		judge_either(mail, findings);
		rmt_rule_spf(mail->domain, findings);
		rmt_rule_spf_record(mail->domain, findings);
		judge_signatures(mail, findings);
		rmt_rule_dmarc_record(mail->domain, findings);
		judge_aligned(mail, findings);
		judge_policy(mail, findings);
		judge_free_mail(mail, findings);
		rmt_rule_ptr(mail->domain, findings);
		judge_domains(mail, findings);
		rmt_rule_scripts(mail->domain, findings);
		if (mail->header != NULL)
			judge_forwarded(mail, findings);
	}
	add_rest(findings);
}
