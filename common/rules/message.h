/* SPDX-License-Identifier: MIT */
/* message.h - the rules as one message meets them: facts in, findings out.
 *
 * What a domain's DNS tells is judged by domain.h; here stands what becomes of it
 * once there is a From, an envelope and signatures. Rules nobody judged are added
 * as RMT_RULE_NEEDS.
 */
#ifndef RMT_MESSAGE_RULES_H
#define RMT_MESSAGE_RULES_H

#include "common/message/from.h"
#include "common/rules/conduct.h"
#include "common/rules/domain.h"
#include "common/rules/header.h"

/* All foreign. */
struct rmt_mail_facts {
	const struct rmt_from *from;
	const struct rmt_dkim *dkim; /* finished */
	/* Of the domain in From, with the message's return path and the one address it
	 * leaves from. NULL where From cannot be read: then only R11 is judged. */
	const struct rmt_facts *domain;
	const struct rmt_dmarc_result *dmarc;  /* of what passed; NULL as domain */
	const struct rmt_header_facts *header; /* NULL: not judged */
	/* Of other domains than From's; NULL: there is none. */
	const struct rmt_reach *return_path, *reply_to;
	bool bulk; /* of itself, too, where it has List-Unsubscribe */
};

void rmt_rules_message(const struct rmt_mail_facts *mail,
		       struct rmt_rule_findings *findings);

#endif
