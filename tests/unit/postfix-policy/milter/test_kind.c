/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>

#include "postfix-policy/milter/kind.h"

#define REPORT(type)                                                                     \
	"Content-Type: multipart/report;\r\n\treport-type=" type "; boundary=b\r\n"

static void a_kind_is_told_by_sender_and_fields(void **state)
{
	static const struct {
		const char *what, *sender, *section;
		bool foreign;
		enum rmt_kind want;
	} rows[] = {
		{ "plain", "a@x.test", "From: a@x.test\r\n", false, RMT_KIND_DIRECT },
		{ "null sender", "", "From: a@x.test\r\n", false, RMT_KIND_NOTICE },
		{ "null sender of a list", "", "List-Id: <a.b>\r\n", true,
		  RMT_KIND_NOTICE },
		{ "DSN", "a@x.test", REPORT("delivery-status"), false, RMT_KIND_NOTICE },
		{ "MDN", "a@x.test", REPORT("\"Disposition-Notification\""), false,
		  RMT_KIND_NOTICE },
		{ "another report", "a@x.test", REPORT("feedback-report"), false,
		  RMT_KIND_DIRECT },
		{ "the words in a text part", "a@x.test",
		  "Content-Type: text/plain; x=delivery-status\r\n", false,
		  RMT_KIND_DIRECT },
		{ "the words in the subject", "a@x.test",
		  "Subject: multipart/report delivery-status\r\n", false,
		  RMT_KIND_DIRECT },
		{ "resent", "a@x.test", "resent-from: a@x.test\r\n", false,
		  RMT_KIND_INDIRECT },
		{ "list, our signature alone", "a@x.test", "List-Id: <a.b>\r\n", false,
		  RMT_KIND_DIRECT },
		{ "list, foreign signature", "a@x.test", "List-Id: <a.b>\r\n", true,
		  RMT_KIND_INDIRECT },
		{ "foreign signature alone", "a@x.test", "", true, RMT_KIND_DIRECT },
		{ "SRS", "SRS0=a=b=y.test=ann@x.test", "", false, RMT_KIND_INDIRECT },
		{ "SRS twice", "srs1+a@x.test", "", false, RMT_KIND_INDIRECT },
		{ "somebody called SRS0", "SRS0@x.test", "", false, RMT_KIND_DIRECT },
		{ "no header at all", "a@x.test", "", false, RMT_KIND_DIRECT },
	};
	struct rmt_kind_signs signs;
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		rmt_kind_look(rmt_span_of(rows[i].section), &signs);
		if (rmt_kind_of(&signs, rmt_span_of(rows[i].sender), rows[i].foreign) !=
		    rows[i].want)
			fail_msg("%s", rows[i].what);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kind_is_told_by_sender_and_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
