/* SPDX-License-Identifier: MIT */
/* case.h - a user's message, as the mail plugin told of it; kept in prompts and
 * jobs as long as they need it.
 */
#ifndef RMT_AGENT_CASE_H
#define RMT_AGENT_CASE_H

#include "common/receipts/recipient.h"
#include "common/receipts/request.h"
#include "dovecot-plugin/agent/agent.h"

struct rmt_case {
	/* All own; "" where not known. */
	char *user, *name, *addresses, *groups, *language;
	char *box, *guid, *msgid, *recipient, *places;
	uint32_t uidvalidity, uid;
	int64_t received;       /* Unix seconds */
	struct rmt_span header; /* own */
};
void rmt_case_free(struct rmt_case *subject);
typedef struct rmt_case rmt_case; /* for g_autoptr(rmt_case) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_case, rmt_case_free)

/* Own. */
struct rmt_case *rmt_case_of_record(const char *user,
				    const struct rmt_wire_record *record);

void rmt_case_pack(const struct rmt_case *subject, GString *out);
/* NULL: damaged. Own. */
struct rmt_case *rmt_case_unpack(struct rmt_span packed);

/* The user with his addresses: those of the case, else those of the configuration. */
struct rmt_receipt_user *rmt_case_user(const struct rmt_case *subject,
				       const struct rmt_config *config);

/* What its header asks for. Own. */
struct rmt_receipt_request *rmt_case_request(const struct rmt_case *subject,
					     const struct rmt_config *config);

/* Bits of enum rmt_receipt_place. */
unsigned rmt_case_places(const struct rmt_case *subject);

/* What stands for it in claims: rmt_claim_id(). Empty: nothing does. */
void rmt_case_id(const struct rmt_receipt_request *request, GString *id_r);

/* The id of a stored job about it: one for each user and message. Own. */
char *rmt_case_job_id(const char *user, const char *id);

/* As part of the deal: what the user's mailbox is to show. fields: "add=...",
 * "remove=...", joined by tabs (wire.h). */
void rmt_case_put_answer(const struct rmt_case *subject, const char *id,
			 const char *fields, int64_t now_us, struct rmt_deal *deal);
#define RMT_ANSWER_CLEAR   "remove=" RMT_KEYWORD_PENDING " " RMT_KEYWORD_UNTOLD
#define RMT_ANSWER_DECIDED "add=" RMT_KEYWORD_MDN_SENT "\t" RMT_ANSWER_CLEAR

#endif
