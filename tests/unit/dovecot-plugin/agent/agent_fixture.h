/* SPDX-License-Identifier: MIT */
/* agent_fixture.h - remite-agent without Dovecot, with a mail server of a few lines. */
#ifndef RMT_TEST_AGENT_FIXTURE_H
#define RMT_TEST_AGENT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>

#include "common/store/answers.h"
#include "common/store/audit.h"
#include "common/store/prompts.h"
#include "dovecot-plugin/agent/agent.h"
#include "tests/unit/dovecot-plugin/agent/smtp_sink.h"

#define NOW INT64_C(1790000000) /* 2026-09-21 */

#define HEADER                                                                           \
	"Return-Path: <alice@example.net>\r\n"                                           \
	"Delivered-To: bob@example.net\r\n"                                              \
	"From: Alice <alice@example.net>\r\n"                                            \
	"To: bob@example.net\r\n"                                                        \
	"Subject: lunch\r\n"                                                             \
	"Date: Mon, 21 Sep 2026 10:00:00 +0000\r\n"                                      \
	"Message-ID: <m1@example.net>\r\n"                                               \
	"Disposition-Notification-To: alice@example.net\r\n"                             \
	"\r\n"

struct agent_fixture {
	struct smtp_sink sink;
	struct rmt_agent *agent;
	int64_t now_us;
	GMutex lock;
	GCond woken;
	char *reason; /* own; of the last refusal; NULL: acknowledged */
	GString *rows;
};

static inline int64_t fixture_now_us(void *context)
{
	return ((struct agent_fixture *)context)->now_us;
}

static inline void fixture_wake(void *context)
{
	(void)context;
}

/* more: further lines of the configuration; sink's port stands for %u in it. */
static inline struct rmt_config *fixture_config(unsigned port, const char *more)
{
	g_autofree char *text = g_strdup_printf(
		"mode = \"enforce\"\norganization = [\"example.net\"]\n"
		"agent: { host = \"mx.example.net\" }\n"
		"submission: { host = \"127.0.0.1\" port = %u connections = 2 }\n%s\n",
		port, more);
	g_autoptr(GPtrArray) complaints = NULL;
	struct rmt_config *config = rmt_config_read_text("t", text, &complaints);

	if (config == NULL)
		fail_msg("%s", (const char *)complaints->pdata[0]);
	return config;
}

static inline void fixture_run(struct agent_fixture *fixture, const char *uri,
			       struct rmt_config *config)
{
	struct rmt_store *store = NULL;
	GError *err = NULL;

	if (!rmt_store_open(&store, uri, false, &err) ||
	    !rmt_agent_new(&fixture->agent, config, store, &err))
		fail_msg("%s", err->message);
	fixture->agent->now_us = fixture_now_us;
	fixture->agent->wake = fixture_wake;
	fixture->agent->context = fixture;
	if (!rmt_agent_start(fixture->agent, &err))
		fail_msg("%s", err->message);
	rmt_agent_start_queue(fixture->agent);
}

static inline struct agent_fixture *fixture_new(const char *more)
{
	struct agent_fixture *fixture = g_new0(struct agent_fixture, 1);

	smtp_sink_start(&fixture->sink);
	fixture->now_us = NOW * G_USEC_PER_SEC;
	fixture->rows = g_string_new(NULL);
	fixture_run(fixture, "mem:", fixture_config(fixture->sink.port, more));
	return fixture;
}

static inline void fixture_free(struct agent_fixture *fixture)
{
	rmt_agent_free(fixture->agent);
	smtp_sink_stop(&fixture->sink);
	g_free(fixture->reason);
	g_string_free(fixture->rows, TRUE);
	g_free(fixture);
}

/* fields: names and values in turn, up to NULL. header may be NULL. */
static inline enum rmt_taken fixture_job(struct agent_fixture *fixture, const char *kind,
					 const char *const *fields, const char *header)
{
	g_autoptr(GPtrArray) ack = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GString) reason = g_string_new(NULL);
	struct rmt_wire_in *in = rmt_wire_in_create();
	struct rmt_wire_out out = { 0 }, rows = { 0 };
	struct rmt_wire_record record;
	struct rmt_agent_job job = { .record = &record,
				     .user = "bob@example.net",
				     .role = "mail",
				     .rows = &rows,
				     .reason = reason,
				     .fields = ack };
	enum rmt_taken taken;

	rmt_wire_begin(&out, "JOB", 1, kind);
	for (; *fields != NULL; fields += 2)
		rmt_wire_add(&out, fields[0], fields[1]);
	rmt_wire_end(&out, header, header != NULL ? strlen(header) : 0);
	rmt_wire_in_feed(in, out.data, out.len);
	assert_int_equal(rmt_wire_in_next(in, &record), RMT_WIRE_RECORD);
	taken = rmt_agent_take(fixture->agent, &job);
	g_free(fixture->reason);
	fixture->reason = g_strdup(reason->str);
	g_string_truncate(fixture->rows, 0);
	if (rows.len > 0)
		g_string_append_len(fixture->rows, rows.data, (gssize)rows.len);
	rmt_wire_out_free(&out);
	rmt_wire_out_free(&rows);
	rmt_wire_in_destroy(&in);
	fixture->now_us++;
	return taken;
}

#define FIELDS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define PLACE                                                                            \
	"user", "bob@example.net", "box", "INBOX", "uidvalidity", "1", "uid", "7",       \
		"received", "1789990000", "addresses", "bob@example.net"

static inline void fixture_shown(struct agent_fixture *fixture, const char *header)
{
	assert_int_equal(
		fixture_job(fixture, "shown", FIELDS(PLACE, "how", "fetched"), header),
		RMT_TAKEN_ACK);
}

static inline guint sink_count(struct smtp_sink *sink)
{
	guint count;

	g_mutex_lock(&sink->lock);
	count = sink->mails->len;
	g_mutex_unlock(&sink->lock);
	return count;
}

/* Lets the agent work until so many jobs are left in the table (the daily sweep
 * is one), half a minute at most. */
static inline void fixture_work(struct agent_fixture *fixture, uint64_t jobs_left)
{
	int i;

	for (i = 0; i < 3000; i++) {
		rmt_agent_turn(fixture->agent);
		if (rmt_store_count(fixture->agent->store, "jobs") <= jobs_left)
			return;
		g_usleep(10000);
	}
	fail_msg("%d jobs are left, want %d",
		 (int)rmt_store_count(fixture->agent->store, "jobs"), (int)jobs_left);
}

static inline bool note_attempts(void *context, const struct rmt_job *job)
{
	*(unsigned *)context += job->attempts;
	return true;
}

/* Lets the agent work until a receipt was tried and is to be tried again, half a
 * minute at most. */
static inline void fixture_work_once(struct agent_fixture *fixture)
{
	unsigned attempts;
	int i;

	for (i = 0; i < 3000; i++) {
		attempts = 0;
		rmt_agent_turn(fixture->agent);
		rmt_jobs_walk(fixture->agent->store, "receipt", note_attempts, &attempts,
			      NULL);
		if (attempts > 0)
			return;
		g_usleep(10000);
	}
	fail_msg("no receipt was tried");
}

static inline enum rmt_claim_state fixture_state(struct agent_fixture *fixture,
						 const char *id)
{
	g_autoptr(rmt_claim) claim = NULL;

	assert_true(rmt_claim_get(fixture->agent->store, "bob@example.net", id, &claim,
				  NULL));
	return claim != NULL ? claim->state : RMT_CLAIM_NONE;
}

static inline bool gather_fields(void *context, const struct rmt_answer *answer)
{
	g_string_append_printf(context, "[%s]", answer->fields);
	return true;
}

static inline char *fixture_answers(struct agent_fixture *fixture)
{
	GString *all = g_string_new(NULL);

	assert_true(rmt_answers_walk(fixture->agent->store, "bob@example.net",
				     gather_fields, all, NULL));
	return g_string_free(all, FALSE);
}

static inline bool gather_event(void *context, const struct rmt_audit *line)
{
	g_string_append_printf(context, "%s/%s/%s ", line->event, line->by, line->rule);
	return true;
}

static inline char *fixture_trail(struct agent_fixture *fixture)
{
	GString *all = g_string_new(NULL);

	assert_true(rmt_audit_walk(fixture->agent->store, 0, gather_event, all, NULL));
	return g_string_free(all, FALSE);
}

#endif
