/* SPDX-License-Identifier: MIT */
#include "common/cli/run.h"
#include "tests/unit/common/cli/recorded.h"

static void words_end_at_blanks_and_commas_but_not_within_braces(void **state)
{
	static const struct {
		const char *text, *want; /* words joined by '|' */
	} cases[] = {
		{ "", "" },
		{ " , \t", "" },
		{ "a b,c ,d", "a|b|c|d" },
		{ "a { b, c } d", "a|{ b, c }|d" },
		{ "{a {b c} d} e", "{a {b c} d}|e" },
		{ "x{a b}y z", "x{a b}y|z" },
		{ "{ never closed, a", "{ never closed, a" },
		{ "a } b", "a|}|b" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *copy = g_memdup2(cases[i].text, strlen(cases[i].text));
		struct rmt_span rest = rmt_span(copy, strlen(cases[i].text)), word;
		g_autoptr(GString) got = g_string_new(NULL);

		while (rmt_postfix_word(&rest, &word))
			g_string_append_printf(got, "%s%.*s", got->len > 0 ? "|" : "",
					       RMT_SPAN_ARGS(word));
		assert_string_equal(got->str, cases[i].want);
	}
}

static void a_service_has_its_fields_and_options(void **state)
{
	g_autoptr(rmt_postfix) pf = recorded_postfix((struct more){
		.services = "10026 inet n - n - 20 smtpd -v -o content_filter= "
			    "-o {smtpd_recipient_restrictions=permit_mynetworks, reject} "
			    "-o a=b,c -osmtpd_etrn_restrictions=reject\n" });
	struct rmt_postfix_service *s = rmt_postfix_find(pf, "10026", "inet");

	(void)state;
	assert_non_null(s);
	assert_string_equal(s->command, "smtpd");
	assert_string_equal(s->fields[4], "20");
	assert_false(rmt_postfix_is_chrooted(pf, s));
	assert_true(rmt_postfix_overrides(s, "content_filter"));
	assert_string_equal(rmt_postfix_get(pf, s, "smtpd_recipient_restrictions"),
			    "permit_mynetworks, reject");
	assert_string_equal(rmt_postfix_get(pf, s, "a"), "b,c");
	assert_string_equal(rmt_postfix_get(pf, s, "smtpd_etrn_restrictions"), "reject");
	assert_string_equal(rmt_postfix_get(pf, s, "smtpd_delay_reject"), "yes");
	assert_null(s->twice);
}

static void debians_services_are_all_read(void **state)
{
	g_autoptr(rmt_postfix) pf = recorded_postfix((struct more){ 0 });
	struct rmt_postfix_service *smtp = rmt_postfix_find(pf, "smtp", "inet");

	(void)state;
	assert_int_equal(pf->services->len, 31);
	assert_true(rmt_postfix_is_smtpd(smtp));
	assert_true(rmt_postfix_is_chrooted(pf, smtp));
	assert_false(rmt_postfix_is_smtpd(rmt_postfix_find(pf, "smtp", "unix")));
	assert_null(rmt_postfix_find(pf, "submission", "inet"));
	assert_string_equal(
		rmt_postfix_get(pf, rmt_postfix_find(pf, "relay", "unix"), "syslog_name"),
		"postfix/relay");
	assert_string_equal(rmt_postfix_get_raw(pf, rmt_postfix_find(pf, "relay", "unix"),
						"syslog_name"),
			    "postfix/$service_name");
}

static void what_is_given_twice_is_told_with_its_lines(void **state)
{
	g_autoptr(rmt_postfix) pf = recorded_postfix((struct more){
		.main_cf = "# biff = no\nbiff = no\nmynetworks = 127.0.0.0/8\n"
			   "\tbiff = a continuation\n\nbiff=yes\n",
		.services = "26 inet n - n - - smtpd -o a=1 -o b=2 -o a=3\n" });

	(void)state;
	assert_int_equal(pf->main_twice->len, 1);
	assert_string_equal(pf->main_twice->pdata[0], "biff (lines 2 and 6)");
	assert_string_equal(rmt_postfix_find(pf, "26", "inet")->twice, "a");
}

static void return_ports_of_filters_are_known_by_address_and_options(void **state)
{
	static const struct {
		const char *service;
		bool want;
	} cases[] = {
		{ "127.0.0.1:10025 inet n - n - - smtpd -o content_filter=", true },
		{ "127.0.0.1:10025 inet n - n - - smtpd "
		  "-o smtpd_recipient_restrictions=permit_mynetworks,reject",
		  true },
		{ "[::1]:10025 inet n - n - - smtpd -o smtpd_proxy_filter=", true },
		{ "127.0.0.1:10025 inet n - n - - smtpd "
		  "-o receive_override_options=no_header_body_checks",
		  true },
		{ "127.0.0.1:2525 inet n - n - - smtpd", false },
		{ "127.0.0.1:587 inet n - n - - smtpd "
		  "-o smtpd_recipient_restrictions=permit_sasl_authenticated,reject",
		  false },
		{ "submission inet n - n - - smtpd -o content_filter=", false },
		{ "127.0.0.1:10025 inet n - n - - lmtp -o content_filter=", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *line = g_strconcat(cases[i].service, "\n", NULL);
		g_autoptr(rmt_postfix) pf =
			recorded_postfix((struct more){ .services = line });

		assert_int_equal(rmt_postfix_is_reinjection(
					 pf, pf->services->pdata[pf->services->len - 1]),
				 cases[i].want);
	}
}

static void a_global_filter_makes_its_public_return_port_one_too(void **state)
{
	g_autoptr(rmt_postfix) pf = recorded_postfix((struct more){
		.main_raw = "content_filter = smtp:[127.0.0.1]:10024\n",
		.services = "10025 inet n - n - - smtpd -o content_filter=\n" });

	(void)state;
	assert_true(
		rmt_postfix_is_reinjection(pf, rmt_postfix_find(pf, "10025", "inet")));
	assert_false(
		rmt_postfix_is_reinjection(pf, rmt_postfix_find(pf, "smtp", "inet")));
}

static void lines_that_are_no_services_are_left_out(void **state)
{
	static const char junk[] =
		"\n#smtp inet n - n - - smtpd\nsmtp inet n -\n   \n=\n";
	struct rmt_postfix_texts texts = { .services = RMT_SPAN(junk),
					   .options =
						   RMT_SPAN("a/b\nx/y/z = 1\n = 3\n") };
	g_autoptr(rmt_postfix) pf = rmt_postfix_parse("/x", &texts);

	(void)state;
	assert_int_equal(pf->services->len, 0);
	assert_string_equal(rmt_postfix_get(pf, NULL, "anything"), "");
}

static void a_program_is_run_without_a_shell_and_its_words_kept_apart(void **state)
{
	const char *argv[] = { "sh", "-c",        "printf %s \"$1\"; echo no >&2; exit 3",
			       "sh", "a  b;$(c)", NULL };
	g_autoptr(GString) out = g_string_new(NULL), errors = g_string_new(NULL);
	int status = -1;

	(void)state;
	assert_true(rmt_run(argv, out, errors, &status, NULL));
	assert_int_equal(status, 3);
	assert_string_equal(out->str, "a  b;$(c)");
	assert_string_equal(errors->str, "no\n");
}

static void a_missing_program_is_named(void **state)
{
	const char *argv[] = { "remite-no-such-program", NULL };
	g_autoptr(GError) err = NULL;
	int status;

	(void)state;
	assert_false(rmt_run(argv, NULL, NULL, &status, &err));
	assert_non_null(
		strstr(err->message, "'remite-no-such-program' is not installed"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_end_at_blanks_and_commas_but_not_within_braces),
		cmocka_unit_test(a_service_has_its_fields_and_options),
		cmocka_unit_test(debians_services_are_all_read),
		cmocka_unit_test(what_is_given_twice_is_told_with_its_lines),
		cmocka_unit_test(
			return_ports_of_filters_are_known_by_address_and_options),
		cmocka_unit_test(a_global_filter_makes_its_public_return_port_one_too),
		cmocka_unit_test(lines_that_are_no_services_are_left_out),
		cmocka_unit_test(
			a_program_is_run_without_a_shell_and_its_words_kept_apart),
		cmocka_unit_test(a_missing_program_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
