/* SPDX-License-Identifier: MIT */
/* check_json.c - what `remite check` says to programs. Members stay; new ones may
 * come. "unknown" is written as null with a "status" beside it. */
#include "common/auth/mta_sts.h"
#include "common/cli/batch.h"
#include "common/cli/check.h"
#include "common/cli/report.h"

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static json_t *text(const char *value)
{
	return value != NULL ? rmt_batch_text(rmt_span_of(value)) : json_null();
}

static json_t *values(const struct rmt_lookup *lookup)
{
	json_t *out = json_array();
	size_t i;

	if (rmt_dns_failed(lookup->status)) {
		json_decref(out);
		return json_null();
	}
	for (i = 0; i < rmt_lookup_count(lookup); i++)
		json_array_append_new(out, rmt_batch_text(rmt_lookup_value(lookup, i)));
	return out;
}

static json_t *spf_json(const struct rmt_facts *facts)
{
	const struct rmt_spf_survey *spf = &facts->survey;
	json_t *out = json_object(), *costs = json_array();
	guint i;

	set(out, "records", json_integer((json_int_t)spf->records));
	set(out, "record", spf->records > 0 ? text(spf->text->str) : json_null());
	set(out, "worst_lookups", json_integer(spf->lookups));
	set(out, "worst_void_lookups", json_integer(spf->voids));
	for (i = 0; i < spf->costs->len; i++) {
		const struct rmt_spf_survey_cost *cost = spf->costs->pdata[i];
		json_t *row = json_object();

		set(row, "term", text(cost->text));
		set(row, "lookups", json_integer(cost->lookups));
		json_array_append_new(costs, row);
	}
	set(out, "costs", costs);
	return out;
}

static json_t *dkim_json(const struct rmt_facts *facts)
{
	json_t *out = json_array();
	guint i;

	for (i = 0; i < facts->selectors->len; i++) {
		const struct rmt_selector_facts *selector = facts->selectors->pdata[i];
		bool good = selector->reason == RMT_DKIM_OK;
		json_t *row;

		if (selector->is_guess && !good)
			continue;
		row = json_object();
		set(row, "selector", text(selector->name));
		set(row, "named", json_boolean(!selector->is_guess));
		set(row, "reason", json_string(rmt_dkim_reason_word(selector->reason)));
		set(row, "type",
		    !good ? json_null()
			  : json_string(selector->type == RMT_DKIM_RSA ? "rsa"
								       : "ed25519"));
		set(row, "bits", json_integer(selector->bits));
		set(row, "testing", json_boolean(selector->testing));
		set(row, "key_matches",
		    facts->key != NULL ? json_boolean(selector->is_our_key)
				       : json_null());
		json_array_append_new(out, row);
	}
	return out;
}

static json_t *view_json(const struct rmt_dmarc_view *view)
{
	json_t *out = json_object();
	bool found = view->verdict == RMT_DMARC_PASS || view->verdict == RMT_DMARC_FAIL;

	set(out, "status",
	    json_string(view->verdict == RMT_DMARC_TEMPERROR
				? "unknown"
				: (found ? "found" : "none")));
	set(out, "policy",
	    found ? json_string(rmt_dmarc_policy_name(view->disposition)) : json_null());
	set(out, "organizational_domain", rmt_batch_text(view->org_domain));
	set(out, "policy_domain", rmt_batch_text(view->policy_domain));
	set(out, "record", rmt_batch_text(view->record));
	return out;
}

static json_t *dmarc_json(const struct rmt_facts *facts)
{
	const struct rmt_dmarc_result *result = rmt_dmarc_result(facts->dmarc);
	json_t *out = view_json(&result->tree);

	set(out, "divergent", json_boolean(facts->psl != NULL && result->divergent));
	set(out, "psl", facts->psl != NULL ? view_json(&result->psl) : json_null());
	return out;
}

static json_t *egress_json(const struct rmt_facts *facts)
{
	json_t *out = json_array();
	guint i;

	for (i = 0; i < facts->egress->len; i++) {
		const struct rmt_egress_facts *egress = facts->egress->pdata[i];
		const struct rmt_spf_result *spf = rmt_spf_result(egress->spf);
		json_t *row = json_object();
		bool known;

		set(row, "address", text(egress->address));
		set(row, "helo", text(egress->helo));
		set(row, "ptr", values(&egress->ptr));
		set(row, "confirmed_name", text(rmt_egress_name(egress, &known)));
		set(row, "spf", json_string(rmt_spf_verdict_name(spf->result)));
		set(row, "spf_term", rmt_batch_text(spf->term));
		set(row, "spf_lookups", json_integer(spf->lookups));
		json_array_append_new(out, row);
	}
	return out;
}

static json_t *sts_json(const struct rmt_transport *transport)
{
	json_t *out = json_object(), *mx = json_array();
	const GString *policy_text = transport->policy;
	struct rmt_sts_policy policy = { .mx = NULL };
	bool good = policy_text != NULL &&
		    rmt_sts_policy_read(rmt_span(policy_text->str, policy_text->len),
					&policy, NULL);
	guint i;

	for (i = 0; good && i < policy.mx->len; i++)
		json_array_append_new(mx, text(policy.mx->pdata[i]));
	set(out, "fetched", json_boolean(policy_text != NULL));
	set(out, "trouble", text(transport->trouble));
	set(out, "mode",
	    good ? json_string(rmt_sts_mode_name(policy.mode)) : json_null());
	set(out, "max_age", good ? json_integer(policy.max_age_secs) : json_null());
	set(out, "mx", mx);
	rmt_sts_policy_clear(&policy);
	return out;
}

static json_t *hex(struct rmt_span octets)
{
	g_autoptr(GString) out = g_string_new(NULL);
	size_t i;

	for (i = 0; i < octets.len; i++)
		g_string_append_printf(out, "%02x", (unsigned char)octets.p[i]);
	return json_string(out->str);
}

/* A row a name, with its records as they stand on the wire. */
static json_t *wire_json(const GPtrArray *lookups)
{
	json_t *out = json_array();
	guint i;
	size_t k;

	for (i = 0; i < lookups->len; i++) {
		const struct rmt_lookup *lookup = lookups->pdata[i];
		json_t *row = json_object(), *records = json_array();

		for (k = 0; k < rmt_lookup_count(lookup); k++)
			json_array_append_new(records, hex(rmt_lookup_value(lookup, k)));
		set(row, "name", text(lookup->name));
		set(row, "status", json_string(rmt_dns_status_text(lookup->status)));
		set(row, "secure", json_boolean(lookup->secure));
		set(row, "records", records);
		json_array_append_new(out, row);
	}
	return out;
}

static json_t *dnssec_json(const struct rmt_facts *facts)
{
	const struct rmt_transport *transport = &facts->transport;
	const bool known = rmt_lookup_started(&transport->ds) &&
			   !rmt_dns_failed(transport->ds.status);
	json_t *out = json_object();

	set(out, "signed",
	    known ? json_boolean(transport->ds.status == RMT_DNS_FOUND) : json_null());
	set(out, "checked", json_boolean(transport->can_verify));
	set(out, "secure", json_boolean(facts->reach.mx.secure));
	set(out, "bogus", json_boolean(facts->reach.mx.bogus));
	return out;
}

static json_t *reports_json(const struct rmt_facts *facts)
{
	json_t *out = json_array();
	guint i;

	for (i = 0; i < facts->reports->len; i++) {
		const struct rmt_report_facts *report = facts->reports->pdata[i];
		json_t *row = json_object();

		set(row, "domain", text(report->domain));
		set(row, "foreign", json_boolean(report->is_foreign));
		set(row, "permit",
		    report->is_foreign ? values(&report->permit) : json_null());
		set(row, "mx", values(&report->mx));
		json_array_append_new(out, row);
	}
	return out;
}

static json_t *facts_json(const struct rmt_facts *facts)
{
	json_t *out = json_object();
	bool known;

	set(out, "zone", text(rmt_reach_zone(&facts->reach, &known)));
	set(out, "spf", spf_json(facts));
	set(out, "dkim", dkim_json(facts));
	set(out, "dmarc", dmarc_json(facts));
	set(out, "mx", values(&facts->reach.mx));
	set(out, "null_mx", json_boolean(rmt_reach_null_mx(&facts->reach)));
	set(out, "bimi",
	    values(rmt_lookup_started(&facts->bimi_org) ? &facts->bimi_org
							: &facts->bimi));
	set(out, "mta_sts", values(&facts->transport.mta_sts));
	set(out, "tls_rpt", values(&facts->transport.tls_rpt));
	set(out, "mta_sts_policy", sts_json(&facts->transport));
	set(out, "dnssec", dnssec_json(facts));
	set(out, "tlsa", wire_json(facts->transport.tlsa));
	set(out, "caa", wire_json(facts->transport.caa));
	set(out, "reports", reports_json(facts));
	set(out, "egress", egress_json(facts));
	return out;
}

static json_t *providers_json(const struct rmt_check *check)
{
	json_t *out = json_object();
	unsigned i;

	for (i = 0; i < RMT_PROVIDER_COUNT; i++) {
		struct rmt_judgement judgement;
		json_t *row = json_object();

		rmt_rules_judge(&check->findings, i, false, &judgement);
		set(row, "any", rmt_report_judgement_json(&judgement, i));
		rmt_rules_judge(&check->findings, i, true, &judgement);
		set(row, "bulk", rmt_report_judgement_json(&judgement, i));
		set(out, rmt_provider_name(i), row);
	}
	return out;
}

json_t *rmt_check_json(const struct rmt_check *check)
{
	json_t *out = json_object();

	set(out, "domain", text(check->facts->domain));
	set(out, "parked", json_boolean(rmt_facts_parked(check->facts)));
	set(out, "facts", facts_json(check->facts));
	set(out, "findings", rmt_report_findings_json(&check->findings));
	set(out, "providers", providers_json(check));
	set(out, "status", json_integer(rmt_report_status(&check->findings)));
	return out;
}
