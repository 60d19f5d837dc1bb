/* SPDX-License-Identifier: MIT */
/* request_private.h - what the files request*.c share; of no use elsewhere. */
#ifndef RMT_RECEIPTS_REQUEST_PRIVATE_H
#define RMT_RECEIPTS_REQUEST_PRIVATE_H

#include "common/message/header.h"
#include "common/receipts/request.h"

/* request_kind.c: bits of enum rmt_request_kind that this field gives. */
unsigned rmt_request_kind_of(const struct rmt_header_field *field);
/* Of addresses: owner-news@, MAILER-DAEMON@. */
unsigned rmt_request_kind_of_sender(const struct rmt_mailbox *sender);

/* request_kind.c: flaws of the value of Disposition-Notification-Options. */
unsigned rmt_request_options(struct rmt_span value);

/* request_auth.c: Authentication-Results in the header, those of these hosts. from:
 * the domain in From, or NULL. */
enum rmt_request_auth rmt_request_auth_read(struct rmt_span header,
					    const char *const *authserv_ids,
					    const char *from);

#endif
