/* SPDX-License-Identifier: MIT */
/* message.h - a message as fields and body of a job (wire.h, RMT_WIRE_PLACE). */
#ifndef RMT_MESSAGE_H
#define RMT_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

struct mail;
struct mailbox;
struct rmt_settings;
struct rmt_wire_out;

/* Where it is: box, uidvalidity, uid (0: not known yet). */
void rmt_message_add_place(struct rmt_wire_out *out, struct mailbox *box, uint32_t uid);
/* Whose it is: what the user's settings say. service: "imap", ... */
void rmt_message_add_user(struct rmt_wire_out *out, const struct rmt_settings *set,
			  const char *service);
/* Which it is: msgid, guid, received. */
void rmt_message_add(struct rmt_wire_out *out, struct mail *mail);
/* Whether it asks for a receipt. */
bool rmt_message_asks(struct mail *mail);
/* Its Message-ID without blanks around, or NULL. In the data stack. */
const char *rmt_message_id(struct mail *mail);

/* Ends the record with the header section as its body, or the whole message. False
 * where the message cannot be read: the record is then not ended. */
bool rmt_message_end(struct rmt_wire_out *out, struct mail *mail, bool whole);

#endif
