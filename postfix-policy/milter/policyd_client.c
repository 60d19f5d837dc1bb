/* SPDX-License-Identifier: MIT */
#include "postfix-policy/milter/policyd_client.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/base/log.h"

static const char hello[] = "{\"command\":\"message\",\"do\":\"remember\"}\n";

enum { ANSWER_MAX = 64 * 1024, WATCH_MS = 500 };

/* Plain pthreads: the thread sanitizer does not see into GMutex. */
struct rmt_policyd_client {
	char *path; /* own */
	pthread_mutex_t lock;
	pthread_cond_t returned;
	int idle[RMT_POLICYD_CONNECTIONS_MAX]; /* under lock, as what follows */
	unsigned idle_count, lent;
	bool stop;
	pthread_t watcher;
	rmt_policyd_reloaded *reloaded; /* or NULL */
	void *context;                  /* foreign */
};

static bool fail(GError **err, const char *what, int number)
{
	g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED, "%s: %s", what,
		    g_strerror(number));
	return false;
}

/* --- one connection --------------------------------------------------------------- */

/* A socket with a time-out is not waited for again by itself, once this process was
 * stopped and goes on (a frozen cgroup; signal(7)): hence TEMP_FAILURE_RETRY. */
static int connect_to(const char *path, GError **err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct timeval patience = {
		.tv_sec = RMT_POLICYD_PATIENCE_MS / 1000,
		.tv_usec = RMT_POLICYD_PATIENCE_MS % 1000 * 1000,
	};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path)) {
		fail(err, path, fd < 0 ? errno : ENAMETOOLONG);
	} else {
		strcpy(address.sun_path, path);
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
		if (TEMP_FAILURE_RETRY(connect(fd, (struct sockaddr *)&address,
					       sizeof(address))) == 0)
			return fd;
		fail(err, path, errno);
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool send_all(int fd, const char *text, size_t len, GError **err)
{
	ssize_t n;

	for (; len > 0; text += n, len -= (size_t)n) {
		n = TEMP_FAILURE_RETRY(send(fd, text, len, MSG_NOSIGNAL));
		if (n < 0)
			return fail(err, "asking", errno);
	}
	return true;
}

/* A line; nothing is behind it, since each request has one answer. */
static bool read_line(int fd, GString *line, GError **err)
{
	const int64_t until = g_get_monotonic_time() + RMT_POLICYD_PATIENCE_MS * 1000;
	char octets[4096];
	ssize_t n;

	g_string_truncate(line, 0);
	while (line->len == 0 || line->str[line->len - 1] != '\n') {
		n = TEMP_FAILURE_RETRY(recv(fd, octets, sizeof(octets), 0));
		if (n <= 0)
			return fail(err, "waiting for an answer",
				    n == 0 ? ECONNRESET : errno);
		g_string_append_len(line, octets, n);
		if (line->len > ANSWER_MAX || g_get_monotonic_time() > until)
			return fail(err, "waiting for an answer", ETIMEDOUT);
	}
	return true;
}

static bool exchange(int fd, const char *request, GString *answer, GError **err)
{
	return send_all(fd, request, strlen(request), err) && read_line(fd, answer, err);
}

/* -1: failed. What is asked on it works only after a hello. */
static int open_connection(const char *path, GError **err)
{
	g_autoptr(GString) answer = g_string_new(NULL);
	int fd = connect_to(path, err);

	if (fd >= 0 && !exchange(fd, hello, answer, err)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* --- the pool ------------------------------------------------------------------------
 */

static struct timespec until_ms(int ms)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	return until;
}

/* True: *fd_r is one that was used before, or -1: a new one may be opened. False: all
 * were busy all the time. */
static bool borrow(struct rmt_policyd_client *client, int *fd_r)
{
	const struct timespec until = until_ms(RMT_POLICYD_PATIENCE_MS);
	bool got = true;

	pthread_mutex_lock(&client->lock);
	while (got && client->lent == RMT_POLICYD_CONNECTIONS_MAX)
		got = pthread_cond_timedwait(&client->returned, &client->lock, &until) ==
		      0;
	*fd_r = -1;
	if (got) {
		client->lent++;
		if (client->idle_count > 0)
			*fd_r = client->idle[--client->idle_count];
	}
	pthread_mutex_unlock(&client->lock);
	return got;
}

/* fd -1: it is no good any more. */
static void give(struct rmt_policyd_client *client, int fd)
{
	pthread_mutex_lock(&client->lock);
	client->lent--;
	if (fd >= 0)
		client->idle[client->idle_count++] = fd;
	pthread_cond_signal(&client->returned);
	pthread_mutex_unlock(&client->lock);
}

/* policyd closes what is idle, and all when it is restarted: the second try is on a
 * new connection. All requests may be asked twice. */
static int ask_on(struct rmt_policyd_client *client, int fd, const char *request,
		  GString *answer, GError **err)
{
	if (fd >= 0) {
		if (exchange(fd, request, answer, NULL))
			return fd;
		close(fd);
	}
	fd = open_connection(client->path, err);
	if (fd >= 0 && !exchange(fd, request, answer, err)) {
		close(fd);
		return -1;
	}
	return fd;
}

static json_t *parse(const GString *line, GError **err)
{
	json_t *answer = json_loadb(line->str, line->len, 0, NULL);
	const char *refusal = json_string_value(json_object_get(answer, "error"));

	if (answer != NULL && refusal == NULL)
		return answer;
	g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED, "%s",
		    refusal != NULL ? refusal : "the answer is no JSON");
	json_decref(answer);
	return NULL;
}

json_t *rmt_policyd_ask(struct rmt_policyd_client *client, json_t *request, GError **err)
{
	g_autoptr(GString) answer = g_string_new(NULL);
	char *text = json_dumps(request, JSON_COMPACT);
	g_autofree char *line = g_strconcat(text != NULL ? text : "", "\n", NULL);
	int fd;

	json_decref(request);
	free(text);
	if (!borrow(client, &fd)) {
		fail(err, "waiting for a connection", ETIMEDOUT);
		return NULL;
	}
	fd = ask_on(client, fd, line, answer, err);
	give(client, fd);
	return fd >= 0 ? parse(answer, err) : NULL;
}

json_t *rmt_policyd_text(const char *text)
{
	json_t *string = json_string(text);
	g_autofree char *valid = NULL;

	if (string != NULL)
		return string;
	valid = g_utf8_make_valid(text, -1);
	return json_string(valid);
}

/* --- the watcher -----------------------------------------------------------------------
 */

static bool is_stopping(struct rmt_policyd_client *client)
{
	bool stop;

	pthread_mutex_lock(&client->lock);
	stop = client->stop;
	pthread_mutex_unlock(&client->lock);
	return stop;
}

static void say(bool was_there, bool is_there, const char *path, const GError *why)
{
	if (is_there)
		rmt_log(RMT_LOG_INFO, "remite-policyd answers at %s", path);
	else
		rmt_log(RMT_LOG_WARNING,
			"remite-policyd %s: mail that it would count here goes on "
			"uncounted: %s",
			was_there ? "went away" : "is away", why->message);
}

/* How often policyd has read its configuration; -1: it is gone. began_r: when it last
 * began to. */
static json_int_t hear(int fd, int64_t *began_r)
{
	g_autoptr(GString) answer = g_string_new(NULL);
	json_int_t reloads;
	json_t *parsed;

	if (!exchange(fd, hello, answer, NULL))
		return -1;
	parsed = json_loadb(answer->str, answer->len, 0, NULL);
	reloads = json_integer_value(json_object_get(parsed, "reloads"));
	*began_r = json_integer_value(json_object_get(parsed, "reload_began"));
	json_decref(parsed);
	return reloads;
}

/* True: there is nothing to hear, and the connection is still there. */
static bool wait_quietly(int fd)
{
	struct pollfd poll_fd = { fd, POLLIN | POLLRDHUP, 0 };

	return poll(&poll_fd, 1, WATCH_MS) == 0;
}

/* One connection, from its hello to its end. */
static void follow(struct rmt_policyd_client *client, int fd)
{
	int64_t began_us;
	json_int_t before = hear(fd, &began_us), now = before;

	while (now >= 0 && !is_stopping(client)) {
		if (now != before && client->reloaded != NULL)
			client->reloaded(client->context, began_us);
		before = now;
		now = wait_quietly(fd) ? hear(fd, &began_us) : -1;
	}
}

static void *watch(void *data)
{
	struct rmt_policyd_client *client = data;
	bool said = false, was_there = false;

	while (!is_stopping(client)) {
		g_autoptr(GError) err = NULL;
		int fd = open_connection(client->path, &err);

		if (!said || was_there != (fd >= 0))
			say(was_there, fd >= 0, client->path, err);
		said = true;
		was_there = fd >= 0;
		if (fd >= 0) {
			follow(client, fd);
			close(fd);
		} else {
			g_usleep(WATCH_MS * 1000);
		}
	}
	return NULL;
}

/* --- all of it -------------------------------------------------------------------------
 */

struct rmt_policyd_client *rmt_policyd_client_new(const char *socket_path,
						  rmt_policyd_reloaded *reloaded,
						  void *context)
{
	struct rmt_policyd_client *client = g_new0(struct rmt_policyd_client, 1);

	client->reloaded = reloaded;
	client->context = context;
	client->path = g_strdup(socket_path);
	pthread_mutex_init(&client->lock, NULL);
	pthread_cond_init(&client->returned, NULL);
	pthread_create(&client->watcher, NULL, watch, client);
	return client;
}

void rmt_policyd_client_free(struct rmt_policyd_client *client)
{
	if (client == NULL)
		return;
	pthread_mutex_lock(&client->lock);
	client->stop = true;
	pthread_mutex_unlock(&client->lock);
	pthread_join(client->watcher, NULL);
	while (client->idle_count > 0)
		close(client->idle[--client->idle_count]);
	pthread_cond_destroy(&client->returned);
	pthread_mutex_destroy(&client->lock);
	g_free(client->path);
	g_free(client);
}
