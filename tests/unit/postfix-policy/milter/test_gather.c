/* SPDX-License-Identifier: MIT */
/* From events of a session to facts, with a zone in place of DNS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

#include "common/message/header.h"
#include "postfix-policy/milter/gather.h"
#include "tests/lib/dkim_signer.h"

static const char zone[] = "good.test          TXT \"v=spf1 ip4:192.0.2.20 -all\"\n"
			   "_dmarc.good.test   TXT \"v=DMARC1; p=reject\"\n"
			   "carrier.test       TXT \"v=spf1 ip4:192.0.2.20 -all\"\n"
			   "one.test           TXT \"v=spf1 ip4:192.0.2.21 -all\"\n"
			   "slow.test          ANY TIMEOUT\n"
			   "_dmarc.slow.test   ANY TIMEOUT\n"
			   "mx.test            TXT \"v=spf1 ip4:192.0.2.20 -all\"\n";

static const char config_text[] =
	"organization = \"ours.test\"\n"
	"egress: { a: { addresses = \"192.0.2.20\" helo = \"mx.test\" }\n"
	"          b: { addresses = [\"192.0.2.20\", \"192.0.2.21\"] } }\n"
	"streams: { a: { senders = \"*\" egress = \"a\" }\n"
	"           b: { senders = \"*\" egress = \"b\" }\n"
	"           none: { } }\n";

struct fixture {
	struct rmt_names *names;
	struct rmt_config *config;
	struct rmt_dkim_keys *keys;
	EVP_PKEY *rsa, *ed25519;
};

/* What stands in the zone of the signers. */
static char *all_of_zone(const struct fixture *fixture)
{
	g_autofree char *rsa = signer_public(fixture->rsa),
			*ed25519 = signer_public(fixture->ed25519);

	return g_strdup_printf("%sr._domainkey.good.test TXT \"p=%s\"\n"
			       "e._domainkey.good.test TXT \"k=ed25519; p=%s\"\n",
			       zone, rsa, ed25519);
}

static int set_up(void **state)
{
	const struct rmt_resolver_settings settings = RMT_RESOLVER_SETTINGS_INIT;
	struct fixture *fixture = g_new0(struct fixture, 1);
	g_autoptr(GPtrArray) complaints = NULL;
	g_autofree char *path = NULL, *text = NULL;
	int fd = g_file_open_tmp("zone-XXXXXX", &path, NULL);

	fixture->rsa = signer_key("RSA", 2048);
	fixture->ed25519 = signer_key("ED25519", 0);
	text = all_of_zone(fixture);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return -1;
	close(fd);
	fixture->config = rmt_config_read_text("t.conf", config_text, &complaints);
	fixture->keys = rmt_dkim_keys_new(16);
	*state = fixture;
	if (!rmt_names_open(&fixture->names, path, &settings, NULL))
		return -1;
	unlink(path);
	return fixture->config != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	rmt_names_close(&fixture->names);
	rmt_config_unref(fixture->config);
	rmt_dkim_keys_free(fixture->keys);
	EVP_PKEY_free(fixture->rsa);
	EVP_PKEY_free(fixture->ed25519);
	g_free(fixture);
	return 0;
}

/* leaves_from: what a return path of ours made of sender; NULL: nothing. */
static void gather_as(const struct fixture *fixture, const char *stream,
		      const char *sender, const char *leaves_from, const char *from,
		      struct rmt_message_facts *facts_r)
{
	g_autoptr(rmt_session) session = rmt_session_new();
	const struct rmt_gather with = {
		.names = fixture->names,
		.config = fixture->config,
		.stream = rmt_config_stream(fixture->config, stream),
		.sender = leaves_from != NULL ? rmt_span_of(leaves_from)
					      : rmt_span(sender + 1, strlen(sender) - 2),
		.now = 1800000000,
		.deadline_us = g_get_monotonic_time() + 60 * G_TIME_SPAN_SECOND,
	};

	rmt_session_begin(session, sender);
	rmt_session_header(session, fixture->keys, "From", from, false);
	rmt_session_end_of_header(session, fixture->keys);
	rmt_session_body(session, RMT_SPAN("Hello\r\n"));
	rmt_gather(&with, session, facts_r);
	/* The session's, which ends here. */
	facts_r->signatures = NULL;
	facts_r->header = rmt_span(NULL, 0);
}

static void gather(const struct fixture *fixture, const char *stream, const char *sender,
		   const char *from, struct rmt_message_facts *facts_r)
{
	gather_as(fixture, stream, sender, NULL, from, facts_r);
}

/* Receivers never see the sender the client gave. */
static void spf_is_asked_about_the_sender_that_leaves(void **state)
{
	static const struct {
		const char *sender, *leaves_from, *spf_domain;
		enum rmt_known aligned;
	} rows[] = {
		{ "<x@carrier.test>", "b+1+tag@good.test", "good.test", RMT_YES },
		{ "<x@good.test>", "b+1+tag@carrier.test", "carrier.test", RMT_NO },
		{ "<x@good.test>", "b+1+tag@one.test", "one.test", RMT_NO },
		{ "<x@good.test>", "b+1+tag@slow.test", "slow.test", RMT_NO },
	};
	struct rmt_message_facts facts;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		gather_as(*state, "a", rows[i].sender, rows[i].leaves_from,
			  "ann@good.test", &facts);
		assert_string_equal(facts.spf.domain, rows[i].spf_domain);
		assert_int_equal(facts.aligned, rows[i].aligned);
		rmt_message_facts_clear(&facts);
	}
}

/* A message from ann@good.test under a return path that is not aligned. */
static void gather_signed(const struct fixture *fixture, EVP_PKEY *key, const char *tags,
			  struct rmt_message_facts *facts_r)
{
	g_autofree char *message =
		signer_sign(key, tags, "From: ann@good.test\r\n\r\nHello\r\n");
	g_autoptr(rmt_session) session = rmt_session_new();
	const struct rmt_gather with = {
		.names = fixture->names,
		.config = fixture->config,
		.stream = rmt_config_stream(fixture->config, "a"),
		.sender = RMT_SPAN("x@carrier.test"),
		.now = 1800000000,
		.deadline_us = g_get_monotonic_time() + 60 * G_TIME_SPAN_SECOND,
	};
	g_autofree char *signature = g_strndup(message, strcspn(message, "\r"));

	rmt_session_begin(session, "<x@carrier.test>");
	rmt_session_header(session, fixture->keys, "DKIM-Signature",
			   strchr(signature, ' '), true);
	rmt_session_header(session, fixture->keys, "From", " ann@good.test", true);
	rmt_session_end_of_header(session, fixture->keys);
	rmt_session_body(session, RMT_SPAN("Hello\r\n"));
	rmt_gather(&with, session, facts_r);
	facts_r->signatures = NULL;
	facts_r->header = rmt_span(NULL, 0);
}

static void a_signature_of_ed25519_alone_vouches_for_nothing(void **state)
{
	const struct fixture *fixture = *state;
	struct rmt_message_facts facts;

	gather_signed(fixture, fixture->rsa,
		      "v=1; a=rsa-sha256; d=good.test; s=r; h=From", &facts);
	assert_int_equal(facts.aligned, RMT_YES);
	assert_int_equal(facts.dkim, RMT_YES);
	assert_false(facts.narrow);
	rmt_message_facts_clear(&facts);

	gather_signed(fixture, fixture->ed25519,
		      "v=1; a=ed25519-sha256; d=good.test; s=e; h=From", &facts);
	assert_int_equal(facts.aligned, RMT_NO);
	assert_int_equal(facts.dkim, RMT_NO);
	assert_true(facts.narrow);
	assert_string_equal(facts.dkim_text->str, "pass/good.test");
	rmt_message_facts_clear(&facts);
}

static void alignment_follows_from_sender_and_egress(void **state)
{
	static const struct {
		const char *stream, *sender, *from;
		enum rmt_known aligned;
		enum rmt_kind kind;
		const char *spf_domain, *bad_address;
	} rows[] = {
		{ "a", "<x@good.test>", "ann@good.test", RMT_YES, RMT_KIND_DIRECT,
		  "good.test", NULL },
		{ "a", "<x@carrier.test>", "ann@good.test", RMT_NO, RMT_KIND_DIRECT,
		  "carrier.test", NULL },
		{ "a", "<x@one.test>", "ann@one.test", RMT_NO, RMT_KIND_DIRECT,
		  "one.test", "192.0.2.20" },
		{ "b", "<x@good.test>", "ann@good.test", RMT_NO, RMT_KIND_DIRECT,
		  "good.test", "192.0.2.21" },
		{ "a", "<x@slow.test>", "ann@slow.test", RMT_UNKNOWN, RMT_KIND_DIRECT,
		  "slow.test", "192.0.2.20" },
		{ "a", "<x@carrier.test>", "ann@slow.test", RMT_UNKNOWN, RMT_KIND_DIRECT,
		  "carrier.test", NULL },
		{ "none", "<x@good.test>", "ann@good.test", RMT_UNKNOWN, RMT_KIND_DIRECT,
		  "good.test", NULL },
		{ "none", "<x@carrier.test>", "ann@good.test", RMT_NO, RMT_KIND_DIRECT,
		  "carrier.test", NULL },
		{ "a", "<>", "daemon@mx.test", RMT_YES, RMT_KIND_NOTICE, "mx.test",
		  NULL },
		{ "a", "<x@good.test>", "nobody", RMT_UNKNOWN, RMT_KIND_DIRECT,
		  "good.test", NULL },
	};
	struct rmt_message_facts facts;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		gather(*state, rows[i].stream, rows[i].sender, rows[i].from, &facts);
		if (facts.aligned != rows[i].aligned || facts.kind != rows[i].kind)
			fail_msg("%s by %s: aligned %d kind %d", rows[i].from,
				 rows[i].sender, (int)facts.aligned, (int)facts.kind);
		assert_string_equal(facts.spf.domain, rows[i].spf_domain);
		if (g_strcmp0(facts.spf.address, rows[i].bad_address) != 0)
			fail_msg("%s: %s", rows[i].sender, facts.spf.address);
		assert_string_equal(facts.dkim_text->str, "none");
		rmt_message_facts_clear(&facts);
	}
}

static void folds_become_what_the_message_had(void **state)
{
	const struct fixture *fixture = *state;
	g_autoptr(rmt_session) session = rmt_session_new();

	rmt_session_begin(session, "<ann@good.test>");
	assert_string_equal(session->sender, "ann@good.test");
	rmt_session_header(session, fixture->keys, "A", "b\n\tc", false);
	rmt_session_header(session, fixture->keys, "B", "  b\r\n c", true);
	rmt_session_header(session, fixture->keys, "C", "", true);
	assert_string_equal(session->header->str, "A: b\r\n\tc\r\nB:  b\r\n c\r\nC:\r\n");
}

static void a_header_beyond_the_bound_is_not_kept_nor_read(void **state)
{
	const struct fixture *fixture = *state;
	g_autoptr(rmt_session) session = rmt_session_new();
	g_autofree char *value = g_strnfill(60000, 'x');
	struct rmt_message_facts facts;
	const struct rmt_gather with = { .names = fixture->names,
					 .config = fixture->config,
					 .stream =
						 rmt_config_stream(fixture->config, "a"),
					 .deadline_us = INT64_MAX };
	int i;

	rmt_session_begin(session, "<x@good.test>");
	rmt_session_header(session, fixture->keys, "From", "ann@good.test", false);
	for (i = 0; i < 1000; i++)
		rmt_session_header(session, fixture->keys, "DKIM-Signature", value,
				   false);
	rmt_session_end_of_header(session, fixture->keys);
	assert_true(session->header->len <= RMT_SESSION_HEADER_MAX);
	assert_int_equal(session->field_count, 1001);
	rmt_gather(&with, session, &facts);
	assert_int_equal(facts.from.result, RMT_FROM_TOO_LONG);
	rmt_message_facts_clear(&facts);
	/* The next one on the connection is another message. */
	rmt_session_begin(session, "<x@good.test>");
	assert_int_equal(session->header->len, 0);
	assert_true(session->complete);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spf_is_asked_about_the_sender_that_leaves),
		cmocka_unit_test(a_signature_of_ed25519_alone_vouches_for_nothing),
		cmocka_unit_test(alignment_follows_from_sender_and_egress),
		cmocka_unit_test(folds_become_what_the_message_had),
		cmocka_unit_test(a_header_beyond_the_bound_is_not_kept_nor_read),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
