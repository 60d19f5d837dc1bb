/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/agent/leaver.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/span.h"

enum { CHUNK = 16 * 1024, PATIENCE_SECS = 180 };

void rmt_leaver_begin(struct rmt_wire_out *request, const char *kind)
{
	*request = (struct rmt_wire_out){ NULL };
	rmt_wire_version(request, "agent");
	rmt_wire_begin(request, "JOB", 1, kind);
}

static bool fail(GError **err, const char *what)
{
	g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_IO, "remite-unsubscribe: %s%s%s",
		    what, errno != 0 ? ": " : "", errno != 0 ? g_strerror(errno) : "");
	return false;
}

static int connect_to(const char *path, GError **err)
{
	const struct timeval patience = { .tv_sec = PATIENCE_SECS };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	errno = 0;
	if (g_strlcpy(address.sun_path, path, sizeof(address.sun_path)) >=
	    sizeof(address.sun_path)) {
		fail(err, "the socket's path is too long");
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const void *)&address, sizeof(address)) < 0) {
		fail(err, path);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	return fd;
}

static bool send_all(int fd, struct rmt_span octets)
{
	while (octets.len > 0) {
		const ssize_t sent = send(fd, octets.p, octets.len, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		octets = rmt_span_from(octets, (size_t)sent);
	}
	return true;
}

/* Up to the answer to our one job. */
static bool receive(int fd, struct rmt_leaver_answer *answer, GError **err)
{
	g_autofree char *chunk = g_malloc(CHUNK);

	for (;;) {
		enum rmt_wire_result result;
		ssize_t got;

		while ((result = rmt_wire_in_next(answer->in, &answer->record)) ==
		       RMT_WIRE_RECORD)
			if (answer->record.id == 1)
				return true;
		errno = 0;
		if (result == RMT_WIRE_BAD)
			return fail(err, rmt_wire_in_error(answer->in));
		do {
			got = read(fd, chunk, CHUNK);
		} while (got < 0 && errno == EINTR);
		if (got <= 0)
			return fail(err, "closed the connection, or took too long");
		rmt_wire_in_feed(answer->in, chunk, (size_t)got);
	}
}

bool rmt_leaver_ask(const char *socket_path, struct rmt_wire_out *request,
		    struct rmt_leaver_answer *answer_r, GError **err)
{
	const int fd = connect_to(socket_path, err);
	bool ok = fd >= 0;

	*answer_r = (struct rmt_leaver_answer){ .in = rmt_wire_in_create() };
	if (ok && !send_all(fd, rmt_span(request->data, request->len)))
		ok = fail(err, "does not listen");
	if (ok)
		ok = receive(fd, answer_r, err);
	rmt_wire_out_free(request);
	if (fd >= 0)
		close(fd);
	return ok;
}

void rmt_leaver_answer_clear(struct rmt_leaver_answer *answer)
{
	rmt_wire_in_destroy(&answer->in);
}
