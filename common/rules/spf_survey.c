/* SPDX-License-Identifier: MIT */
#include "common/auth/spf_record.h"
#include "common/rules/spf_survey.h"

enum { VISITS_MAX = 100, FLAWS_MAX = 200, WIDE_BITS = 16, MX_MAX = 10, NODES_MAX = 200 };

/* One name that must be asked for. */
struct rmt_spf_visit {
	enum rmt_dns_type type; /* TXT: a record to read; A, MX: does it find anything? */
	char *name;             /* own; lower case */
	char *above;            /* own; names of the records that led here, " a b " */
	char *by;               /* own; whose record asks */
	char *term;             /* own; the term that asks */
	unsigned depth;
	struct rmt_spf_survey_cost *cost; /* foreign; NULL for the domain's own record */
	struct rmt_spf_survey_node *node; /* foreign; NULL where it is no record */
};

static void visit_free(struct rmt_spf_visit *visit)
{
	if (visit == NULL)
		return;
	g_free(visit->name);
	g_free(visit->above);
	g_free(visit->by);
	g_free(visit->term);
	g_free(visit);
}

static void flaw_free(struct rmt_spf_survey_flaw *flaw)
{
	g_free(flaw->domain);
	g_free(flaw->text);
	g_free(flaw);
}

static void cost_free(struct rmt_spf_survey_cost *cost)
{
	g_free(cost->text);
	g_free(cost);
}

static void node_free(struct rmt_spf_survey_node *node)
{
	g_free(node->domain);
	g_free(node->term);
	g_free(node);
}

/* Behind all that the record above has led to so far; above NULL: the root. */
static struct rmt_spf_survey_node *add_node(struct rmt_spf_survey *survey,
					    const struct rmt_spf_survey_node *above,
					    const char *domain, struct rmt_span term)
{
	struct rmt_spf_survey_node *node = g_new0(struct rmt_spf_survey_node, 1);
	guint at = 0;

	node->domain = g_strdup(domain);
	node->term = term.len > 0 ? g_strndup(term.p, term.len) : g_strdup("");
	node->depth = above != NULL ? above->depth + 1 : 0;
	if (above != NULL && g_ptr_array_find(survey->nodes, above, &at))
		for (at++; at < survey->nodes->len; at++)
			if (((struct rmt_spf_survey_node *)survey->nodes->pdata[at])
				    ->depth <= above->depth)
				break;
	g_ptr_array_insert(survey->nodes, (gint)at, node);
	return node;
}

static void add_flaw(struct rmt_spf_survey *survey, enum rmt_spf_flaw kind,
		     unsigned depth, const char *domain, struct rmt_span text)
{
	struct rmt_spf_survey_flaw *flaw;

	if (survey->flaws->len >= FLAWS_MAX)
		return;
	flaw = g_new0(struct rmt_spf_survey_flaw, 1);
	flaw->flaw = kind;
	flaw->depth = depth;
	flaw->domain = g_strdup(domain);
	flaw->text = g_strndup(text.p, text.len);
	g_ptr_array_add(survey->flaws, flaw);
}

/* A record that is being read. */
struct reading {
	struct rmt_spf_survey *survey;
	const struct rmt_spf_visit *visit;
	const char *text;
};

static struct rmt_spf_survey_cost *cost_of(struct reading *r, struct rmt_span term)
{
	struct rmt_spf_survey_cost *cost = r->visit->cost;

	if (cost == NULL) {
		cost = g_new0(struct rmt_spf_survey_cost, 1);
		cost->text = g_strndup(term.p, term.len);
		g_ptr_array_add(r->survey->costs, cost);
	}
	return cost;
}

static char *target_of(const struct reading *r, struct rmt_span target)
{
	char *name = target.len > 0 ? g_ascii_strdown(target.p, (gssize)target.len)
				    : g_strdup(r->visit->name);

	if (g_str_has_suffix(name, "."))
		name[strlen(name) - 1] = '\0';
	return name;
}

/* Why the target of a term is not looked at; NULL: it is. */
static const char *not_followed(struct reading *r, bool has_macro, struct rmt_span term)
{
	struct rmt_spf_survey *survey = r->survey;

	if (has_macro)
		return "depends on the message (a macro): not counted further";
	if (survey->visits + survey->pending.length < VISITS_MAX)
		return NULL;
	if (!survey->too_deep)
		add_flaw(survey, RMT_SPF_TOO_DEEP, r->visit->depth, r->visit->name, term);
	survey->too_deep = true;
	survey->complete = false;
	return "not read, nor what is behind it: the tree is too large";
}

/* A term that asks: counted, and followed where it has no macro. */
static void follow(struct reading *r, enum rmt_dns_type type, struct rmt_spf_part domain,
		   struct rmt_span term)
{
	struct rmt_spf_survey_cost *cost = cost_of(r, term);
	g_autofree char *name = target_of(r, rmt_spf_part(r->text, domain));
	struct rmt_spf_survey_node *node = NULL;
	struct rmt_spf_visit *visit;
	const char *why;

	r->survey->lookups++;
	r->visit->node->lookups++;
	cost->lookups++;
	if (type == 0)
		return;
	why = not_followed(r, domain.has_macro, term);
	if (type == RMT_DNS_TXT && r->survey->nodes->len < NODES_MAX) {
		node = add_node(r->survey, r->visit->node, name, term);
		node->problem = why;
	}
	if (why != NULL)
		return;
	visit = g_new0(struct rmt_spf_visit, 1);
	visit->type = type;
	visit->above = g_strdup_printf("%s%s ", r->visit->above, r->visit->name);
	visit->name = g_steal_pointer(&name);
	visit->by = g_strdup(r->visit->name);
	visit->term = g_strndup(term.p, term.len);
	visit->depth = r->visit->depth + 1;
	visit->cost = cost;
	visit->node = node;
	g_queue_push_tail(&r->survey->pending, visit);
}

static void flaw_here(struct reading *r, enum rmt_spf_flaw flaw, struct rmt_span term)
{
	add_flaw(r->survey, flaw, r->visit->depth, r->visit->name, term);
}

/* What it lets in; only terms that pass mail are looked at. */
static void judge_width(struct reading *r, const struct rmt_spf_term *term,
			struct rmt_span text)
{
	bool has4 = term->mechanism == RMT_SPF_IP4 || term->mechanism == RMT_SPF_A ||
		    term->mechanism == RMT_SPF_MX;
	bool has6 = term->mechanism == RMT_SPF_IP6 || term->mechanism == RMT_SPF_A ||
		    term->mechanism == RMT_SPF_MX;

	if (term->qualifier != '+')
		return;
	if (term->mechanism == RMT_SPF_ALL)
		flaw_here(r, RMT_SPF_PASS_ALL, text);
	else if ((has4 && term->prefix4 == 0) || (has6 && term->prefix6 == 0))
		flaw_here(r, RMT_SPF_PASS_ANY, text);
	else if (has4 && term->prefix4 < WIDE_BITS)
		flaw_here(r, RMT_SPF_WIDE, text);
}

static void read_term(struct reading *r, const struct rmt_spf_term *term)
{
	static const enum rmt_dns_type asks[] = {
		[RMT_SPF_INCLUDE] = RMT_DNS_TXT,
		[RMT_SPF_A] = RMT_DNS_A,
		[RMT_SPF_MX] = RMT_DNS_MX,
		[RMT_SPF_EXISTS] = RMT_DNS_A,
		[RMT_SPF_PTR] = 0,
	};
	struct rmt_span text = rmt_spf_part(r->text, term->text);

	judge_width(r, term, text);
	if (term->mechanism == RMT_SPF_ALL && r->visit->depth == 0)
		r->survey->all = term->qualifier;
	if (term->mechanism == RMT_SPF_PTR)
		flaw_here(r, RMT_SPF_USES_PTR, text);
	if (term->mechanism != RMT_SPF_ALL && term->mechanism != RMT_SPF_IP4 &&
	    term->mechanism != RMT_SPF_IP6)
		follow(r, asks[term->mechanism], term->domain, text);
}

/* The record's terms; a redirect counts only where there is no all (RFC 7208, 6.1). */
static void read_terms(struct reading *r, const struct rmt_spf_record *record,
		       const GArray *terms)
{
	const struct rmt_spf_term *all = NULL;
	guint i;

	for (i = 0; i < terms->len && all == NULL; i++) {
		const struct rmt_spf_term *term =
			&g_array_index(terms, struct rmt_spf_term, i);

		read_term(r, term);
		if (term->mechanism == RMT_SPF_ALL)
			all = term;
	}
	if (r->visit->depth == 0)
		r->survey->sends_nothing =
			terms->len == 1 && all != NULL && all->qualifier == '-';
	if (all == NULL && record->redirect.len > 0) {
		g_autofree char *text =
			g_strdup_printf("redirect=%.*s", (int)record->redirect.len,
					r->text + record->redirect.at);

		follow(r, RMT_DNS_TXT, record->redirect, rmt_span_of(text));
	}
}

static void read_record(struct rmt_spf_survey *survey, const struct rmt_spf_visit *visit,
			struct rmt_span text)
{
	g_autoptr(GArray) terms = g_array_new(FALSE, FALSE, sizeof(struct rmt_spf_term));
	struct reading r = { survey, visit, text.p };
	struct rmt_spf_record record;
	struct rmt_span wrong;

	if (rmt_spf_record_parse(text, &record, terms, &wrong))
		read_terms(&r, &record, terms);
	else {
		add_flaw(survey, RMT_SPF_SYNTAX, visit->depth, visit->name, wrong);
		visit->node->problem = "has a syntax error in its record";
	}
}

static void got_text(struct rmt_spf_survey *survey, const struct rmt_spf_visit *visit,
		     const struct rmt_dns_answer *answer)
{
	struct rmt_span text = { NULL, 0 };
	size_t count = rmt_spf_select(answer, &text);

	if (visit->depth == 0) {
		survey->records = count;
		g_string_append_len(survey->text, text.p, (gssize)text.len);
	}
	if (count != 1)
		visit->node->problem =
			count == 0 ? "has no SPF record" : "has more than one SPF record";
	if (count > 1)
		add_flaw(survey, RMT_SPF_SEVERAL, visit->depth, visit->name, text);
	else if (count == 1)
		read_record(survey, visit, text);
	else if (visit->depth > 0)
		add_flaw(survey, RMT_SPF_TARGET, visit->depth - 1, visit->by,
			 rmt_span_of(visit->term));
}

static void got_answer(struct rmt_spf_survey *survey, const struct rmt_spf_visit *visit,
		       const struct rmt_dns_answer *answer)
{
	if (rmt_dns_void(answer->status) && visit->depth > 0) {
		survey->voids++;
		if (visit->type != RMT_DNS_TXT)
			add_flaw(survey, RMT_SPF_VOID, visit->depth - 1, visit->by,
				 rmt_span_of(visit->term));
	}
	if (rmt_dns_failed(answer->status)) {
		add_flaw(survey, RMT_SPF_NO_ANSWER, visit->depth, visit->name,
			 rmt_span_of(visit->term));
		survey->complete = false;
		if (visit->node != NULL)
			visit->node->problem = rmt_dns_status_text(answer->status);
	} else if (visit->type == RMT_DNS_TXT)
		got_text(survey, visit, answer);
	else if (visit->type == RMT_DNS_MX && answer->count > MX_MAX)
		add_flaw(survey, RMT_SPF_MANY_MX, visit->depth - 1, visit->by,
			 rmt_span_of(visit->term));
}

/* A name that is being read already is not asked for again. */
static bool may_ask(struct rmt_spf_survey *survey, const struct rmt_spf_visit *visit)
{
	g_autofree char *needle = g_strdup_printf(" %s ", visit->name);

	if (visit->type == RMT_DNS_TXT && strstr(visit->above, needle) != NULL) {
		add_flaw(survey, RMT_SPF_LOOP, visit->depth - 1, visit->by,
			 rmt_span_of(visit->term));
		visit->node->problem =
			"leads back to a record above: every host ends in permerror";
		return false;
	}
	if (rmt_dns_name_ok(rmt_span_of(visit->name)))
		return true;
	if (visit->node != NULL)
		visit->node->problem = "not a domain name";
	return false;
}

static void hint(struct rmt_spf_survey *survey)
{
	const GList *link = survey->pending.head;
	size_t count = 0;

	for (; link != NULL && count < G_N_ELEMENTS(survey->hints); link = link->next) {
		const struct rmt_spf_visit *visit = link->data;

		survey->hints[count].type = visit->type;
		survey->hints[count++].name = rmt_span_of(visit->name);
	}
	survey->asker.hints = survey->hints;
	survey->asker.hint_count = count;
}

static void ask_next(struct rmt_spf_survey *survey)
{
	while ((survey->visit = g_queue_pop_head(&survey->pending)) != NULL) {
		if (may_ask(survey, survey->visit)) {
			survey->visits++;
			rmt_dns_ask(&survey->asker, survey->visit->type,
				    rmt_span_of(survey->visit->name));
			hint(survey);
			return;
		}
		visit_free(survey->visit);
	}
}

static void answered(struct rmt_asker *asker, const struct rmt_dns_answer *answer)
{
	struct rmt_spf_survey *survey =
		RMT_ASKER_OWNER(asker, struct rmt_spf_survey, asker);
	struct rmt_spf_visit *visit = survey->visit;

	got_answer(survey, visit, answer);
	visit_free(visit);
	ask_next(survey);
}

void rmt_spf_survey_start(struct rmt_spf_survey *survey, struct rmt_span domain)
{
	struct rmt_spf_visit *visit = g_new0(struct rmt_spf_visit, 1);

	*survey = (struct rmt_spf_survey){ .asker = { .answered = answered } };
	survey->text = g_string_new(NULL);
	survey->flaws = g_ptr_array_new_with_free_func((GDestroyNotify)flaw_free);
	survey->costs = g_ptr_array_new_with_free_func((GDestroyNotify)cost_free);
	survey->nodes = g_ptr_array_new_with_free_func((GDestroyNotify)node_free);
	survey->complete = true;
	visit->type = RMT_DNS_TXT;
	visit->name = g_ascii_strdown(domain.p, (gssize)domain.len);
	visit->above = g_strdup(" ");
	visit->term = g_strdup("");
	visit->node = add_node(survey, NULL, visit->name, rmt_span(NULL, 0));
	g_queue_push_tail(&survey->pending, visit);
	ask_next(survey);
}

void rmt_spf_survey_clear(struct rmt_spf_survey *survey)
{
	if (survey->text == NULL)
		return;
	g_queue_clear_full(&survey->pending, (GDestroyNotify)visit_free);
	g_clear_pointer(&survey->visit, visit_free);
	g_string_free(g_steal_pointer(&survey->text), TRUE);
	g_clear_pointer(&survey->flaws, g_ptr_array_unref);
	g_clear_pointer(&survey->costs, g_ptr_array_unref);
	g_clear_pointer(&survey->nodes, g_ptr_array_unref);
}
