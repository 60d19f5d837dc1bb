/* SPDX-License-Identifier: MIT */
#include "postfix-policy/policyd/sockets.h"

#include <systemd/sd-daemon.h>

#include "common/base/log.h"
#include "postfix-policy/policyd/control.h"
#include "postfix-policy/policyd/listener.h"
#include "postfix-policy/policyd/metrics_http.h"

enum use { USE_POLICY, USE_CONTROL, USE_METRICS };

struct opened {
	struct rmt_listener *listener; /* own */
	enum use use;
	bool from_systemd, wanted;
};

struct rmt_sockets {
	struct rmt_policyd *policyd; /* foreign */
	GPtrArray *all;              /* own; struct opened */
};

static void free_opened(gpointer data)
{
	struct opened *opened = data;

	rmt_listener_close(opened->listener);
	g_free(opened);
}

static void add(struct rmt_sockets *sockets, struct rmt_listener *listener, enum use use,
		bool from_systemd)
{
	struct opened *opened = g_new0(struct opened, 1);

	opened->listener = listener;
	opened->use = use;
	opened->from_systemd = from_systemd;
	opened->wanted = true;
	g_ptr_array_add(sockets->all, opened);
}

static bool start(struct rmt_sockets *sockets, struct rmt_listener *listener,
		  enum use use, GError **err)
{
	struct rmt_policyd *policyd = sockets->policyd;
	struct rmt_loop *loop = policyd->loop;

	switch (use) {
	case USE_POLICY:
		return rmt_listener_start(listener, loop, rmt_sessions_accept,
					  policyd->sessions, err);
	case USE_CONTROL:
		return rmt_listener_start(listener, loop, rmt_talks_accept,
					  rmt_control_talks(policyd->control), err);
	case USE_METRICS:
		return rmt_listener_start(listener, loop, rmt_talks_accept,
					  rmt_metrics_http_talks(policyd->http), err);
	}
	return false;
}

static void adopt(struct rmt_sockets *sockets, int fd)
{
	g_autoptr(GError) err = NULL;
	struct rmt_listener *listener = rmt_listener_adopt(fd, &err);

	if (listener != NULL && start(sockets, listener, USE_POLICY, &err)) {
		add(sockets, listener, USE_POLICY, true);
		return;
	}
	rmt_log(RMT_LOG_ERROR, "socket activation: %s", err->message);
	rmt_listener_close(listener);
}

struct rmt_sockets *rmt_sockets_new(struct rmt_policyd *policyd)
{
	struct rmt_sockets *sockets = g_new0(struct rmt_sockets, 1);
	int i, count = sd_listen_fds(1);

	sockets->policyd = policyd;
	sockets->all = g_ptr_array_new_with_free_func(free_opened);
	for (i = 0; i < count; i++)
		adopt(sockets, SD_LISTEN_FDS_START + i);
	return sockets;
}

void rmt_sockets_free(struct rmt_sockets *sockets)
{
	if (sockets == NULL)
		return;
	g_ptr_array_unref(sockets->all);
	g_free(sockets);
}

static struct opened *find(const struct rmt_sockets *sockets, const char *name,
			   enum use use)
{
	guint i;

	for (i = 0; i < sockets->all->len; i++) {
		struct opened *opened = sockets->all->pdata[i];

		if (opened->use == use && rmt_listener_is(opened->listener, name))
			return opened;
	}
	return NULL;
}

/* Opens name, or finds it open. */
static bool want(struct rmt_sockets *sockets, const char *name, enum use use,
		 const struct rmt_listener_options *options, GError **err)
{
	struct opened *opened = find(sockets, name, use);
	struct rmt_listener *listener;

	if (opened != NULL) {
		opened->wanted = true;
		return rmt_listener_set_access(opened->listener, options, err);
	}
	listener = rmt_listener_open(name, options, err);
	if (listener == NULL)
		return false;
	if (!start(sockets, listener, use, err)) {
		rmt_listener_close(listener);
		return false;
	}
	add(sockets, listener, use, false);
	return true;
}

static bool want_all(struct rmt_sockets *sockets, const struct rmt_policyd_config *config,
		     GError **err)
{
	const struct rmt_listener_options options = { config->socket_mode,
						      config->socket_owner,
						      config->socket_group };
	const struct rmt_listener_options own = { 0660, NULL, NULL };
	g_autofree char *control = g_strdup_printf("unix:%s", config->control);
	g_autofree char *metrics = g_strdup_printf("inet:%s", config->metrics);
	char **name;

	for (name = config->listen; name != NULL && *name != NULL; name++)
		if (!want(sockets, *name, USE_POLICY, &options, err))
			return false;
	if (!want(sockets, control, USE_CONTROL, &own, err))
		return false;
	return config->metrics == NULL || want(sockets, metrics, USE_METRICS, &own, err);
}

/* Closes, from the back, what is beyond `keep` or (keep 0) what is not wanted. */
static void close_some(struct rmt_sockets *sockets, guint keep)
{
	guint i;

	for (i = sockets->all->len; i-- > keep;) {
		struct opened *opened = sockets->all->pdata[i];

		if (keep > 0 || (!opened->wanted && !opened->from_systemd))
			g_ptr_array_remove_index(sockets->all, i);
	}
}

bool rmt_sockets_configure(struct rmt_sockets *sockets, const struct rmt_config *config,
			   GError **err)
{
	const guint before = sockets->all->len;
	guint i;

	for (i = 0; i < before; i++)
		((struct opened *)sockets->all->pdata[i])->wanted = false;
	if (want_all(sockets, &config->policyd, err)) {
		close_some(sockets, 0);
		return true;
	}
	if (before > 0) /* a reload: nothing has changed */
		close_some(sockets, before);
	return false;
}

void rmt_sockets_retry(struct rmt_sockets *sockets)
{
	guint i;

	for (i = 0; i < sockets->all->len; i++)
		rmt_listener_retry(((struct opened *)sockets->all->pdata[i])->listener);
}

void rmt_sockets_format(const struct rmt_sockets *sockets, GString *out)
{
	guint i;

	for (i = 0; i < sockets->all->len; i++) {
		const struct opened *opened = sockets->all->pdata[i];

		if (opened->use == USE_POLICY)
			g_string_append_printf(out, "%s%s", out->len > 0 ? ", " : "",
					       rmt_listener_name(opened->listener));
	}
}
