/* SPDX-License-Identifier: MIT */
/* spf_tree.c - what an SPF record costs at worst. */
#include "common/auth/spf_record.h"
#include "common/auth/spf_tree.h"

/* A record that is still to be read: where a term led. */
struct visit {
	char *domain, *term; /* own */
	unsigned depth;
	size_t parent; /* its node */
};

struct rmt_spf_tree {
	struct rmt_asker asker;
	struct rmt_spf_tree_result result;
	GArray *nodes;         /* own; struct rmt_spf_tree_node */
	GArray *parents;       /* own; size_t, for each node; the root is its own */
	GPtrArray *visits;     /* own; struct visit; the last is read next */
	GStringChunk *strings; /* own; what nodes point to */
	GArray *terms;         /* own; struct rmt_spf_term of the record at hand */
};

static void free_visit(gpointer pointer)
{
	struct visit *visit = pointer;

	g_free(visit->domain);
	g_free(visit->term);
	g_free(visit);
}

static void answered(struct rmt_asker *asker, const struct rmt_dns_answer *answer);

struct rmt_spf_tree *rmt_spf_tree_new(void)
{
	struct rmt_spf_tree *tree = g_new0(struct rmt_spf_tree, 1);

	tree->asker.answered = answered;
	tree->nodes = g_array_new(FALSE, FALSE, sizeof(struct rmt_spf_tree_node));
	tree->parents = g_array_new(FALSE, FALSE, sizeof(size_t));
	tree->visits = g_ptr_array_new_with_free_func(free_visit);
	tree->strings = g_string_chunk_new(512);
	tree->terms = g_array_new(FALSE, FALSE, sizeof(struct rmt_spf_term));
	return tree;
}

void rmt_spf_tree_free(struct rmt_spf_tree *tree)
{
	if (tree == NULL)
		return;
	g_array_unref(tree->nodes);
	g_array_unref(tree->parents);
	g_ptr_array_unref(tree->visits);
	g_string_chunk_free(tree->strings);
	g_array_unref(tree->terms);
	g_free(tree);
}

static struct rmt_spf_tree_node *node_at(struct rmt_spf_tree *tree, size_t at)
{
	return &g_array_index(tree->nodes, struct rmt_spf_tree_node, at);
}

static struct rmt_span keep(struct rmt_spf_tree *tree, const char *text)
{
	return rmt_span_of(g_string_chunk_insert(tree->strings, text));
}

/* The same domain among those that led here. */
static bool is_loop(struct rmt_spf_tree *tree, size_t at)
{
	struct rmt_span domain = node_at(tree, at)->domain;

	while (node_at(tree, at)->depth > 0) {
		at = g_array_index(tree->parents, size_t, at);
		if (rmt_span_eq_nocase(node_at(tree, at)->domain, domain))
			return true;
	}
	return false;
}

static size_t add_node(struct rmt_spf_tree *tree, const struct visit *visit)
{
	struct rmt_spf_tree_node node = {
		.domain = keep(tree, visit->domain),
		.term = keep(tree, visit->term),
		.depth = visit->depth,
	};
	size_t at = tree->nodes->len;

	g_array_append_val(tree->nodes, node);
	g_array_append_val(tree->parents, visit->parent);
	return at;
}

static void finish(struct rmt_spf_tree *tree)
{
	g_ptr_array_set_size(tree->visits, 0);
	tree->result.count = tree->nodes->len;
	tree->result.nodes = (const void *)tree->nodes->data;
}

/* Adds the node of the next visit. False: what is wrong with it is told. */
static bool enter(struct rmt_spf_tree *tree)
{
	struct visit *visit = g_ptr_array_index(tree->visits, tree->visits->len - 1);
	size_t at = add_node(tree, visit);
	const char *problem = NULL;

	g_ptr_array_set_size(tree->visits, (gint)tree->visits->len - 1);
	if (memchr(node_at(tree, at)->domain.p, '%', node_at(tree, at)->domain.len) !=
	    NULL)
		problem = "depends on the message (a macro): not counted further";
	else if (!rmt_dns_name_ok(node_at(tree, at)->domain))
		problem = "not a domain name";
	else if (is_loop(tree, at))
		problem = "leads back to a record above: every host ends in permerror";
	else if (node_at(tree, at)->depth >= RMT_SPF_TREE_DEPTH_MAX ||
		 tree->result.lookups >= RMT_SPF_TREE_LOOKUPS_MAX) {
		problem = "not read, nor what is behind it: the tree is too large";
		tree->result.complete = false;
		g_ptr_array_set_size(tree->visits, 0);
	}
	node_at(tree, at)->problem = problem;
	return problem == NULL;
}

/* Asks for the next record, or ends. */
static void go_on(struct rmt_spf_tree *tree)
{
	while (tree->visits->len > 0)
		if (enter(tree)) {
			rmt_dns_ask(&tree->asker, RMT_DNS_TXT,
				    node_at(tree, tree->nodes->len - 1)->domain);
			return;
		}
	finish(tree);
}

static void add_visit(struct rmt_spf_tree *tree, const char *text,
		      struct rmt_spf_part domain, struct rmt_spf_part term)
{
	struct visit *visit = g_new0(struct visit, 1);
	size_t parent = tree->nodes->len - 1;

	visit->domain = g_strndup(text + domain.at, domain.len);
	if (domain.len > 0 && visit->domain[domain.len - 1] == '.')
		visit->domain[domain.len - 1] = '\0';
	visit->term = g_strndup(text + term.at, term.len);
	visit->depth = node_at(tree, parent)->depth + 1;
	visit->parent = parent;
	g_ptr_array_add(tree->visits, visit);
}

static bool asks(enum rmt_spf_mechanism mechanism)
{
	return mechanism != RMT_SPF_ALL && mechanism != RMT_SPF_IP4 &&
	       mechanism != RMT_SPF_IP6;
}

/* "redirect=" stands before its value, whatever its case. */
static struct rmt_spf_part redirect_term(const struct rmt_spf_record *record)
{
	struct rmt_spf_part term = record->redirect;

	term.at -= (uint32_t)strlen("redirect=");
	term.len += (uint32_t)strlen("redirect=");
	return term;
}

/* Terms behind all are never reached, and redirect does not count then. Visits
 * are read from the end, so they are added in reverse. */
static void count_terms(struct rmt_spf_tree *tree, const char *text,
			const struct rmt_spf_record *record)
{
	struct rmt_spf_tree_node *node = node_at(tree, tree->nodes->len - 1);
	bool has_all = false;
	guint reached, i;

	for (reached = 0; reached < tree->terms->len && !has_all; reached++)
		has_all = g_array_index(tree->terms, struct rmt_spf_term, reached)
				  .mechanism == RMT_SPF_ALL;
	if (!has_all && record->redirect.len > 0) {
		node->lookups++;
		add_visit(tree, text, record->redirect, redirect_term(record));
	}
	for (i = reached; i > 0; i--) {
		const struct rmt_spf_term *term =
			&g_array_index(tree->terms, struct rmt_spf_term, i - 1);

		node->lookups += asks(term->mechanism);
		if (term->mechanism == RMT_SPF_INCLUDE)
			add_visit(tree, text, term->domain, term->text);
	}
	tree->result.lookups += node->lookups;
}

static const char *read_record(struct rmt_spf_tree *tree,
			       const struct rmt_dns_answer *answer)
{
	struct rmt_spf_record record;
	struct rmt_span text, wrong;
	size_t found = rmt_spf_select(answer, &text);

	if (rmt_dns_failed(answer->status)) {
		tree->result.complete = false;
		return rmt_dns_status_text(answer->status);
	}
	if (found != 1)
		return found == 0 ? "has no SPF record" : "has more than one SPF record";
	g_array_set_size(tree->terms, 0);
	if (!rmt_spf_record_parse(text, &record, tree->terms, &wrong))
		return "has a syntax error in its record";
	count_terms(tree, text.p, &record);
	return NULL;
}

static void answered(struct rmt_asker *asker, const struct rmt_dns_answer *answer)
{
	struct rmt_spf_tree *tree = RMT_ASKER_OWNER(asker, struct rmt_spf_tree, asker);
	size_t at = tree->nodes->len - 1;

	node_at(tree, at)->problem = read_record(tree, answer);
	go_on(tree);
}

struct rmt_asker *rmt_spf_tree_start(struct rmt_spf_tree *tree, struct rmt_span domain)
{
	struct visit *visit = g_new0(struct visit, 1);

	tree->asker.waits = false;
	tree->result = (struct rmt_spf_tree_result){ .complete = true };
	g_array_set_size(tree->nodes, 0);
	g_array_set_size(tree->parents, 0);
	g_ptr_array_set_size(tree->visits, 0);
	g_string_chunk_clear(tree->strings);
	visit->domain = g_strndup(domain.p != NULL ? domain.p : "", domain.len);
	visit->term = g_strdup("");
	g_ptr_array_add(tree->visits, visit);
	go_on(tree);
	return &tree->asker;
}

const struct rmt_spf_tree_result *rmt_spf_tree_result(const struct rmt_spf_tree *tree)
{
	return &tree->result;
}
