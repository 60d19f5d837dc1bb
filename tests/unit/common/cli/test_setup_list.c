/* SPDX-License-Identifier: MIT */
#include "common/cli/setup_list.h"
#include "tests/unit/common/cli/recorded.h"

#define PARAMETER "remite_policy = " OURS "\n"
#define LISTEN    "policyd: { listen = [\"unix:/var/spool/postfix/remite/policy\"] }\n"

static void the_entry_stands_before_the_first_permit_and_behind_all_else(void **state)
{
	static const struct {
		const char *list, *want;
	} cases[] = {
		{ "", "X" },
		{ "reject_unauth_destination", "reject_unauth_destination, X" },
		{ "permit_mynetworks reject_unauth_destination",
		  "X, permit_mynetworks, reject_unauth_destination" },
		{ "reject_non_fqdn_sender, permit_sasl_authenticated, reject",
		  "reject_non_fqdn_sender, X, permit_sasl_authenticated, reject" },
		{ "check_client_access hash:/etc/permit, reject",
		  "check_client_access hash:/etc/permit, X, reject" },
		{ "check_policy_service { inet:h:1, timeout=1s }, permit",
		  "check_policy_service { inet:h:1, timeout=1s }, X, permit" },
		{ "reject_rbl_client permit.example.org, $mua",
		  "reject_rbl_client permit.example.org, X, $mua" },
		{ "$plain, ${mua}", "$plain, X, ${mua}" },
		{ "cls, permit", "X, cls, permit" },
		{ "check_recipient_access permit_mynetworks",
		  "check_recipient_access permit_mynetworks, X" },
	};
	g_autoptr(rmt_postfix) pf = recorded_postfix((struct more){
		.main_raw =
			"mua = permit_sasl_authenticated,reject\nplain = reject_x\n"
			"smtpd_restriction_classes = cls\ncls = permit_mynetworks\n" });
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *got = rmt_setup_insert(pf, cases[i].list, "X", ", ");

		assert_string_equal(got, cases[i].want);
	}
}

static void a_parameter_that_is_named_and_not_defined_is_not_named_twice(void **state)
{
	static const struct {
		const char *list, *want;
	} cases[] = {
		{ "$remite_policy", "$remite_policy, $second" },
		{ "reject_a, ${remite_policy}, permit",
		  "reject_a, $remite_policy, $second, permit" },
		{ "permit, $(second), reject_a $remite_policy",
		  "$remite_policy, $second, permit, reject_a" },
		{ "$remite_policy_of_mine",
		  "$remite_policy_of_mine, $remite_policy, $second" },
	};
	g_autoptr(rmt_postfix) pf = recorded_postfix((struct more){ 0 });
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *got = rmt_setup_insert(pf, cases[i].list,
							"$remite_policy, $second", ", ");

		assert_string_equal(got, cases[i].want);
	}
}

static void an_entry_in_the_wrong_place_is_moved_as_it_is_written(void **state)
{
	static const struct {
		const char *list, *want;
	} cases[] = {
		{ "permit_mynetworks, " OURS, OURS ", permit_mynetworks" },
		{ OURS ", reject_a, permit", "reject_a, " OURS ", permit" },
		{ "$remite_policy, reject_a, permit",
		  "reject_a, $remite_policy, permit" },
		{ "reject_b, permit, " OURS ", reject_a",
		  "reject_b, " OURS ", permit, reject_a" },
		{ "permit, " OURS ", reject_a, $remite_policy",
		  OURS ", $remite_policy, permit, reject_a" },
		{ "check_policy_service inet:other:1, permit", NULL },
		{ "$unknown, permit", NULL },
	};
	g_autoptr(rmt_postfix) pf =
		recorded_postfix((struct more){ .main_raw = PARAMETER });
	g_autoptr(rmt_config) config = recorded_config(LISTEN);
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *got = rmt_setup_move(config, pf, cases[i].list, ", ");

		if (cases[i].want == NULL)
			assert_null(got);
		else
			assert_string_equal(got, cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_parameter_that_is_named_and_not_defined_is_not_named_twice),
		cmocka_unit_test(
			the_entry_stands_before_the_first_permit_and_behind_all_else),
		cmocka_unit_test(an_entry_in_the_wrong_place_is_moved_as_it_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
