/* SPDX-License-Identifier: MIT */
/* prompts.h - what users are being asked, and what they answered for good.
 *
 * A prompt belongs to a claim that is ASKED: one row, however many ways there are
 * to answer it (message, keyword, folder, link, command). What is needed to send
 * the receipt later is in its payload, and goes with it.
 *
 * A preference is a user's standing answer: for everybody, for a domain
 * ("@example.org") or for one sender; the nearest one counts. It beats what the
 * administrator does automatically (RFC 8098, 2.1).
 */
#ifndef RMT_PROMPTS_H
#define RMT_PROMPTS_H

#include "common/store/claims.h"

struct rmt_prompt {
	char *user, *id;         /* own; of the claim */
	char *target;            /* own; whom the receipt would go to */
	char *subject;           /* own; of the message, for people; UTF-8 */
	char *rule;              /* own; id of the reason for asking */
	int64_t since, until;    /* Unix seconds; until: the answer is no then */
	int64_t notified;        /* when a message about it was sent; 0: not yet */
	struct rmt_span payload; /* own */
};
void rmt_prompt_free(struct rmt_prompt *prompt);
typedef struct rmt_prompt rmt_prompt; /* for g_autoptr(rmt_prompt) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_prompt, rmt_prompt_free)

/* Parts of the deal that takes the claim into ASKED, and out of it. */
void rmt_deal_put_prompt(struct rmt_deal *deal, const struct rmt_prompt *prompt);
void rmt_deal_remove_prompt(struct rmt_deal *deal, const char *user, const char *id);

/* The deal is off where the prompt was answered meanwhile. */
void rmt_deal_if_prompt(struct rmt_deal *deal, const char *user, const char *id);

/* At submission: the user's own program sends a receipt. Takes the claim out of
 * NONE, DELIVERED or ASKED into CLIENT, ends the prompt and its question in the
 * mailbox, and writes it down (event "client"). Result and row_r as those of
 * rmt_claim_take(). now_us: Unix time in microseconds. */
struct rmt_client_receipt {
	const char *user, *id, *target, *rule;
	int64_t now_us, until;
};
enum rmt_claim_result rmt_claim_take_by_client(struct rmt_store *store,
					       const struct rmt_client_receipt *receipt,
					       struct rmt_claim **row_r, GError **err);

/* NULL in *prompt_r: there is none. Own. */
bool rmt_prompt_get(struct rmt_store *store, const char *user, const char *id,
		    struct rmt_prompt **prompt_r, GError **err);

/* The same by the claim's key (RMT_CLAIM_KEY octets), as links name it. */
bool rmt_prompt_get_by_key(struct rmt_store *store, const char *user, struct rmt_span key,
			   struct rmt_prompt **prompt_r, GError **err);

/* Those of one user or (NULL) of all, until each returns false. What cannot be
 * read is skipped and logged. */
typedef bool rmt_prompts_each(void *context, const struct rmt_prompt *prompt);
bool rmt_prompts_walk(struct rmt_store *store, const char *user, rmt_prompts_each *each,
		      void *context, GError **err);

enum rmt_choice {
	RMT_CHOICE_NONE, /* nothing said */
	RMT_CHOICE_NEVER,
	RMT_CHOICE_ASK,
	RMT_CHOICE_ALWAYS,
};
const char *rmt_choice_name(enum rmt_choice choice);                    /* "never", ... */
bool rmt_choice_parse(struct rmt_span text, enum rmt_choice *choice_r); /* no case */

/* sender: "" for everybody, "@domain", or an address; folded (common/message/addr.h).
 * NONE removes. Durable when it returns. */
bool rmt_preference_set(struct rmt_store *store, const char *user, const char *sender,
			enum rmt_choice choice, const char *by, int64_t now,
			GError **err);
void rmt_deal_put_preference(struct rmt_deal *deal, const char *user, const char *sender,
			     enum rmt_choice choice, const char *by, int64_t now);

/* Only what was said of exactly this sender. */
bool rmt_preference_get(struct rmt_store *store, const char *user, const char *sender,
			enum rmt_choice *choice_r, GError **err);
/* What counts for mail of sender (an address, folded): his own, his domain's, or
 * the one for everybody. */
bool rmt_preference_find(struct rmt_store *store, const char *user, const char *sender,
			 enum rmt_choice *choice_r, GError **err);

struct rmt_preference {
	char *user, *sender; /* own */
	enum rmt_choice choice;
	char *by;      /* own; how it was said */
	int64_t since; /* Unix seconds */
};
typedef bool rmt_preferences_each(void *context, const struct rmt_preference *preference);
bool rmt_preferences_walk(struct rmt_store *store, const char *user,
			  rmt_preferences_each *each, void *context, GError **err);

/* Removes all prompts and preferences of a user. */
bool rmt_prompts_erase(struct rmt_store *store, const char *user, uint64_t *erased_r,
		       GError **err);

/* Stored rows: for tests and fuzzers. NULL: damaged. Own. */
struct rmt_prompt *rmt_prompt_read(struct rmt_span key, struct rmt_span value);

#endif
