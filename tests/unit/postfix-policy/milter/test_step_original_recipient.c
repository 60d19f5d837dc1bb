/* SPDX-License-Identifier: MIT */
/* D03. Live: test_inbound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "postfix-policy/milter/milter.h"
#include "postfix-policy/milter/step.h"

/* The edits for a message to so many recipients, the last with this parameter:
 * "-2 -1 +rfc822;ann@example.org " */
static char *edits(unsigned recipients, const char *parameter, unsigned fields)
{
	struct rmt_milter milter = { .place = RMT_PLACE_INBOUND };
	g_autoptr(rmt_session) session = rmt_session_new();
	g_autoptr(GPtrArray) complaints = NULL;
	struct rmt_milter_message message;
	GString *out = g_string_new(NULL);
	struct rmt_in_force *in_force;
	guint i;

	rmt_milter_set_config(&milter, rmt_config_read_text("t.conf", "", &complaints));
	in_force = rmt_milter_in_force(&milter);
	session->keeps_signatures = false;
	rmt_session_begin(session, "<b@sender.test>");
	rmt_session_recipient(session, "<bob@example.net>");
	rmt_session_recipient_parameter(session, "ORCPT=rfc822;stale@example.net");
	rmt_session_begin(session, "<b@sender.test>");
	for (i = 0; i < recipients; i++)
		rmt_session_recipient(session, "<ann@example.net>");
	if (parameter != NULL)
		rmt_session_recipient_parameter(session, parameter);
	for (i = 0; i < fields; i++)
		rmt_session_header(session, NULL, "original-recipient", "rfc822;x@y.test",
				   false);
	rmt_session_end_of_header(session, NULL);
	rmt_message_begin(&message, &milter, in_force, session);
	rmt_step_original_recipient.run(&message, NULL);
	for (i = 0; i < message.edits->len; i++) {
		const struct rmt_edit *edit = message.edits->pdata[i];

		if (edit->kind == RMT_EDIT_INSERT)
			g_string_append_printf(out, "+%s ", edit->value);
		else
			g_string_append_printf(out, "-%d ", edit->nth);
	}
	rmt_message_finish(&message);
	rmt_in_force_unref(in_force);
	rmt_in_force_unref(milter.in_force);
	return g_string_free(out, FALSE);
}

static void D03_the_envelope_says_whom_the_sender_meant(void **state)
{
	static const struct {
		unsigned recipients;
		const char *parameter;
		unsigned fields;
		const char *want;
	} cases[] = {
		{ 1, "ORCPT=rfc822;ann@example.org", 0, "+rfc822;ann@example.org " },
		{ 1, "orcpt=RFC822;ann+2Bnews@example.org", 0,
		  "+rfc822;ann+news@example.org " },
		{ 1, "ORCPT=rfc822;ann@example.org", 2,
		  "-2 -1 +rfc822;ann@example.org " },
		{ 1, NULL, 1, "" },
		{ 1, "NOTIFY=NEVER", 1, "" },
		{ 2, "ORCPT=rfc822;ann@example.org", 1, "" }, /* of one of them */
		/* What nobody should have to read. */
		{ 1, "ORCPT=", 0, "" },
		{ 1, "ORCPT=rfc822;", 0, "" },
		{ 1, "ORCPT=ann@example.org", 0, "" },
		{ 1, "ORCPT=x400;c=de", 0, "" },
		{ 1, "ORCPT=rfc822;a+0D+0ABcc:+20x@y.test", 0, "" },
		{ 1, "ORCPT=rfc822;a+00b@y.test", 0, "" },
		{ 1, "ORCPT=rfc822;a+4", 0, "" },
		{ 1, "ORCPT=rfc822;a+", 0, "" },
		{ 1, "ORCPT=rfc822;a+zz@y.test", 0, "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *got =
			edits(cases[i].recipients, cases[i].parameter, cases[i].fields);

		if (strcmp(got, cases[i].want) != 0)
			fail_msg("%s: '%s', not '%s'",
				 cases[i].parameter != NULL ? cases[i].parameter : "none",
				 got, cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(D03_the_envelope_says_whom_the_sender_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
