/* SPDX-License-Identifier: MIT */
/* Live, with the agent's queue: test_unsubscribe_webhook. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include <glib.h>
#include <glib/gstdio.h>

#include "common/unsubscribe/hook.h"

#define HMAC   "d5d209d6c88b501d133a7a9ffa25c39c83334d0bc57e416c47ea1bc1b5a1a674"
#define SECRET RMT_SPAN("0123456789abcdef")
enum { NOW = 1795321652, TIMEOUT_MS = 2000 };

static void a_signature_is_what_others_reckon(void **state)
{
	/* python3: hmac.new(b"0123456789abcdef", b'1795321652.{"a":1}', "sha256") */
	g_autofree char *got = rmt_hook_signature(SECRET, RMT_SPAN("{\"a\":1}"), NOW);

	(void)state;
	assert_string_equal(got, "t=1795321652,v1=" HMAC);
}

static void a_secret_is_a_closed_file_of_some_length(void **state)
{
	static const struct {
		const char *text;
		int mode;
		const char *want; /* the secret, or what the sentence holds */
		bool ok;
	} cases[] = {
		{ "0123456789abcdef\n", 0600, "0123456789abcdef", true },
		{ "  0123456789abcdef  \nmore\n", 0640, "0123456789abcdef", true },
		{ "0123456789abcdef", 0600, "0123456789abcdef", true },
		{ "0123456789abcde\n", 0600, "shorter than 16 octets", false },
		{ "\n0123456789abcdef\n", 0600, "shorter than 16 octets", false },
		{ "", 0600, "shorter than 16 octets", false },
		{ "0123456789abcdef\n", 0644, "others can read it", false },
	};
	g_autofree char *folder = g_dir_make_tmp("hook-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(folder, "secret", NULL);
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GString) secret = g_string_new("before");
		g_autoptr(GError) err = NULL;
		bool ok;

		assert_true(g_file_set_contents(path, cases[i].text, -1, NULL));
		assert_int_equal(g_chmod(path, cases[i].mode), 0);
		ok = rmt_hook_secret(path, secret, &err);
		assert_int_equal(ok, cases[i].ok);
		if (ok)
			assert_string_equal(secret->str, cases[i].want);
		else if (strstr(err->message, cases[i].want) == NULL)
			fail_msg("%s: %s", cases[i].text, err->message);
	}
	g_unlink(path);
	assert_false(rmt_hook_secret(path, NULL, NULL));
	g_rmdir(folder);
}

/* --- a server that takes one request -------------------------------------------------
 */

struct server {
	int listener;
	char *url; /* own */
	const char *answer;
	GThread *thread;
	GString *request; /* own; the thread's until it is joined */
};

static gpointer serve(gpointer context)
{
	struct server *server = context;
	char octets[4096];
	ssize_t got;
	int fd = accept(server->listener, NULL, NULL);

	while (strstr(server->request->str, "}") == NULL &&
	       (got = read(fd, octets, sizeof(octets))) > 0)
		g_string_append_len(server->request, octets, got);
	got = write(fd, server->answer, strlen(server->answer));
	(void)got;
	close(fd);
	return NULL;
}

static void start(struct server *server, const char *answer)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(server->listener, (const void *)&address, len), 0);
	assert_int_equal(listen(server->listener, 8), 0);
	getsockname(server->listener, (void *)&address, &len);
	server->url =
		g_strdup_printf("http://127.0.0.1:%u/hook", ntohs(address.sin_port));
	server->answer = answer;
	server->request = g_string_new(NULL);
	server->thread = g_thread_new("server", serve, server);
}

/* Now its request may be read. */
static void finish(struct server *server)
{
	g_clear_pointer(&server->thread, g_thread_join);
}

static void stop(struct server *server)
{
	finish(server);
	close(server->listener);
	g_string_free(server->request, TRUE);
	g_free(server->url);
}

static void what_is_sent_is_signed_json(void **state)
{
	g_autoptr(GString) why = g_string_new(NULL);
	struct server server;
	bool gone = true;

	(void)state;
	start(&server, "HTTP/1.1 204 No Content\r\n\r\n");
	assert_true(rmt_hook_post(server.url, SECRET, RMT_SPAN("{\"a\":1}"), NOW,
				  TIMEOUT_MS, why, &gone));
	assert_false(gone);
	finish(&server);
	assert_true(g_str_has_prefix(server.request->str, "POST /hook HTTP/1.1\r\n"));
	assert_non_null(strstr(server.request->str,
			       "\r\nX-Remite-Signature: t=1795321652,v1=" HMAC "\r\n"));
	assert_non_null(
		strstr(server.request->str, "\r\nContent-Type: application/json\r\n"));
	assert_true(g_str_has_suffix(server.request->str, "\r\n\r\n{\"a\":1}"));
	stop(&server);
}

static void only_2xx_is_success(void **state)
{
	static const struct {
		const char *answer, *why;
		bool gone;
	} cases[] = {
		{ "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "it answered 500",
		  false },
		{ "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
		  "Content-Length: 0\r\n\r\n",
		  "it answered 302", false },
		{ "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", "it answered 410",
		  true },
		{ "220 mx.example.org ESMTP\r\n", "", false },
		{ "", "", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GString) why = g_string_new(NULL);
		struct server server;
		bool gone;

		start(&server, cases[i].answer);
		assert_false(rmt_hook_post(server.url, SECRET, RMT_SPAN("{}"), NOW,
					   TIMEOUT_MS, why, &gone));
		assert_int_equal(gone, cases[i].gone);
		assert_true(why->len > 0);
		if (strstr(why->str, cases[i].why) == NULL)
			fail_msg("%s: %s", cases[i].answer, why->str);
		stop(&server);
	}
}

static void nobody_there_is_tried_again(void **state)
{
	g_autoptr(GString) why = g_string_new(NULL);
	bool gone = true;

	(void)state;
	assert_false(rmt_hook_post("http://127.0.0.1:1/hook", SECRET, RMT_SPAN("{}"), NOW,
				   TIMEOUT_MS, why, &gone));
	assert_false(gone);
	assert_true(why->len > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signature_is_what_others_reckon),
		cmocka_unit_test(a_secret_is_a_closed_file_of_some_length),
		cmocka_unit_test(what_is_sent_is_signed_json),
		cmocka_unit_test(only_2xx_is_success),
		cmocka_unit_test(nobody_there_is_tried_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
