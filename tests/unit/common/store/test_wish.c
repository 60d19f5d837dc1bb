/* SPDX-License-Identifier: MIT */
#include "tests/unit/common/store/store_fixture.h"

#include <jansson.h>

#include "common/base/log.h"
#include "common/store/audit.h"
#include "common/store/jobs.h"
#include "common/store/wish.h"

enum { NOW = 1795321652 };

static struct rmt_wish wish_of(const char *address, bool take_back)
{
	return (struct rmt_wish){ .entry = { .scope = (char *)"stream:news",
					     .address = (char *)address,
					     .reason = (char *)"unsubscribe",
					     .source = (char *)"one-click",
					     .note = (char *)"offers weekly",
					     .since = NOW },
				  .take_back = take_back,
				  .stream = "news",
				  .by = "one-click",
				  .lists = "offers weekly" };
}

static void make(struct store_fixture *fixture, const struct rmt_wish *wish)
{
	g_autoptr(rmt_deal) deal = rmt_deal_new();
	struct rmt_suppress_deal parts;
	GError *err = NULL;
	/* Lines of the audit trail have the order of their times. */
	int64_t later_us = (int64_t)rmt_store_count(fixture->store, "audit");

	rmt_suppress_deal_begin(&parts, deal);
	rmt_wish_put(&parts, wish, (int64_t)NOW * G_USEC_PER_SEC + later_us);
	rmt_suppress_deal_end(&parts);
	assert_ok(rmt_deal_commit(fixture->store, deal, NULL, &err), err);
}

static void a_scope_is_as_the_stream_says(void **state)
{
	struct rmt_stream stream = { .name = (char *)"news",
				     .class = (char *)"promotional" };
	static const struct {
		int scope;
		const char *want;
	} cases[] = {
		{ RMT_SCOPE_STREAM, "stream:news" },
		{ RMT_SCOPE_CLASS, "class:promotional" },
		{ RMT_SCOPE_ALL, "all" },
	};
	g_autofree char *gone = rmt_wish_scope(NULL, "news");
	size_t i;

	(void)state;
	assert_string_equal(gone, "stream:news"); /* of a stream that is no more */
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *scope = NULL;

		stream.unsubscribe.scope = cases[i].scope;
		scope = rmt_wish_scope(&stream, "news");
		assert_string_equal(scope, cases[i].want);
	}
}

static bool see(void *context, const struct rmt_audit *line)
{
	g_string_append_printf(context, "%s %s %s %s %s; ", line->event, line->user,
			       line->target, line->by, line->note);
	return true;
}

static void each_wish_has_a_line_of_the_audit_trail(void **state)
{
	const struct rmt_wish leave = wish_of("ann@example.org", false);
	const struct rmt_wish back = wish_of("ann@example.org", true);
	struct store_fixture *fixture = *state;
	g_autoptr(GString) seen = g_string_new(NULL);

	make(fixture, &leave);
	make(fixture, &back);
	assert_true(rmt_audit_walk(fixture->store, 0, see, seen, NULL));
	assert_string_equal(
		seen->str, "unsubscribed ann@example.org news one-click offers weekly; "
			   "resubscribed ann@example.org news one-click offers weekly; ");
}

static GPtrArray *due(struct store_fixture *fixture)
{
	GPtrArray *jobs = NULL;
	int64_t next;

	assert_true(rmt_jobs_due(fixture->store, NOW, 100, &jobs, &next, NULL));
	return jobs;
}

static void who_wants_no_webhook_has_no_job(void **state)
{
	const struct rmt_wish wish = wish_of("ann@example.org", false);
	g_autoptr(GPtrArray) jobs = NULL;

	make(*state, &wish);
	jobs = due(*state);
	assert_int_equal(jobs->len, 0);
}

static void a_webhook_is_told_once_what_changed(void **state)
{
	struct rmt_wish wish = wish_of("ann@example.org", false);
	struct store_fixture *fixture = *state;
	g_autoptr(GPtrArray) jobs = NULL;
	const struct rmt_job *job;
	json_t *told;

	wish.webhook = true;
	make(fixture, &wish);
	make(fixture, &wish);
	jobs = due(fixture);
	assert_int_equal(jobs->len, 1);
	job = jobs->pdata[0];
	assert_string_equal(job->kind, "webhook");
	told = json_loadb(job->payload.p, job->payload.len, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(told, "event")),
			    "unsubscribed");
	assert_string_equal(json_string_value(json_object_get(told, "address")),
			    "ann@example.org");
	assert_int_equal(json_array_size(json_object_get(told, "lists")), 2);
	json_decref(told);
}

static void only_what_changes_is_news(void **state)
{
	struct rmt_stream stream = { .name = (char *)"news" };
	const struct rmt_wish leave = wish_of("ann@example.org", false);
	const struct rmt_wish back = wish_of("ann@example.org", true);
	struct rmt_store *store = ((struct store_fixture *)*state)->store;

	assert_false(rmt_wish_is_news(store, &stream, &leave)); /* nobody to tell */
	assert_false(rmt_wish_is_news(store, NULL, &leave));
	stream.unsubscribe.webhook = (char *)"https://lists.example.com/hook";
	assert_true(rmt_wish_is_news(store, &stream, &leave));
	assert_false(rmt_wish_is_news(store, &stream, &back));
	make(*state, &leave);
	assert_false(rmt_wish_is_news(store, &stream, &leave));
	assert_true(rmt_wish_is_news(store, &stream, &back));
}

/* --- the log ---------------------------------------------------------------------- */

static void take_line(void *context, enum rmt_log_level level, const char *line)
{
	(void)level;
	g_ptr_array_add(context, g_strdup(line));
}

static GPtrArray *logged(const struct rmt_wish *const wishes[], size_t count)
{
	GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);

	rmt_log_init("test", RMT_LOG_INFO, take_line, lines);
	rmt_wish_log(wishes, count);
	rmt_log_init("test", RMT_LOG_INFO, NULL, NULL);
	return lines;
}

static void those_who_leave_alike_share_a_line(void **state)
{
	const struct rmt_wish ann = wish_of("ann@example.org", false);
	const struct rmt_wish bob = wish_of("bob@example.org", false);
	const struct rmt_wish back = wish_of("ann@example.org", true);
	struct rmt_wish page = wish_of("eve@example.org", false);
	const struct rmt_wish *const wishes[] = { &ann, &bob, &back, &page };
	g_autoptr(GPtrArray) lines = NULL;

	(void)state;
	page.by = "page";
	page.lists = "";
	lines = logged(wishes, G_N_ELEMENTS(wishes));
	assert_int_equal(lines->len, 3);
	assert_string_equal(lines->pdata[0],
			    "unsubscribed stream=news scope=stream:news by=one-click "
			    "address=<ann@example.org> address=<bob@example.org> "
			    "lists=\"offers weekly\"");
	assert_string_equal(lines->pdata[1],
			    "resubscribed stream=news scope=stream:news by=one-click "
			    "address=<ann@example.org> lists=\"offers weekly\"");
	assert_string_equal(lines->pdata[2], "unsubscribed stream=news scope=stream:news "
					     "by=page address=<eve@example.org>");
}

static void no_line_is_endless(void **state)
{
	enum { MANY = 100 };
	const struct rmt_wish ann = wish_of("ann@example.org", false);
	const struct rmt_wish *wishes[MANY];
	g_autoptr(GPtrArray) lines = NULL;
	size_t told = 0;
	guint i;

	(void)state;
	for (i = 0; i < MANY; i++)
		wishes[i] = &ann;
	lines = logged(wishes, MANY);
	for (i = 0; i < lines->len; i++) {
		const char *at = lines->pdata[i];

		assert_true(strlen(at) < 1024);
		while ((at = strstr(at, "address=<ann@example.org>")) != NULL) {
			at++;
			told++;
		}
	}
	assert_int_equal(told, MANY);
}

static void nobody_left_nothing_is_logged(void **state)
{
	g_autoptr(GPtrArray) lines = logged(NULL, 0);

	(void)state;
	assert_int_equal(lines->len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_scope_is_as_the_stream_says),
		ON_MEM(each_wish_has_a_line_of_the_audit_trail),
		ON_MEM(who_wants_no_webhook_has_no_job),
		ON_MEM(a_webhook_is_told_once_what_changed),
		ON_MEM(only_what_changes_is_news),
		cmocka_unit_test(those_who_leave_alike_share_a_line),
		cmocka_unit_test(no_line_is_endless),
		cmocka_unit_test(nobody_left_nothing_is_logged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
