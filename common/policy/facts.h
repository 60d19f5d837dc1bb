/* SPDX-License-Identifier: MIT */
/* facts.h - what a mail server says of a message while it is being submitted.
 *
 * Neutral words for what Postfix's SMTPD_POLICY_README calls attributes. All
 * spans look into the request and live as long as it does.
 */
#ifndef RMT_FACTS_H
#define RMT_FACTS_H

#include <stdint.h>

#include "common/base/span.h"

enum rmt_stage {
	RMT_STAGE_OTHER, /* CONNECT, HELO, EHLO, MAIL, ETRN: nothing is decided there */
	RMT_STAGE_VRFY,
	RMT_STAGE_RCPT,
	RMT_STAGE_DATA,
	RMT_STAGE_END_OF_MESSAGE,
};

struct rmt_facts {
	enum rmt_stage stage;
	struct rmt_span instance; /* same for all requests of one message and smtpd */
	struct rmt_span queue_id; /* empty before the first accepted recipient */
	struct rmt_span sender, recipient;
	struct rmt_span sasl_user;
	struct rmt_span client_address, client_name, reverse_client_name;
	struct rmt_span helo;
	struct rmt_span cert_subject, cert_issuer, cert_fingerprint,
		cert_pubkey_fingerprint;
	struct rmt_span policy_context;
	struct rmt_span header; /* section of the message; empty where it is not known */
	uint64_t recipient_count; /* 0 before DATA */
	uint64_t size; /* octets: declared, or real at END-OF-MESSAGE; 0: not known */
};

#endif
