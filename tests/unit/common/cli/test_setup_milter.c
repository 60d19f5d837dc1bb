/* SPDX-License-Identifier: MIT */
/* remite-milter's place among Postfix's milters: setup and doctor. */
#include "common/cli/doctor.h"
#include "common/cli/setup_milter.h"
#include "tests/unit/common/cli/recorded.h"

#define BEFORE "milter: { before = \"unix:/var/spool/postfix/remite/before\" }\n"
#define OPTIONS                                                                          \
	"default_action=accept, connect_timeout=2s, command_timeout=5s, "                \
	"content_timeout=20s"
#define AFTER_TEXT "{ unix:remite/after, " OPTIONS " }"
#define SIGNER     "inet:127.0.0.1:8891"

static void ours_come_first_and_last_and_others_stay(void **state)
{
	static const struct {
		const char *config, *raw, *want;
	} rows[] = {
		{ "", "", "$remite_milter_after" },
		{ "", SIGNER, SIGNER ", $remite_milter_after" },
		{ BEFORE, SIGNER,
		  "$remite_milter_before, " SIGNER ", $remite_milter_after" },
		{ BEFORE, "$remite_milter_before " SIGNER " $remite_milter_after",
		  "$remite_milter_before, " SIGNER ", $remite_milter_after" },
		/* Wherever and however ours were written. */
		{ "", "unix:remite/after, " SIGNER, SIGNER ", $remite_milter_after" },
		{ "", "{ unix:/var/spool/postfix/remite/after, a=b }, " SIGNER,
		  SIGNER ", $remite_milter_after" },
		{ "", "{ inet:h:1, connect_timeout=3s }, $mine",
		  "{ inet:h:1, connect_timeout=3s }, $mine, $remite_milter_after" },
		{ "milter: { after = \"inet:127.0.0.1:7\" }\n", "inet:127.0.0.1:7",
		  "$remite_milter_after" },
		/* What the other list gets, this one has; once. */
		{ BEFORE, "$smtpd_milters", "$smtpd_milters" },
		{ "", "${smtpd_milters}, $remite_milter_after", "${smtpd_milters}" },
	};
	g_autoptr(rmt_postfix) pf = recorded_postfix((struct more){ 0 });
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(rmt_config) config = recorded_config(rows[i].config);
		g_autofree char *got =
			rmt_setup_milter_list(config, pf, rows[i].raw, ", ");

		assert_string_equal(got, rows[i].want);
	}
}

static char *plan_text(const char *config_text, struct more m)
{
	g_autoptr(rmt_config) config = recorded_config(config_text);
	g_autoptr(rmt_postfix) pf = recorded_postfix(m);
	struct rmt_setup_plan plan;
	GString *out = g_string_new(NULL);
	guint i;

	rmt_setup_plan_init(&plan);
	rmt_setup_plan_milter(&plan, config, pf);
	for (i = 0; i < plan.edits->len; i++) {
		const struct rmt_setup_edit *edit = plan.edits->pdata[i];

		g_string_append_printf(out, "%s=%s\n", edit->name, edit->value);
	}
	for (i = 0; i < plan.notes->len; i++)
		g_string_append_printf(out, "# %s\n", (char *)plan.notes->pdata[i]);
	rmt_setup_plan_finish(&plan);
	return g_string_free(out, FALSE);
}

static void a_plan_holds_what_is_missing_and_then_nothing(void **state)
{
	static const char want[] = "remite_milter_after=" AFTER_TEXT "\n"
				   "smtpd_milters=" SIGNER ", $remite_milter_after\n"
				   "non_smtpd_milters=$remite_milter_after\n";
	g_autofree char *got = plan_text(
		"", (struct more){ .main_raw = "smtpd_milters = " SIGNER "\n" });
	g_autofree char *again = plan_text(
		"",
		(struct more){ .main_raw = "remite_milter_after = " AFTER_TEXT "\n"
					   "smtpd_milters = " SIGNER
					   ", $remite_milter_after\n"
					   "non_smtpd_milters=$remite_milter_after\n" });
	g_autofree char *shared = plan_text(
		"", (struct more){ .main_raw = "smtpd_milters = " SIGNER "\n"
					       "non_smtpd_milters = $smtpd_milters\n" });
	g_autofree char *slow =
		plan_text("milter: { deadline = \"20s\" }\n", (struct more){ 0 });
	g_autofree char *outside = plan_text("milter: { after = \"unix:/run/after\" }\n",
					     (struct more){ 0 });

	(void)state;
	assert_string_equal(got, want);
	assert_string_equal(again, "");
	assert_string_equal(shared, "remite_milter_after=" AFTER_TEXT "\n"
				    "smtpd_milters=" SIGNER ", $remite_milter_after\n");
	assert_non_null(strstr(slow, "content_timeout=50s"));
	assert_non_null(strstr(outside, "# unix:/run/after: a chrooted smtpd cannot"));
}

/* What doctor says, without the lines to paste. */
static char *doctor_text(const char *config_text, struct more m,
			 void (*check)(struct rmt_doctor *))
{
	g_autoptr(rmt_config) config = recorded_config(config_text);
	g_autoptr(rmt_postfix) pf = recorded_postfix(m);
	struct rmt_doctor doctor = { .config = config, .pf = pf };
	GString *out = g_string_new(NULL);
	guint i;

	rmt_findings_init(&doctor.findings);
	check(&doctor);
	for (i = 0; i < doctor.findings.list->len; i++) {
		const struct rmt_finding *f = doctor.findings.list->pdata[i];

		g_string_append_printf(out, "%s %s: %s\n", rmt_severity_name(f->severity),
				       f->place, f->problem);
	}
	rmt_findings_finish(&doctor.findings);
	return g_string_free(out, FALSE);
}

static void doctor_tells_what_would_stop_mail_or_let_it_pass_unseen(void **state)
{
	static const struct {
		const char *config, *main_cf, *want;
	} rows[] = {
		{ "",
		  "smtpd_milters = " SIGNER ", " AFTER_TEXT
		  "\nnon_smtpd_milters = " AFTER_TEXT "\n",
		  "" },
		{ "", "",
		  "note main.cf: smtpd_milters: remite-milter is not asked: messages "
		  "are "
		  "not judged, only envelopes\n" },
		{ "",
		  "smtpd_milters = " AFTER_TEXT ", " SIGNER
		  "\nnon_smtpd_milters = " AFTER_TEXT "\n",
		  "error main.cf: smtpd_milters: a milter comes behind remite-milter's "
		  "last socket: what it signs or changes is not judged\n" },
		{ "",
		  "smtpd_milters = " AFTER_TEXT "\nnon_smtpd_milters = " AFTER_TEXT
		  ", " AFTER_TEXT "\n",
		  "error main.cf: non_smtpd_milters: remite-milter is asked twice: each "
		  "message is counted twice\n" },
		{ "", "smtpd_milters = " AFTER_TEXT "\n",
		  "warning main.cf: non_smtpd_milters: remite-milter is not asked here: "
		  "mail from sendmail(1) is neither judged nor limited\n" },
		{ "",
		  "smtpd_milters = { unix:remite/after, connect_timeout=1s, "
		  "command_timeout=5s }\nnon_smtpd_milters = " AFTER_TEXT "\n",
		  "error main.cf: smtpd_milters: without default_action=accept no mail "
		  "passes while remite-milter is away\n" },
		{ "",
		  "smtpd_milters = unix:remite/after\nmilter_default_action = accept\n"
		  "non_smtpd_milters = " AFTER_TEXT "\n",
		  "warning main.cf: smtpd_milters: with Postfix's own time-outs (30 s) "
		  "a "
		  "remite-milter that hangs holds up every session\n" },
		{ "milter: { deadline = \"30s\" }\n",
		  "smtpd_milters = " AFTER_TEXT "\n"
		  "non_smtpd_milters = " AFTER_TEXT "\n",
		  "warning main.cf: smtpd_milters: content_timeout is not longer than "
		  "milter.deadline: slow DNS looks like a milter that hangs\n"
		  "warning main.cf: non_smtpd_milters: content_timeout is not longer "
		  "than "
		  "milter.deadline: slow DNS looks like a milter that hangs\n" },
		{ BEFORE,
		  "smtpd_milters = " SIGNER ", { unix:remite/before, " OPTIONS
		  " }, " AFTER_TEXT "\nnon_smtpd_milters = { unix:remite/before, " OPTIONS
		  " }, " AFTER_TEXT "\n",
		  "error main.cf: smtpd_milters: a milter comes in front of "
		  "remite-milter's first socket: what that one adds is not signed\n" },
		{ "",
		  "smtpd_milters = " AFTER_TEXT "\nnon_smtpd_milters = " AFTER_TEXT
		  "\nsmtp_generic_maps = hash:/etc/postfix/generic\n",
		  "warning main.cf: smtp_generic_maps: rewrites addresses in signed "
		  "fields behind remite-milter: signatures that were judged good may "
		  "break\n" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *got = doctor_text(
			rows[i].config, (struct more){ .main_raw = rows[i].main_cf },
			rmt_doctor_milter);

		assert_string_equal(got, rows[i].want);
	}
}

static const char *opendkim_conf;

static void look_at_signer(struct rmt_doctor *doctor)
{
	rmt_doctor_signer_text(doctor, opendkim_conf);
}

static void the_signer_covers_one_click(void **state)
{
#define ONE_CLICK "streams: { a: { rules: { unsubscribe = \"log\" } } }\n"
	static const struct {
		const char *config, *conf, *lacks; /* NULL: nothing */
	} rows[] = {
		{ ONE_CLICK, "SignHeaders *,+List-Unsubscribe,+List-Unsubscribe-Post\n",
		  NULL },
		{ ONE_CLICK, "SignHeaders\tFrom, list-unsubscribe, list-unsubscribe-post",
		  NULL },
		{ ONE_CLICK, "SignHeaders  *,+List-Unsubscribe-Post # both\n", NULL },
		{ ONE_CLICK, "signheaders csl:*,+List-Unsubscribe-Post\n", NULL },
		{ ONE_CLICK, "SignHeaders /etc/opendkim/fields\n", NULL },
		{ ONE_CLICK, "SignHeaders refile:/etc/opendkim/fields\n", NULL },
		{ "", "Socket local:x\n", NULL },
		{ ONE_CLICK, "", "List-Unsubscribe-Post:" },
		{ ONE_CLICK, "#SignHeaders *,+List-Unsubscribe-Post\n",
		  "List-Unsubscribe-Post:" },
		{ ONE_CLICK, "SignHeaders *,-List-Unsubscribe,+List-Unsubscribe-Post\n",
		  "List-Unsubscribe:" },
		{ ONE_CLICK, "SignHeaders From,Subject\n",
		  "List-Unsubscribe and List-Unsubscribe-Post:" },
		{ ONE_CLICK, "SignHeadersX *,+List-Unsubscribe-Post\n",
		  "List-Unsubscribe-Post:" },
		{ ONE_CLICK, "SignHeaders *,+List-Unsubscribe-Post\nSignHeaders From\n",
		  "List-Unsubscribe and List-Unsubscribe-Post:" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *got = NULL, *want = NULL;

		opendkim_conf = rows[i].conf;
		got = doctor_text(rows[i].config, (struct more){ .main_raw = "" },
				  look_at_signer);
		want = g_strdup_printf("does not sign %s",
				       rows[i].lacks != NULL ? rows[i].lacks : "");
		if (rows[i].lacks == NULL ? *got != '\0' : strstr(got, want) == NULL)
			fail_msg("%s: %s", rows[i].conf, got);
	}
}

/* R10 */
static void mail_must_leave_with_tls(void **state)
{
	static const struct {
		const char *level, *use, *enforce;
		bool ok;
	} rows[] = {
		{ "may", "no", "no", true },    { "encrypt", "no", "no", true },
		{ "dane", "no", "no", true },   { "", "yes", "no", true },
		{ "", "no", "yes", true },      { "none", "no", "no", false },
		{ "none", "yes", "no", false }, { "", "no", "no", false },
	};
	g_autofree char *bad = doctor_text(
		"", (struct more){ .main_raw = "smtp_tls_security_level = none\n" },
		rmt_doctor_tls);
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		assert_int_equal(rmt_doctor_tls_level_ok(rows[i].level, rows[i].use,
							 rows[i].enforce),
				 rows[i].ok);
	assert_string_equal(bad, "error main.cf: smtp_tls_security_level: mail leaves "
				 "without TLS: Google refuses it (rule R10)\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ours_come_first_and_last_and_others_stay),
		cmocka_unit_test(a_plan_holds_what_is_missing_and_then_nothing),
		cmocka_unit_test(doctor_tells_what_would_stop_mail_or_let_it_pass_unseen),
		cmocka_unit_test(the_signer_covers_one_click),
		cmocka_unit_test(mail_must_leave_with_tls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
