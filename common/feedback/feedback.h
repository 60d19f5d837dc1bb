/* SPDX-License-Identifier: MIT */
/* feedback.h - what comes back is written down first, read second, and obeyed.
 *
 * A message that came to a bounce address is put into the table "inbox" and is
 * safe from then on; reading it is another step, which may fail and be repeated:
 * its events, its counts and the end of its row are one commit, and a suppression
 * made before that is the same when it is made again.
 *
 *	g_autoptr(rmt_feedback) feedback = rmt_feedback_new(config, store, now, &err);
 *	if (!rmt_feedback_take(feedback, &item, now, &id, &err))
 *		return EX_TEMPFAIL;
 *	rmt_feedback_work(feedback, &id, now, &done, &err);
 *
 * What nobody can forge decides who is meant: our tag before all that is written in
 * the message (attribute.h). What is not understood stays in the inbox for people.
 */
#ifndef RMT_FEEDBACK_H
#define RMT_FEEDBACK_H

#include "common/config/config.h"
#include "common/feedback/events.h"
#include "common/token/unsub.h"
#include "common/token/verp.h"

enum { RMT_INBOX_ID = 16, RMT_INBOX_KEEP = 1000 /* not understood; the newest */ };

struct rmt_feedback {
	struct rmt_config *config;  /* own: a reference */
	struct rmt_store *store;    /* foreign */
	struct rmt_verp_ring *ring; /* own; empty where there are no keys */
	struct rmt_sealer *sealer;  /* own; of unsubscribe tokens; NULL without keys */
	struct rmt_report_reader *reader; /* own */
	char *key_trouble;                /* own; why there are none; or NULL */
};
/* Without keys nothing is ours; key_trouble says why. NULL: never. */
struct rmt_feedback *rmt_feedback_new(struct rmt_config *config, struct rmt_store *store,
				      int64_t now);
void rmt_feedback_free(struct rmt_feedback *feedback);
typedef struct rmt_feedback rmt_feedback; /* for g_autoptr(rmt_feedback) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_feedback, rmt_feedback_free)

struct rmt_feedback_item {
	const char *source;      /* a word: "pipe", "maildir", "lmtp" */
	const char *recipient;   /* of the envelope: where it came to; or "" */
	const char *sender;      /* of the envelope; or "" */
	const char *queue_id;    /* or "" */
	struct rmt_span message; /* as much as was read; cut at RMT_REPORT_OCTETS_MAX */
};
struct rmt_inbox_id {
	char key[RMT_INBOX_ID];
};

/* Durable when it returns. */
bool rmt_feedback_take(struct rmt_feedback *feedback,
		       const struct rmt_feedback_item *item, int64_t now,
		       struct rmt_inbox_id *id_r, GError **err);

struct rmt_feedback_done {
	enum rmt_report_kind kind;
	unsigned events, fresh; /* of ours; those that were not known before */
	unsigned strangers;     /* reports that are about no mail of ours */
	GString *line;          /* own; "kind=bounce recipient=<...> ..." for the log */
};
void rmt_feedback_done_clear(struct rmt_feedback_done *done);

/* Reads one and acts. A row that is gone: nothing, kind OTHER. */
bool rmt_feedback_work(struct rmt_feedback *feedback, const struct rmt_inbox_id *id,
		       int64_t now, struct rmt_feedback_done *done_r, GError **err);

/* All that were written down and not read: after a crash. */
bool rmt_feedback_work_rest(struct rmt_feedback *feedback, int64_t now, unsigned *count_r,
			    GError **err);

/* A refusal or delay that our own Postfix logs (maillog.h), or one event that is
 * already understood. event->proof says why it is believed. Takes nothing. fresh_r:
 * it was not known; its effect is in event->effect. */
bool rmt_feedback_act(struct rmt_feedback *feedback, struct rmt_event *event, int64_t now,
		      bool *fresh_r, GError **err);

/* Forgets what is older than the setting keep. */
bool rmt_feedback_expire(struct rmt_feedback *feedback, int64_t now, uint64_t *removed_r,
			 GError **err);

/* What is in the inbox: waiting, or not understood. */
struct rmt_inbox_row {
	struct rmt_inbox_id id;
	int64_t at;
	bool unread; /* nobody has looked at it; else not understood */
	char *source, *recipient, *sender, *queue_id; /* own */
	struct rmt_span message;                      /* into the value */
};
void rmt_inbox_row_clear(struct rmt_inbox_row *row);
bool rmt_inbox_read(struct rmt_span key, struct rmt_span value,
		    struct rmt_inbox_row *row_r);
typedef bool rmt_inbox_each(void *context, const struct rmt_inbox_row *row);
bool rmt_inbox_walk(struct rmt_store *store, rmt_inbox_each *each, void *context,
		    GError **err);
bool rmt_inbox_remove(struct rmt_store *store, const struct rmt_inbox_id *id,
		      bool *removed_r, GError **err);

#endif
