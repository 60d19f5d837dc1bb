/* SPDX-License-Identifier: MIT */
/* doctor_host.c - this machine: does policyd answer, and where does it keep its state? */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cli/doctor.h"
#include "common/cli/restrictions.h"
#include "common/store/store.h"

#define ANSWER_MS    1000
#define PATH_PARTS   64
#define FREE_LOW     (256ull << 20)
#define POLICY_REPLY "action="

/* An empty instance is never charged, and CONNECT has no recipient. */
static const char request[] = "request=smtpd_access_policy\nprotocol_state=CONNECT\n"
			      "protocol_name=ESMTP\nclient_address=127.0.0.1\n"
			      "client_name=localhost\ninstance=\n\n";

/* --- reaching a socket ---------------------------------------------------------- */

size_t rmt_doctor_may_pass(const struct rmt_path_part *parts, size_t count, uid_t uid,
			   gid_t gid)
{
	size_t i;

	for (i = 0; i < count; i++) {
		mode_t need = i + 1 < count ? 1 : 2; /* search, write */

		if (parts[i].uid == uid)
			need <<= 6;
		else if (parts[i].gid == gid)
			need <<= 3;
		if (uid != 0 && !(parts[i].mode & need))
			return i;
	}
	return count;
}

/* "/", "/var", ...: the path up to its part'th slash. */
static char *path_up_to(const char *path, size_t part)
{
	const char *p = path;

	while (part-- > 0 && p != NULL)
		p = strchr(p + 1, '/');
	if (p == path)
		return g_strdup("/");
	return p != NULL ? g_strndup(path, (size_t)(p - path)) : g_strdup(path);
}

static size_t read_parts(const char *path, struct rmt_path_part *parts)
{
	size_t count = 0, slashes = 0;
	const char *p;

	for (p = path; *p != '\0'; p++)
		slashes += *p == '/';
	for (; count <= slashes && count < PATH_PARTS; count++) {
		g_autofree char *part = path_up_to(path, count);
		struct stat st;

		if (stat(part, &st) < 0)
			break;
		parts[count] = (struct rmt_path_part){ st.st_uid, st.st_gid,
						       st.st_mode & 07777 };
	}
	return count;
}

static void check_reach(struct rmt_doctor *d, const char *place, const char *path)
{
	const char *owner = rmt_postfix_get(d->pf, NULL, "mail_owner");
	const struct passwd *user = getpwnam(owner);
	struct rmt_path_part parts[PATH_PARTS];
	size_t count = read_parts(path, parts), at;
	g_autofree char *part = NULL, *remedy = NULL;

	if (user == NULL)
		return;
	at = rmt_doctor_may_pass(parts, count, user->pw_uid, user->pw_gid);
	if (at == count)
		return;
	part = path_up_to(path, at);
	remedy = at + 1 < count ? g_strdup_printf("chmod a+x %s", part)
				: g_strdup_printf("policyd: { socket_group = \"%s\"  "
						  "socket_mode = \"0660\" }",
						  owner);
	rmt_find(&d->findings, RMT_SEVERITY_ERROR, place, remedy,
		 "Postfix's user '%s' (group %u, no others) is kept out at '%s' (mode "
		 "%04o)",
		 owner, (unsigned)user->pw_gid, part, (unsigned)parts[at].mode);
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
			return "does not answer within a second";
		n = recv(fd, reply + got, size - 1 - got, 0);
		if (n <= 0)
			return "hangs up instead of answering";
		got += (size_t)n;
		reply[got] = '\0';
	}
	return NULL;
}

/* What went wrong, or NULL: an action came within a second. */
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

/* --- state ---------------------------------------------------------------------- */

static void check_modes(struct rmt_doctor *d, const char *dir, const struct stat *st)
{
	g_autofree char *remedy = g_strdup_printf("chmod o-rwx %s", dir);

	if (st->st_mode & 02)
		rmt_find(&d->findings, RMT_SEVERITY_ERROR, dir, remedy,
			 "everybody may write there (mode %04o)",
			 (unsigned)st->st_mode & 07777);
	else if (st->st_mode & 05)
		rmt_find(
			&d->findings, RMT_SEVERITY_WARNING, dir, remedy,
			"everybody may look in (mode %04o), and addresses are kept there",
			(unsigned)st->st_mode & 07777);
	if (getpwuid(st->st_uid) == NULL)
		rmt_find(&d->findings, RMT_SEVERITY_WARNING, dir, NULL,
			 "belongs to user %u, whom this system does not know",
			 (unsigned)st->st_uid);
}

static void check_space(struct rmt_doctor *d, const char *dir)
{
	struct statvfs fs;
	unsigned long long left;

	if (statvfs(dir, &fs) < 0)
		return;
	left = (unsigned long long)fs.f_bavail * fs.f_frsize;
	if (fs.f_flag & ST_RDONLY)
		rmt_find(&d->findings, RMT_SEVERITY_ERROR, dir, NULL,
			 "is on a file system mounted read-only: counts are lost when "
			 "policyd ends");
	else if (left < FREE_LOW)
		rmt_find(&d->findings, RMT_SEVERITY_WARNING, dir, NULL,
			 "only %llu MB are free: counts and suppressions need room",
			 left >> 20);
}

static void check_records(struct rmt_doctor *d, const char *dir)
{
	g_autofree char *path = g_build_filename(dir, "records", NULL);
	g_autofree char *uri = g_strconcat("lmdb:", path, NULL);
	g_autoptr(GError) err = NULL;
	struct rmt_store *store = NULL;

	if (!g_file_test(path, G_FILE_TEST_EXISTS))
		rmt_find(&d->findings, RMT_SEVERITY_NOTE, path, NULL,
			 "not there yet: made with the first suppression or pause");
	else if (!rmt_store_open(&store, uri, true, &err))
		rmt_find(&d->findings, RMT_SEVERITY_ERROR, path, NULL,
			 "does not open: %s", err->message);
	rmt_store_close(&store);
}

static void check_control(struct rmt_doctor *d)
{
	const char *path = d->config->policyd.control;
	int fd;

	if (path == NULL || *path != '/')
		return;
	fd = connect_unix(path);
	if (fd < 0)
		rmt_find(&d->findings, RMT_SEVERITY_WARNING, path,
			 "systemctl start remite-policyd",
			 "the control socket takes no connection: %s (remite status and "
			 "limits need it)",
			 g_strerror(errno));
	else
		close(fd);
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

/* --- the whole ------------------------------------------------------------------ */

/* What is kept read-only on purpose is for whoever builds the system. */
static void check_read_only(struct rmt_doctor *d, const char *dir, const char *command)
{
	struct statvfs fs;

	if (statvfs(dir, &fs) == 0 && (fs.f_flag & ST_RDONLY))
		rmt_find(&d->findings, RMT_SEVERITY_NOTE, dir, command,
			 "is on a file system mounted read-only: --apply cannot write "
			 "there; put in what the command prints");
}

void rmt_doctor_state(struct rmt_doctor *d)
{
	const char *dir = d->config->state;
	g_autofree char *remedy = NULL;
	struct stat st;

	if (dir == NULL)
		return;
	if (d->pf != NULL)
		check_read_only(d, d->pf->dir, "remite setup postfix");
	remedy = g_strdup_printf("install -d -o remite -g remite -m 0750 %s", dir);
	if (stat(dir, &st) < 0)
		rmt_find(&d->findings, RMT_SEVERITY_ERROR, dir, remedy,
			 "the state directory: %s", g_strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		rmt_find(&d->findings, RMT_SEVERITY_ERROR, dir, NULL, "is no directory");
	else {
		check_modes(d, dir, &st);
		check_space(d, dir);
		check_records(d, dir);
	}
	check_control(d);
}
