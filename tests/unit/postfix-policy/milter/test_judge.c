/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "postfix-policy/milter/judge.h"

/* What a case says of a message from ann@x.test; the rest is as below. */
struct said {
	enum rmt_known aligned, dkim;
	bool evaluated;
	enum rmt_spf_verdict spf;
	const char *spf_domain;
	enum rmt_dmarc_policy policy;
	enum rmt_kind kind;
	const char *from; /* a domain; NULL: x.test */
};

#define UNSIGNED            .dkim = RMT_NO
#define SIGNED              .dkim = RMT_YES
#define SPF(result, domain) .evaluated = true, .spf = result, .spf_domain = domain

static void make_facts(const struct said *said, struct rmt_message_facts *facts_r)
{
	static const char *const dkim[] = { "none", "pass/y.test",
					    "temperror:dns/x.test" };

	*facts_r = (struct rmt_message_facts){
		.from = { .result = RMT_FROM_OK, .reason = "" },
		.kind = said->kind,
		.spf = { said->evaluated, said->spf, NULL, g_strdup(said->spf_domain) },
		.dkim = said->dkim,
		.dkim_text = g_string_new(dkim[said->dkim]),
		.aligned = said->aligned,
		.policy = said->policy != RMT_DMARC_UNSET ? said->policy : RMT_DMARC_NONE,
		.published = RMT_YES,
	};
	g_strlcpy(facts_r->from.domain, said->from != NULL ? said->from : "x.test",
		  sizeof(facts_r->from.domain));
}

static struct rmt_stream make_stream(enum rmt_level align, enum rmt_mode mode)
{
	struct rmt_stream stream = { .mode = mode };

	stream.rules[RMT_RULES_FROM] = RMT_LEVEL_REJECT;
	stream.rules[RMT_RULES_ALIGN] = (int)align;
	return stream;
}

static void judge(const struct said *said, const struct rmt_stream *stream,
		  struct rmt_outcome *outcome_r)
{
	struct rmt_message_facts facts;

	make_facts(said, &facts);
	rmt_outcome_init(outcome_r);
	rmt_judge(&facts, stream, outcome_r);
	rmt_outcome_decide(outcome_r, stream->mode);
	rmt_message_facts_clear(&facts);
}

static void each_misalignment_has_its_rule(void **state)
{
	static const struct {
		const char *what;
		struct said said;
		const char *rules, *status, *open;
	} rows[] = {
		{ "aligned",
		  { .aligned = RMT_YES, UNSIGNED, SPF(RMT_SPF_PASS, "x.test") },
		  "-",
		  NULL,
		  NULL },
		{ "nobody vouches",
		  { UNSIGNED, SPF(RMT_SPF_FAIL, "x.test") },
		  "R1",
		  "5.7.26",
		  NULL },
		{ "nobody, and p=reject",
		  { UNSIGNED, SPF(RMT_SPF_NONE, "x.test"), .policy = RMT_DMARC_REJECT },
		  "R1",
		  "5.7.26",
		  NULL },
		{ "SPF of another domain",
		  { UNSIGNED, SPF(RMT_SPF_PASS, "y.test") },
		  "R6",
		  "5.7.32",
		  NULL },
		{ "a signature of another domain",
		  { SIGNED, SPF(RMT_SPF_FAIL, "x.test") },
		  "R6",
		  "5.7.32",
		  NULL },
		{ "p=quarantine",
		  { SIGNED, SPF(RMT_SPF_FAIL, "x.test"), .policy = RMT_DMARC_QUARANTINE },
		  "R7",
		  "5.7.26",
		  NULL },
		{ "p=reject",
		  { UNSIGNED, SPF(RMT_SPF_PASS, "y.test"), .policy = RMT_DMARC_REJECT },
		  "R7",
		  "5.7.26",
		  NULL },
		{ "p=reject, and a signature of another domain",
		  { SIGNED, SPF(RMT_SPF_FAIL, "x.test"), .policy = RMT_DMARC_REJECT },
		  "R7",
		  "5.7.26",
		  NULL },
		{ "p=quarantine, and both of another domain",
		  { SIGNED, SPF(RMT_SPF_PASS, "y.test"), .policy = RMT_DMARC_QUARANTINE },
		  "R7",
		  "5.7.26",
		  NULL },
		{ "p=reject, and SPF is aligned",
		  { .aligned = RMT_YES,
		    UNSIGNED,
		    SPF(RMT_SPF_PASS, "x.test"),
		    .policy = RMT_DMARC_REJECT },
		  "-",
		  NULL,
		  NULL },
		{ "p=quarantine, and a signature is aligned",
		  { .aligned = RMT_YES,
		    SIGNED,
		    SPF(RMT_SPF_FAIL, "y.test"),
		    .policy = RMT_DMARC_QUARANTINE },
		  "-",
		  NULL,
		  NULL },
		{ "p=reject, and DNS is silent",
		  { .aligned = RMT_UNKNOWN,
		    UNSIGNED,
		    SPF(RMT_SPF_TEMPERROR, "x.test"),
		    .policy = RMT_DMARC_REJECT },
		  "-",
		  NULL,
		  "dns" },
		{ "not evaluated, and it could not matter",
		  { UNSIGNED, .spf_domain = "y.test" },
		  "R6",
		  "5.7.32",
		  NULL },
		{ "free mail of somebody else's",
		  { UNSIGNED, SPF(RMT_SPF_PASS, "y.test"), .from = "gmail.com" },
		  "R8",
		  "5.7.26",
		  NULL },
		{ "DNS is silent",
		  { .aligned = RMT_UNKNOWN, UNSIGNED, SPF(RMT_SPF_TEMPERROR, "x.test") },
		  "-",
		  NULL,
		  "dns" },
		{ "no egress",
		  { .aligned = RMT_UNKNOWN, UNSIGNED, .spf_domain = "x.test" },
		  "-",
		  NULL,
		  "no-egress" },
	};
	struct rmt_stream stream = make_stream(RMT_LEVEL_REJECT, RMT_MODE_ENFORCE);
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GString) rules = g_string_new(NULL);
		struct rmt_outcome outcome;
		struct rmt_reply reply;

		judge(&rows[i].said, &stream, &outcome);
		rmt_outcome_rules(&outcome, rules);
		if (strcmp(rules->str, rows[i].rules) != 0 ||
		    g_strcmp0(outcome.open, rows[i].open) != 0)
			fail_msg("%s: %s", rows[i].what, rules->str);
		assert_int_equal(outcome.done, rows[i].status != NULL ? RMT_LEVEL_REJECT
								      : RMT_LEVEL_OFF);
		if (rows[i].status == NULL)
			continue;
		rmt_outcome_reply(&outcome, &reply);
		assert_string_equal(reply.code, "550");
		assert_string_equal(reply.status, rows[i].status);
		assert_non_null(strstr(reply.text, rows[i].rules));
	}
}

static const struct said bad = { .aligned = RMT_NO, SIGNED, SPF(RMT_SPF_PASS, "y.test") };

static void a_level_is_what_is_done_and_report_mode_does_nothing(void **state)
{
	int level;

	(void)state;
	for (level = RMT_LEVEL_OFF; level <= RMT_LEVEL_REJECT; level++) {
		struct rmt_stream enforce =
			make_stream((enum rmt_level)level, RMT_MODE_ENFORCE);
		struct rmt_stream report =
			make_stream((enum rmt_level)level, RMT_MODE_REPORT);
		struct rmt_outcome outcome;

		judge(&bad, &enforce, &outcome);
		assert_int_equal(outcome.level, level);
		assert_int_equal(outcome.done, level);
		assert_int_equal(outcome.count, level == RMT_LEVEL_OFF ? 0 : 1);
		judge(&bad, &report, &outcome);
		assert_int_equal(outcome.level, level);
		assert_int_equal(outcome.done, MIN(level, RMT_LEVEL_LOG));
	}
}

static void defer_is_a_reply_for_now(void **state)
{
	struct rmt_stream stream = make_stream(RMT_LEVEL_DEFER, RMT_MODE_ENFORCE);
	struct rmt_outcome outcome;
	struct rmt_reply reply;

	(void)state;
	judge(&bad, &stream, &outcome);
	rmt_outcome_reply(&outcome, &reply);
	assert_string_equal(reply.code, "451");
	assert_string_equal(reply.status, "4.7.32");
}

static void notices_and_indirect_mail_are_not_refused(void **state)
{
	struct rmt_stream stream = make_stream(RMT_LEVEL_REJECT, RMT_MODE_ENFORCE);
	static const struct {
		enum rmt_kind kind;
		bool good_from;
		enum rmt_level want;
	} rows[] = {
		{ RMT_KIND_DIRECT, true, RMT_LEVEL_REJECT },
		{ RMT_KIND_NOTICE, true, RMT_LEVEL_LOG },
		{ RMT_KIND_INDIRECT, true, RMT_LEVEL_LOG },
		{ RMT_KIND_DIRECT, false, RMT_LEVEL_REJECT },
		{ RMT_KIND_NOTICE, false, RMT_LEVEL_REJECT },
		{ RMT_KIND_INDIRECT, false, RMT_LEVEL_LOG },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct rmt_message_facts facts;
		struct rmt_outcome outcome;

		make_facts(&bad, &facts);
		facts.kind = rows[i].kind;
		if (!rows[i].good_from)
			facts.from = (struct rmt_from){ .result = RMT_FROM_MISSING,
							.reason = "no From field" };
		rmt_outcome_init(&outcome);
		rmt_judge(&facts, &stream, &outcome);
		rmt_outcome_decide(&outcome, stream.mode);
		assert_int_equal(outcome.done, rows[i].want);
		rmt_message_facts_clear(&facts);
	}
}

static void the_highest_level_gives_the_reason(void **state)
{
	struct rmt_stream stream = make_stream(RMT_LEVEL_HEADER, RMT_MODE_ENFORCE);
	const struct said said = { UNSIGNED, SPF(RMT_SPF_FAIL, "x.test") };
	g_autoptr(GString) rules = g_string_new(NULL), field = g_string_new(NULL);
	struct rmt_outcome outcome;

	(void)state;
	stream.rules[RMT_RULES_BULK] = RMT_LEVEL_DEFER;
	judge(&said, &stream, &outcome);
	rmt_outcome_rules(&outcome, rules);
	assert_string_equal(rules->str, "R1,R2,R4");
	assert_string_equal(outcome.why->rule, "R2");
	assert_int_equal(outcome.done, RMT_LEVEL_DEFER);
	rmt_outcome_field(&outcome, field);
	assert_true(g_str_has_prefix(field->str, "R1: "));
	assert_non_null(strstr(field->str, ";\n\tR4: "));
}

static void what_a_stranger_wrote_stays_on_one_line(void **state)
{
	struct rmt_stream stream = make_stream(RMT_LEVEL_REJECT, RMT_MODE_ENFORCE);
	struct said said = bad;
	char domain[600];
	struct rmt_outcome outcome;
	struct rmt_reply reply;

	(void)state;
	memset(domain, 'a', sizeof(domain));
	memcpy(domain, "x\r\n250 \"ok", 10);
	domain[sizeof(domain) - 1] = '\0';
	said.spf_domain = domain;
	judge(&said, &stream, &outcome);
	rmt_outcome_reply(&outcome, &reply);
	assert_null(strpbrk(reply.text, "\r\n"));
	assert_true(g_str_has_suffix(reply.text, "(rule R6)"));
}

static void the_reply_says_what_the_signatures_lack(void **state)
{
	static const struct {
		enum rmt_known dkim;
		bool narrow;
		const char *text, *words;
	} rows[] = {
		{ RMT_NO, false, "none", "there is no DKIM signature" },
		{ RMT_NO, false, "fail:body-hash/x.test",
		  "no DKIM signature holds, and" },
		{ RMT_NO, true, "pass/x.test", "holds but of Ed25519, which Gmail" },
		{ RMT_YES, true, "pass/x.test,pass/y.test", "are of other domains" },
	};
	struct rmt_stream stream = make_stream(RMT_LEVEL_REJECT, RMT_MODE_ENFORCE);
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct rmt_message_facts facts;
		struct rmt_outcome outcome;
		struct rmt_reply reply;

		make_facts(&bad, &facts);
		facts.dkim = rows[i].dkim;
		facts.narrow = rows[i].narrow;
		g_string_assign(facts.dkim_text, rows[i].text);
		rmt_outcome_init(&outcome);
		rmt_judge(&facts, &stream, &outcome);
		rmt_outcome_decide(&outcome, stream.mode);
		rmt_outcome_reply(&outcome, &reply);
		if (strstr(reply.text, rows[i].words) == NULL)
			fail_msg("%s: %s", rows[i].text, reply.text);
		rmt_message_facts_clear(&facts);
	}
}

static void bulk_mail_needs_a_dmarc_record(void **state)
{
	static const struct {
		enum rmt_known published;
		const char *rules;
	} rows[] = { { RMT_YES, "-" }, { RMT_UNKNOWN, "-" }, { RMT_NO, "R5" } };
	struct rmt_stream stream = make_stream(RMT_LEVEL_REJECT, RMT_MODE_ENFORCE);
	const struct said said = { .aligned = RMT_YES,
				   SIGNED,
				   SPF(RMT_SPF_PASS, "x.test") };
	size_t i;

	(void)state;
	stream.rules[RMT_RULES_BULK] = RMT_LEVEL_REJECT;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GString) rules = g_string_new(NULL);
		struct rmt_message_facts facts;
		struct rmt_outcome outcome;

		make_facts(&said, &facts);
		facts.published = rows[i].published;
		rmt_outcome_init(&outcome);
		rmt_judge(&facts, &stream, &outcome);
		rmt_outcome_rules(&outcome, rules);
		assert_string_equal(rules->str, rows[i].rules);
		rmt_message_facts_clear(&facts);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_misalignment_has_its_rule),
		cmocka_unit_test(a_level_is_what_is_done_and_report_mode_does_nothing),
		cmocka_unit_test(defer_is_a_reply_for_now),
		cmocka_unit_test(notices_and_indirect_mail_are_not_refused),
		cmocka_unit_test(the_highest_level_gives_the_reason),
		cmocka_unit_test(the_reply_says_what_the_signatures_lack),
		cmocka_unit_test(bulk_mail_needs_a_dmarc_record),
		cmocka_unit_test(what_a_stranger_wrote_stays_on_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
