/* SPDX-License-Identifier: MIT */
/* The rules a header alone can break: a table for each, what holds and what does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/rules/header.h"

#define DATE "Date: Sat, 21 Nov 2026 10:00:00 +0000\r\n"
#define ID   "Message-ID: <1@x.test>\r\n"
#define FROM "From: Ann <ann@x.test>\r\n"

typedef void rule(const struct rmt_header_facts *header,
		  struct rmt_rule_findings *findings);

/* The input ends where its bytes do: an over-read shows. */
static void look(rule *judge, struct rmt_header_facts header, const char *section,
		 size_t len, struct rmt_rule_findings *findings)
{
	char *copy = g_memdup2(section, len);
	struct rmt_from from;

	header.section = rmt_span(copy, len);
	if (header.octets == 0)
		header.octets = len;
	rmt_from_read(header.section, &from);
	header.from = &from;
	rmt_rule_findings_init(findings);
	judge(&header, findings);
	g_free(copy);
}

/* problem: what the first finding's says; NULL: the rule holds. */
static void check_len(rule *judge, struct rmt_header_facts header, const char *section,
		      size_t len, const char *problem)
{
	struct rmt_rule_findings findings;
	const struct rmt_rule_finding *first;

	look(judge, header, section, len, &findings);
	assert_true(findings.list->len > 0);
	first = findings.list->pdata[0];
	if ((problem == NULL) != (first->state != RMT_RULE_BROKEN))
		fail_msg("%.*s: %s: %s", (int)len, section, first->place, first->problem);
	if (problem != NULL && strstr(first->problem, problem) == NULL)
		fail_msg("%.*s: %s", (int)len, section, first->problem);
	rmt_rule_findings_clear(&findings);
}

static void check(rule *judge, const char *section, const char *problem)
{
	check_len(judge, (struct rmt_header_facts){ .complete = true }, section,
		  strlen(section), problem);
}

static void r11_holds_for_what_rfc_5322_allows(void **state)
{
	static const char *const rows[] = {
		DATE ID FROM,
		DATE ID FROM "Subject: =?utf-8?q?=C3=A9?=\r\nTo: =?utf-8?b?w6k=?= "
			     "<a@y.test>, \"b, c\" <b@y.test>\r\n",
		"Date: 1 Jan 2026 10:00 GMT\r\n" ID FROM,
		"Date: Thu,  1 Jan 2026 23:59:60 -0330 (a zone)\r\n" ID FROM,
		DATE "MESSAGE-ID:\r\n <a.b+c@[192.0.2.1]>\r\n" FROM,
		DATE ID FROM "X-Folded: a\r\n\tb\r\n c\r\nX-Empty:\r\n",
		DATE ID FROM "Received: from a by b\r\nReceived: from c by d\r\n",
		DATE ID FROM "Cc: \"=?x\" <a@y.test>\r\n",
		DATE ID FROM "References: <1@y.test>\r\n <2@y.test>\r\n",
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		check(rmt_rule_format, rows[i], NULL);
}

static void r11_is_broken_by_everything_else(void **state)
{
	static const struct {
		const char *section, *problem;
	} rows[] = {
		{ ID FROM, "is missing" },
		{ DATE FROM, "is missing" },
		{ DATE ID FROM "Subject: a\r\nSubject: b\r\n", "more than once" },
		{ DATE ID FROM "to: a@y.test\r\nTO: b@y.test\r\n", "more than once" },
		{ DATE DATE ID FROM, "more than once" },
		{ "Date: yesterday\r\n" ID FROM, "is no date" },
		{ "Date: Sat, 32 Nov 2026 10:00:00 +0000\r\n" ID FROM, "is no date" },
		{ "Date: Sat, 21 Nov 2026 10:00:00\r\n" ID FROM, "is no date" },
		{ "Date: Sat, 21 Nov 26 10:00:00 +0000\r\n" ID FROM, "is no date" },
		{ "Date: 2026-11-21T10:00:00Z\r\n" ID FROM, "is no date" },
		{ DATE "Message-ID: 1@x.test\r\n" FROM, "<left@right>" },
		{ DATE "Message-ID: <1>\r\n" FROM, "<left@right>" },
		{ DATE "Message-ID: <a b@x.test>\r\n" FROM, "<left@right>" },
		{ DATE "Message-ID:\r\n" FROM, "<left@right>" },
		{ DATE ID FROM "no field\r\n", "is no header field" },
		{ DATE ID FROM "Subject : a\r\n", "blank before its colon" },
		{ DATE ID FROM "X\001Y: a\r\n", "is no header field" },
		{ DATE ID FROM "Subject: \303\251\r\n", "raw 8-bit" },
		{ DATE ID FROM "Subject: a\001b\r\n", "control character" },
		{ DATE ID FROM "Subject: a\rb\r\n", "CR that ends no line" },
		{ DATE ID FROM "Subject: a\r\n \t\r\n b\r\n", "an empty line" },
		{ DATE "Message-ID: <=?utf-8?q?a?=@x.test>\r\n" FROM, "encoded-word" },
		{ DATE ID FROM "To: <=?utf-8?q?a?=@y.test>\r\n", "encoded-word" },
		{ DATE ID FROM "To: \"=?utf-8?q?a?=\" <a@y.test>\r\n", "encoded-word" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		check(rmt_rule_format, rows[i].section, rows[i].problem);
}

static void r11_takes_raw_utf8_only_where_it_was_announced(void **state)
{
	const struct rmt_header_facts header = { .complete = true, .smtputf8 = true };
	static const char good[] = DATE ID FROM "Subject: \303\251\r\n";
	static const char bad[] = DATE ID FROM "Subject: \351\r\n";

	(void)state;
	check_len(rmt_rule_format, header, good, sizeof(good) - 1, NULL);
	check_len(rmt_rule_format, header, bad, sizeof(bad) - 1, "no UTF-8");
}

static void r11_finds_nul_and_long_lines(void **state)
{
	const struct rmt_header_facts header = { .complete = true };
	static const char nul[] = DATE ID FROM "Subject: a\0b\r\n";
	g_autoptr(GString) text = g_string_new(DATE ID FROM "Subject: ");
	gsize i;

	(void)state;
	check_len(rmt_rule_format, header, nul, sizeof(nul) - 1, "control character");
	for (i = strlen("Subject: "); i < 998; i++)
		g_string_append_c(text, 'x');
	check(rmt_rule_format, text->str, NULL);
	g_string_append(text, "\r\n");
	check(rmt_rule_format, text->str, NULL);
	g_string_insert(text, (gssize)text->len - 2, "x");
	check(rmt_rule_format, text->str, "over 998");
}

static void thousands_of_flaws_are_told_by_a_few(void **state)
{
	g_autoptr(GString) text = g_string_new(DATE ID FROM);
	struct rmt_rule_findings findings;
	int i;

	(void)state;
	for (i = 0; i < 9000; i++)
		g_string_append(text, "no field\r\nSubject: \303\r\n");
	look(rmt_rule_format, (struct rmt_header_facts){ .complete = true }, text->str,
	     text->len, &findings);
	assert_in_range(findings.list->len, 2, 8);
	rmt_rule_findings_clear(&findings);
}

static void r12_holds_up_to_what_gmail_takes(void **state)
{
	g_autofree char *subject = g_strnfill(RMT_HEADER_SUBJECT_MAX, 'x');
	g_autofree char *long_value = g_strnfill(RMT_HEADER_VALUE_MAX + 9, 'x');
	g_autofree char *at_most = g_strdup_printf("Subject: %s\r\n", subject);
	g_autofree char *to = g_strdup_printf("To: %s\r\n", long_value);

	(void)state;
	check(rmt_rule_header_sizes, DATE ID FROM, NULL);
	check(rmt_rule_header_sizes, at_most, NULL);
	check(rmt_rule_header_sizes, to, NULL);
	check_len(rmt_rule_header_sizes,
		  (struct rmt_header_facts){ .octets = RMT_HEADER_TOTAL_MAX,
					     .count = RMT_HEADER_COUNT_MAX },
		  FROM, strlen(FROM), NULL);
}

static void r12_is_broken_beyond(void **state)
{
	g_autofree char *x = g_strnfill(RMT_HEADER_VALUE_MAX + 1, 'x');
	g_autofree char *subject =
		g_strdup_printf("Subject: %.*s\r\n", RMT_HEADER_SUBJECT_MAX + 1, x);
	g_autofree char *id =
		g_strdup_printf("message-id: %.*s\r\n", RMT_HEADER_MESSAGE_ID_MAX + 1, x);
	g_autofree char *value = g_strdup_printf("X-Any: %s\r\n", x);
	g_autofree char *name =
		g_strdup_printf("%.*s: a\r\n", RMT_HEADER_NAME_MAX + 1, x);

	(void)state;
	check(rmt_rule_header_sizes, subject, "999 octets, more than 998");
	check(rmt_rule_header_sizes, id, "more than 500");
	check(rmt_rule_header_sizes, value, "more than 32768");
	check(rmt_rule_header_sizes, name, "name has 1025");
	check_len(rmt_rule_header_sizes,
		  (struct rmt_header_facts){ .octets = RMT_HEADER_TOTAL_MAX + 1 }, FROM,
		  strlen(FROM), "octets, more than");
	check_len(rmt_rule_header_sizes,
		  (struct rmt_header_facts){ .count = RMT_HEADER_COUNT_MAX + 1 }, FROM,
		  strlen(FROM), "fields, more than");
}

/* --- R13 -------------------------------------------------------------------------- */

#define LIST "List-Unsubscribe: <https://x.test/u/1>\r\n"
#define POST "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"

static void check_unsubscribe(const char *section, enum rmt_covered_result result,
			      enum rmt_rule_state state, const char *problem)
{
	const struct rmt_covered covered = { .result = result,
					     .one_click = RMT_ONE_CLICK_NO_POST,
					     .domain = (char *)"x.test" };
	struct rmt_rule_findings findings;
	const struct rmt_rule_finding *first;

	look(rmt_rule_one_click,
	     (struct rmt_header_facts){ .complete = true, .unsubscribe = &covered },
	     section, strlen(section), &findings);
	first = findings.list->pdata[0];
	if (first->state != state || strstr(first->problem, problem) == NULL)
		fail_msg("%s: %s", section, first->problem);
	rmt_rule_findings_clear(&findings);
}

static void r13_holds_where_one_click_is_offered_and_signed(void **state)
{
	static const char *const rows[] = {
		FROM LIST POST,
		FROM
		"List-Unsubscribe: <mailto:u@x.test>,\r\n <https://x.test/u>\r\n" POST,
		FROM POST "list-unsubscribe: <https://x.test/u>\r\n",
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		check_unsubscribe(rows[i], RMT_COVERED_ONE_CLICK, RMT_RULE_HOLDS,
				  "signed by x.test");
}

static void r13_is_broken_where_it_is_not(void **state)
{
	static const struct {
		const char *section, *problem;
	} rows[] = {
		{ FROM, "is missing" },
		{ FROM LIST, "" },
		{ FROM "List-Unsubscribe: <mailto:u@x.test>\r\n" POST, "" },
		{ FROM "List-Unsubscribe: <http://x.test/u>\r\n" POST, "" },
		{ FROM "List-Unsubscribe: <https://x.test/u>, <http://x.test/u>\r\n" POST,
		  "http:" },
		{ FROM LIST "List-Unsubscribe-Post: yes\r\n", "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		check_unsubscribe(rows[i].section, RMT_COVERED_ONE_CLICK, RMT_RULE_BROKEN,
				  rows[i].problem);
}

static void r13_wants_a_signature_over_both_fields(void **state)
{
	static const struct {
		enum rmt_covered_result result;
		enum rmt_rule_state state;
		const char *problem;
	} rows[] = {
		{ RMT_COVERED_UNSIGNED, RMT_RULE_BROKEN, "not signed" },
		{ RMT_COVERED_INVALID, RMT_RULE_BROKEN, "no signature holds" },
		{ RMT_COVERED_UNALIGNED, RMT_RULE_BROKEN, "organisation" },
		{ RMT_COVERED_UNCOVERED, RMT_RULE_BROKEN, "covers" },
		{ RMT_COVERED_REPEATED, RMT_RULE_BROKEN, "twice" },
		{ RMT_COVERED_TESTING, RMT_RULE_BROKEN, "tests" },
		{ RMT_COVERED_NOTHING, RMT_RULE_BROKEN, "of what the signature covers" },
		{ RMT_COVERED_UNKNOWN, RMT_RULE_UNKNOWN, "DNS" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		check_unsubscribe(FROM LIST POST, rows[i].result, rows[i].state,
				  rows[i].problem);
}

/* --- R14, R16 ------------------------------------------------------------------------
 */

static void check_text(const char *section, const char *text, enum rmt_rule_state state)
{
	struct rmt_rule_findings findings;
	g_autofree char *copy = g_memdup2(text, strlen(text));

	look(rmt_rule_unsubscribe_link,
	     (struct rmt_header_facts){ .complete = true,
					.text = rmt_span(copy, strlen(text)) },
	     section, strlen(section), &findings);
	if (((struct rmt_rule_finding *)findings.list->pdata[0])->state != state)
		fail_msg("%s", text);
	rmt_rule_findings_clear(&findings);
}

static void r14_looks_for_a_way_out_in_the_text(void **state)
{
	const struct rmt_header_facts no_text = { .complete = true };
	struct rmt_rule_findings findings;

	(void)state;
	check_text(FROM, "Hi.\r\nUnsubscribe: https://x.test/u\r\n", RMT_RULE_HOLDS);
	check_text(FROM "Content-Transfer-Encoding: quoted-printable\r\n",
		   "<a href=3D\"u\">unsub=\r\nscribe</a>", RMT_RULE_HOLDS);
	check_text(FROM, "Hallo.\r\nNewsletter abbestellen", RMT_RULE_HOLDS);
	check_text(FROM, "Hi.\r\n", RMT_RULE_BROKEN);
	check_text(FROM, "Buy!\r\nhttps://x.test/buy", RMT_RULE_BROKEN);
	check_text(FROM, "unsubs", RMT_RULE_BROKEN);
	check_text(FROM "Content-Transfer-Encoding: base64\r\n", "SGk=", RMT_RULE_BROKEN);
	check_text(FROM "Content-Transfer-Encoding: base64\r\n",
		   "VW5zdWJzY3JpYmU=", RMT_RULE_HOLDS);
	check_text(FROM "Content-Transfer-Encoding: quoted-printable\r\n",
		   "Cliquez ici: se d=C3=A9sabonner", RMT_RULE_HOLDS);
	check_text(FROM "Content-Transfer-Encoding: uuencode\r\n", "x", RMT_RULE_NEEDS);
	check_text(FROM "Content-Type: application/pkcs7-mime\r\n", "x", RMT_RULE_NEEDS);
	look(rmt_rule_unsubscribe_link, no_text, FROM, strlen(FROM), &findings);
	assert_int_equal(((struct rmt_rule_finding *)findings.list->pdata[0])->state,
			 RMT_RULE_NEEDS);
	rmt_rule_findings_clear(&findings);
}

static void r16_wants_gmails_mark(void **state)
{
	(void)state;
	check(rmt_rule_feedback_id, "Feedback-ID: c1:u2:news:exampleco\r\n", NULL);
	check(rmt_rule_feedback_id, "feedback-id: exampleco\r\n", NULL);
	check(rmt_rule_feedback_id, "Feedback-ID: a::\r\n\t:exampleco\r\n", NULL);
	check(rmt_rule_feedback_id, FROM, "is missing");
	check(rmt_rule_feedback_id, "Feedback-ID: a:b:c:d:exampleco\r\n", "four");
	check(rmt_rule_feedback_id, "Feedback-ID: a:b:c:\r\n", "mark");
	check(rmt_rule_feedback_id, "Feedback-ID: a:b:c:more-than-fifteen\r\n", "mark");
}

/* --- R19, R20 -------------------------------------------------------------------------
 */

static void r19_keeps_labels_to_one_script(void **state)
{
	(void)state;
	check(rmt_rule_from_scripts, "From: a@x.test\r\n", NULL);
	check(rmt_rule_from_scripts, "From: a@xn--mnchen-3ya.test\r\n", NULL);
	check(rmt_rule_from_scripts, "From: a@xn--80ak6aa92e.test\r\n", NULL);
	/* Latin with one Cyrillic letter, and what is no A-label at all. */
	check(rmt_rule_from_scripts, "From: a@xn--pple-43d.test\r\n", "mixes scripts");
	check(rmt_rule_from_scripts, "From: a@b.xn--gogle-kye.test\r\n", "mixes scripts");
	check(rmt_rule_from_scripts, "From: a@xn--pypal-4ve.test\r\n", "mixes scripts");
}

static void r20_knows_what_pretends(void **state)
{
	static const struct {
		const char *section, *problem;
	} rows[] = {
		{ FROM "Subject: News\r\n", NULL },
		{ FROM "Subject: Re: News\r\nIn-Reply-To: <1@y.test>\r\n", NULL },
		{ FROM "Subject: Regarding news\r\n", NULL },
		{ "From: =?utf-8?q?Caf=C3=A9?= <a@x.test>\r\n", NULL },
		{ FROM "Subject: Re: News\r\n", "answers no message" },
		{ FROM "Subject: FWD: News\r\n", "no message is forwarded" },
		{ "From: =?utf-8?q?Bank_=E2=9C=85?= <a@x.test>\r\n", "badge" },
		{ "From: =?UTF-8?B?QmFuayDinIU=?= <a@x.test>\r\n", "badge" },
		{ "From: \"bank@y.test\" <a@x.test>\r\n", "another address" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		check(rmt_rule_deceptive, rows[i].section, rows[i].problem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(r11_holds_for_what_rfc_5322_allows),
		cmocka_unit_test(r11_is_broken_by_everything_else),
		cmocka_unit_test(r11_takes_raw_utf8_only_where_it_was_announced),
		cmocka_unit_test(r11_finds_nul_and_long_lines),
		cmocka_unit_test(thousands_of_flaws_are_told_by_a_few),
		cmocka_unit_test(r12_holds_up_to_what_gmail_takes),
		cmocka_unit_test(r12_is_broken_beyond),
		cmocka_unit_test(r13_holds_where_one_click_is_offered_and_signed),
		cmocka_unit_test(r13_is_broken_where_it_is_not),
		cmocka_unit_test(r13_wants_a_signature_over_both_fields),
		cmocka_unit_test(r14_looks_for_a_way_out_in_the_text),
		cmocka_unit_test(r16_wants_gmails_mark),
		cmocka_unit_test(r19_keeps_labels_to_one_script),
		cmocka_unit_test(r20_knows_what_pretends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
