/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/base/clock.h"
#include "common/receipts/field.h"
#include "common/receipts/mdn.h"

#define NOW       INT64_C(1795314045) /* 2026-11-22T02:20:45Z */
#define TEMPLATES "common/receipts/templates"
#define DATA      "tests/data/receipts"

#define HEADER                                                                           \
	"Return-Path: <alice@example.org>\r\nDelivered-To: Bob@example.net\r\n"          \
	"Received: by x\r\nFrom: Alice <alice@example.org>\r\nTo: bob@example.net\r\n"   \
	"Subject: Lunch\r\nDate: Sat, 21 Nov 2026 10:00:00 +0000\r\n"                    \
	"Message-ID: <123@example.org>\r\n"                                              \
	"Disposition-Notification-To: Alice <alice@example.org>\r\n"

struct scene {
	const char *header;
	const char *address; /* of the user */
	const char *name, *language;
	enum rmt_receipt_event event;
	bool by_user, smtputf8, hide, no_headers;
	const char *ua; /* NULL: Remite */
	unsigned round_secs;
	const char *ascii;
};

/* The message, or NULL with the sentence in *why_r. */
static char *write_message(const struct scene *scene, bool *utf8_r, char **why_r)
{
	const char *const addresses[] = { scene->address, NULL };
	g_autoptr(rmt_receipt_request) request =
		rmt_receipt_request_read(rmt_span_of(scene->header), NULL);
	g_autoptr(rmt_receipt_user) user =
		rmt_receipt_user_new("bob", addresses, NULL, NULL, NULL);
	g_autoptr(rmt_templates) templates = rmt_templates_read(TEMPLATES, NULL);
	g_autoptr(rmt_mailbox) ascii =
		scene->ascii != NULL ? rmt_mailbox_read(rmt_span_of(scene->ascii)) : NULL;
	const struct rmt_receipts_config settings = {
		.language = (char *)"en",
		.reporting_ua = (char *)(scene->ua != NULL ? scene->ua : "Remite"),
		.round_date_ns = MAX(scene->round_secs, 1) * (uint64_t)RMT_NS_PER_SEC,
		.hide_automation = scene->hide,
		.return_headers = !scene->no_headers,
	};
	struct rmt_mdn_order order = {
		.request = request,
		.name = scene->name,
		.ascii = ascii,
		.event = scene->event,
		.by_user = scene->by_user,
		.language = scene->language,
		.now = NOW,
		.message_id = "<0123456789abcdef0123456789abcdef.receipt@example.net>",
		.smtputf8 = scene->smtputf8,
		.settings = &settings,
	};
	g_autoptr(GError) err = NULL;
	GString *message;
	bool utf8 = false;

	assert_non_null(templates);
	rmt_receipt_recipient_find(request, user, NULL, &order.recipient);
	message = rmt_mdn_write(&order, templates, &utf8, &err);
	if (utf8_r != NULL)
		*utf8_r = utf8;
	if (message == NULL && why_r != NULL)
		*why_r = g_strdup(err->message);
	return message != NULL ? g_string_free(message, FALSE) : NULL;
}

static char *must_write(struct scene scene)
{
	char *message = write_message(&scene, NULL, NULL);

	assert_non_null(message);
	return message;
}

static void must_have(const char *message, const char *words)
{
	if (strstr(message, words) == NULL)
		fail_msg("'%s' is missing in\n%s", words, message);
}

static void must_not_have(const char *message, const char *words)
{
	if (strstr(message, words) != NULL)
		fail_msg("'%s' is there in\n%s", words, message);
}

/* --- whole messages ------------------------------------------------------- */

static void M20_to_M24_A02_every_octet_is_as_wanted(void **state)
{
	static const struct {
		const char *name;
		struct scene scene;
	} rows[] = {
		{ "automatic",
		  { .header = HEADER, .address = "bob@example.net", .name = "Bob" } },
		{ "approved-spanish",
		  { .header = HEADER "Content-Language: es-MX\r\n",
		    .address = "bob@example.net",
		    .name = "Jos\xc3\xa9 B.",
		    .by_user = true } },
		{ "utf8",
		  { .header = "Return-Path: <alice@example.org>\r\n"
			      "From: alice@example.org\r\n"
			      "To: jos\xc3\xa9@example.net\r\n"
			      "Subject: =?utf-8?q?=C2=BFqu=C3=A9=3F?=\r\n"
			      "Original-Recipient: utf-8;jos\xc3\xa9@example.net\r\n"
			      "Message-ID: <1@example.org>\r\n"
			      "Disposition-Notification-To: alice@example.org\r\n",
		    .address = "jos\xc3\xa9@example.net",
		    .smtputf8 = true } },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *file =
			g_strdup_printf(DATA "/written/%s.eml", rows[i].name);
		g_autofree char *want = NULL, *got = must_write(rows[i].scene);

		if (g_getenv("WRITE_WANT") != NULL &&
		    !g_file_test(file, G_FILE_TEST_EXISTS))
			g_file_set_contents(file, got, -1, NULL);
		assert_true(g_file_get_contents(file, &want, NULL, NULL));
		if (strcmp(got, want) != 0)
			fail_msg("%s: wanted\n%s\ngot\n%s", rows[i].name, want, got);
	}
}

static void M20_what_is_written_is_read_back_without_a_flaw(void **state)
{
	g_autofree char *message = must_write(
		(struct scene){ .header = HEADER, .address = "bob@example.net" });
	g_autoptr(rmt_mdn) mdn = rmt_mdn_read(rmt_span_of(message));

	(void)state;
	assert_int_equal(mdn->form, RMT_MDN_STANDARD);
	assert_int_equal(mdn->flaws, 0);
	assert_int_equal(mdn->action, RMT_MDN_MODE_MANUAL);
	assert_int_equal(mdn->sending, RMT_MDN_MODE_AUTOMATIC);
	assert_int_equal(mdn->disposition, RMT_MDN_DISPLAYED);
	assert_string_equal(mdn->final_recipient, "Bob@example.net");
	assert_string_equal(mdn->original_message_id, "<123@example.org>");
	assert_null(mdn->original_recipient);
}

static void M20_P29_an_encrypted_message_returns_nothing(void **state)
{
	g_autofree char *message = must_write((struct scene){
		.header = HEADER "Content-Type: multipart/encrypted; "
				 "protocol=\"application/pgp-encrypted\"; boundary=x\r\n",
		.address = "bob@example.net" });

	(void)state;
	must_not_have(message, "text/rfc822-headers");
}

static void M21_no_request_of_its_own_and_an_id_of_its_own(void **state)
{
	g_autofree char *message = must_write(
		(struct scene){ .header = HEADER, .address = "bob@example.net" });

	(void)state;
	must_not_have(message, "Disposition-Notification-To");
	must_not_have(message, "Message-ID: <123@example.org>\r\nIn-");
	must_have(message, "To: <alice@example.org>\r\n");
	must_have(message, "In-Reply-To: <123@example.org>\r\n");
}

static void M21_nobody_asked_or_nobody_known_is_a_failure(void **state)
{
	struct scene scene = { .header = "From: a@x.example\r\n",
			       .address = "bob@example.net" };
	g_autofree char *why = NULL;

	(void)state;
	assert_null(write_message(&scene, NULL, &why));
	assert_string_equal(why, "nobody asked for this receipt");
}

static void M22_original_recipient_only_where_known_and_never_doubled(void **state)
{
	g_autofree char *known = must_write((struct scene){
		.header = HEADER "Original-Recipient: rfc822;b.alias@example.net\r\n",
		.address = "bob@example.net" });
	g_autofree char *twice = must_write((struct scene){
		.header = HEADER "Original-Recipient: rfc822;a@example.net\r\n"
				 "Original-Recipient: rfc822;b@example.net\r\n",
		.address = "bob@example.net" });
	g_autofree char *none = must_write(
		(struct scene){ .header = HEADER, .address = "bob@example.net" });

	(void)state;
	must_have(known, "\r\nOriginal-Recipient: rfc822;b.alias@example.net\r\n");
	must_not_have(twice, "Original-Recipient");
	must_not_have(none, "Original-Recipient");
}

static void M22_the_case_of_the_address_is_kept(void **state)
{
	g_autofree char *message = must_write(
		(struct scene){ .header = HEADER, .address = "bob@example.net" });

	(void)state;
	must_have(message, "Final-Recipient: rfc822;Bob@example.net\r\n");
	must_have(message, "From: <Bob@example.net>\r\n");
}

static void M22_without_message_id_there_is_no_such_field(void **state)
{
	g_autofree char *message = must_write((struct scene){
		.header = "From: alice@example.org\r\nTo: bob@example.net\r\n"
			  "Disposition-Notification-To: alice@example.org\r\n",
		.address = "bob@example.net" });

	(void)state;
	must_not_have(message, "Original-Message-ID");
	must_not_have(message, "In-Reply-To");
}

static void M24_the_modes_tell_who_decided(void **state)
{
	static const struct {
		bool by_user, hide;
		enum rmt_receipt_event event;
		const char *want;
	} rows[] = {
		{ false, false, RMT_RECEIPT_DISPLAYED,
		  "\r\nDisposition: manual-action/MDN-sent-automatically; "
		  "displayed\r\n" },
		{ true, false, RMT_RECEIPT_DISPLAYED,
		  "\r\nDisposition: manual-action/MDN-sent-manually; displayed\r\n" },
		{ false, true, RMT_RECEIPT_DISPLAYED,
		  "\r\nDisposition: manual-action/MDN-sent-manually; displayed\r\n" },
		{ false, false, RMT_RECEIPT_DELETED,
		  "\r\nDisposition: manual-action/MDN-sent-automatically; deleted\r\n" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *message =
			must_write((struct scene){ .header = HEADER,
						   .address = "bob@example.net",
						   .by_user = rows[i].by_user,
						   .hide = rows[i].hide,
						   .event = rows[i].event });

		must_have(message, rows[i].want);
	}
}

/* --- RFC 6533 ---------------------------------------------------------------- */

#define UTF8_HEADER                                                                      \
	"From: alice@example.org\r\nTo: jos\xc3\xa9@example.net\r\n"                     \
	"Disposition-Notification-To: alice@example.org\r\n"

static void without_smtputf8_an_address_is_written_in_ascii(void **state)
{
	bool utf8 = true;
	struct scene scene = { .header = UTF8_HEADER,
			       .address = "jos\xc3\xa9@example.net",
			       .ascii = "jose@example.net" };
	g_autofree char *message = write_message(&scene, &utf8, NULL);

	(void)state;
	assert_non_null(message);
	assert_false(utf8);
	must_have(message, "Final-Recipient: utf-8;jos\\x{E9}@example.net\r\n");
	must_have(message, "From: <jose@example.net>\r\n");
	must_have(message, "Content-Type: message/disposition-notification\r\n");
}

static void without_smtputf8_and_without_another_address_nothing_can_be_sent(void **state)
{
	struct scene scene = { .header = UTF8_HEADER,
			       .address = "jos\xc3\xa9@example.net" };
	g_autofree char *why = NULL;

	(void)state;
	assert_null(write_message(&scene, NULL, &why));
	must_have(why, "SMTPUTF8");
}

static void a_domain_alone_needs_no_smtputf8(void **state)
{
	bool utf8 = true;
	struct scene scene = {
		.header = "From: alice@m\xc3\xbcller.example\r\nTo: bob@example.net\r\n"
			  "Disposition-Notification-To: alice@m\xc3\xbcller.example\r\n",
		.address = "bob@example.net"
	};
	g_autofree char *message = write_message(&scene, &utf8, NULL);

	(void)state;
	assert_non_null(message);
	assert_false(utf8);
	must_have(message, "To: <alice@xn--mller-kva.example>\r\n");
}

/* --- privacy -------------------------------------------------------------------- */

static void P13_times_are_rounded_where_that_is_wanted(void **state)
{
	g_autofree char *message = must_write((struct scene){
		.header = HEADER, .address = "bob@example.net", .round_secs = 3600 });

	(void)state;
	must_have(message, "\r\nDate: Sun, 22 Nov 2026 02:00:00 +0000\r\n");
	must_have(message, "2026-11-22 02:00Z");
	must_not_have(message, "02:20");
}

static void the_reporting_ua_is_short_or_absent(void **state)
{
	g_autofree char *with = must_write(
		(struct scene){ .header = HEADER, .address = "bob@example.net" });
	g_autofree char *without = must_write((struct scene){
		.header = HEADER, .address = "bob@example.net", .ua = "" });

	(void)state;
	must_have(with, "\r\nReporting-UA: example.net; Remite\r\n");
	must_not_have(without, "Reporting-UA");
}

static void nothing_is_returned_where_that_is_not_wanted(void **state)
{
	g_autofree char *message = must_write((struct scene){
		.header = HEADER, .address = "bob@example.net", .no_headers = true });

	(void)state;
	must_not_have(message, "rfc822-headers");
}

/* --- hostile text ------------------------------------------------------------------ */

static void P17_no_text_of_the_sender_becomes_a_field(void **state)
{
	g_autofree char *message = must_write((struct scene){
		.header = "From: alice@example.org\r\nTo: bob@example.net\r\n"
			  "Subject: =?utf-8?q?x=0D=0ABcc:_eve=40evil.example=0D=0A?=\r\n"
			  "Date: x\x01\r\n"
			  "Message-ID: <a\r\n b@c>\r\n"
			  "Disposition-Notification-To: alice@example.org\r\n",
		.address = "bob@example.net",
		.name = "Bob\r\nBcc: eve@evil.example" });

	(void)state;
	must_not_have(message, "\nBcc:");
	must_have(message, "Original-Message-ID: <a b@c>\r\n");
	must_not_have(message, "In-Reply-To");
}

static void no_line_is_too_long_and_no_line_end_is_bare(void **state)
{
	g_autoptr(GString) header = g_string_new(HEADER);
	g_autofree char *message = NULL;
	size_t column = 0, i;

	(void)state;
	g_string_replace(header, "Lunch", "\xe5\xb7\xb2\xe6\x98\xbe", 0);
	for (i = 0; i < 60; i++)
		g_string_insert(header, strstr(header->str, "\xe5") - header->str,
				"\xe5\xb7\xb2");
	message = must_write((struct scene){
		.header = header->str, .address = "bob@example.net", .language = "zh" });
	for (i = 0; message[i] != '\0'; i++) {
		if (message[i] == '\n')
			assert_true(i > 0 && message[i - 1] == '\r');
		column = message[i] == '\n' ? 0 : column + 1;
		if (column > 79)
			fail_msg("a line is too long: %.80s", message + i - 79);
		assert_true((unsigned char)message[i] < 0x80);
	}
}

/* --- the id ------------------------------------------------------------------------ */

static void P01_the_id_is_the_same_for_the_same_and_for_nothing_else(void **state)
{
	g_autoptr(GString) a = g_string_new(NULL), b = g_string_new(NULL);
	g_autoptr(GString) c = g_string_new(NULL), d = g_string_new(NULL);
	const struct rmt_span secret = RMT_SPAN("0123456789abcdef");

	(void)state;
	rmt_mdn_message_id(secret, "bob", "<1@x>", "example.net", a);
	rmt_mdn_message_id(secret, "bob", "<1@x>", "example.net", b);
	rmt_mdn_message_id(secret, "bo", "b<1@x>", "example.net", c);
	rmt_mdn_message_id(RMT_SPAN("0123456789abcdeF"), "bob", "<1@x>", "example.net",
			   d);
	assert_string_equal(a->str, b->str);
	assert_string_not_equal(a->str, c->str);
	assert_string_not_equal(a->str, d->str);
	must_have(a->str, ".receipt@example.net>");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(M20_to_M24_A02_every_octet_is_as_wanted),
		cmocka_unit_test(M20_what_is_written_is_read_back_without_a_flaw),
		cmocka_unit_test(M20_P29_an_encrypted_message_returns_nothing),
		cmocka_unit_test(M21_no_request_of_its_own_and_an_id_of_its_own),
		cmocka_unit_test(M21_nobody_asked_or_nobody_known_is_a_failure),
		cmocka_unit_test(
			M22_original_recipient_only_where_known_and_never_doubled),
		cmocka_unit_test(M22_the_case_of_the_address_is_kept),
		cmocka_unit_test(M22_without_message_id_there_is_no_such_field),
		cmocka_unit_test(M24_the_modes_tell_who_decided),
		cmocka_unit_test(without_smtputf8_an_address_is_written_in_ascii),
		cmocka_unit_test(
			without_smtputf8_and_without_another_address_nothing_can_be_sent),
		cmocka_unit_test(a_domain_alone_needs_no_smtputf8),
		cmocka_unit_test(P13_times_are_rounded_where_that_is_wanted),
		cmocka_unit_test(the_reporting_ua_is_short_or_absent),
		cmocka_unit_test(nothing_is_returned_where_that_is_not_wanted),
		cmocka_unit_test(P17_no_text_of_the_sender_becomes_a_field),
		cmocka_unit_test(no_line_is_too_long_and_no_line_end_is_bare),
		cmocka_unit_test(
			P01_the_id_is_the_same_for_the_same_and_for_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
