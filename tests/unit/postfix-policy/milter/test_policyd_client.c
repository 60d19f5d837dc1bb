/* SPDX-License-Identifier: MIT */
/* Asking a policyd that answers, hangs, closes, talks rubbish, or is not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/log.h"
#include "postfix-policy/milter/policyd_client.h"

enum mood {
	ANSWERS, /* each line with {"ok":true,"n":how many were asked} */
	CLOSES,  /* after one answer */
	HANGS,
	RAVES,
	REFUSES,
	ENDLESS, /* a line without end */
};

struct fake {
	char *directory, *path; /* own */
	int fd;
	gint mood, asked, opened, stop;
	pthread_t thread;
};

static void answer(struct fake *fake, int fd)
{
	static const char *const answers[] = {
		[ANSWERS] = "{\"ok\":true}\n",
		[CLOSES] = "{\"ok\":true}\n",
		[HANGS] = "",
		[RAVES] = "what?\n",
		[REFUSES] = "{\"error\":\"there is no such stream\"}\n",
		[ENDLESS] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
	};
	const int mood = g_atomic_int_get(&fake->mood);
	const char *text = answers[mood];

	g_atomic_int_inc(&fake->asked);
	do {
		if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
			return;
	} while (mood == ENDLESS && g_atomic_int_get(&fake->stop) == 0);
}

static bool is_hello(const char *line)
{
	return strstr(line, "\"remember\"") != NULL;
}

/* The hello is answered in every mood: it is another matter. */
static void *talk(void *data)
{
	struct fake *fake = ((void **)data)[0];
	const int fd = GPOINTER_TO_INT(((void **)data)[1]);
	FILE *stream = fdopen(fd, "r");
	char line[4096];

	g_free(data);
	while (fgets(line, sizeof(line), stream) != NULL) {
		if (is_hello(line)) {
			if (send(fd, "{\"ok\":true}\n", 12, MSG_NOSIGNAL) < 0)
				break;
			continue;
		}
		answer(fake, fd);
		if (g_atomic_int_get(&fake->mood) == CLOSES)
			break;
	}
	fclose(stream);
	return NULL;
}

static void *serve(void *data)
{
	struct fake *fake = data;
	pthread_t thread;
	int fd;

	while ((fd = accept(fake->fd, NULL, NULL)) >= 0) {
		void **both = g_new(void *, 2);

		both[0] = fake;
		both[1] = GINT_TO_POINTER(fd);
		g_atomic_int_inc(&fake->opened);
		pthread_create(&thread, NULL, talk, both);
		pthread_detach(thread);
	}
	return NULL;
}

static void quiet(void *context, enum rmt_log_level level, const char *line)
{
	(void)context, (void)level, (void)line;
}

/* Talks go on in threads that nobody joins: the fakes stay. */
static GPtrArray *fakes;

static int set_up(void **state)
{
	struct fake *fake = g_new0(struct fake, 1);
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	rmt_log_init("test", RMT_LOG_INFO, quiet, NULL);
	fake->directory = g_dir_make_tmp("rmtXXXXXX", NULL);
	fake->path = g_build_filename(fake->directory, "ctl", NULL);
	g_strlcpy(address.sun_path, fake->path, sizeof(address.sun_path));
	fake->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(fake->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fake->fd, 16) < 0)
		return -1;
	pthread_create(&fake->thread, NULL, serve, fake);
	if (fakes == NULL)
		fakes = g_ptr_array_new();
	g_ptr_array_add(fakes, fake);
	*state = fake;
	return 0;
}

static int tear_down(void **state)
{
	struct fake *fake = *state;

	g_atomic_int_set(&fake->stop, 1);
	shutdown(fake->fd, SHUT_RDWR);
	pthread_join(fake->thread, NULL);
	close(fake->fd);
	unlink(fake->path);
	rmdir(fake->directory);
	return 0;
}

static json_t *ask(struct rmt_policyd_client *client, GError **err)
{
	return rmt_policyd_ask(client, json_pack("{s:s}", "command", "x"), err);
}

/* A busy machine may be late for the client's patience, but not each time: what is tried
 * holds once in five times. */
static void once_in_five(bool (*holds)(struct fake *fake), struct fake *fake)
{
	int tries;

	for (tries = 0; tries < 5; tries++) {
		g_atomic_int_set(&fake->asked, 0);
		g_atomic_int_set(&fake->opened, 0);
		if (holds(fake))
			return;
	}
	fail_msg("asked %d times, over %d connections", g_atomic_int_get(&fake->asked),
		 g_atomic_int_get(&fake->opened));
}

static bool is_used_again(struct fake *fake)
{
	struct rmt_policyd_client *client =
		rmt_policyd_client_new(fake->path, NULL, NULL);
	int i, answers = 0;

	for (i = 0; i < 10; i++) {
		json_t *answer = ask(client, NULL);

		answers += json_is_true(json_object_get(answer, "ok"));
		json_decref(answer);
	}
	rmt_policyd_client_free(client);
	/* One for questions, one of the watcher. */
	return answers == 10 && g_atomic_int_get(&fake->asked) == 10 &&
	       g_atomic_int_get(&fake->opened) <= 2;
}

static void a_connection_is_used_again(void **state)
{
	once_in_five(is_used_again, *state);
}

static void a_closed_connection_is_made_anew(void **state)
{
	struct fake *fake = *state;
	struct rmt_policyd_client *client =
		rmt_policyd_client_new(fake->path, NULL, NULL);
	int i;

	g_atomic_int_set(&fake->mood, CLOSES);
	for (i = 0; i < 5; i++) {
		json_t *answer = ask(client, NULL);

		assert_non_null(answer);
		json_decref(answer);
	}
	rmt_policyd_client_free(client);
}

static void who_hangs_or_raves_costs_a_bounded_time(void **state)
{
	static const enum mood moods[] = { HANGS, RAVES, ENDLESS, REFUSES };
	struct fake *fake = *state;
	struct rmt_policyd_client *client =
		rmt_policyd_client_new(fake->path, NULL, NULL);
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(moods); i++) {
		const int64_t begun_us = g_get_monotonic_time();
		g_autoptr(GError) err = NULL;

		g_atomic_int_set(&fake->mood, (gint)moods[i]);
		assert_null(ask(client, &err));
		assert_non_null(err);
		/* Else it would never end. */
		assert_true(g_get_monotonic_time() - begun_us <
			    60 * RMT_POLICYD_PATIENCE_MS * 1000);
	}
	rmt_policyd_client_free(client);
}

static bool is_refused_in_words(struct fake *fake)
{
	struct rmt_policyd_client *client =
		rmt_policyd_client_new(fake->path, NULL, NULL);
	g_autoptr(GError) err = NULL;

	g_atomic_int_set(&fake->mood, REFUSES);
	assert_null(ask(client, &err));
	rmt_policyd_client_free(client);
	return strcmp(err->message, "there is no such stream") == 0;
}

static void a_refusal_is_told_in_its_words(void **state)
{
	once_in_five(is_refused_in_words, *state);
}

static bool costs_no_time(struct fake *fake)
{
	struct rmt_policyd_client *client =
		rmt_policyd_client_new("/nonexistent/policyd.ctl", NULL, NULL);
	const int64_t begun_us = g_get_monotonic_time();
	g_autoptr(GError) err = NULL;
	int64_t took_us;

	(void)fake;
	assert_null(ask(client, &err));
	assert_non_null(err);
	took_us = g_get_monotonic_time() - begun_us;
	rmt_policyd_client_free(client);
	return took_us < RMT_POLICYD_PATIENCE_MS * 1000;
}

static void who_is_not_there_costs_no_time(void **state)
{
	once_in_five(costs_no_time, *state);
}

static gpointer ask_many(gpointer data)
{
	int i;

	for (i = 0; i < 50; i++) {
		json_t *answer = ask(data, NULL);

		if (answer == NULL)
			return GINT_TO_POINTER(1);
		json_decref(answer);
	}
	return NULL;
}

static bool are_shared(struct fake *fake)
{
	struct rmt_policyd_client *client =
		rmt_policyd_client_new(fake->path, NULL, NULL);
	GThread *threads[4 * RMT_POLICYD_CONNECTIONS_MAX];
	bool all_answered = true;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(threads); i++)
		threads[i] = g_thread_new("asks", ask_many, client);
	for (i = 0; i < G_N_ELEMENTS(threads); i++)
		all_answered &= g_thread_join(threads[i]) == NULL;
	rmt_policyd_client_free(client);
	return all_answered &&
	       g_atomic_int_get(&fake->opened) <= RMT_POLICYD_CONNECTIONS_MAX + 1;
}

static void many_threads_share_few_connections(void **state)
{
	once_in_five(are_shared, *state);
}

static void octets_that_are_no_text_are_sent_as_text(void **state)
{
	json_t *text = rmt_policyd_text("a\377b");

	(void)state;
	assert_string_equal(json_string_value(text), "a\357\277\275b");
	json_decref(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_connection_is_used_again),
		TEST(a_closed_connection_is_made_anew),
		TEST(who_hangs_or_raves_costs_a_bounded_time),
		TEST(a_refusal_is_told_in_its_words),
		TEST(who_is_not_there_costs_no_time),
		TEST(many_threads_share_few_connections),
		TEST(octets_that_are_no_text_are_sent_as_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
