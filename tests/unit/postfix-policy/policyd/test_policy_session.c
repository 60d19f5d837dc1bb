/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <cmocka.h>
#include <fcntl.h>
#include <glib/gstdio.h>

#include "tests/unit/postfix-policy/policyd/house.h"

#define DUNNO       "action=DUNNO\n\n"
#define DEFER_BEGIN "action=DEFER_IF_PERMIT 4.7.1 Limit hour of stream news is reached"

static int set_up(void **state)
{
	*state = house_open();
	return 0;
}

static int tear_down(void **state)
{
	house_close(*state);
	return 0;
}

static char *request(const char *user, int instance)
{
	return g_strdup_printf("request=smtpd_access_policy\nprotocol_state=RCPT\n"
			       "sender=news@example.com\nrecipient=r%d@example.org\n"
			       "sasl_username=%s\nclient_address=192.0.2.1\n"
			       "instance=i%d\n\n",
			       instance, user, instance);
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* What is there now; "" for nothing, NULL for the end. */
static const char *hear(int fd)
{
	static char answer[1 << 18];
	ssize_t n = recv(fd, answer, sizeof(answer) - 1, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN))
		return NULL;
	answer[MAX(n, 0)] = '\0';
	return answer;
}

static void a_request_is_answered_in_one_turn(void **state)
{
	struct house *house = *state;
	g_autofree char *text = request("ann", 1);
	int fd = house_connect(house);

	say(fd, text);
	house_turn(house, 0);
	assert_string_equal(hear(fd), DUNNO);
	close(fd);
}

static void over_the_limit_the_text_says_so_and_one_line_is_logged(void **state)
{
	struct house *house = *state;
	int i, fd = house_connect(house);

	for (i = 0; i < 4; i++) {
		g_autofree char *text = request("bob", i);

		say(fd, text);
		house_turn(house, 0);
		if (i < 3)
			assert_string_equal(hear(fd), DUNNO);
	}
	assert_true(g_str_has_prefix(hear(fd), DEFER_BEGIN));
	assert_true(g_str_has_prefix(house->log->str, "NOQUEUE instance=i3: "));
	assert_non_null(strstr(house->log->str, "rule=limit:hour"));
	assert_ptr_equal(strchr(house->log->str, '\n'),
			 house->log->str + house->log->len - 1);
	close(fd);
}

static void pieces_make_a_request(void **state)
{
	struct house *house = *state;
	g_autofree char *text = request("cid", 1);
	size_t i, len = strlen(text);
	int fd = house_connect(house);

	for (i = 0; i < len; i++) {
		assert_string_equal(hear(fd), "");
		assert_int_equal(send(fd, text + i, 1, 0), 1);
		house_turn(house, 0);
	}
	assert_string_equal(hear(fd), DUNNO);
	say(fd, text); /* and the connection goes on */
	house_turn(house, 0);
	assert_string_equal(hear(fd), DUNNO);
	close(fd);
}

/* More than a batch holds, more than a read brings, and a part of one more. */
static void pipelined_requests_are_answered_in_order(void **state)
{
	struct house *house = *state;
	g_autoptr(GString) text = g_string_new(NULL), heard = g_string_new(NULL);
	int i, fd = house_connect(house), answers = 0;
	const char *at;

	for (i = 0; i < 200; i++) {
		g_autofree char *one = /* who is no user has no limit */
			request(i == 150 ? "" : "dora", i);

		g_string_append(text, one);
	}
	g_string_append(text, "request=smtpd_access_policy\nprot");
	say(fd, text->str);
	for (i = 0; i < 50; i++) {
		house_turn(house, 0);
		g_string_append(heard, hear(fd));
	}
	for (at = heard->str; (at = strstr(at, "action=")) != NULL; at++, answers++)
		assert_int_equal(g_str_has_prefix(at, DUNNO),
				 answers < 3 || answers == 150);
	assert_int_equal(answers, 200);
	say(fd, "ocol_state=VRFY\n\n");
	house_turn(house, 0);
	assert_string_equal(hear(fd), DUNNO);
	close(fd);
}

/* In one turn, more of them than are decided together: one to five requests each, junk
 * from every seventh. */
static void many_who_speak_at_once_hear_each_their_own(void **state)
{
	enum { MANY = 60 };
	struct house *house = *state;
	struct rmt_policyd_config config = house->policyd.config->policyd;
	int fds[MANY], i, n;

	config.max_connections = MANY;
	rmt_sessions_configure(house->policyd.sessions, &config, NULL);
	for (i = 0; i < MANY; i++) {
		fds[i] = house_connect(house);
		for (n = 0; n < 1 + i % 5; n++) {
			g_autofree char *user = g_strdup_printf("u%d", i);
			g_autofree char *text = request(user, i * 5 + n);

			say(fds[i], i % 7 == 6 ? "junk\n" : text);
		}
	}
	house_turn(house, 0);
	for (i = 0; i < MANY; i++) {
		const char *heard = hear(fds[i]);

		if (i % 7 == 6) {
			assert_null(heard);
			continue;
		}
		for (n = 0; n < MIN(1 + i % 5, 3); n++, heard += strlen(DUNNO))
			assert_true(g_str_has_prefix(heard, DUNNO));
		for (; n < 1 + i % 5; n++, heard = strstr(heard, "\n\n") + 2)
			assert_true(g_str_has_prefix(heard, DEFER_BEGIN));
		assert_string_equal(heard, "");
	}
	for (i = 0; i < MANY; i++)
		close(fds[i]);
}

static void a_half_closed_connection_is_answered_then_closed(void **state)
{
	struct house *house = *state;
	g_autofree char *text = request("eve", 1);
	int fd = house_connect(house);

	say(fd, text);
	shutdown(fd, SHUT_WR);
	house_turn(house, 0);
	assert_string_equal(hear(fd), DUNNO);
	house_turn(house, 0);
	assert_null(hear(fd));
	assert_int_equal(rmt_sessions_count(house->policyd.sessions), 0);
	assert_string_equal(house->log->str, "");
	close(fd);
}

static void junk_costs_its_sender_the_connection_and_one_line(void **state)
{
	static const struct {
		const char *name, *text;
		size_t len; /* 0: strlen */
		const char *logged;
	} cases[] = {
		{ "no name", "junk\n", 0, "a line without NAME=" },
		{ "another protocol", "GET / HTTP/1.1\r\n\r\n", 0,
		  "a line without NAME=" },
		{ "not a policy request", "sender=a\n\n", 0,
		  "no request=smtpd_access_policy" },
		{ "NUL", "request=smtpd_access_policy\nsender=a\0\n\n", 40, "NUL" },
	};
	struct house *house = *state;
	g_autofree char *good = request("fay", 1);
	int other = house_connect(house), fd;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_string_truncate(house->log, 0);
		fd = house_connect(house);
		send(fd, cases[i].text,
		     cases[i].len > 0 ? cases[i].len : strlen(cases[i].text), 0);
		house_turn(house, 0);
		if (hear(fd) != NULL)
			fail_msg("%s: still connected", cases[i].name);
		assert_non_null(strstr(house->log->str, cases[i].logged));
		assert_ptr_equal(strchr(house->log->str, '\n'),
				 house->log->str + house->log->len - 1);
		close(fd);
	}
	say(other, good); /* nobody else noticed */
	house_turn(house, 0);
	assert_string_equal(hear(other), DUNNO);
	close(other);
}

static void a_request_without_end_is_cut_at_max_request(void **state)
{
	struct house *house = *state;
	char block[1000];
	int i, fd = house_connect(house);

	memset(block, 'x', sizeof(block));
	say(fd, "request=smtpd_access_policy\nccert_subject=");
	for (i = 0; i < 9; i++) {
		send(fd, block, sizeof(block), MSG_NOSIGNAL);
		house_turn(house, 0);
	}
	assert_null(hear(fd));
	assert_non_null(strstr(house->log->str, "policyd.max_request"));
	close(fd);
}

static void one_octet_a_second_does_not_keep_a_connection(void **state)
{
	struct house *house = *state;
	int i, slow = house_connect(house), idle = house_connect(house);

	for (i = 0; i < 12; i++) {
		send(slow, "r", 1, MSG_NOSIGNAL);
		house_turn(house, 1);
		rmt_sessions_sweep(house->policyd.sessions);
	}
	assert_null(hear(slow));
	assert_non_null(strstr(house->log->str, "policyd.request_timeout"));
	assert_string_equal(hear(idle), ""); /* silence is no offence */
	house_turn(house, 101);
	rmt_sessions_sweep(house->policyd.sessions);
	assert_null(hear(idle)); /* but not for ever */
	close(slow);
	close(idle);
}

/* The client's receive buffer fills; we must neither block nor grow without end. */
static void who_does_not_read_is_not_read_from(void **state)
{
	struct house *house = *state;
	g_autofree char *text = request("", 1);
	int i, fd = house_connect(house);

	for (i = 0; i < 200000; i++) {
		if (send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) !=
		    (ssize_t)strlen(text))
			break; /* our side stopped reading */
		if (i % 16 == 0)
			house_turn(house, 0);
	}
	assert_in_range(i, 100, 199999);
	for (i = 0; i < 12; i++) {
		house_turn(house, 1);
		rmt_sessions_sweep(house->policyd.sessions);
	}
	assert_int_equal(rmt_sessions_count(house->policyd.sessions), 0);
	assert_non_null(strstr(house->log->str, "does not take its answers"));
	close(fd);
}

static void beyond_max_connections_the_newest_is_refused(void **state)
{
	struct house *house = *state;
	g_autofree char *text = request("gil", 1);
	int fds[5], i;

	for (i = 0; i < 5; i++)
		fds[i] = house_connect(house);
	house_turn(house, 0);
	assert_null(hear(fds[4]));
	assert_non_null(strstr(house->log->str, "policyd.max_connections (4)"));
	say(fds[0], text);
	house_turn(house, 0);
	assert_string_equal(hear(fds[0]), DUNNO);
	for (i = 0; i < 5; i++)
		close(fds[i]);
}

static void a_flood_of_offenders_does_not_flood_the_log(void **state)
{
	struct house *house = *state;
	unsigned lines = 0;
	const char *at;
	int i, fd;

	for (i = 0; i < 100; i++) {
		fd = house_connect(house);
		say(fd, "junk\n");
		house_turn(house, 0);
		close(fd);
	}
	rmt_sessions_sweep(house->policyd.sessions);
	for (at = house->log->str; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	assert_in_range(lines, 2, 12);
	assert_non_null(strstr(house->log->str, "90 more connections closed"));
}

static void a_closed_connection_releases_what_it_held(void **state)
{
	struct house *house = *state;
	g_autofree char *text = request("hal", 1);
	struct rmt_reservations *reservations =
		rmt_engine_reservations(house->policyd.engine);
	int fd = house_connect(house);

	rmt_reservations_set_stages(reservations, 1u << RMT_STAGE_RCPT |
							  1u << RMT_STAGE_END_OF_MESSAGE);
	say(fd, text);
	house_turn(house, 0);
	assert_int_equal(rmt_reservations_open(reservations), 1);
	close(fd);
	house_turn(house, 0);
	assert_int_equal(rmt_reservations_open(reservations), 0);
}

static void every_request_is_recorded_with_its_answer(void **state)
{
	struct house *house = *state;
	g_autofree char *path = g_strdup("/tmp/remite-record-XXXXXX"), *text = NULL,
			*got = NULL;
	int file = g_mkstemp(path), fd = house_connect(house);
	struct rmt_record *record = rmt_record_open(path, NULL);

	assert_non_null(record);
	rmt_sessions_configure(house->policyd.sessions, &house->policyd.config->policyd,
			       record);
	text = request("ida", 1);
	say(fd, text);
	house_turn(house, 0);
	assert_true(g_file_get_contents(path, &got, NULL, NULL));
	assert_memory_equal(got, text, strlen(text) - 1);
	assert_non_null(strstr(got, "instance=i1\nremite_time="));
	assert_true(g_str_has_suffix(got, "\nremite_action=DUNNO\n\n"));
	rmt_record_close(record);
	close(file);
	unlink(path);
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_request_is_answered_in_one_turn),
		TEST(over_the_limit_the_text_says_so_and_one_line_is_logged),
		TEST(pieces_make_a_request),
		TEST(pipelined_requests_are_answered_in_order),
		TEST(many_who_speak_at_once_hear_each_their_own),
		TEST(a_half_closed_connection_is_answered_then_closed),
		TEST(junk_costs_its_sender_the_connection_and_one_line),
		TEST(a_request_without_end_is_cut_at_max_request),
		TEST(one_octet_a_second_does_not_keep_a_connection),
		TEST(who_does_not_read_is_not_read_from),
		TEST(beyond_max_connections_the_newest_is_refused),
		TEST(a_flood_of_offenders_does_not_flood_the_log),
		TEST(a_closed_connection_releases_what_it_held),
		TEST(every_request_is_recorded_with_its_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
