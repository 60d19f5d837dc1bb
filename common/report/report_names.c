/* SPDX-License-Identifier: MIT */
/* report_names.c - for who tells of reports and reads none, as policyd's metrics. */
#include "common/report/report.h"

const char *rmt_report_kind_name(enum rmt_report_kind kind)
{
	static const char *const names[] = { "other",      "bounce",      "complaint",
					     "auto-reply", "unsubscribe", "receipt" };

	return names[kind];
}

const char *rmt_report_action_name(enum rmt_report_action action)
{
	static const char *const names[] = { "",          "failed",  "delayed",
					     "delivered", "relayed", "expanded" };

	return names[action];
}

const char *rmt_report_class_name(enum rmt_report_class class)
{
	static const char *const names[RMT_CLASSES] = {
		"unknown",     "dead-address",  "dead-domain",    "mailbox-full",
		"inactive",    "policy-sender", "policy-content", "reputation",
		"rate",        "auth",          "network",        "expired",
		"size",        "config-ours",   "auto-reply",     "complaint",
		"unsubscribe", "opened",        "delivered",      "delayed",
	};

	return names[class];
}
