/* SPDX-License-Identifier: MIT */
#include "common/cli/control_client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { PATIENCE_SECS = 60, READ_MAX = 65536 };

G_DEFINE_QUARK(rmt - control - error - quark, rmt_control_error)

/* A socket with a time-out is not waited for again by itself, once this process was
 * stopped and goes on (^Z, fg; signal(7)): hence TEMP_FAILURE_RETRY. */
static int connect_to(const char *path, GError **err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct timeval patience = { .tv_sec = PATIENCE_SECS };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path)) {
		g_set_error(err, RMT_CONTROL_ERROR, RMT_CONTROL_FAILED,
			    "%s: no path of a socket", path);
	} else {
		strcpy(address.sun_path, path);
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
		if (TEMP_FAILURE_RETRY(connect(fd, (struct sockaddr *)&address,
					       sizeof(address))) == 0)
			return fd;
		g_set_error(err, RMT_CONTROL_ERROR,
			    errno == ENOENT || errno == ECONNREFUSED ? RMT_CONTROL_AWAY
								     : RMT_CONTROL_FAILED,
			    "remite-policyd does not answer at %s: %s%s", path,
			    g_strerror(errno),
			    errno == EACCES ? " (be root, or of the group remite)"
					    : " (is it running?)");
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool send_request(int fd, json_t *request, GError **err)
{
	g_autofree char *text = json_dumps(request, JSON_COMPACT);
	g_autofree char *line = g_strconcat(text, "\n", NULL);
	size_t sent = 0, len = strlen(line);
	ssize_t n;

	while (sent < len) {
		n = TEMP_FAILURE_RETRY(send(fd, line + sent, len - sent, MSG_NOSIGNAL));
		if (n < 0) {
			g_set_error(err, RMT_CONTROL_ERROR, RMT_CONTROL_FAILED,
				    "asking remite-policyd: %s", g_strerror(errno));
			return false;
		}
		sent += (size_t)n;
	}
	return true;
}

/* One more line, without its end; false: the connection ended or failed. */
static bool read_line(int fd, GString *buffer, GString *line, GError **err)
{
	char bytes[READ_MAX];
	char *end;
	ssize_t n;

	while ((end = memchr(buffer->str, '\n', buffer->len)) == NULL) {
		n = TEMP_FAILURE_RETRY(recv(fd, bytes, sizeof(bytes), 0));
		if (n <= 0) {
			g_set_error(err, RMT_CONTROL_ERROR, RMT_CONTROL_FAILED,
				    "remite-policyd: %s",
				    n == 0 ? "closed the connection" : g_strerror(errno));
			return false;
		}
		g_string_append_len(buffer, bytes, n);
	}
	g_string_truncate(line, 0);
	g_string_append_len(line, buffer->str, end - buffer->str);
	g_string_erase(buffer, 0, end - buffer->str + 1);
	return true;
}

/* The last answer, or NULL with err. */
static json_t *read_answers(int fd, rmt_control_row *each, void *context, GError **err)
{
	g_autoptr(GString) buffer = g_string_new(NULL), line = g_string_new(NULL);
	const char *refusal;
	json_t *answer;

	while (read_line(fd, buffer, line, err)) {
		answer = json_loadb(line->str, line->len, 0, NULL);
		refusal = json_string_value(json_object_get(answer, "error"));
		if (answer == NULL || refusal != NULL) {
			g_set_error(err, RMT_CONTROL_ERROR,
				    refusal != NULL ? RMT_CONTROL_REFUSED
						    : RMT_CONTROL_FAILED,
				    "%s",
				    refusal != NULL ? refusal
						    : "remite-policyd answers no JSON");
			json_decref(answer);
			return NULL;
		}
		if (json_is_true(json_object_get(answer, "ok")))
			return answer;
		if (each != NULL)
			each(context, answer);
		json_decref(answer);
	}
	return NULL;
}

json_t *rmt_control_ask(const char *socket_path, json_t *request, rmt_control_row *each,
			void *context, GError **err)
{
	int fd = connect_to(socket_path, err);
	json_t *answer = NULL;

	if (fd >= 0 && send_request(fd, request, err))
		answer = read_answers(fd, each, context, err);
	json_decref(request);
	if (fd >= 0)
		close(fd);
	return answer;
}
