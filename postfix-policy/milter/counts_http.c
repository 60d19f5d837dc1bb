/* SPDX-License-Identifier: MIT */
#include "postfix-policy/milter/counts_http.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { REQUEST_MAX = 8192, PATIENCE_SECS = 2, BACKLOG = 8 };

struct server {
	struct rmt_counts *counts;
	int fd;
};

/* Until the empty line; false: too long, too slow, or gone. */
static bool read_request(int fd, char *request)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = TEMP_FAILURE_RETRY(recv(fd, request + len, REQUEST_MAX - 1 - len, 0));
		if (n <= 0)
			return false;
		len += (size_t)n;
		request[len] = '\0';
		if (strstr(request, "\r\n\r\n") != NULL ||
		    strstr(request, "\n\n") != NULL)
			return true;
	} while (len < REQUEST_MAX - 1);
	return false;
}

static void send_all(int fd, const char *text, size_t len)
{
	ssize_t n;

	for (; len > 0; text += n, len -= (size_t)n) {
		n = TEMP_FAILURE_RETRY(send(fd, text, len, MSG_NOSIGNAL));
		if (n <= 0)
			return;
	}
}

static void answer(struct rmt_counts *counts, int fd)
{
	g_autoptr(GString) page = g_string_new(NULL), head = g_string_new(NULL);
	char request[REQUEST_MAX];
	bool found;

	if (!read_request(fd, request))
		return;
	found = g_str_has_prefix(request, "GET /metrics ");
	if (found)
		rmt_counts_page(counts, page);
	g_string_printf(head,
			"HTTP/1.0 %s\r\nContent-Type: text/plain; version=0.0.4\r\n"
			"Content-Length: %zu\r\nConnection: close\r\n\r\n",
			found ? "200 OK" : "404 Not Found", page->len);
	send_all(fd, head->str, head->len);
	send_all(fd, page->str, page->len);
}

static void *serve(void *data)
{
	const struct timeval patience = { .tv_sec = PATIENCE_SECS };
	struct server *server = data;

	while (true) {
		int fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0) {
			g_usleep(100 * 1000); /* no descriptors: later */
			continue;
		}
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
		answer(server->counts, fd);
		close(fd);
	}
	return NULL;
}

static int listen_at(const struct addrinfo *address)
{
	const int one = 1;
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool look_up(const char *text, struct addrinfo **found_r)
{
	const struct addrinfo wanted = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV |
						     AI_PASSIVE,
					 .ai_socktype = SOCK_STREAM };
	struct rmt_span host, port;
	g_autofree char *host_text = NULL, *port_text = NULL;

	if (!rmt_span_split_last(rmt_span_of(text), ':', &host, &port))
		return false;
	if (host.len > 2 && host.p[0] == '[')
		host = rmt_span(host.p + 1, host.len - 2);
	host_text = g_strndup(host.p, host.len);
	port_text = g_strndup(port.p, port.len);
	return getaddrinfo(host_text, port_text, &wanted, found_r) == 0;
}

bool rmt_counts_http_start(const char *address, struct rmt_counts *counts, GError **err)
{
	struct server *server = g_new(struct server, 1);
	struct addrinfo *found = NULL;
	pthread_t thread;

	*server = (struct server){ counts, -1 };
	if (look_up(address, &found)) {
		server->fd = listen_at(found);
		freeaddrinfo(found);
	}
	if (server->fd < 0 || pthread_create(&thread, NULL, serve, server) != 0) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED,
			    "milter.metrics: %s: %s", address, g_strerror(errno));
		if (server->fd >= 0)
			close(server->fd);
		g_free(server);
		return false;
	}
	pthread_detach(thread);
	return true;
}
