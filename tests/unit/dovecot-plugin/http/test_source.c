/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "common/base/clock.h"
#include "dovecot-plugin/http/source.h"

static void assert_source(const char *proxy, const char *peer, const char *forwarded,
			  const char *want)
{
	struct rmt_http_config http = { .forwarded = (char *)"X-Forwarded-For" };
	g_autoptr(GString) got = g_string_new(NULL);

	if (proxy != NULL) {
		http.proxies = rmt_list_new(RMT_LIST_NETWORKS);
		assert_true(rmt_list_add(http.proxies, rmt_span_of(proxy), NULL));
	}
	rmt_source_find(&http, rmt_span_of(peer), rmt_span_of(forwarded), got);
	if (strcmp(got->str, want) != 0)
		fail_msg("%s, %s, %s: got %s", proxy, peer, forwarded, got->str);
	rmt_list_free(http.proxies);
}

static void only_listed_proxies_are_believed_from_the_right_end_on(void **state)
{
	(void)state;
	assert_source(NULL, "203.0.113.9", "198.51.100.1", "203.0.113.9");
	assert_source("127.0.0.1", "203.0.113.9", "198.51.100.1", "203.0.113.9");
	assert_source("127.0.0.1", "127.0.0.1", "198.51.100.1", "198.51.100.1");
	assert_source("127.0.0.1", "127.0.0.1", "evil, 198.51.100.1", "198.51.100.1");
	assert_source("192.0.2.0/24", "192.0.2.1", "10.9.9.9, 198.51.100.1, 192.0.2.7",
		      "198.51.100.1");
	assert_source("192.0.2.0/24", "192.0.2.1", "192.0.2.8, 192.0.2.7", "192.0.2.8");
	assert_source("127.0.0.1", "127.0.0.1", "unknown", "127.0.0.1");
	assert_source("127.0.0.1", "127.0.0.1", "", "127.0.0.1");
	assert_source("127.0.0.1", "127.0.0.1", ",,,", "127.0.0.1");
	assert_source("127.0.0.1", "127.0.0.1", "[2001:db8::1]:443", "2001:db8::1");
	assert_source("127.0.0.1", "127.0.0.1", "198.51.100.1:5000", "198.51.100.1");
	assert_source("127.0.0.1", "", "198.51.100.1", "198.51.100.1"); /* UNIX socket */
	assert_source(NULL, "", "198.51.100.1", "");
}

/* As nginx says it where one socket listens for both ("ipv6only=off"). */
static void an_ipv4_address_within_ipv6_is_that_address(void **state)
{
	(void)state;
	assert_source(NULL, "::ffff:203.0.113.9", "", "203.0.113.9");
	assert_source("127.0.0.1", "::ffff:127.0.0.1", "::ffff:198.51.100.1",
		      "198.51.100.1");
	assert_source("127.0.0.1", "127.0.0.1", "[::ffff:198.51.100.1]:443",
		      "198.51.100.1");
	assert_source("127.0.0.1", "127.0.0.1", "198.51.100.1, ::ffff:7f00:1",
		      "198.51.100.1");
	assert_source("127.0.0.1", "127.0.0.1", "2001:DB8::0:1", "2001:db8::1");
	assert_source("127.0.0.1", "127.0.0.1", "::ffff:198.51.100.1:5000", "127.0.0.1");
}

enum { SECOND = RMT_NS_PER_SEC };

static struct rmt_sources *two_a_second(void)
{
	const struct rmt_amount rate = { .count = 2, .period_ns = SECOND, .burst = 2 };

	return rmt_sources_new(&rate);
}

static void a_source_waits_when_its_rate_is_used_up(void **state)
{
	struct rmt_sources *sources = two_a_second();
	const struct rmt_span ann = RMT_SPAN("192.0.2.1"), bob = RMT_SPAN("192.0.2.2");

	(void)state;
	assert_true(rmt_sources_charge(sources, ann, SECOND));
	assert_true(rmt_sources_charge(sources, ann, SECOND));
	assert_false(rmt_sources_has_room(sources, ann, SECOND));
	assert_false(rmt_sources_charge(sources, ann, SECOND));
	assert_true(rmt_sources_charge(sources, bob, SECOND));
	assert_true(rmt_sources_charge(sources, ann, 2 * (int64_t)SECOND));
	rmt_sources_free(sources);
}

static void a_64_of_ipv6_is_one_source(void **state)
{
	struct rmt_sources *sources = two_a_second();

	(void)state;
	assert_true(rmt_sources_charge(sources, RMT_SPAN("2001:db8::1"), SECOND));
	assert_true(rmt_sources_charge(sources, RMT_SPAN("2001:db8::2"), SECOND));
	assert_false(rmt_sources_charge(sources, RMT_SPAN("2001:db8::3"), SECOND));
	assert_true(rmt_sources_charge(sources, RMT_SPAN("2001:db8:0:1::1"), SECOND));
	/* Not the /64 that IPv4 is written in. */
	assert_true(rmt_sources_charge(sources, RMT_SPAN("::ffff:192.0.2.1"), SECOND));
	assert_true(rmt_sources_charge(sources, RMT_SPAN("::ffff:192.0.2.2"), SECOND));
	assert_true(rmt_sources_charge(sources, RMT_SPAN("::ffff:192.0.2.3"), SECOND));
	rmt_sources_free(sources);
}

static void more_sources_than_there_is_room_for_are_served(void **state)
{
	struct rmt_sources *sources = two_a_second();
	char address[32];
	int i;

	(void)state;
	for (i = 0; i < 150000; i++) {
		snprintf(address, sizeof(address), "10.%d.%d.%d", i >> 16, i >> 8 & 255,
			 i & 255);
		assert_true(rmt_sources_charge(sources, rmt_span_of(address), SECOND));
	}
	rmt_sources_free(sources);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_listed_proxies_are_believed_from_the_right_end_on),
		cmocka_unit_test(an_ipv4_address_within_ipv6_is_that_address),
		cmocka_unit_test(a_source_waits_when_its_rate_is_used_up),
		cmocka_unit_test(a_64_of_ipv6_is_one_source),
		cmocka_unit_test(more_sources_than_there_is_room_for_are_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
