/* SPDX-License-Identifier: MIT */
/* restrictions.h - smtpd_*_restrictions read as Postfix reads them.
 *
 *	g_autoptr(GArray) list = rmt_restrictions_read(pf, value);
 *	for each struct rmt_restriction: its name, argument and what it may do
 */
#ifndef RMT_RESTRICTIONS_H
#define RMT_RESTRICTIONS_H

#include "common/cli/postconf.h"

enum rmt_effect {
	RMT_EFFECT_NONE,    /* goes on, or defers only if nothing else is said */
	RMT_EFFECT_REJECTS, /* may refuse */
	RMT_EFFECT_PERMITS, /* may end the list with "permit" */
	RMT_EFFECT_ENDS,    /* always ends the list: permit, reject, defer */
	RMT_EFFECT_MAPS,    /* check_*_access: whatever the table says */
	RMT_EFFECT_POLICY,  /* check_policy_service */
};

struct rmt_restriction {
	struct rmt_span name, argument; /* into the text that was read */
	enum rmt_effect effect;
	bool warn_only; /* warn_if_reject came before */
};

/* The list in order, restriction classes (smtpd_restriction_classes) opened up.
 * The spans look into value and into pf. Own: g_array_unref. */
GArray *rmt_restrictions_read(const struct rmt_postfix *pf, const char *value);

/* The argument of check_policy_service. */
struct rmt_policy_service {
	struct rmt_span text;     /* all of it: what Postfix tells services apart by */
	struct rmt_span endpoint; /* "unix:remite/policy" */
	bool braces;              /* the { ... } form, which takes options */
	/* Empty: not given. */
	struct rmt_span timeout, try_limit, default_action, policy_context;
};
void rmt_policy_service_read(struct rmt_span text, struct rmt_policy_service *service_r);

/* The endpoint in one form whatever way it was written: "unix:/absolute" as seen from
 * outside a chroot, "inet:127.0.0.1:10031". Takes policyd's listen addresses too. */
char *rmt_policy_endpoint(const struct rmt_postfix *pf, struct rmt_span endpoint,
			  bool chrooted);

#endif
