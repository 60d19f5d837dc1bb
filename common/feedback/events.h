/* SPDX-License-Identifier: MIT */
/* events.h - what came back, one row for each (recipient, stream, message, class):
 * told twice, by our log and by a bounce, it is one event.
 */
#ifndef RMT_FEEDBACK_EVENTS_H
#define RMT_FEEDBACK_EVENTS_H

#include "common/report/report.h"
#include "common/store/deal.h"

/* How we know that it is about a recipient of ours, the surest first. */
enum rmt_proof {
	RMT_PROOF_TAG,       /* a return path of ours for this recipient */
	RMT_PROOF_JOURNAL,   /* a return path of the message, and he was among those it
				went to */
	RMT_PROOF_LOG,       /* our own Postfix says so */
	RMT_PROOF_SIGNATURE, /* a complaint signed by a loop that is listed */
	RMT_PROOF_NONE,
};
const char *rmt_proof_name(enum rmt_proof proof); /* "tag" */

struct rmt_event {
	int64_t at, sent_at; /* Unix seconds; sent_at may be known to the day */
	char *recipient;     /* own; folded: the one we mailed */
	char *stream, *provider, *message; /* own; message: key of "sent"; or "" */
	char *message_id, *queue_id;       /* own; or "" */
	enum rmt_report_class class;
	enum rmt_report_action action;
	enum rmt_proof proof;
	bool hard, alias; /* alias: it failed behind the recipient, at another address */
	char *status, *reply, *rule, *evidence; /* own; or "" */
	char *source;                           /* own; "pipe", "log", ... */
	char *effect; /* own; what was done: "suppressed in all"; or "" */
	char *lists;  /* own; list ids that are left, by blanks; not stored; or NULL */
};
void rmt_event_free(struct rmt_event *event);
typedef struct rmt_event rmt_event; /* for g_autoptr(rmt_event) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_event, rmt_event_free)

/* Of the deal: off where the event is there; and the event. */
void rmt_deal_if_event_new(struct rmt_deal *deal, const struct rmt_event *event);
void rmt_deal_put_event(struct rmt_deal *deal, const struct rmt_event *event);

/* Whether such an event is there. */
bool rmt_event_known(struct rmt_store *store, const struct rmt_event *event,
		     bool *known_r, GError **err);

/* Of one recipient (folded), in no particular order; own: g_ptr_array_unref. */
bool rmt_events_of(struct rmt_store *store, const char *recipient, GPtrArray **events_r,
		   GError **err);

typedef bool rmt_events_each(void *context, const struct rmt_event *event);
bool rmt_events_walk(struct rmt_store *store, rmt_events_each *each, void *context,
		     GError **err);
bool rmt_events_expire(struct rmt_store *store, int64_t before, uint64_t *removed_r,
		       GError **err);

/* A stored value: for tests and fuzzers. NULL: damaged or of a newer program. */
struct rmt_event *rmt_event_read(struct rmt_span value);

#endif
