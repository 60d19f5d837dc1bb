/* SPDX-License-Identifier: MIT */
#include "postfix-policy/milter/socket.h"

#include <errno.h>
#include <grp.h>
#include <libmilter/mfapi.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/span.h"

enum { BACKLOG = 512 };

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

/* NULL: not a UNIX socket. */
static const char *path_of(const char *name)
{
	return g_str_has_prefix(name, "unix:") ? name + strlen("unix:") : NULL;
}

char *rmt_socket_for_libmilter(const char *name)
{
	struct rmt_span host, port, rest = rmt_span_of(name);
	const char *family = "inet";

	if (path_of(name) != NULL || !g_str_has_prefix(name, "inet:"))
		return g_strdup(name);
	rest = rmt_span_from(rest, strlen("inet:"));
	if (!rmt_span_split_last(rest, ':', &host, &port))
		return g_strdup(name);
	if (host.len > 2 && host.p[0] == '[' && host.p[host.len - 1] == ']') {
		host = rmt_span(host.p + 1, host.len - 2);
		family = "inet6";
	}
	return g_strdup_printf("%s:%.*s@%.*s", family, RMT_SPAN_ARGS(port),
			       RMT_SPAN_ARGS(host));
}

/* libmilter would take a living one's place. */
static bool is_free(const char *path, GError **err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat st;
	bool alive;
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return fail(err, "the path is longer than a socket's may be");
	if (lstat(path, &st) < 0)
		return errno == ENOENT ||
		       fail(err, "cannot look there: %s", g_strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return fail(err, "something else than a socket is there: move it away");
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	alive = fd >= 0 &&
		connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
	if (fd >= 0)
		close(fd);
	return !alive || fail(err, "another program answers there: stop it, or choose "
				   "another path");
}

static bool set_access(const char *path, const struct rmt_milter_config *config,
		       GError **err)
{
	const struct passwd *user =
		config->socket_owner != NULL ? getpwnam(config->socket_owner) : NULL;
	const struct group *group =
		config->socket_group != NULL ? getgrnam(config->socket_group) : NULL;

	if (config->socket_owner != NULL && user == NULL)
		return fail(err, "there is no user '%s'", config->socket_owner);
	if (config->socket_group != NULL && group == NULL)
		return fail(err, "there is no group '%s'", config->socket_group);
	if (chown(path, user != NULL ? user->pw_uid : (uid_t)-1,
		  group != NULL ? group->gr_gid : (gid_t)-1) < 0 ||
	    chmod(path, config->socket_mode) < 0)
		return fail(err,
			    "cannot set owner and permissions: %s (is the user this "
			    "runs as a member of the group?)",
			    g_strerror(errno));
	return true;
}

static bool open_socket(const struct rmt_milter_config *config, const char *socket,
			GError **err)
{
	g_autofree char *name = rmt_socket_for_libmilter(socket);
	const char *path = path_of(socket);

	if (path != NULL && !is_free(path, err))
		return false;
	if (smfi_setconn(name) != MI_SUCCESS || smfi_setbacklog(BACKLOG) != MI_SUCCESS)
		return fail(err, "libmilter does not take '%s'", name);
	if (smfi_opensocket(true) != MI_SUCCESS)
		return fail(err, "cannot be opened: %s", g_strerror(errno));
	return path == NULL || set_access(path, config, err);
}

void rmt_socket_remove(const char *name)
{
	const char *path = path_of(name);

	if (path != NULL)
		unlink(path);
}

bool rmt_socket_open(const struct rmt_milter_config *config, enum rmt_place place,
		     GError **err)
{
	const char *name = rmt_place_socket(config, place);

	if (open_socket(config, name, err))
		return true;
	g_prefix_error(err, "%s: ", name);
	return false;
}
