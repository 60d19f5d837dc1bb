/* SPDX-License-Identifier: MIT */
/* predict.c - `remite predict FILE`: what each provider would answer. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/failure.h"
#include "common/cli/batch.h"
#include "common/cli/check.h"
#include "common/cli/predict.h"
#include "common/cli/report.h"
#include "common/cli/words.h"
#include "common/message/header.h"
#include "common/rules/message.h"

/* R1 to R8: without them nothing can be foretold. R3 is about a record, and needs
 * something only where there is none, which R1 and R2 know. */
#define AUTHENTICATION                                                                   \
	(((UINT64_C(1) << (RMT_R8 + 1)) - (UINT64_C(1) << RMT_R1)) &                     \
	 ~(UINT64_C(1) << RMT_R3))

enum { KEYS_MAX = 16 };

struct options {
	struct rmt_cli_dns dns;
	const char *file, *ip_text, *helo;
	char *mail_from; /* own */
	struct rmt_ip ip;
	unsigned as; /* 1 << enum rmt_provider */
	int64_t now;
	bool bulk, json;
};

/* Own, but for what the mail facts point to. */
struct prediction {
	char *message;
	gsize len;
	struct rmt_from from;
	struct rmt_dkim_keys *keys;
	struct rmt_dkim *dkim;
	struct rmt_facts *facts; /* NULL where From cannot be read */
	/* Where they are other domains; domain NULL: they are not. */
	struct rmt_reach return_path, reply_to;
	struct rmt_dmarc *dmarc;
	struct rmt_rule_findings findings;
};

/* --- options --------------------------------------------------------------------------
 */

static bool take_providers(struct options *options, const char *list, GError **err)
{
	g_auto(GStrv) names = g_strsplit(list, ",", -1);
	enum rmt_provider provider;
	size_t i;

	options->as = 0;
	for (i = 0; names[i] != NULL; i++) {
		if (!rmt_provider_parse(rmt_span_trim(rmt_span_of(names[i])), &provider))
			return rmt_wrong(
				err,
				"--as: '%s' is none of google, yahoo, microsoft, apple",
				names[i]);
		options->as |= 1u << provider;
	}
	return options->as != 0 || rmt_wrong(err, "--as: which provider?");
}

static void set_mail_from(struct options *options, struct rmt_span address)
{
	g_free(options->mail_from);
	options->mail_from = g_strndup(address.p, address.len);
}

static bool take_value(struct options *options, const char *option, const char *value,
		       GError **err)
{
	if (strcmp(option, "--as") == 0)
		return take_providers(options, value, err);
	if (strcmp(option, "--now") == 0)
		return rmt_cli_now(value, &options->now, err);
	if (strcmp(option, "--helo") == 0)
		options->helo = value;
	else if (strcmp(option, "--mail-from") == 0)
		set_mail_from(options, rmt_cli_address(value));
	else if (strcmp(option, "--ip") != 0)
		return rmt_wrong(err, "'%s' is no option: see 'remite predict --help'",
				 option);
	else if (!rmt_ip_parse(rmt_span_of(value), &options->ip))
		return rmt_wrong(err, "--ip: '%s' is not an IPv4 or IPv6 address", value);
	else
		options->ip_text = value;
	return true;
}

static bool complete(const struct options *options, GError **err)
{
	if (options->file == NULL)
		return rmt_wrong(err, "which message? See 'remite predict --help'");
	if (options->ip_text == NULL)
		return rmt_wrong(err,
				 "--ip is missing: the address the mail leaves from");
	if (options->helo == NULL)
		return rmt_wrong(err,
				 "--helo is missing: the name that host says in HELO");
	if (options->mail_from == NULL)
		return rmt_wrong(err, "--mail-from is missing: the return path, or '<>'");
	return true;
}

static bool read_arguments(struct options *options, int argc, char **argv, GError **err)
{
	int at;

	for (at = 1; at < argc; at++) {
		const char *word = argv[at];

		if (rmt_cli_dns_option(&options->dns, argc, argv, &at, err))
			continue;
		if (*err != NULL)
			return false;
		if (strcmp(word, "--json") == 0)
			options->json = true;
		else if (strcmp(word, "--bulk") == 0)
			options->bulk = true;
		else if ((word[0] != '-' || word[1] == '\0') && options->file == NULL)
			options->file = word;
		else if (word[0] != '-' || at + 1 >= argc)
			return rmt_wrong(
				err,
				"'%s' is no option, or has no value: see 'remite "
				"predict --help'",
				word);
		else if (!take_value(options, word, argv[++at], err))
			return false;
	}
	return complete(options, err);
}

/* --- facts
 * ------------------------------------------------------------------------------ */

static struct rmt_facts *facts_of(struct options *options, const char *domain)
{
	struct rmt_facts_query query = {
		.domain = domain,
		.mail_from = options->mail_from,
		.helo = options->helo,
		.now = options->now,
		.psl = rmt_cli_psl(&options->dns),
	};
	struct rmt_facts *facts = rmt_facts_new(&query);

	rmt_facts_add_egress(facts, &options->ip, options->helo);
	return facts;
}

static enum rmt_dmarc_auth auth_of(bool passed, bool unknown)
{
	return passed    ? RMT_DMARC_AUTH_PASS
	       : unknown ? RMT_DMARC_AUTH_TEMPERROR
			 : RMT_DMARC_AUTH_OTHER;
}

/* With what passed; the policy itself is mostly in the cache by now. */
static bool ask_dmarc(struct options *options, struct prediction *p, GError **err)
{
	g_autoptr(GArray) dkim =
		g_array_new(FALSE, FALSE, sizeof(struct rmt_dmarc_identity));
	const struct rmt_egress_facts *egress = p->facts->egress->pdata[0];
	const struct rmt_spf_result *spf = rmt_spf_result(egress->spf);
	struct rmt_dmarc_query query = { .from = rmt_span_of(p->from.domain),
					 .psl = rmt_cli_psl(&options->dns) };
	const struct rmt_dkim_signature *signature;
	size_t i;

	for (i = 0; (signature = rmt_dkim_get(p->dkim, i)) != NULL; i++) {
		struct rmt_dmarc_identity identity = {
			signature->domain,
			auth_of(rmt_dkim_holds_widely(signature),
				signature->result == RMT_DKIM_TEMPERROR)
		};

		g_array_append_val(dkim, identity);
	}
	query.spf.domain = spf->domain;
	query.spf.result =
		auth_of(spf->result == RMT_SPF_PASS, spf->result == RMT_SPF_TEMPERROR);
	query.dkim = (const void *)dkim->data;
	query.dkim_count = dkim->len;
	return rmt_cli_dns_run(&options->dns, NULL, rmt_dmarc_start(p->dmarc, &query),
			       err);
}

static void begin_reach(const struct prediction *p, struct rmt_reach *reach,
			struct rmt_span domain)
{
	char out[RMT_DOMAIN_MAX + 1];
	struct rmt_span folded = rmt_domain_fold(domain, out);

	if (rmt_dns_name_ok(folded) && folded.p[0] != '[' &&
	    !rmt_span_eq(folded, rmt_span_of(p->facts->domain)))
		rmt_reach_init(reach, folded);
}

/* The domains of the return path and of Reply-To, where they are not From's. */
static bool ask_reach(struct options *options, struct prediction *p, GError **err)
{
	g_autoptr(GPtrArray) askers = g_ptr_array_new();
	struct rmt_span local, domain;
	struct rmt_from reply_to;
	bool ok = true;

	if (rmt_span_split_last(rmt_span_of(options->mail_from), '@', &local, &domain))
		begin_reach(p, &p->return_path, domain);
	if (rmt_reply_to_read(rmt_span(p->message, p->len), &reply_to))
		begin_reach(p, &p->reply_to, rmt_span_of(reply_to.domain));
	do {
		g_ptr_array_set_size(askers, 0);
		if (p->return_path.domain != NULL)
			rmt_reach_ask(&p->return_path, askers);
		if (p->reply_to.domain != NULL)
			rmt_reach_ask(&p->reply_to, askers);
		ok = rmt_cli_dns_run_all(&options->dns, NULL, (void *)askers->pdata,
					 askers->len, err);
	} while (ok && askers->len > 0);
	return ok;
}

static bool gather(struct options *options, struct prediction *p, GError **err)
{
	struct rmt_dkim_settings settings = RMT_DKIM_SETTINGS_DEFAULT;

	if (!rmt_cli_read_message(options->file, &p->message, &p->len, err))
		return false;
	rmt_from_read(rmt_span(p->message, p->len), &p->from);
	p->keys = rmt_dkim_keys_new(KEYS_MAX);
	p->dkim = rmt_dkim_new(&settings, p->keys);
	p->dmarc = rmt_dmarc_new();
	rmt_dkim_message(p->dkim, rmt_span(p->message, p->len));
	if (!rmt_cli_dns_run(&options->dns, NULL, rmt_dkim_asker(p->dkim), err))
		return false;
	rmt_dkim_finish(p->dkim, options->now);
	if (p->from.result != RMT_FROM_OK)
		return true;
	p->facts = facts_of(options, p->from.domain);
	return rmt_check_ask(&options->dns, &p->facts, 1, err) &&
	       ask_dmarc(options, p, err) && ask_reach(options, p, err);
}

static void clear(struct prediction *p)
{
	rmt_reach_clear(&p->return_path);
	rmt_reach_clear(&p->reply_to);
	rmt_facts_free(p->facts);
	rmt_dmarc_free(p->dmarc);
	rmt_dkim_free(p->dkim);
	rmt_dkim_keys_free(p->keys);
	rmt_rule_findings_clear(&p->findings);
	g_free(p->message);
}

/* --- saying
 * ------------------------------------------------------------------------------ */

static void put_signatures(const struct prediction *p, GString *out)
{
	const struct rmt_dkim_signature *signature;
	size_t i;

	for (i = 0; (signature = rmt_dkim_get(p->dkim, i)) != NULL; i++)
		rmt_report_line(out, "DKIM", "%s d=%.*s s=%.*s%s%s",
				rmt_dkim_result_name(signature->result),
				RMT_SPAN_ARGS(signature->domain),
				RMT_SPAN_ARGS(signature->selector),
				signature->reason != RMT_DKIM_OK ? ": " : "",
				signature->reason != RMT_DKIM_OK
					? rmt_dkim_reason_text(signature->reason)
					: "");
	if (i == 0)
		rmt_report_line(out, "DKIM", "none");
}

static void put_facts(const struct options *options, const struct prediction *p,
		      GString *out)
{
	g_string_append(out, "message\n");
	rmt_report_line(out, "From", "%s",
			p->from.result == RMT_FROM_OK ? p->from.address : p->from.reason);
	rmt_report_line(out, "return path", "<%s>", options->mail_from);
	rmt_report_line(out, "leaves from", "%s (%s)", options->ip_text, options->helo);
	if (p->facts != NULL) {
		const struct rmt_egress_facts *egress = p->facts->egress->pdata[0];
		const struct rmt_spf_result *spf = rmt_spf_result(egress->spf);

		rmt_report_line(out, "SPF", "%s of %.*s",
				rmt_spf_verdict_name(spf->result),
				RMT_SPAN_ARGS(spf->domain));
	}
	put_signatures(p, out);
	if (p->facts != NULL)
		rmt_report_line(
			out, "DMARC", "%s",
			rmt_dmarc_verdict_name(rmt_dmarc_result(p->dmarc)->tree.verdict));
}

static void put_verdict(enum rmt_provider provider, const struct rmt_judgement *judgement,
			GString *out)
{
	const char *reply =
		judgement->by != NULL ? judgement->by->rule->replies[provider] : NULL;

	g_string_append_printf(out, "  %-10s %s", rmt_provider_name(provider),
			       rmt_provider_verdict_name(judgement->verdict));
	if (judgement->verdict == RMT_REFUSES) {
		g_string_append_printf(out, "   %s; for",
				       reply != NULL ? reply : "code not known");
		rmt_report_rules(judgement->broken, out);
	} else if (judgement->verdict == RMT_UNSURE) {
		g_string_append(out, "  open:");
		rmt_report_rules(
			judgement->unknown | (judgement->needed & AUTHENTICATION), out);
	}
	if (judgement->flawed != 0) {
		g_string_append(out, "; flawed:");
		rmt_report_rules(judgement->flawed, out);
	}
	g_string_append_c(out, '\n');
}

static json_t *facts_json(const struct prediction *p)
{
	const struct rmt_dkim_signature *signature;
	json_t *out = json_object(), *dkim = json_array();
	size_t i;

	json_object_set_new(out, "from",
			    p->from.result == RMT_FROM_OK
				    ? rmt_batch_text(rmt_span_of(p->from.address))
				    : json_null());
	for (i = 0; (signature = rmt_dkim_get(p->dkim, i)) != NULL; i++) {
		json_t *row = json_object();

		json_object_set_new(row, "domain", rmt_batch_text(signature->domain));
		json_object_set_new(row, "selector", rmt_batch_text(signature->selector));
		json_object_set_new(row, "result",
				    json_string(rmt_dkim_result_name(signature->result)));
		json_array_append_new(dkim, row);
	}
	json_object_set_new(out, "dkim", dkim);
	if (p->facts != NULL) {
		const struct rmt_egress_facts *egress = p->facts->egress->pdata[0];

		json_object_set_new(out, "spf",
				    json_string(rmt_spf_verdict_name(
					    rmt_spf_result(egress->spf)->result)));
		json_object_set_new(out, "dmarc",
				    json_string(rmt_dmarc_verdict_name(
					    rmt_dmarc_result(p->dmarc)->tree.verdict)));
	}
	return out;
}

/* As the table has it, but for messages of which too little is known to accept. */
static void judge(const struct options *options, const struct prediction *p,
		  enum rmt_provider provider, struct rmt_judgement *judgement_r)
{
	rmt_rules_judge(&p->findings, provider, options->bulk, judgement_r);
	if (judgement_r->verdict == RMT_ACCEPTS &&
	    (judgement_r->needed & AUTHENTICATION) != 0)
		judgement_r->verdict = RMT_UNSURE;
}

static int status_of(int so_far, enum rmt_provider_verdict verdict)
{
	if (so_far == RMT_EXIT_NO || verdict == RMT_REFUSES)
		return RMT_EXIT_NO;
	return verdict == RMT_UNSURE ? RMT_EXIT_TROUBLE : so_far;
}

static int say(const struct options *options, const struct prediction *p, GString *out)
{
	json_t *providers = json_object();
	int status = RMT_EXIT_OK;
	unsigned i;

	if (!options->json) {
		put_facts(options, p, out);
		rmt_report_findings(&p->findings, out);
		g_string_append_printf(out, "\nverdicts, for %s\n",
				       options->bulk ? "a bulk sender"
						     : "a sender of little mail; "
						       "--bulk: of much");
	}
	for (i = 0; i < RMT_PROVIDER_COUNT; i++) {
		struct rmt_judgement judgement;

		if ((options->as >> i & 1) == 0)
			continue;
		judge(options, p, i, &judgement);
		status = status_of(status, judgement.verdict);
		json_object_set_new(providers, rmt_provider_name(i),
				    rmt_report_judgement_json(&judgement, i));
		if (!options->json)
			put_verdict(i, &judgement, out);
	}
	if (options->json)
		rmt_report_json(json_pack("{s:o,s:o,s:b,s:O}", "facts", facts_json(p),
					  "findings",
					  rmt_report_findings_json(&p->findings), "bulk",
					  options->bulk, "providers", providers),
				out);
	json_decref(providers);
	return status;
}

/* --- judging -------------------------------------------------------------------------
 */

enum { TEXT_MAX = 65536 };

static size_t count_fields(struct rmt_span section)
{
	struct rmt_header_reader reader = rmt_header_read(section);
	struct rmt_header_field field;
	size_t count = 0;

	while (rmt_header_next(&reader, &field))
		count++;
	return count;
}

static void judge_message(struct options *options, struct prediction *p)
{
	struct rmt_header_facts header = { .complete = true, .from = &p->from };
	struct rmt_mail_facts mail = {
		.from = &p->from,
		.dkim = p->dkim,
		.domain = p->facts,
		.header = &header,
		.bulk = options->bulk,
		.return_path = p->return_path.domain != NULL ? &p->return_path : NULL,
		.reply_to = p->reply_to.domain != NULL ? &p->reply_to : NULL,
	};
	struct rmt_covered covered = { 0 };

	rmt_header_split(rmt_span(p->message, p->len), &header.section, &header.text);
	header.octets = header.section.len;
	header.count = count_fields(header.section);
	header.text.len = MIN(header.text.len, TEXT_MAX);
	rmt_covered_read(&(struct rmt_covered_query){ p->dkim,
						      rmt_span_of(p->from.domain),
						      rmt_cli_psl(&options->dns), true },
			 &covered);
	header.unsubscribe = &covered;
	if (p->facts != NULL)
		mail.dmarc = rmt_dmarc_result(p->dmarc);
	rmt_rules_message(&mail, &p->findings);
	rmt_covered_clear(&covered);
}

static int predict(struct options *options, GString *out, GError **err)
{
	struct prediction p = { .message = NULL };
	int status = RMT_EXIT_TROUBLE;

	rmt_rule_findings_init(&p.findings);
	if (gather(options, &p, err)) {
		judge_message(options, &p);
		rmt_rule_findings_sort(&p.findings);
		status = say(options, &p, out);
	}
	clear(&p);
	return status;
}

int rmt_predict_run(const struct rmt_cli *cli, int argc, char **argv, GString *out)
{
	struct options options = { .dns = RMT_CLI_DNS_INIT(cli),
				   .now = time(NULL),
				   .as = (1u << RMT_PROVIDER_COUNT) - 1 };
	g_autoptr(GError) err = NULL;
	int status = RMT_EXIT_USAGE;

	if (read_arguments(&options, argc, argv, &err))
		status = predict(&options, out, &err);
	rmt_cli_dns_finish(&options.dns);
	g_free(options.mail_from);
	if (err != NULL)
		rmt_cli_fail(status, &rmt_command_predict, "%s", err->message);
	return status;
}

static int run(const struct rmt_cli *cli, int argc, char **argv)
{
	g_autoptr(GString) out = g_string_new(NULL);
	int status = rmt_predict_run(cli, argc, argv, out);

	fwrite(out->str, 1, out->len, stdout);
	return status;
}

const struct rmt_command rmt_command_predict = {
	.name = "predict",
	.summary = "tell what each mailbox provider would answer to a message",
	.usage =
		"usage: remite predict --ip ADDRESS --helo NAME --mail-from ADDRESS\n"
		"                      [OPTION ...] FILE\n"
		"\n"
		"Says whether Gmail, Yahoo, Outlook and iCloud would accept the signed "
		"message in\n"
		"FILE (- is standard input), with the code they refuse with and the "
		"rules.\n"
		"  --ip ADDRESS         the address it leaves from\n"
		"  --helo NAME          the name that host says in HELO\n"
		"  --mail-from ADDRESS  its return path; '<>' for none\n"
		"  --as LIST            of google, yahoo, microsoft, apple; default: "
		"all\n"
		"  --bulk               from a sender of 5000 messages a day or more\n"
		"  --now EPOCH          the time, in Unix seconds\n"
		"  --json\n" RMT_CLI_DNS_USAGE
		"Exit status: 0 all accept, 1 one refuses, 2 usage, 3 DNS did not answer "
		"all, or\n"
		"the message cannot be read.\n",
	.run = run,
};
