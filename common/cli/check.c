/* SPDX-License-Identifier: MIT */
/* check.c - `remite check DOMAIN...`: what is wrong with a sending domain. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/failure.h"
#include "common/cli/check.h"
#include "common/cli/report.h"
#include "common/cli/words.h"
#include "common/rules/conduct.h"
#include "common/store/selectors.h"

#define RMT_BIMI_ROOTS "/etc/remite/bimi-roots.pem"

struct egress {
	struct rmt_ip ip;
	const char *helo; /* foreign; NULL: not known */
};

struct options {
	struct rmt_cli_dns dns;
	GPtrArray *domains, *selectors; /* own; foreign strings */
	GArray *egress;                 /* own; struct egress */
	const char *helo, *key_file;
	struct rmt_dkim_public *key; /* own; or NULL */
	/* Own; or NULL. */
	GString *bimi_logo, *bimi_mark, *bimi_roots, *mta_sts;
	const struct rmt_config *config; /* dns's; what egress is taken from, or NULL */
	int64_t now;
	bool json, verifies;
};

/* --- options --------------------------------------------------------------------------
 */

static bool take_egress(struct options *options, const char *text, GError **err)
{
	struct egress egress = { .helo = NULL };

	if (!rmt_ip_parse(rmt_span_of(text), &egress.ip))
		return rmt_wrong(err, "--egress: '%s' is not an IPv4 or IPv6 address",
				 text);
	g_array_append_val(options->egress, egress);
	return true;
}

static bool read_file(const char *path, GString **text_r, GError **err)
{
	char *text;
	gsize len;

	if (!rmt_cli_read(path, &text, &len, err))
		return false;
	if (*text_r != NULL)
		g_string_free(*text_r, TRUE);
	*text_r = g_string_new_len(text, (gssize)len);
	g_free(text);
	return true;
}

static struct rmt_span span_of(const GString *text)
{
	return text != NULL ? rmt_span(text->str, text->len) : rmt_span(NULL, 0);
}

static bool take_selector(struct options *options, const char *name, GError **err)
{
	g_ptr_array_add(options->selectors, (gpointer)name);
	return rmt_cli_selector(name, err);
}

static bool take_value(struct options *options, const char *option, const char *value,
		       GError **err)
{
	if (strcmp(option, "--egress") == 0)
		return take_egress(options, value, err);
	if (strcmp(option, "--now") == 0)
		return rmt_cli_now(value, &options->now, err);
	if (strcmp(option, "--selector") == 0)
		return take_selector(options, value, err);
	if (strcmp(option, "--helo") == 0)
		options->helo = value;
	else if (strcmp(option, "--key") == 0)
		options->key_file = value;
	else if (strcmp(option, "--bimi-logo") == 0)
		return read_file(value, &options->bimi_logo, err);
	else if (strcmp(option, "--bimi-mark") == 0)
		return read_file(value, &options->bimi_mark, err);
	else if (strcmp(option, "--bimi-roots") == 0)
		return read_file(value, &options->bimi_roots, err);
	else if (strcmp(option, "--mta-sts-policy") == 0)
		return read_file(value, &options->mta_sts, err);
	else
		return rmt_wrong(err, "'%s' is no option: see 'remite check --help'",
				 option);
	return true;
}

static bool read_key(struct options *options, GError **err)
{
	g_autofree char *pem = NULL;
	gsize len;

	if (options->key_file == NULL)
		return true;
	if (!g_file_get_contents(options->key_file, &pem, &len, err))
		return false;
	options->key = rmt_dkim_public_new(rmt_span(pem, len), err);
	explicit_bzero(pem, len);
	if (options->key == NULL)
		g_prefix_error(err, "%s: ", options->key_file);
	return options->key != NULL;
}

static bool read_arguments(struct options *options, int argc, char **argv, GError **err)
{
	guint i;
	int at;

	for (at = 1; at < argc; at++) {
		if (rmt_cli_dns_option(&options->dns, argc, argv, &at, err))
			continue;
		if (*err != NULL)
			return false;
		if (strcmp(argv[at], "--json") == 0)
			options->json = true;
		else if (argv[at][0] != '-') {
			if (!rmt_cli_domain(argv[at], err))
				return false;
			g_ptr_array_add(options->domains, argv[at]);
		} else if (at + 1 >= argc)
			return rmt_wrong(err,
					 "'%s' is no option, or has no value: see "
					 "'remite check --help'",
					 argv[at]);
		else if (!take_value(options, argv[at], argv[at + 1], err))
			return false;
		else
			at++;
	}
	for (i = 0; i < options->egress->len; i++)
		g_array_index(options->egress, struct egress, i).helo = options->helo;
	if (options->domains->len == 0)
		return rmt_wrong(err, "which domain? See 'remite check --help'");
	return read_key(options, err);
}

/* Nobody named an address: those of the configuration's egress groups. */
static bool read_configured(struct options *options, GError **err)
{
	guint i, j;

	if (options->egress->len > 0)
		return true;
	options->config = rmt_cli_dns_config(&options->dns, err);
	if (options->config == NULL)
		return false;
	for (i = 0; i < options->config->egresses->len; i++) {
		const struct rmt_egress *group = options->config->egresses->pdata[i];

		for (j = 0; group->addresses != NULL && group->addresses[j] != NULL;
		     j++) {
			struct egress egress = { .helo = group->helo };

			if (rmt_ip_parse(rmt_span_of(group->addresses[j]), &egress.ip))
				g_array_append_val(options->egress, egress);
		}
	}
	return true;
}

/* --- asking
 * ----------------------------------------------------------------------------- */

bool rmt_check_ask(struct rmt_cli_dns *dns, struct rmt_facts *const *facts, size_t count,
		   GError **err)
{
	int64_t timeout_ms = dns->timeout_ms, begin_us = g_get_monotonic_time();
	g_autoptr(GPtrArray) askers = g_ptr_array_new();
	bool ok = true;
	size_t i;
	guint j;

	do {
		g_ptr_array_set_size(askers, 0);
		for (i = 0; i < count; i++) {
			const GPtrArray *round = rmt_facts_ask(facts[i]);

			for (j = 0; round != NULL && j < round->len; j++)
				g_ptr_array_add(askers, round->pdata[j]);
		}
		ok = rmt_cli_dns_run_all(dns, NULL, (void *)askers->pdata, askers->len,
					 err);
		/* What is left, but a moment for what the first round brought. */
		dns->timeout_ms =
			MAX(timeout_ms - (g_get_monotonic_time() - begin_us) / 1000, 1);
	} while (ok && askers->len > 0);
	dns->timeout_ms = timeout_ms;
	return ok;
}

/* Nobody named a selector: those that remite-milter saw, if there are records here. */
static void add_learned(const struct options *options, const char *domain,
			struct rmt_facts *facts)
{
	g_autofree char *records = NULL, *uri = NULL;
	g_autoptr(rmt_store) store = NULL;
	g_auto(GStrv) learned = NULL;
	char folded[RMT_DOMAIN_MAX + 1];
	size_t i;

	if (options->config == NULL || options->selectors->len > 0)
		return;
	records = g_build_filename(options->config->state, "records", NULL);
	uri = g_strconcat("lmdb:", records, NULL);
	if (access(records, R_OK) == 0 && rmt_store_open(&store, uri, true, NULL))
		learned = rmt_selectors_of(store,
					   rmt_domain_fold(rmt_span_of(domain), folded),
					   options->now, NULL);
	for (i = 0; learned != NULL && learned[i] != NULL; i++)
		rmt_facts_add_selector(facts, learned[i]);
}

static struct rmt_facts *facts_of(struct options *options, const char *domain)
{
	struct rmt_facts_query query = {
		.domain = domain,
		.now = options->now,
		.psl = rmt_cli_psl(&options->dns),
		.key = options->key,
		.bimi_logo = span_of(options->bimi_logo),
		.bimi_mark = span_of(options->bimi_mark),
		.bimi_roots = span_of(options->bimi_roots),
		.mta_sts = span_of(options->mta_sts),
		.can_verify = options->verifies,
	};
	struct rmt_facts *facts = rmt_facts_new(&query);
	guint i;

	for (i = 0; i < options->egress->len; i++) {
		const struct egress *egress =
			&g_array_index(options->egress, struct egress, i);

		rmt_facts_add_egress(facts, &egress->ip, egress->helo);
	}
	for (i = 0; i < options->selectors->len; i++)
		rmt_facts_add_selector(facts, options->selectors->pdata[i]);
	add_learned(options, domain, facts);
	return facts;
}

/* --- saying
 * ------------------------------------------------------------------------------ */

static int worst(int a, int b)
{
	return a == RMT_EXIT_NO || b == RMT_EXIT_NO ? RMT_EXIT_NO : MAX(a, b);
}

static void judge_configuration(const struct rmt_config *config,
				struct rmt_rule_findings *findings)
{
	rmt_rule_streams_apart(config, findings);
	rmt_rule_unsubscribe_honoured(config, findings);
}

static int say(struct options *options, struct rmt_facts *facts, json_t *list,
	       GString *out)
{
	struct rmt_check check = { .facts = facts };
	int status;

	rmt_rule_findings_init(&check.findings);
	rmt_rules_domain(facts, &check.findings);
	if (options->config != NULL)
		judge_configuration(options->config, &check.findings);
	rmt_rule_findings_sort(&check.findings);
	if (options->json) {
		json_array_append_new(list, rmt_check_json(&check));
	} else {
		g_string_append(out, out->len > 0 ? "\n" : "");
		rmt_check_text(&check, out);
	}
	status = rmt_report_status(&check.findings);
	rmt_rule_findings_clear(&check.findings);
	return status;
}

/* In place of DNS a file was given: then nothing else leaves this host either. */
static bool ask_all(struct options *options, const GPtrArray *all, GError **err)
{
	return rmt_check_ask(&options->dns, (void *)all->pdata, all->len, err) &&
	       (options->dns.zone != NULL ||
		rmt_check_fetch_sts(&options->dns, (void *)all->pdata, all->len, err));
}

/* The usual place, where nobody named another. */
static void read_default_roots(struct options *options)
{
	if (options->bimi_mark != NULL && options->bimi_roots == NULL &&
	    g_file_test(RMT_BIMI_ROOTS, G_FILE_TEST_EXISTS))
		read_file(RMT_BIMI_ROOTS, &options->bimi_roots, NULL);
}

static int check_all(struct options *options, GString *out, GError **err)
{
	g_autoptr(GPtrArray) all =
		g_ptr_array_new_with_free_func((GDestroyNotify)rmt_facts_free);
	json_t *list = json_array();
	int status = RMT_EXIT_OK;
	guint i;

	read_default_roots(options);
	for (i = 0; i < options->domains->len; i++)
		g_ptr_array_add(all, facts_of(options, options->domains->pdata[i]));
	if (!ask_all(options, all, err))
		status = RMT_EXIT_TROUBLE;
	for (i = 0; i < all->len && *err == NULL; i++)
		status = worst(status, say(options, all->pdata[i], list, out));
	if (options->json && *err == NULL)
		rmt_report_json(json_pack("{s:O}", "domains", list), out);
	json_decref(list);
	return status;
}

static void free_file(GString *text)
{
	if (text != NULL)
		g_string_free(text, TRUE);
}

static void finish(struct options *options)
{
	g_ptr_array_unref(options->domains);
	g_ptr_array_unref(options->selectors);
	g_array_unref(options->egress);
	rmt_dkim_public_free(options->key);
	free_file(options->bimi_logo);
	free_file(options->bimi_mark);
	free_file(options->bimi_roots);
	free_file(options->mta_sts);
	rmt_cli_dns_finish(&options->dns);
}

int rmt_check_run(const struct rmt_cli *cli, int argc, char **argv, GString *out)
{
	struct options options = { .dns = RMT_CLI_DNS_INIT(cli), .now = time(NULL) };
	g_autoptr(GError) err = NULL;
	int status = RMT_EXIT_TROUBLE;

	options.domains = g_ptr_array_new();
	options.selectors = g_ptr_array_new();
	options.egress = g_array_new(FALSE, FALSE, sizeof(struct egress));
	if (!read_arguments(&options, argc, argv, &err))
		status = RMT_EXIT_USAGE;
	else if (read_configured(&options, &err) &&
		 rmt_cli_dns_validates(&options.dns, &options.verifies, &err))
		status = check_all(&options, out, &err);
	finish(&options);
	if (err != NULL)
		rmt_cli_fail(status, &rmt_command_check, "%s", err->message);
	return status;
}

static int run(const struct rmt_cli *cli, int argc, char **argv)
{
	g_autoptr(GString) out = g_string_new(NULL);
	int status = rmt_check_run(cli, argc, argv, out);

	fwrite(out->str, 1, out->len, stdout);
	return status;
}

const struct rmt_command rmt_command_check = {
	.name = "check",
	.summary = "tell what is wrong with a sending domain, and what to publish",
	.usage =
		"usage: remite check [OPTION ...] DOMAIN ...\n"
		"\n"
		"Asks DNS for all that mailbox providers look at, and says which of "
		"their "
		"rules\n"
		"the domain breaks, what to publish, and what each provider makes of "
		"it.\n"
		"  --egress ADDRESS   an address mail leaves from; again for more. "
		"Default: those\n"
		"                     of the configuration's egress groups\n"
		"  --helo NAME        the name those hosts say in HELO\n"
		"  --selector NAME    s= of DKIM signatures; again for more. Default: "
		"usual names\n"
		"  --key FILE         the signing key (PEM): is it the one that is "
		"published?\n"
		"  --bimi-logo FILE   the SVG that the BIMI record names: is it SVG Tiny "
		"PS?\n"
		"  --bimi-mark FILE   the certificate it names (PEM)\n"
		"  --bimi-roots FILE  authorities it must be of (PEM); default:\n"
		"                     " RMT_BIMI_ROOTS ", where it is\n"
		"  --mta-sts-policy FILE  the policy, not from https://mta-sts.DOMAIN\n"
		"  --now EPOCH        the time, in Unix seconds\n"
		"  --json             everything, for programs\n" RMT_CLI_DNS_USAGE
		"Exit status: 0 nothing to mend (notes do not count), 1 a warning or an "
		"error,\n"
		"2 usage, 3 DNS did not answer all and nothing else was found.\n",
	.run = run,
};
