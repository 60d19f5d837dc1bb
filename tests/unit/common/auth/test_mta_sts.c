/* SPDX-License-Identifier: MIT */
/* MTA-STS policies: RFC 8461, 3.2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/auth/mta_sts.h"

#define V "version: STSv1\r\n"
#define E "mode: enforce\r\n"
#define A "max_age: 86400\r\n"
#define M "mx: mail.example.com\r\n"

/* The input ends where its bytes do: an over-read shows. */
static bool read_policy(const char *text, size_t len, struct rmt_sts_policy *policy,
			GError **err)
{
	g_autofree char *copy = g_memdup2(text, len);

	return rmt_sts_policy_read(rmt_span(copy, len), policy, err);
}

static void policies_are_read_as_the_rfc_says(void **state)
{
	static const struct {
		const char *text, *problem; /* NULL: good */
	} rows[] = {
		{ V E A M, NULL },
		{ A M E V, NULL },
		{ "version: STSv1\nmode: testing\nmx: *.example.com\nmax_age: 0\n",
		  NULL },
		{ "version:STSv1\r\nmode:none\r\nmax_age:1", NULL },
		{ V E A M "future: word\r\n", NULL },
		{ V E A M "\r\n\r\n", NULL },
		{ V E A M "mode: rubbish\r\n", NULL }, /* the first counts */
		{ V E A M "mx: b.example.com.\r\n", NULL },
		{ "", "version" },
		{ E A M, "version" },
		{ "version: STSv2\r\n" E A M, "not STSv1" },
		{ "version: stsv1\r\n" E A M, "not STSv1" },
		{ V A M, "mode" },
		{ V "mode: Enforce\r\n" A M, "none of enforce" },
		{ V E M, "max_age" },
		{ V E M "max_age: 31557601\r\n", "seconds up to" },
		{ V E M "max_age: 1 day\r\n", "seconds up to" },
		{ V E M "max_age: -1\r\n", "seconds up to" },
		{ V E M "max_age:\r\n", "seconds up to" },
		{ V E M "max_age: 99999999999999999999\r\n", "seconds up to" },
		{ V E A, "no mx" },
		{ V E A "mx: *\r\n", "no host" },
		{ V E A "mx: a.*.example\r\n", "no host" },
		{ V E A "mx: \r\n", "no host" },
		{ V E A "mx: example\r\n", "no host" },
		{ V E A M "<html>\r\n", "no colon" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct rmt_sts_policy policy;
		g_autoptr(GError) err = NULL;
		const bool good =
			read_policy(rows[i].text, strlen(rows[i].text), &policy, &err);

		if (good != (rows[i].problem == NULL))
			fail_msg("%zu: %s", i, err != NULL ? err->message : "taken");
		if (!good && strstr(err->message, rows[i].problem) == NULL)
			fail_msg("%zu: %s", i, err->message);
		rmt_sts_policy_clear(&policy);
	}
}

static void what_is_too_long_or_has_a_nul_is_none(void **state)
{
	g_autofree char *longer = g_strnfill(RMT_STS_POLICY_MAX + 1, '\n');
	static const char nul[] = V E A M "x:\0";
	struct rmt_sts_policy policy;

	(void)state;
	assert_false(read_policy(longer, strlen(longer), &policy, NULL));
	rmt_sts_policy_clear(&policy);
	assert_false(read_policy(nul, sizeof(nul), &policy, NULL));
	rmt_sts_policy_clear(&policy);
}

static void hosts_are_matched_with_one_label_for_the_star(void **state)
{
	static const struct {
		const char *host;
		bool allowed;
	} rows[] = {
		{ "mail.example.com", true },
		{ "MAIL.Example.com", true },
		{ "other.example.com", false },
		{ "a.wild.example", true },
		{ "wild.example", false },
		{ "a.b.wild.example", false },
		{ "dot.example.com", true },
		{ "", false },
		{ "com", false },
	};
	static const char text[] = V E A M "mx: *.wild.example\r\n"
					   "mx: Dot.Example.com.\r\n";
	struct rmt_sts_policy policy;
	size_t i;

	(void)state;
	assert_true(read_policy(text, strlen(text), &policy, NULL));
	assert_int_equal(policy.mode, RMT_STS_ENFORCE);
	assert_int_equal(policy.max_age_secs, 86400);
	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		if (rmt_sts_policy_allows(&policy, rmt_span_of(rows[i].host)) !=
		    rows[i].allowed)
			fail_msg("%s", rows[i].host);
	rmt_sts_policy_clear(&policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policies_are_read_as_the_rfc_says),
		cmocka_unit_test(what_is_too_long_or_has_a_nul_is_none),
		cmocka_unit_test(hosts_are_matched_with_one_label_for_the_star),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
