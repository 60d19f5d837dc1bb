/* SPDX-License-Identifier: MIT */
/* doctor_host.c - this machine: do the programs answer where they should? */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cli/doctor.h"
#include "common/cli/restrictions.h"

/* As Postfix is told to wait (timeout=3s): a busy host is not a broken one. */
#define ANSWER_MS    3000
#define POLICY_REPLY "action="

/* An empty instance is never charged, and CONNECT has no recipient. */
static const char request[] = "request=smtpd_access_policy\nprotocol_state=CONNECT\n"
			      "protocol_name=ESMTP\nclient_address=127.0.0.1\n"
			      "client_name=localhost\ninstance=\n\n";

/* --- reaching a socket ---------------------------------------------------------- */

static void check_reach(struct rmt_doctor *d, const char *place, const char *path)
{
	const char *owner = rmt_postfix_get(d->pf, NULL, "mail_owner");
	const struct passwd *user = getpwnam(owner);
	g_autofree char *part = NULL, *remedy = NULL;
	struct stat st = { 0 };

	if (user == NULL)
		return;
	part = rmt_doctor_kept_out(path, RMT_MAY_WRITE, user->pw_uid, user->pw_gid);
	if (part == NULL)
		return;
	stat(part, &st);
	remedy = strcmp(part, path) != 0
			 ? g_strdup_printf("chmod a+x %s", part)
			 : g_strdup_printf("policyd: { socket_group = \"%s\"  "
					   "socket_mode = \"0660\" }",
					   owner);
	rmt_find(&d->findings, RMT_SEVERITY_ERROR, place, remedy,
		 "Postfix's user '%s' (group %u, no others) is kept out at '%s' (mode "
		 "%04o)",
		 owner, (unsigned)user->pw_gid, part, (unsigned)st.st_mode & 07777);
}

static void check_private(struct rmt_doctor *d, const char *place, const char *path)
{
	g_autofree char *private_dir = g_build_filename(
		rmt_postfix_get(d->pf, NULL, "queue_directory"), "private/", NULL);

	if (g_str_has_prefix(path, private_dir))
		rmt_find(&d->findings, RMT_SEVERITY_ERROR, place,
			 "policyd: { listen = "
			 "[\"unix:/var/spool/postfix/remite/policy\"] }",
			 "'%s' is Postfix's own (mode 0700): only Postfix can make a "
			 "socket "
			 "there",
			 private_dir);
}

/* --- asking --------------------------------------------------------------------- */

static int connect_unix(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

static int connect_inet(const char *endpoint)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
				  .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	const char *colon = strrchr(endpoint, ':');
	g_autofree char *host = g_strndup(endpoint, (gsize)(colon - endpoint));
	int fd = -1;

	errno = EINVAL;
	if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
		return -1;
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) < 0 &&
	    errno != EINPROGRESS) {
		close(fd);
		fd = -1;
	}
	freeaddrinfo(found);
	return fd;
}

static bool wait_until(int fd, short events, gint64 until)
{
	struct pollfd p = { fd, events, 0 };
	gint64 left = (until - g_get_monotonic_time()) / 1000;

	return left > 0 && poll(&p, 1, (int)left) == 1;
}

/* A connection to a TCP port may turn out to be refused only now. */
static bool is_connected(int fd)
{
	int error = 0;
	socklen_t length = sizeof(error);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0;
}

const char *rmt_doctor_ask(int fd, const char *question, const char *until, char *reply,
			   size_t size)
{
	gint64 end = g_get_monotonic_time() + ANSWER_MS * 1000;
	size_t got = 0;

	reply[0] = '\0';
	if (wait_until(fd, POLLOUT, end) && !is_connected(fd))
		return "no connection: nobody listens there";
	if (!wait_until(fd, POLLOUT, end) ||
	    send(fd, question, strlen(question), MSG_NOSIGNAL) !=
		    (ssize_t)strlen(question))
		return "takes no request";
	while (strstr(reply, until) == NULL && got + 1 < size) {
		ssize_t n;

		if (!wait_until(fd, POLLIN, end))
			return "does not answer within 3 seconds";
		n = recv(fd, reply + got, size - 1 - got, 0);
		if (n <= 0)
			return "hangs up instead of answering";
		got += (size_t)n;
		reply[got] = '\0';
	}
	return NULL;
}

/* What went wrong, or NULL: an action came in time. */
static const char *ask(int fd)
{
	char reply[512];
	const char *trouble = rmt_doctor_ask(fd, request, "\n\n", reply, sizeof(reply));

	if (trouble == NULL && strncmp(reply, POLICY_REPLY, strlen(POLICY_REPLY)) != 0)
		trouble = "answers something else than an action: it is not "
			  "remite-policyd";
	return trouble;
}

int rmt_doctor_connect(const char *endpoint)
{
	return g_str_has_prefix(endpoint, "inet:") ? connect_inet(endpoint + 5)
						   : connect_unix(endpoint + 5);
}

static void check_answer(struct rmt_doctor *d, const char *place, int fd)
{
	const char *trouble;

	if (fd < 0) {
		rmt_find(&d->findings, RMT_SEVERITY_ERROR, place,
			 "systemctl start remite-policyd", "no connection: %s",
			 g_strerror(errno));
		return;
	}
	trouble = ask(fd);
	if (trouble != NULL)
		rmt_find(&d->findings, RMT_SEVERITY_ERROR, place,
			 "systemctl status remite-policyd", "%s", trouble);
	close(fd);
}

static void check_listen(struct rmt_doctor *d, const char *listen)
{
	g_autofree char *endpoint =
		rmt_policy_endpoint(d->pf, rmt_span_of(listen), false);
	struct stat st;

	if (g_str_has_prefix(endpoint, "inet:")) {
		check_answer(d, listen, connect_inet(endpoint + 5));
		return;
	}
	check_private(d, listen, endpoint + 5);
	if (stat(endpoint + 5, &st) == 0)
		check_reach(d, listen, endpoint + 5);
	check_answer(d, listen, connect_unix(endpoint + 5));
}

void rmt_doctor_socket(struct rmt_doctor *d)
{
	char **listen = d->config->policyd.listen;
	size_t i;

	for (i = 0; listen != NULL && listen[i] != NULL; i++)
		if (g_str_has_prefix(listen[i], "unix:") ||
		    g_str_has_prefix(listen[i], "inet:"))
			check_listen(d, listen[i]);
}

/* --- metrics -------------------------------------------------------------------- */

static void check_metrics(struct rmt_doctor *d, const char *setting, const char *address)
{
	g_autofree char *endpoint = g_strconcat("inet:", address, NULL);
	char reply[4096];
	int fd = rmt_doctor_connect(endpoint);
	const char *trouble;

	if (fd < 0)
		return; /* the daemon does not run: others say so */
	trouble = rmt_doctor_ask(fd, "GET /metrics HTTP/1.0\r\n\r\n", "remite_", reply,
				 sizeof(reply));
	close(fd);
	if (trouble == NULL ? strstr(reply, "remite_") == NULL
			    : !g_str_has_prefix(trouble, "no connection"))
		rmt_find(&d->findings, RMT_SEVERITY_ERROR, address, setting,
			 "another program has this port: the daemon cannot show its "
			 "numbers there (choose another)");
}

void rmt_doctor_metrics(struct rmt_doctor *d)
{
	if (d->config->policyd.metrics != NULL)
		check_metrics(d, "policyd: { metrics = \"127.0.0.1:9187\" }",
			      d->config->policyd.metrics);
	if (d->config->milter.metrics != NULL)
		check_metrics(d, "milter: { metrics = \"127.0.0.1:9188\" }",
			      d->config->milter.metrics);
}
