/* SPDX-License-Identifier: MIT */
/* errand.h - a list that is to be left, as it waits in the queue.
 *
 * The message is kept until it was verified, then only the ways out it offers.
 */
#ifndef RMT_AGENT_ERRAND_H
#define RMT_AGENT_ERRAND_H

#include "common/unsubscribe/course.h"
#include "dovecot-plugin/agent/case.h"

#define RMT_ERRAND_KIND "unsubscribe"

enum rmt_errand_stage {
	RMT_ERRAND_LOOK, /* verify the message */
	RMT_ERRAND_POST,
	RMT_ERRAND_MAIL,
	RMT_ERRAND_STAGES
};

struct rmt_errand {
	struct rmt_case *subject; /* own; its header is empty */
	char *id;                 /* own; of the message, as in claims */
	enum rmt_errand_stage stage;
	unsigned posts, attempts;
	bool unsure; /* a POST may have been taken */
	/* Own; "" where not known. */
	char *address; /* that is subscribed; "": none of the user's */
	char *url, *host, *mailto, *mail_subject, *mail_body;
	char *list;    /* List-Id, "host:..." or "from:..." */
	char *way;     /* "signature", "record": who vouches */
	char *message; /* until stage LOOK is over; may hold NUL */
	size_t message_len;
};
void rmt_errand_free(struct rmt_errand *errand);
typedef struct rmt_errand rmt_errand; /* for g_autoptr(rmt_errand) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_errand, rmt_errand_free)

/* Own; takes the subject. Texts are "". */
struct rmt_errand *rmt_errand_new(struct rmt_case *subject, const char *id);

/* Replaces a text; NULL is "". */
void rmt_errand_set(char **text, const char *value);

void rmt_errand_pack(const struct rmt_errand *errand, GString *out);
/* NULL: damaged. Own. */
struct rmt_errand *rmt_errand_unpack(struct rmt_span packed);

#endif
