/* SPDX-License-Identifier: MIT */
/* doctor_receipts.c - read receipts: what the policy means to do, and cannot. */
#include <string.h>

#include "common/cli/doctor.h"
#include "common/receipts/template.h"

static void check_templates(struct rmt_doctor *d, const struct rmt_receipts_config *r)
{
	g_autoptr(GError) err = NULL;
	g_autoptr(rmt_templates) templates = rmt_templates_read(r->templates, &err);

	if (templates == NULL)
		rmt_find(&d->findings, RMT_SEVERITY_ERROR, "receipts.templates", NULL,
			 "no receipt can be written: %s", err->message);
	else if (rmt_template_choose(templates, "displayed", NULL, r->language, NULL) ==
			 rmt_template_choose(templates, "displayed", NULL, NULL, NULL) &&
		 !g_str_has_prefix(r->language, "en"))
		rmt_find(&d->findings, RMT_SEVERITY_WARNING, "receipts.language", NULL,
			 "there is no text in '%s': receipts are in English",
			 r->language);
}

static void check_police(struct rmt_doctor *d, const struct rmt_receipts_config *r)
{
	if (r->police == RMT_POLICE_OFF)
		return;
	if (d->config->milter.before == NULL)
		rmt_find(&d->findings, RMT_SEVERITY_NOTE, "milter.before",
			 "milter: { before = \"unix:/var/spool/postfix/remite/before\" }",
			 "receipts that clients send on their own are not held to the "
			 "policy, and one of ours that is broken off is not sent again");
	else if (r->addresses == NULL)
		rmt_find(&d->findings, RMT_SEVERITY_WARNING, "receipts.addresses",
			 "addresses = [\"file:/etc/remite/addresses\"]",
			 "receipts of clients are stopped where the login name is no "
			 "address, or not the one in From");
}

/* Where remite-agent runs elsewhere, nobody knows here what it sent. */
static void check_records(struct rmt_doctor *d, const struct rmt_receipts_config *r)
{
	if (r->police != RMT_POLICE_OFF && d->config->milter.before != NULL &&
	    !g_file_test(d->config->state, G_FILE_TEST_IS_DIR))
		rmt_find(&d->findings, RMT_SEVERITY_NOTE, d->config->state, NULL,
			 "no records here: receipts of clients are judged by policy "
			 "alone, and one message may get two");
}

/* Only a milter that has the agent's records tells what became of a receipt that was
 * broken off at its end. */
static void check_submission(struct rmt_doctor *d, const struct rmt_receipts_config *r)
{
	const struct rmt_submission_config *submission = &d->config->submission;
	const char *host = submission->host;

	if (r->rules.policy == RMT_RECEIPTS_NONE || submission->sendmail != NULL ||
	    strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
	    g_str_has_prefix(host, "127."))
		return;
	rmt_find(&d->findings, RMT_SEVERITY_NOTE, "submission.host",
		 "submission: { host = \"localhost\" }",
		 "%s does not know our records: a receipt that is broken off at its end "
		 "is "
		 "not sent again (remite-agent(8))",
		 host);
}

static bool sends_unasked(const struct rmt_receipts_config *r)
{
	guint i;

	if (r->rules.policy == RMT_RECEIPTS_ORGANIZATION && !r->rules.prompt)
		return true;
	for (i = 0; i < r->units->len; i++) {
		const struct rmt_receipt_unit *unit = g_ptr_array_index(r->units, i);

		if (unit->rules.has_prompt && !unit->rules.prompt)
			return true;
	}
	return false;
}

void rmt_doctor_receipts(struct rmt_doctor *d)
{
	const struct rmt_receipts_config *r = &d->config->receipts;

	if (!r->configured)
		return;
	check_templates(d, r);
	check_police(d, r);
	check_records(d, r);
	check_submission(d, r);
	if (sends_unasked(r) && r->authserv_ids == NULL)
		rmt_find(&d->findings, RMT_SEVERITY_NOTE, "receipts.authserv_ids",
			 "authserv_ids = [\"mx.example.com\"]",
			 "receipts go out unasked to who is not proven to have sent the "
			 "message");
}
