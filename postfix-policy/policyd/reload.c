/* SPDX-License-Identifier: MIT */
#include "postfix-policy/policyd/reload.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/eventfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/base/background.h"
#include "common/base/log.h"
#include "postfix-policy/policyd/links.h"
#include "postfix-policy/policyd/sockets.h"

struct rmt_reload {
	struct rmt_source source; /* first; an eventfd the thread writes to */
	struct rmt_policyd *policyd;
	GThread *thread; /* reads; or NULL */
	bool again;
	int64_t reading_us, began_us; /* the one under way; the last that ended */
	unsigned ended;
	GPtrArray *complaints; /* own; of the last one, or NULL */
	GPtrArray *retired;    /* own; configurations no longer in force */
	/* The thread's, until it is joined. */
	struct rmt_config *read;
	struct rmt_generation *compiled; /* of it */
	GPtrArray *read_complaints;
};

static gpointer read_config(gpointer data)
{
	struct rmt_reload *reload = data;
	const uint64_t one = 1;

	rmt_background();
	reload->read =
		rmt_config_read(reload->policyd->config_file, &reload->read_complaints);
	if (reload->read != NULL)
		reload->compiled =
			rmt_engine_compile(reload->policyd->engine, reload->read);
	if (write(reload->source.fd, &one, sizeof(one)) != sizeof(one))
		rmt_log(RMT_LOG_ERROR, "reload: eventfd: %s", g_strerror(errno));
	return NULL;
}

void rmt_reload_begin(struct rmt_reload *reload)
{
	if (reload->thread != NULL) {
		reload->again = true;
		return;
	}
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, g_get_monotonic_time());
	reload->reading_us = g_get_monotonic_time();
	reload->thread = g_thread_new("config", read_config, reload);
}

static gpointer free_config(gpointer config)
{
	rmt_background();
	rmt_config_unref(config);
	return NULL;
}

/* The reference held here is the last one: freeing a million overrides takes
 * longer than an answer may. */
void rmt_reload_sweep(struct rmt_reload *reload)
{
	guint i;

	for (i = reload->retired->len; i-- > 0;) {
		struct rmt_config *config = reload->retired->pdata[i];

		if (config->refs > 1)
			continue;
		g_ptr_array_remove_index_fast(reload->retired, i);
		g_thread_unref(g_thread_new("config-free", free_config, config));
	}
}

/* What can fail comes first. */
static bool take_over(struct rmt_reload *reload, struct rmt_config *config, GError **err)
{
	struct rmt_policyd *policyd = reload->policyd;
	const char *path = config->policyd.record;
	struct rmt_record *record = path != NULL ? rmt_record_open(path, err) : NULL;

	if ((path != NULL && record == NULL) ||
	    !rmt_sockets_configure(policyd->sockets, config, err)) {
		rmt_record_close(record);
		return false;
	}
	rmt_sessions_configure(policyd->sessions, &config->policyd, record);
	rmt_record_close(policyd->record);
	policyd->record = record;
	rmt_engine_adopt(policyd->engine, g_steal_pointer(&reload->compiled));
	rmt_policyd_read_links(policyd, config);
	rmt_metrics_config_changed(policyd->metrics);
	rmt_policyd_configure_senders(policyd, config);
	return true;
}

/* took_ns: how long nothing was answered. */
static void succeed(struct rmt_reload *reload, struct rmt_config *config, int64_t took_ns)
{
	struct rmt_policyd *policyd = reload->policyd;

	if (g_strcmp0(policyd->config->state, config->state) != 0)
		rmt_log(RMT_LOG_WARNING,
			"reload: 'state' is used from the next start on; until then %s",
			policyd->config->state);
	g_ptr_array_add(reload->retired, policyd->config);
	policyd->config = config;
	policyd->config_loaded = policyd->now.wall_secs;
	policyd->reload_ok = true;
	rmt_metrics_counts(policyd->metrics)->reloads++;
	rmt_log(RMT_LOG_INFO, "reload: %s is in force, taken over in %" PRId64 ".%03d ms",
		config->file, took_ns / RMT_NS_PER_MS,
		(int)(took_ns % RMT_NS_PER_MS / 1000));
}

static void fail(struct rmt_reload *reload)
{
	reload->policyd->reload_ok = false;
	rmt_metrics_counts(reload->policyd->metrics)->reload_errors++;
	rmt_log(RMT_LOG_ERROR, "reload: the configuration in force stays as it was");
}

static void log_complaints(const struct rmt_reload *reload, enum rmt_log_level level)
{
	guint i;

	for (i = 0; reload->complaints != NULL && i < reload->complaints->len; i++)
		rmt_log(level, "%s", (const char *)reload->complaints->pdata[i]);
}

static void finish(struct rmt_reload *reload)
{
	struct rmt_config *config = g_steal_pointer(&reload->read);
	const int64_t began_ns = rmt_boot_ns();
	g_autoptr(GError) err = NULL;

	g_clear_pointer(&reload->complaints, g_ptr_array_unref);
	reload->complaints = g_steal_pointer(&reload->read_complaints);
	log_complaints(reload, config != NULL ? RMT_LOG_WARNING : RMT_LOG_ERROR);
	if (config != NULL && take_over(reload, config, &err)) {
		succeed(reload, config, rmt_boot_ns() - began_ns);
		return;
	}
	if (config != NULL) {
		rmt_log(RMT_LOG_ERROR, "reload: %s", err->message);
		g_ptr_array_add(reload->complaints, g_strdup(err->message));
		g_clear_pointer(&reload->compiled, rmt_generation_free);
		g_ptr_array_add(reload->retired, config);
	}
	fail(reload);
}

static void config_is_read(struct rmt_source *source, uint32_t events)
{
	struct rmt_reload *reload = (struct rmt_reload *)(void *)source;
	uint64_t count;

	(void)events;
	if (read(source->fd, &count, sizeof(count)) != sizeof(count) ||
	    reload->thread == NULL)
		return;
	g_thread_join(reload->thread);
	reload->thread = NULL;
	finish(reload);
	reload->began_us = reload->reading_us;
	reload->ended++;
	sd_notify(0, "READY=1");
	if (reload->again) {
		reload->again = false;
		rmt_reload_begin(reload);
	}
}

struct rmt_reload *rmt_reload_new(struct rmt_policyd *policyd, GError **err)
{
	struct rmt_reload *reload = g_new0(struct rmt_reload, 1);

	reload->policyd = policyd;
	reload->retired = g_ptr_array_new();
	reload->source.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	reload->source.ready = config_is_read;
	if (reload->source.fd >= 0 &&
	    rmt_loop_add(policyd->loop, &reload->source, EPOLLIN, err))
		return reload;
	if (reload->source.fd < 0)
		g_set_error(err, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
			    "eventfd: %s", g_strerror(errno));
	rmt_reload_free(reload);
	return NULL;
}

void rmt_reload_free(struct rmt_reload *reload)
{
	guint i;

	if (reload == NULL)
		return;
	if (reload->thread != NULL)
		g_thread_join(reload->thread);
	g_clear_pointer(&reload->compiled, rmt_generation_free);
	if (reload->read != NULL)
		rmt_config_unref(reload->read);
	g_clear_pointer(&reload->read_complaints, g_ptr_array_unref);
	g_clear_pointer(&reload->complaints, g_ptr_array_unref);
	for (i = 0; i < reload->retired->len; i++)
		rmt_config_unref(reload->retired->pdata[i]);
	g_ptr_array_unref(reload->retired);
	if (reload->source.fd >= 0)
		close(reload->source.fd);
	g_free(reload);
}

unsigned rmt_reload_ended(const struct rmt_reload *reload)
{
	return reload->ended;
}

int64_t rmt_reload_began_us(const struct rmt_reload *reload)
{
	return reload->began_us;
}

bool rmt_reload_running(const struct rmt_reload *reload)
{
	return reload->thread != NULL;
}

const GPtrArray *rmt_reload_complaints(const struct rmt_reload *reload)
{
	return reload->complaints;
}
