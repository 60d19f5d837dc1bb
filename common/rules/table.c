/* SPDX-License-Identifier: MIT */
/* table.c - the rules as rows. State of the providers' pages: 2026-07. */
#include "common/rules/rules.h"

#define G   (1u << RMT_GOOGLE)
#define Y   (1u << RMT_YAHOO)
#define M   (1u << RMT_MICROSOFT)
#define A   (1u << RMT_APPLE)
#define ALL (G | Y | M | A)

#define E RMT_FROM_ENVELOPE
#define H RMT_FROM_MESSAGE
#define D RMT_FROM_DNS
#define C RMT_FROM_HOST
#define L RMT_FROM_LOG

#define MS_BULK "550 5.7.515 (does not meet the required authentication level)"

static const struct rmt_rule rules[RMT_RULE_END] = {
	[RMT_R1] = { RMT_R1,
		     "R1",
		     "spf-or-dkim",
		     RMT_SEVERITY_ERROR,
		     G | Y,
		     0,
		     E | H | D,
		     "mail passes neither SPF nor DKIM",
		     "publish an SPF record with the addresses mail leaves from, and "
		     "sign "
		     "with DKIM",
		     { [RMT_GOOGLE] = "550-5.7.26 or 421-4.7.26 (unauthenticated)",
		       [RMT_YAHOO] = "550 or 554 5.7.9 (authentication)" } },
	[RMT_R2] = { RMT_R2,
		     "R2",
		     "spf",
		     RMT_SEVERITY_ERROR,
		     0,
		     ALL,
		     E | D,
		     "SPF does not pass for an address mail leaves from",
		     "list every address mail leaves from in the SPF record",
		     { [RMT_GOOGLE] = "550-5.7.27 or 421-4.7.27 (SPF)",
		       [RMT_MICROSOFT] = MS_BULK } },
	[RMT_R3] = { RMT_R3,
		     "R3",
		     "spf-record",
		     RMT_SEVERITY_ERROR,
		     G,
		     G,
		     D,
		     "the SPF record lets in too many, or is beyond the limits",
		     "keep one SPF record, within 10 look-ups, with narrow networks and "
		     "no 'ptr' or '+all'",
		     { [RMT_GOOGLE] = "550-5.7.24 or 451-4.7.24 (suspicious entries)" } },
	[RMT_R4] = { RMT_R4,
		     "R4",
		     "dkim",
		     RMT_SEVERITY_ERROR,
		     0,
		     ALL,
		     H | D,
		     "no DKIM signature passes, or there is no key it could pass with",
		     "sign with an RSA key of 2048 bits and publish it; ed25519 only "
		     "beside it",
		     { [RMT_GOOGLE] = "550-5.7.30 or 421-4.7.30 (DKIM)",
		       [RMT_MICROSOFT] = MS_BULK } },
	[RMT_R5] = { RMT_R5,
		     "R5",
		     "dmarc-record",
		     RMT_SEVERITY_ERROR,
		     0,
		     ALL,
		     D,
		     "the domain of From has no DMARC policy",
		     "publish one DMARC record, with p=none to begin with",
		     { [RMT_GOOGLE] = "550-5.7.40 or 421-4.7.40 (DMARC)",
		       [RMT_MICROSOFT] = MS_BULK } },
	[RMT_R6] = { RMT_R6,
		     "R6",
		     "aligned",
		     RMT_SEVERITY_ERROR,
		     0,
		     G | Y | M,
		     E | H | D,
		     "the domain of From is aligned with neither SPF nor DKIM",
		     "sign with d= of the From domain, or take a return path below it",
		     { [RMT_GOOGLE] = "421-4.7.32 (alignment)",
		       [RMT_MICROSOFT] = MS_BULK } },
	[RMT_R7] = { RMT_R7,
		     "R7",
		     "dmarc",
		     RMT_SEVERITY_ERROR,
		     ALL,
		     0,
		     E | H | D,
		     "the From domain's own DMARC policy asks to turn the mail away",
		     "sign with d= of the From domain, or take a return path below it",
		     { [RMT_GOOGLE] = "550-5.7.26 (the domain's DMARC policy)",
		       [RMT_YAHOO] = "554 5.7.9 (DMARC policy)",
		       [RMT_MICROSOFT] = "550 5.7.509 (DMARC policy)",
		       [RMT_APPLE] = "554 5.7.1 (the domain's DMARC policy)" } },
	[RMT_R8] = { RMT_R8,
		     "R8",
		     "free-mail-from",
		     RMT_SEVERITY_ERROR,
		     ALL,
		     0,
		     H | D,
		     "From is an address of a free mailbox provider",
		     "send from a domain of your own, and put the other address into "
		     "Reply-To",
		     { [RMT_GOOGLE] = "550-5.7.26 (the domain's DMARC policy)",
		       [RMT_YAHOO] = "554 5.7.9 (DMARC policy)" } },
	[RMT_R9] = { RMT_R9,
		     "R9",
		     "ptr",
		     RMT_SEVERITY_ERROR,
		     G | Y | A,
		     0,
		     D,
		     "an address mail leaves from has no name that leads back to it",
		     "have the network's owner set the PTR record, and publish the "
		     "address "
		     "of that name",
		     { [RMT_GOOGLE] = "550-5.7.25 or 451-4.7.23 (PTR record)" } },
	[RMT_R10] = { RMT_R10,
		      "R10",
		      "tls",
		      RMT_SEVERITY_ERROR,
		      G,
		      0,
		      C | L,
		      "mail leaves without TLS",
		      "set smtp_tls_security_level = may",
		      { [RMT_GOOGLE] = "550-5.7.29 or 421-4.7.29 (TLS)" } },
	[RMT_R11] = { RMT_R11,
		      "R11",
		      "message-format",
		      RMT_SEVERITY_ERROR,
		      G | Y,
		      0,
		      H,
		      "the header is not what RFC 5322 allows",
		      "send one From with one address, Date and Message-ID, and no field "
		      "twice that may stand once",
		      { [RMT_GOOGLE] = "550 5.7.1 (not RFC 5322 compliant)",
			[RMT_YAHOO] = "550 or 554 (message format)" } },
	[RMT_R12] = { RMT_R12,
		      "R12",
		      "header-size",
		      RMT_SEVERITY_ERROR,
		      G | Y,
		      0,
		      H,
		      "the header is too large",
		      "send fewer and shorter header fields",
		      { [RMT_GOOGLE] = "552 5.3.4 (header size)" } },
	[RMT_R13] = { RMT_R13,
		      "R13",
		      "one-click",
		      RMT_SEVERITY_WARNING,
		      0,
		      G | Y | M,
		      H,
		      "bulk mail without one-click unsubscribe that DKIM covers",
		      "send List-Unsubscribe with an https address and "
		      "List-Unsubscribe-Post, both signed (RFC 8058)",
		      { NULL } },
	[RMT_R14] = { RMT_R14,
		      "R14",
		      "unsubscribe-link",
		      RMT_SEVERITY_NOTE,
		      0,
		      ALL,
		      H,
		      "bulk mail without an unsubscribe link in its text",
		      "put a visible unsubscribe link into the body",
		      { NULL } },
	[RMT_R15] = { RMT_R15,
		      "R15",
		      "unsubscribe-soon",
		      RMT_SEVERITY_NOTE,
		      0,
		      G | Y,
		      L,
		      "unsubscribes take longer than two days",
		      "honour unsubscribes at once",
		      { NULL } },
	[RMT_R16] = { RMT_R16,
		      "R16",
		      "complaints",
		      RMT_SEVERITY_ERROR,
		      G | Y,
		      0,
		      L,
		      "more than 0.3 % of recipients complain",
		      "mail only who asked for it; keep complaints below 0.1 %",
		      { [RMT_GOOGLE] = "550-5.7.28 or 421-4.7.28 (spam rate)",
			[RMT_YAHOO] = "421 4.7.0 [TSS04], 553 5.7.2 [TSS09], [TSS11]" } },
	[RMT_R17] = { RMT_R17,
		      "R17",
		      "domain-exists",
		      RMT_SEVERITY_ERROR,
		      Y,
		      0,
		      E | H | D,
		      "the domain of From or of the return path cannot be resolved, or "
		      "refuses mail",
		      "serve the domain from a zone of its own with SOA, and give it an "
		      "MX",
		      { [RMT_YAHOO] =
				"451 or 554 (unresolvable RFC5321/5322 from domain)" } },
	[RMT_R18] = { RMT_R18,
		      "R18",
		      "can-reply",
		      RMT_SEVERITY_WARNING,
		      0,
		      M,
		      H | D,
		      "replies to From have nowhere to go",
		      "give the domain an MX whose host has an address",
		      { NULL } },
	[RMT_R19] = { RMT_R19,
		      "R19",
		      "scripts",
		      RMT_SEVERITY_ERROR,
		      G,
		      0,
		      E | H | D,
		      "a domain mixes scripts that look alike (UTS #39, 5.2)",
		      "use a domain whose labels keep to one script",
		      { [RMT_GOOGLE] = "550 5.7.1 (internationalised domain)" } },
	[RMT_R20] = { RMT_R20,
		      "R20",
		      "deceptive",
		      RMT_SEVERITY_NOTE,
		      G,
		      0,
		      H,
		      "the message pretends: Re: of no reply, a badge in the name, "
		      "hidden "
		      "text",
		      "say what the message is",
		      { NULL } },
	[RMT_R21] = { RMT_R21,
		      "R21",
		      "forwarded",
		      RMT_SEVERITY_NOTE,
		      G | Y | A,
		      0,
		      E | H,
		      "forwarded mail without SRS, ARC or its signature intact",
		      "rewrite the return path, and leave signed parts alone",
		      { [RMT_MICROSOFT] = MS_BULK } },
	[RMT_R22] = { RMT_R22,
		      "R22",
		      "streams-apart",
		      RMT_SEVERITY_NOTE,
		      Y | A,
		      0,
		      H | D | C,
		      "kinds of mail share one reputation",
		      "give each stream an egress or a DKIM domain of its own",
		      { NULL } },
	[RMT_R_BIMI] = { RMT_R_BIMI,
			 "BIMI",
			 "bimi",
			 RMT_SEVERITY_WARNING,
			 0,
			 0,
			 D,
			 "the BIMI record does not show a logo",
			 "publish v=BIMI1 with an https address of an SVG; DMARC must "
			 "enforce",
			 { NULL } },
	[RMT_R_MTA_STS] = { RMT_R_MTA_STS,
			    "MTA-STS",
			    "mta-sts",
			    RMT_SEVERITY_WARNING,
			    0,
			    0,
			    D,
			    "the MTA-STS record or its policy is not right",
			    "publish one record (v=STSv1; id=...;) and a policy that "
			    "lists every MX (RFC 8461)",
			    { NULL } },
	[RMT_R_TLS_RPT] = { RMT_R_TLS_RPT,
			    "TLS-RPT",
			    "tls-rpt",
			    RMT_SEVERITY_WARNING,
			    0,
			    0,
			    D,
			    "the TLS-RPT record is not right",
			    "publish one record: v=TLSRPTv1; rua=... (RFC 8460)",
			    { NULL } },
	[RMT_R_REPORTS] = { RMT_R_REPORTS,
			    "REPORTS",
			    "dmarc-reports",
			    RMT_SEVERITY_WARNING,
			    0,
			    0,
			    D,
			    "DMARC's reports do not get to where they are asked for",
			    "have that domain publish its leave, or name another "
			    "address",
			    { NULL } },
	[RMT_R_DNSSEC] = { RMT_R_DNSSEC,
			   "DNSSEC",
			   "dnssec",
			   RMT_SEVERITY_WARNING,
			   0,
			   0,
			   D,
			   "the zone's signatures do not hold",
			   "sign the zone, and have the DS record above it fit its keys",
			   { NULL } },
	[RMT_R_DANE] = { RMT_R_DANE,
			 "DANE",
			 "dane",
			 RMT_SEVERITY_WARNING,
			 0,
			 0,
			 D,
			 "a TLSA record of an MX host cannot be heeded",
			 "publish 3 1 1 with the digest of the host's key, in a signed "
			 "zone (RFC 7672)",
			 { NULL } },
	[RMT_R_CAA] = { RMT_R_CAA,
			"CAA",
			"caa",
			RMT_SEVERITY_WARNING,
			0,
			0,
			D,
			"a CAA record cannot be heeded",
			"publish 0 issue \"the authority's domain\" (RFC 8659)",
			{ NULL } },
};

static const char *const providers[RMT_PROVIDER_COUNT] = { "google", "yahoo", "microsoft",
							   "apple" };

const struct rmt_rule *rmt_rule_get(enum rmt_rule_number number)
{
	return &rules[number];
}

const struct rmt_rule *rmt_rule_find(struct rmt_span word)
{
	unsigned i;

	for (i = RMT_R1; i < RMT_RULE_END; i++)
		if (rmt_span_eq_nocase(word, rmt_span_of(rules[i].id)) ||
		    rmt_span_eq_nocase(word, rmt_span_of(rules[i].name)))
			return &rules[i];
	return NULL;
}

bool rmt_rule_asked(const struct rmt_rule *rule, enum rmt_provider provider, bool bulk)
{
	return ((rule->all | (bulk ? rule->bulk : 0)) >> provider & 1) != 0;
}

const char *rmt_provider_name(enum rmt_provider provider)
{
	return providers[provider];
}

bool rmt_provider_parse(struct rmt_span name, enum rmt_provider *provider_r)
{
	unsigned i;

	for (i = 0; i < RMT_PROVIDER_COUNT; i++)
		if (rmt_span_eq_nocase(name, rmt_span_of(providers[i]))) {
			*provider_r = (enum rmt_provider)i;
			return true;
		}
	return false;
}
