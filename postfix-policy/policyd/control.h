/* SPDX-License-Identifier: MIT */
/* control.h - the socket that the command `remite` talks to.
 *
 * One request: a JSON object on a line, {"command": "status"}. Its answer: JSON
 * objects, a line each; the last one has "ok": true, or "error": a sentence.
 * Who may write to the socket (mode 0660) may do all of it.
 *
 *	status          "nearest": how many counters nearest to full (10)
 *	limits-list     "limit": "stream/limit", "contains": part of the key,
 *	                "most": how many (all)
 *	limits-reset    "limit", and "value" or "all": true
 *	explain         "request": base64 of a policy request
 *	bulk-forget     "organization", "provider"
 *	reload          answers when the configuration is in force, or refused
 *	message         of remite-milter, "do": one of
 *	    "remember"  what messages are charged from now on, so that the others work;
 *	                {"reloads": how often the configuration was read,
 *	                 "reload_began": when, of the monotonic
 *	                 clock, in microseconds}
 *	    "stream"    {"stream": name} that "queue_id" was charged to; null: not known
 *	    "refuse"    "queue_id" is not sent: {"known": false} or its charge is given
 *	                back
 *	    "charge"    "queue_id" belongs to "stream", with "recipients" (array),
 *	                "sender", "sasl_user", "client_address", "size": its charge is
 *	                given back and made anew. {"action", "would": "dunno", "defer",
 *	                ..., "rule", "text", "recipient"}; text begins with a status code
 *
 * What walks over all counters goes in steps between the loop's turns.
 */
#ifndef RMT_CONTROL_H
#define RMT_CONTROL_H

#include <jansson.h>

#include "postfix-policy/policyd/policyd.h"
#include "postfix-policy/policyd/talk.h"

struct rmt_control;
struct rmt_control *rmt_control_new(struct rmt_policyd *policyd);
void rmt_control_free(struct rmt_control *control);
struct rmt_talks *rmt_control_talks(struct rmt_control *control);

/* --- for control_*.c alone --- */

/* A command that takes several turns. */
struct rmt_job {
	/* True: go on at once. Ends the job by rmt_control_end(). */
	bool (*step)(struct rmt_policyd *policyd, struct rmt_talk *talk,
		     struct rmt_job *job);
	void (*free)(struct rmt_job *job);
};

/* Adds an answer line; takes the object. */
void rmt_control_line(struct rmt_talk *talk, json_t *object);
/* The last one: "ok": true is added. Ends the job, if there is one. */
void rmt_control_end(struct rmt_talk *talk, json_t *object);
void rmt_control_error(struct rmt_talk *talk, const char *format, ...)
	G_GNUC_PRINTF(2, 3);

/* A JSON string of octets that may be no UTF-8. */
json_t *rmt_json_text(struct rmt_span text);

/* The commands. */
void rmt_control_status(struct rmt_policyd *policyd, struct rmt_talk *talk,
			json_t *request);
void rmt_control_limits_list(struct rmt_policyd *policyd, struct rmt_talk *talk,
			     json_t *request);
void rmt_control_message(struct rmt_policyd *policyd, struct rmt_talk *talk,
			 json_t *request);
void rmt_control_bulk_forget(struct rmt_policyd *policyd, struct rmt_talk *talk,
			     json_t *request);
void rmt_control_limits_reset(struct rmt_policyd *policyd, struct rmt_talk *talk,
			      json_t *request);

/* One counter as the limits of today see it: for status and limits. */
struct rmt_counter_row {
	const struct rmt_limit *limit;
	const struct rmt_amount *amount;
	struct rmt_usage usage;
};

/* The limits of a configuration by "stream/limit". */
struct rmt_limit_index;
struct rmt_limit_index *rmt_limit_index_new(struct rmt_config *config);
void rmt_limit_index_free(struct rmt_limit_index *index);
const struct rmt_limit *rmt_limit_index_find(const struct rmt_limit_index *index,
					     struct rmt_span limit_id,
					     const struct rmt_stream **stream_r);

/* False: counted under settings that are no longer those of the limit. */
bool rmt_counter_row_fill(struct rmt_policyd *policyd,
			  const struct rmt_limit_index *index, uint64_t key,
			  struct rmt_span limit_id, struct rmt_span value,
			  struct rmt_counter_row *row_r);
json_t *rmt_counter_row_json(const struct rmt_counter_row *row, struct rmt_span value);

#endif
