/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>
#include <glib.h>
#include <stdio.h>

#include "common/message/from.h"

struct row {
	const char *name;
	struct rmt_span section;
	enum rmt_from_result want;
	const char *address;
	unsigned flags;
};

#define OK(name, text, address, flags)                                                   \
	{                                                                                \
		name, RMT_SPAN(text), RMT_FROM_OK, address, flags                        \
	}
#define NO(name, text, result)                                                           \
	{                                                                                \
		name, RMT_SPAN(text), RMT_FROM_##result, "", 0                           \
	}
#define LONG_64 "abcdefghabcdefghabcdefghabcdefghabcdefghabcdefghabcdefghabcdefgh"

enum {
	OBSOLETE = RMT_FROM_FLAG_OBSOLETE,
	UTF8_NAME = RMT_FROM_FLAG_UTF8_NAME,
	UTF8_ADDRESS = RMT_FROM_FLAG_UTF8_ADDRESS,
	IN_QUOTES = RMT_FROM_FLAG_ENCODED_IN_QUOTES,
	NAME_IS_ADDRESS = RMT_FROM_FLAG_NAME_IS_ADDRESS,
};

static const struct row rows[] = {
	/* what honest mail looks like */
	OK("bare address", "From: ann@x.example\r\n", "ann@x.example", 0),
	OK("name and angles", "From: Ann Lee <ann@x.example>\r\n", "ann@x.example", 0),
	OK("quoted name", "From: \"Lee, Ann\" <ann@x.example>\r\n", "ann@x.example", 0),
	OK("no name", "From: <ann@x.example>\r\n", "ann@x.example", 0),
	OK("no blank after the colon", "From:ann@x.example\r\n", "ann@x.example", 0),
	OK("any case of the field's name", "fRoM: ann@x.example\r\n", "ann@x.example", 0),
	OK("LF throughout", "To: b@y\nFrom: Ann\n <ann@x.example>\n\nFrom: c@z\n",
	   "ann@x.example", 0),
	OK("folded before the angle", "From: Ann\r\n <ann@x.example>\r\n",
	   "ann@x.example", 0),
	OK("folded after the colon", "From:\r\n ann@x.example\r\n", "ann@x.example", 0),
	OK("without line end", "From: ann@x.example", "ann@x.example", 0),
	OK("case kept", "From: Ann@X.Example\r\n", "Ann@X.Example", 0),
	OK("encoded name", "From: =?utf-8?q?J=C3=B6rg?= <j@x.example>\r\n", "j@x.example",
	   0),
	OK("encoded name, two words",
	   "From: =?utf-8?q?J=C3=B6rg?= =?utf-8?q?_M?= <j@x.example>\r\n", "j@x.example",
	   0),
	OK("encoded comma", "From: =?utf-8?q?M=2C_J?= <j@x.example>\r\n", "j@x.example",
	   0),
	OK("encoded own address", "From: =?utf-8?q?j=40x=2Eexample?= <j@x.example>\r\n",
	   "j@x.example", 0),
	OK("quoted own address", "From: \"j@x.example\" <j@x.example>\r\n", "j@x.example",
	   0),
	OK("dot in the name", "From: John Q. Public <j@x.example>\r\n", "j@x.example",
	   OBSOLETE),
	OK("raw UTF-8 in the name", "From: J\xc3\xb6rg <j@x.example>\r\n", "j@x.example",
	   UTF8_NAME),
	OK("comment behind", "From: ann@x.example (Ann)\r\n", "ann@x.example", 0),
	OK("comment before", "From: (Ann) <ann@x.example>\r\n", "ann@x.example", 0),
	OK("nested comment", "From: ann@x.example (a (b) c)\r\n", "ann@x.example", 0),
	OK("plus and dots in the local part", "From: a.b+c@x.example\r\n",
	   "a.b+c@x.example", 0),
	OK("A-label", "From: a@xn--bcher-kva.example\r\n", "a@xn--bcher-kva.example", 0),
	OK("single label", "From: root@localhost\r\n", "root@localhost", 0),
	OK("at sign in a quoted name", "From: \"Ann @ X\" <ann@x.example>\r\n",
	   "ann@x.example", 0),
	OK("From in the body", "From: ann@x.example\r\n\r\nFrom: eve@y.example\r\n",
	   "ann@x.example", 0),
	OK("Resent-From is another field",
	   "Resent-From: b@y.example\r\nFrom: ann@x.example\r\n", "ann@x.example", 0),
	OK("CR at another field's end, behind From",
	   "From: ann@x.example\r\nSubject: a\rb\r\n", "ann@x.example", 0),

	/* right, but somebody is shown something else */
	OK("quoted other address", "From: \"ceo@bank.example\" <eve@x.example>\r\n",
	   "eve@x.example", NAME_IS_ADDRESS),
	OK("other address in a comment", "From: eve@x.example (ceo@bank.example)\r\n",
	   "eve@x.example", NAME_IS_ADDRESS),
	OK("via", "From: \"ann@y.example via L\" <l@x.example>\r\n", "l@x.example",
	   NAME_IS_ADDRESS),
	OK("look-alike local part", "From: \xd0\xb0nn@x.example\r\n",
	   "\xd0\xb0nn@x.example", UTF8_ADDRESS),
	OK("look-alike domain", "From: ann@\xd0\xb5xample.org\r\n",
	   "ann@\xd0\xb5xample.org", UTF8_ADDRESS),
	OK("U-label",
	   "From: a@b\xc3\xbc"
	   "cher.example\r\n",
	   "a@b\xc3\xbc"
	   "cher.example",
	   UTF8_ADDRESS),
	OK("encoded-word in quotes", "From: \"=?utf-8?q?J=C3=B6rg?=\" <j@x.example>\r\n",
	   "j@x.example", IN_QUOTES),

	/* how many fields */
	NO("no field", "To: a@b\r\nSubject: x\r\n", MISSING),
	NO("nothing", "", MISSING),
	NO("only in the body", "To: a@b\r\n\r\nFrom: ann@x.example\r\n", MISSING),
	NO("look-alike field name", "Fr\xd0\xbem: a@b.c\r\n", BROKEN),
	NO("two fields", "From: a@x.example\r\nFrom: b@y.example\r\n", REPEATED),
	NO("twice the same", "From: a@x.example\r\nFrom: a@x.example\r\n", REPEATED),
	NO("second in other case", "From: a@x.example\r\nFROM: b@y.example\r\n",
	   REPEATED),
	NO("second with a blank before the colon",
	   "From: a@x.example\r\nFrom : b@y.example\r\n", REPEATED),
	NO("second far away",
	   "From: a@x.example\r\nTo: c\r\nCc: d\r\nFrom: b@y.example\r\n", REPEATED),
	NO("second behind a stray CR",
	   "From: a@x.example\r\nTo: c\rFrom: b@y.example\r\n", REPEATED),
	NO("second behind a stray CR in From", "From: a@x.example\rFrom: b@y.example\r\n",
	   REPEATED),
	NO("second behind LF in CRLF mail", "From: a@x.example\nFrom: b@y.example\r\n",
	   REPEATED),
	NO("second behind a folded blank line",
	   "From: a@x.example\r\nTo: c\r\n \r\nFrom: b@y.example\r\n", REPEATED),

	/* where the section is read in several ways */
	NO("blank before the colon", "From : ann@x.example\r\n", SYNTAX),
	NO("continuation of nothing", " From: ann@x.example\r\n", BROKEN),
	NO("mbox line before it",
	   "From eve@y.example Mon Jan  1\r\nFrom: ann@x.example\r\n", BROKEN),
	NO("garbage before it", "garbage\r\nFrom: ann@x.example\r\n", BROKEN),
	NO("folded blank line before it", "To: a\r\n \r\nFrom: ann@x.example\r\n",
	   BROKEN),
	NO("NUL before it", "To: a\0b\r\nFrom: ann@x.example\r\n", BROKEN),
	NO("NUL in a field's name", "Fr\0om: ann@x.example\r\n", BROKEN),
	NO("stray CR before it", "To: a\rb\r\nFrom: ann@x.example\r\n", BROKEN),

	/* no address, several, groups */
	NO("empty", "From: \r\n", NONE),
	NO("empty, no blank", "From:\r\n", NONE),
	NO("comment alone", "From: (ann@x.example)\r\n", NONE),
	NO("empty angles", "From: Ann <>\r\n", NONE),
	NO("no at sign", "From: ann\r\n", NONE),
	NO("name alone in quotes", "From: \"ann@x.example\"\r\n", NONE),
	NO("two addresses", "From: a@x.example, b@y.example\r\n", SEVERAL),
	NO("two with angles", "From: A <a@x.example>, B <b@y.example>\r\n", SEVERAL),
	NO("two without comma", "From: <a@x.example> <b@y.example>\r\n", SEVERAL),
	NO("two, folded", "From: a@x.example,\r\n b@y.example\r\n", SEVERAL),
	NO("comma at the end", "From: a@x.example,\r\n", SEVERAL),
	NO("comma before", "From: ,a@x.example\r\n", SEVERAL),
	NO("unquoted comma in the name", "From: Lee, Ann <a@x.example>\r\n", SEVERAL),
	NO("empty group", "From: undisclosed:;\r\n", GROUP),
	NO("group of one", "From: g: a@x.example;\r\n", GROUP),
	NO("group of two", "From: g: a@x.example, b@y.example;\r\n", GROUP),
	NO("quoted group", "From: \"g\": a@x.example;\r\n", GROUP),
	NO("group and address", "From: g:;, a@x.example\r\n", GROUP),

	/* the address itself */
	NO("angle not closed", "From: Ann <ann@x.example\r\n", SYNTAX),
	NO("angle not opened", "From: ann@x.example>\r\n", SYNTAX),
	NO("angle in angle", "From: A <b <c@x.example>>\r\n", SEVERAL),
	NO("name without angles", "From: Ann ann@x.example\r\n", SYNTAX),
	NO("text behind", "From: <ann@x.example> Ann\r\n", SYNTAX),
	NO("address as name", "From: ceo@bank.example <eve@x.example>\r\n", SYNTAX),
	NO("two at signs", "From: a@x.example@y.example\r\n", SYNTAX),
	NO("two at signs in angles", "From: <a@x.example@y.example>\r\n", SYNTAX),
	NO("quoted at sign", "From: \"a@x.example\"@y.example\r\n", SYNTAX),
	NO("quoted angle", "From: \"a@x.example>\"@y.example\r\n", SYNTAX),
	NO("source route", "From: <@a.example,@b.example:c@x.example>\r\n", SYNTAX),
	NO("source route without angles", "From: @a.example:c@x.example\r\n", GROUP),
	NO("no local part", "From: <@x.example>\r\n", SYNTAX),
	NO("no domain", "From: ann@\r\n", SYNTAX),
	NO("domain literal", "From: ann@[192.0.2.1]\r\n", SYNTAX),
	NO("literal not closed", "From: ann@[192.0.2.1\r\n", SYNTAX),
	NO("dot at the end", "From: ann@x.example.\r\n", SYNTAX),
	NO("dot at the start", "From: .ann@x.example\r\n", SYNTAX),
	NO("two dots", "From: ann@x..example\r\n", SYNTAX),
	NO("dot before at", "From: ann.@x.example\r\n", SYNTAX),
	NO("folded domain", "From: ann@x.\r\n example\r\n", SYNTAX),
	NO("blank at the at sign", "From: ann @ x.example\r\n", SYNTAX),
	NO("blank in angles", "From: < ann@x.example >\r\n", SYNTAX),
	NO("comment in the domain", "From: ann@x(.evil).example\r\n", SYNTAX),
	NO("comment at the at sign", "From: ann(c)@x.example\r\n", SYNTAX),
	NO("comment in angles", "From: <ann@x.example(c)>\r\n", SYNTAX),
	NO("obsolete local part", "From: \"a\".b@x.example\r\n", SYNTAX),
	NO("exclamation mark in the domain", "From: ann@x!y.example\r\n", SYNTAX),
	NO("hyphen first in a label", "From: ann@-x.example\r\n", SYNTAX),
	NO("comment not closed", "From: ann@x.example (Ann\r\n", SYNTAX),
	NO("comment closed twice", "From: ann@x.example (Ann))\r\n", SYNTAX),
	NO("comments too deep", "From: ann@x.example (((((((((a)))))))))\r\n", SYNTAX),
	NO("quotation not closed", "From: \"Ann <ann@x.example>\r\n", SYNTAX),
	NO("escaped closing quote", "From: \"Ann\\\" <ann@x.example>\r\n", SYNTAX),
	NO("semicolon", "From: ann@x.example;\r\n", SYNTAX),
	NO("backslash", "From: a\\nn@x.example\r\n", SYNTAX),
	NO("NUL in the address", "From: ann@x.example\0.evil.example\r\n", SYNTAX),
	NO("NUL in the name", "From: \"A\0\" <ann@x.example>\r\n", SYNTAX),
	NO("control character", "From: A\x01 <ann@x.example>\r\n", SYNTAX),
	NO("delete character", "From: \"A\x7f\" <ann@x.example>\r\n", SYNTAX),
	NO("stray CR", "From: Ann\r <ann@x.example>\r\n", SYNTAX),
	NO("stray CR at the end", "From: ann@x.example\r\r\n", SYNTAX),
	NO("folded blank line within", "From: Ann\r\n \r\n <ann@x.example>\r\n", SYNTAX),
	NO("folded blank line behind", "From: ann@x.example\r\n \r\n", SYNTAX),
	NO("Latin-1", "From: J\xf6rg <j@x.example>\r\n", SYNTAX),
	NO("overlong UTF-8 at sign", "From: a\xc1\x80y.example <j@x.example>\r\n",
	   SYNTAX),

	/* encoded-words where they may not be, or that hide something */
	NO("encoded local part", "From: =?utf-8?q?a?=@x.example\r\n", ENCODED),
	NO("encoded domain", "From: a@=?utf-8?q?x?=.example\r\n", ENCODED),
	NO("whole address encoded", "From: =?utf-8?q?ann=40x=2Eexample?=\r\n", NONE),
	NO("encoded in angles", "From: Ann <=?utf-8?q?ann=40x=2Eexample?=>\r\n", NONE),
	NO("encoded other address",
	   "From: =?utf-8?q?ceo=40bank=2Eexample?= <eve@x.example>\r\n", ENCODED),
	NO("encoded other address, base64",
	   "From: =?utf-8?b?Y2VvQGJhbmsuZXhhbXBsZQ==?= <eve@x.example>\r\n", ENCODED),
	NO("encoded other address in two words",
	   "From: =?utf-8?q?ceo=40?=\r\n =?utf-8?q?bank=2Eexample?= <eve@x.example>\r\n",
	   ENCODED),
	NO("encoded other address in quotes",
	   "From: \"=?utf-8?q?ceo=40bank=2Eexample?=\" <eve@x.example>\r\n", ENCODED),
	NO("encoded other address in a comment",
	   "From: eve@x.example (=?utf-8?q?ceo=40bank=2Eexample?=)\r\n", ENCODED),
	NO("encoded angle",
	   "From: =?utf-8?q?Ann_=3Ca=40x=2Eexample=3E?= <a@x.example>\r\n", ENCODED),
	NO("encoded line end", "From: =?utf-8?q?A=0D=0ABcc=3A_x?= <a@x.example>\r\n",
	   ENCODED),

	/* sizes */
	NO("local part of 65 octets", "From: " LONG_64 "i@x.example\r\n", TOO_LONG),
	OK("local part of 64 octets", "From: " LONG_64 "@x.example\r\n",
	   LONG_64 "@x.example", 0),
	NO("label of 64 octets", "From: a@" LONG_64 ".example\r\n", SYNTAX),
	NO("domain of 256 octets",
	   "From: a@" LONG_64 "." LONG_64 "." LONG_64 "." LONG_64 "\r\n", TOO_LONG),
};

/* A copy without NUL, so that reading too far shows. */
static bool read_copy(struct rmt_span section, struct rmt_from *from_r)
{
	char *copy = g_memdup2(section.p, section.len);
	bool ok = rmt_from_read(rmt_span(copy, section.len), from_r);

	g_free(copy);
	return ok;
}

static void hostile_and_honest_fields_are_told_apart(void **state)
{
	size_t i, wrong = 0;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct rmt_from from;
		bool ok = read_copy(rows[i].section, &from);

		assert_int_equal(ok, from.result == RMT_FROM_OK);
		if (from.result == rows[i].want && from.flags == rows[i].flags &&
		    strcmp(from.address, rows[i].address) == 0)
			continue;
		print_error("%s: %s '%s' flags %u (%s)\n", rows[i].name,
			    rmt_from_result_name(from.result), from.address, from.flags,
			    from.reason);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

static void a_refusal_names_the_octet(void **state)
{
	static const struct {
		const char *section;
		size_t offset;
	} cases[] = {
		{ "To: a\r\nFrom: ann@x..example\r\n", 19 },
		{ "From: a@x.example, b@y.example\r\n", 17 },
		{ "From: a@x\r\nTo: b\r\nFrom: c@y\r\n", 18 },
		{ "From: g: a@x;\r\n", 7 },
		{ "From: ann@x.example@y\r\n", 19 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct rmt_from from;

		assert_false(read_copy(rmt_span_of(cases[i].section), &from));
		assert_int_equal(from.offset, cases[i].offset);
		assert_true(from.reason[0] != '\0');
	}
}

static void the_domain_is_in_lower_case(void **state)
{
	struct rmt_from from;

	(void)state;
	assert_true(rmt_from_read(RMT_SPAN("From: Ann <Ann@News.X.Example>\r\n"), &from));
	assert_string_equal(from.domain, "news.x.example");
	assert_string_equal(from.address, "Ann@News.X.Example");
}

/* Reads a section made of head, count times filler, tail. */
static enum rmt_from_result read_large(const char *head, const char *filler, size_t count,
				       const char *tail)
{
	g_autoptr(GString) text = g_string_new(head);
	struct rmt_from from;

	while (count-- > 0)
		g_string_append(text, filler);
	g_string_append(text, tail);
	rmt_from_read(rmt_span(text->str, text->len), &from);
	return from.result;
}

static void large_sections_are_answered_at_once(void **state)
{
	const clock_t start = clock(); /* of the processor */

	(void)state;
	assert_int_equal(read_large("From: a@x.example\r\nX: ", "y", 10 << 20, "\r\n"),
			 RMT_FROM_TOO_LONG);
	assert_int_equal(read_large("From: ", "(", 10 << 20, "\r\n"), RMT_FROM_TOO_LONG);
	assert_int_equal(read_large("From: ", "a@x,\r\n ", 1000, "b@y\r\n"),
			 RMT_FROM_TOO_LONG);
	assert_int_equal(read_large("From: ", "a ", 450, "<a@x>\r\n"), RMT_FROM_TOO_LONG);
	assert_int_equal(read_large("From: ", "a", 999, "@x\r\n"), RMT_FROM_TOO_LONG);
	assert_int_equal(read_large("From: a@x\r\n", "X: y\r\n", 150000, ""),
			 RMT_FROM_OK);
	assert_int_equal(read_large("From: a@x\r\nX: ", "\r", 500000, "\r\n"),
			 RMT_FROM_OK);
	assert_true(clock() - start < 20 * CLOCKS_PER_SEC);
}

static void every_result_has_a_name(void **state)
{
	int i;

	(void)state;
	for (i = RMT_FROM_OK; i <= RMT_FROM_DISAGREE; i++)
		assert_non_null(rmt_from_result_name((enum rmt_from_result)i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_and_honest_fields_are_told_apart),
		cmocka_unit_test(a_refusal_names_the_octet),
		cmocka_unit_test(the_domain_is_in_lower_case),
		cmocka_unit_test(large_sections_are_answered_at_once),
		cmocka_unit_test(every_result_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
