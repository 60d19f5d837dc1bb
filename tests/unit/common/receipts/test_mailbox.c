/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/receipts/mailbox.h"

/* "a@x b@y", and "!" with the flaws behind it. */
static char *describe(const struct rmt_mailboxes *read)
{
	GString *out = g_string_new(NULL);
	guint i;

	for (i = 0; i < read->list->len; i++) {
		const struct rmt_mailbox *m = g_ptr_array_index(read->list, i);

		g_string_append_printf(out, "%s%s", i > 0 ? " | " : "", m->address);
	}
	if (read->flaws != 0)
		g_string_append_printf(out, " !%s%s%s",
				       read->flaws & RMT_MAILBOX_SYNTAX ? "syntax" : "",
				       read->flaws & RMT_MAILBOX_GROUP ? "group" : "",
				       read->flaws & RMT_MAILBOX_LONG ? "long" : "");
	return g_string_free(out, FALSE);
}

/* A copy without NUL behind it, so that an over-read shows. */
static struct rmt_mailboxes *read_copy(const char *value)
{
	size_t len = strlen(value);
	g_autofree char *copy = g_memdup2(value, len);

	return rmt_mailboxes_read(rmt_span(copy, len));
}

static void a_field_is_read_as_its_grammar_says(void **state)
{
	static const struct {
		const char *value, *want;
	} rows[] = {
		{ "ann@example.org", "ann@example.org" },
		{ " Ann <ann@example.org> ", "ann@example.org" },
		{ "\"Ann, of X\" <ann@example.org>", "ann@example.org" },
		{ "=?utf-8?q?Ann=2C?= <ann@example.org>", "ann@example.org" },
		{ "a@x.example, B <b@y.example>", "a@x.example | b@y.example" },
		{ "a@x.example,,\r\n b@y.example,", "a@x.example | b@y.example" },
		{ "(a comment, <evil@x>) ann@example.org (more)", "ann@example.org" },
		{ "ann (nested (deep)) @ example . org", "ann@example.org" },
		{ "<@relay.example,@other.example:ann@example.org>", "ann@example.org" },
		{ "\"a\\\"b\"@example.org", "\"a\\\"b\"@example.org" },
		{ "\"ann\"@example.org", "ann@example.org" },
		{ "\"a.n.n\"@Example.ORG.", "a.n.n@Example.ORG" },
		{ "\"a b\"@example.org", "\"a b\"@example.org" },
		{ "ann@[192.0.2.1]", "ann@[192.0.2.1]" },
		{ "jos\xc3\xa9@example.org", "jos\xc3\xa9@example.org" },
		{ "team: a@x.example, b@y.example;", "a@x.example | b@y.example !group" },
		{ "undisclosed-recipients:;", " !group" },
		{ "", "" },
		{ "<>", " !syntax" },
		{ "ann", " !syntax" },
		{ "ann@", " !syntax" },
		{ "@example.org", " !syntax" },
		{ "a@x.example b@y.example", " !syntax" },
		{ "a@x.example; b@y.example", "a@x.example | b@y.example !syntax" },
		{ "<a@x.example", "a@x.example !syntax" },
		{ "Ann <ann@example.org> <eve@example.org>", " !syntax" },
		{ "a@b@c.example", " !syntax" },
		{ "a..b@example.org", "\"a..b\"@example.org" },
		{ "=?utf-8?q?ann=40evil.example?=@example.org", " !syntax" },
		{ "jos\xe9@example.org", " !syntax" },
		{ "\"ann\x01\"@example.org", " !syntax" },
		{ "(no end ann@example.org", " !syntax" },
		{ "\"no end@example.org", " !syntax" },
		{ "a@exa mple.org", " !syntax" },
		{ "a@b..example", " !syntax" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(rmt_mailboxes) read = read_copy(rows[i].value);
		g_autofree char *got = describe(read);

		if (strcmp(got, rows[i].want) != 0)
			fail_msg("'%s': wanted '%s', got '%s'", rows[i].value,
				 rows[i].want, got);
	}
}

static void M05_same_means_local_part_with_case_and_domain_without(void **state)
{
	static const struct {
		const char *a, *b;
		bool want;
	} rows[] = {
		{ "ann@example.org", "ann@EXAMPLE.org", true },
		{ "ann@example.org", "Ann@example.org", false },
		{ "\"ann\"@example.org", "ann@example.org", true },
		{ "\"a\\nn\"@example.org", "ann@example.org", true },
		{ "ann@example.org.", "ann@example.org", true },
		{ "ann+x@example.org", "ann@example.org", false },
		{ "ann@m\xc3\xbcller.example", "ann@xn--mller-kva.example", true },
		{ "ann@example.org", "ann@example.org.evil.example", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(rmt_mailbox) a = rmt_mailbox_read(rmt_span_of(rows[i].a));
		g_autoptr(rmt_mailbox) b = rmt_mailbox_read(rmt_span_of(rows[i].b));

		assert_non_null(a);
		assert_non_null(b);
		if (rmt_mailbox_same(a, b) != rows[i].want)
			fail_msg("%s and %s", rows[i].a, rows[i].b);
	}
}

static void one_address_is_read_as_programs_write_it(void **state)
{
	g_autoptr(rmt_mailbox) blank = rmt_mailbox_read(RMT_SPAN("a b@example.org"));

	(void)state;
	assert_string_equal(blank->address, "\"a b\"@example.org");
	assert_null(rmt_mailbox_read(RMT_SPAN("a@x.example, b@y.example")));
	assert_null(rmt_mailbox_read(RMT_SPAN("")));
	assert_null(rmt_mailbox_read(RMT_SPAN("a\0b@x.example")));
}

static void a_hundred_thousand_octets_end_in_time(void **state)
{
	g_autoptr(GString) value = g_string_new(NULL);
	g_autoptr(rmt_mailboxes) read = NULL;
	unsigned i;

	(void)state;
	for (i = 0; i < 10000; i++)
		g_string_append_printf(value, "a%u@x.example,", i);
	read = rmt_mailboxes_read(rmt_span(value->str, value->len));
	assert_true(read->flaws & RMT_MAILBOX_LONG);
	assert_int_equal(read->list->len, RMT_MAILBOX_COUNT_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_field_is_read_as_its_grammar_says),
		cmocka_unit_test(M05_same_means_local_part_with_case_and_domain_without),
		cmocka_unit_test(one_address_is_read_as_programs_write_it),
		cmocka_unit_test(a_hundred_thousand_octets_end_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
