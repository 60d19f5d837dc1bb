/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "common/receipts/mdn.h"
#include "tests/unit/samples.h"

#define DATA "tests/data/receipts/mdn"

static char *describe(struct rmt_span message)
{
	g_autoptr(rmt_mdn) mdn = rmt_mdn_read(message);
	GString *out = g_string_new(NULL);

	g_string_append_printf(out, "form %s\n", rmt_mdn_form_name(mdn->form));
	if (mdn->form == RMT_MDN_NONE)
		return g_string_free(out, FALSE);
	g_string_append_printf(out, "disposition %s %s %s %s\n",
			       rmt_mdn_mode_name(mdn->action),
			       rmt_mdn_mode_name(mdn->sending),
			       rmt_mdn_disposition_name(mdn->disposition),
			       mdn->modifiers != NULL ? mdn->modifiers : "-");
	g_string_append_printf(out, "final %s\n",
			       mdn->final_recipient != NULL ? mdn->final_recipient : "-");
	if (mdn->original_recipient != NULL)
		g_string_append_printf(out, "original %s\n", mdn->original_recipient);
	g_string_append_printf(out, "message %s\n",
			       mdn->original_message_id != NULL ? mdn->original_message_id
								: "-");
	if (mdn->reporting_ua != NULL)
		g_string_append_printf(out, "ua %s\n", mdn->reporting_ua);
	if (mdn->error != NULL)
		g_string_append_printf(out, "error %s\n", mdn->error);
	g_string_append(out, "flaws ");
	rmt_mdn_flaw_names(mdn->flaws, out);
	g_string_append_c(out, '\n');
	return g_string_free(out, FALSE);
}

/* A copy without NUL behind it, so that an over-read shows. */
static struct rmt_mdn *read_copy(const char *text, size_t len)
{
	g_autofree char *copy = g_memdup2(text, len);

	return rmt_mdn_read(rmt_span(copy, len));
}

static void M25_M26_receipts_of_many_clients_are_read_as_wanted(void **state)
{
	(void)state;
	samples_check(DATA, describe, 40);
}

/* --- the field Disposition ------------------------------------------------ */

static void M23_M25_dispositions_are_read_in_any_case_with_comments_and_blanks(
	void **state)
{
	static const struct {
		const char *field, *want; /* action sending type modifiers; ! a flaw */
	} rows[] = {
		{ "Disposition: manual-action/MDN-sent-manually; displayed",
		  "manual manual displayed -" },
		{ "DISPOSITION:AUTOMATIC-ACTION/mdn-sent-AUTOMATICALLY;DELETED",
		  "automatic automatic deleted -" },
		{ "Disposition: manual-action (by ann) / MDN-sent-manually ;\n "
		  "displayed (=?utf-8?q?le=C3=ADdo?=)",
		  "manual manual displayed -" },
		{ "Disposition: automatic-action/MDN-sent-automatically; "
		  "processed/error,x-own",
		  "automatic automatic processed error,x-own" },
		{ "Disposition: manual-action/MDN-sent-manually; dispatched",
		  "manual manual dispatched -" },
		{ "Disposition: manual-action/MDN-sent-manually; denied",
		  "manual manual denied - !" },
		{ "Disposition: manual-action/MDN-sent-manually; failed/error",
		  "manual manual failed error !" },
		{ "Disposition: manual-action/MDN-sent-manually displayed",
		  "manual manual displayed - !" },
		{ "Disposition: displayed", "  displayed - !" },
		{ "Disposition: manual-action/MDN-sent-manually; opened",
		  "manual manual  - !" },
		{ "Disposition:", "   - !" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *text =
			g_strconcat("Content-Type: message/disposition-notification\n\n"
				    "Final-Recipient: rfc822;b@y.example\n",
				    rows[i].field, "\n", NULL);
		g_autoptr(rmt_mdn) mdn = read_copy(text, strlen(text));
		g_autofree char *got = g_strdup_printf(
			"%s %s %s %s%s", rmt_mdn_mode_name(mdn->action),
			rmt_mdn_mode_name(mdn->sending),
			rmt_mdn_disposition_name(mdn->disposition),
			mdn->modifiers != NULL ? mdn->modifiers : "-",
			mdn->flaws & RMT_MDN_FLAW_DISPOSITION ? " !" : "");

		if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s: wanted '%s', got '%s'", rows[i].field, rows[i].want,
				 got);
	}
}

static void an_address_is_found_behind_whatever_type(void **state)
{
	static const struct {
		const char *value, *want;
		bool flawed;
	} rows[] = {
		{ "rfc822;bob@y.example", "bob@y.example", false },
		{ "RFC822 ; bob@y.example", "bob@y.example", false },
		{ "rfc822; <bob@y.example>", "bob@y.example", false },
		{ "rfc822;rfc822;bob@y.example", "bob@y.example", true },
		{ "bob@y.example", "bob@y.example", true },
		{ "rfc822 (Internet);bob@y.example (Bob)", "bob@y.example", false },
		{ "utf-8;jos\xc3\xa9@y.example", "jos\xc3\xa9@y.example", false },
		{ "utf-8;jos\\x{E9}\\x{2B}x@y.example", "jos\xc3\xa9+x@y.example",
		  false },
		{ "utf-8;a\\x{110000}@y.example", "a\\x{110000}@y.example", false },
		{ "x400;/G=bob/S=y/", NULL, true },
		{ "rfc822;", NULL, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *text = g_strconcat(
			"Content-Type: message/disposition-notification\n\n"
			"Final-Recipient: ",
			rows[i].value,
			"\nDisposition: manual-action/MDN-sent-manually; displayed\n",
			NULL);
		g_autoptr(rmt_mdn) mdn = read_copy(text, strlen(text));

		if (g_strcmp0(mdn->final_recipient, rows[i].want) != 0 ||
		    ((mdn->flaws & RMT_MDN_FLAW_ADDRESS_TYPE) != 0) != rows[i].flawed)
			fail_msg("%s: got '%s'", rows[i].value, mdn->final_recipient);
	}
}

static void parts_without_end_and_parts_in_parts_end_in_time(void **state)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(rmt_mdn) deep = NULL, wide = NULL;
	unsigned i;

	(void)state;
	for (i = 0; i < 2000; i++)
		g_string_append_printf(text,
				       "Content-Type: multipart/report; boundary=b%u\n\n"
				       "--b%u\n",
				       i, i);
	deep = read_copy(text->str, text->len);
	assert_true(deep->flaws & RMT_MDN_FLAW_CUT);
	g_string_assign(text, "Content-Type: multipart/mixed; boundary=b\n\n");
	for (i = 0; i < 100000; i++)
		g_string_append(text, "--b\n\n");
	wide = read_copy(text->str, text->len);
	assert_int_equal(wide->form, RMT_MDN_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(M25_M26_receipts_of_many_clients_are_read_as_wanted),
		cmocka_unit_test(
			M23_M25_dispositions_are_read_in_any_case_with_comments_and_blanks),
		cmocka_unit_test(an_address_is_found_behind_whatever_type),
		cmocka_unit_test(parts_without_end_and_parts_in_parts_end_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
