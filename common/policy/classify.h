/* SPDX-License-Identifier: MIT */
/* classify.h - which stream a message belongs to: the first whose conditions
 * all hold. Cost does not grow with the number of streams that are told apart
 * by exact values. */
#ifndef RMT_CLASSIFY_H
#define RMT_CLASSIFY_H

#include "common/config/config.h"
#include "common/policy/facts.h"

struct rmt_classifier;
struct rmt_classifier *rmt_classifier_new(const struct rmt_config *config /* foreign */);
void rmt_classifier_free(struct rmt_classifier *classifier);

/* sender: facts->sender as rmt_addr_fold() made it. Never NULL. */
const struct rmt_stream *rmt_classify(const struct rmt_classifier *classifier,
				      const struct rmt_facts *facts,
				      const struct rmt_addr *sender);

/* The first kind of condition of stream that does not hold ("senders", ...), or
 * NULL: for explain. */
const char *rmt_classify_why_not(const struct rmt_stream *stream,
				 const struct rmt_facts *facts,
				 const struct rmt_addr *sender);

#endif
