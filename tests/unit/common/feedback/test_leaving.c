/* SPDX-License-Identifier: MIT */
/* Who leaves counts against the stream once, by mail or by a link. Live: test_http. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/feedback/leaving.h"
#include "common/feedback/rates.h"
#include "common/store/suppress.h"
#include "tests/unit/common/feedback/feedback_fixture.h"

enum { DAY = 86400, TODAY = 20779, NOW = TODAY * DAY + 100 };

static const char config_text[] = "streams: { news: { senders = [\"*@news.test\"] } }\n";

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

static struct rmt_wish wish_of(const char *address, int64_t at)
{
	return (struct rmt_wish){ .entry = { .scope = (char *)"stream:news",
					     .address = (char *)address,
					     .reason = (char *)"unsubscribe",
					     .source = (char *)"one-click",
					     .note = (char *)"",
					     .since = at },
				  .stream = "news",
				  .by = "one-click",
				  .lists = "" };
}

static bool leave(struct fixture *f, const struct rmt_wish *wish)
{
	struct rmt_leaving leaving = { .wish = wish,
				       .sent_at = wish->entry.since,
				       .counted = true };
	struct rmt_leaving *one = &leaving;
	g_autoptr(rmt_deal) deal = rmt_deal_new();
	struct rmt_suppress_deal parts;

	rmt_suppress_deal_begin(&parts, deal);
	rmt_leavings_put(&parts, &one, 1, wish->entry.since * G_USEC_PER_SEC);
	rmt_suppress_deal_end(&parts);
	assert_true(rmt_deal_commit(f->store, deal, NULL, NULL));
	return leaving.counted;
}

static bool click(struct fixture *f, const char *address, int64_t at)
{
	const struct rmt_wish wish = wish_of(address, at);

	return leave(f, &wish);
}

/* On the day after NOW. */
static void take_back(struct fixture *f, const char *address, int64_t left_at)
{
	struct rmt_wish wish = wish_of(address, NOW + DAY);
	struct rmt_leaving leaving = { .wish = &wish }, *one = &leaving;
	g_autoptr(rmt_deal) deal = rmt_deal_new();
	struct rmt_suppress_deal parts;

	wish.take_back = true;
	wish.left_at = left_at;
	rmt_suppress_deal_begin(&parts, deal);
	rmt_leavings_put(&parts, &one, 1, (int64_t)NOW * G_USEC_PER_SEC);
	rmt_suppress_deal_end(&parts);
	assert_true(rmt_deal_commit(f->store, deal, NULL, NULL));
	assert_false(leaving.counted);
}

/* By mail, with the token of List-Unsubscribe. */
static void mail(struct fixture *f, const char *address, const char *message)
{
	g_autoptr(rmt_event) event = g_new0(struct rmt_event, 1);
	bool fresh;

	event->at = NOW;
	event->recipient = g_strdup(address);
	event->stream = g_strdup("news");
	event->provider = g_strdup("yahoo");
	event->message = g_strdup(message);
	event->class = RMT_CLASS_UNSUBSCRIBE;
	event->proof = RMT_PROOF_TAG;
	event->message_id = g_strdup("");
	event->queue_id = g_strdup("");
	event->status = g_strdup("");
	event->reply = g_strdup("");
	event->rule = g_strdup("token");
	event->evidence = g_strdup("");
	event->source = g_strdup("pipe");
	event->effect = g_strdup("");
	assert_true(rmt_feedback_act(f->feedback, event, NOW, &fresh, NULL));
	assert_true(fresh);
}

/* "yahoo 20779 2; ..." */
static bool put_row(void *context, const struct rmt_rates *rates)
{
	g_string_append_printf(
		context, "%s %d %d; ", rates->provider, (int)rates->day,
		(int)rates->counts[RMT_RATE_CLASSES + RMT_CLASS_UNSUBSCRIBE]);
	return true;
}

static void must_count(struct fixture *f, const char *want)
{
	g_autoptr(GString) rows = g_string_new(NULL);

	assert_true(rmt_rates_walk(f->store, "news", 0, put_row, rows, NULL));
	assert_string_equal(rows->str, want);
}

static void each_counts_at_his_provider_on_the_day_he_left(void **state)
{
	struct fixture *f = *state;

	assert_true(click(f, "ann@yahoo.com", NOW));
	assert_true(click(f, "bob@ymail.com", NOW));
	assert_true(click(f, "cid@gmail.com", NOW + DAY));
	must_count(f, "gmail 20780 1; yahoo 20779 2; ");
}

static void posted_again_it_counts_nothing(void **state)
{
	struct fixture *f = *state;
	int i;

	assert_true(click(f, "ann@yahoo.com", NOW));
	for (i = 0; i < 5; i++)
		assert_false(click(f, "ann@yahoo.com", NOW + i * DAY));
	must_count(f, "yahoo 20779 1; ");
}

static void taken_back_and_posted_again_it_counts_once(void **state)
{
	struct fixture *f = *state;
	int i;

	assert_true(click(f, "bob@yahoo.com", NOW));
	for (i = 0; i < 5; i++) {
		assert_true(click(f, "ann@yahoo.com", NOW + i));
		must_count(f, "yahoo 20779 2; ");
		take_back(f, "ann@yahoo.com", NOW + i);
		must_count(f, "yahoo 20779 1; ");
	}
	take_back(f, "ann@yahoo.com", NOW); /* there is nothing to take back */
	must_count(f, "yahoo 20779 1; ");
}

static void who_complained_is_not_heard_twice(void **state)
{
	struct fixture *f = *state;
	struct rmt_suppression entry = wish_of("ann@yahoo.com", NOW).entry;

	entry.reason = (char *)"complaint";
	assert_true(rmt_suppress_add(f->store, &entry, NULL));
	assert_false(click(f, "ann@yahoo.com", NOW));
	must_count(f, "");
}

static void by_mail_and_by_link_is_once(void **state)
{
	struct fixture *f = *state;

	mail(f, "ann@yahoo.com", "first");
	mail(f, "ann@yahoo.com", "second");
	assert_false(click(f, "ann@yahoo.com", NOW));
	must_count(f, "yahoo 20779 1; ");
	assert_true(click(f, "bob@yahoo.com", NOW));
	mail(f, "bob@yahoo.com", "third");
	must_count(f, "yahoo 20779 2; ");
	take_back(f, "bob@yahoo.com", NOW);
	must_count(f, "yahoo 20779 1; ");
	mail(f, "bob@yahoo.com", "fourth");
	must_count(f, "yahoo 20779 2; ");
}

static void several_in_one_commit_count_as_one_after_another(void **state)
{
	struct fixture *f = *state;
	const char *const who[] = { "ann@yahoo.com", "ann@yahoo.com", "bob@yahoo.com",
				    "ann@gmail.com", "bob@yahoo.com" };
	const int64_t when[] = { NOW, NOW, NOW, NOW, NOW + DAY };
	struct rmt_wish wishes[G_N_ELEMENTS(who)];
	struct rmt_leaving leavings[G_N_ELEMENTS(who)], *all[G_N_ELEMENTS(who)];
	g_autoptr(rmt_deal) deal = rmt_deal_new();
	struct rmt_suppress_deal parts;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(who); i++) {
		wishes[i] = wish_of(who[i], NOW);
		leavings[i] =
			(struct rmt_leaving){ .wish = &wishes[i], .sent_at = when[i] };
		all[i] = &leavings[i];
	}
	/* Who was there on the day before comes back, and goes again. */
	assert_true(click(f, "bob@yahoo.com", NOW - DAY));
	wishes[2].take_back = true;
	wishes[2].left_at = NOW - DAY;
	rmt_suppress_deal_begin(&parts, deal);
	rmt_leavings_put(&parts, all, G_N_ELEMENTS(who), (int64_t)NOW * G_USEC_PER_SEC);
	rmt_suppress_deal_end(&parts);
	assert_true(rmt_deal_commit(f->store, deal, NULL, NULL));
	assert_true(leavings[0].counted && !leavings[1].counted && !leavings[2].counted &&
		    leavings[3].counted && leavings[4].counted);
	must_count(f, "gmail 20779 1; yahoo 20778 0; yahoo 20779 1; yahoo 20780 1; ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_counts_at_his_provider_on_the_day_he_left),
		TEST(posted_again_it_counts_nothing),
		TEST(taken_back_and_posted_again_it_counts_once),
		TEST(who_complained_is_not_heard_twice),
		TEST(by_mail_and_by_link_is_once),
		TEST(several_in_one_commit_count_as_one_after_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
