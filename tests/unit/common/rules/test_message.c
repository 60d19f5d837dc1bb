/* SPDX-License-Identifier: MIT */
/* The rules as one message meets them: how it is signed, whom it comes from, a zone,
 * and what the rule comes to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/auth/zone.h"
#include "common/rules/message.h"
#include "tests/lib/dkim_signer.h"
#include "tests/unit/common/rules/verdict.h"

#define SPF(domain, text)   domain " TXT \"v=spf1 " text "\"\n"
#define DMARC(domain, text) "_dmarc." domain " TXT \"v=DMARC1; " text "\"\n"
#define OURS                SPF("d.example", "ip4:192.0.2.7 -all")
#define THEIRS              SPF("o.example", "ip4:192.0.2.7 -all")

enum signing {
	UNSIGNED,
	BY_US,      /* d=d.example, RSA */
	BY_OTHERS,  /* d=o.example, RSA */
	ED25519,    /* d=d.example, and no other */
	BOTH_KINDS, /* d=d.example, RSA and Ed25519 */
	DAMAGED,    /* d=d.example, and the body is another one */
	KEY_SILENT, /* d=slow.example, whose key DNS does not tell */
};

/* want: the worst of the rule's findings, as in test_domain.c. */
struct row {
	const char *name;
	enum signing signing;
	const char *from, *mail_from; /* NULL: ann@d.example */
	const char *fields;           /* NULL: none but From */
	const char *zone;
	enum rmt_rule_number rule;
	const char *want;
};

static const struct row rows[] = {
	{ "SPF passes", UNSIGNED, NULL, NULL, NULL, OURS, RMT_R1, "holds" },
	{ "a signature holds", BY_US, NULL, NULL, NULL, "", RMT_R1, "holds" },
	{ "somebody's signature", BY_OTHERS, NULL, NULL, NULL, SPF("d.example", "-all"),
	  RMT_R1, "holds" },
	{ "nothing at all", UNSIGNED, NULL, NULL, NULL, "", RMT_R1, "error" },
	{ "Ed25519 alone", ED25519, NULL, NULL, NULL, SPF("d.example", "-all"), RMT_R1,
	  "error" },
	{ "Ed25519 beside SPF", ED25519, NULL, NULL, NULL, OURS, RMT_R1, "holds" },
	{ "softfail, unsigned", UNSIGNED, NULL, NULL, NULL, SPF("d.example", "~all"),
	  RMT_R1, "error" },
	{ "fail, and a damaged body", DAMAGED, NULL, NULL, NULL, SPF("d.example", "-all"),
	  RMT_R1, "error" },
	{ "DNS is silent", UNSIGNED, NULL, NULL, NULL, "d.example TXT TIMEOUT\n", RMT_R1,
	  "unknown" },

	{ "RSA", BY_US, NULL, NULL, NULL, "", RMT_R4, "holds" },
	{ "both kinds", BOTH_KINDS, NULL, NULL, NULL, "", RMT_R4, "holds" },
	{ "RSA of others", BY_OTHERS, NULL, NULL, NULL, "", RMT_R4, "holds" },
	{ "unsigned", UNSIGNED, NULL, NULL, NULL, OURS, RMT_R4, "error" },
	{ "Ed25519 alone", ED25519, NULL, NULL, NULL, "", RMT_R4, "error" },
	{ "a damaged body", DAMAGED, NULL, NULL, NULL, "", RMT_R4, "error" },
	{ "the key is not told", KEY_SILENT, NULL, NULL, NULL, "", RMT_R4, "unknown" },

	{ "SPF of the domain", UNSIGNED, NULL, NULL, NULL, OURS, RMT_R6, "holds" },
	{ "DKIM of the domain", BY_US, NULL, "b@o.example", NULL,
	  DMARC("d.example", "p=none"), RMT_R6, "holds" },
	{ "SPF of a domain below", UNSIGNED, NULL, "b@r.d.example", NULL,
	  SPF("r.d.example", "+all") DMARC("d.example", "p=none"), RMT_R6, "holds" },
	{ "SPF of others", UNSIGNED, NULL, "b@o.example", NULL, THEIRS, RMT_R6, "error" },
	{ "both of others", BY_OTHERS, NULL, "b@o.example", NULL, THEIRS, RMT_R6,
	  "error" },
	{ "strictly another domain", UNSIGNED, NULL, "b@r.d.example", NULL,
	  SPF("r.d.example", "+all") DMARC("d.example", "p=none; aspf=s"), RMT_R6,
	  "error" },
	{ "DNS is silent", UNSIGNED, NULL, NULL, NULL, "d.example TXT SERVFAIL\n", RMT_R6,
	  "unknown" },

	{ "the policy is met", BY_US, NULL, NULL, NULL, DMARC("d.example", "p=reject"),
	  RMT_R7, "holds" },
	{ "p=none is not met", UNSIGNED, NULL, NULL, NULL, DMARC("d.example", "p=none"),
	  RMT_R7, "holds" },
	{ "there is none", UNSIGNED, NULL, NULL, NULL, "", RMT_R7, "holds" },
	{ "p=reject", UNSIGNED, NULL, NULL, NULL, DMARC("d.example", "p=reject"), RMT_R7,
	  "error" },
	{ "p=reject, signed by others", BY_OTHERS, NULL, "b@o.example", NULL,
	  THEIRS DMARC("d.example", "p=reject"), RMT_R7, "error" },
	{ "sp=reject", UNSIGNED, "ann@n.d.example", NULL, NULL,
	  DMARC("d.example", "p=none; sp=reject"), RMT_R7, "error" },
	{ "p=quarantine", UNSIGNED, NULL, NULL, NULL, DMARC("d.example", "p=quarantine"),
	  RMT_R7, "warning" },
	{ "t=y: only older receivers refuse", UNSIGNED, NULL, NULL, NULL,
	  DMARC("d.example", "p=reject; t=y"), RMT_R7, "warning" },
	{ "the policy is not told", UNSIGNED, NULL, NULL, NULL,
	  "_dmarc.d.example TXT TIMEOUT\n", RMT_R7, "unknown" },

	{ "a domain of one's own", UNSIGNED, NULL, NULL, NULL, "", RMT_R8, "holds" },
	{ "the provider's own mail", UNSIGNED, "ann@gmail.com", "ann@gmail.com", NULL,
	  SPF("gmail.com", "+all"), RMT_R8, "holds" },
	{ "signed by the provider", BY_US, "ann@d.example", NULL, NULL, "", RMT_R8,
	  "holds" },
	{ "free mail from here", BY_OTHERS, "ann@gmail.com", "b@o.example", NULL, THEIRS,
	  RMT_R8, "error" },
	{ "free mail, unsigned", UNSIGNED, "ann@yahoo.com", NULL, NULL,
	  OURS DMARC("yahoo.com", "p=reject"), RMT_R8, "error" },
	{ "free mail, signed by us", BY_US, "ann@icloud.com", NULL, NULL,
	  DMARC("icloud.com", "p=quarantine"), RMT_R8, "error" },

	{ "From is right", BY_US, NULL, NULL, NULL, "", RMT_R11, "holds" },
	{ "no address", UNSIGNED, "undisclosed:;", NULL, NULL, "", RMT_R11, "error" },
	{ "two addresses", UNSIGNED, "a@d.example, b@d.example", NULL, NULL, "", RMT_R11,
	  "error" },
	{ "two fields", UNSIGNED, NULL, NULL, "From: b@d.example\r\n", "", RMT_R11,
	  "error" },

	{ "not forwarded", BY_US, NULL, NULL, NULL, "", RMT_R21, "holds" },
	{ "whole, with a return path of one's own", BY_US, NULL, "b@o.example",
	  "Resent-From: <b@o.example>\r\n", "", RMT_R21, "holds" },
	{ "whole, with SRS", BY_US, NULL, "SRS0=HH=TT=d.example=ann@o.example", NULL, "",
	  RMT_R21, "holds" },
	{ "the sender's own return path", BY_US, NULL, "ann@d.example",
	  "Resent-From: <b@o.example>\r\n", "", RMT_R21, "note" },
	{ "the signature is broken", DAMAGED, NULL, "b@o.example",
	  "Resent-Sender: <b@o.example>\r\n", "", RMT_R21, "note" },
	{ "it never was signed", UNSIGNED, NULL, "SRS0=HH=TT=d.example=ann@o.example",
	  NULL, "", RMT_R21, "note" },
};

static EVP_PKEY *rsa, *ed25519;
static char *rsa_text, *ed25519_text;

static int make_keys(void **state)
{
	(void)state;
	rsa = signer_key("RSA", 2048);
	ed25519 = signer_key("ED25519", 0);
	rsa_text = signer_public(rsa);
	ed25519_text = signer_public(ed25519);
	return 0;
}

static int free_keys(void **state)
{
	(void)state;
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(ed25519);
	g_free(rsa_text);
	g_free(ed25519_text);
	return 0;
}

static char *sign_with(EVP_PKEY *key, const char *algorithm, const char *domain,
		       const char *selector, const char *message)
{
	g_autofree char *tags = g_strdup_printf("v=1; a=%s; d=%s; s=%s; h=From",
						algorithm, domain, selector);

	return signer_sign(key, tags, message);
}

static char *make_message(const struct row *row)
{
	g_autofree char *bare =
		g_strdup_printf("From: %s\r\n%s\r\nbody\r\n",
				row->from != NULL ? row->from : "ann@d.example",
				row->fields != NULL ? row->fields
						    : "Date: Sat, 21 Nov 2026 10:00:00 "
						      "+0000\r\nMessage-ID: <1@d>\r\n");
	g_autofree char *signed_once = NULL;

	switch (row->signing) {
	case BY_US:
		return sign_with(rsa, "rsa-sha256", "d.example", "r", bare);
	case BY_OTHERS:
		return sign_with(rsa, "rsa-sha256", "o.example", "r", bare);
	case ED25519:
		return sign_with(ed25519, "ed25519-sha256", "d.example", "e", bare);
	case BOTH_KINDS:
		signed_once = sign_with(rsa, "rsa-sha256", "d.example", "r", bare);
		return sign_with(ed25519, "ed25519-sha256", "d.example", "e",
				 signed_once);
	case DAMAGED:
		signed_once = sign_with(rsa, "rsa-sha256", "d.example", "r", bare);
		return g_strconcat(signed_once, "tail\r\n", NULL);
	case KEY_SILENT:
		return sign_with(rsa, "rsa-sha256", "slow.example", "r", bare);
	default:
		return g_steal_pointer(&bare);
	}
}

static struct rmt_zone *make_zone(const struct row *row)
{
	g_autofree char *text =
		g_strdup_printf("r._domainkey.d.example TXT \"p=%s\"\n"
				"r._domainkey.o.example TXT \"p=%s\"\n"
				"e._domainkey.d.example TXT \"k=ed25519; p=%s\"\n"
				"slow.example ANY TIMEOUT\n"
				"r._domainkey.slow.example TXT TIMEOUT\n%s",
				rsa_text, rsa_text, ed25519_text, row->zone);
	struct rmt_zone *zone = rmt_zone_new();

	assert_true(rmt_zone_add_text(zone, row->name, rmt_span_of(text), NULL));
	return zone;
}

/* --- one mail's facts, as `remite predict` gathers them ------------------------------
 */

struct mail {
	char *message; /* own */
	struct rmt_from from;
	struct rmt_dkim_keys *keys;
	struct rmt_dkim *dkim;
	struct rmt_facts *facts;
	struct rmt_dmarc *dmarc;
};

static void ask_domain(struct mail *mail, const struct row *row, struct rmt_zone *zone,
		       const struct rmt_psl *psl)
{
	struct rmt_facts_query query = {
		.domain = mail->from.domain,
		.mail_from = row->mail_from != NULL ? row->mail_from : "ann@d.example",
		.psl = psl,
	};
	GPtrArray *askers;
	struct rmt_ip ip;
	guint i;

	mail->facts = rmt_facts_new(&query);
	assert_true(rmt_ip_parse(RMT_SPAN("192.0.2.7"), &ip));
	rmt_facts_add_egress(mail->facts, &ip, NULL);
	while ((askers = rmt_facts_ask(mail->facts)) != NULL)
		for (i = 0; i < askers->len; i++)
			rmt_zone_run(zone, askers->pdata[i]);
}

static void ask_dmarc(struct mail *mail, struct rmt_zone *zone, const struct rmt_psl *psl)
{
	const struct rmt_egress_facts *egress = mail->facts->egress->pdata[0];
	const struct rmt_spf_result *spf = rmt_spf_result(egress->spf);
	struct rmt_dmarc_identity dkim[4];
	struct rmt_dmarc_query query = {
		.from = rmt_span_of(mail->from.domain),
		.spf = { spf->domain, spf->result == RMT_SPF_PASS
					      ? RMT_DMARC_AUTH_PASS
					      : RMT_DMARC_AUTH_OTHER },
		.dkim = dkim,
		.psl = psl,
	};
	const struct rmt_dkim_signature *signature;

	for (; (signature = rmt_dkim_get(mail->dkim, query.dkim_count)) != NULL;
	     query.dkim_count++)
		dkim[query.dkim_count] =
			(struct rmt_dmarc_identity){ signature->domain,
						     signature->result == RMT_DKIM_PASS
							     ? RMT_DMARC_AUTH_PASS
							     : RMT_DMARC_AUTH_OTHER };
	rmt_zone_run(zone, rmt_dmarc_start(mail->dmarc, &query));
}

static void gather(struct mail *mail, const struct row *row, const struct rmt_psl *psl)
{
	struct rmt_dkim_settings settings = RMT_DKIM_SETTINGS_DEFAULT;
	g_autoptr(rmt_zone) zone = make_zone(row);
	struct rmt_span text;

	mail->message = make_message(row);
	text = rmt_span_of(mail->message);
	rmt_from_read(text, &mail->from);
	mail->keys = rmt_dkim_keys_new(4);
	mail->dkim = rmt_dkim_new(&settings, mail->keys);
	mail->dmarc = rmt_dmarc_new();
	rmt_dkim_message(mail->dkim, text);
	rmt_zone_run(zone, rmt_dkim_asker(mail->dkim));
	rmt_dkim_finish(mail->dkim, 1795400000);
	if (mail->from.result != RMT_FROM_OK)
		return;
	ask_domain(mail, row, zone, psl);
	ask_dmarc(mail, zone, psl);
}

static void judge(const struct mail *mail, struct rmt_rule_findings *findings)
{
	struct rmt_header_facts header = { .complete = true, .from = &mail->from };
	struct rmt_covered covered = { .result = RMT_COVERED_NOTHING };
	const struct rmt_mail_facts facts = {
		.from = &mail->from,
		.dkim = mail->dkim,
		.domain = mail->facts,
		.dmarc = mail->facts != NULL ? rmt_dmarc_result(mail->dmarc) : NULL,
		.header = &header,
	};

	header.unsubscribe = &covered;
	rmt_header_split(rmt_span_of(mail->message), &header.section, &header.text);
	header.octets = header.section.len;
	rmt_rules_message(&facts, findings);
}

static void clear(struct mail *mail)
{
	rmt_facts_free(mail->facts);
	rmt_dmarc_free(mail->dmarc);
	rmt_dkim_free(mail->dkim);
	rmt_dkim_keys_free(mail->keys);
	g_free(mail->message);
}

/* --- tests ------------------------------------------------------------------------ */

static bool row_holds(const struct row *row, const struct rmt_psl *psl)
{
	struct rmt_rule_findings findings;
	struct mail mail = { .message = NULL };
	const char *got;
	bool ok;

	rmt_rule_findings_init(&findings);
	gather(&mail, row, psl);
	judge(&mail, &findings);
	got = verdict_of(&findings, row->rule);
	ok = strcmp(got, row->want) == 0;
	if (!ok)
		print_error("%s, %s: %s, not %s\n", rmt_rule_get(row->rule)->id,
			    row->name, got, row->want);
	clear(&mail);
	rmt_rule_findings_clear(&findings);
	return ok;
}

static void every_message_is_judged_as_its_row_says(void **state)
{
	g_autoptr(rmt_psl) psl = rmt_psl_open();
	size_t i, wrong = 0;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		wrong += !row_holds(&rows[i], psl);
	assert_int_equal(wrong, 0);
}

static void every_rule_of_authentication_has_three_rows_each_way(void **state)
{
	static const enum rmt_rule_number judged[] = { RMT_R1, RMT_R4, RMT_R6,
						       RMT_R7, RMT_R8, RMT_R21 };
	size_t i, j;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(judged); i++) {
		unsigned good = 0, bad = 0;

		for (j = 0; j < G_N_ELEMENTS(rows); j++) {
			bool holds = strcmp(rows[j].want, "holds") == 0;

			good += rows[j].rule == judged[i] && holds;
			bad += rows[j].rule == judged[i] && !holds &&
			       strcmp(rows[j].want, "unknown") != 0;
		}
		assert_true(good >= 3 && bad >= 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_message_is_judged_as_its_row_says),
		cmocka_unit_test(every_rule_of_authentication_has_three_rows_each_way),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
