/* SPDX-License-Identifier: MIT */
#include "common/cli/setup_plan.h"
#include "tests/unit/common/cli/recorded.h"

#define LISTEN    "policyd: { listen = [\"unix:/var/spool/postfix/remite/policy\"] }\n"
#define PARAMETER "remite_policy = " OURS "\n"

/* "-e name=value" lines. */
static char *edits_text(const struct rmt_setup_plan *plan)
{
	static const char *const options[] = { "-e", "-P", "-M" };
	GString *out = g_string_new(NULL);
	guint i;

	for (i = 0; i < plan->edits->len; i++) {
		const struct rmt_setup_edit *edit = g_ptr_array_index(plan->edits, i);

		g_string_append_printf(out, "%s %s=%s\n", options[edit->kind], edit->name,
				       edit->value);
	}
	return g_string_free(out, FALSE);
}

static void a_fresh_postfix_gets_one_parameter_and_three_lists(void **state)
{
	g_autoptr(rmt_config) config = recorded_config(LISTEN);
	g_autoptr(rmt_postfix) pf = recorded_postfix((struct more){ 0 });
	g_autoptr(rmt_setup_plan) plan = rmt_setup_plan_new(config, pf);
	g_autofree char *got = edits_text(plan);

	(void)state;
	assert_string_equal(got, "-e remite_policy=" OURS "\n"
				 "-e smtpd_recipient_restrictions=$remite_policy\n"
				 "-e smtpd_data_restrictions=$remite_policy\n"
				 "-e smtpd_end_of_data_restrictions=$remite_policy\n");
	assert_int_equal(plan->files->len, 0);
	assert_int_equal(plan->notes->len, 0);
}

static void what_is_there_already_is_not_planned_again(void **state)
{
	static const char *const written[] = {
		/* by us */
		PARAMETER "smtpd_recipient_restrictions = $remite_policy\n"
			  "smtpd_data_restrictions = $remite_policy\n"
			  "smtpd_end_of_data_restrictions = $remite_policy\n",
		/* by hand */
		"smtpd_recipient_restrictions = " OURS "\n"
		"smtpd_data_restrictions = " OURS "\n"
		"smtpd_end_of_data_restrictions = " OURS "\n",
	};
	g_autoptr(rmt_config) config = recorded_config(LISTEN);
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(written); i++) {
		g_autoptr(rmt_postfix) pf = recorded_postfix((struct more){
			.main_raw = written[i],
			.main_expanded = written[1],
		});
		g_autoptr(rmt_setup_plan) plan = rmt_setup_plan_new(config, pf);
		g_autofree char *got = edits_text(plan);

		assert_string_equal(got, "");
	}
}

static void a_text_written_by_hand_is_repeated_letter_by_letter(void **state)
{
	static const char by_hand[] =
		"smtpd_recipient_restrictions = check_policy_service "
		"{unix:remite/policy,default_action=DUNNO}\n";
	g_autoptr(rmt_config) config = recorded_config(LISTEN);
	g_autoptr(rmt_postfix) pf =
		recorded_postfix((struct more){ .main_raw = by_hand });
	g_autoptr(rmt_setup_plan) plan = rmt_setup_plan_new(config, pf);
	g_autofree char *got = edits_text(plan);

	(void)state;
	assert_string_equal(got, "-e remite_policy=check_policy_service "
				 "{unix:remite/policy,default_action=DUNNO}\n"
				 "-e smtpd_data_restrictions=$remite_policy\n"
				 "-e smtpd_end_of_data_restrictions=$remite_policy\n");
}

#define ONE_CLICK                                                                        \
	"streams: { news: { unsubscribe: { https = \"https://m.example/u/\" } } }\n"
#define SECOND_TEXT                                                                      \
	"check_policy_service { unix:remite/policy, timeout=3s, try_limit=1, "           \
	"default_action=DUNNO, policy_context=one-click }"
#define SECOND "remite_one_click = " SECOND_TEXT "\n"

/* An answer at DATA holds one field of the two (RFC 8058). */
static void one_click_is_asked_for_again_at_data(void **state)
{
	static const struct {
		const char *list, *want; /* edits beside the other lists' */
	} cases[] = {
		{ "", "-e remite_policy=" OURS "\n"
		      "-e remite_one_click=" SECOND_TEXT "\n"
		      "-e smtpd_data_restrictions=$remite_policy, $remite_one_click\n" },
		{ "permit_mynetworks, reject_x",
		  "-e remite_policy=" OURS "\n"
		  "-e remite_one_click=" SECOND_TEXT "\n"
		  "-e smtpd_data_restrictions=$remite_policy, $remite_one_click, "
		  "permit_mynetworks, reject_x\n" },
		{ OURS ", permit_mynetworks",
		  "-e remite_one_click=" SECOND_TEXT "\n"
		  "-e smtpd_data_restrictions=" OURS
		  ", $remite_one_click, permit_mynetworks\n" },
		{ "check_client_access hash:/x, " OURS ", reject_y",
		  "-e remite_one_click=" SECOND_TEXT "\n"
		  "-e smtpd_data_restrictions=check_client_access hash:/x, " OURS
		  ", $remite_one_click, reject_y\n" },
		{ OURS ", " SECOND_TEXT, "" },
	};
	g_autoptr(rmt_config) config = recorded_config(LISTEN ONE_CLICK);
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *written =
			g_strdup_printf("smtpd_recipient_restrictions = " OURS "\n"
					"smtpd_data_restrictions = %s\n"
					"smtpd_end_of_data_restrictions = " OURS "\n",
					cases[i].list);
		g_autoptr(rmt_postfix) pf =
			recorded_postfix((struct more){ .main_raw = written });
		g_autoptr(rmt_setup_plan) plan = rmt_setup_plan_new(config, pf);
		g_autofree char *got = edits_text(plan);

		assert_string_equal(got, cases[i].want);
		assert_int_equal(plan->notes->len, 0);
	}
}

static void what_is_written_for_one_click_is_complete(void **state)
{
	static const char lists[] = "smtpd_recipient_restrictions = %1$s\n"
				    "smtpd_data_restrictions = %1$s%2$s\n"
				    "smtpd_end_of_data_restrictions = %1$s\n";
	g_autofree char *raw =
		g_strdup_printf(lists, "$remite_policy", ", $remite_one_click");
	g_autofree char *written = g_strconcat(PARAMETER SECOND, raw, NULL);
	g_autofree char *expanded = g_strdup_printf(lists, OURS, ", " SECOND_TEXT);
	g_autoptr(rmt_config) config = recorded_config(LISTEN ONE_CLICK);
	g_autoptr(rmt_postfix) pf = recorded_postfix(
		(struct more){ .main_raw = written, .main_expanded = expanded });
	g_autoptr(rmt_setup_plan) plan = rmt_setup_plan_new(config, pf);
	g_autofree char *got = edits_text(plan);

	(void)state;
	assert_string_equal(got, "");
}

static void an_entry_that_does_not_show_is_left_to_the_administrator(void **state)
{
	g_autoptr(rmt_config) config = recorded_config(LISTEN ONE_CLICK);
	g_autoptr(rmt_postfix) pf = recorded_postfix((struct more){
		.main_raw = "smtpd_restriction_classes = ask\nask = reject_x, " OURS "\n"
			    "smtpd_recipient_restrictions = ask\n"
			    "smtpd_data_restrictions = ask\n"
			    "smtpd_end_of_data_restrictions = ask\n" });
	g_autoptr(rmt_setup_plan) plan = rmt_setup_plan_new(config, pf);
	g_autofree char *got = edits_text(plan);

	(void)state;
	assert_string_equal(got, "");
	assert_int_equal(plan->notes->len, 1);
	assert_string_equal(
		plan->notes->pdata[0],
		"main.cf: smtpd_data_restrictions asks policyd from within a "
		"parameter or class of yours: ask again behind it there, with "
		"policy_context=one-click");
}

static void services_with_lists_of_their_own_get_entries_and_return_ports_none(
	void **state)
{
	g_autoptr(rmt_config) config = recorded_config(LISTEN);
	g_autoptr(rmt_postfix) pf = recorded_postfix((struct more){
		.services =
			"submission inet n - y - - smtpd -o smtpd_recipient_restrictions="
			"permit_sasl_authenticated,reject\n"
			"127.0.0.1:10025 inet n - y - - smtpd -o content_filter= "
			"-o smtpd_recipient_restrictions=permit_mynetworks,reject\n"
			"127.0.0.1:10027 inet n - y - - smtpd -o content_filter=\n"
			"26 inet n - y - - smtpd "
			"-o {smtpd_data_restrictions=check_x { a, b }}\n" });
	g_autoptr(rmt_setup_plan) plan = rmt_setup_plan_new(config, pf);
	g_autofree char *got = edits_text(plan);

	(void)state;
	assert_non_null(strstr(got, "-P submission/inet/smtpd_recipient_restrictions="
				    "$remite_policy,permit_sasl_authenticated,reject\n"));
	assert_non_null(strstr(got, "-P 127.0.0.1:10025/inet/smtpd_data_restrictions=\n"
				    "-P 127.0.0.1:10025/inet/"
				    "smtpd_end_of_data_restrictions=\n"
				    "-P 127.0.0.1:10027/inet/"
				    "smtpd_recipient_restrictions=\n"));
	assert_null(strstr(got, "10025/inet/smtpd_recipient_restrictions"));
	assert_null(strstr(got, "-P submission/inet/smtpd_data"));
	/* postconf -P writes no blanks. */
	assert_int_equal(plan->notes->len, 1);
	assert_string_equal(
		plan->notes->pdata[0],
		"master.cf: 26/inet: postconf -P writes no value with blanks: "
		"write '-o { smtpd_data_restrictions = check_x { a, "
		"b },$remite_policy }' there yourself");
}

static void egresses_get_transports_and_tables(void **state)
{
	g_autoptr(rmt_config) config = recorded_config(
		LISTEN
		"egress: { bulk: { addresses = [\"192.0.2.20\", \"2001:db8::20\"] "
		"helo = \"bulk.example.com\" transport = \"smtp-bulk:\" }\n"
		"v4: { addresses = [\"192.0.2.21\", \"192.0.2.22\"] "
		"transport = \"smtp-v4:\" } }\n"
		"streams: { a: { senders = [\"*@x.example\"] egress = \"bulk\" } }\n");
	g_autoptr(rmt_postfix) pf = recorded_postfix((struct more){
		.main_raw = "sender_dependent_default_transport_maps = hash:/mine\n",
		.services =
			"smtp-v4 unix - - y - - smtp -o smtp_bind_address=192.0.2.9\n" });
	g_autoptr(rmt_setup_plan) plan = rmt_setup_plan_new(config, pf);
	g_autofree char *got = edits_text(plan);

	(void)state;
	assert_true(g_str_has_prefix(
		got,
		"-M smtp-bulk/unix=smtp-bulk unix - - y - - smtp -o smtp_bind_address="
		"192.0.2.20 -o smtp_bind_address6=2001:db8::20 -o "
		"smtp_bind_address_enforce=yes -o smtp_helo_name=bulk.example.com -o "
		"syslog_name=postfix/$service_name\n"
		"-P smtp-v4/unix/smtp_bind_address=192.0.2.21\n"
		"-P smtp-v4/unix/smtp_bind_address_enforce=yes\n"
		"-P smtp-v4/unix/inet_protocols=ipv4\n"
		"-e sender_dependent_default_transport_maps=hash:/mine, "
		"texthash:$config_directory/remite-senders, "
		"regexp:$config_directory/remite-senders.regexp\n"));
	assert_int_equal(plan->files->len, 2);
	assert_int_equal(plan->notes->len, 2);
	assert_non_null(strstr(plan->notes->pdata[0], "of 2 only 192.0.2.21 is used"));
	assert_non_null(strstr(plan->notes->pdata[1], "answer first"));
}

static void postfixs_own_transports_are_left_alone(void **state)
{
	g_autoptr(rmt_config) config =
		recorded_config(LISTEN "egress: { a: { addresses = [\"192.0.2.20\"] "
				       "transport = \"smtp:\" } }\n");
	g_autoptr(rmt_postfix) pf = recorded_postfix((struct more){ 0 });
	g_autoptr(rmt_setup_plan) plan = rmt_setup_plan_new(config, pf);
	g_autofree char *got = edits_text(plan);

	(void)state;
	assert_null(strstr(got, "smtp/unix"));
	assert_non_null(strstr(plan->notes->pdata[0], "Postfix's own"));
}

static void a_request_limit_is_taken_away(void **state)
{
	g_autoptr(rmt_config) config = recorded_config(LISTEN);
	g_autoptr(rmt_postfix) pf = recorded_postfix(
		(struct more){ .main_raw = "smtpd_policy_service_request_limit = 5\n" });
	g_autoptr(rmt_setup_plan) plan = rmt_setup_plan_new(config, pf);
	g_autofree char *got = edits_text(plan);

	(void)state;
	assert_true(g_str_has_suffix(got, "-e smtpd_policy_service_request_limit=0\n"));
}

static void commands_are_quoted_for_a_shell(void **state)
{
	struct rmt_setup_edit edit = { RMT_SETUP_OPTION, (char *)"a/inet/b",
				       (char *)"it's $x" };
	g_autoptr(rmt_postfix) pf = recorded_postfix((struct more){ 0 });
	g_autofree char *got = rmt_setup_edit_command(pf, &edit);

	(void)state;
	assert_string_equal(got, "postconf -P 'a/inet/b=it'\\''s $x'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fresh_postfix_gets_one_parameter_and_three_lists),
		cmocka_unit_test(what_is_there_already_is_not_planned_again),
		cmocka_unit_test(a_text_written_by_hand_is_repeated_letter_by_letter),
		cmocka_unit_test(one_click_is_asked_for_again_at_data),
		cmocka_unit_test(what_is_written_for_one_click_is_complete),
		cmocka_unit_test(
			an_entry_that_does_not_show_is_left_to_the_administrator),
		cmocka_unit_test(
			services_with_lists_of_their_own_get_entries_and_return_ports_none),
		cmocka_unit_test(egresses_get_transports_and_tables),
		cmocka_unit_test(postfixs_own_transports_are_left_alone),
		cmocka_unit_test(a_request_limit_is_taken_away),
		cmocka_unit_test(commands_are_quoted_for_a_shell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
