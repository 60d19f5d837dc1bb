/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/auth/spf.h"
#include "common/auth/zone.h"

static void run(struct rmt_spf *spf, const char *const *zone_lines, const char *ip,
		const char *helo, const char *mail_from)
{
	g_autoptr(rmt_zone) zone = rmt_zone_new();
	struct rmt_spf_query query = {
		.helo = rmt_span_of(helo),
		.mail_from = rmt_span_of(mail_from),
		.receiver = RMT_SPAN("mx.receiver.example"),
		.now = 1700000000,
	};
	g_autoptr(GError) err = NULL;

	for (; *zone_lines != NULL; zone_lines++)
		if (!rmt_zone_add(zone, rmt_span_of(*zone_lines), &err))
			fail_msg("%s: %s", *zone_lines, err->message);
	assert_true(rmt_ip_parse(rmt_span_of(ip), &query.ip));
	rmt_zone_run(zone, rmt_spf_start(spf, &query));
}

/* The record of example.com, asked from ip; the rest of the world is fixed. */
static const char *const world[] = {
	"mail.example.com A 192.0.2.10",
	"mail.example.com AAAA 2001:db8::10",
	"example.com MX 10 mail.example.com",
	"many.example.com MX 1 mail.example.com",
	"ok.example.net TXT \"v=spf1 ip4:192.0.2.10 -all\"",
	"none.example.net TXT \"something else\"",
	"two.example.net TXT \"v=spf1 -all\"",
	"two.example.net TXT \"v=spf1 +all\"",
	"broken.example.net TXT \"v=spf1 ip4:x -all\"",
	"slow.example.net TXT TIMEOUT",
	"slow.example.net A TIMEOUT",
	"servfail.example.net ANY SERVFAIL",
	"loop.example.net TXT \"v=spf1 include:loop.example.net -all\"",
	"chain.example.net TXT \"v=spf1 redirect=ok.example.net\"",
	"explain.example.net TXT \"%{i} is not %{d}'s, says %{r} to %{s} at %{t}\"",
	"percent.example.net TXT \"100% wrong\"",
	"10.2.0.192.in-addr.arpa PTR mail.example.com",
	"10.2.0.192.in-addr.arpa PTR liar.example.org",
	"liar.example.org A 198.51.100.1",
	"nullmx.example.net MX 0 .",
	"ann.u.example.net A 127.0.0.2",
	"192.0.2.10.i.example.net A 127.0.0.2",
	"mail.example.com.p.example.net A 127.0.0.2",
};

static const struct {
	const char *record, *ip;
	enum rmt_spf_verdict want;
	const char *term; /* that decided; NULL: not looked at */
} records[] = {
	{ "v=spf1", "192.0.2.10", RMT_SPF_NEUTRAL, "" },
	{ "v=spf1 -all", "192.0.2.10", RMT_SPF_FAIL, "-all" },
	{ "v=spf1 ~all", "192.0.2.10", RMT_SPF_SOFTFAIL, "~all" },
	{ "v=spf1 ?all", "192.0.2.10", RMT_SPF_NEUTRAL, "?all" },
	{ "v=spf1 +ALL", "192.0.2.10", RMT_SPF_PASS, "+ALL" },
	{ "V=SPF1 Ip4:192.0.2.0/24 -all", "192.0.2.10", RMT_SPF_PASS,
	  "Ip4:192.0.2.0/24" },
	{ "v=spf1 ip4:192.0.2.8/30 -all", "192.0.2.11", RMT_SPF_PASS, NULL },
	{ "v=spf1 ip4:192.0.2.8/30 -all", "192.0.2.12", RMT_SPF_FAIL, NULL },
	{ "v=spf1 ip4:1.2.3.4/0 -all", "192.0.2.10", RMT_SPF_PASS, NULL },
	{ "v=spf1 ip4:1.2.3.4/0 -all", "2001:db8::10", RMT_SPF_FAIL, NULL },
	{ "v=spf1 ip6:2001:db8::/32 -all", "2001:db8::10", RMT_SPF_PASS, NULL },
	{ "v=spf1 ip6:2001:db8::/127 -all", "2001:db8::10", RMT_SPF_FAIL, NULL },
	{ "v=spf1 ip4:192.0.2.10 -all", "::ffff:192.0.2.10", RMT_SPF_PASS, NULL },
	{ "v=spf1 ip4:192.0.2.10/33 -all", "192.0.2.10", RMT_SPF_PERMERROR,
	  "ip4:192.0.2.10/33" },
	{ "v=spf1 ip4:192.0.2.10/08 -all", "192.0.2.10", RMT_SPF_PERMERROR, NULL },
	{ "v=spf1 ip4:192.0.2 -all", "192.0.2.10", RMT_SPF_PERMERROR, NULL },
	{ "v=spf1 ip4: -all", "192.0.2.10", RMT_SPF_PERMERROR, NULL },
	{ "v=spf1 ip4 -all", "192.0.2.10", RMT_SPF_PERMERROR, NULL },
	{ "v=spf1 ip4:192.0.2.10//64 -all", "192.0.2.10", RMT_SPF_PERMERROR, NULL },
	{ "v=spf1 ip6:2001:db8::/129 -all", "192.0.2.10", RMT_SPF_PERMERROR, NULL },
	{ "v=spf1 ip6:192.0.2.10 -all", "192.0.2.10", RMT_SPF_PERMERROR, NULL },
	{ "v=spf1 +all ip4:x", "192.0.2.10", RMT_SPF_PERMERROR, "ip4:x" },
	{ "v=spf1 all:example.com", "192.0.2.10", RMT_SPF_PERMERROR, NULL },
	{ "v=spf1 all/8", "192.0.2.10", RMT_SPF_PERMERROR, NULL },
	{ "v=spf1 foo -all", "192.0.2.10", RMT_SPF_PERMERROR, NULL },
	{ "v=spf1 - all", "192.0.2.10", RMT_SPF_PERMERROR, NULL },
	{ "v=spf1 --all", "192.0.2.10", RMT_SPF_PERMERROR, NULL },
	{ "v=spf1 a:mail.example.com -all", "192.0.2.10", RMT_SPF_PASS, NULL },
	{ "v=spf1 a:mail.example.com. -all", "192.0.2.10", RMT_SPF_PASS, NULL },
	{ "v=spf1 a:mail.example.com/24 -all", "192.0.2.99", RMT_SPF_PASS, NULL },
	{ "v=spf1 a:mail.example.com//64 -all", "2001:db8::99", RMT_SPF_PASS, NULL },
	{ "v=spf1 a:mail.example.com/8//64 -all", "2001:db8:1::1", RMT_SPF_FAIL, NULL },
	{ "v=spf1 a:mail.example.com/ -all", "192.0.2.10", RMT_SPF_PERMERROR, NULL },
	{ "v=spf1 a: -all", "192.0.2.10", RMT_SPF_PERMERROR, NULL },
	{ "v=spf1 a:com -all", "192.0.2.10", RMT_SPF_PERMERROR, NULL },
	{ "v=spf1 a:192.0.2.10 -all", "192.0.2.10", RMT_SPF_PERMERROR, NULL },
	{ "v=spf1 a:a..example.com -all", "192.0.2.10", RMT_SPF_FAIL, NULL },
	{ "v=spf1 mx -all", "192.0.2.10", RMT_SPF_PASS, "mx" },
	{ "v=spf1 mx/24 -all", "192.0.2.1", RMT_SPF_PASS, NULL },
	{ "v=spf1 mx:nullmx.example.net -all", "192.0.2.10", RMT_SPF_FAIL, NULL },
	{ "v=spf1 ptr -all", "192.0.2.10", RMT_SPF_PASS, NULL },
	{ "v=spf1 ptr:example.org -all", "192.0.2.10", RMT_SPF_FAIL, NULL },
	{ "v=spf1 ptr:ample.com -all", "192.0.2.10", RMT_SPF_FAIL, NULL },
	{ "v=spf1 exists:%{l}.u.example.net -all", "192.0.2.10", RMT_SPF_PASS, NULL },
	{ "v=spf1 exists:%{i}.i.example.net -all", "192.0.2.10", RMT_SPF_PASS, NULL },
	{ "v=spf1 exists:%{p}.p.example.net -all", "192.0.2.10", RMT_SPF_PASS, NULL },
	{ "v=spf1 exists:%{p}.p.example.net -all", "192.0.2.11", RMT_SPF_FAIL, NULL },
	{ "v=spf1 exists -all", "192.0.2.10", RMT_SPF_PERMERROR, NULL },
	{ "v=spf1 exists:%{c}.example.net -all", "192.0.2.10", RMT_SPF_PERMERROR, NULL },
	{ "v=spf1 exists:%{x}.example.net -all", "192.0.2.10", RMT_SPF_PERMERROR, NULL },
	{ "v=spf1 exists:%{d0}.example.net -all", "192.0.2.10", RMT_SPF_PERMERROR, NULL },
	{ "v=spf1 exists:%{d.example.net -all", "192.0.2.10", RMT_SPF_PERMERROR, NULL },
	{ "v=spf1 exists:% -all", "192.0.2.10", RMT_SPF_PERMERROR, NULL },
	{ "v=spf1 include:ok.example.net -all", "192.0.2.10", RMT_SPF_PASS,
	  "include:ok.example.net" },
	{ "v=spf1 include:ok.example.net ~all", "192.0.2.11", RMT_SPF_SOFTFAIL, "~all" },
	{ "v=spf1 -include:ok.example.net +all", "192.0.2.10", RMT_SPF_FAIL, NULL },
	{ "v=spf1 include:chain.example.net -all", "192.0.2.10", RMT_SPF_PASS, NULL },
	{ "v=spf1 include:none.example.net -all", "192.0.2.10", RMT_SPF_PERMERROR, NULL },
	{ "v=spf1 include:gone.example.net -all", "192.0.2.10", RMT_SPF_PERMERROR, NULL },
	{ "v=spf1 include:two.example.net -all", "192.0.2.10", RMT_SPF_PERMERROR, NULL },
	{ "v=spf1 include:broken.example.net -all", "192.0.2.10", RMT_SPF_PERMERROR,
	  NULL },
	{ "v=spf1 include:loop.example.net -all", "192.0.2.10", RMT_SPF_PERMERROR, NULL },
	{ "v=spf1 include:slow.example.net -all", "192.0.2.10", RMT_SPF_TEMPERROR,
	  "include:slow.example.net" },
	{ "v=spf1 include -all", "192.0.2.10", RMT_SPF_PERMERROR, NULL },
	{ "v=spf1 a:slow.example.net +all", "192.0.2.10", RMT_SPF_TEMPERROR, NULL },
	{ "v=spf1 a:servfail.example.net +all", "192.0.2.10", RMT_SPF_TEMPERROR, NULL },
	{ "v=spf1 +all a:slow.example.net", "192.0.2.10", RMT_SPF_PASS, NULL },
	{ "v=spf1 redirect=ok.example.net", "192.0.2.10", RMT_SPF_PASS, NULL },
	{ "v=spf1 redirect=ok.example.net", "192.0.2.11", RMT_SPF_FAIL, NULL },
	{ "v=spf1 redirect=ok.example.net ?all", "192.0.2.11", RMT_SPF_NEUTRAL, NULL },
	{ "v=spf1 redirect=gone.example.net", "192.0.2.11", RMT_SPF_PERMERROR, NULL },
	{ "v=spf1 redirect=ok.example.net redirect=ok.example.net", "192.0.2.10",
	  RMT_SPF_PERMERROR, NULL },
	{ "v=spf1 redirect= -all", "192.0.2.10", RMT_SPF_PERMERROR, NULL },
	{ "v=spf1 exp=a.example exp=b.example -all", "192.0.2.10", RMT_SPF_PERMERROR,
	  NULL },
	{ "v=spf1 moo=%{d} moo=twice -all", "192.0.2.10", RMT_SPF_FAIL, NULL },
	{ "v=spf1 moo=%x -all", "192.0.2.10", RMT_SPF_PERMERROR, NULL },
	{ "v=spf1 a:gone1.example.net a:gone2.example.net +all", "192.0.2.10",
	  RMT_SPF_PASS, NULL },
	{ "v=spf1 a:gone1.example.net a:gone2.example.net a:gone3.example.net +all",
	  "192.0.2.10", RMT_SPF_PERMERROR, NULL },
};

static void a_record_decides_about_a_host(void **state)
{
	g_autoptr(rmt_spf) spf = rmt_spf_new();
	size_t i, j;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(records); i++) {
		const char *lines[G_N_ELEMENTS(world) + 2] = { NULL };
		g_autofree char *line =
			g_strdup_printf("example.com TXT \"%s\"", records[i].record);
		const struct rmt_spf_result *result;

		for (j = 0; j < G_N_ELEMENTS(world); j++)
			lines[j] = world[j];
		lines[j] = line;
		run(spf, lines, records[i].ip, "helo.example.com", "ann@example.com");
		result = rmt_spf_result(spf);
		if (result->result != records[i].want)
			fail_msg("%s: %s", records[i].record,
				 rmt_spf_verdict_name(result->result));
		if (records[i].term != NULL &&
		    !rmt_span_eq(result->term, rmt_span_of(records[i].term)))
			fail_msg("%s: decided by '%.*s'", records[i].record,
				 RMT_SPAN_ARGS(result->term));
		/* Errors, and nothing else, come with a sentence. */
		assert_int_equal(result->problem.len > 0,
				 result->result == RMT_SPF_TEMPERROR ||
					 result->result == RMT_SPF_PERMERROR);
	}
}

static void identities_without_a_usable_domain_give_none(void **state)
{
	static const char *const lines[] = { "example.com TXT \"v=spf1 -all\"",
					     "x TXT \"v=spf1 -all\"", NULL };
	static const struct {
		const char *helo, *mail_from;
		enum rmt_spf_verdict want;
	} cases[] = {
		{ "example.com", "", RMT_SPF_FAIL },
		{ "example.com", "<>", RMT_SPF_NONE },
		{ "x", "", RMT_SPF_NONE },
		{ "", "", RMT_SPF_NONE },
		{ "[192.0.2.1]", "", RMT_SPF_NONE },
		{ "x", "example.com", RMT_SPF_FAIL },
		{ "x", "@example.com", RMT_SPF_FAIL },
		{ "x", "a@b@example.com", RMT_SPF_FAIL },
		{ "x", "ann@example.com.", RMT_SPF_FAIL },
		{ "x", "ann@EXAMPLE.com", RMT_SPF_FAIL },
		{ "x", "ann@", RMT_SPF_NONE },
		{ "x", "ann@example..com", RMT_SPF_NONE },
		{ "x", "ann@gone.example", RMT_SPF_NONE },
	};
	g_autoptr(rmt_spf) spf = rmt_spf_new();
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		run(spf, lines, "192.0.2.10", cases[i].helo, cases[i].mail_from);
		if (rmt_spf_result(spf)->result != cases[i].want)
			fail_msg("'%s' '%s'", cases[i].helo, cases[i].mail_from);
	}
}

static void a_fail_is_explained_in_the_publishers_words(void **state)
{
	static const struct {
		const char *record, *want;
	} cases[] = {
		{ "v=spf1 -all exp=explain.example.net",
		  "192.0.2.11 is not example.com's, says mx.receiver.example to "
		  "ann@example.com at 1700000000" },
		{ "v=spf1 -all", "" },
		{ "v=spf1 -all exp=gone.example.net", "" },
		{ "v=spf1 -all exp=slow.example.net", "" },
		{ "v=spf1 -all exp=percent.example.net", "" },
		{ "v=spf1 -all exp=two.example.net", "" },
		{ "v=spf1 ~all exp=explain.example.net", "" },
		{ "v=spf1 redirect=ok.example.net exp=explain.example.net", "" },
	};
	g_autoptr(rmt_spf) spf = rmt_spf_new();
	size_t i, j;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		const char *lines[G_N_ELEMENTS(world) + 2] = { NULL };
		g_autofree char *line =
			g_strdup_printf("example.com TXT \"%s\"", cases[i].record);

		for (j = 0; j < G_N_ELEMENTS(world); j++)
			lines[j] = world[j];
		lines[j] = line;
		run(spf, lines, "192.0.2.11", "helo.example.com", "ann@example.com");
		if (!rmt_span_eq(rmt_spf_result(spf)->explanation,
				 rmt_span_of(cases[i].want)))
			fail_msg("%s: '%.*s'", cases[i].record,
				 RMT_SPAN_ARGS(rmt_spf_result(spf)->explanation));
	}
}

static void lookups_and_voids_on_the_path_are_counted(void **state)
{
	static const char *const lines[] = {
		"example.com TXT \"v=spf1 a mx include:i.example.com "
		"exists:x.example.com "
		"ip4:192.0.2.1 redirect=r.example.com\"",
		"i.example.com TXT \"v=spf1 a:h.example.com -all\"",
		"h.example.com A 198.51.100.1",
		"r.example.com TXT \"v=spf1 -all\"",
		"example.com A 198.51.100.2",
		"example.com MX 1 h.example.com",
		NULL,
	};
	g_autoptr(rmt_spf) spf = rmt_spf_new();

	(void)state;
	run(spf, lines, "192.0.2.10", "h", "ann@example.com");
	assert_int_equal(rmt_spf_result(spf)->result, RMT_SPF_FAIL);
	assert_int_equal(rmt_spf_result(spf)->lookups, 6);
	assert_int_equal(rmt_spf_result(spf)->voids, 1);
	run(spf, lines, "198.51.100.2", "h", "ann@example.com");
	assert_int_equal(rmt_spf_result(spf)->lookups, 1);
	assert_int_equal(rmt_spf_result(spf)->ttl_secs, 3600);
}

static void the_eleventh_lookup_ends_it_and_the_tenth_does_not(void **state)
{
	g_autoptr(rmt_spf) spf = rmt_spf_new();
	unsigned terms;

	(void)state;
	for (terms = 10; terms <= 11; terms++) {
		g_autoptr(GString) line = g_string_new("example.com TXT \"v=spf1");
		const char *const lines[] = { "h.example.com A 198.51.100.1", NULL,
					      NULL };
		const char *all[] = { lines[0], NULL, NULL };
		unsigned i;

		for (i = 0; i < terms; i++)
			g_string_append(line, " a:h.example.com");
		g_string_append(line, " -all\"");
		all[1] = line->str;
		run(spf, all, "192.0.2.10", "h", "ann@example.com");
		assert_int_equal(rmt_spf_result(spf)->lookups, terms);
		assert_int_equal(rmt_spf_result(spf)->result,
				 terms == 10 ? RMT_SPF_FAIL : RMT_SPF_PERMERROR);
	}
}

static void a_receiver_s_own_limits_are_kept(void **state)
{
	static const struct rmt_spf_limits strict = { 1, 0, 10, 10 };
	g_autoptr(rmt_zone) zone = rmt_zone_new();
	g_autoptr(rmt_spf) spf = rmt_spf_new();
	struct rmt_spf_query query = { .mail_from = RMT_SPAN("a@example.com"),
				       .limits = &strict };

	(void)state;
	assert_true(rmt_zone_add(
		zone, RMT_SPAN("example.com TXT \"v=spf1 a:gone.example.com +all\""),
		NULL));
	rmt_zone_run(zone, rmt_spf_start(spf, &query));
	assert_int_equal(rmt_spf_result(spf)->result, RMT_SPF_PERMERROR);
	assert_int_equal(rmt_spf_result(spf)->voids, 1);
}

static void hostile_records_come_to_an_end(void **state)
{
	g_autoptr(GString) long_line = g_string_new("example.com TXT \"v=spf1");
	g_autoptr(GString) macros = g_string_new("example.com TXT \"v=spf1 exists:");
	g_autofree char *local = g_strnfill(60000, 'x');
	g_autofree char *sender = g_strconcat(local, "@example.com", NULL);
	g_autoptr(rmt_spf) spf = rmt_spf_new();
	const char *lines[] = { NULL, NULL };
	int i;

	(void)state;
	while (long_line->len < 65000)
		g_string_append(long_line, " ip4:198.51.100.7");
	g_string_append(long_line, " -all\"");
	lines[0] = long_line->str;
	run(spf, lines, "192.0.2.10", "h", "ann@example.com");
	assert_int_equal(rmt_spf_result(spf)->result, RMT_SPF_FAIL);
	for (i = 0; i < 10000; i++)
		g_string_append(macros, "%{s}.");
	g_string_append(macros, "example.com -all\"");
	lines[0] = macros->str;
	run(spf, lines, "192.0.2.10", "h", sender);
	assert_int_equal(rmt_spf_result(spf)->result, RMT_SPF_FAIL);
}

static void verdicts_are_read_as_they_are_written(void **state)
{
	enum rmt_spf_verdict verdict;
	int i;

	(void)state;
	for (i = RMT_SPF_NONE; i <= RMT_SPF_PERMERROR; i++) {
		const char *name = rmt_spf_verdict_name((enum rmt_spf_verdict)i);

		assert_true(rmt_spf_verdict_parse(rmt_span_of(name), &verdict));
		assert_int_equal(verdict, i);
	}
	assert_false(rmt_spf_verdict_parse(RMT_SPAN("passed"), &verdict));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_decides_about_a_host),
		cmocka_unit_test(identities_without_a_usable_domain_give_none),
		cmocka_unit_test(a_fail_is_explained_in_the_publishers_words),
		cmocka_unit_test(lookups_and_voids_on_the_path_are_counted),
		cmocka_unit_test(the_eleventh_lookup_ends_it_and_the_tenth_does_not),
		cmocka_unit_test(a_receiver_s_own_limits_are_kept),
		cmocka_unit_test(hostile_records_come_to_an_end),
		cmocka_unit_test(verdicts_are_read_as_they_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
