/* SPDX-License-Identifier: MIT */
#include "postfix-policy/policyd/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib-unix.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/log.h"

enum { BACKLOG = 4096, ACCEPT_MAX = 64 };

struct rmt_listener {
	struct rmt_source source;
	char *name; /* own */
	char *path; /* own; socket file to remove, or NULL */
	dev_t device;
	ino_t inode;
	struct rmt_loop *loop; /* foreign; NULL: not started */
	rmt_listener_accept *accepted;
	void *context;
	bool paused, told, inet;
};

static bool fail(GError **err, const char *format, ...) G_GNUC_PRINTF(2, 3);
static bool fail(GError **err, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error_literal(err, G_FILE_ERROR, G_FILE_ERROR_FAILED, text);
	return false;
}

/* --- UNIX sockets --- */

static bool unix_address(const char *path, struct sockaddr_un *address_r, GError **err)
{
	*address_r = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(address_r->sun_path))
		return fail(err, "the path is longer than a socket's may be (%zu octets)",
			    sizeof(address_r->sun_path) - 1);
	strcpy(address_r->sun_path, path);
	return true;
}

/* Somebody answers there: true. */
static bool is_alive(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool alive;

	if (fd < 0)
		return true; /* in doubt leave it alone */
	alive = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
		errno != ECONNREFUSED;
	close(fd);
	return alive;
}

static bool clear_place(const struct sockaddr_un *address, GError **err)
{
	const char *path = address->sun_path;
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ||
		       fail(err, "cannot look there: %s", g_strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return fail(err, "something else than a socket is there: move it away");
	if (is_alive(address))
		return fail(err, "another program answers there: stop it, or choose "
				 "another path");
	return unlink(path) == 0 ||
	       fail(err, "cannot remove the stale socket: %s", g_strerror(errno));
}

static bool find_ids(const struct rmt_listener_options *options, uid_t *uid_r,
		     gid_t *gid_r, GError **err)
{
	struct passwd *user = NULL;
	struct group *group = NULL;

	*uid_r = (uid_t)-1;
	*gid_r = (gid_t)-1;
	if (options->owner != NULL) {
		user = getpwnam(options->owner);
		if (user == NULL)
			return fail(err, "there is no user '%s'", options->owner);
		*uid_r = user->pw_uid;
	}
	if (options->group != NULL) {
		group = getgrnam(options->group);
		if (group == NULL)
			return fail(err, "there is no group '%s'", options->group);
		*gid_r = group->gr_gid;
	}
	return true;
}

static bool set_access(const char *path, const struct rmt_listener_options *options,
		       GError **err)
{
	struct stat st;
	uid_t uid;
	gid_t gid;

	if (!find_ids(options, &uid, &gid, err))
		return false;
	if (stat(path, &st) == 0 && (uid == (uid_t)-1 || uid == st.st_uid) &&
	    (gid == (gid_t)-1 || gid == st.st_gid))
		uid = gid = (uid_t)-1; /* a directory with the group's bit made it so */
	if ((uid != (uid_t)-1 || gid != (gid_t)-1) && chown(path, uid, gid) < 0)
		return fail(
			err,
			"cannot give it to %s:%s: %s (start as root, or make the user "
			"a member of the group)",
			options->owner != NULL ? options->owner : "",
			options->group != NULL ? options->group : "", g_strerror(errno));
	if (chmod(path, options->mode) < 0)
		return fail(err, "chmod: %s", g_strerror(errno));
	return true;
}

static bool bind_unix(struct rmt_listener *listener, const char *path,
		      const struct rmt_listener_options *options, GError **err)
{
	struct sockaddr_un address;
	struct stat st;
	int fd;

	if (!unix_address(path, &address, err) || !clear_place(&address, err))
		return false;
	fd = listener->source.fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(err, "socket: %s", g_strerror(errno));
	/* Linux makes the file with these: nobody gets in before it is set right. */
	fchmod(fd, 0600);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		g_autofree char *directory = g_path_get_dirname(path);

		return errno == ENOENT ? fail(err,
					      "directory %s is missing: make it, owned "
					      "by the user "
					      "this runs as (install -d %s)",
					      directory, directory)
				       : fail(err, "bind: %s", g_strerror(errno));
	}
	listener->path = g_strdup(path);
	if (stat(path, &st) == 0) {
		listener->device = st.st_dev;
		listener->inode = st.st_ino;
	}
	return set_access(path, options, err);
}

/* --- internet sockets --- */

/* "host:port" or "[host]:port"; both results are the caller's. */
static bool split_host_port(const char *text, char **host_r, char **port_r)
{
	const char *colon = strrchr(text, ':');
	const bool bracket = text[0] == '[';

	if (colon == NULL || colon == text || (bracket && colon[-1] != ']'))
		return false;
	*host_r = bracket ? g_strndup(text + 1, (gsize)(colon - text) - 2)
			  : g_strndup(text, (gsize)(colon - text));
	*port_r = g_strdup(colon + 1);
	return true;
}

static struct addrinfo *look_up(const char *text, GError **err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *found = NULL;
	g_autofree char *host = NULL, *port = NULL;
	int failure;

	if (!split_host_port(text, &host, &port)) {
		fail(err, "write inet:host:port");
		return NULL;
	}
	failure = getaddrinfo(host, port, &hints, &found);
	if (failure != 0)
		fail(err, "%s", gai_strerror(failure));
	return found;
}

static bool bind_inet(struct rmt_listener *listener, const char *text, GError **err)
{
	struct addrinfo *found = look_up(text, err);
	const int yes = 1;
	bool ok = false;
	int fd;

	if (found == NULL)
		return false;
	listener->inet = true;
	fd = listener->source.fd =
		socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		fail(err, "socket: %s", g_strerror(errno));
	} else {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
		ok = bind(fd, found->ai_addr, found->ai_addrlen) == 0 ||
		     fail(err, "bind: %s", g_strerror(errno));
	}
	freeaddrinfo(found);
	return ok;
}

/* --- both --- */

static bool open_socket(struct rmt_listener *listener, const char *name,
			const struct rmt_listener_options *options, GError **err)
{
	if (g_str_has_prefix(name, "unix:") &&
	    !bind_unix(listener, name + strlen("unix:"), options, err))
		return false;
	if (g_str_has_prefix(name, "inet:") &&
	    !bind_inet(listener, name + strlen("inet:"), err))
		return false;
	if (listener->source.fd < 0)
		return fail(err, "write unix:/path or inet:host:port");
	return listen(listener->source.fd, BACKLOG) == 0 ||
	       fail(err, "listen: %s", g_strerror(errno));
}

struct rmt_listener *rmt_listener_open(const char *name,
				       const struct rmt_listener_options *options,
				       GError **err)
{
	struct rmt_listener *listener = g_new0(struct rmt_listener, 1);

	listener->source.fd = -1;
	listener->name = g_strdup(name);
	if (open_socket(listener, name, options, err))
		return listener;
	g_prefix_error(err, "cannot listen at %s: ", name);
	rmt_listener_close(listener);
	return NULL;
}

/* "unix:/path", "inet:address:port". */
static char *name_of(const struct sockaddr_storage *address, socklen_t len)
{
	const struct sockaddr_un *local = (const void *)address;
	char host[NI_MAXHOST], port[NI_MAXSERV];

	if (address->ss_family == AF_UNIX && len > sizeof(sa_family_t))
		return g_strdup_printf("unix:%s", local->sun_path);
	if (getnameinfo((const void *)address, len, host, sizeof(host), port,
			sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return NULL;
	return g_strdup_printf(address->ss_family == AF_INET6 ? "inet:[%s]:%s"
							      : "inet:%s:%s",
			       host, port);
}

struct rmt_listener *rmt_listener_adopt(int fd, GError **err)
{
	struct sockaddr_storage address = { 0 };
	socklen_t len = sizeof(address);
	struct rmt_listener *listener;
	char *name = NULL;

	if (getsockname(fd, (struct sockaddr *)&address, &len) == 0)
		name = name_of(&address, len);
	if (name == NULL) {
		fail(err, "descriptor %d from systemd is no socket to listen at", fd);
		return NULL;
	}
	g_unix_set_fd_nonblocking(fd, TRUE, NULL); /* systemd leaves it blocking */
	listener = g_new0(struct rmt_listener, 1);
	listener->source.fd = fd;
	listener->name = name;
	listener->inet = address.ss_family != AF_UNIX;
	return listener;
}

void rmt_listener_close(struct rmt_listener *listener)
{
	struct stat st;

	if (listener == NULL)
		return;
	if (listener->loop != NULL)
		rmt_loop_remove(listener->loop, &listener->source);
	if (listener->path != NULL && lstat(listener->path, &st) == 0 &&
	    st.st_dev == listener->device && st.st_ino == listener->inode)
		unlink(listener->path);
	if (listener->source.fd >= 0)
		close(listener->source.fd);
	g_free(listener->path);
	g_free(listener->name);
	g_free(listener);
}

bool rmt_listener_set_access(const struct rmt_listener *listener,
			     const struct rmt_listener_options *options, GError **err)
{
	if (listener->path == NULL || set_access(listener->path, options, err))
		return true;
	g_prefix_error(err, "%s: ", listener->name);
	return false;
}

const char *rmt_listener_name(const struct rmt_listener *listener)
{
	return listener->name;
}

bool rmt_listener_is(const struct rmt_listener *listener, const char *name)
{
	struct addrinfo *found, *each;
	bool same = strcmp(listener->name, name) == 0;

	if (same || !g_str_has_prefix(name, "inet:"))
		return same;
	found = look_up(name + strlen("inet:"), NULL);
	for (each = found; each != NULL && !same; each = each->ai_next) {
		g_autofree char *other =
			name_of((const void *)each->ai_addr, each->ai_addrlen);

		same = g_strcmp0(listener->name, other) == 0;
	}
	if (found != NULL)
		freeaddrinfo(found);
	return same;
}

/* Out of descriptors or memory: level-triggered epoll would report the waiting
 * connection for ever, so the listener rests until the next second. */
static void rest(struct rmt_listener *listener, int error)
{
	if (!listener->told)
		rmt_log(RMT_LOG_ERROR,
			"%s: accept: %s; trying again every second (raise LimitNOFILE, "
			"or "
			"lower policyd.max_connections)",
			listener->name, g_strerror(error));
	listener->told = true;
	rmt_loop_change(listener->loop, &listener->source, 0);
	listener->paused = true;
}

static bool is_passing(int error)
{
	return error == EAGAIN || error == EINTR || error == ECONNABORTED ||
	       error == EPROTO || error == ENETDOWN || error == EHOSTUNREACH;
}

static void accept_some(struct rmt_source *source, uint32_t events)
{
	struct rmt_listener *listener = (struct rmt_listener *)(void *)source;
	const int yes = 1;
	int i, fd;

	(void)events;
	for (i = 0; i < ACCEPT_MAX; i++) {
		struct sockaddr_storage address = { 0 };
		socklen_t len = sizeof(address);

		fd = accept4(source->fd, (struct sockaddr *)&address, &len,
			     SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			if (!is_passing(errno))
				rest(listener, errno);
			else if (errno == EAGAIN) /* all that waited are in */
				listener->told = false;
			return;
		}
		if (listener->inet)
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
		listener->accepted(listener->context, fd, listener->name, &address);
	}
}

bool rmt_listener_start(struct rmt_listener *listener, struct rmt_loop *loop,
			rmt_listener_accept *accepted, void *context, GError **err)
{
	listener->source.ready = accept_some;
	listener->accepted = accepted;
	listener->context = context;
	if (!rmt_loop_add(loop, &listener->source, EPOLLIN, err))
		return false;
	listener->loop = loop;
	return true;
}

void rmt_listener_retry(struct rmt_listener *listener)
{
	if (!listener->paused)
		return;
	listener->paused = false;
	rmt_loop_change(listener->loop, &listener->source, EPOLLIN);
}
