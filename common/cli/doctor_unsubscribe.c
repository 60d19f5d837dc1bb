/* SPDX-License-Identifier: MIT */
/* doctor_unsubscribe.c - leaving lists in users' names: parts that must fit together. */
#include <unistd.h>

#include "common/cli/doctor.h"

/* Without own_hosts nobody reads what the MX writes. */
static void check_proof(struct rmt_doctor *d, const struct rmt_unsubscribing *set)
{
	if (d->config->milter.inbound != NULL && set->own_hosts == NULL)
		rmt_find(&d->findings, RMT_SEVERITY_NOTE, "unsubscribing.own_hosts",
			 "unsubscribing: { own_hosts = [\"mx.example.com\"] }",
			 "remite-milter's record of delivery is not believed: lists can "
			 "only be left while the signer's key stands");
	if (d->config->milter.inbound == NULL && set->own_hosts != NULL)
		rmt_find(&d->findings, RMT_SEVERITY_WARNING, "milter.inbound",
			 "milter: { inbound = "
			 "\"unix:/var/spool/postfix/remite/inbound\" }",
			 "records of delivery are believed, and on this host nothing "
			 "takes away those that strangers wrote");
	if (d->config->milter.inbound != NULL && d->config->mode != RMT_MODE_ENFORCE)
		rmt_find(&d->findings, RMT_SEVERITY_NOTE, "mode", "mode = \"enforce\"",
			 "in report mode no record of delivery is written, and those of "
			 "strangers stay");
}

void rmt_doctor_unsubscribe(struct rmt_doctor *d)
{
	const struct rmt_unsubscribing *set = &d->config->unsubscribing;

	check_proof(d, set);
	if (set->ca_file != NULL && access(set->ca_file, R_OK) != 0)
		rmt_find(&d->findings, RMT_SEVERITY_ERROR, "unsubscribing.ca_file", NULL,
			 "'%s' cannot be read: no list can be left", set->ca_file);
	if (set->allow != NULL && rmt_list_has(set->allow, RMT_SPAN("127.0.0.1")))
		rmt_find(&d->findings, RMT_SEVERITY_WARNING, "unsubscribing.allow", NULL,
			 "messages may have this host connected to itself (127.0.0.1)");
}
