/* SPDX-License-Identifier: MIT */
/* leave.h - the kind "unsubscribe": a user wants to leave the list a message is of.
 *
 *	taken	many at once, or spam: asked first; else a job with the message
 *	run	remite-unsubscribe verifies it; POST, or a message to the mailto address;
 *		the user's mailbox gets $unsubscribed, `remite unsubscribe log` a row
 *
 * Keywords the user sees: $UnsubscribeConfirm (nothing was sent: tag it again within a
 * day if you mean it), $unsubscribed (RFC 9979), $UnsubscribeFailed.
 */
#ifndef RMT_AGENT_LEAVE_H
#define RMT_AGENT_LEAVE_H

#include "common/store/left.h"
#include "dovecot-plugin/agent/errand.h"

#define RMT_KEYWORD_UNSUBSCRIBE_CONFIRM "$UnsubscribeConfirm"
#define RMT_KEYWORD_UNSUBSCRIBE_FAILED  "$UnsubscribeFailed"
/* What an ANSWER that ends the matter takes away. */
#define RMT_LEAVE_OVER "\tremove=" RMT_KEYWORD_LEAVING " " RMT_KEYWORD_UNSUBSCRIBE_CONFIRM

/* count=, confirmed=yes, and the whole message, or for many its header section. */
enum rmt_taken rmt_take_unsubscribe(struct rmt_agent *agent,
				    const struct rmt_agent_job *job);
void rmt_run_unsubscribe(struct rmt_agent *agent, struct rmt_agent_worker *worker,
			 const struct rmt_job *job);

/* --- leave_rows.c: for leave.c and leave_take.c ----------------------------------------
 */

/* Logs the error, if there is one, and frees it. */
void rmt_leave_trouble(GError **err);

/* Beside the receipt's answer for the same message. */
void rmt_leave_put_answer(const struct rmt_errand *errand, const char *fields,
			  int64_t now_us, struct rmt_deal *deal);
void rmt_leave_put_left(const struct rmt_agent *agent, const struct rmt_errand *errand,
			enum rmt_left_state state, const char *by, const char *note,
			struct rmt_deal *deal);
void rmt_leave_put_errand(const struct rmt_errand *errand, int64_t since, int64_t next,
			  const char *note, struct rmt_deal *deal);

/* leave_mail.c: the message a mailto address is sent, with CRLF. */
void rmt_leave_mail(const struct rmt_errand *errand, const char *message_id, int64_t now,
		    GString *out);

#endif
