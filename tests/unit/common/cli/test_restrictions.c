/* SPDX-License-Identifier: MIT */
#include "common/cli/restrictions.h"
#include "tests/unit/common/cli/recorded.h"

/* One letter per restriction: - none, r rejects, p permits, e ends, m maps, P policy;
 * a capital R, M where it only warns. */
static char *letters(const GArray *list)
{
	static const char plain[] = "-rpemP", warned[] = "-RpeMP";
	GString *out = g_string_new(NULL);
	guint i;

	for (i = 0; i < list->len; i++) {
		struct rmt_restriction item =
			g_array_index(list, struct rmt_restriction, i);

		g_string_append_c(out, (item.warn_only ? warned : plain)[item.effect]);
	}
	return g_string_free(out, FALSE);
}

static void restrictions_are_known_by_what_they_may_do(void **state)
{
	static const struct {
		const char *list, *want;
	} cases[] = {
		{ "", "" },
		{ "permit_mynetworks, permit_sasl_authenticated reject", "ppe" },
		{ "reject_unauth_destination,defer_unauth_destination", "rr" },
		{ "check_client_access hash:/etc/postfix/permit permit", "me" },
		{ "hash:/etc/postfix/access, reject_rbl_client permit.example.org",
		  "mr" },
		{ "reject_rbl_client { zen.example=127.0.0.[2..11] }, permit", "re" },
		{ "warn_if_reject reject_unknown_client_hostname, defer", "Re" },
		{ "check_policy_service { inet:[::1]:1, timeout=1s } reject", "Pe" },
		{ "check_policy_service inet:127.0.0.1:10031, sleep 5, permit_mx_backup",
		  "P-p" },
		{ "defer_if_permit", "-" },
		{ "check_policy_service", "P" },
		{ "PERMIT_MYNETWORKS, Reject", "pe" },
		{ "many, permit", "rpe" },
	};
	g_autoptr(rmt_postfix) pf = recorded_postfix((struct more){
		.main_raw = "smtpd_restriction_classes = many\n"
			    "many = reject_unlisted_sender, permit_mynetworks\n" });
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GArray) list = rmt_restrictions_read(pf, cases[i].list);
		g_autofree char *got = letters(list);

		assert_string_equal(got, cases[i].want);
	}
}

static void a_class_that_names_itself_comes_to_an_end(void **state)
{
	g_autoptr(rmt_postfix) pf = recorded_postfix(
		(struct more){ .main_raw = "smtpd_restriction_classes = loop\n"
					   "loop = loop loop loop loop loop loop\n" });
	g_autoptr(GArray) list = rmt_restrictions_read(pf, "loop");

	(void)state;
	assert_in_range(list->len, 1, 1000);
}

static void the_policy_service_is_taken_apart(void **state)
{
	static const struct {
		const char *text, *endpoint;
		bool braces;
		const char *timeout, *try_limit, *default_action;
	} cases[] = {
		{ "inet:127.0.0.1:10031", "inet:127.0.0.1:10031", false, "", "", "" },
		{ OUR_TEXT, "unix:remite/policy", true, "3s", "1", "DUNNO" },
		{ "{inet:h:1,default_action=DUNNO}", "inet:h:1", true, "", "", "DUNNO" },
		{ "{ unix:a { default_action = defer_if_permit no policy } }", "unix:a",
		  true, "", "", "defer_if_permit no policy" },
		{ "{ }", "", true, "", "", "" },
		{ "{", "{", false, "", "", "" },
		{ "", "", false, "", "", "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct rmt_policy_service s;

		rmt_policy_service_read(rmt_span_of(cases[i].text), &s);
		assert_true(rmt_span_eq(s.text, rmt_span_of(cases[i].text)));
		assert_true(rmt_span_eq(s.endpoint, rmt_span_of(cases[i].endpoint)));
		assert_int_equal(s.braces, cases[i].braces);
		assert_true(rmt_span_eq(s.timeout, rmt_span_of(cases[i].timeout)));
		assert_true(rmt_span_eq(s.try_limit, rmt_span_of(cases[i].try_limit)));
		assert_true(rmt_span_eq(s.default_action,
					rmt_span_of(cases[i].default_action)));
	}
}

static void one_address_has_one_form_however_it_is_written(void **state)
{
	static const struct {
		const char *endpoint;
		bool chrooted;
		const char *want;
	} cases[] = {
		{ "unix:remite/policy", false, "unix:/var/spool/postfix/remite/policy" },
		{ "unix:remite/policy", true, "unix:/var/spool/postfix/remite/policy" },
		{ "unix:/var/spool/postfix/remite/policy", false,
		  "unix:/var/spool/postfix/remite/policy" },
		{ "unix:/remite/policy", true, "unix:/var/spool/postfix/remite/policy" },
		{ "unix:/run/a//b/../c", false, "unix:/run/a/c" },
		{ "inet:localhost:10031", false, "inet:127.0.0.1:10031" },
		{ "inet:10031", true, "inet:127.0.0.1:10031" },
		{ "inet:[::1]:10031", false, "inet:::1:10031" },
		{ "fd:3", false, "fd:3" },
	};
	g_autoptr(rmt_postfix) pf = recorded_postfix((struct more){ 0 });
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *got = rmt_policy_endpoint(
			pf, rmt_span_of(cases[i].endpoint), cases[i].chrooted);

		assert_string_equal(got, cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(restrictions_are_known_by_what_they_may_do),
		cmocka_unit_test(a_class_that_names_itself_comes_to_an_end),
		cmocka_unit_test(the_policy_service_is_taken_apart),
		cmocka_unit_test(one_address_has_one_form_however_it_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
