/* SPDX-License-Identifier: MIT */
/* spf.c - `remite spf`, and the verb of `remite batch`. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/auth/spf.h"
#include "common/base/log.h"
#include "common/cli/batch.h"
#include "common/rules/spf_survey.h"
#include "common/cli/cli.h"

bool rmt_batch_spf(struct rmt_batch_case *c, GError **err)
{
	g_autoptr(rmt_spf) spf = rmt_spf_new();
	struct rmt_spf_query query = { .now = 0 };
	const struct rmt_spf_result *result;
	struct rmt_span ip;

	if (!rmt_batch_string(c, "ip", NULL, &ip, err) ||
	    !rmt_batch_string(c, "helo", "", &query.helo, err) ||
	    !rmt_batch_string(c, "mail_from", "", &query.mail_from, err) ||
	    !rmt_batch_string(c, "receiver", "", &query.receiver, err) ||
	    !rmt_batch_integer(c, "now", time(NULL), &query.now, err))
		return false;
	if (!rmt_ip_parse(ip, &query.ip)) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
			    "'ip' is not an IPv4 or IPv6 address");
		return false;
	}
	if (!rmt_batch_ask(c, rmt_spf_start(spf, &query), err))
		return false;
	result = rmt_spf_result(spf);
	rmt_batch_put(c, "result", rmt_span_of(rmt_spf_verdict_name(result->result)));
	rmt_batch_put(c, "explanation", result->explanation);
	return true;
}

/* --- the command ---------------------------------------------------------------------
 */

struct request {
	struct rmt_cli_dns dns;
	struct rmt_spf_query query;
	bool has_ip, json, tree;
};

static bool wrong(GError **err, const char *sentence)
{
	g_set_error_literal(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, sentence);
	return false;
}

/* Takes one option and its value; *at is then the last one taken. */
static bool take_option(struct request *request, int argc, char **argv, int *at,
			GError **err)
{
	const char *option = argv[*at];
	struct rmt_span value;

	if (strcmp(option, "--json") == 0 || strcmp(option, "--tree") == 0) {
		*(option[2] == 'j' ? &request->json : &request->tree) = true;
		return true;
	}
	if (*at + 1 >= argc)
		return wrong(err, "see 'remite spf --help'");
	value = rmt_span_of(argv[++*at]);
	if (strcmp(option, "--helo") == 0)
		request->query.helo = value;
	else if (strcmp(option, "--mail-from") == 0)
		request->query.mail_from = value;
	else if (strcmp(option, "--receiver") == 0)
		request->query.receiver = value;
	else if (strcmp(option, "--ip") != 0)
		return wrong(err, "see 'remite spf --help'");
	else if (!rmt_ip_parse(value, &request->query.ip))
		return wrong(err, "--ip: not an IPv4 or IPv6 address");
	else
		request->has_ip = true;
	return true;
}

static bool read_arguments(struct request *request, int argc, char **argv, GError **err)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (rmt_cli_dns_option(&request->dns, argc, argv, &i, err))
			continue;
		if (*err != NULL || !take_option(request, argc, argv, &i, err))
			return false;
	}
	if (!request->has_ip)
		return wrong(err, "--ip is missing: the address the mail leaves from");
	if (request->query.mail_from.len == 0 && request->query.helo.len == 0)
		return wrong(err, "--mail-from or --helo is missing");
	return true;
}

static void print_span(const char *label, struct rmt_span value)
{
	g_autoptr(GString) text = g_string_new(NULL);

	if (value.len == 0)
		return;
	rmt_log_printable(text, value, 4096);
	printf("  %-12s %s\n", label, text->str);
}

static void print_node(const struct rmt_spf_survey_node *node)
{
	g_autoptr(GString) domain = g_string_new(NULL);

	rmt_log_printable(domain, rmt_span_of(node->domain), 255);
	printf("  %*s%s: %u%s%s\n", (int)node->depth * 2, "", domain->str, node->lookups,
	       node->problem != NULL ? ", " : "",
	       node->problem != NULL ? node->problem : "");
}

/* Two numbers: a receiver stops at the first match, the record goes on. */
static void print_lookups(const struct request *request,
			  const struct rmt_spf_result *result,
			  const struct rmt_spf_survey *tree)
{
	const struct rmt_spf_limits *limits = &rmt_spf_limits_default;
	size_t i;

	printf("  %-12s %u of %u terms asked, %u of %u questions found nothing\n",
	       "on this path", result->lookups, limits->lookups, result->voids,
	       limits->voids);
	printf("  %-12s %u of %u terms ask%s\n", "at worst", tree->lookups,
	       limits->lookups, tree->complete ? "" : " at least: not all could be read");
	for (i = 0; request->tree && i < tree->nodes->len; i++)
		print_node(tree->nodes->pdata[i]);
}

static void print_text(const struct request *request, const struct rmt_spf_result *result,
		       const struct rmt_spf_survey *tree)
{
	puts(rmt_spf_verdict_name(result->result));
	print_span("domain", result->domain);
	print_span("term", result->term);
	print_span("explanation", result->explanation);
	print_span("problem", result->problem);
	print_lookups(request, result, tree);
}

static json_t *tree_json(const struct rmt_spf_survey *tree)
{
	json_t *out = json_array();
	size_t i;

	for (i = 0; i < tree->nodes->len; i++) {
		const struct rmt_spf_survey_node *node = tree->nodes->pdata[i];
		json_t *entry = json_object();

		json_object_set_new(entry, "domain",
				    rmt_batch_text(rmt_span_of(node->domain)));
		json_object_set_new(entry, "term",
				    rmt_batch_text(rmt_span_of(node->term)));
		json_object_set_new(entry, "depth", json_integer(node->depth));
		json_object_set_new(entry, "lookups", json_integer(node->lookups));
		json_object_set_new(entry, "problem",
				    node->problem != NULL ? json_string(node->problem)
							  : json_null());
		json_array_append_new(out, entry);
	}
	return out;
}

static void print_json(const struct request *request, const struct rmt_spf_result *result,
		       const struct rmt_spf_survey *tree)
{
	json_t *out = json_object();

	json_object_set_new(out, "result",
			    json_string(rmt_spf_verdict_name(result->result)));
	json_object_set_new(out, "explanation", rmt_batch_text(result->explanation));
	json_object_set_new(out, "domain", rmt_batch_text(result->domain));
	json_object_set_new(out, "term", rmt_batch_text(result->term));
	json_object_set_new(out, "problem", rmt_batch_text(result->problem));
	json_object_set_new(out, "lookups", json_integer(result->lookups));
	json_object_set_new(out, "void_lookups", json_integer(result->voids));
	json_object_set_new(out, "worst_case_lookups", json_integer(tree->lookups));
	json_object_set_new(out, "worst_case_complete", json_boolean(tree->complete));
	if (request->tree)
		json_object_set_new(out, "tree", tree_json(tree));
	json_dumpf(out, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(out);
}

static int say(const struct request *request, const struct rmt_spf_result *result,
	       const struct rmt_spf_survey *tree)
{
	if (request->json)
		print_json(request, result, tree);
	else
		print_text(request, result, tree);
	if (result->result == RMT_SPF_TEMPERROR)
		return RMT_EXIT_TROUBLE;
	return result->result == RMT_SPF_PASS ? RMT_EXIT_OK : RMT_EXIT_NO;
}

static int evaluate(struct request *request)
{
	g_autoptr(rmt_spf) spf = rmt_spf_new();
	const struct rmt_spf_result *result = rmt_spf_result(spf);
	struct rmt_spf_survey tree = { .text = NULL };
	struct rmt_asker *askers[2];
	g_autoptr(GError) err = NULL;
	int status;

	request->query.now = time(NULL);
	askers[0] = rmt_spf_start(spf, &request->query);
	rmt_spf_survey_start(&tree, result->domain);
	askers[1] = &tree.asker;
	if (rmt_cli_dns_run_all(&request->dns, NULL, askers, 2, &err))
		status = say(request, result, &tree);
	else
		status = rmt_cli_fail(RMT_EXIT_TROUBLE, &rmt_command_spf, "%s",
				      err->message);
	rmt_spf_survey_clear(&tree);
	return status;
}

static int run(const struct rmt_cli *cli, int argc, char **argv)
{
	struct request request = { .dns = RMT_CLI_DNS_INIT(cli) };
	g_autoptr(GError) err = NULL;
	int status;

	if (read_arguments(&request, argc, argv, &err))
		status = evaluate(&request);
	else
		status = rmt_cli_fail(RMT_EXIT_USAGE, &rmt_command_spf, "%s",
				      err->message);
	rmt_cli_dns_finish(&request.dns);
	return status;
}

const struct rmt_command rmt_command_spf = {
	.name = "spf",
	.summary = "ask whether an address may send for a domain",
	.usage =
		"usage: remite spf --ip ADDRESS [--mail-from ADDRESS] [--helo NAME] "
		"[OPTION ...]\n"
		"\n"
		"Evaluates SPF (RFC 7208) as a receiver would. Without --mail-from the "
		"HELO\n"
		"name is checked, as for bounces.\n"
		"  --receiver NAME    who asks, for explanations\n"
		"  --tree             every record that may be read, and what each asks\n"
		"  --json\n" RMT_CLI_DNS_USAGE
		"Exit status: 0 pass, 1 anything else, 3 DNS did not answer.\n",
	.run = run,
};
