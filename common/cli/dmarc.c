/* SPDX-License-Identifier: MIT */
/* dmarc.c - `remite dmarc`, and the verb of `remite batch`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/auth/dmarc.h"
#include "common/base/failure.h"
#include "common/base/log.h"
#include "common/cli/batch.h"
#include "common/cli/cli.h"
#include "common/cli/words.h"

/* --- batch ------------------------------------------------------------------------ */

static enum rmt_dmarc_auth parse_auth(struct rmt_span word)
{
	if (rmt_span_eq_nocase(word, RMT_SPAN("pass")))
		return RMT_DMARC_AUTH_PASS;
	if (rmt_span_eq_nocase(word, RMT_SPAN("temperror")))
		return RMT_DMARC_AUTH_TEMPERROR;
	return RMT_DMARC_AUTH_OTHER;
}

/* {"domain":"d","result":"pass"} */
static bool read_identity(const json_t *object, const char *where,
			  struct rmt_dmarc_identity *identity_r, GError **err)
{
	struct rmt_span result;

	if (!rmt_batch_member(object, where, "domain", NULL, &identity_r->domain, err) ||
	    !rmt_batch_member(object, where, "result", NULL, &result, err))
		return false;
	identity_r->result = parse_auth(result);
	return true;
}

static bool read_spf(const struct rmt_batch_case *c, struct rmt_dmarc_query *query,
		     GError **err)
{
	const json_t *spf = json_object_get(c->in, "spf");

	if (spf == NULL || json_is_null(spf))
		return true;
	if (!json_is_object(spf))
		return rmt_wrong(err, "'spf' is not an object with domain and result");
	return read_identity(spf, "'spf'", &query->spf, err);
}

static bool read_dkim(const struct rmt_batch_case *c, GArray *identities, GError **err)
{
	const json_t *list = json_object_get(c->in, "dkim"), *entry;
	size_t i;

	if (list == NULL || json_is_null(list))
		return true;
	if (!json_is_array(list))
		return rmt_wrong(err, "'dkim' is not an array");
	json_array_foreach((json_t *)list, i, entry)
	{
		struct rmt_dmarc_identity identity;

		if (!json_is_object(entry))
			return rmt_wrong(
				err, "an entry of 'dkim' is not an object with domain "
				     "and result");
		if (!read_identity(entry, "an entry of 'dkim'", &identity, err))
			return false;
		g_array_append_val(identities, identity);
	}
	return true;
}

static void put_view(json_t *out, const struct rmt_dmarc_view *view)
{
	json_object_set_new(out, "result",
			    json_string(rmt_dmarc_verdict_name(view->verdict)));
	json_object_set_new(out, "disposition",
			    json_string(rmt_dmarc_policy_name(view->disposition)));
	json_object_set_new(out, "aligned",
			    json_pack("{s:b,s:b}", "spf", view->spf_aligned, "dkim",
				      view->dkim_aligned));
}

bool rmt_batch_dmarc(struct rmt_batch_case *c, GError **err)
{
	g_autoptr(GArray) identities =
		g_array_new(FALSE, FALSE, sizeof(struct rmt_dmarc_identity));
	struct rmt_dmarc_query query = { .psl = rmt_cli_psl(c->dns) };
	g_autoptr(rmt_dmarc) dmarc = rmt_dmarc_new();
	const struct rmt_dmarc_result *result;
	json_t *psl;

	if (!rmt_batch_string(c, "from", NULL, &query.from, err) ||
	    !read_spf(c, &query, err) || !read_dkim(c, identities, err))
		return false;
	query.dkim = (const void *)identities->data;
	query.dkim_count = identities->len;
	if (!rmt_batch_ask(c, rmt_dmarc_start(dmarc, &query), err))
		return false;
	result = rmt_dmarc_result(dmarc);
	put_view(c->out, &result->tree);
	psl = query.psl != NULL ? json_object() : json_null();
	if (query.psl != NULL)
		put_view(psl, &result->psl);
	json_object_set_new(c->out, "psl", psl);
	return true;
}

/* --- the command ---------------------------------------------------------------------
 */

struct request {
	struct rmt_cli_dns dns;
	struct rmt_dmarc_query query;
	GArray *dkim; /* own; struct rmt_dmarc_identity */
	bool json;
};

static bool no_option(const char *word, GError **err)
{
	return rmt_wrong(err,
			 "'%s' is no option, or has no value: see 'remite dmarc --help'",
			 word);
}

/* Takes one option and its value; *at is then the last one taken. */
static bool take_option(struct request *request, int argc, char **argv, int *at,
			GError **err)
{
	struct rmt_dmarc_identity identity = { .result = RMT_DMARC_AUTH_PASS };
	const char *option = argv[*at];

	if (strcmp(option, "--json") == 0) {
		request->json = true;
		return true;
	}
	if (*at + 1 >= argc)
		return no_option(option, err);
	identity.domain = rmt_span_of(argv[++*at]);
	if (strcmp(option, "--spf") == 0)
		request->query.spf = identity;
	else if (strcmp(option, "--dkim") == 0)
		g_array_append_val(request->dkim, identity);
	else
		return no_option(option, err);
	return rmt_cli_domain(argv[*at], err);
}

static bool read_arguments(struct request *request, int argc, char **argv, GError **err)
{
	int i;

	for (i = 1; i < argc; i++) {
		bool is_domain = argv[i][0] != '-' && request->query.from.len == 0;

		if (rmt_cli_dns_option(&request->dns, argc, argv, &i, err))
			continue;
		if (*err != NULL)
			return false;
		if (is_domain)
			request->query.from = rmt_span_of(argv[i]);
		if (is_domain ? !rmt_cli_domain(argv[i], err)
			      : !take_option(request, argc, argv, &i, err))
			return false;
	}
	request->query.dkim = (const void *)request->dkim->data;
	request->query.dkim_count = request->dkim->len;
	return request->query.from.len > 0 ||
	       rmt_wrong(err, "which domain? See 'remite dmarc --help'");
}

static void print_span(const char *label, struct rmt_span value)
{
	g_autoptr(GString) text = g_string_new(NULL);

	if (value.len == 0)
		return;
	rmt_log_printable(text, value, 4096);
	printf("  %-15s %s\n", label, text->str);
}

static void print_view(const char *title, const struct rmt_dmarc_view *view)
{
	printf("%s: %s\n", title, rmt_dmarc_verdict_name(view->verdict));
	print_span("organisation", view->org_domain);
	print_span("policy of", view->policy_domain);
	print_span("record", view->record);
	printf("  %-15s %s%s\n", "disposition", rmt_dmarc_policy_name(view->disposition),
	       view->testing ? " (one step less: t=y)" : "");
	if (view->percent < 100)
		printf("  %-15s %u %%\n", "applied to", view->percent);
	printf("  %-15s SPF %s, DKIM %s\n", "aligned", view->spf_aligned ? "yes" : "no",
	       view->dkim_aligned ? "yes" : "no");
	if (view->problem != NULL)
		printf("  %-15s %s\n", "problem", view->problem);
}

static json_t *view_json(const struct rmt_dmarc_view *view)
{
	json_t *out = json_object();

	put_view(out, view);
	json_object_set_new(out, "organizational_domain",
			    rmt_batch_text(view->org_domain));
	json_object_set_new(out, "policy_domain", rmt_batch_text(view->policy_domain));
	json_object_set_new(out, "record", rmt_batch_text(view->record));
	json_object_set_new(out, "testing", json_boolean(view->testing));
	json_object_set_new(out, "percent", json_integer(view->percent));
	json_object_set_new(out, "problem",
			    view->problem != NULL ? json_string(view->problem)
						  : json_null());
	return out;
}

static void print_json(const struct request *request,
		       const struct rmt_dmarc_result *result)
{
	json_t *out = view_json(&result->tree);

	json_object_set_new(out, "psl",
			    request->query.psl != NULL ? view_json(&result->psl)
						       : json_null());
	json_object_set_new(out, "divergent", json_boolean(result->divergent));
	json_object_set_new(out, "questions", json_integer(result->questions));
	json_dumpf(out, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(out);
}

static void print_text(const struct request *request,
		       const struct rmt_dmarc_result *result)
{
	print_view("RFC 9989 (tree walk)", &result->tree);
	if (request->query.psl != NULL)
		print_view("RFC 7489 (public suffixes)", &result->psl);
	else
		puts("RFC 7489: no list of public suffixes on this machine "
		     "(install 'publicsuffix')");
	if (result->divergent)
		puts("Receivers will not agree: the two views differ.");
}

/* With no identity to judge, having a policy is what was asked for. */
static int status_of(const struct request *request, enum rmt_dmarc_verdict verdict)
{
	if (verdict == RMT_DMARC_TEMPERROR)
		return RMT_EXIT_TROUBLE;
	if (verdict == RMT_DMARC_PASS)
		return RMT_EXIT_OK;
	return verdict == RMT_DMARC_FAIL && request->query.spf.domain.len == 0 &&
			       request->query.dkim_count == 0
		       ? RMT_EXIT_OK
		       : RMT_EXIT_NO;
}

static int evaluate(struct request *request)
{
	g_autoptr(rmt_dmarc) dmarc = rmt_dmarc_new();
	const struct rmt_dmarc_result *result;
	g_autoptr(GError) err = NULL;

	request->query.psl = rmt_cli_psl(&request->dns);
	if (!rmt_cli_dns_run(&request->dns, NULL, rmt_dmarc_start(dmarc, &request->query),
			     &err))
		return rmt_cli_fail(RMT_EXIT_TROUBLE, &rmt_command_dmarc, "%s",
				    err->message);
	result = rmt_dmarc_result(dmarc);
	if (request->json)
		print_json(request, result);
	else
		print_text(request, result);
	return status_of(request, result->tree.verdict);
}

static int run(const struct rmt_cli *cli, int argc, char **argv)
{
	struct request request = { .dns = RMT_CLI_DNS_INIT(cli) };
	g_autoptr(GError) err = NULL;
	int status;

	request.dkim = g_array_new(FALSE, FALSE, sizeof(struct rmt_dmarc_identity));
	if (read_arguments(&request, argc, argv, &err))
		status = evaluate(&request);
	else
		status = rmt_cli_fail(RMT_EXIT_USAGE, &rmt_command_dmarc, "%s",
				      err->message);
	g_array_unref(request.dkim);
	rmt_cli_dns_finish(&request.dns);
	return status;
}

const struct rmt_command rmt_command_dmarc = {
	.name = "dmarc",
	.summary = "find a domain's DMARC policy and judge alignment with it",
	.usage =
		"usage: remite dmarc DOMAIN [OPTION ...]\n"
		"\n"
		"Tells the policy that holds for mail From: DOMAIN, by the tree walk of\n"
		"RFC 9989 and by the list of public suffixes of RFC 7489, and whether "
		"the\n"
		"given identities align with it.\n"
		"  --spf DOMAIN       SPF passed for this domain\n"
		"  --dkim DOMAIN      a signature with d=DOMAIN passed; may be repeated\n"
		"  --json\n" RMT_CLI_DNS_USAGE "Exit status: 0 pass (without identities: "
		"there is a policy), 1 fail or no\n"
		"policy, 3 DNS did not answer.\n",
	.run = run,
};
