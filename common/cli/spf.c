/* SPDX-License-Identifier: MIT */
/* spf.c - `remite spf`, and the verb of `remite batch`. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/auth/spf.h"
#include "common/base/failure.h"
#include "common/base/log.h"
#include "common/cli/batch.h"
#include "common/rules/spf_survey.h"
#include "common/cli/cli.h"
#include "common/cli/words.h"

enum { VOIDS_MAX = 1000000 };

bool rmt_batch_spf(struct rmt_batch_case *c, GError **err)
{
	g_autoptr(rmt_spf) spf = rmt_spf_new();
	struct rmt_spf_limits limits = rmt_spf_limits_default;
	struct rmt_spf_query query = { .limits = &limits };
	const struct rmt_spf_result *result;
	struct rmt_span ip;
	int64_t voids;

	if (!rmt_batch_string(c, "ip", NULL, &ip, err) ||
	    !rmt_batch_string(c, "helo", "", &query.helo, err) ||
	    !rmt_batch_string(c, "mail_from", "", &query.mail_from, err) ||
	    !rmt_batch_string(c, "receiver", "", &query.receiver, err) ||
	    !rmt_batch_integer(c, "now", time(NULL), &query.now, err) ||
	    !rmt_batch_integer(c, "void_limit", limits.voids, &voids, err))
		return false;
	limits.voids = (unsigned)CLAMP(voids, 0, VOIDS_MAX);
	if (!rmt_ip_parse(ip, &query.ip))
		return rmt_wrong(err, "'ip' is not an IPv4 or IPv6 address");
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
	struct rmt_spf_limits limits;
	bool has_ip, json, tree;
};

/* What was found out. */
struct answer {
	const struct rmt_spf_result *result;
	/* Where only the limit of void look-ups decided, which RFC 7208 recommends and
	 * not all receivers have: what those say. Else NULL. */
	const struct rmt_spf_result *lenient;
	struct rmt_spf_survey tree;
};

static bool no_option(const char *word, GError **err)
{
	return rmt_wrong(
		err, "'%s' is no option, or has no value: see 'remite spf --help'", word);
}

static bool take_void_limit(struct request *request, const char *word, GError **err)
{
	guint64 limit;

	if (!g_ascii_string_to_unsigned(word, 10, 0, VOIDS_MAX, &limit, NULL))
		return rmt_wrong(err, "--void-limit: '%s' is not a number up to %d", word,
				 VOIDS_MAX);
	request->limits.voids = (unsigned)limit;
	return true;
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
		return no_option(option, err);
	value = rmt_span_of(argv[++*at]);
	if (strcmp(option, "--helo") == 0)
		request->query.helo = value;
	else if (strcmp(option, "--mail-from") == 0)
		request->query.mail_from = rmt_cli_address(argv[*at]);
	else if (strcmp(option, "--receiver") == 0)
		request->query.receiver = value;
	else if (strcmp(option, "--void-limit") == 0)
		return take_void_limit(request, argv[*at], err);
	else if (strcmp(option, "--ip") != 0)
		return no_option(option, err);
	else if (!rmt_ip_parse(value, &request->query.ip))
		return rmt_wrong(err, "--ip: '%s' is not an IPv4 or IPv6 address",
				 argv[*at]);
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
		return rmt_wrong(err,
				 "--ip is missing: the address the mail leaves from");
	if (request->query.mail_from.len == 0 && request->query.helo.len == 0)
		return rmt_wrong(err, "--mail-from or --helo is missing");
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
static void print_lookups(const struct request *request, const struct answer *answer)
{
	const struct rmt_spf_result *result = answer->result;
	const struct rmt_spf_limits *limits = &request->limits;
	const struct rmt_spf_survey *tree = &answer->tree;
	size_t i;

	printf("  %-12s %u of %u terms asked, %u of %u questions found nothing\n",
	       "on this path", result->lookups, limits->lookups, result->voids,
	       limits->voids);
	printf("  %-12s %u of %u terms ask%s\n", "at worst", tree->lookups,
	       limits->lookups, tree->complete ? "" : " at least: not all could be read");
	for (i = 0; request->tree && i < tree->nodes->len; i++)
		print_node(tree->nodes->pdata[i]);
}

static void print_text(const struct request *request, const struct answer *answer)
{
	const struct rmt_spf_result *result = answer->result;

	puts(rmt_spf_verdict_name(result->result));
	print_span("domain", result->domain);
	print_span("term", result->term);
	print_span("explanation", result->explanation);
	print_span("problem", result->problem);
	if (answer->lenient != NULL)
		printf("  %-12s %s\n", "elsewhere",
		       rmt_spf_verdict_name(answer->lenient->result));
	print_lookups(request, answer);
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

static void print_json(const struct request *request, const struct answer *answer)
{
	const struct rmt_spf_result *result = answer->result;
	const struct rmt_spf_survey *tree = &answer->tree;
	const struct rmt_spf_result *lenient =
		answer->lenient != NULL ? answer->lenient : result;
	json_t *out = json_object();

	json_object_set_new(out, "result",
			    json_string(rmt_spf_verdict_name(result->result)));
	json_object_set_new(out, "explanation", rmt_batch_text(result->explanation));
	json_object_set_new(out, "domain", rmt_batch_text(result->domain));
	json_object_set_new(out, "term", rmt_batch_text(result->term));
	json_object_set_new(out, "problem", rmt_batch_text(result->problem));
	json_object_set_new(out, "lookups", json_integer(result->lookups));
	json_object_set_new(out, "void_lookups", json_integer(result->voids));
	json_object_set_new(out, "without_void_limit",
			    json_string(rmt_spf_verdict_name(lenient->result)));
	json_object_set_new(out, "worst_case_lookups", json_integer(tree->lookups));
	json_object_set_new(out, "worst_case_complete", json_boolean(tree->complete));
	if (request->tree)
		json_object_set_new(out, "tree", tree_json(tree));
	json_dumpf(out, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(out);
}

static int say(const struct request *request, const struct answer *answer)
{
	const struct rmt_spf_result *result = answer->result;

	if (request->json)
		print_json(request, answer);
	else
		print_text(request, answer);
	if (result->result == RMT_SPF_TEMPERROR)
		return RMT_EXIT_TROUBLE;
	return result->result == RMT_SPF_PASS ? RMT_EXIT_OK : RMT_EXIT_NO;
}

static bool ask(struct request *request, struct rmt_spf *spf, struct answer *answer,
		GError **err)
{
	struct rmt_asker *askers[2] = { rmt_spf_start(spf, &request->query),
					&answer->tree.asker };

	answer->result = rmt_spf_result(spf);
	rmt_spf_survey_start(&answer->tree, answer->result->domain);
	return rmt_cli_dns_run_all(&request->dns, NULL, askers, 2, err);
}

/* Once more, without the limit that decided; the answers are at hand. */
static bool ask_lenient(struct request *request, struct rmt_spf *spf,
			struct answer *answer, GError **err)
{
	struct rmt_spf_limits limits = request->limits;
	struct rmt_spf_query query = request->query;

	if (answer->result->voids <= limits.voids)
		return true;
	limits.voids = VOIDS_MAX;
	query.limits = &limits;
	if (!rmt_cli_dns_run(&request->dns, NULL, rmt_spf_start(spf, &query), err))
		return false;
	answer->lenient = rmt_spf_result(spf);
	return true;
}

static int evaluate(struct request *request)
{
	g_autoptr(rmt_spf) spf = rmt_spf_new(), lenient = rmt_spf_new();
	struct answer answer = { .lenient = NULL };
	g_autoptr(GError) err = NULL;
	int status;

	request->query.now = time(NULL);
	request->query.limits = &request->limits;
	if (ask(request, spf, &answer, &err) &&
	    ask_lenient(request, lenient, &answer, &err))
		status = say(request, &answer);
	else
		status = rmt_cli_fail(RMT_EXIT_TROUBLE, &rmt_command_spf, "%s",
				      err->message);
	rmt_spf_survey_clear(&answer.tree);
	return status;
}

static int run(const struct rmt_cli *cli, int argc, char **argv)
{
	struct request request = { .dns = RMT_CLI_DNS_INIT(cli),
				   .limits = rmt_spf_limits_default };
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
		"  --void-limit N     look-ups that may find nothing; default 2. "
		"Receivers "
		"differ\n"
		"  --tree             every record that may be read, and what each asks\n"
		"  --json\n" RMT_CLI_DNS_USAGE
		"Exit status: 0 pass, 1 anything else, 3 DNS did not answer.\n",
	.run = run,
};
