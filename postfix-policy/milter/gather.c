/* SPDX-License-Identifier: MIT */
#include "postfix-policy/milter/gather.h"

#include <string.h>

#include "common/base/log.h"

/* --- SPF: for each address the stream leaves from ----------------------------------- */

struct spf_run {
	struct rmt_spf *evaluators[RMT_GATHER_EGRESS_MAX]; /* own */
	const char *addresses[RMT_GATHER_EGRESS_MAX];      /* foreign */
	size_t count;
};

static void start_spf(const struct rmt_gather *with, struct spf_run *run,
		      GPtrArray *askers)
{
	const struct rmt_egress *egress = with->stream->egress;
	struct rmt_spf_query query = { .mail_from = with->sender, .now = with->now };
	char **address;

	run->count = 0;
	if (egress == NULL)
		return;
	query.helo = rmt_span_of(egress->helo);
	for (address = egress->addresses;
	     *address != NULL && run->count < RMT_GATHER_EGRESS_MAX; address++) {
		if (!rmt_ip_parse(rmt_span_of(*address), &query.ip))
			continue;
		run->evaluators[run->count] = rmt_spf_new();
		run->addresses[run->count] = *address;
		g_ptr_array_add(askers,
				rmt_spf_start(run->evaluators[run->count], &query));
		run->count++;
	}
}

/* What is certain to fail goes before what may. */
static int how_bad(enum rmt_spf_verdict verdict)
{
	switch (verdict) {
	case RMT_SPF_PASS:
		return 0;
	case RMT_SPF_TEMPERROR:
		return 1;
	default:
		return 2;
	}
}

static void end_spf(struct spf_run *run, struct rmt_spf_fact *fact)
{
	const struct rmt_spf_result *result;
	size_t i, worst = 0;

	fact->evaluated = run->count > 0;
	if (!fact->evaluated)
		return;
	for (i = 1; i < run->count; i++)
		if (how_bad(rmt_spf_result(run->evaluators[i])->result) >
		    how_bad(rmt_spf_result(run->evaluators[worst])->result))
			worst = i;
	result = rmt_spf_result(run->evaluators[worst]);
	fact->result = result->result;
	fact->domain = g_strndup(result->domain.p, result->domain.len);
	if (result->result != RMT_SPF_PASS)
		fact->address = g_strdup(run->addresses[worst]);
	for (i = 0; i < run->count; i++)
		rmt_spf_free(run->evaluators[i]);
}

/* Not evaluated: the return path says whom SPF would vouch for. */
static void name_spf_domain(const struct rmt_gather *with, struct rmt_spf_fact *fact)
{
	struct rmt_span local, domain;

	if (fact->domain == NULL &&
	    rmt_span_split_last(with->sender, '@', &local, &domain))
		fact->domain = g_strndup(domain.p, domain.len);
}

/* --- DKIM ----------------------------------------------------------------------------
 */

static void append_signature(GString *text, const struct rmt_dkim_signature *signature)
{
	const char *word = rmt_dkim_reason_word(signature->reason);

	if (text->len > 300) /* enough for a log line */
		return;
	g_string_append_printf(text, "%s%s", text->len > 0 ? "," : "",
			       rmt_dkim_result_name(signature->result));
	if (word[0] != '\0')
		g_string_append_printf(text, ":%s", word);
	g_string_append_c(text, '/');
	rmt_log_printable(text, signature->domain, 64);
}

static void read_signatures(const struct rmt_dkim *dkim, struct rmt_message_facts *facts)
{
	const struct rmt_dkim_signature *signature;
	size_t i;

	for (i = 0; (signature = rmt_dkim_get(dkim, i)) != NULL; i++) {
		append_signature(facts->dkim_text, signature);
		if (rmt_dkim_holds_widely(signature))
			facts->dkim = RMT_YES;
		else if (signature->result == RMT_DKIM_PASS)
			facts->narrow = true;
		else if (signature->result == RMT_DKIM_TEMPERROR && facts->dkim == RMT_NO)
			facts->dkim = RMT_UNKNOWN;
	}
	if (facts->dkim_text->len == 0)
		g_string_append(facts->dkim_text, "none");
}

static void start_signatures(struct rmt_session *session, GPtrArray *askers)
{
	if (session->signed_ && !session->verified)
		g_ptr_array_add(askers, rmt_dkim_asker(session->dkim));
}

static void end_signatures(const struct rmt_gather *with, struct rmt_session *session)
{
	if (!session->verified)
		rmt_dkim_finish(session->dkim, with->now);
	session->verified = true;
}

void rmt_gather_signatures(const struct rmt_gather *with, struct rmt_session *session)
{
	g_autoptr(GPtrArray) askers = g_ptr_array_new();

	start_signatures(session, askers);
	rmt_names_run(with->names, (struct rmt_asker *const *)askers->pdata, askers->len,
		      with->deadline_us);
	end_signatures(with, session);
}

static struct rmt_span org_of(const struct rmt_gather *with, struct rmt_span domain)
{
	return with->psl != NULL ? rmt_psl_org(with->psl, domain) : domain;
}

static bool is_ours(const struct rmt_gather *with, const struct rmt_session *session,
		    struct rmt_span domain)
{
	struct rmt_span local, sender;
	char folded[RMT_DOMAIN_MAX + 1];
	char **own;

	for (own = with->config->organization; own != NULL && *own != NULL; own++)
		if (rmt_domain_within(domain, rmt_span_of(*own)))
			return true;
	if (!rmt_span_split_last(rmt_span_of(session->sender), '@', &local, &sender))
		return false;
	sender = rmt_domain_fold(sender, folded);
	return rmt_span_eq(org_of(with, domain), org_of(with, sender));
}

static bool has_foreign_signature(const struct rmt_gather *with,
				  const struct rmt_session *session)
{
	const struct rmt_dkim_signature *signature;
	size_t i;

	for (i = 0; (signature = rmt_dkim_get(session->dkim, i)) != NULL; i++)
		if (signature->result == RMT_DKIM_PASS &&
		    !is_ours(with, session, signature->domain))
			return true;
	return false;
}

/* --- alignment -------------------------------------------------------------------------
 */

/* doubtful: what might pass counts as if it did. */
static enum rmt_dmarc_auth auth_of(bool pass, bool open, bool doubtful)
{
	if (pass || (open && doubtful))
		return RMT_DMARC_AUTH_PASS;
	return open ? RMT_DMARC_AUTH_TEMPERROR : RMT_DMARC_AUTH_OTHER;
}

static bool spf_is_open(const struct rmt_spf_fact *spf)
{
	return spf->domain != NULL &&
	       (!spf->evaluated || spf->result == RMT_SPF_TEMPERROR);
}

static size_t list_dkim(const struct rmt_dkim *dkim, bool doubtful,
			struct rmt_dmarc_identity *identities)
{
	const struct rmt_dkim_signature *signature;
	size_t i, count = 0;

	for (i = 0; (signature = rmt_dkim_get(dkim, i)) != NULL &&
		    count < RMT_DMARC_IDENTITIES_MAX;
	     i++)
		identities[count++] = (struct rmt_dmarc_identity){
			signature->domain,
			auth_of(rmt_dkim_holds_widely(signature),
				signature->result == RMT_DKIM_TEMPERROR, doubtful),
		};
	return count;
}

static const struct rmt_dmarc_result *ask_dmarc(const struct rmt_gather *with,
						const struct rmt_message_facts *facts,
						struct rmt_dmarc *dmarc, bool doubtful)
{
	struct rmt_dmarc_identity dkim[RMT_DMARC_IDENTITIES_MAX];
	struct rmt_dmarc_query query = {
		.from = rmt_span_of(facts->from.domain),
		.spf = { rmt_span_of(facts->spf.domain),
			 auth_of(facts->spf.evaluated &&
					 facts->spf.result == RMT_SPF_PASS,
				 spf_is_open(&facts->spf), doubtful) },
		.dkim = dkim,
		.dkim_count = list_dkim(facts->signatures, doubtful, dkim),
		.psl = with->psl,
	};
	struct rmt_asker *asker = rmt_dmarc_start(dmarc, &query);

	rmt_names_run(with->names, &asker, 1, with->deadline_us);
	return rmt_dmarc_result(dmarc);
}

static bool is_aligned(const struct rmt_dmarc_result *result)
{
	return result->tree.spf_aligned || result->tree.dkim_aligned ||
	       result->psl.spf_aligned || result->psl.dkim_aligned;
}

static bool dns_failed(const struct rmt_dmarc_result *result)
{
	return result->tree.verdict == RMT_DMARC_TEMPERROR ||
	       result->psl.verdict == RMT_DMARC_TEMPERROR;
}

static enum rmt_known is_published(const struct rmt_dmarc_result *result)
{
	if (result->tree.verdict != RMT_DMARC_NO_POLICY)
		return result->tree.verdict != RMT_DMARC_TEMPERROR ? RMT_YES
								   : RMT_UNKNOWN;
	return RMT_NO;
}

static void align(const struct rmt_gather *with, struct rmt_message_facts *facts)
{
	g_autoptr(rmt_dmarc) dmarc = rmt_dmarc_new();
	const struct rmt_dmarc_result *result = ask_dmarc(with, facts, dmarc, false);

	facts->spf_aligned = result->tree.spf_aligned || result->psl.spf_aligned;
	facts->dkim_aligned = result->tree.dkim_aligned || result->psl.dkim_aligned;
	facts->divergent = result->divergent;
	facts->published = is_published(result);
	facts->policy = result->tree.disposition;
	facts->aligned = is_aligned(result) ? RMT_YES : RMT_NO;
	if (facts->aligned == RMT_YES)
		return;
	/* Would it be, had all answers come and been good? */
	if (dns_failed(result)) {
		facts->aligned = RMT_UNKNOWN;
		return;
	}
	result = ask_dmarc(with, facts, dmarc, true);
	if (is_aligned(result) || dns_failed(result))
		facts->aligned = RMT_UNKNOWN;
}

/* --- all of it
 * --------------------------------------------------------------------------- */

static void read_from(const struct rmt_session *session, struct rmt_message_facts *facts)
{
	if (session->complete)
		rmt_from_read(facts->header, &facts->from);
	else
		facts->from = (struct rmt_from){
			.result = RMT_FROM_TOO_LONG,
			.reason = "the header is over 1 MB or 10,000 fields"
		};
}

static void authenticate(const struct rmt_gather *with, struct rmt_session *session,
			 struct rmt_message_facts *facts)
{
	g_autoptr(GPtrArray) askers = g_ptr_array_new();
	struct spf_run spf;

	start_spf(with, &spf, askers);
	start_signatures(session, askers);
	rmt_names_run(with->names, (struct rmt_asker *const *)askers->pdata, askers->len,
		      with->deadline_us);
	end_spf(&spf, &facts->spf);
	name_spf_domain(with, &facts->spf);
	end_signatures(with, session);
	read_signatures(session->dkim, facts);
}

void rmt_gather(const struct rmt_gather *with, struct rmt_session *session,
		struct rmt_message_facts *facts_r)
{
	struct rmt_kind_signs signs;

	*facts_r = (struct rmt_message_facts){
		.dkim_text = g_string_new(NULL),
		.signatures = session->dkim,
		.header = rmt_span(session->header->str, session->header->len),
		.header_octets = session->header_octets,
		.field_count = session->field_count,
		.aligned = RMT_UNKNOWN,
		.published = RMT_UNKNOWN,
		.policy = RMT_DMARC_NONE,
	};
	read_from(session, facts_r);
	authenticate(with, session, facts_r);
	rmt_kind_look(facts_r->header, &signs);
	facts_r->kind =
		rmt_kind_of(&signs, rmt_span_of(session->sender),
			    signs.list_id && has_foreign_signature(with, session));
	if (facts_r->from.result == RMT_FROM_OK)
		align(with, facts_r);
}

void rmt_message_facts_clear(struct rmt_message_facts *facts)
{
	g_free(facts->spf.address);
	g_free(facts->spf.domain);
	g_string_free(facts->dkim_text, TRUE);
}
