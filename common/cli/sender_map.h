/* SPDX-License-Identifier: MIT */
/* sender_map.h - which transport a sender's mail leaves by, as Postfix tables.
 *
 * Postfix asks sender_dependent_default_transport_maps for the whole address in
 * every table, then for @domain. Whole addresses go into a texthash table (any
 * number, no index to build), everything else in the streams' order into a
 * regexp table, which is part of every Postfix: together they answer as the
 * streams' "first match wins" does, as far as senders decide.
 */
#ifndef RMT_SENDER_MAP_H
#define RMT_SENDER_MAP_H

#include "common/config/config.h"

struct rmt_sender_map {
	GString *exact, *patterns; /* own; texthash and regexp */
	GPtrArray *notes; /* own; sentences: what a table of senders cannot say */
	bool is_needed;   /* some stream has an egress that is chosen this way */
};

struct rmt_sender_map *rmt_sender_map_new(const struct rmt_config *config);
void rmt_sender_map_free(struct rmt_sender_map *map);
typedef struct rmt_sender_map rmt_sender_map; /* for g_autoptr(rmt_sender_map) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_sender_map, rmt_sender_map_free)

/* True where the sender alone decides about the stream: only then can a table of
 * senders stand for it. */
bool rmt_sender_map_covers(const struct rmt_stream *stream);

/* Of such a stream: does it take mail from this sender (as stored: "" is the null
 * sender)? */
bool rmt_sender_map_takes(const struct rmt_stream *stream, struct rmt_span address);

/* Calls each with the senders of such a stream, in one form: "ann@example.com",
 * "*@example.com", "*@*.example.com", "news-*@example.com", "<>"; "*" for the stream
 * that takes what is left. */
void rmt_sender_map_values(const struct rmt_stream *stream,
			   void (*each)(void *context, struct rmt_span value),
			   void *context);

/* "smtp-bulk:" as configured, else made from the egress's name. Own: g_free. */
char *rmt_egress_transport(const struct rmt_egress *egress);
/* "smtp-bulk": the service in master.cf. Own: g_free. */
char *rmt_egress_service(const struct rmt_egress *egress);

#endif
