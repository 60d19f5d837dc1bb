/* SPDX-License-Identifier: MIT */
/* A configuration's life; read.c makes it. */
#include "common/config/reader.h"

static void clear_policyd(struct rmt_policyd_config *policyd)
{
	g_strfreev(policyd->listen);
	g_free(policyd->socket_owner);
	g_free(policyd->socket_group);
	g_free(policyd->control);
	g_free(policyd->metrics);
	g_free(policyd->record);
	g_strfreev(policyd->stages);
}

static void clear_milter(struct rmt_milter_config *milter)
{
	g_free(milter->before);
	g_free(milter->after);
	g_free(milter->inbound);
	g_free(milter->metrics);
	g_free(milter->socket_owner);
	g_free(milter->socket_group);
}

static void clear_dns(struct rmt_dns_config *dns)
{
	g_strfreev(dns->servers);
	g_free(dns->trust_anchors);
}

void rmt_limit_free(struct rmt_limit *limit)
{
	g_clear_pointer(&limit->overrides, g_hash_table_unref);
	g_clear_pointer(&limit->override_keys, g_string_chunk_free);
	g_clear_pointer(&limit->override_amounts, g_ptr_array_unref);
	rmt_list_free(limit->exempt);
	rmt_list_free(limit->recipient_domains);
	g_free(limit->name);
	g_free(limit->id);
	g_free(limit->text);
	g_free(limit);
}

void rmt_egress_free(struct rmt_egress *egress)
{
	g_free(egress->name);
	g_strfreev(egress->addresses);
	g_free(egress->helo);
	g_free(egress->transport);
	g_free(egress);
}

void rmt_stream_free(struct rmt_stream *stream)
{
	rmt_list_free(stream->senders);
	rmt_list_free(stream->sender_domains);
	rmt_list_free(stream->sasl_users);
	rmt_list_free(stream->clients);
	rmt_list_free(stream->client_certs);
	rmt_list_free(stream->helo);
	rmt_list_free(stream->policy_contexts);
	g_clear_pointer(&stream->limits, g_ptr_array_unref);
	g_strfreev(stream->suppress);
	g_strfreev(stream->headers);
	g_strfreev(stream->dkim.selectors);
	g_free(stream->dkim.domain);
	g_free(stream->return_path.address);
	g_free(stream->return_path.id);
	g_clear_pointer(&stream->binding.users, g_hash_table_unref);
	rmt_unsubscribe_clear(&stream->unsubscribe);
	g_free(stream->name);
	g_free(stream->class);
	g_free(stream);
}

struct rmt_config *rmt_config_ref(struct rmt_config *config)
{
	g_atomic_int_inc(&config->refs);
	return config;
}

void rmt_config_unref(struct rmt_config *config)
{
	if (config == NULL || !g_atomic_int_dec_and_test(&config->refs))
		return;
	clear_policyd(&config->policyd);
	clear_milter(&config->milter);
	clear_dns(&config->dns);
	rmt_receipts_clear(&config->receipts);
	rmt_unsubscribing_clear(&config->unsubscribing);
	rmt_agent_clear(config);
	rmt_http_clear(&config->http);
	rmt_list_free(config->own_domains);
	rmt_fold_free(config->fold);
	g_clear_pointer(&config->streams, g_ptr_array_unref);
	g_clear_pointer(&config->egresses, g_ptr_array_unref);
	g_strfreev(config->organization);
	g_free(config->file);
	g_free(config->state);
	g_free(config->keys);
	g_free(config->feedback.authserv_id);
	g_strfreev(config->feedback.loops);
	g_free(config->dump);
	g_free(config);
}

const struct rmt_stream *rmt_config_stream(const struct rmt_config *config,
					   const char *name)
{
	const struct rmt_stream *stream;
	guint i;

	for (i = 0; i < config->streams->len; i++) {
		stream = g_ptr_array_index(config->streams, i);
		if (strcmp(stream->name, name) == 0)
			return stream;
	}
	return NULL;
}

void rmt_config_dump(const struct rmt_config *config, GString *out)
{
	g_string_append(out, config->dump);
}
