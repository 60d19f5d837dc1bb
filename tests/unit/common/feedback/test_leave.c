/* SPDX-License-Identifier: MIT */
/* Mail to the mailto address of List-Unsubscribe: whose token is in its subject leaves.
 * Live: test_unsubscribe_mailto. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/store/audit.h"
#include "common/store/jobs.h"
#include "common/store/suppress.h"
#include "tests/unit/common/feedback/feedback_fixture.h"

enum { NOW = 1795312800 };

static const char config_text[] =
	"streams: {\n"
	" news: { senders = [\"*@news.test\"] unsubscribe: {\n"
	"  https = \"https://m.test/u/\" mailto = \"leave@b.test\"\n"
	"  webhook = \"https://l.test/hook\" webhook_secret = \"/etc/remite/hook\" } }\n"
	" shop: { senders = [\"*@shop.test\"] class = \"shop\"\n"
	"  unsubscribe: { mailto = \"leave@b.test\" scope = \"class\" } }\n"
	"}\n";

static int start(void **state)
{
	*state = fixture_new(config_text, NOW);
	return 0;
}

static int stop(void **state)
{
	fixture_free(*state);
	return 0;
}

static char *token_of(struct fixture *f, enum rmt_purpose purpose, const char *stream)
{
	g_autoptr(rmt_sealer) sealer = rmt_sealer_new(f->ring.keys, purpose, NOW);
	const struct rmt_unsub unsub = { .stream = rmt_span_of(stream),
					 .recipient = RMT_SPAN("Ann@example.org"),
					 .list_count = 1,
					 .lists = { RMT_SPAN("offers") } };
	GString *token = g_string_new(NULL);

	assert_true(rmt_unsub_token_make(sealer, &unsub, token, NULL));
	return g_string_free(token, FALSE);
}

/* The line for the log of a mail to `to` with this header and text. */
static char *mail(struct fixture *f, const char *to, const char *header)
{
	g_autofree char *text =
		g_strconcat("From: ann@example.org\r\n", header, "\r\nplease\r\n", NULL);
	const struct rmt_feedback_item item = { "pipe", to, "ann@example.org", "4Zk",
						rmt_span_of(text) };
	struct rmt_feedback_done done;
	struct rmt_inbox_id id;
	GError *err = NULL;
	char *line;

	if (!rmt_feedback_take(f->feedback, &item, NOW, &id, &err) ||
	    !rmt_feedback_work(f->feedback, &id, NOW, &done, &err))
		fail_msg("%s", err->message);
	line = g_strdup(done.line->str);
	rmt_feedback_done_clear(&done);
	return line;
}

/* "scope reason; ..." */
static char *barred(struct fixture *f)
{
	g_autoptr(GPtrArray) entries = NULL;
	GString *out = g_string_new(NULL);
	guint i;

	assert_true(rmt_suppress_find(f->store, "ann@example.org", &entries, NULL));
	for (i = 0; i < entries->len; i++) {
		const struct rmt_suppression *entry = entries->pdata[i];

		g_string_append_printf(out, "%s %s; ", entry->scope, entry->reason);
	}
	return g_string_free(out, FALSE);
}

static void must_be(struct fixture *f, const char *want)
{
	g_autofree char *got = barred(f);

	assert_string_equal(got, want);
}

/* "=?utf-8?q?TOKEN?=" cut into words of 60 letters, as programs fold long words. */
static char *encoded(const char *token)
{
	GString *out = g_string_new("unsubscribe");

	for (; *token != '\0'; token += strnlen(token, 60))
		g_string_append_printf(out, "\r\n =?utf-8?q?%.60s?=", token);
	return g_string_free(out, FALSE);
}

static void a_token_in_the_subject_leaves_however_it_is_written(void **state)
{
	struct fixture *f = *state;
	g_autofree char *token = token_of(f, RMT_PURPOSE_UNSUBSCRIBE, "news");
	g_autofree char *upper = g_ascii_strup(token, -1), *words = encoded(token);
	const char *const subjects[] = {
		g_strconcat("unsubscribe ", token, NULL),
		g_strconcat(token, NULL),
		g_strconcat("Re: unsubscribe ", token, " please", NULL),
		g_strconcat("unsubscribe\r\n ", token, NULL),
		g_strconcat("unsubscribe\r\n\t", upper, NULL),
		g_strconcat(words, NULL),
	};
	const struct rmt_suppression gone = { .scope = (char *)"stream:news",
					      .address = (char *)"ann@example.org" };
	size_t i, removed;

	for (i = 0; i < G_N_ELEMENTS(subjects); i++) {
		g_autofree char *header =
			g_strconcat("Subject: ", subjects[i], "\r\n", NULL);
		g_autofree char *line = mail(f, "leave@b.test", header);

		if (strstr(line, "kind=unsubscribe") == NULL)
			fail_msg("%s: %s", header, line);
		must_be(f, "stream:news unsubscribe; ");
		assert_true(rmt_suppress_remove(f->store, gone.scope, gone.address,
						&removed, NULL));
		g_free((char *)subjects[i]);
	}
}

static void behind_a_plus_where_the_address_had_room(void **state)
{
	struct fixture *f = *state;
	g_autofree char *token = token_of(f, RMT_PURPOSE_UNSUBSCRIBE, "news");
	g_autofree char *to = g_strconcat("Leave+", token, "@b.test", NULL);
	g_autofree char *line = mail(f, to, "Subject: anything\r\n");

	assert_non_null(strstr(line, "kind=unsubscribe"));
	must_be(f, "stream:news unsubscribe; ");
}

static void nobody_else_is_made_to_leave(void **state)
{
	struct fixture *f = *state;
	g_autofree char *token = token_of(f, RMT_PURPOSE_UNSUBSCRIBE, "news");
	g_autofree char *other = token_of(f, RMT_PURPOSE_UNDO, "news");
	g_autofree char *cut = g_strndup(token, strlen(token) - 1);
	g_autofree char *changed = g_strdup(token);
	size_t i;

	changed[20] = changed[20] == 'a' ? 'b' : 'a';
	{
		const char *const headers[] = {
			g_strconcat("Subject: unsubscribe\r\n", NULL),
			g_strconcat("Subject: unsubscribe ann@example.org\r\n", NULL),
			g_strconcat("Subject: ", other, "\r\n", NULL),
			g_strconcat("Subject: ", cut, "\r\n", NULL),
			g_strconcat("Subject: ", changed, "\r\n", NULL),
			g_strconcat("Subject: x", token, "\r\n", NULL),
			g_strconcat("X-Subject: ", token, "\r\n", NULL),
			g_strconcat("\r\nSubject: ", token, "\r\n", NULL), /* body */
			g_strconcat("List-Unsubscribe: <https://m.test/u/", token,
				    ">\r\n", NULL),
		};

		for (i = 0; i < G_N_ELEMENTS(headers); i++) {
			g_autofree char *line = mail(f, "leave@b.test", headers[i]);
			g_autofree char *got = barred(f);

			if (*got != '\0')
				fail_msg("%s: %s: %s", headers[i], line, got);
			g_free((char *)headers[i]);
		}
	}
}

static void the_scope_is_the_setting_and_of_a_stream_that_is_gone_its_own(void **state)
{
	static const struct {
		const char *stream, *want;
	} cases[] = {
		{ "shop", "class:shop unsubscribe; " },
		{ "old", "class:shop unsubscribe; stream:old unsubscribe; " },
	};
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *token =
			token_of(f, RMT_PURPOSE_UNSUBSCRIBE, cases[i].stream);
		g_autofree char *header = g_strconcat("Subject: ", token, "\r\n", NULL);
		g_autofree char *line = mail(f, "leave@b.test", header);

		assert_non_null(strstr(line, "kind=unsubscribe"));
		must_be(f, cases[i].want);
	}
}

static bool count_lines(void *context, const struct rmt_audit *line)
{
	assert_string_equal(line->event, "unsubscribed");
	assert_string_equal(line->by, "mail");
	assert_string_equal(line->note, "offers");
	++*(unsigned *)context;
	return true;
}

/* As by a link: audit, webhook; a complaint stays what it is. */
static void a_mail_does_what_a_link_does(void **state)
{
	struct fixture *f = *state;
	g_autofree char *token = token_of(f, RMT_PURPOSE_UNSUBSCRIBE, "news");
	g_autofree char *header = g_strconcat("Subject: ", token, "\r\n", NULL);
	struct rmt_suppression complaint = { .scope = (char *)"stream:news",
					     .address = (char *)"ann@example.org",
					     .reason = (char *)"complaint",
					     .source = (char *)"test",
					     .note = (char *)"",
					     .since = NOW };
	g_autoptr(GPtrArray) jobs = NULL;
	unsigned lines = 0;
	int64_t next;

	assert_true(rmt_suppress_add(f->store, &complaint, NULL));
	g_free(mail(f, "leave@b.test", header));
	must_be(f, "stream:news complaint; ");
	assert_true(rmt_audit_walk(f->store, 0, count_lines, &lines, NULL));
	assert_int_equal(lines, 1);
	assert_true(rmt_jobs_due(f->store, NOW, 10, &jobs, &next, NULL));
	assert_int_equal(jobs->len, 1);
	assert_string_equal(((struct rmt_job *)jobs->pdata[0])->kind, "webhook");
}

static void the_same_mail_twice_is_one(void **state)
{
	struct fixture *f = *state;
	g_autofree char *token = token_of(f, RMT_PURPOSE_UNSUBSCRIBE, "news");
	g_autofree char *header = g_strconcat("Subject: ", token, "\r\n", NULL);
	g_autofree char *first = mail(f, "leave@b.test", header);
	g_autofree char *second = mail(f, "leave@b.test", header);

	assert_null(strstr(first, "known=yes"));
	assert_non_null(strstr(second, "known=yes"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(a_token_in_the_subject_leaves_however_it_is_written),
		TEST(behind_a_plus_where_the_address_had_room),
		TEST(nobody_else_is_made_to_leave),
		TEST(the_scope_is_the_setting_and_of_a_stream_that_is_gone_its_own),
		TEST(a_mail_does_what_a_link_does),
		TEST(the_same_mail_twice_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
