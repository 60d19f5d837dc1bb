/* SPDX-License-Identifier: MIT */
#include "postfix-policy/milter/milter.h"

#include "common/base/log.h"
#include "postfix-policy/daemon/start.h"

static bool has_limit_of_octets(const struct rmt_stream *stream)
{
	guint i;

	for (i = 0; i < stream->limits->len; i++) {
		const struct rmt_limit *limit = stream->limits->pdata[i];

		if (limit->of == RMT_UNIT_BYTES)
			return true;
	}
	return false;
}

static void look_at_streams(struct rmt_in_force *in_force)
{
	const GPtrArray *streams = in_force->config->streams;
	guint i;

	for (i = 0; i < streams->len; i++) {
		const struct rmt_stream *stream = streams->pdata[i];

		in_force->needs_policyd |=
			stream->policy_contexts != NULL || stream->client_certs != NULL;
		in_force->reads_text |=
			stream->rules[RMT_RULES_UNSUBSCRIBE] > RMT_LEVEL_OFF;
		in_force->counts_octets |= has_limit_of_octets(stream);
	}
}

static struct rmt_in_force *in_force_new(struct rmt_config *config)
{
	struct rmt_in_force *in_force = g_new0(struct rmt_in_force, 1);

	in_force->refs = 1;
	in_force->config = config;
	in_force->classifier = rmt_classifier_new(config);
	look_at_streams(in_force);
	return in_force;
}

void rmt_in_force_unref(struct rmt_in_force *in_force)
{
	if (in_force == NULL || !g_atomic_int_dec_and_test(&in_force->refs))
		return;
	rmt_classifier_free(in_force->classifier);
	rmt_config_unref(in_force->config);
	g_free(in_force);
}

struct rmt_in_force *rmt_milter_in_force(struct rmt_milter *milter)
{
	struct rmt_in_force *in_force;

	g_mutex_lock(&milter->lock);
	in_force = milter->in_force;
	g_atomic_int_inc(&in_force->refs);
	g_mutex_unlock(&milter->lock);
	return in_force;
}

void rmt_milter_set_config(struct rmt_milter *milter, struct rmt_config *config)
{
	struct rmt_in_force *now = in_force_new(config), *before;

	g_mutex_lock(&milter->lock);
	before = milter->in_force;
	milter->in_force = now;
	g_mutex_unlock(&milter->lock);
	rmt_in_force_unref(before);
}

/* The socket is made at the start: libmilter has one for a process's life. */
static void warn_of_socket(struct rmt_milter *milter, const struct rmt_config *config)
{
	struct rmt_in_force *before = rmt_milter_in_force(milter);
	const char *now = rmt_place_socket(&before->config->milter, milter->place);

	if (g_strcmp0(now, rmt_place_socket(&config->milter, milter->place)) != 0)
		rmt_log(RMT_LOG_WARNING,
			"reload: 'milter.%s' is used from the next start on; until "
			"then %s",
			rmt_place_name(milter->place), now);
	rmt_in_force_unref(before);
}

static void reading_begins(struct rmt_milter *milter)
{
	g_mutex_lock(&milter->lock);
	milter->read_us = g_get_monotonic_time();
	g_mutex_unlock(&milter->lock);
}

void rmt_milter_reload_since(struct rmt_milter *milter, int64_t began_us)
{
	bool is_read;

	g_mutex_lock(&milter->lock);
	is_read = began_us > 0 && milter->read_us >= began_us;
	g_mutex_unlock(&milter->lock);
	if (!is_read)
		rmt_milter_reload(milter);
}

void rmt_milter_reload(struct rmt_milter *milter)
{
	struct rmt_config *config;

	reading_begins(milter);
	config = rmt_daemon_read_config(milter->config_file);
	if (config == NULL) {
		rmt_log(RMT_LOG_ERROR,
			"reload: the configuration in force stays as it was");
		return;
	}
	warn_of_socket(milter, config);
	rmt_milter_set_config(milter, config);
	rmt_log(RMT_LOG_INFO, "reload: %s is in force at %s",
		milter->config_file != NULL ? milter->config_file : "the default",
		rmt_place_name(milter->place));
}

void rmt_milter_log_counts(struct rmt_milter *milter)
{
	g_autoptr(GString) line = g_string_new("counts ");

	rmt_counts_line(milter->counts, milter->place, line);
	rmt_log(RMT_LOG_INFO, "%s", line->str);
}
