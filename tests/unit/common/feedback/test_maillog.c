/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/feedback/maillog.h"
#include "common/feedback/provider.h"

static void assert_span(struct rmt_span got, const char *want)
{
	g_autofree char *text = g_strndup(got.p != NULL ? got.p : "", got.len);

	assert_string_equal(text, want);
}

static void lines_of_deliveries_are_read(void **state)
{
	static const struct {
		const char *line, *id, *to, *orig, *dsn, *said;
		enum rmt_maillog_status status;
	} rows[] = {
		{ "Nov 22 03:00:00 mx postfix/smtp[7]: 4Zk3pQ1hx7z2: "
		  "to=<ann@example.org>, "
		  "relay=mx.example.org[192.0.2.1]:25, delay=1, delays=0/0/1/0, "
		  "dsn=2.0.0, "
		  "status=sent (250 2.0.0 Ok)",
		  "4Zk3pQ1hx7z2", "ann@example.org", "", "2.0.0", "250 2.0.0 Ok",
		  RMT_MAILLOG_SENT },
		{ "2026-11-22T03:00:00Z mx postfix-out/smtp[7]: A1B2C3D4E5: "
		  "to=<bob@example.org>, orig_to=<team@example.net>, relay=none, "
		  "delay=1, "
		  "delays=0/0/1/0, dsn=4.4.1, status=deferred (connect to "
		  "mx.example.org[192.0.2.1]:25: Connection timed out)",
		  "A1B2C3D4E5", "bob@example.org", "team@example.net", "4.4.1",
		  "connect to mx.example.org[192.0.2.1]:25: Connection timed out",
		  RMT_MAILLOG_DEFERRED },
		{ " 8D446A7AAA3: to=<a,b@example.org>, relay=x[1.2.3.4]:25, dsn=5.1.1, "
		  "status=bounced (host x[1.2.3.4] said: 550 5.1.1 <a,b@example.org>: "
		  "User "
		  "unknown (in reply to RCPT TO command))",
		  "8D446A7AAA3", "a,b@example.org", "", "5.1.1",
		  "550 5.1.1 <a,b@example.org>: User unknown (in reply to RCPT TO "
		  "command)",
		  RMT_MAILLOG_BOUNCED },
	};
	struct rmt_maillog log;
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		assert_true(rmt_maillog_read(rmt_span_of(rows[i].line), &log));
		assert_span(log.queue_id, rows[i].id);
		assert_span(log.recipient, rows[i].to);
		assert_span(log.original, rows[i].orig);
		assert_span(log.status_code, rows[i].dsn);
		assert_span(rmt_maillog_said(&log), rows[i].said);
		assert_int_equal(log.status, rows[i].status);
	}
}

static void other_lines_are_passed_over(void **state)
{
	static const char *const lines[] = {
		"",
		"Nov 22 03:00:00 mx postfix/qmgr[7]: 4Zk3pQ: from=<a@b>, size=1, nrcpt=1",
		"Nov 22 03:00:00 mx postfix/smtpd[7]: NOQUEUE: reject: to=<a@b> "
		"status=sent (",
		": to=<a@b>, status=sent (x)",
		"x: to=<a@b>, status=expired, returned to sender",
		"x: to=<a@b",
		"not a queue id! : to=<a@b>, status=sent (x)",
	};
	struct rmt_maillog log;
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(lines); i++)
		assert_false(rmt_maillog_read(rmt_span_of(lines[i]), &log));
}

static void mailboxes_have_a_provider(void **state)
{
	static const struct {
		const char *domain, *provider;
	} rows[] = {
		{ "gmail.com", "gmail" },
		{ "yahoo.co.jp", "yahoo" },
		{ "yahoo.com", "yahoo" },
		{ "hotmail.fr", "microsoft" },
		{ "outlook.com.br", "microsoft" },
		{ "icloud.com", "apple" },
		{ "example.org", "other" },
		{ "live.example.org", "other" },
		{ "yahoo", "other" },
		{ "", "other" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		assert_string_equal(rmt_feedback_provider(rmt_span_of(rows[i].domain)),
				    rows[i].provider);
	assert_true(rmt_provider_complains("yahoo"));
	assert_false(rmt_provider_complains("gmail"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_deliveries_are_read),
		cmocka_unit_test(other_lines_are_passed_over),
		cmocka_unit_test(mailboxes_have_a_provider),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
