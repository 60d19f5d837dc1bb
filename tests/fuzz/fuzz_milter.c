/* SPDX-License-Identifier: MIT */
/* Fields as a milter gets them, and what is made of them: kind, stream's header
 * condition, From, signatures, verdict and words. No DNS: nothing is asked. */
#include "common/policy/header_match.h"
#include "postfix-policy/milter/judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add_fields(struct rmt_session *session, struct rmt_dkim_keys *keys,
		       char **lines)
{
	for (; lines[0] != NULL && lines[1] != NULL; lines += 2)
		rmt_session_header(session, keys, lines[0], lines[1], true);
}

static void say(const struct rmt_message_facts *facts)
{
	struct rmt_stream stream = { .mode = RMT_MODE_ENFORCE };
	g_autoptr(GString) text = g_string_new(NULL);
	struct rmt_outcome outcome;
	struct rmt_reply reply;
	int i;

	for (i = 0; i < RMT_RULES_COUNT; i++)
		stream.rules[i] = RMT_LEVEL_REJECT;
	rmt_outcome_init(&outcome);
	rmt_judge(facts, &stream, &outcome);
	rmt_outcome_decide(&outcome, stream.mode);
	rmt_outcome_rules(&outcome, text);
	rmt_outcome_field(&outcome, text);
	if (outcome.done >= RMT_LEVEL_DEFER) {
		rmt_outcome_reply(&outcome, &reply);
		if (strpbrk(reply.text, "\r\n") != NULL)
			__builtin_trap();
	}
}

/* Names and values by turns, parted by 0x01; the first is the sender. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	g_auto(GStrv) lines = g_strsplit(text, "\001", 1000);
	g_autoptr(rmt_session) session = rmt_session_new();
	struct rmt_dkim_keys *keys = rmt_dkim_keys_new(4);
	static const char *const conditions[] = { "X-Stream: a*b*c", "Subject", NULL };
	struct rmt_message_facts facts = { .dkim_text = g_string_new("none") };
	struct rmt_kind_signs signs;

	rmt_session_begin(session, lines[0] != NULL ? lines[0] : "");
	if (lines[0] != NULL)
		add_fields(session, keys, lines + 1);
	rmt_session_end_of_header(session, keys);
	rmt_session_body(session, RMT_SPAN("Hello\r\n"));
	rmt_dkim_finish(session->dkim, 1800000000);
	facts.header = rmt_span(session->header->str, session->header->len);
	rmt_kind_look(facts.header, &signs);
	facts.kind = rmt_kind_of(&signs, rmt_span_of(session->sender), false);
	rmt_headers_match((char *const *)conditions, facts.header);
	rmt_from_read(facts.header, &facts.from);
	facts.spf.domain = g_strdup(session->sender);
	say(&facts);
	rmt_message_facts_clear(&facts);
	rmt_dkim_keys_free(keys);
	return 0;
}
