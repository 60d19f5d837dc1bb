/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <glib.h>

#include "common/policy/policy_request.h"

#define HEAD "request=smtpd_access_policy\n"

enum { MAX_OCTETS = 4096 };

/* What Postfix 3.7 sends, every attribute. */
static const char postfix_rcpt[] =
	"request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\n"
	"client_address=192.0.2.10\nclient_name=client.example.net\nclient_port=40001\n"
	"reverse_client_name=reverse.example.net\nserver_address=192.0.2.1\n"
	"server_port=25\nhelo_name=helo.example.net\nsender=user@example.com\n"
	"recipient=ann@example.org\nrecipient_count=0\nqueue_id=4Zk3pQ\n"
	"instance=1f.5e.0\nsize=2048\netrn_domain=\nstress=\nsasl_method=plain\n"
	"sasl_username=user\nsasl_sender=\nccert_subject=subject\nccert_issuer=issuer\n"
	"ccert_fingerprint=AA:BB\nccert_pubkey_fingerprint=CC:DD\n"
	"encryption_protocol=TLSv1.3\nencryption_cipher=TLS_AES_256_GCM_SHA384\n"
	"encryption_keysize=256\npolicy_context=submission\ncompatibility_level=3.6\n"
	"mail_version=3.7.11\n\n";

/* Exactly as long as the text, so that an over-read shows. */
static char *copy_exactly(const char *text, size_t len)
{
	char *copy = malloc(len > 0 ? len : 1);

	assert_non_null(copy);
	memcpy(copy, text, len);
	return copy;
}

static enum rmt_request_result read_whole(struct rmt_policy_request *request,
					  const char *text, size_t len)
{
	char *copy = copy_exactly(text, len);
	enum rmt_request_result result;

	rmt_policy_request_init(request);
	result = rmt_policy_request_read(request, copy, len, MAX_OCTETS);
	free(copy);
	return result;
}

static void assert_span(struct rmt_span span, const char *want)
{
	assert_int_equal(span.len, strlen(want));
	assert_memory_equal(span.p, want, span.len);
}

static void every_attribute_of_postfix_is_found(void **state)
{
	struct rmt_policy_request request;
	const struct rmt_facts *facts = &request.facts;

	(void)state;
	rmt_policy_request_init(&request);
	assert_int_equal(rmt_policy_request_read(&request, postfix_rcpt,
						 sizeof(postfix_rcpt) - 1, MAX_OCTETS),
			 RMT_REQUEST_DONE);
	assert_int_equal(request.length, sizeof(postfix_rcpt) - 1);
	assert_int_equal(facts->stage, RMT_STAGE_RCPT);
	assert_int_equal(facts->recipient_count, 0);
	assert_int_equal(facts->size, 2048);
	assert_span(facts->instance, "1f.5e.0");
	assert_span(facts->queue_id, "4Zk3pQ");
	assert_span(facts->sender, "user@example.com");
	assert_span(facts->recipient, "ann@example.org");
	assert_span(facts->sasl_user, "user");
	assert_span(facts->client_address, "192.0.2.10");
	assert_span(facts->client_name, "client.example.net");
	assert_span(facts->reverse_client_name, "reverse.example.net");
	assert_span(facts->helo, "helo.example.net");
	assert_span(facts->cert_subject, "subject");
	assert_span(facts->cert_issuer, "issuer");
	assert_span(facts->cert_fingerprint, "AA:BB");
	assert_span(facts->cert_pubkey_fingerprint, "CC:DD");
	assert_span(facts->policy_context, "submission");
}

static void stages_have_postfix_names(void **state)
{
	static const struct {
		const char *name;
		enum rmt_stage want;
	} cases[] = {
		{ "RCPT", RMT_STAGE_RCPT },
		{ "DATA", RMT_STAGE_DATA },
		{ "VRFY", RMT_STAGE_VRFY },
		{ "END-OF-MESSAGE", RMT_STAGE_END_OF_MESSAGE },
		{ "CONNECT", RMT_STAGE_OTHER },
		{ "EHLO", RMT_STAGE_OTHER },
		{ "HELO", RMT_STAGE_OTHER },
		{ "MAIL", RMT_STAGE_OTHER },
		{ "ETRN", RMT_STAGE_OTHER },
		{ "rcpt", RMT_STAGE_OTHER },
		{ "", RMT_STAGE_OTHER },
	};
	struct rmt_policy_request request;
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text =
			g_strdup_printf(HEAD "protocol_state=%s\n\n", cases[i].name);

		assert_int_equal(read_whole(&request, text, strlen(text)),
				 RMT_REQUEST_DONE);
		assert_int_equal(request.facts.stage, cases[i].want);
	}
}

static void what_is_lenient_and_what_is_strict(void **state)
{
	static const struct {
		const char *name, *text;
		size_t len; /* 0: strlen */
		enum rmt_request_result want;
		const char *sender; /* DONE */
	} cases[] = {
		{ "order is free", "sender=a\n" HEAD "\n", 0, RMT_REQUEST_DONE, "a" },
		{ "unknown names are ignored", HEAD "later=1\nsender=a\nsende=b\n\n", 0,
		  RMT_REQUEST_DONE, "a" },
		{ "a value may hold '='", HEAD "sender==a=b=\n\n", 0, RMT_REQUEST_DONE,
		  "=a=b=" },
		{ "the first of a repeated name stands", HEAD "sender=a\nsender=b\n\n", 0,
		  RMT_REQUEST_DONE, "a" },
		{ "also when it is empty", HEAD "sender=\nsender=b\n\n", 0,
		  RMT_REQUEST_DONE, "" },
		{ "CRLF is taken as LF",
		  "request=smtpd_access_policy\r\nsender=a\r\n\r\n", 0, RMT_REQUEST_DONE,
		  "a" },
		{ "a CR inside is part of the value", HEAD "sender=a\rb\n\n", 0,
		  RMT_REQUEST_DONE, "a\rb" },
		{ "names are case sensitive", HEAD "Sender=a\n\n", 0, RMT_REQUEST_DONE,
		  "" },
		{ "UTF-8 is left alone", HEAD "sender=jos\xc3\xa9@x\n\n", 0,
		  RMT_REQUEST_DONE, "jos\xc3\xa9@x" },
		{ "no request=", "sender=a\n\n", 0, RMT_REQUEST_BROKEN, NULL },
		{ "another request=", "request=junk\nsender=a\n\n", 0, RMT_REQUEST_BROKEN,
		  NULL },
		{ "an empty request", "\n", 0, RMT_REQUEST_BROKEN, NULL },
		{ "a line without '='", HEAD "sender\n\n", 0, RMT_REQUEST_BROKEN, NULL },
		{ "a line without a name", HEAD "=a\n\n", 0, RMT_REQUEST_BROKEN, NULL },
		{ "SMTP on the wrong port", "EHLO x\r\n", 0, RMT_REQUEST_BROKEN, NULL },
		{ "HTTP on the wrong port", "GET / HTTP/1.1\r\n", 0, RMT_REQUEST_BROKEN,
		  NULL },
		{ "NUL in a value", HEAD "sender=a\0b\n\n", sizeof(HEAD) + 11,
		  RMT_REQUEST_BROKEN, NULL },
		{ "a count that is none", HEAD "recipient_count=x\n\n", 0,
		  RMT_REQUEST_BROKEN, NULL },
		{ "a negative size", HEAD "size=-1\n\n", 0, RMT_REQUEST_BROKEN, NULL },
		{ "a size past 64 bits", HEAD "size=99999999999999999999\n\n", 0,
		  RMT_REQUEST_BROKEN, NULL },
		{ "an empty size is 0", HEAD "size=\nsender=a\n\n", 0, RMT_REQUEST_DONE,
		  "a" },
		{ "no empty line yet", HEAD "sender=a\n", 0, RMT_REQUEST_MORE, NULL },
		{ "nothing yet", "", 0, RMT_REQUEST_MORE, NULL },
	};
	struct rmt_policy_request request;
	size_t i, len;
	char *copy;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		len = cases[i].len > 0 ? cases[i].len : strlen(cases[i].text);
		copy = copy_exactly(cases[i].text, len);
		rmt_policy_request_init(&request);
		if (rmt_policy_request_read(&request, copy, len, MAX_OCTETS) !=
		    cases[i].want)
			fail_msg("%s", cases[i].name);
		if (cases[i].sender != NULL)
			assert_span(request.facts.sender, cases[i].sender);
		if (cases[i].want == RMT_REQUEST_BROKEN)
			assert_non_null(request.broken);
		free(copy);
	}
}

/* All of them once more, in their order, behind the first of it. */
static void what_is_said_twice_in_postfix_order_stands_as_first_said(void **state)
{
	g_autoptr(GString) text = g_string_new(postfix_rcpt);
	struct rmt_policy_request request;

	(void)state;
	g_string_truncate(text, text->len - 1);
	g_string_append(text, "helo_name=other\nsender=other\nrecipient=other\n"
			      "recipient_count=7\nqueue_id=other\ninstance=other\n"
			      "size=7\netrn_domain=other\nstress=other\n\n");
	rmt_policy_request_init(&request);
	assert_int_equal(
		rmt_policy_request_read(&request, text->str, text->len, MAX_OCTETS),
		RMT_REQUEST_DONE);
	assert_span(request.facts.helo, "helo.example.net");
	assert_span(request.facts.sender, "user@example.com");
	assert_span(request.facts.recipient, "ann@example.org");
	assert_span(request.facts.queue_id, "4Zk3pQ");
	assert_span(request.facts.instance, "1f.5e.0");
	assert_int_equal(request.facts.recipient_count, 0);
	assert_int_equal(request.facts.size, 2048);
}

/* A CR before the n-th LF and no other, and before every one (n = 0). */
static void a_cr_before_any_lf_changes_nothing(void **state)
{
	const size_t lines = 32;
	struct rmt_policy_request request;
	size_t n, i, line;

	(void)state;
	for (n = 0; n <= lines; n++) {
		g_autoptr(GString) text = g_string_new(NULL);

		for (i = 0, line = 1; postfix_rcpt[i] != '\0'; i++) {
			if (postfix_rcpt[i] == '\n' && (n == 0 || n == line++))
				g_string_append_c(text, '\r');
			g_string_append_c(text, postfix_rcpt[i]);
		}
		rmt_policy_request_init(&request);
		assert_int_equal(rmt_policy_request_read(&request, text->str, text->len,
							 MAX_OCTETS),
				 RMT_REQUEST_DONE);
		assert_int_equal(request.length, text->len);
		assert_int_equal(request.facts.stage, RMT_STAGE_RCPT);
		assert_int_equal(request.facts.size, 2048);
		assert_span(request.facts.client_name, "client.example.net");
		assert_span(request.facts.sender, "user@example.com");
		assert_span(request.facts.instance, "1f.5e.0");
		assert_span(request.facts.policy_context, "submission");
	}
}

/* More lines than names, and lines of NULs where a name might be guessed. */
static void junk_behind_all_known_names_is_refused(void **state)
{
	g_autoptr(GString) text = g_string_new(postfix_rcpt);
	struct rmt_policy_request request;
	const char nuls[80] = "";

	(void)state;
	g_string_truncate(text, text->len - 1);
	g_string_append(text, "remite_time=1\nremite_action=DUNNO\n");
	g_string_append_len(text, nuls, sizeof(nuls));
	g_string_append(text, "\n\n");
	assert_int_equal(read_whole(&request, text->str, text->len), RMT_REQUEST_BROKEN);
}

static void a_request_may_be_split_anywhere(void **state)
{
	const size_t len = sizeof(postfix_rcpt) - 1;
	struct rmt_policy_request request;
	char *first, *second;
	size_t cut;

	(void)state;
	for (cut = 0; cut < len; cut++) {
		first = copy_exactly(postfix_rcpt, cut);
		second = copy_exactly(postfix_rcpt, len);
		rmt_policy_request_init(&request);
		assert_int_equal(
			rmt_policy_request_read(&request, first, cut, MAX_OCTETS),
			RMT_REQUEST_MORE);
		assert_int_equal(
			rmt_policy_request_read(&request, second, len, MAX_OCTETS),
			RMT_REQUEST_DONE);
		free(first);
		assert_span(request.facts.sender, "user@example.com");
		assert_span(request.facts.policy_context, "submission");
		free(second);
	}
}

static void a_request_ends_at_its_empty_line(void **state)
{
	static const char two[] = HEAD "sender=a\n\n" HEAD "sender=b\n\n";
	struct rmt_policy_request request;
	size_t first;

	(void)state;
	rmt_policy_request_init(&request);
	assert_int_equal(rmt_policy_request_read(&request, two, sizeof(two) - 1, 4096),
			 RMT_REQUEST_DONE);
	assert_span(request.facts.sender, "a");
	first = request.length;
	rmt_policy_request_init(&request);
	assert_int_equal(rmt_policy_request_read(&request, two + first,
						 sizeof(two) - 1 - first, 4096),
			 RMT_REQUEST_DONE);
	assert_span(request.facts.sender, "b");
	assert_int_equal(first + request.length, sizeof(two) - 1);
}

static void the_longest_request_is_max_octets(void **state)
{
	g_autoptr(GString) text = g_string_new(HEAD "ccert_subject=");
	struct rmt_policy_request request;
	size_t max = 2000;

	(void)state;
	while (text->len < max - 2)
		g_string_append_c(text, 'x');
	g_string_append(text, "\n\n");
	rmt_policy_request_init(&request);
	assert_int_equal(rmt_policy_request_read(&request, text->str, text->len, max),
			 RMT_REQUEST_DONE);
	rmt_policy_request_init(&request);
	assert_int_equal(rmt_policy_request_read(&request, text->str, text->len, max - 1),
			 RMT_REQUEST_BROKEN);
	rmt_policy_request_init(&request);
	assert_int_equal(rmt_policy_request_read(&request, text->str, max - 1, max),
			 RMT_REQUEST_MORE);
	rmt_policy_request_init(&request);
	assert_int_equal(rmt_policy_request_read(&request, text->str, max - 1, max - 1),
			 RMT_REQUEST_BROKEN);
}

static void a_recorded_request_tells_when_and_what_was_answered(void **state)
{
	struct rmt_policy_request request;
	static const char text[] = HEAD "remite_time=1700000000.000000001\n"
					"remite_action=REJECT 5.7.1 no\n\n";

	(void)state;
	rmt_policy_request_init(&request);
	assert_int_equal(rmt_policy_request_read(&request, text, sizeof(text) - 1, 4096),
			 RMT_REQUEST_DONE);
	assert_span(request.remite_time, "1700000000.000000001");
	assert_span(request.remite_action, "REJECT 5.7.1 no");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_attribute_of_postfix_is_found),
		cmocka_unit_test(stages_have_postfix_names),
		cmocka_unit_test(what_is_lenient_and_what_is_strict),
		cmocka_unit_test(
			what_is_said_twice_in_postfix_order_stands_as_first_said),
		cmocka_unit_test(a_cr_before_any_lf_changes_nothing),
		cmocka_unit_test(junk_behind_all_known_names_is_refused),
		cmocka_unit_test(a_request_may_be_split_anywhere),
		cmocka_unit_test(a_request_ends_at_its_empty_line),
		cmocka_unit_test(the_longest_request_is_max_octets),
		cmocka_unit_test(a_recorded_request_tells_when_and_what_was_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
