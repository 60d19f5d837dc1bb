/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/limits/reserve.h"

#define SEC INT64_C(1000000000)
#define T0  (INT64_C(1700000000) * SEC)

enum { RCPT = 1 << 2, DATA = 1 << 3, END = 1 << 4 };
enum { USER = 11, DOMAIN_A = 21, DOMAIN_B = 22, BYTES = 31, MESSAGES = 41, PART = 51 };

static const struct rmt_amount ten = { true, 10, 3600 * (uint64_t)SEC, 0 };
static const struct rmt_amount hundred = { true, 100, 3600 * (uint64_t)SEC, 0 };
static const struct rmt_amount ten_rate = { false, 10, 3600 * (uint64_t)SEC, 10 };

struct fixture {
	struct rmt_counters *counters;
	struct rmt_reservations *reservations;
};

/* Keys are hashes: small numbers, spread. */
static uint64_t key(uint64_t n)
{
	return n * UINT64_C(0x9e3779b97f4a7c15);
}

static int setup(void **state)
{
	struct rmt_counters_options options = { .wall_secs = T0 / SEC };
	struct fixture *f = g_new0(struct fixture, 1);

	rmt_counters_open(&f->counters, &options, NULL);
	f->reservations = rmt_reservations_new(f->counters, 60 * (uint64_t)SEC);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	rmt_reservations_free(f->reservations);
	rmt_counters_close(&f->counters);
	g_free(f);
	return 0;
}

static struct rmt_message message(uint64_t id, int64_t at)
{
	return (struct rmt_message){
		.id = key(id), .envelope = 5, .connection = 1, .line_ns = T0 + at
	};
}

static struct rmt_share share(uint64_t n, const struct rmt_amount *amount,
			      enum rmt_unit unit, bool per_recipient)
{
	return (struct rmt_share){ key(n), amount, unit, per_recipient, false };
}

static enum rmt_reserve_result ask(struct fixture *f, struct rmt_message m, uint64_t rcpt,
				   const struct rmt_share *shares, size_t count)
{
	struct rmt_usage usage;
	uint64_t would;
	size_t at;

	return rmt_reserve(f->reservations, &m, rcpt, shares, count, false, &at, &usage,
			   &would);
}

static uint64_t used(struct fixture *f, uint64_t n, const struct rmt_amount *amount,
		     int64_t at)
{
	struct rmt_usage usage;

	rmt_counters_fits(f->counters, key(n), amount, 0, T0 + at, &usage);
	return usage.used;
}

static void a_recipient_asked_for_twice_is_held_once(void **state)
{
	struct fixture *f = *state;
	struct rmt_share user = share(USER, &ten, RMT_UNIT_RECIPIENTS, false);

	assert_int_equal(ask(f, message(1, 0), 100, &user, 1), RMT_RESERVED);
	assert_int_equal(ask(f, message(1, 0), 100, &user, 1), RMT_RESERVED);
	assert_int_equal(used(f, USER, &ten, 0), 1);
	assert_int_equal(ask(f, message(1, 0), 101, &user, 1), RMT_RESERVED);
	assert_int_equal(used(f, USER, &ten, 0), 2);
	assert_int_equal(rmt_reservations_open(f->reservations), 1);
}

static void all_shares_are_held_or_none(void **state)
{
	struct fixture *f = *state;
	struct rmt_share shares[2] = { share(USER, &hundred, RMT_UNIT_RECIPIENTS, false),
				       share(MESSAGES, &ten, RMT_UNIT_RECIPIENTS,
					     false) };
	struct rmt_message m = message(1, 0);
	struct rmt_usage usage;
	uint64_t i, would;
	size_t at;

	for (i = 1; i <= 10; i++)
		assert_int_equal(ask(f, m, i, shares, 2), RMT_RESERVED);
	assert_int_equal(rmt_reserve(f->reservations, &m, 11, shares, 2, false, &at,
				     &usage, &would),
			 RMT_RESERVE_EXCEEDED);
	assert_int_equal(at, 1);
	assert_int_equal(usage.used, 10);
	assert_int_equal(usage.limit, 10);
	assert_int_equal(used(f, USER, &hundred, 0), 10);
	assert_true(rmt_reserve_release(f->reservations, m.id));
	assert_false(rmt_reserve_release(f->reservations, m.id));
	assert_int_equal(used(f, USER, &hundred, 0), 0);
	assert_int_equal(used(f, MESSAGES, &ten, 0), 0);
}

static void a_report_share_that_does_not_fit_is_told_and_not_added(void **state)
{
	struct fixture *f = *state;
	struct rmt_share shares[2] = { share(USER, &ten, RMT_UNIT_RECIPIENTS, false),
				       share(PART, &hundred, RMT_UNIT_RECIPIENTS,
					     false) };
	struct rmt_message m = message(1, 0);
	uint64_t i, would;
	size_t at;

	shares[0].report = true;
	for (i = 1; i <= 12; i++) {
		assert_int_equal(rmt_reserve(f->reservations, &m, i, shares, 2, false,
					     &at, NULL, &would),
				 RMT_RESERVED);
		assert_int_equal(would, i > 10 ? 1 : 0);
	}
	assert_int_equal(used(f, USER, &ten, 0), 10);
	assert_int_equal(used(f, PART, &hundred, 0), 12);
}

static void dry_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct rmt_share user = share(USER, &ten, RMT_UNIT_RECIPIENTS, false);
	struct rmt_message m = message(1, 0);
	uint64_t would;
	size_t at;

	assert_int_equal(
		rmt_reserve(f->reservations, &m, 1, &user, 1, true, &at, NULL, &would),
		RMT_RESERVED);
	assert_int_equal(used(f, USER, &ten, 0), 0);
	assert_int_equal(rmt_reservations_open(f->reservations), 0);
	assert_int_equal(rmt_reservations_stages_seen(f->reservations), 0);
}

/* Two recipients at A, one at B, all against the sender's counter; what stands
 * of each counter after a commit that says this. */
static void commits_charge_what_the_server_accepted(void **state)
{
	static const struct {
		const char *what;
		uint64_t count, named;
		uint64_t user, a, b, part, bytes, messages;
		bool candidates;
	} cases[] = {
		{ "all", 3, 0, 3, 2, 1, 2, 900, 1, false },
		{ "not said", 0, 0, 3, 2, 1, 2, 900, 1, false },
		{ "one refused", 2, 0, 2, 2, 1, 2, 900, 1, true },
		{ "two refused", 1, 0, 1, 1, 1, 1, 900, 1, true },
		{ "two refused, one at A named", 1, 102, 1, 1, 0, 1, 900, 1, false },
		{ "two refused, the one at B named", 1, 103, 1, 0, 1, 0, 900, 1, false },
		{ "a stranger named", 1, 999, 1, 0, 0, 0, 900, 1, false },
		{ "more than asked for", 5, 0, 5, 2, 1, 2, 900, 1, false },
	};
	struct fixture *f;
	size_t i;
	bool data;

	for (i = 0; i < 2 * G_N_ELEMENTS(cases); i++) {
		const typeof(cases[0]) *c = &cases[i / 2];
		struct rmt_share shares[] = {
			share(USER, &hundred, RMT_UNIT_RECIPIENTS, false),
			share(DOMAIN_A, &hundred, RMT_UNIT_RECIPIENTS, true),
			share(BYTES,
			      &(struct rmt_amount){ true, 5000, 3600 * (uint64_t)SEC },
			      RMT_UNIT_BYTES, false),
			share(MESSAGES, &hundred, RMT_UNIT_MESSAGES, false),
			/* the sender's, but for recipients at A alone */
			share(PART, &hundred, RMT_UNIT_RECIPIENTS, false),
		};
		struct rmt_message m = message(1, 0);
		struct rmt_commit commit = { c->count, c->named, 0 };

		assert_int_equal(setup(state), 0);
		f = *state;
		m.size = 500; /* declared */
		ask(f, m, 101, shares, 5);
		ask(f, m, 102, shares, 5);
		shares[1].key = key(DOMAIN_B);
		ask(f, m, 103, shares, 4);
		assert_int_equal(used(f, BYTES, shares[2].amount, 0), 500);
		data = i % 2 == 1; /* and the same with DATA in between */
		if (data)
			assert_int_equal(
				rmt_reserve_confirm(f->reservations, &m, &commit),
				RMT_COMMITTED);
		if (data && c->count <= 3) {
			assert_int_equal(used(f, USER, &hundred, 0), c->user);
			assert_int_equal(used(f, DOMAIN_A, &hundred, 0), c->a);
			assert_int_equal(used(f, DOMAIN_B, &hundred, 0), c->b);
		}
		commit.size = 900; /* real */
		assert_int_equal(rmt_reserve_commit(f->reservations, &m, &commit),
				 RMT_COMMITTED);
		assert_int_equal(commit.reserved, 3);
		assert_int_equal(commit.candidates_charged, c->candidates);
		assert_int_equal(used(f, USER, &hundred, 0), c->user);
		assert_int_equal(used(f, DOMAIN_A, &hundred, 0), c->a);
		assert_int_equal(used(f, DOMAIN_B, &hundred, 0), c->b);
		assert_int_equal(used(f, PART, &hundred, 0), c->part);
		assert_int_equal(used(f, BYTES, shares[2].amount, 0), c->bytes);
		assert_int_equal(used(f, MESSAGES, &hundred, 0), c->messages);
		assert_int_equal(rmt_reserve_commit(f->reservations, &m, &commit),
				 RMT_COMMIT_UNKNOWN);
		teardown(state);
	}
	setup(state);
}

static void all_of_one_domain_are_charged_exactly(void **state)
{
	struct fixture *f = *state;
	struct rmt_share a = share(DOMAIN_A, &ten, RMT_UNIT_RECIPIENTS, true);
	struct rmt_commit commit = { .recipient_count = 2 };
	struct rmt_message m = message(1, 0);
	uint64_t i;

	for (i = 1; i <= 3; i++)
		ask(f, m, i, &a, 1);
	rmt_reserve_commit(f->reservations, &m, &commit);
	assert_int_equal(used(f, DOMAIN_A, &ten, 0), 2);
	assert_false(commit.candidates_charged);
}

static void what_is_held_is_charged_when_committed_not_before(void **state)
{
	struct fixture *f = *state;
	struct rmt_share user = share(USER, &ten_rate, RMT_UNIT_RECIPIENTS, false);
	struct rmt_message m = message(1, 0);
	struct rmt_commit commit = { .recipient_count = 1 };

	ask(f, m, 1, &user, 1);
	/* an hour of nothing: a reservation does not drain */
	assert_int_equal(used(f, USER, &ten_rate, 3600 * SEC), 1);
	m.line_ns = T0 + 3600 * SEC;
	rmt_reserve_commit(f->reservations, &m, &commit);
	assert_int_equal(used(f, USER, &ten_rate, 3600 * SEC), 1);
	assert_int_equal(used(f, USER, &ten_rate, 3600 * SEC + 360 * SEC), 0);
}

static void another_instance_releases_what_was_before(void **state)
{
	struct fixture *f = *state;
	struct rmt_share user = share(USER, &ten, RMT_UNIT_RECIPIENTS, false);

	rmt_reservations_set_stages(f->reservations, RCPT | DATA | END);
	rmt_reserve_instance(f->reservations, 1, key(1), T0);
	ask(f, message(1, 0), 1, &user, 1);
	rmt_reserve_instance(f->reservations, 1, key(1), T0);
	assert_int_equal(used(f, USER, &ten, 0), 1);
	/* a second connection takes part, and one that does not names others */
	rmt_reserve_instance(f->reservations, 2, key(1), T0);
	rmt_reserve_instance(f->reservations, 3, key(7), T0);
	rmt_reserve_instance(f->reservations, 3, key(8), T0);
	assert_int_equal(used(f, USER, &ten, 0), 1);
	rmt_reserve_closed(f->reservations, 3, T0);
	rmt_reserve_closed(f->reservations, 2, T0);
	assert_int_equal(used(f, USER, &ten, 0), 0);
	rmt_reserve_instance(f->reservations, 1, key(2), T0);
	assert_int_equal(rmt_reservations_open(f->reservations), 0);
}

static void silence_releases_after_the_time_out(void **state)
{
	struct fixture *f = *state;
	struct rmt_share user = share(USER, &ten, RMT_UNIT_RECIPIENTS, false);

	rmt_reservations_set_stages(f->reservations, RCPT | DATA | END);
	ask(f, message(1, 0), 1, &user, 1);
	ask(f, message(2, 10 * SEC), 1, &user, 1);
	ask(f, message(1, 20 * SEC), 1, &user, 1); /* a repeat is a sign of life */
	assert_int_equal(rmt_reservations_expire(f->reservations, T0 + 69 * SEC), 0);
	assert_int_equal(rmt_reservations_expire(f->reservations, T0 + 70 * SEC), 1);
	assert_int_equal(used(f, USER, &ten, 70 * SEC), 1);
	assert_int_equal(rmt_reservations_expire(f->reservations, T0 + 80 * SEC), 1);
	assert_int_equal(used(f, USER, &ten, 80 * SEC), 0);
}

static void another_envelope_is_another_message(void **state)
{
	struct fixture *f = *state;
	struct rmt_share user = share(USER, &ten, RMT_UNIT_RECIPIENTS, false);
	struct rmt_message m = message(1, 0);

	ask(f, m, 1, &user, 1);
	ask(f, m, 2, &user, 1);
	m.envelope = 6;
	ask(f, m, 2, &user, 1);
	assert_int_equal(used(f, USER, &ten, 0), 1);
}

/* One message of one recipient on connection 1, left for the next instance. */
static void leave(struct fixture *f, uint64_t id)
{
	struct rmt_share user = share(USER, &ten, RMT_UNIT_RECIPIENTS, false);

	rmt_reserve_instance(f->reservations, 1, key(id), T0);
	ask(f, message(id, 0), 1, &user, 1);
	rmt_reserve_instance(f->reservations, 1, key(1000 + id), T0);
}

static void three_left_in_a_row_teach_that_only_rcpt_is_asked(void **state)
{
	struct fixture *f = *state;
	struct rmt_message m = message(50, 0);
	struct rmt_commit commit = { 0 };

	leave(f, 1);
	leave(f, 2);
	assert_int_equal(used(f, USER, &ten, 0), 2);
	assert_int_equal(rmt_reservations_open(f->reservations), 2);
	leave(f, 3); /* these are committed after all */
	leave(f, 4); /* and so is what follows, forgotten at once */
	assert_int_equal(used(f, USER, &ten, 0), 4);
	assert_int_equal(rmt_reservations_open(f->reservations), 3);
	assert_int_equal(rmt_reservations_stages_seen(f->reservations), RCPT);
	/* The first END-OF-MESSAGE proves it wrong: what is still known goes back. */
	assert_int_equal(rmt_reserve_commit(f->reservations, &m, &commit),
			 RMT_COMMIT_UNKNOWN);
	assert_int_equal(used(f, USER, &ten, 0), 1);
	assert_int_equal(rmt_reservations_stages_seen(f->reservations), RCPT | END);
	leave(f, 5);
	assert_int_equal(used(f, USER, &ten, 0), 1);
}

static uint64_t held_keys(struct fixture *f)
{
	struct rmt_counters_stats stats;

	rmt_counters_stats(f->counters, &stats);
	return stats.held_keys;
}

static void asked_at_rcpt_alone_takes_at_once_and_each_recipient_once(void **state)
{
	struct fixture *f = *state;
	struct rmt_share shares[] = { share(USER, &ten, RMT_UNIT_RECIPIENTS, false),
				      share(MESSAGES, &ten, RMT_UNIT_MESSAGES, false) };

	rmt_reservations_set_stages(f->reservations, RCPT);
	rmt_reserve_instance(f->reservations, 1, key(1), T0);
	assert_int_equal(ask(f, message(1, 0), 100, shares, 2), RMT_RESERVED);
	assert_int_equal(ask(f, message(1, 0), 100, shares, 2), RMT_RESERVED);
	assert_int_equal(ask(f, message(1, 0), 101, shares, 2), RMT_RESERVED);
	assert_int_equal(held_keys(f), 0);
	assert_int_equal(used(f, USER, &ten, 0), 2);
	assert_int_equal(used(f, MESSAGES, &ten, 0), 1);
	rmt_reserve_instance(f->reservations, 1, key(2), T0);
	assert_int_equal(rmt_reservations_open(f->reservations), 0);
	assert_int_equal(used(f, USER, &ten, 0), 2);
}

static void what_was_taken_is_given_back_by_who_releases(void **state)
{
	struct fixture *f = *state;
	struct rmt_share user = share(USER, &ten_rate, RMT_UNIT_RECIPIENTS, false);

	rmt_reservations_set_stages(f->reservations, RCPT);
	assert_int_equal(ask(f, message(1, 0), 100, &user, 1), RMT_RESERVED);
	assert_true(rmt_reserve_release(f->reservations, key(1)));
	assert_int_equal(used(f, USER, &ten_rate, 0), 0);
}

static void who_asks_later_all_the_same_is_held_to_what_stands(void **state)
{
	struct fixture *f = *state;
	struct rmt_share user = share(USER, &ten_rate, RMT_UNIT_RECIPIENTS, false);
	struct rmt_message m = message(1, 0);
	struct rmt_commit commit = { .recipient_count = 1 };

	rmt_reservations_set_stages(f->reservations, RCPT);
	ask(f, m, 100, &user, 1);
	ask(f, m, 101, &user, 1);
	assert_int_equal(rmt_reserve_confirm(f->reservations, &m, &commit),
			 RMT_COMMITTED);
	assert_int_equal(held_keys(f), 1);
	assert_int_equal(used(f, USER, &ten_rate, 0), 1);
	rmt_reserve_commit(f->reservations, &m, &commit);
	assert_int_equal(held_keys(f), 0);
	assert_int_equal(used(f, USER, &ten_rate, 0), 1);
}

static void closing_teaches_nothing(void **state)
{
	struct fixture *f = *state;
	struct rmt_share user = share(USER, &ten, RMT_UNIT_RECIPIENTS, false);
	uint64_t i;

	for (i = 1; i <= 5; i++) {
		rmt_reserve_instance(f->reservations, 1, key(i), T0);
		ask(f, message(i, 0), 1, &user, 1);
		rmt_reserve_closed(f->reservations, 1, T0);
	}
	rmt_reservations_expire(f->reservations, T0 + 61 * SEC);
	assert_int_equal(used(f, USER, &ten, 61 * SEC), 0);
}

static void asked_at_data_and_not_later_commits_what_reached_data(void **state)
{
	struct fixture *f = *state;
	struct rmt_share user = share(USER, &ten, RMT_UNIT_RECIPIENTS, false);
	struct rmt_message m = message(1, 0);
	struct rmt_commit commit = { .recipient_count = 2 };
	uint64_t i;

	rmt_reserve_instance(f->reservations, 1, m.id, T0);
	for (i = 1; i <= 3; i++)
		ask(f, m, i, &user, 1);
	rmt_reserve_confirm(f->reservations, &m, &commit);
	leave(f, 2);
	assert_int_equal(used(f, USER, &ten, 0), 2);
	assert_int_equal(rmt_reservations_open(f->reservations), 0);
}

static void without_a_reservation_the_message_is_charged_whole_or_not_at_all(void **state)
{
	struct fixture *f = *state;
	struct rmt_share shares[2] = { share(USER, &hundred, RMT_UNIT_RECIPIENTS, false),
				       share(MESSAGES, &ten, RMT_UNIT_RECIPIENTS,
					     false) };
	struct rmt_message m = message(1, 0);
	uint64_t would;
	size_t at;

	assert_int_equal(rmt_reserve_direct(f->reservations, &m, 7, shares, 2, false, &at,
					    NULL, &would),
			 RMT_RESERVED);
	assert_int_equal(rmt_reserve_direct(f->reservations, &m, 4, shares, 2, false, &at,
					    NULL, &would),
			 RMT_RESERVE_EXCEEDED);
	assert_int_equal(at, 1);
	assert_int_equal(used(f, USER, &hundred, 0), 7);
	assert_int_equal(used(f, MESSAGES, &ten, 0), 7);
}

static void a_hundred_thousand_recipients_are_bounded_and_still_limited(void **state)
{
	struct fixture *f = *state;
	struct rmt_amount many = { true, 100010, 3600 * (uint64_t)SEC, 0 };
	struct rmt_share user = share(USER, &many, RMT_UNIT_RECIPIENTS, false);
	struct rmt_message m = message(1, 0);
	uint64_t i;

	for (i = 1; i <= 100000; i++)
		ask(f, m, key(i), &user, 1);
	ask(f, m, key(77), &user, 1);
	assert_int_equal(used(f, USER, &many, 0), 100000);
	for (i = 0; i < 20;
	     i++) /* past the bound each asking counts, never past the limit */
		ask(f, m, key(100001), &user, 1);
	assert_int_equal(used(f, USER, &many, 0), 100010);
	rmt_reserve_release(f->reservations, m.id);
	assert_int_equal(used(f, USER, &many, 0), 0);
}

/* Many messages at once, random ends: never past the limit, nothing left over. */
static void interleaved_messages_never_overrun_and_leave_no_trace(void **state)
{
	enum { SESSIONS = 1000, STEPS = 50000 };
	struct fixture *f = *state;
	struct rmt_amount amount = { true, 2000, 3600 * (uint64_t)SEC, 0 };
	struct rmt_share user = share(USER, &amount, RMT_UNIT_RECIPIENTS, false);
	g_autoptr(GRand) random = g_rand_new_with_seed(3);
	uint64_t held[SESSIONS] = { 0 }, id[SESSIONS], next = 1, committed = 0, open = 0,
		 i;
	int step;

	rmt_reservations_set_stages(f->reservations, RCPT | DATA | END);
	for (i = 0; i < SESSIONS; i++)
		id[i] = next++;
	for (step = 0; step < STEPS; step++) {
		i = (uint64_t)g_rand_int_range(random, 0, SESSIONS);
		struct rmt_message m = message(id[i], step);

		m.connection = (unsigned)i;
		rmt_reserve_instance(f->reservations, m.connection, m.id, m.line_ns);
		if (g_rand_int_range(random, 0, 8) > 0) {
			bool fits = committed + open < amount.count;

			assert_int_equal(ask(f, m, key((uint64_t)step + 1), &user, 1),
					 fits ? RMT_RESERVED : RMT_RESERVE_EXCEEDED);
			held[i] += fits;
			open += fits;
			continue;
		}
		open -= held[i];
		if (g_rand_boolean(random) && held[i] > 0 && committed < 1500) {
			struct rmt_commit commit = {
				.recipient_count = (uint64_t)g_rand_int_range(
					random, 1, (gint32)held[i] + 1)
			};

			rmt_reserve_commit(f->reservations, &m, &commit);
			committed += commit.recipient_count;
		} /* else the next instance releases it */
		id[i] = next++;
		rmt_reserve_instance(f->reservations, m.connection, key(id[i]),
				     m.line_ns);
		held[i] = 0;
		assert_int_equal(used(f, USER, &amount, step), committed + open);
	}
	for (i = 0; i < SESSIONS; i++)
		rmt_reserve_closed(f->reservations, (unsigned)i, T0 + STEPS);
	assert_true(committed > 1000);
	assert_int_equal(used(f, USER, &amount, STEPS), committed);
	assert_int_equal(rmt_reservations_open(f->reservations), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_recipient_asked_for_twice_is_held_once),
		TEST(all_shares_are_held_or_none),
		TEST(a_report_share_that_does_not_fit_is_told_and_not_added),
		TEST(dry_changes_nothing),
		cmocka_unit_test_teardown(commits_charge_what_the_server_accepted,
					  teardown),
		TEST(all_of_one_domain_are_charged_exactly),
		TEST(what_is_held_is_charged_when_committed_not_before),
		TEST(another_instance_releases_what_was_before),
		TEST(silence_releases_after_the_time_out),
		TEST(another_envelope_is_another_message),
		TEST(three_left_in_a_row_teach_that_only_rcpt_is_asked),
		TEST(asked_at_rcpt_alone_takes_at_once_and_each_recipient_once),
		TEST(what_was_taken_is_given_back_by_who_releases),
		TEST(who_asks_later_all_the_same_is_held_to_what_stands),
		TEST(closing_teaches_nothing),
		TEST(asked_at_data_and_not_later_commits_what_reached_data),
		TEST(without_a_reservation_the_message_is_charged_whole_or_not_at_all),
		TEST(a_hundred_thousand_recipients_are_bounded_and_still_limited),
		TEST(interleaved_messages_never_overrun_and_leave_no_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
