/* SPDX-License-Identifier: MIT */
/* Pitfall 21 of docs/unsubscribe.md: where a socket would go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <cmocka.h>

#include "common/unsubscribe/address_filter.h"

/* As a socket has it: mapped addresses stay IPv6. */
static struct rmt_ip ip_of(const char *text)
{
	struct rmt_ip ip = { strchr(text, ':') != NULL, { 0 } };

	assert_int_equal(inet_pton(ip.is_v6 ? AF_INET6 : AF_INET, text, ip.octets), 1);
	return ip;
}

static enum rmt_address judge(const struct rmt_address_filter *filter, const char *text)
{
	const struct rmt_ip ip = ip_of(text);

	return rmt_address_judge(filter, &ip);
}

/* The addresses of IPv6 that lead to this one of IPv4. */
static void for_each_embedding(const struct rmt_address_filter *filter, const char *text,
			       enum rmt_address want)
{
	static const char *const forms[] = {
		"::ffff:%02x%02x:%02x%02x",         "64:ff9b::%02x%02x:%02x%02x",
		"2002:%02x%02x:%02x%02x::1",        "2600::5efe:%02x%02x:%02x%02x",
		"2600::200:5efe:%02x%02x:%02x%02x",
	};
	const struct rmt_ip ip = ip_of(text);
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(forms); i++) {
		char outer[INET6_ADDRSTRLEN + 8];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		g_snprintf(outer, sizeof(outer), forms[i], ip.octets[0], ip.octets[1],
			   ip.octets[2], ip.octets[3]);
#pragma GCC diagnostic pop
		if (judge(filter, outer) != want)
			fail_msg("%s (%s): %s", outer, text,
				 rmt_address_word(judge(filter, outer)));
	}
}

static void pitfall_21_special_ranges_of_ipv4_are_shut_from_end_to_end(void **state)
{
	/* first, last, and the addresses beside them, where those are open */
	static const char *const ranges[][4] = {
		{ "0.0.0.0", "0.255.255.255", NULL, "1.0.0.0" },
		{ "10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0" },
		{ "100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0" },
		{ "127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0" },
		{ "169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0" },
		{ "172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0" },
		{ "192.0.0.0", "192.0.0.255", "191.255.255.255", "192.0.1.0" },
		{ "192.0.2.0", "192.0.2.255", "192.0.1.255", "192.0.3.0" },
		{ "192.31.196.0", "192.31.196.255", "192.31.195.255", "192.31.197.0" },
		{ "192.52.193.0", "192.52.193.255", "192.52.192.255", "192.52.194.0" },
		{ "192.88.99.0", "192.88.99.255", "192.88.98.255", "192.88.100.0" },
		{ "192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0" },
		{ "192.175.48.0", "192.175.48.255", "192.175.47.255", "192.175.49.0" },
		{ "198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0" },
		{ "198.51.100.0", "198.51.100.255", "198.51.99.255", "198.51.101.0" },
		{ "203.0.113.0", "203.0.113.255", "203.0.112.255", "203.0.114.0" },
		{ "224.0.0.0", "255.255.255.255", "223.255.255.255", NULL },
		{ "169.254.169.254", "169.254.170.2", NULL, NULL },
	};
	g_autoptr(rmt_address_filter) filter = rmt_address_filter_new(NULL, NULL);
	size_t i, k;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(ranges); i++)
		for (k = 0; k < 4; k++) {
			const enum rmt_address want =
				k < 2 ? RMT_ADDRESS_SPECIAL : RMT_ADDRESS_OPEN;

			if (ranges[i][k] == NULL)
				continue;
			if (judge(filter, ranges[i][k]) != want)
				fail_msg("%s", ranges[i][k]);
			for_each_embedding(filter, ranges[i][k], want);
		}
}

static void pitfall_21_of_ipv6_only_the_global_part_is_open(void **state)
{
	static const struct {
		const char *text;
		enum rmt_address want;
	} cases[] = {
		{ "::", RMT_ADDRESS_SPECIAL },
		{ "::1", RMT_ADDRESS_SPECIAL },
		{ "::127.0.0.1", RMT_ADDRESS_SPECIAL },
		{ "::8.8.8.8", RMT_ADDRESS_SPECIAL },
		{ "::ffff:0:8.8.8.8", RMT_ADDRESS_SPECIAL },
		{ "64:ff9b:1::808:808", RMT_ADDRESS_SPECIAL },
		{ "64:ff9b::1:0:0", RMT_ADDRESS_SPECIAL },
		{ "100::1", RMT_ADDRESS_SPECIAL },
		{ "100:0:0:1::1", RMT_ADDRESS_SPECIAL },
		{ "1fff:ffff::1", RMT_ADDRESS_SPECIAL },
		{ "2001::1", RMT_ADDRESS_SPECIAL },    /* Teredo */
		{ "2001:2::1", RMT_ADDRESS_SPECIAL },  /* benchmarks */
		{ "2001:10::1", RMT_ADDRESS_SPECIAL }, /* ORCHID */
		{ "2001:1ff:ffff::1", RMT_ADDRESS_SPECIAL },
		{ "2001:200::1", RMT_ADDRESS_OPEN },
		{ "2001:db7:ffff::1", RMT_ADDRESS_OPEN },
		{ "2001:db8::1", RMT_ADDRESS_SPECIAL },
		{ "2001:db9::1", RMT_ADDRESS_OPEN },
		{ "2001:4860:4860::8888", RMT_ADDRESS_OPEN },
		{ "2620:4f:8000::1", RMT_ADDRESS_SPECIAL },
		{ "2620:4f:8001::1", RMT_ADDRESS_OPEN },
		{ "3fff::1", RMT_ADDRESS_SPECIAL },
		{ "3fff:fff:ffff::1", RMT_ADDRESS_SPECIAL },
		{ "3fff:1000::1", RMT_ADDRESS_OPEN },
		{ "3ffe:ffff::1", RMT_ADDRESS_OPEN },
		{ "4000::1", RMT_ADDRESS_SPECIAL },
		{ "5f00::1", RMT_ADDRESS_SPECIAL },
		{ "fc00::1", RMT_ADDRESS_SPECIAL },
		{ "fdff::1", RMT_ADDRESS_SPECIAL },
		{ "fe80::1", RMT_ADDRESS_SPECIAL },
		{ "fec0::1", RMT_ADDRESS_SPECIAL },
		{ "ff02::1", RMT_ADDRESS_SPECIAL },
	};
	g_autoptr(rmt_address_filter) filter = rmt_address_filter_new(NULL, NULL);
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++)
		if (judge(filter, cases[i].text) != cases[i].want)
			fail_msg("%s", cases[i].text);
}

static void pitfall_21_own_addresses_are_shut_however_they_are_written(void **state)
{
	g_autoptr(rmt_address_filter) filter = rmt_address_filter_new(NULL, NULL);
	const struct rmt_ip own4 = ip_of("8.8.4.4"), own6 = ip_of("2600::25");

	(void)state;
	assert_int_equal(judge(filter, "8.8.4.4"), RMT_ADDRESS_OPEN);
	rmt_address_filter_add_own(filter, &own4);
	rmt_address_filter_add_own(filter, &own6);
	assert_int_equal(judge(filter, "8.8.4.4"), RMT_ADDRESS_OWN);
	for_each_embedding(filter, "8.8.4.4", RMT_ADDRESS_OWN);
	assert_int_equal(judge(filter, "2600::25"), RMT_ADDRESS_OWN);
	assert_int_equal(judge(filter, "2600::26"), RMT_ADDRESS_OPEN);
}

static void pitfall_21_the_administrator_shuts_and_opens(void **state)
{
	g_autoptr(rmt_list) allow = rmt_list_new(RMT_LIST_NETWORKS);
	g_autoptr(rmt_list) deny = rmt_list_new(RMT_LIST_NETWORKS);
	g_autoptr(rmt_address_filter) filter = NULL;

	(void)state;
	assert_true(rmt_list_add(allow, RMT_SPAN("10.1.0.0/16"), NULL));
	assert_true(rmt_list_add(allow, RMT_SPAN("fd00::/8"), NULL));
	assert_true(rmt_list_add(deny, RMT_SPAN("10.1.2.0/24"), NULL));
	assert_true(rmt_list_add(deny, RMT_SPAN("8.8.8.0/24"), NULL));
	filter = rmt_address_filter_new(allow, deny);
	assert_int_equal(judge(filter, "10.1.1.1"), RMT_ADDRESS_OPEN);
	assert_int_equal(judge(filter, "fd00::1"), RMT_ADDRESS_OPEN);
	assert_int_equal(judge(filter, "10.2.1.1"), RMT_ADDRESS_SPECIAL);
	assert_int_equal(judge(filter, "10.1.2.3"), RMT_ADDRESS_DENIED);
	for_each_embedding(filter, "10.1.2.3", RMT_ADDRESS_DENIED);
	for_each_embedding(filter, "8.8.8.8", RMT_ADDRESS_DENIED);
}

static void the_address_of_a_socket_is_taken_as_it_is(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr other = { .sa_family = AF_UNIX };
	struct rmt_ip ip;

	(void)state;
	in.sin_addr.s_addr = htonl(0x7f000001);
	assert_true(rmt_ip_of_socket((const void *)&in, sizeof(in), &ip));
	assert_false(ip.is_v6);
	assert_int_equal(ip.octets[0], 127);
	assert_int_equal(inet_pton(AF_INET6, "::ffff:127.0.0.1", &in6.sin6_addr), 1);
	assert_true(rmt_ip_of_socket((const void *)&in6, sizeof(in6), &ip));
	assert_true(ip.is_v6);
	assert_false(rmt_ip_of_socket((const void *)&in6, sizeof(in), &ip));
	assert_false(rmt_ip_of_socket(&other, sizeof(other), &ip));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			pitfall_21_special_ranges_of_ipv4_are_shut_from_end_to_end),
		cmocka_unit_test(pitfall_21_of_ipv6_only_the_global_part_is_open),
		cmocka_unit_test(
			pitfall_21_own_addresses_are_shut_however_they_are_written),
		cmocka_unit_test(pitfall_21_the_administrator_shuts_and_opens),
		cmocka_unit_test(the_address_of_a_socket_is_taken_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
