/* SPDX-License-Identifier: MIT */
/* words.h - many phrases found in one pass over a text (Aho and Corasick, 1975).
 *
 *	struct rmt_words *words = rmt_words_new();
 *	unsigned full = rmt_words_add(words, RMT_SPAN("mailbox full"));
 *	rmt_words_link(words);
 *	rmt_words_find(words, text, hit, context);	hit(context, full, 42)
 *
 * Phrases are in lower case and found in any ASCII case. Once linked, any thread
 * may search.
 */
#ifndef RMT_REPORT_WORDS_H
#define RMT_REPORT_WORDS_H

#include <glib.h>
#include <stdbool.h>

#include "common/base/span.h"

struct rmt_words;
struct rmt_words *rmt_words_new(void);
void rmt_words_free(struct rmt_words *words);

/* Its number, counted from 0; the same phrase has the same. Not empty. */
unsigned rmt_words_add(struct rmt_words *words, struct rmt_span phrase);
/* After the last one was added. */
void rmt_words_link(struct rmt_words *words);

/* In the order of their ends; of those with one end, the longest first. False ends
 * the search. */
typedef bool rmt_words_hit(void *context, unsigned phrase, size_t end);
void rmt_words_find(const struct rmt_words *words, struct rmt_span text,
		    rmt_words_hit *hit, void *context);

size_t rmt_words_length(const struct rmt_words *words, unsigned phrase);

#endif
