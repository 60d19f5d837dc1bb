/* SPDX-License-Identifier: MIT */
/* Pitfall 21 of docs/unsubscribe.md: the URL by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/unsubscribe/target.h"

static enum rmt_target_result read_copy(const char *url, const unsigned *ports,
					struct rmt_target *target)
{
	g_autofree char *copy = g_memdup2(url, MAX(strlen(url), 1));

	return rmt_target_read(rmt_span(copy, strlen(url)), ports, target);
}

static void pitfall_21_a_web_server_on_the_net_is_a_target(void **state)
{
	static const struct {
		const char *url, *want, *host;
	} cases[] = {
		{ "https://l.example/u?a=1,2&b=%2F", "https://l.example/u?a=1,2&b=%2F",
		  "l.example" },
		{ "HTTPS://L.Example", "https://l.example/", "l.example" },
		{ "https://l.example?x", "https://l.example/?x", "l.example" },
		{ "https://l.example:443/", "https://l.example/", "l.example" },
		{ "https://l.example:/", "https://l.example/", "l.example" },
		{ "https://l.example./u#part", "https://l.example/u", "l.example" },
		{ "https://l.example/a/../b/./c//", "https://l.example/a/../b/./c//",
		  "l.example" },
		{ "https://xn--bcher-kva.example/u", "https://xn--bcher-kva.example/u",
		  "xn--bcher-kva.example" },
		{ "https://1.2.3.4.example/", "https://1.2.3.4.example/",
		  "1.2.3.4.example" },
		{ "https://l.example/u@v:w", "https://l.example/u@v:w", "l.example" },
		{ "https://l.example/?a={x}|y", "https://l.example/?a={x}|y",
		  "l.example" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct rmt_target target;

		assert_int_equal(read_copy(cases[i].url, NULL, &target), RMT_TARGET_OK);
		assert_string_equal(target.url, cases[i].want);
		assert_string_equal(target.host, cases[i].host);
		assert_int_equal(target.port, 443);
		rmt_target_clear(&target);
	}
}

static void pitfall_21_all_else_is_refused_with_its_reason(void **state)
{
	static const struct {
		const char *url;
		enum rmt_target_result want;
	} cases[] = {
		{ "http://l.example/", RMT_TARGET_SCHEME },
		{ "ftp://l.example/", RMT_TARGET_SCHEME },
		{ "file:///etc/passwd", RMT_TARGET_SCHEME },
		{ "gopher://l.example:25/_MAIL", RMT_TARGET_SCHEME },
		{ "https:l.example", RMT_TARGET_SCHEME },
		{ "https:/l.example", RMT_TARGET_SCHEME },
		{ "//l.example/", RMT_TARGET_SCHEME },
		{ "l.example", RMT_TARGET_SCHEME },
		{ "", RMT_TARGET_SCHEME },
		/* users, and those who would be taken for one */
		{ "https://l.example@127.0.0.1/", RMT_TARGET_USER },
		{ "https://ann:secret@l.example/", RMT_TARGET_USER },
		{ "https://@l.example/", RMT_TARGET_USER },
		{ "https://l.example:443@x.example/", RMT_TARGET_USER },
		{ "https://l.example%40x.example/", RMT_TARGET_NAME },
		/* what one reader takes for the end of the host, and another does not */
		{ "https://l.example\\@x.example/", RMT_TARGET_CHARACTER },
		{ "https:\\\\l.example/", RMT_TARGET_CHARACTER },
		{ "https://l.example\t/", RMT_TARGET_CHARACTER },
		{ "https://l.example /", RMT_TARGET_CHARACTER },
		{ "https://l.example/\r\nHost: x.example", RMT_TARGET_CHARACTER },
		{ "https://l.example/\x7f", RMT_TARGET_CHARACTER },
		{ "https://b\xc3\xbc"
		  "cher.example/",
		  RMT_TARGET_CHARACTER },
		{ "https://127\xe3\x80\x82"
		  "0.0.1/",
		  RMT_TARGET_CHARACTER },
		{ "https://\xe2\x91\xa0.0.0.1/", RMT_TARGET_CHARACTER },
		{ "https://l.example/%0", RMT_TARGET_CHARACTER },
		{ "https://l.example/%zz", RMT_TARGET_CHARACTER },
		/* ports */
		{ "https://l.example:25/", RMT_TARGET_PORT },
		{ "https://l.example:8443/", RMT_TARGET_PORT },
		{ "https://l.example:0/", RMT_TARGET_PORT },
		{ "https://l.example:65979/", RMT_TARGET_PORT },
		{ "https://l.example:4294967739/", RMT_TARGET_PORT },
		{ "https://l.example:443:443/", RMT_TARGET_PORT },
		{ "https://l.example:+443/", RMT_TARGET_PORT },
		{ "https://l.example:https/", RMT_TARGET_PORT },
		/* addresses, in every notation somebody understands */
		{ "https://127.0.0.1/", RMT_TARGET_LITERAL },
		{ "https://127.0.0.1./", RMT_TARGET_LITERAL },
		{ "https://127.1/", RMT_TARGET_LITERAL },
		{ "https://2130706433/", RMT_TARGET_LITERAL },
		{ "https://017700000001/", RMT_TARGET_LITERAL },
		{ "https://0177.0.0.1/", RMT_TARGET_LITERAL },
		{ "https://0x7f000001/", RMT_TARGET_LITERAL },
		{ "https://0x7f.0.0.0x1/", RMT_TARGET_LITERAL },
		{ "https://0X7F.1/", RMT_TARGET_LITERAL },
		{ "https://127.0.0.0x/", RMT_TARGET_LITERAL },
		{ "https://8.8.8.8/", RMT_TARGET_LITERAL },
		{ "https://[::1]/", RMT_TARGET_LITERAL },
		{ "https://[::ffff:127.0.0.1]:443/", RMT_TARGET_LITERAL },
		{ "https://[fe80::1%25eth0]/", RMT_TARGET_LITERAL },
		{ "https://[v1.x]/", RMT_TARGET_LITERAL },
		{ "https://%31%32%37.0.0.1/", RMT_TARGET_LITERAL },
		/* names */
		{ "https:///u", RMT_TARGET_NAME },
		{ "https://", RMT_TARGET_NAME },
		{ "https://intranet/", RMT_TARGET_NAME },
		{ "https://l..example/", RMT_TARGET_NAME },
		{ "https://127.0.0.1../", RMT_TARGET_NAME },
		{ "https://l.example../", RMT_TARGET_NAME },
		{ "https://.l.example/", RMT_TARGET_NAME },
		{ "https://-l.example/", RMT_TARGET_NAME },
		{ "https://l-.example/", RMT_TARGET_NAME },
		{ "https://l_x.example/", RMT_TARGET_NAME },
		{ "https://l.example%00.x.example/", RMT_TARGET_NAME },
		{ "https://l.example,x.example/", RMT_TARGET_NAME },
		{ "https://localhost/", RMT_TARGET_PRIVATE },
		{ "https://LOCALHOST./", RMT_TARGET_PRIVATE },
		{ "https://x.localhost/", RMT_TARGET_PRIVATE },
		{ "https://printer.local/", RMT_TARGET_PRIVATE },
		{ "https://metadata.google.internal/", RMT_TARGET_PRIVATE },
		{ "https://nas.home.arpa/", RMT_TARGET_PRIVATE },
		{ "https://1.0.0.127.in-addr.arpa/", RMT_TARGET_PRIVATE },
		{ "https://x.onion/", RMT_TARGET_PRIVATE },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct rmt_target target;
		const enum rmt_target_result got = read_copy(cases[i].url, NULL, &target);

		if (got != cases[i].want)
			fail_msg("%s: %s, not %s", cases[i].url, rmt_target_word(got),
				 rmt_target_word(cases[i].want));
		assert_null(target.url);
		assert_null(target.host);
	}
}

static void pitfall_21_ports_are_those_of_the_list(void **state)
{
	static const unsigned ports[] = { 443, 8443, 0 }, one[] = { 8443, 0 };
	struct rmt_target target;

	(void)state;
	assert_int_equal(read_copy("https://l.example:8443/u", ports, &target),
			 RMT_TARGET_OK);
	assert_string_equal(target.url, "https://l.example:8443/u");
	assert_int_equal(target.port, 8443);
	rmt_target_clear(&target);
	assert_int_equal(read_copy("https://l.example:80/u", ports, &target),
			 RMT_TARGET_PORT);
	assert_int_equal(read_copy("https://l.example/u", one, &target), RMT_TARGET_PORT);
}

static void pitfall_21_2_kib_are_enough(void **state)
{
	g_autoptr(GString) url = g_string_new("https://l.example/");
	struct rmt_target target;

	(void)state;
	while (url->len < RMT_TARGET_MAX)
		g_string_append_c(url, 'a');
	assert_int_equal(rmt_target_read(rmt_span(url->str, url->len), NULL, &target),
			 RMT_TARGET_OK);
	assert_int_equal(strlen(target.url), RMT_TARGET_MAX);
	rmt_target_clear(&target);
	g_string_append_c(url, 'a');
	assert_int_equal(rmt_target_read(rmt_span(url->str, url->len), NULL, &target),
			 RMT_TARGET_TOO_LONG);
}

static void each_result_has_its_word_and_sentence(void **state)
{
	int i, k;

	(void)state;
	for (i = 0; i < RMT_TARGET_COUNT; i++) {
		assert_non_null(rmt_target_text((enum rmt_target_result)i));
		for (k = 0; k < i; k++)
			assert_string_not_equal(
				rmt_target_word((enum rmt_target_result)i),
				rmt_target_word((enum rmt_target_result)k));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pitfall_21_a_web_server_on_the_net_is_a_target),
		cmocka_unit_test(pitfall_21_all_else_is_refused_with_its_reason),
		cmocka_unit_test(pitfall_21_ports_are_those_of_the_list),
		cmocka_unit_test(pitfall_21_2_kib_are_enough),
		cmocka_unit_test(each_result_has_its_word_and_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
