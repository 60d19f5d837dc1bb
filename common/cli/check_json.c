/* SPDX-License-Identifier: MIT */
/* check_json.c - what `remite check` says to programs. Members stay; new ones may
 * come. "unknown" is written as null with a "status" beside it. */
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

static json_t *facts_json(const struct rmt_facts *facts)
{
	json_t *out = json_object();
	bool known;

	set(out, "zone", text(rmt_facts_zone(facts, &known)));
	set(out, "spf", spf_json(facts));
	set(out, "dkim", dkim_json(facts));
	set(out, "dmarc", dmarc_json(facts));
	set(out, "mx", values(&facts->mx));
	set(out, "null_mx", json_boolean(rmt_facts_null_mx(facts)));
	set(out, "bimi",
	    values(rmt_lookup_started(&facts->bimi_org) ? &facts->bimi_org
							: &facts->bimi));
	set(out, "mta_sts", values(&facts->mta_sts));
	set(out, "tls_rpt", values(&facts->tls_rpt));
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
