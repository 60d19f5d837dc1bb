/* SPDX-License-Identifier: MIT */
/* keywords.h - lists of keywords, and which of them clients may not touch. */
#ifndef RMT_KEYWORDS_H
#define RMT_KEYWORDS_H

struct mail;
struct mailbox;
struct mail_keywords;
struct mail_save_context;

bool rmt_keywords_has(struct mailbox *box, const struct mail_keywords *keywords,
		      const char *name);
/* By the index alone: the message is not opened. */
bool rmt_mail_has_keyword(struct mail *mail, const char *name);

/* What is left of a client's STORE (K03): $MDNSent stays where it is, where
 * it is protected; our own marks stay as they are. New list, to be unreferenced by the
 * caller. */
struct mail_keywords *rmt_keywords_veto(struct mail *mail, enum modify_type type,
					const struct mail_keywords *keywords,
					bool protects_sent);

/* The message being saved gets, or does not get, these: NULL-terminated lists. */
void rmt_save_add(struct mail_save_context *ctx, const char *const *names);
void rmt_save_remove(struct mail_save_context *ctx, const char *const *names);

/* Ours alone: NULL-terminated. */
extern const char *const rmt_keywords_ours[];

#endif
