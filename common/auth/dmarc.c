/* SPDX-License-Identifier: MIT */
/* dmarc.c - the evaluation is a plain function over the answers that are there;
 * when it misses one, it asks, and with the answer it begins anew. */
#include "common/auth/dmarc.h"
#include "common/message/addr.h"

#define PREFIX "_dmarc."

enum {
	PREFIX_LEN = sizeof(PREFIX) - 1,
	/* A walk for the author, one for each identity, the list's view, existence. */
	LOOKUPS_MAX = (RMT_DMARC_IDENTITIES_MAX + 2) * RMT_WALK_MAX + 2,
};

/* A question and, once status is known, its answer. */
struct lookup {
	char name[RMT_DNS_NAME_MAX];
	size_t name_len;
	enum rmt_dns_type type;
	enum rmt_dns_status status;
	size_t count;  /* of DMARC records */
	GString *text; /* own; of the record, where there is one; or NULL */
	struct rmt_dmarc_record record;
};

struct rmt_dmarc {
	struct rmt_asker asker;
	struct rmt_dmarc_result result;
	GPtrArray *lookups; /* own; struct lookup */
	GString *domains;   /* own; what query pointed to */
	struct rmt_span from;
	struct rmt_dmarc_identity spf, dkim[RMT_DMARC_IDENTITIES_MAX];
	size_t dkim_count;
	const struct rmt_psl *psl; /* foreign */
	struct lookup *pending;    /* the one that is asked */
	struct rmt_dns_question hints[RMT_WALK_MAX];
	char hint_names[RMT_WALK_MAX][RMT_DNS_NAME_MAX];
};

/* A name and all above it. */
struct walk {
	struct rmt_walk_step steps[RMT_WALK_MAX];
	size_t count;
	bool failed; /* at one of the names */
};

static void answered(struct rmt_asker *asker, const struct rmt_dns_answer *answer);

static void free_lookup(gpointer pointer)
{
	struct lookup *lookup = pointer;

	if (lookup->text != NULL)
		g_string_free(lookup->text, TRUE);
	g_free(lookup);
}

struct rmt_dmarc *rmt_dmarc_new(void)
{
	struct rmt_dmarc *dmarc = g_new0(struct rmt_dmarc, 1);

	dmarc->asker.answered = answered;
	dmarc->lookups = g_ptr_array_new_with_free_func(free_lookup);
	dmarc->domains = g_string_new(NULL);
	return dmarc;
}

void rmt_dmarc_free(struct rmt_dmarc *dmarc)
{
	if (dmarc == NULL)
		return;
	g_ptr_array_unref(dmarc->lookups);
	g_string_free(dmarc->domains, TRUE);
	g_free(dmarc);
}

/* --- answers, kept ---------------------------------------------------------------- */

static struct lookup *find_lookup(struct rmt_dmarc *dmarc, enum rmt_dns_type type,
				  struct rmt_span name)
{
	guint i;

	for (i = 0; i < dmarc->lookups->len; i++) {
		struct lookup *lookup = g_ptr_array_index(dmarc->lookups, i);

		if (lookup->type == type &&
		    rmt_span_eq(rmt_span(lookup->name, lookup->name_len), name))
			return lookup;
	}
	return NULL;
}

static struct lookup *new_lookup(struct rmt_dmarc *dmarc, enum rmt_dns_type type,
				 struct rmt_span name)
{
	struct lookup *lookup = g_new0(struct lookup, 1);

	lookup->type = type;
	lookup->name_len = MIN(name.len, sizeof(lookup->name));
	memcpy(lookup->name, name.p, lookup->name_len);
	g_ptr_array_add(dmarc->lookups, lookup);
	return lookup;
}

/* The answer, or NULL when it had to be asked for. Names that cannot be asked
 * for do not exist. */
static const struct lookup *look_up(struct rmt_dmarc *dmarc, enum rmt_dns_type type,
				    struct rmt_span name)
{
	struct lookup *lookup = find_lookup(dmarc, type, name);

	if (lookup != NULL)
		return lookup;
	lookup = new_lookup(dmarc, type, name);
	lookup->status = RMT_DNS_NXDOMAIN;
	if (!rmt_dns_name_ok(name) || dmarc->lookups->len > LOOKUPS_MAX)
		return lookup;
	dmarc->pending = lookup;
	dmarc->result.questions++;
	rmt_dns_ask(&dmarc->asker, type, rmt_span(lookup->name, lookup->name_len));
	return NULL;
}

static struct rmt_span prefixed(struct rmt_span name,
				char out[RMT_DNS_NAME_MAX + PREFIX_LEN])
{
	memcpy(out, PREFIX, PREFIX_LEN);
	name.len = MIN(name.len, RMT_DNS_NAME_MAX);
	memcpy(out + PREFIX_LEN, name.p, name.len);
	return rmt_span(out, PREFIX_LEN + name.len);
}

static const struct lookup *look_up_record(struct rmt_dmarc *dmarc, struct rmt_span name)
{
	char out[RMT_DNS_NAME_MAX + PREFIX_LEN];

	return look_up(dmarc, RMT_DNS_TXT, prefixed(name, out));
}

static const struct rmt_dmarc_record *record_of(const struct lookup *lookup)
{
	return lookup->count == 1 ? &lookup->record : NULL;
}

/* The rest of a walk will be asked for, too. */
static void hint(struct rmt_dmarc *dmarc, const struct rmt_span *names, size_t count)
{
	size_t i, hints = 0;

	for (i = 0; i < count; i++) {
		char out[RMT_DNS_NAME_MAX + PREFIX_LEN];
		struct rmt_span name = prefixed(names[i], out);

		if (name.len > RMT_DNS_NAME_MAX ||
		    find_lookup(dmarc, RMT_DNS_TXT, name) != NULL)
			continue;
		memcpy(dmarc->hint_names[hints], name.p, name.len);
		dmarc->hints[hints].type = RMT_DNS_TXT;
		dmarc->hints[hints].name = rmt_span(dmarc->hint_names[hints], name.len);
		hints++;
	}
	dmarc->asker.hints = dmarc->hints;
	dmarc->asker.hint_count = hints;
}

/* False: had to ask. */
static bool walk(struct rmt_dmarc *dmarc, struct rmt_span name, struct walk *walk_r)
{
	struct rmt_span names[RMT_WALK_MAX];
	size_t count = rmt_walk_names(name, names), i;

	*walk_r = (struct walk){ .count = 0 };
	for (i = 0; i < count; i++) {
		const struct lookup *lookup = look_up_record(dmarc, names[i]);

		if (lookup == NULL) {
			hint(dmarc, names + i + 1, count - i - 1);
			return false;
		}
		walk_r->steps[i].name = names[i];
		walk_r->steps[i].record = record_of(lookup);
		walk_r->count = i + 1;
		walk_r->failed = walk_r->failed || rmt_dns_failed(lookup->status);
		if (rmt_walk_ends(walk_r->steps[i].record))
			break;
	}
	return true;
}

/* --- policy ------------------------------------------------------------------------- */

static void use_record(struct rmt_dmarc_view *view, const struct lookup *lookup,
		       struct rmt_span domain)
{
	view->policy_domain = domain;
	view->record = rmt_span(lookup->text->str, lookup->text->len);
}

/* A record without a usable policy still asks for reports: then it means none.
 * False: it means nothing (RFC 9989, 4.10.1; RFC 7489, 6.6.3). */
static bool record_counts(const struct rmt_dmarc_record *record, bool with_np,
			  bool *is_none_r, const char **problem_r)
{
	*is_none_r = record->p <= RMT_DMARC_INVALID || record->sp == RMT_DMARC_INVALID ||
		     (with_np && record->np == RMT_DMARC_INVALID);
	if (record->has_duplicate) {
		*problem_r = "the record has a tag twice, so it is void (RFC 6376, 3.2)";
		return false;
	}
	if (!*is_none_r)
		return true;
	*problem_r =
		record->has_rua
			? "p=, sp= or np= is missing or wrong: it means p=none"
			: "p=, sp= or np= is missing or wrong, and there is no rua=: "
			  "it means nothing";
	return record->has_rua;
}

static enum rmt_dmarc_policy one_step_less(enum rmt_dmarc_policy policy)
{
	return policy > RMT_DMARC_NONE ? policy - 1 : policy;
}

static enum rmt_dmarc_policy first_set(enum rmt_dmarc_policy a, enum rmt_dmarc_policy b)
{
	return a != RMT_DMARC_UNSET ? a : b;
}

/* Sets disposition. False: had to ask whether the author's domain exists. */
static bool apply_tree_policy(struct rmt_dmarc *dmarc, struct rmt_dmarc_view *view,
			      const struct rmt_dmarc_record *record, bool *unsure_r)
{
	enum rmt_dmarc_policy sp = first_set(record->sp, record->p);
	enum rmt_dmarc_policy np = first_set(record->np, sp);
	const struct lookup *lookup;

	view->disposition = record->p;
	if (!rmt_span_eq(view->policy_domain, dmarc->from)) {
		view->disposition = sp;
		if (np != sp) {
			lookup = look_up(dmarc, RMT_DNS_A, dmarc->from);
			if (lookup == NULL)
				return false;
			*unsure_r = rmt_dns_failed(lookup->status);
			if (lookup->status == RMT_DNS_NXDOMAIN)
				view->disposition = np;
		}
	}
	if (record->testing) {
		view->testing = view->disposition > RMT_DMARC_NONE;
		view->disposition = one_step_less(view->disposition);
	}
	return true;
}

static const char *const several = "several DMARC records at one name: none counts; "
				   "leave one of them";

static const struct lookup *known_record(struct rmt_dmarc *dmarc, struct rmt_span domain,
					 const char **problem_r)
{
	char out[RMT_DNS_NAME_MAX + PREFIX_LEN];
	const struct lookup *lookup =
		find_lookup(dmarc, RMT_DNS_TXT, prefixed(domain, out));

	if (lookup != NULL && lookup->count > 1)
		*problem_r = several;
	return lookup != NULL && lookup->count == 1 ? lookup : NULL;
}

/* Author's domain, else its organisational domain, else the public suffix it is
 * below: RFC 9989, 4.10.1. */
static const struct lookup *find_tree_record(struct rmt_dmarc *dmarc,
					     const struct walk *author,
					     struct rmt_dmarc_view *view)
{
	struct rmt_span last = author->steps[author->count - 1].name;
	struct rmt_span places[3] = { dmarc->from, view->org_domain, last };
	const struct rmt_dmarc_record *end = author->steps[author->count - 1].record;
	size_t count = end != NULL && end->psd == RMT_DMARC_PSD_YES ? 3 : 2, i;

	for (i = 0; i < count; i++) {
		const struct lookup *lookup =
			known_record(dmarc, places[i], &view->problem);

		if (lookup != NULL) {
			use_record(view, lookup, places[i]);
			return lookup;
		}
	}
	return NULL;
}

/* --- alignment ------------------------------------------------------------------------
 */

enum aligned { ALIGNED_NO, ALIGNED_YES, ALIGNED_UNSURE };

/* Where the walks lead to one domain. False: had to ask. */
static bool align_tree(struct rmt_dmarc *dmarc, struct rmt_span domain, bool strict,
		       const struct walk *author, struct rmt_span org,
		       enum aligned *aligned_r)
{
	struct walk other;

	*aligned_r = ALIGNED_NO;
	if (rmt_span_eq(domain, dmarc->from)) {
		*aligned_r = ALIGNED_YES;
		return true;
	}
	/* Only what is below a domain can have it as its organisational one. */
	if (strict || (!author->failed && !rmt_dns_below_or_same(domain, org)))
		return true;
	if (!walk(dmarc, domain, &other))
		return false;
	if (author->failed || other.failed)
		*aligned_r = ALIGNED_UNSURE;
	else if (rmt_span_eq(rmt_walk_org(other.steps, other.count), org))
		*aligned_r = ALIGNED_YES;
	return true;
}

static enum aligned align_psl(struct rmt_dmarc *dmarc, struct rmt_span domain,
			      bool strict, struct rmt_span org)
{
	if (rmt_span_eq(domain, dmarc->from))
		return ALIGNED_YES;
	return !strict && rmt_span_eq(rmt_psl_org(dmarc->psl, domain), org) ? ALIGNED_YES
									    : ALIGNED_NO;
}

/* What identities come to. */
struct alignment {
	bool spf, dkim;
	bool unsure; /* one might have, had DNS answered */
};

static void note(const struct rmt_dmarc_identity *identity, enum aligned aligned,
		 bool *passed, bool *unsure)
{
	if (aligned == ALIGNED_NO || identity->result == RMT_DMARC_AUTH_OTHER)
		return;
	if (aligned == ALIGNED_YES && identity->result == RMT_DMARC_AUTH_PASS)
		*passed = true;
	else
		*unsure = true;
}

/* False: had to ask. author NULL: by the list. */
static bool align(struct rmt_dmarc *dmarc, const struct rmt_dmarc_record *record,
		  const struct walk *author, struct rmt_span org,
		  struct alignment *alignment_r)
{
	bool strict_spf = record != NULL && record->strict_spf;
	bool strict_dkim = record != NULL && record->strict_dkim;
	size_t i;

	*alignment_r = (struct alignment){ false, false, false };
	for (i = 0; i <= dmarc->dkim_count; i++) {
		const struct rmt_dmarc_identity *identity =
			i == 0 ? &dmarc->spf : &dmarc->dkim[i - 1];
		bool strict = i == 0 ? strict_spf : strict_dkim;
		enum aligned aligned;

		if (identity->domain.len == 0 || identity->result == RMT_DMARC_AUTH_OTHER)
			continue;
		if (author == NULL)
			aligned = align_psl(dmarc, identity->domain, strict, org);
		else if (!align_tree(dmarc, identity->domain, strict, author, org,
				     &aligned))
			return false;
		note(identity, aligned, i == 0 ? &alignment_r->spf : &alignment_r->dkim,
		     &alignment_r->unsure);
	}
	return true;
}

static enum rmt_dmarc_verdict verdict_of(const struct rmt_dmarc_view *view,
					 const struct alignment *alignment,
					 bool has_policy, bool unsure_policy)
{
	if (!has_policy)
		return unsure_policy ? RMT_DMARC_TEMPERROR : RMT_DMARC_NO_POLICY;
	if (view->spf_aligned || view->dkim_aligned)
		return RMT_DMARC_PASS;
	return unsure_policy || alignment->unsure ? RMT_DMARC_TEMPERROR : RMT_DMARC_FAIL;
}

static void conclude(struct rmt_dmarc_view *view, const struct alignment *alignment,
		     bool has_policy, bool unsure_policy)
{
	view->spf_aligned = alignment->spf;
	view->dkim_aligned = alignment->dkim;
	view->verdict = verdict_of(view, alignment, has_policy, unsure_policy);
	if (view->verdict == RMT_DMARC_TEMPERROR)
		view->problem = "DNS did not answer";
	if (!has_policy)
		view->disposition = RMT_DMARC_NONE;
}

/* --- the two views
 * ----------------------------------------------------------------------- */

static void begin_view(struct rmt_dmarc_view *view)
{
	*view = (struct rmt_dmarc_view){ .disposition = RMT_DMARC_NONE, .percent = 100 };
}

/* RFC 9989. False: had to ask. */
static bool see_tree(struct rmt_dmarc *dmarc, struct rmt_dmarc_view *view)
{
	const struct rmt_dmarc_record *record = NULL;
	bool is_none = false, has_policy = false, unsure = false;
	const struct lookup *lookup;
	struct alignment alignment;
	struct walk author;

	begin_view(view);
	if (!walk(dmarc, dmarc->from, &author))
		return false;
	view->org_domain = rmt_walk_org(author.steps, author.count);
	lookup = find_tree_record(dmarc, &author, view);
	/* A name that failed might have had the record that counts. */
	if (author.failed && (lookup == NULL || author.steps[0].record == NULL)) {
		lookup = NULL;
		unsure = true;
	}
	if (lookup != NULL) {
		record = &lookup->record;
		has_policy = record_counts(record, true, &is_none, &view->problem);
	}
	if (has_policy && !is_none && !apply_tree_policy(dmarc, view, record, &unsure))
		return false;
	if (!align(dmarc, record, &author, view->org_domain, &alignment))
		return false;
	conclude(view, &alignment, has_policy, unsure);
	return true;
}

/* RFC 7489, 6.6.3: the author's domain, else the organisational one; several
 * records at the first end it. False: had to ask. */
static bool find_psl_record(struct rmt_dmarc *dmarc, struct rmt_dmarc_view *view,
			    const struct lookup **lookup_r)
{
	struct rmt_span place = dmarc->from;

	*lookup_r = look_up_record(dmarc, place);
	if (*lookup_r != NULL && (*lookup_r)->count == 0 &&
	    !rmt_dns_failed((*lookup_r)->status)) {
		place = view->org_domain;
		*lookup_r = look_up_record(dmarc, place);
	}
	if (*lookup_r == NULL)
		return false;
	if ((*lookup_r)->count == 1)
		use_record(view, *lookup_r, place);
	else if ((*lookup_r)->count > 1)
		view->problem = several;
	return true;
}

/* False: had to ask. */
static bool see_psl(struct rmt_dmarc *dmarc, struct rmt_dmarc_view *view)
{
	const struct rmt_dmarc_record *record;
	bool is_none, has_policy = false;
	const struct lookup *lookup;
	struct alignment alignment;

	begin_view(view);
	view->org_domain = rmt_psl_org(dmarc->psl, dmarc->from);
	if (!find_psl_record(dmarc, view, &lookup))
		return false;
	record = record_of(lookup);
	if (record != NULL)
		has_policy = record_counts(record, false, &is_none, &view->problem);
	if (has_policy && !is_none) {
		view->disposition = rmt_span_eq(view->policy_domain, dmarc->from)
					    ? record->p
					    : first_set(record->sp, record->p);
		view->percent = record->percent;
	}
	align(dmarc, record, NULL, view->org_domain, &alignment);
	conclude(view, &alignment, has_policy, rmt_dns_failed(lookup->status));
	return true;
}

static bool differ(const struct rmt_dmarc_view *a, const struct rmt_dmarc_view *b)
{
	return a->verdict != b->verdict || a->disposition != b->disposition ||
	       !rmt_span_eq(a->org_domain, b->org_domain) ||
	       !rmt_span_eq(a->policy_domain, b->policy_domain);
}

static void evaluate(struct rmt_dmarc *dmarc)
{
	struct rmt_dmarc_result *result = &dmarc->result;

	if (!see_tree(dmarc, &result->tree))
		return;
	if (dmarc->psl == NULL)
		result->psl = result->tree;
	else if (!see_psl(dmarc, &result->psl))
		return;
	result->divergent = differ(&result->tree, &result->psl);
}

static void answered(struct rmt_asker *asker, const struct rmt_dns_answer *answer)
{
	struct rmt_dmarc *dmarc = RMT_ASKER_OWNER(asker, struct rmt_dmarc, asker);
	struct lookup *lookup = dmarc->pending;
	struct rmt_span text;

	dmarc->result.ttl_secs = MIN(dmarc->result.ttl_secs, answer->ttl_secs);
	lookup->status = answer->status;
	if (lookup->type == RMT_DNS_TXT)
		lookup->count = rmt_dmarc_select(answer, &text);
	if (lookup->count == 1) {
		lookup->text = g_string_new_len(text.p, (gssize)text.len);
		rmt_dmarc_record_parse(text, &lookup->record);
	}
	evaluate(dmarc);
}

/* --- the query
 * ------------------------------------------------------------------------------ */

/* Appends a folded copy to domains, which has room for it: the span stays good. */
static struct rmt_span keep(struct rmt_dmarc *dmarc, struct rmt_span domain)
{
	char folded[RMT_DOMAIN_MAX + 1];
	size_t at = dmarc->domains->len;

	domain = rmt_domain_fold(domain, folded);
	if (domain.len > RMT_DNS_NAME_MAX)
		return rmt_span(NULL, 0);
	g_string_append_len(dmarc->domains, domain.p, (gssize)domain.len);
	return rmt_span(dmarc->domains->str + at, domain.len);
}

static bool is_kept(const struct rmt_dmarc *dmarc,
		    const struct rmt_dmarc_identity *identity)
{
	size_t i;

	for (i = 0; i < dmarc->dkim_count; i++)
		if (dmarc->dkim[i].result == identity->result &&
		    rmt_span_eq(dmarc->dkim[i].domain, identity->domain))
			return true;
	return false;
}

/* Signatures that passed, each domain once, before those that DNS failed. */
static void keep_dkim(struct rmt_dmarc *dmarc, const struct rmt_dmarc_query *query,
		      enum rmt_dmarc_auth result)
{
	size_t i;

	for (i = 0; i < query->dkim_count; i++) {
		struct rmt_dmarc_identity *kept = &dmarc->dkim[dmarc->dkim_count];
		gsize room = dmarc->domains->len;

		if (dmarc->dkim_count == RMT_DMARC_IDENTITIES_MAX)
			return;
		if (query->dkim[i].result != result)
			continue;
		kept->result = result;
		kept->domain = keep(dmarc, query->dkim[i].domain);
		if (is_kept(dmarc, kept))
			g_string_truncate(dmarc->domains, room);
		else
			dmarc->dkim_count++;
	}
}

struct rmt_asker *rmt_dmarc_start(struct rmt_dmarc *dmarc,
				  const struct rmt_dmarc_query *query)
{
	dmarc->asker.waits = false;
	dmarc->asker.hint_count = 0;
	dmarc->result = (struct rmt_dmarc_result){ .ttl_secs = UINT32_MAX };
	g_ptr_array_set_size(dmarc->lookups, 0);
	g_string_set_size(dmarc->domains,
			  (RMT_DMARC_IDENTITIES_MAX + 2) * RMT_DNS_NAME_MAX);
	g_string_truncate(dmarc->domains, 0);
	dmarc->from = keep(dmarc, query->from);
	dmarc->spf.domain = keep(dmarc, query->spf.domain);
	dmarc->spf.result = query->spf.result;
	dmarc->dkim_count = 0;
	keep_dkim(dmarc, query, RMT_DMARC_AUTH_PASS);
	keep_dkim(dmarc, query, RMT_DMARC_AUTH_TEMPERROR);
	dmarc->psl = query->psl;
	if (rmt_dns_name_ok(dmarc->from)) {
		evaluate(dmarc);
	} else {
		begin_view(&dmarc->result.tree);
		dmarc->result.tree.problem = "the author's domain is not a domain name";
		dmarc->result.psl = dmarc->result.tree;
	}
	return &dmarc->asker;
}

const struct rmt_dmarc_result *rmt_dmarc_result(const struct rmt_dmarc *dmarc)
{
	return &dmarc->result;
}

const char *rmt_dmarc_verdict_name(enum rmt_dmarc_verdict verdict)
{
	static const char *const names[] = { "none", "pass", "fail", "temperror" };

	return names[verdict];
}
