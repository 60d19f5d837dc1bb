/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/receipts/mailbox.h"
#include "common/store/audit.h"
#include "dovecot-plugin/agent/feedback.h"
#include "dovecot-plugin/agent/queue.h"
#include "dovecot-plugin/agent/rates.h"
#include "dovecot-plugin/agent/run.h"

static int64_t longest_period(const struct rmt_receipts_config *settings)
{
	uint64_t ns = MAX(
		settings->user_limit.period_ns,
		MAX(settings->target_limit.period_ns, settings->sender_limit.period_ns));

	return (int64_t)(ns / RMT_NS_PER_SEC) + 1;
}

/* What links are sealed with; without it they are left out, which was said. */
static struct rmt_keys *read_keys(const struct rmt_config *config)
{
	g_autoptr(GError) err = NULL;
	struct rmt_keys *keys = rmt_keys_read(config->keys, &err);

	if (keys == NULL)
		rmt_log(config->prompts.link != NULL ? RMT_LOG_ERROR : RMT_LOG_INFO,
			"keys: %s: messages that ask users have no links", err->message);
	return keys;
}

/* The oldest key of the ring, so that a new one does not change it. A receipt's id
 * stands in its claim, so chance would do as well. */
static void make_secret(struct rmt_agent *agent)
{
	size_t i;

	if (agent->keys != NULL) {
		rmt_key_derive(&agent->keys->keys[0], "receipt Message-ID", agent->secret,
			       sizeof(agent->secret));
		return;
	}
	for (i = 0; i < sizeof(agent->secret); i++)
		agent->secret[i] = (unsigned char)g_random_int_range(0, 256);
}

bool rmt_agent_new(struct rmt_agent **agent_r, struct rmt_config *config,
		   struct rmt_store *store, GError **err)
{
	struct rmt_agent *agent = g_new0(struct rmt_agent, 1);

	agent->config = config;
	agent->store = store;
	agent->templates = rmt_templates_read(config->receipts.templates, err);
	if (agent->templates == NULL) {
		g_prefix_error(err, "receipts.templates: ");
		rmt_agent_free(agent);
		return false;
	}
	agent->keys = read_keys(config);
	make_secret(agent);
	agent->host = g_strdup(config->agent.host != NULL ? config->agent.host
							  : g_get_host_name());
	agent->rates = rmt_rates_new(longest_period(&config->receipts));
	*agent_r = agent;
	return true;
}

void rmt_agent_free(struct rmt_agent *agent)
{
	if (agent == NULL)
		return;
	rmt_queue_free(agent->queue);
	rmt_feedback_forget();
	rmt_rates_free(agent->rates);
	g_clear_pointer(&agent->templates, rmt_templates_free);
	g_clear_pointer(&agent->keys, rmt_keys_free);
	rmt_store_close(&agent->store);
	rmt_config_unref(agent->config);
	g_free(agent->host);
	g_free(agent);
}

/* The sender in From is not in the trail: it counts anew. */
static bool count_line(void *context, const struct rmt_audit *line)
{
	struct rmt_agent *agent = context;
	int64_t at = line->at_us / G_USEC_PER_SEC;
	g_autoptr(rmt_mailboxes) targets = NULL;
	guint i;

	if (strcmp(line->event, "approved") != 0)
		return true;
	rmt_rates_add(agent->rates, 'u', line->user, at);
	targets = rmt_mailboxes_read(rmt_span_of(line->target));
	for (i = 0; i < targets->list->len; i++) {
		const struct rmt_mailbox *one = g_ptr_array_index(targets->list, i);

		rmt_rates_add(agent->rates, 't', one->address, at);
	}
	return true;
}

bool rmt_agent_start(struct rmt_agent *agent, GError **err)
{
	int64_t since_us = rmt_agent_now_us(agent) -
			   longest_period(&agent->config->receipts) * G_USEC_PER_SEC;

	return rmt_audit_walk(agent->store, MAX(since_us, 0), count_line, agent, err) &&
	       rmt_sweep_start(agent, err);
}

void rmt_agent_start_queue(struct rmt_agent *agent)
{
	agent->queue = rmt_queue_new(agent, agent->config->submission.connections);
}

int64_t rmt_agent_turn(struct rmt_agent *agent)
{
	rmt_rates_sweep(agent->rates, rmt_agent_now(agent));
	return agent->queue != NULL ? rmt_queue_turn(agent->queue) : INT64_MAX;
}

/* --- for those who take jobs --- */

void rmt_agent_ack_field(const struct rmt_agent_job *job, const char *name,
			 const char *value)
{
	g_ptr_array_add(job->fields, g_strdup(name));
	g_ptr_array_add(job->fields, g_strdup(value));
}

enum rmt_taken rmt_agent_refuse(const struct rmt_agent_job *job, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_string_vprintf(job->reason, format, args);
	va_end(args);
	return RMT_TAKEN_NAK;
}

enum rmt_taken rmt_agent_trouble(const char *what, GError *err)
{
	rmt_log(RMT_LOG_ERROR, "%s: %s: the job comes again", what, err->message);
	g_error_free(err);
	return RMT_TAKEN_LATER;
}
