/* SPDX-License-Identifier: MIT */
/* reading.h - what the recognisers of this folder share; of no use elsewhere.
 *
 * Each looks at a message and answers false ("not mine", and nothing is
 * changed), or fills in the report. They are asked in the order of report.c.
 */
#ifndef RMT_REPORT_READING_H
#define RMT_REPORT_READING_H

#include "common/report/classify.h"
#include "common/report/mail.h"
#include "common/report/phrases.h"
#include "common/report/text.h"

/* An address that prose names, and the text up to the next one. */
struct rmt_named {
	struct rmt_span address; /* in mail.prose */
	struct rmt_span text;
	enum rmt_report_source source;
};

struct rmt_reading {
	const struct rmt_rules *rules;
	const struct rmt_phrases *phrases;
	struct rmt_mail mail;
	struct rmt_report *report;
	GHashTable *seen; /* own; recipient and action, lower case */
	GArray *named;    /* own; struct rmt_named; made when asked for */
	bool delayed;     /* the prose tells of a delay */
	bool alone;       /* all of it is about one recipient */
};

bool rmt_read_arf(struct rmt_reading *r);
bool rmt_read_dsn(struct rmt_reading *r);
bool rmt_read_mdn(struct rmt_reading *r);
bool rmt_read_auto_reply(struct rmt_reading *r);
bool rmt_read_notice(struct rmt_reading *r);
bool rmt_read_prose(struct rmt_reading *r);

/* A new event of the report, or NULL: limit met, or told already. recipient is
 * cleaned ("rfc822;", <>, quotes of display). */
struct rmt_report_event *rmt_reading_event(struct rmt_reading *r,
					   struct rmt_span recipient,
					   enum rmt_report_source source,
					   enum rmt_report_action action);

/* Codes, class and evidence of a bounce's event. said: the server's own words;
 * around: what else is written about this recipient. */
void rmt_reading_classify(struct rmt_reading *r, struct rmt_report_event *event,
			  struct rmt_span said, struct rmt_span around,
			  struct rmt_span host);

/* Whether text names a domain of the sender's that is not the recipient's. */
bool rmt_reading_names_sender(const struct rmt_reading *r, struct rmt_span recipient,
			      struct rmt_span text);
/* Whether text names an address of the sender's domain, and the recipient nowhere. */
bool rmt_reading_names_his_address(const struct rmt_reading *r, struct rmt_span recipient,
				   struct rmt_span text);

/* "Name service error for name=relay.isp.example": the name is neither the recipient's
 * domain nor below it. Postfix looks up its own next hop so, too. */
bool rmt_looked_up_another(struct rmt_span recipient, struct rmt_span text);

/* What is said from start to end of a text in normal form (equal: what it begins with):
 * is it said of the sender?
 * "The sender's domain does not exist", "Absenderadresse unbekannt". */
bool rmt_said_of_sender(const struct rmt_phrases *phrases, struct rmt_span normal,
			size_t start, size_t end, enum rmt_report_class class);
/* Or of a thing that is only called after him? "User agent unknown", "user database not
 * found". The rest of the sentence counts, too. Or only as what may be: "if the user
 * does not exist". */
bool rmt_said_of_else(const struct rmt_phrases *phrases, struct rmt_span normal,
		      size_t start, size_t end);

/* "Re: Offers", in a few languages. */
bool rmt_prose_is_answer(struct rmt_span subject);
/* Addresses that the prose speaks of as recipients. Foreign. */
const GArray *rmt_prose_named(struct rmt_reading *r);
/* True where somebody answers, shows or discusses what he got. */
bool rmt_prose_from_person(const struct rmt_reading *r);
/* True where sender or subject look like a mail system's. */
bool rmt_prose_names_system(const struct rmt_reading *r);
/* The same, or the return path is empty and there is a server's answer, or the message
 * and whom it was for: vacation programs leave it so too. */
bool rmt_prose_from_system(struct rmt_reading *r);
/* True where the prose says that something was not delivered. */
bool rmt_prose_tells_failure(const struct rmt_reading *r);
/* True where it says only that it takes longer. */
bool rmt_prose_tells_delay(const struct rmt_reading *r);

/* An address of a field: after "rfc822;", within <>, or the whole. Empty: none. */
struct rmt_span rmt_field_address(struct rmt_span value);

#endif
