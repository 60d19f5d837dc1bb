/* SPDX-License-Identifier: MIT */
#include "common/cli/doctor.h"
#include "tests/unit/common/cli/recorded.h"

#define LISTEN     "policyd: { listen = [\"unix:/var/spool/postfix/remite/policy\"] }\n"
#define RCPT(list) "smtpd_recipient_restrictions = " list "\n"
#define DATA(list) "smtpd_data_restrictions = " list "\n"
#define END(list)  "smtpd_end_of_data_restrictions = " list "\n"
#define ALL_ASK    RCPT(OURS) DATA(OURS) END(OURS)

/* "severity place: problem" lines; each '>' line is a remedy. Notes only if wanted. */
static char *findings_text(const struct rmt_findings *findings, bool with_notes)
{
	GString *out = g_string_new(NULL);
	guint i;

	for (i = 0; i < findings->list->len; i++) {
		const struct rmt_finding *f = g_ptr_array_index(findings->list, i);

		if (f->severity == RMT_SEVERITY_NOTE && !with_notes)
			continue;
		g_string_append_printf(out, "%s %s: %s\n", rmt_severity_name(f->severity),
				       f->place, f->problem);
		if (f->remedy != NULL)
			g_string_append_printf(out, "> %s\n", f->remedy);
	}
	return g_string_free(out, FALSE);
}

typedef void check(struct rmt_doctor *doctor);

static char *run(check *one, const char *config_text, struct more m,
		 rmt_table_query *query)
{
	g_autoptr(rmt_config) config = recorded_config(config_text);
	g_autoptr(rmt_postfix) pf = recorded_postfix(m);
	g_autoptr(rmt_setup_plan) plan = rmt_setup_plan_new(config, pf);
	struct rmt_doctor doctor = {
		.config = config, .pf = pf, .plan = plan, .query = query
	};
	char *text;

	rmt_findings_init(&doctor.findings);
	one(&doctor);
	text = findings_text(&doctor.findings,
			     one == rmt_doctor_services || one == rmt_doctor_unseen);
	rmt_findings_finish(&doctor.findings);
	return text;
}

static void expect(check *one, struct more m, const char *want)
{
	g_autofree char *got = run(one, LISTEN, m, NULL);

	assert_string_equal(got, want);
}

static void lists_that_are_right_are_passed_over(void **state)
{
	(void)state;
	expect(rmt_doctor_lists, (struct more){ .main_raw = ALL_ASK }, "");
	expect(rmt_doctor_lists,
	       (struct more){ .main_raw = RCPT("reject_a, check_b hash:c, " OURS
					       ", permit_mynetworks, reject_d") DATA(OURS)
				      END(OURS) },
	       "");
	expect(rmt_doctor_texts, (struct more){ .main_raw = ALL_ASK }, "");
}

static void a_missing_stage_comes_with_the_lines_to_paste(void **state)
{
	(void)state;
	expect(rmt_doctor_lists, (struct more){ .main_raw = RCPT(OURS) END(OURS) },
	       "warning main.cf: smtpd_data_restrictions: policyd is not asked at DATA\n"
	       "> postconf -e 'remite_policy=" OURS "'\n"
	       "postconf -e 'smtpd_data_restrictions=$remite_policy'\n");
	expect(rmt_doctor_lists,
	       (struct more){
		       .main_raw = ALL_ASK,
		       .services =
			       "587 inet n - y - - smtpd -o "
			       "smtpd_recipient_restrictions=permit_sasl_authenticated,"
			       "reject\n",
	       },
	       "error master.cf: 587/inet: smtpd_recipient_restrictions: policyd is not "
	       "asked at RCPT\n"
	       "> postconf -e 'remite_policy=" OURS "'\n"
	       "postconf -P '587/inet/smtpd_recipient_restrictions=$remite_policy,"
	       "permit_sasl_authenticated,reject'\n");
}

static void what_stands_before_or_after_in_the_wrong_way_is_told(void **state)
{
	static const struct {
		const char *list, *want; /* how the finding begins; NULL: none */
	} cases[] = {
		{ "permit_mynetworks, " OURS,
		  "error main.cf: smtpd_recipient_restrictions: 'permit_mynetworks' "
		  "comes "
		  "before policyd and ends the list for those it permits: that mail is "
		  "never counted\n"
		  "> postconf -e 'smtpd_recipient_restrictions=" OURS
		  ", permit_mynetworks'\n" },
		{ "reject, " OURS,
		  "error main.cf: smtpd_recipient_restrictions: 'reject' comes "
		  "before policyd and ends the list for everybody" },
		{ OURS ", reject_unlisted_recipient, permit",
		  "warning main.cf: smtpd_recipient_restrictions: "
		  "'reject_unlisted_recipient' "
		  "comes after policyd: what it refuses is reserved first and given back "
		  "only when the message is over\n"
		  "> postconf -e "
		  "'smtpd_recipient_restrictions=reject_unlisted_recipient, " OURS
		  ", permit'\n" },
		{ OURS ", check_policy_service inet:127.0.0.1:10023",
		  "warning main.cf: smtpd_recipient_restrictions: 'check_policy_service' "
		  "comes after" },
		{ OURS ", warn_if_reject reject_a", NULL },
		{ OURS ", permit_mynetworks, reject_a", NULL },
		{ "check_policy_service inet:127.0.0.1:10023, " OURS, NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *main_raw =
			g_strdup_printf(RCPT("%s") DATA(OURS) END(OURS), cases[i].list);
		g_autofree char *got = run(rmt_doctor_lists, LISTEN,
					   (struct more){ .main_raw = main_raw }, NULL);

		if (cases[i].want == NULL ? *got != '\0'
					  : !g_str_has_prefix(got, cases[i].want))
			fail_msg("%s: %s", cases[i].list, got);
	}
}

#define STREAM(add)                                                                      \
	LISTEN "streams: { news: { unsubscribe: { https = \"https://m.example/u/\" " add \
	       " } } }\n"
#define SECOND                                                                           \
	"check_policy_service { unix:remite/policy, timeout=3s, try_limit=1, "           \
	"default_action=DUNNO, policy_context=one-click }"

static void one_click_takes_a_second_question_at_data(void **state)
{
	static const struct {
		const char *config, *list, *want; /* how the finding begins; "": none */
	} cases[] = {
		{ STREAM(""), OURS ", " SECOND, "" },
		{ STREAM(""), OURS ", " SECOND ", permit", "" },
		{ STREAM("add = \"milter\""), OURS, "" },
		{ STREAM("add = \"nobody\""), OURS, "" },
		{ LISTEN, OURS, "" },
		{ STREAM(""), OURS,
		  "error main.cf: smtpd_data_restrictions: policyd is asked once" },
		{ STREAM(""), SECOND,
		  "error main.cf: smtpd_data_restrictions: the question with "
		  "policy_context=one-click comes first" },
		{ STREAM(""), SECOND ", " OURS,
		  "error main.cf: smtpd_data_restrictions: the question with "
		  "policy_context=one-click comes first" },
		{ STREAM(""), OURS ", permit_mynetworks, " SECOND,
		  "error main.cf: smtpd_data_restrictions: 'permit_mynetworks' comes "
		  "before the question with policy_context=one-click: mail that it lets "
		  "pass leaves without List-Unsubscribe-Post\n"
		  "> postconf -e 'smtpd_data_restrictions=" OURS ", " SECOND
		  ", permit_mynetworks'\n" },
		{ STREAM(""), "", "" }, /* rmt_doctor_lists tells */
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *main_raw =
			g_strdup_printf(RCPT(OURS) DATA("%s") END(OURS), cases[i].list);
		const struct more m = { .main_raw = main_raw };
		g_autofree char *got =
			run(rmt_doctor_one_click, cases[i].config, m, NULL);

		if (*cases[i].want == '\0' ? *got != '\0'
					   : !g_str_has_prefix(got, cases[i].want))
			fail_msg("%s, %s: %s", cases[i].config, cases[i].list, got);
	}
}

static void its_remedy_is_what_setup_writes(void **state)
{
	g_autofree char *got = run(rmt_doctor_one_click, STREAM(""),
				   (struct more){ .main_raw = ALL_ASK }, NULL);

	(void)state;
	assert_non_null(strstr(got, "\n> postconf -e 'remite_one_click=" SECOND "'\n"
				    "postconf -e 'smtpd_data_restrictions=" OURS
				    ", $remite_one_click'\n"));
}

static void the_second_question_is_not_taken_for_somebody_elses(void **state)
{
	(void)state;
	expect(rmt_doctor_lists,
	       (struct more){ .main_raw = RCPT(OURS) DATA(OURS ", " SECOND) END(OURS) },
	       "");
}

static void options_that_let_mail_go_on_without_us_are_wanted(void **state)
{
	static const struct {
		const char *service, *more_main;
		unsigned findings;
		const char *want;
	} cases[] = {
		{ OUR_TEXT, "", 0, NULL },
		{ "unix:remite/policy", "", 3,
		  "the form without braces takes no default_action: when policyd is "
		  "away, "
		  "all mail gets '451 4.3.5 Server configuration problem'" },
		{ "{ unix:remite/policy, timeout=3s, try_limit=1 }", "", 1,
		  "default_action is not DUNNO" },
		{ "{ unix:remite/policy, timeout=3s, default_action=DUNNO }", "", 1,
		  "every recipient waits a second" },
		{ "{ unix:remite/policy, try_limit=1, default_action=DUNNO }", "", 1,
		  "holds every smtpd for 100 seconds" },
		{ "unix:remite/policy",
		  "smtpd_policy_service_default_action = DUNNO\n"
		  "smtpd_policy_service_try_limit = 1\nsmtpd_policy_service_timeout = "
		  "9s\n",
		  0, NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *list =
			g_strconcat("check_policy_service ", cases[i].service, NULL);
		g_autofree char *main_raw = g_strdup_printf(
			"%s" RCPT("%s") DATA(OURS) END(OURS), cases[i].more_main, list);
		g_autofree char *got = run(rmt_doctor_lists, LISTEN,
					   (struct more){ .main_raw = main_raw }, NULL);
		unsigned findings = 0;
		const char *p = got;

		for (; (p = strstr(p, "\n> " OURS "\n")) != NULL; p++)
			findings++;
		if (findings != cases[i].findings || (findings == 0) != (*got == '\0') ||
		    (cases[i].want != NULL && strstr(got, cases[i].want) == NULL))
			fail_msg("%s: %s", list, got);
	}
}

static void another_text_at_another_stage_is_another_connection(void **state)
{
	(void)state;
	expect(rmt_doctor_texts,
	       (struct more){
		       .main_raw = RCPT(OURS) DATA(OURS)
			       END("check_policy_service { unix:remite/policy, "
				   "try_limit=1, timeout=3s, default_action=DUNNO }") },
	       "error main.cf: smtpd_end_of_data_restrictions: the service text is not, "
	       "letter by letter, that of 'main.cf: smtpd_recipient_restrictions': "
	       "Postfix "
	       "opens another connection, and a message's requests come apart\n"
	       "> " OURS "\n");
}

static void a_chrooted_smtpd_cannot_see_an_absolute_path(void **state)
{
#define ABSOLUTE                                                                         \
	"check_policy_service { unix:/var/spool/postfix/remite/policy, timeout=3s, "     \
	"try_limit=1, default_action=DUNNO }"
	g_autofree char *got = run(
		rmt_doctor_lists, LISTEN,
		(struct more){ .main_raw = RCPT(ABSOLUTE) DATA(OURS) END(OURS) }, NULL);

	(void)state;
	assert_true(
		g_str_has_prefix(got, "error master.cf: smtp/inet: runs in a chroot"));
	assert_non_null(strstr(got, "\n> " OURS "\n"));
}

static void every_smtpd_is_listed_with_what_it_does(void **state)
{
	(void)state;
	expect(rmt_doctor_services,
	       (struct more){
		       .main_raw = RCPT(OURS) DATA(OURS),
		       .services =
			       "127.0.0.1:10025 inet n - n - - smtpd -o content_filter= "
			       "-o "
			       "smtpd_recipient_restrictions=permit_mynetworks,reject\n"
			       "127.0.0.1:10026 inet n - n - - smtpd -o content_filter= "
			       "-o smtpd_recipient_restrictions=permit_mynetworks,reject "
			       "-o smtpd_data_restrictions=\n"
			       "27 inet n - n - - smtpd -o "
			       "smtpd_recipient_restrictions=a "
			       "-o smtpd_data_restrictions= -o b=1 -o b=2\n",
	       },
	       "note master.cf: smtp/inet: asks at RCPT, DATA\n"
	       "error master.cf: 127.0.0.1:10025/inet: takes mail back from a filter and "
	       "asks "
	       "again at DATA: every message is counted twice\n"
	       "> postconf -P '127.0.0.1:10025/inet/smtpd_data_restrictions='\n"
	       "note master.cf: 127.0.0.1:10026/inet: takes mail back from a filter; "
	       "does not "
	       "ask again, as it should\n"
	       "warning master.cf: 27/inet: '-o b' is given twice: the last one holds\n"
	       "warning master.cf: 27/inet: does not ask\n");
}

static void settings_beside_the_lists_are_looked_at(void **state)
{
	(void)state;
	expect(rmt_doctor_settings, (struct more){ .main_raw = ALL_ASK }, "");
	expect(rmt_doctor_settings,
	       (struct more){ .main_raw = "smtpd_policy_service_request_limit = 100\n" },
	       "warning main.cf: smtpd_policy_service_request_limit: is '100': Postfix "
	       "opens "
	       "a new connection in the middle of a message, whose requests come apart\n"
	       "> postconf -e 'smtpd_policy_service_request_limit=0'\n");
	expect(rmt_doctor_settings, (struct more){ .main_cf = "a = 1\na = 2\n" },
	       "warning main.cf: a (lines 1 and 2) is given twice: the last one holds\n");
}

static void limits_that_cannot_be_counted_are_named_with_their_line(void **state)
{
	static const char config[] =
		LISTEN "streams: { a: { limits: {\n"
		       "b: { per = \"stream\" quota = \"1G/day\" of = \"bytes\" }\n"
		       "m: { per = \"stream\" quota = \"9/day\" of = \"messages\" }\n"
		       "r: { per = \"recipient_domain\" quota = \"9/day\" of = "
		       "\"recipients\" }\n"
		       "} } }\n";
	static const struct {
		const char *main_raw;
		const char *names; /* of the limits, in order */
	} cases[] = {
		{ ALL_ASK, "" },
		{ RCPT(OURS) DATA(OURS), "b" },
		{ RCPT(OURS), "bmr" },
		{ END(OURS), "r" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *got =
			run(rmt_doctor_limits, config,
			    (struct more){ .main_raw = cases[i].main_raw }, NULL);
		g_autoptr(GString) names = g_string_new(NULL);
		const char *p = got;

		while ((p = strstr(p, ": limit 'a/")) != NULL) {
			assert_true(g_ascii_isdigit(p[-1]));
			p += strlen(": limit 'a/");
			g_string_append_c(names, *p);
		}
		assert_string_equal(names->str, cases[i].names);
	}
}

static void a_postfix_that_never_asks_counts_nothing(void **state)
{
	g_autofree char *got = run(rmt_doctor_limits, LISTEN, (struct more){ 0 }, NULL);

	(void)state;
	assert_true(g_str_has_prefix(got, "error main.cf: policyd is asked nowhere"));
}

static void mail_past_smtpd_is_mentioned_and_no_fault(void **state)
{
	g_autofree char *got = run(rmt_doctor_unseen, LISTEN, (struct more){ 0 }, NULL);

	(void)state;
	assert_true(g_str_has_prefix(got, "note master.cf: pickup: mail by sendmail(1)"));
}

static void other_instances_of_postfix_are_mentioned(void **state)
{
	static const struct more m = {
		.main_raw = "multi_instance_directories = /etc/postfix-out /etc/pf-in\n"
	};
	g_autofree char *got = run(rmt_doctor_unseen, LISTEN, m, NULL);

	(void)state;
	assert_non_null(strstr(got, "> remite doctor --postfix /etc/postfix-out\n"));
	assert_non_null(strstr(got, "> remite doctor --postfix /etc/pf-in\n"));
}

#define LIMITED                                                                          \
	LISTEN "streams: { a: { limits: { d: { per = \"client\" quota = \"9/day\" } } "  \
	       "} }\n"
#define COMES_IN                                                                         \
	"mail that comes in here for b.example is counted as if it left, and limits "    \
	"would refuse it\n"

static void mail_that_comes_in_must_not_be_counted_as_if_it_left(void **state)
{
	static const struct {
		const char *config, *main_cf, *want;
	} rows[] = {
		{ LIMITED, "mydestination = localhost, localhost.localdomain, me\n", "" },
		{ LISTEN, "mydestination = b.example\n", "" },
		{ LIMITED "organization = [\"B.example\"]\n",
		  "mydestination = b.example\n", "" },
		{ LIMITED "charge_own_domains = true\n", "mydestination = b.example\n",
		  "" },
		{ LIMITED, "mydestination = localhost b.example\n",
		  "warning organization: " COMES_IN
		  "> organization = [\"b.example\"]\n" },
		{ LIMITED "organization = [\"a.example\"]\n",
		  "mydestination = a.example\nvirtual_mailbox_domains = b.example, "
		  "c.example\nvirtual_alias_domains = c.example\n",
		  "warning organization: " COMES_IN
		  "> organization = [\"a.example\", \"b.example\", \"c.example\"]\n" },
		{ LIMITED,
		  "mydestination = localhost\nvirtual_mailbox_domains = "
		  "mysql:/etc/postfix/domains.cf\n",
		  "warning main.cf: virtual_mailbox_domains: mail to the domains of its "
		  "tables is counted as if it left: name them in remite.conf\n"
		  "> organization = [\"example.com\"]\n" },
		{ LIMITED "organization = [\"a.example\"]\n",
		  "mydestination = localhost\nvirtual_mailbox_domains = hash:/x\n", "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *got =
			run(rmt_doctor_own, rows[i].config,
			    (struct more){ .main_raw = rows[i].main_cf }, NULL);

		assert_string_equal(got, rows[i].want);
	}
}

/* Tables by name: "good" has what the configuration wants. */
static bool answer(void *context, const char *table, const char *key, GString *value_r)
{
	(void)context;
	if (strcmp(table, "texthash:good") != 0 || strcmp(key, "@x.example") != 0)
		return false;
	g_string_assign(value_r, "smtp-bulk:");
	return true;
}

static void egresses_are_compared_with_transports_and_tables(void **state)
{
	static const char config[] = LISTEN
		"egress: { bulk: { addresses = [\"192.0.2.20\"] helo = \"b.example\" "
		"transport = \"smtp-bulk:\" } }\n"
		"streams: { a: { senders = [\"*@x.example\"] egress = \"bulk\" } }\n";
	static const char service[] =
		"smtp-bulk unix - - y - - smtp -o smtp_bind_address=192.0.2.20 "
		"-o smtp_bind_address_enforce=yes -o inet_protocols=ipv4 "
		"-o smtp_helo_name=b.example\n";
	g_autofree char *good = run(
		rmt_doctor_egress, config,
		(struct more){ .main_raw = "sender_dependent_default_transport_maps = "
					   "hash:other, texthash:good\n",
			       .services = service },
		answer);
	g_autofree char *no_service =
		run(rmt_doctor_egress, config, (struct more){ 0 }, NULL);
	g_autofree char *no_table = run(rmt_doctor_egress, config,
					(struct more){ .services = service }, answer);
	g_autofree char *other_helo = run(
		rmt_doctor_egress, config,
		(struct more){ .services = service,
			       .options = "smtp-bulk/unix/smtp_helo_name = a.example\n" },
		NULL);

	(void)state;
	assert_string_equal(good, "");
	assert_non_null(strstr(no_service, "error master.cf: smtp-bulk/unix: the "
					   "configuration sends by this transport"));
	assert_non_null(
		strstr(no_service, "> postconf -M 'smtp-bulk/unix=smtp-bulk unix"));
	assert_non_null(strstr(no_table, "<remite-probe@x.example> leaves by "
					 "'default_transport', not by 'smtp-bulk:'"));
	assert_non_null(strstr(other_helo, "smtp-bulk/unix/smtp_helo_name: is not "
					   "'b.example'"));
}

static void a_user_without_further_groups_may_pass_by_owner_group_or_others(void **state)
{
	static const struct {
		const char *what;
		struct rmt_path_part parts[3];
		size_t want;
	} cases[] = {
		{ "open", { { 0, 0, 0755 }, { 5, 6, 0711 }, { 5, 6, 0666 } }, 3 },
		{ "a closed directory",
		  { { 0, 0, 0755 }, { 5, 6, 0750 }, { 5, 6, 0666 } },
		  1 },
		{ "by group", { { 0, 0, 0755 }, { 5, 101, 0710 }, { 5, 101, 0660 } }, 3 },
		{ "by owner", { { 0, 0, 0755 }, { 100, 6, 0700 }, { 100, 6, 0600 } }, 3 },
		{ "the owner's bits come first",
		  { { 0, 0, 0755 }, { 100, 6, 0077 }, { 5, 6, 0666 } },
		  1 },
		{ "a socket one may not write",
		  { { 0, 0, 0755 }, { 0, 0, 0755 }, { 5, 6, 0660 } },
		  2 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++)
		if (rmt_doctor_may_pass(cases[i].parts, 3, RMT_MAY_WRITE, 100, 101) !=
		    cases[i].want)
			fail_msg("%s", cases[i].what);
	assert_int_equal(rmt_doctor_may_pass(cases[1].parts, 3, RMT_MAY_WRITE, 0, 0), 3);
	assert_int_equal(rmt_doctor_may_pass(cases[2].parts, 3,
					     RMT_MAY_READ | RMT_MAY_WRITE, 100, 101),
			 3);
	assert_int_equal(rmt_doctor_may_pass(cases[5].parts, 3, RMT_MAY_READ, 100, 6), 3);
	assert_int_equal(rmt_doctor_may_pass(cases[5].parts, 3,
					     RMT_MAY_WRITE | RMT_MAY_SEARCH, 100, 6),
			 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_that_are_right_are_passed_over),
		cmocka_unit_test(a_missing_stage_comes_with_the_lines_to_paste),
		cmocka_unit_test(what_stands_before_or_after_in_the_wrong_way_is_told),
		cmocka_unit_test(one_click_takes_a_second_question_at_data),
		cmocka_unit_test(its_remedy_is_what_setup_writes),
		cmocka_unit_test(the_second_question_is_not_taken_for_somebody_elses),
		cmocka_unit_test(options_that_let_mail_go_on_without_us_are_wanted),
		cmocka_unit_test(another_text_at_another_stage_is_another_connection),
		cmocka_unit_test(a_chrooted_smtpd_cannot_see_an_absolute_path),
		cmocka_unit_test(every_smtpd_is_listed_with_what_it_does),
		cmocka_unit_test(settings_beside_the_lists_are_looked_at),
		cmocka_unit_test(limits_that_cannot_be_counted_are_named_with_their_line),
		cmocka_unit_test(a_postfix_that_never_asks_counts_nothing),
		cmocka_unit_test(mail_past_smtpd_is_mentioned_and_no_fault),
		cmocka_unit_test(other_instances_of_postfix_are_mentioned),
		cmocka_unit_test(mail_that_comes_in_must_not_be_counted_as_if_it_left),
		cmocka_unit_test(egresses_are_compared_with_transports_and_tables),
		cmocka_unit_test(
			a_user_without_further_groups_may_pass_by_owner_group_or_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
