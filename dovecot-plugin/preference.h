/* SPDX-License-Identifier: MIT */
/* preference.h - the user's standing preference about receipts, as server metadata
 * /private/vendor/vendor.remite/receipts (IMAP METADATA, RFC 5464). */
#ifndef RMT_PREFERENCE_H
#define RMT_PREFERENCE_H

#include <stdbool.h>

struct mail_attribute_value;
struct mailbox_transaction_context;
struct rmt_user;

bool rmt_preference_is_key(const char *key);

/* Sends it to the agent; "" where it was removed. */
void rmt_preference_report(struct rmt_user *user, const char *value);

/* As the agent says: set elsewhere. False where there is no place for it. */
bool rmt_preference_store(struct rmt_user *user, const char *value);

#endif
