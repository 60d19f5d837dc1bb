/* SPDX-License-Identifier: MIT */
/* Pitfall 21 of docs/unsubscribe.md: who is forbidden is not connected to. Real
 * endpoints, good and hostile, are in tests/live/test_unsubscribing.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/unsubscribe/post.h"

struct house {
	int listener;
	struct rmt_target target;
	struct rmt_list *allow;
	struct rmt_address_filter *filter;
	struct rmt_post_settings settings;
};

static int build(void **state)
{
	struct house *house = g_new0(struct house, 1);
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	house->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(house->listener, (const void *)&address, len), 0);
	assert_int_equal(listen(house->listener, 8), 0);
	getsockname(house->listener, (void *)&address, &len);
	house->target.port = ntohs(address.sin_port);
	house->target.host = g_strdup("l.example");
	house->target.url = g_strdup_printf("https://l.example:%u/u", house->target.port);
	house->allow = rmt_list_new(RMT_LIST_NETWORKS);
	house->filter = rmt_address_filter_new(house->allow, NULL);
	house->settings = (struct rmt_post_settings)RMT_POST_SETTINGS_INIT;
	house->settings.timeout_ms = 300;
	house->settings.filter = house->filter;
	assert_true(rmt_post_init());
	*state = house;
	return 0;
}

static int tear_down(void **state)
{
	struct house *house = *state;

	close(house->listener);
	rmt_target_clear(&house->target);
	rmt_address_filter_free(house->filter);
	rmt_list_free(house->allow);
	g_free(house);
	return 0;
}

static bool somebody_came(const struct house *house)
{
	const int fd = accept(house->listener, NULL, NULL);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static struct rmt_ip ip_of(const char *text)
{
	struct rmt_ip ip = { strchr(text, ':') != NULL, { 0 } };

	assert_int_equal(inet_pton(ip.is_v6 ? AF_INET6 : AF_INET, text, ip.octets), 1);
	return ip;
}

static void pitfall_21_nothing_is_connected_to_if_one_address_is_forbidden(void **state)
{
	static const char *const answers[][2] = {
		{ "127.0.0.1", "127.0.0.1" },
		{ "::1", "::1" },
		{ "::ffff:127.0.0.1", "::ffff:127.0.0.1" },
		{ "8.8.8.8", "127.0.0.1" }, /* all of an answer must pass */
		{ "127.0.0.1", "8.8.8.8" },
		{ "64:ff9b::7f00:1", "64:ff9b::7f00:1" },
		{ "169.254.169.254", "169.254.169.254" },
	};
	struct house *house = *state;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(answers); i++) {
		const struct rmt_ip ips[] = { ip_of(answers[i][0]),
					      ip_of(answers[i][1]) };
		struct rmt_post_result result;

		rmt_post(&house->settings, &house->target, ips, 2, RMT_POST_MULTIPART,
			 &result);
		assert_int_equal(result.outcome, RMT_POST_FORBIDDEN);
		assert_true(result.address[0] != '\0');
		assert_false(somebody_came(house));
	}
}

static void pitfall_21_the_environments_proxy_is_not_asked(void **state)
{
	struct house *house = *state;
	const struct rmt_ip ip = ip_of("127.0.0.9"); /* nobody there */
	g_autofree char *proxy =
		g_strdup_printf("http://127.0.0.1:%u", house->target.port);
	struct rmt_post_result result;

	assert_true(rmt_list_add(house->allow, RMT_SPAN("127.0.0.9"), NULL));
	g_setenv("https_proxy", proxy, TRUE);
	g_setenv("ALL_PROXY", proxy, TRUE);
	rmt_post(&house->settings, &house->target, &ip, 1, RMT_POST_MULTIPART, &result);
	assert_int_equal(result.outcome, RMT_POST_CONNECT);
	assert_false(somebody_came(house));
	g_unsetenv("https_proxy");
	g_unsetenv("ALL_PROXY");
}

static void pitfall_21_who_never_answers_is_not_waited_for(void **state)
{
	struct house *house = *state;
	const struct rmt_ip ip = ip_of("127.0.0.1");
	const int64_t allowed = 10 * G_USEC_PER_SEC;
	int64_t before, took = allowed;
	struct rmt_post_result result;
	int i;

	assert_true(rmt_list_add(house->allow, RMT_SPAN("127.0.0.1"), NULL));
	/* A busy machine is late once or twice, who waits is each time. */
	for (i = 0; i < 5 && took >= allowed; i++) {
		before = g_get_monotonic_time();
		rmt_post(&house->settings, &house->target, &ip, 1, RMT_POST_MULTIPART,
			 &result);
		took = g_get_monotonic_time() - before;
		assert_int_equal(result.outcome, RMT_POST_TIMEOUT);
		assert_true(rmt_post_is_open(result.outcome));
		assert_string_equal(result.address, "127.0.0.1");
	}
	assert_true(took < allowed);
	assert_true(somebody_came(house));
}

static void each_outcome_has_its_word(void **state)
{
	int i, k;

	(void)state;
	for (i = 0; i < RMT_POST_COUNT; i++)
		for (k = 0; k < i; k++)
			assert_string_not_equal(rmt_post_word((enum rmt_post_outcome)i),
						rmt_post_word((enum rmt_post_outcome)k));
	assert_false(rmt_post_is_open(RMT_POST_DONE));
	assert_false(rmt_post_is_open(RMT_POST_REDIRECT));
	assert_false(rmt_post_is_open(RMT_POST_FORBIDDEN));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			pitfall_21_nothing_is_connected_to_if_one_address_is_forbidden,
			build, tear_down),
		cmocka_unit_test_setup_teardown(
			pitfall_21_the_environments_proxy_is_not_asked, build, tear_down),
		cmocka_unit_test_setup_teardown(
			pitfall_21_who_never_answers_is_not_waited_for, build, tear_down),
		cmocka_unit_test(each_outcome_has_its_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
