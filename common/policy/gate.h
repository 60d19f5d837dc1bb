/* SPDX-License-Identifier: MIT */
/* gate.h - what a host knows of who asks to send: whether the sender's domain is
 * ready to be sent from, whether the user may send for it.
 *
 * The engine asks for streams that require something, at RCPT, never for the
 * null sender. The host answers at once, from what it knows by now: nobody
 * waits for DNS here.
 */
#ifndef RMT_GATE_H
#define RMT_GATE_H

#include "common/config/config.h"
#include "common/policy/facts.h"

enum rmt_gate_state {
	RMT_GATE_OPEN,    /* nothing against it */
	RMT_GATE_UNKNOWN, /* not known yet, or DNS did not answer */
	RMT_GATE_SHUT,
};

/* Texts are the host's, valid until it is asked again. */
struct rmt_gate_answer {
	enum rmt_gate_state state;
	enum rmt_level level; /* SHUT: LOG, DEFER or REJECT; UNKNOWN: LOG or DEFER */
	const char *rule;     /* "R2": of rules, or "binding" */
	const char *code;     /* enhanced status code without its class: "7.27" */
	const char *text;     /* one sentence without code and rule */
};

struct rmt_gate {
	/* answer_r comes as OPEN. sender: folded. */
	void (*ask)(struct rmt_gate *gate, const struct rmt_stream *stream,
		    const struct rmt_addr *sender, const struct rmt_facts *facts,
		    struct rmt_gate_answer *answer_r);
	/* The same in words, a line each; changes nothing. */
	void (*explain)(struct rmt_gate *gate, const struct rmt_stream *stream,
			const struct rmt_addr *sender, const struct rmt_facts *facts,
			struct rmt_gate_answer *answer_r, GString *out);
};

#endif
