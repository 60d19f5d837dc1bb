/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/report/parts.h"
#include "common/report/report.h"

static bool note(void *context, const struct rmt_part *part)
{
	g_autoptr(GString) buffer = g_string_new(NULL);
	struct rmt_span content = rmt_part_content(part, buffer);

	g_string_append_printf(context, "%s|%s|%.*s;", part->type, part->charset,
			       RMT_SPAN_ARGS(content));
	return true;
}

static void a_message_is_cut_into_its_parts(void **state)
{
	static const struct {
		const char *message, *want;
	} rows[] = {
		{ "From: a@b\n\nhello", "text/plain||hello;" },
		{ "Content-Type: Text/HTML; charset=\"UTF-8\"\n\nhello",
		  "text/html|utf-8|hello;" },
		{ "Content-Type: text\n\nhello", "text/plain||hello;" },
		{ "Content-Type: multipart/mixed; "
		  "boundary=b\n\npreface\n--b\n\none\n--b\n"
		  "Content-Type: image/png\n\ntwo\n--b--\nepilogue",
		  "text/plain||one\n;image/png||two\n;" },
		{ "Content-Type: multipart/mixed;\n\tboundary=\"a;b c\"\n\n--a;b "
		  "c\n\none\n"
		  "--a;b c--\n",
		  "text/plain||one\n;" },
		{ "Content-Transfer-Encoding: base64\n\naGVsbG8=\n",
		  "text/plain||hello;" },
		{ "Content-Transfer-Encoding: Quoted-Printable\n\nh=65llo=\n!",
		  "text/plain||hello!;" },
		/* one within the other, and a boundary that begins like another */
		{ "Content-Type: multipart/a; boundary=b\n\n--b\nContent-Type: "
		  "multipart/c; boundary=bb\n\n--bb\n\none\n--bb--\n--b\n\ntwo\n--b--\n",
		  "text/plain||one\n;text/plain||two\n;" },
		{ "Content-Type: text/html charset=\"x\"\n\nhello", "text/html||hello;" },
		/* damaged: no last boundary; none at all; a line that is no field */
		{ "Content-Type: multipart/a; boundary=b\n\n--b\n\none\n",
		  "text/plain||one\n;" },
		{ "Content-Type: multipart/a; boundary=b\n\none\n", "" },
		{ "Content-Type: multipart/a\n\none\n", "" },
		{ "Content-Type: multipart/a; boundary=b\n\n--b\nno field\n\none\n--b--",
		  "text/plain||no field\n\none\n;" },
		{ "Content-Type: multipart/a;\nboundary=\"b\"\n\n--b\n\none\n--b--\n",
		  "text/plain||one\n;" },
		{ "", "text/plain||;" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GString) out = g_string_new(NULL);

		assert_true(rmt_parts_walk(rmt_span_of(rows[i].message), note, out));
		assert_string_equal(out->str, rows[i].want);
	}
}

static bool count(void *context, const struct rmt_part *part)
{
	(void)part;
	return --*(unsigned *)context > 0;
}

static void a_walk_ends_at_its_limits_or_when_it_is_told_to(void **state)
{
	g_autoptr(GString) message =
		g_string_new("Content-Type: multipart/mixed; boundary=b\n\n");
	unsigned left = 3, i;

	(void)state;
	for (i = 0; i < 2 * RMT_REPORT_PARTS_MAX; i++)
		g_string_append(message, "--b\n\nx\n");
	assert_true(rmt_parts_walk(rmt_span(message->str, message->len), count, &left));
	assert_int_equal(left, 0);
	left = 1000;
	assert_false(rmt_parts_walk(rmt_span(message->str, message->len), count, &left));
	assert_int_equal(left, 1000 - RMT_REPORT_PARTS_MAX + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_cut_into_its_parts),
		cmocka_unit_test(a_walk_ends_at_its_limits_or_when_it_is_told_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
