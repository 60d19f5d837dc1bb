/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/auth/zone.h"

/* A copy that ends with its last octet, so that an over-read shows. */
static bool add(struct rmt_zone *zone, struct rmt_span line, GError **err)
{
	g_autofree char *copy = g_memdup2(line.p, line.len);

	return rmt_zone_add(zone, rmt_span(copy, line.len), err);
}

static struct rmt_zone *zone_of(const char *const *lines)
{
	struct rmt_zone *zone = rmt_zone_new();
	g_autoptr(GError) err = NULL;

	for (; *lines != NULL; lines++)
		if (!add(zone, rmt_span_of(*lines), &err))
			fail_msg("%s: %s", *lines, err->message);
	return zone;
}

static const struct rmt_dns_answer *ask(struct rmt_zone *zone, enum rmt_dns_type type,
					const char *name)
{
	struct rmt_dns_question question = { type, rmt_span_of(name) };

	return rmt_zone_look_up(zone, &question);
}

static void absent_empty_and_failing_names_are_told_apart(void **state)
{
	static const char *const lines[] = {
		"; a comment",
		"# another",
		"",
		"example.com TXT \"v=spf1 -all\"",
		"a.deep.example.org A 192.0.2.1",
		"slow.example.com TXT TIMEOUT",
		"broken.example.com MX SERVFAIL",
		"dead.example.com ANY TIMEOUT",
		"half.example.com A 192.0.2.1",
		"half.example.com ANY TIMEOUT",
		"gone.example.com TXT NXDOMAIN",
		"quoted.example.com TXT \"TIMEOUT\"",
		NULL,
	};
	static const struct {
		const char *name;
		enum rmt_dns_type type;
		enum rmt_dns_status want;
	} cases[] = {
		{ "example.com", RMT_DNS_TXT, RMT_DNS_FOUND },
		{ "EXAMPLE.com", RMT_DNS_TXT, RMT_DNS_FOUND },
		{ "example.com", RMT_DNS_A, RMT_DNS_NODATA },
		{ "deep.example.org", RMT_DNS_A, RMT_DNS_NODATA },
		{ "org", RMT_DNS_A, RMT_DNS_NODATA },
		{ "x.example.org", RMT_DNS_A, RMT_DNS_NXDOMAIN },
		{ "below.example.com", RMT_DNS_A, RMT_DNS_NXDOMAIN },
		{ "slow.example.com", RMT_DNS_TXT, RMT_DNS_TIMEOUT },
		{ "slow.example.com", RMT_DNS_A, RMT_DNS_NODATA },
		{ "broken.example.com", RMT_DNS_MX, RMT_DNS_SERVFAIL },
		{ "dead.example.com", RMT_DNS_TXT, RMT_DNS_TIMEOUT },
		{ "half.example.com", RMT_DNS_A, RMT_DNS_FOUND },
		{ "half.example.com", RMT_DNS_TXT, RMT_DNS_TIMEOUT },
		{ "gone.example.com", RMT_DNS_TXT, RMT_DNS_NXDOMAIN },
		{ "quoted.example.com", RMT_DNS_TXT, RMT_DNS_FOUND },
	};
	g_autoptr(rmt_zone) zone = zone_of(lines);
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++)
		if (ask(zone, cases[i].type, cases[i].name)->status != cases[i].want)
			fail_msg("%s", cases[i].name);
}

static void texts_are_joined_and_octets_kept(void **state)
{
	static const struct {
		const char *data;
		struct rmt_span want;
	} cases[] = {
		{ "\"one\" \"two\"", RMT_SPAN("onetwo") },
		{ "\"one\"\"two\"", RMT_SPAN("onetwo") },
		{ "\"v=spf1 \" \"-all\" ; comment", RMT_SPAN("v=spf1 -all") },
		{ "\"a \\\" b \\\\ c\"", RMT_SPAN("a \" b \\ c") },
		{ "\"nul\\000and\\255\"", RMT_SPAN("nul\0and\377") },
		{ "unquoted text; all of it", RMT_SPAN("unquoted text; all of it") },
		{ "\"\"", RMT_SPAN("") },
		{ "", RMT_SPAN("") },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *line =
			g_strconcat("t.example TXT ", cases[i].data, NULL);
		const char *const lines[] = { line, NULL };
		g_autoptr(rmt_zone) zone = zone_of(lines);
		const struct rmt_dns_answer *answer = ask(zone, RMT_DNS_TXT, "t.example");

		assert_int_equal(answer->count, 1);
		if (!rmt_span_eq(answer->records[0].data, cases[i].want))
			fail_msg("%s", cases[i].data);
	}
}

static void records_of_each_type_are_read(void **state)
{
	static const char *const lines[] = {
		"e.example. 300 IN A 192.0.2.1",
		"e.example IN 60 A 192.0.2.2",
		"e.example AAAA 2001:db8::1",
		"e.example MX 10 mail.e.example.",
		"e.example MX 0 .",
		"1.2.0.192.in-addr.arpa PTR e.example",
		"e.example SOA ns.e.example. root.e.example. 1 2 3 4 5",
		"e.example TYPE65280 \\# 3 01 02ff",
		"odd\\000\\032name.example A 192.0.2.3",
		"c.example A 192.0.2.4 ; as dig shows it",
		"c.example MX 5 m.c.example. ; and so",
		"c.example 60 IN CAA 0 issue \"ca.example; policy=ev\" ; here, too",
		NULL,
	};
	g_autoptr(rmt_zone) zone = zone_of(lines);
	const struct rmt_dns_answer *answer = ask(zone, RMT_DNS_A, "e.example");
	struct rmt_dns_question odd = { RMT_DNS_A, RMT_SPAN("odd\0 name.example") };

	(void)state;
	assert_int_equal(answer->count, 2);
	assert_int_equal(answer->ttl_secs, 60);
	assert_memory_equal(answer->records[1].data.p, "\xc0\x00\x02\x02", 4);
	assert_int_equal(ask(zone, RMT_DNS_AAAA, "e.example")->records[0].data.len, 16);
	answer = ask(zone, RMT_DNS_MX, "e.example");
	assert_int_equal(answer->records[0].preference, 10);
	assert_true(rmt_span_eq(answer->records[0].data, RMT_SPAN("mail.e.example")));
	assert_int_equal(answer->records[1].data.len, 0);
	answer = ask(zone, RMT_DNS_PTR, "1.2.0.192.IN-ADDR.ARPA");
	assert_true(rmt_span_eq(answer->records[0].data, RMT_SPAN("e.example")));
	answer = ask(zone, RMT_DNS_SOA, "e.example");
	assert_true(rmt_span_eq(answer->records[0].data, RMT_SPAN("ns.e.example")));
	answer = ask(zone, (enum rmt_dns_type)65280, "e.example");
	assert_true(rmt_span_eq(answer->records[0].data, RMT_SPAN("\1\2\377")));
	assert_int_equal(rmt_zone_look_up(zone, &odd)->status, RMT_DNS_FOUND);
	assert_int_equal(ask(zone, RMT_DNS_A, "c.example")->count, 1);
	answer = ask(zone, RMT_DNS_MX, "c.example");
	assert_true(rmt_span_eq(answer->records[0].data, RMT_SPAN("m.c.example")));
	answer = ask(zone, RMT_DNS_CAA, "c.example");
	assert_true(rmt_span_eq(answer->records[0].data,
				RMT_SPAN("\0\5issueca.example; policy=ev")));
}

static void types_nobody_asks_for_make_a_name_exist(void **state)
{
	static const char *const lines[] = {
		"_sip._tcp.s.example. 300 IN SRV 0 5 5060 sip.s.example.",
		"k.example. 3600 IN DNSKEY 257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0d==",
		"k.example. 3600 IN RRSIG A 13 2 300 20260101000000 20251201000000 1 k. "
		"x==",
		"slow.example ANY TIMEOUT",
		"slow.example HTTPS 1 . alpn=h2",
		NULL,
	};
	g_autoptr(rmt_zone) zone = zone_of(lines);

	(void)state;
	assert_int_equal(ask(zone, RMT_DNS_TXT, "_sip._tcp.s.example")->status,
			 RMT_DNS_NODATA);
	assert_int_equal(ask(zone, RMT_DNS_A, "k.example")->status, RMT_DNS_NODATA);
	assert_int_equal(ask(zone, RMT_DNS_A, "slow.example")->status, RMT_DNS_TIMEOUT);
	assert_int_equal(ask(zone, RMT_DNS_A, "x.example")->status, RMT_DNS_NXDOMAIN);
}

static void aliases_are_followed_and_their_loops_end(void **state)
{
	static const char *const lines[] = {
		"www.example CNAME web.example",
		"web.example CNAME host.example",
		"host.example A 192.0.2.1",
		"dangling.example CNAME gone.example.org",
		"loop.example CNAME pool.example",
		"pool.example CNAME loop.example",
		"self.example CNAME self.example",
		NULL,
	};
	g_autoptr(rmt_zone) zone = zone_of(lines);
	const struct rmt_dns_answer *answer = ask(zone, RMT_DNS_A, "www.example");

	(void)state;
	assert_int_equal(answer->status, RMT_DNS_FOUND);
	assert_true(rmt_span_eq(answer->canonical, RMT_SPAN("host.example")));
	assert_int_equal(ask(zone, RMT_DNS_TXT, "www.example")->status, RMT_DNS_NODATA);
	assert_int_equal(ask(zone, RMT_DNS_A, "dangling.example")->status,
			 RMT_DNS_NXDOMAIN);
	assert_int_equal(ask(zone, RMT_DNS_A, "loop.example")->status, RMT_DNS_SERVFAIL);
	assert_int_equal(ask(zone, RMT_DNS_A, "self.example")->status, RMT_DNS_SERVFAIL);
	assert_int_equal(ask(zone, RMT_DNS_CNAME, "self.example")->status, RMT_DNS_FOUND);
}

static void wildcards_stand_for_names_that_do_not_exist(void **state)
{
	static const char *const lines[] = { "*.w.example TXT \"wild\"",
					     "real.w.example A 192.0.2.1", NULL };
	g_autoptr(rmt_zone) zone = zone_of(lines);

	(void)state;
	assert_int_equal(ask(zone, RMT_DNS_TXT, "x.w.example")->status, RMT_DNS_FOUND);
	assert_int_equal(ask(zone, RMT_DNS_TXT, "_d.x.w.example")->status, RMT_DNS_FOUND);
	assert_int_equal(ask(zone, RMT_DNS_TXT, "real.w.example")->status,
			 RMT_DNS_NODATA);
	assert_int_equal(ask(zone, RMT_DNS_TXT, "a.real.w.example")->status,
			 RMT_DNS_NXDOMAIN);
	assert_int_equal(ask(zone, RMT_DNS_TXT, "other.example")->status,
			 RMT_DNS_NXDOMAIN);
}

static void names_may_be_as_long_as_dns_allows_and_no_longer(void **state)
{
	g_autofree char *label = g_strnfill(63, 'a');
	g_autofree char *longest =
		g_strdup_printf("%s.%s.%s.%.61s", label, label, label, label);
	g_autofree char *line = g_strconcat(longest, " A 192.0.2.1", NULL);
	g_autofree char *longer = g_strconcat("a", line, NULL);
	const char *const lines[] = { line, NULL };
	g_autoptr(rmt_zone) zone = zone_of(lines);

	(void)state;
	assert_int_equal(strlen(longest), RMT_DNS_NAME_MAX);
	assert_int_equal(ask(zone, RMT_DNS_A, longest)->status, RMT_DNS_FOUND);
	assert_false(add(zone, rmt_span_of(longer), NULL));
}

static void types_with_octets_have_a_syntax_of_their_own(void **state)
{
	static const struct {
		const char *line;
		enum rmt_dns_type type;
		const char *octets;
		size_t len;
	} rows[] = {
		{ "x.example TLSA 3 1 1 ab CD", RMT_DNS_TLSA, "\3\1\1\xab\xcd", 5 },
		{ "x.example IN DS 258 8 2 ff", RMT_DNS_DS, "\1\2\10\2\xff", 5 },
		{ "x.example CAA 128 issue \"ca.example\"", RMT_DNS_CAA,
		  "\200\5issueca.example", 17 },
		{ "x.example CAA \\# 3 000161", RMT_DNS_CAA, "\0\1a", 3 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		const char *const lines[] = { rows[i].line, NULL };
		g_autoptr(rmt_zone) zone = zone_of(lines);
		const struct rmt_dns_answer *answer =
			ask(zone, rows[i].type, "x.example");

		assert_int_equal(answer->status, RMT_DNS_FOUND);
		assert_int_equal(answer->records[0].data.len, rows[i].len);
		assert_memory_equal(answer->records[0].data.p, rows[i].octets,
				    rows[i].len);
	}
}

static void what_validates_is_said(void **state)
{
	static const char *const lines[] = { "a.example SECURE",
					     "a.example A 192.0.2.1",
					     "w.a.example CNAME a.example",
					     "out.a.example CNAME b.example",
					     "b.example A 192.0.2.2",
					     "in.b.example CNAME a.example",
					     "f.a.example A BOGUS",
					     NULL };
	g_autoptr(rmt_zone) zone = zone_of(lines), plain = rmt_zone_new();

	(void)state;
	assert_true(rmt_zone_has_secure(zone));
	assert_false(rmt_zone_has_secure(plain));
	assert_true(ask(zone, RMT_DNS_A, "a.example")->secure);
	assert_true(ask(zone, RMT_DNS_A, "w.a.example")->secure);
	assert_true(ask(zone, RMT_DNS_A, "none.a.example")->secure);
	assert_false(ask(zone, RMT_DNS_A, "b.example")->secure);
	assert_false(ask(zone, RMT_DNS_A, "out.a.example")->secure);
	assert_false(ask(zone, RMT_DNS_A, "in.b.example")->secure);
	assert_int_equal(ask(zone, RMT_DNS_A, "f.a.example")->status, RMT_DNS_SERVFAIL);
	assert_true(ask(zone, RMT_DNS_A, "f.a.example")->bogus);
	assert_false(ask(zone, RMT_DNS_A, "b.example")->bogus);
}

static void mistakes_are_told_and_add_nothing(void **state)
{
	static const char *const lines[] = {
		"x.example",
		"x.example FOO bar",
		"x.example A 192.0.2.300",
		"x.example A 1::2",
		"x.example AAAA 192.0.2.1",
		"x.example MX mail.example",
		"x.example MX 70000 m.example",
		"x.example TXT \"open",
		"x.example TXT \"a\" b",
		"x.example TXT \"\\300\"",
		"x.example TXT \"\\30\"",
		"x..example A 192.0.2.1",
		"x\\.y.example A 192.0.2.1",
		"x\\046y.example A 192.0.2.1",
		"x.example CNAME",
		"x.example TYPE9 \\# 2 ab",
		"x.example CAA issue \"ca\"",
		"x.example CAA 300 issue \"ca\"",
		"x.example CAA 0 issue \"ca",
		"x.example TLSA 3 1 1 abc",
		"x.example TLSA 3 1 ab",
		"x.example TLSA 256 1 1 ab",
		"x.example DS 70000 8 2 ab",
		"x.example A \\# 2 0a0b", /* found by fuzz_zone */
		"x.example MX \\# 2 0a0b",
		"x.example ANY SECURE",
		"x.example SECURELY",
		"x.example ANY 192.0.2.1",
		"x.example 1 2 3 4 A 192.0.2.1",
		"x.example TYPE99999 \\# 0",
		"x\\ A 192.0.2.1",
		"x.example \\",
		"$ORIGIN example.",
		"$TTL 300",
		"@ A 192.0.2.1",
		"x.example DNAME y.example",
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(lines); i++) {
		g_autoptr(rmt_zone) zone = rmt_zone_new();
		g_autoptr(GError) err = NULL;

		if (add(zone, rmt_span_of(lines[i]), &err))
			fail_msg("%s", lines[i]);
		assert_non_null(err);
		assert_int_equal(ask(zone, RMT_DNS_A, "example")->status,
				 RMT_DNS_NXDOMAIN);
	}
}

static void a_file_s_mistake_is_told_with_its_line(void **state)
{
	g_autoptr(rmt_zone) zone = rmt_zone_new();
	g_autoptr(GError) err = NULL;

	(void)state;
	assert_false(rmt_zone_add_text(
		zone, "dns.txt", RMT_SPAN("a.example A 192.0.2.1\r\n\nb.example A x"),
		&err));
	assert_string_equal(err->message, "dns.txt:3: not an IPv4 address");
	assert_false(rmt_zone_add_file(zone, "/nonexistent/zone", NULL));
}

static void names_are_checked_and_counted(void **state)
{
	static const struct {
		const char *name;
		bool ok;
		size_t labels;
	} cases[] = {
		{ "example.com", true, 2 }, { "com", true, 1 },   { "", false, 0 },
		{ ".com", false, 2 },       { "com.", false, 2 }, { "a..b", false, 3 },
		{ "a b.c", true, 2 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct rmt_span name = rmt_span_of(cases[i].name);

		assert_int_equal(rmt_dns_name_ok(name), cases[i].ok);
		assert_int_equal(rmt_dns_label_count(name), cases[i].labels);
	}
	assert_true(rmt_dns_below_or_same(RMT_SPAN("a.B.c"), RMT_SPAN("b.c")));
	assert_true(rmt_dns_below_or_same(RMT_SPAN("b.c"), RMT_SPAN("b.c")));
	assert_false(rmt_dns_below_or_same(RMT_SPAN("ab.c"), RMT_SPAN("b.c")));
	assert_true(rmt_span_eq(rmt_dns_parent(RMT_SPAN("a.b.c")), RMT_SPAN("b.c")));
	assert_int_equal(rmt_dns_parent(RMT_SPAN("c")).len, 0);
}

static void types_have_names_and_numbers(void **state)
{
	g_autoptr(GString) out = g_string_new(NULL);

	(void)state;
	assert_int_equal(rmt_dns_type_parse(RMT_SPAN("txt")), RMT_DNS_TXT);
	assert_int_equal(rmt_dns_type_parse(RMT_SPAN("TYPE16")), RMT_DNS_TXT);
	assert_int_equal(rmt_dns_type_parse(RMT_SPAN("TYPE")), 0);
	assert_int_equal(rmt_dns_type_parse(RMT_SPAN("TYPE70000")), 0);
	rmt_dns_type_format(RMT_DNS_MX, out);
	rmt_dns_type_format((enum rmt_dns_type)65280, out);
	assert_string_equal(out->str, "MXTYPE65280");
	assert_string_equal(rmt_dns_status_text(RMT_DNS_TIMEOUT), "time-out");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(absent_empty_and_failing_names_are_told_apart),
		cmocka_unit_test(texts_are_joined_and_octets_kept),
		cmocka_unit_test(records_of_each_type_are_read),
		cmocka_unit_test(types_nobody_asks_for_make_a_name_exist),
		cmocka_unit_test(aliases_are_followed_and_their_loops_end),
		cmocka_unit_test(wildcards_stand_for_names_that_do_not_exist),
		cmocka_unit_test(names_may_be_as_long_as_dns_allows_and_no_longer),
		cmocka_unit_test(types_with_octets_have_a_syntax_of_their_own),
		cmocka_unit_test(what_validates_is_said),
		cmocka_unit_test(mistakes_are_told_and_add_nothing),
		cmocka_unit_test(a_file_s_mistake_is_told_with_its_line),
		cmocka_unit_test(names_are_checked_and_counted),
		cmocka_unit_test(types_have_names_and_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
