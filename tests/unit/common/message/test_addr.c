/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>

#include "common/config/list.h"
#include "common/message/addr.h"

static void assert_span(struct rmt_span got, const char *want)
{
	g_autofree char *text = g_strndup(got.p, got.len);

	assert_string_equal(text, want);
}

/* Copied without its NUL, so that an over-read shows. */
static void fold_copy(const struct rmt_fold *fold, const char *address,
		      struct rmt_addr *addr_r)
{
	size_t len = strlen(address);
	g_autofree char *copy = g_memdup2(address, len);

	rmt_addr_fold(fold, rmt_span(copy, len), addr_r);
}

static void two_spellings_of_an_address_are_one_key(void **state)
{
	static const struct {
		const char *in, *whole, *local, *domain;
	} cases[] = {
		{ "", "", "", "" },
		{ "Ann@Example.ORG", "ann@example.org", "ann", "example.org" },
		{ "ann@example.org.", "ann@example.org", "ann", "example.org" },
		{ "postmaster", "postmaster", "postmaster", "" },
		{ "Ann@", "ann", "ann", "" },
		{ "@example.org", "@example.org", "", "example.org" },
		{ "a@b@C.example", "a@b@c.example", "a@b", "c.example" },
		{ "john smith@x.example", "john smith@x.example", "john smith",
		  "x.example" },
		{ "\"John Smith\"@X.example", "john smith@x.example", "john smith",
		  "x.example" },
		{ "\"a..b\"@x.example", "a..b@x.example", "a..b", "x.example" },
		{ "\"ann\"@x.example", "ann@x.example", "ann", "x.example" },
		{ "\"a\\\"\\\\b@c\"@x.example", "a\"\\b@c@x.example", "a\"\\b@c",
		  "x.example" },
		{ "\"\xc3\x9c b\"@x.example", "\xc3\x9c b@x.example", "\xc3\x9c b",
		  "x.example" },
		{ "\"a\"b\"@x.example", "\"a\"b\"@x.example", "\"a\"b\"", "x.example" },
		{ "\"a\\\"@x.example", "\"a\\\"@x.example", "\"a\\\"", "x.example" },
		{ "\"\"@x.example", "\"\"@x.example", "\"\"", "x.example" },
		/* What would be quoted once more stays: folding twice is folding once. */
		{ "\"\\\"a\\\"\"@x.example", "\"\\\"a\\\"\"@x.example", "\"\\\"a\\\"\"",
		  "x.example" },
		{ "\"a b\"", "a b", "a b", "" },
		{ "ann@m\xc3\xbcnchen.example", "ann@xn--mnchen-3ya.example", "ann",
		  "xn--mnchen-3ya.example" },
		{ "ann@M\xc3\x9cNCHEN.example", "ann@xn--mnchen-3ya.example", "ann",
		  "xn--mnchen-3ya.example" },
		{ "ann@mu\xcc\x88nchen.example", "ann@xn--mnchen-3ya.example", "ann",
		  "xn--mnchen-3ya.example" },
		{ "ann@XN--Mnchen-3YA.example", "ann@xn--mnchen-3ya.example", "ann",
		  "xn--mnchen-3ya.example" },
		{ "\xc3\x9c@x.example", "\xc3\x9c@x.example", "\xc3\x9c", "x.example" },
		{ "ann@stra\xc3\x9f"
		  "e.example",
		  "ann@xn--strae-oqa.example", "ann", "xn--strae-oqa.example" },
		{ "ann@BAD\xff.example", "ann@bad\xff.example", "ann",
		  "bad\xff.example" },
		{ "ann@[192.0.2.1]", "ann@[192.0.2.1]", "ann", "[192.0.2.1]" },
	};
	struct rmt_addr addr;
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		fold_copy(NULL, cases[i].in, &addr);
		assert_span(addr.whole, cases[i].whole);
		assert_span(addr.local, cases[i].local);
		assert_span(addr.domain, cases[i].domain);
	}
}

static struct rmt_fold *make_fold(const char *domain, const char *delimiters, bool dots)
{
	struct rmt_fold *fold = rmt_fold_new();
	struct rmt_list *list = rmt_list_new(RMT_LIST_DOMAINS);

	assert_true(rmt_list_add(list, rmt_span_of(domain), NULL));
	rmt_fold_add(fold, list, delimiters, dots);
	return fold;
}

static void local_parts_are_folded_where_configured(void **state)
{
	static const struct {
		const char *delimiters;
		bool dots;
		const char *in, *whole;
	} cases[] = {
		{ "+", false, "Ann+News@x.example", "ann@x.example" },
		{ "+", false, "ann+a+b@x.example", "ann@x.example" },
		{ "+", false, "+ann@x.example", "+ann@x.example" },
		{ "+", false, "ann+news@other.example", "ann+news@other.example" },
		{ "+-", false, "ann-a+b@x.example", "ann@x.example" },
		{ "-", false, "owner-news@x.example", "owner-news@x.example" },
		{ "-", false, "news-request@x.example", "news-request@x.example" },
		{ "-", false, "MAILER-DAEMON@x.example", "mailer-daemon@x.example" },
		{ "+", false, "owner-a+b@x.example", "owner-a@x.example" },
		{ "+", true, "\"a.n n+b\"@x.example", "an n@x.example" },
		{ "", true, "a.n.n@x.example", "ann@x.example" },
		{ "+", true, "a.b+x.y@x.example", "ab@x.example" },
		{ "", true, "...@x.example", "...@x.example" },
		{ "", false, "a.b+c@x.example", "a.b+c@x.example" },
	};
	struct rmt_addr addr;
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct rmt_fold *fold =
			make_fold("x.example", cases[i].delimiters, cases[i].dots);

		fold_copy(fold, cases[i].in, &addr);
		assert_span(addr.whole, cases[i].whole);
		rmt_fold_free(fold);
	}
}

static void the_first_group_that_holds_a_domain_wins(void **state)
{
	struct rmt_fold *fold = make_fold("x.example", "+", false);
	struct rmt_list *all = rmt_list_new(RMT_LIST_DOMAINS);
	struct rmt_addr addr;

	(void)state;
	assert_true(rmt_list_add(all, RMT_SPAN("*"), NULL));
	rmt_fold_add(fold, all, "=", true);
	fold_copy(fold, "a.b+c=d@x.example", &addr);
	assert_span(addr.whole, "a.b@x.example");
	fold_copy(fold, "a.b+c=d@y.example", &addr);
	assert_span(addr.whole, "ab+c@y.example");
	rmt_fold_free(fold);
}

/* 1000 octets of 'a', then the given one, then the domain. */
static char *long_address(char last, const char *domain)
{
	g_autofree char *a = g_strnfill(1000, 'a');

	return g_strdup_printf("%s%c@%s", a, last, domain);
}

static void long_addresses_differ_in_their_hash(void **state)
{
	g_autofree char *one = long_address('x', "x.example");
	g_autofree char *two = long_address('y', "x.example");
	struct rmt_addr first, second;

	(void)state;
	fold_copy(NULL, one, &first);
	fold_copy(NULL, two, &second);
	assert_true(first.whole.len <= RMT_ADDR_MAX);
	assert_int_equal(first.whole.len, second.whole.len);
	assert_false(rmt_span_eq(first.whole, second.whole));
	assert_span(first.domain, "x.example");
}

static void a_long_extension_is_cut_before_the_address_is(void **state)
{
	g_autofree char *tail = g_strnfill(2000, 'v');
	g_autofree char *address = g_strdup_printf("ann+%s@x.example", tail);
	struct rmt_fold *fold = make_fold("x.example", "+", false);
	struct rmt_addr addr;

	(void)state;
	fold_copy(fold, address, &addr);
	assert_span(addr.whole, "ann@x.example");
	rmt_fold_free(fold);
}

static void domains_longer_than_dns_allows_stay_apart(void **state)
{
	g_autofree char *a = g_strnfill(400, 'a');
	g_autofree char *one = g_strdup_printf("%s.one", a);
	g_autofree char *two = g_strdup_printf("%s.two", a);
	char first[RMT_DOMAIN_MAX + 1], second[RMT_DOMAIN_MAX + 1];
	struct rmt_span x, y;

	(void)state;
	x = rmt_domain_fold(rmt_span_of(one), first);
	y = rmt_domain_fold(rmt_span_of(two), second);
	assert_int_equal(x.len, RMT_DOMAIN_MAX);
	assert_false(rmt_span_eq(x, y));
}

static void within_is_the_domain_itself_or_below(void **state)
{
	static const struct {
		const char *domain, *parent;
		bool want;
	} cases[] = {
		{ "example.com", "example.com", true },
		{ "a.example.com", "example.com", true },
		{ "notexample.com", "example.com", false },
		{ "com", "example.com", false },
		{ "example.com", "", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++)
		assert_int_equal(rmt_domain_within(rmt_span_of(cases[i].domain),
						   rmt_span_of(cases[i].parent)),
				 cases[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_spellings_of_an_address_are_one_key),
		cmocka_unit_test(local_parts_are_folded_where_configured),
		cmocka_unit_test(the_first_group_that_holds_a_domain_wins),
		cmocka_unit_test(long_addresses_differ_in_their_hash),
		cmocka_unit_test(a_long_extension_is_cut_before_the_address_is),
		cmocka_unit_test(domains_longer_than_dns_allows_stay_apart),
		cmocka_unit_test(within_is_the_domain_itself_or_below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
