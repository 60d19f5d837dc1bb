/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/base/clock.h"
#include "common/config/values.h"

static void amounts_are_a_count_and_a_period(void **state)
{
	static const struct {
		const char *text;
		bool is_quota;
		uint64_t count, secs; /* count 0: refused */
	} cases[] = {
		{ "200/minute", false, 200, 60 },
		{ "200k/day", true, 200000, 86400 },
		{ "5M/30d", true, 5000000, 30 * 86400 },
		{ "2G/week", true, 2000000000, 7 * 86400 },
		{ "1/10m", false, 1, 600 },
		{ "1/second", false, 1, 1 },
		{ "1/12h", false, 1, 43200 },
		{ "0/day", true, 0, 0 },
		{ "200", true, 0, 0 },
		{ "/day", true, 0, 0 },
		{ "-1/day", true, 0, 0 },
		{ "1.5/day", true, 0, 0 },
		{ "1m/day", true, 0, 0 },
		{ "1kk/day", true, 0, 0 },
		{ "1/0s", true, 0, 0 },
		{ "1/days", true, 0, 0 },
		{ "1/500d", true, 0, 0 },
		{ "2G/second", false, 0, 0 },
		{ "99999999999999999999/day", true, 0, 0 },
		{ "18446744073709551615G/day", true, 0, 0 },
		{ "", true, 0, 0 },
	};
	struct rmt_amount amount;
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		bool good = rmt_parse_amount(rmt_span_of(cases[i].text),
					     cases[i].is_quota, &amount, NULL);

		if (good != (cases[i].count > 0))
			fail_msg("'%s'", cases[i].text);
		if (!good)
			continue;
		assert_int_equal(amount.count, cases[i].count);
		assert_int_equal(amount.period_ns, cases[i].secs * RMT_NS_PER_SEC);
		assert_int_equal(amount.is_quota, cases[i].is_quota);
		assert_int_equal(amount.burst, cases[i].is_quota ? 0 : cases[i].count);
	}
}

static void durations_need_a_unit(void **state)
{
	uint64_t ns;

	(void)state;
	assert_true(rmt_parse_duration(RMT_SPAN("90s"), &ns, NULL));
	assert_int_equal(ns, 90LL * RMT_NS_PER_SEC);
	assert_true(rmt_parse_duration(RMT_SPAN("2w"), &ns, NULL));
	assert_int_equal(ns, 14LL * 86400 * RMT_NS_PER_SEC);
	assert_false(rmt_parse_duration(RMT_SPAN("90"), &ns, NULL));
	assert_false(rmt_parse_duration(RMT_SPAN("s"), &ns, NULL));
	assert_false(rmt_parse_duration(RMT_SPAN("1y"), &ns, NULL));
	assert_false(rmt_parse_duration(RMT_SPAN("1s "), &ns, NULL));
}

static void keys_are_written_in_one_order(void **state)
{
	g_autoptr(GString) out = g_string_new(NULL);
	unsigned per;

	(void)state;
	assert_true(rmt_parse_per(RMT_SPAN("recipient_domain + sasl_user"), &per, NULL));
	rmt_per_format(per, out);
	assert_string_equal(out->str, "sasl_user+recipient_domain");
	assert_false(rmt_parse_per(RMT_SPAN("sender+sender"), &per, NULL));
	assert_false(rmt_parse_per(RMT_SPAN("sender+"), &per, NULL));
	assert_false(rmt_parse_per(RMT_SPAN(""), &per, NULL));
}

static void values_of_keys_are_folded_by_part(void **state)
{
	static const struct {
		unsigned per;
		const char *in, *want; /* NULL: refused */
	} cases[] = {
		{ RMT_PER_SENDER, "Ann@Example.ORG", "ann@example.org" },
		{ RMT_PER_SENDER, "<>", "<>" },
		{ RMT_PER_RECIPIENT, "", NULL },
		{ RMT_PER_SENDER, "*@x.example", NULL },
		{ RMT_PER_SASL_USER, "Ann", "Ann" },
		{ RMT_PER_CLIENT, "2001:DB8:0::1", "2001:db8::1" },
		{ RMT_PER_CLIENT, "192.0.2.0/24", NULL },
		{ RMT_PER_SASL_USER | RMT_PER_RECIPIENT_DOMAIN, "a+b+X.example",
		  "a+b+x.example" },
		{ RMT_PER_SASL_USER | RMT_PER_RECIPIENT_DOMAIN, "ann", NULL },
		{ RMT_PER_SENDER_DOMAIN, "x@y", NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GString) out = g_string_new(NULL);
		bool good = rmt_key_value(cases[i].per, rmt_span_of(cases[i].in), NULL,
					  out, NULL);

		assert_int_equal(good, cases[i].want != NULL);
		if (good)
			assert_string_equal(out->str, cases[i].want);
	}
}

static void texts_of_answers_are_one_line_that_fits_the_action(void **state)
{
	static const struct {
		const char *text;
		enum rmt_action action;
		bool want;
	} cases[] = {
		{ "Too much: {count} of {max} a {period}, {key}", RMT_ACTION_DEFER,
		  true },
		{ "4.7.1 later, {retry}", RMT_ACTION_DEFER, true },
		{ "4.7.1 later", RMT_ACTION_REJECT, false },
		{ "5.7.1 {stream} {limit} {recipient} {sender}", RMT_ACTION_REJECT,
		  true },
		{ "5.7.1 never", RMT_ACTION_DEFER, false },
		{ "2.0.0 fine", RMT_ACTION_REJECT, false },
		{ "5.1 million are too many", RMT_ACTION_DEFER, true },
		{ "{who}", RMT_ACTION_DEFER, false },
		{ "{", RMT_ACTION_DEFER, false },
		{ "a\r\nb", RMT_ACTION_DEFER, false },
		{ "se\xc3\xb1or", RMT_ACTION_DEFER, false },
		{ "", RMT_ACTION_DEFER, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++)
		if (rmt_check_reply_text(rmt_span_of(cases[i].text), cases[i].action,
					 NULL) != cases[i].want)
			fail_msg("'%s'", cases[i].text);
}

static void single_values_are_checked(void **state)
{
	static const struct {
		rmt_value_check *check;
		const char *good, *bad; /* separated by blanks */
	} cases[] = {
		{ rmt_check_word, "a A-1_x", "a.b a/b" },
		{ rmt_check_path, "/ /a/b", "a ./a" },
		{ rmt_check_listen,
		  "unix:/a inet:127.0.0.1:1 inet:[::1]:65535 inet:host:25",
		  "unix:a inet:h inet:h:0 inet:h:65536 inet:h:1k inet:::1:25 tcp:h:1" },
		{ rmt_check_host_port, "127.0.0.1:9177 [::1]:9177", "9177 :9177 [x]:1" },
		{ rmt_check_domain, "a.example M\xc3\xbcnchen.example", ".a a..@ a/b" },
		{ rmt_check_ip, "192.0.2.1 ::1", "192.0.2 h [::1] 192.0.2.1/32" },
		{ rmt_check_transport, "smtp: smtp-bulk:[h.example]:25",
		  "smtp a/b:x :x" },
		{ rmt_check_stage, "RCPT DATA END-OF-MESSAGE", "rcpt EOD" },
		{ rmt_check_delimiter, "+ +- =", "a @ ." },
		{ rmt_check_account, "root _x www-data", "a:b" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_auto(GStrv) good = g_strsplit(cases[i].good, " ", -1);
		g_auto(GStrv) bad = g_strsplit(cases[i].bad, " ", -1);
		char **one;

		for (one = good; *one != NULL; one++)
			if (!cases[i].check(rmt_span_of(*one), NULL))
				fail_msg("refused: '%s'", *one);
		for (one = bad; *one != NULL; one++)
			if (cases[i].check(rmt_span_of(*one), NULL))
				fail_msg("taken: '%s'", *one);
	}
}

static void a_socket_path_must_fit_into_its_struct(void **state)
{
	g_autofree char *tail = g_strnfill(110, 'a');
	g_autofree char *path = g_strdup_printf("/%s", tail);

	(void)state;
	assert_true(rmt_check_path(rmt_span_of(path), NULL));
	assert_false(rmt_check_socket_path(rmt_span_of(path), NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(amounts_are_a_count_and_a_period),
		cmocka_unit_test(durations_need_a_unit),
		cmocka_unit_test(keys_are_written_in_one_order),
		cmocka_unit_test(values_of_keys_are_folded_by_part),
		cmocka_unit_test(texts_of_answers_are_one_line_that_fits_the_action),
		cmocka_unit_test(single_values_are_checked),
		cmocka_unit_test(a_socket_path_must_fit_into_its_struct),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
