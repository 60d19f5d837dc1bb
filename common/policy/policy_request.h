/* SPDX-License-Identifier: MIT */
/* policy_request.h - a request of Postfix's policy protocol: bytes in, facts out.
 *
 * A request is lines of NAME=VALUE and an empty line (SMTPD_POLICY_README).
 * Here for policyd, `remite explain` and `remite replay`; no socket, no clock.
 *
 *	rmt_policy_request_init(&request);
 *	switch (rmt_policy_request_read(&request, bytes, len, max)) {
 *	case RMT_REQUEST_MORE:   come back with more bytes behind the same ones
 *	case RMT_REQUEST_DONE:   request.facts; the next begins at bytes + request.length
 *	case RMT_REQUEST_BROKEN: request.broken says why; what follows is not to be trusted
 *	}
 *
 * What is lenient and what is strict:
 *	- order is free, unknown names are ignored, values may hold '=';
 *	- of a repeated name the first value stands, be it empty;
 *	- a CR before the LF is not part of the line;
 *	- a NUL, a line without '=' or without a name, a number that is none, more
 *	  than `max` octets, or no request=smtpd_access_policy: BROKEN.
 * How the bytes were split over calls never changes the result.
 */
#ifndef RMT_POLICY_REQUEST_H
#define RMT_POLICY_REQUEST_H

#include <stdint.h>

#include "common/policy/facts.h"

enum rmt_request_result { RMT_REQUEST_MORE, RMT_REQUEST_DONE, RMT_REQUEST_BROKEN };

struct rmt_policy_request {
	struct rmt_facts facts; /* looks into the bytes of the last call */
	/* What policyd adds to a recorded request: "UNIX.nanoseconds" and the answer. */
	struct rmt_span remite_time, remite_action;
	size_t length;      /* octets with the empty line; valid with DONE */
	const char *broken; /* static; valid with BROKEN */

	/* private */
	const char *bytes;
	size_t line, scanned;
	unsigned guess;
	bool careful; /* there is a control character, or a name out of order */
	struct rmt_span request, state, count, size, ignored;
};

void rmt_policy_request_init(struct rmt_policy_request *request);

/* bytes: everything from the request's first octet; it may have moved since the
 * last call. max: octets of a request, the empty line included. */
enum rmt_request_result rmt_policy_request_read(struct rmt_policy_request *request,
						const char *bytes, size_t len,
						size_t max);

#endif
