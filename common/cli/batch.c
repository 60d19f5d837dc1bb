/* SPDX-License-Identifier: MIT */
/* batch.c - `remite batch`: a case a line, a result a line (NDJSON). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/failure.h"
#include "common/base/log.h"
#include "common/cli/batch.h"
#include "common/cli/cli.h"

static const struct {
	const char *name;
	rmt_batch_verb *run;
} verbs[] = {
	{ "spf", rmt_batch_spf },         { "dkim", rmt_batch_dkim },
	{ "dmarc", rmt_batch_dmarc },     { "bounce", rmt_batch_bounce },
	{ "receipt", rmt_batch_receipt }, { "mdn", rmt_batch_mdn },
};

/* --- for verbs -------------------------------------------------------------------- */

bool rmt_batch_member(const json_t *object, const char *where, const char *key,
		      const char *fallback, struct rmt_span *value_r, GError **err)
{
	const json_t *value = json_object_get(object, key);

	if (value == NULL && fallback == NULL)
		return rmt_wrong(err, "%s has no '%s'", where, key);
	if (value != NULL && !json_is_string(value))
		return rmt_wrong(err, "'%s' of %s is not a string", key, where);
	*value_r = value == NULL ? rmt_span_of(fallback)
				 : rmt_span(json_string_value(value),
					    json_string_length(value));
	return true;
}

bool rmt_batch_string(const struct rmt_batch_case *c, const char *key,
		      const char *fallback, struct rmt_span *value_r, GError **err)
{
	return rmt_batch_member(c->in, "the case", key, fallback, value_r, err);
}

bool rmt_batch_integer(const struct rmt_batch_case *c, const char *key, int64_t fallback,
		       int64_t *value_r, GError **err)
{
	const json_t *value = json_object_get(c->in, key);

	if (value != NULL && !json_is_integer(value))
		return rmt_wrong(err, "'%s' of the case is not an integer", key);
	*value_r = value == NULL ? fallback : json_integer_value(value);
	return true;
}

bool rmt_batch_ask(struct rmt_batch_case *c, struct rmt_asker *asker, GError **err)
{
	return rmt_cli_dns_run(c->dns, c->zone, asker, err);
}

json_t *rmt_batch_text(struct rmt_span value)
{
	json_t *text = json_stringn(value.p != NULL ? value.p : "", value.len);
	g_autoptr(GString) printable = NULL;

	if (text != NULL)
		return text;
	printable = g_string_new(NULL);
	rmt_log_printable(printable, value, SIZE_MAX / 8);
	return json_string_nocheck(printable->str);
}

void rmt_batch_put(struct rmt_batch_case *c, const char *key, struct rmt_span value)
{
	json_object_set_new(c->out, key, rmt_batch_text(value));
}

/* --- one line ---------------------------------------------------------------------- */

static bool read_zone(struct rmt_batch_case *c, GError **err)
{
	const json_t *lines = json_object_get(c->in, "zone"), *line;
	size_t i;

	if (lines == NULL || json_is_null(lines))
		return true;
	if (!json_is_array(lines))
		return rmt_wrong(err, "'zone' is not an array of strings");
	c->zone = rmt_zone_new();
	json_array_foreach((json_t *)lines, i, line)
	{
		if (!json_is_string(line))
			return rmt_wrong(err, "zone[%zu] is not a string", i);
		if (!rmt_zone_add(
			    c->zone,
			    rmt_span(json_string_value(line), json_string_length(line)),
			    err)) {
			g_prefix_error(err, "zone[%zu]: ", i);
			return false;
		}
	}
	return true;
}

static bool run_verb(struct rmt_batch_case *c, GError **err)
{
	struct rmt_span verb;
	size_t i;

	if (!rmt_batch_string(c, "verb", NULL, &verb, err))
		return false;
	for (i = 0; i < G_N_ELEMENTS(verbs); i++)
		if (rmt_span_eq(verb, rmt_span_of(verbs[i].name)))
			return read_zone(c, err) && verbs[i].run(c, err);
	return rmt_wrong(err, "unknown verb '%.*s'",
			 RMT_SPAN_ARGS(rmt_span(verb.p, MIN(verb.len, 40))));
}

static void print_line(const json_t *out)
{
	char *line = json_dumps(out, JSON_COMPACT);

	puts(line != NULL ? line : "{\"error\":\"the result is no JSON\"}");
	free(line);
	fflush(stdout); /* who drives us may wait for it */
}

static json_t *new_result(const json_t *in)
{
	json_t *out = json_object(), *id = json_object_get(in, "id");

	json_object_set(out, "id", id != NULL ? id : json_null());
	return out;
}

static void run_case(struct rmt_cli_dns *dns, struct rmt_span text)
{
	json_error_t at;
	json_t *in = json_loadb(text.p, text.len, JSON_ALLOW_NUL, &at);
	struct rmt_batch_case c = { .in = in, .out = new_result(in), .dns = dns };
	g_autoptr(GError) err = NULL;
	bool ok;

	if (in == NULL)
		ok = rmt_wrong(&err, "not a JSON object: %s at octet %d", at.text,
			       at.position);
	else if (!json_is_object(in))
		ok = rmt_wrong(&err, "not a JSON object");
	else
		ok = run_verb(&c, &err);
	if (!ok) {
		json_decref(c.out);
		c.out = new_result(in);
		rmt_batch_put(&c, "error", rmt_span_of(err->message));
	}
	print_line(c.out);
	json_decref(c.out);
	json_decref(in);
	rmt_zone_free(c.zone);
}

static void run_lines(struct rmt_cli_dns *dns)
{
	size_t size = 0;
	char *line = NULL;
	ssize_t length;

	while ((length = getline(&line, &size, stdin)) >= 0) {
		struct rmt_span text = rmt_span_trim(rmt_span(line, (size_t)length));

		if (text.len > 0)
			run_case(dns, text);
	}
	free(line);
}

static int run(const struct rmt_cli *cli, int argc, char **argv)
{
	struct rmt_cli_dns dns = RMT_CLI_DNS_INIT(cli);
	g_autoptr(GError) err = NULL;
	int i;

	for (i = 1; i < argc; i++) {
		if (rmt_cli_dns_option(&dns, argc, argv, &i, &err))
			continue;
		rmt_cli_dns_finish(&dns);
		if (err != NULL)
			return rmt_cli_fail(RMT_EXIT_USAGE, &rmt_command_batch, "%s",
					    err->message);
		return rmt_cli_usage(&rmt_command_batch, RMT_EXIT_USAGE);
	}
	run_lines(&dns);
	rmt_cli_dns_finish(&dns);
	return RMT_EXIT_OK;
}

const struct rmt_command rmt_command_batch = {
	.name = "batch",
	.summary = "evaluate many SPF, DKIM and DMARC cases, one JSON object a line",
	.usage =
		"usage: remite batch [--dns-file FILE] < CASES > RESULTS\n"
		"\n"
		"Reads one JSON object a line and writes one a line, in the same order:\n"
		"  {\"id\":1,\"verb\":\"spf\",\"ip\":\"192.0.2.1\",\"helo\":\"h\","
		"\"mail_from\":\"u@d\"}\n"
		"  {\"id\":1,\"result\":\"pass\",\"explanation\":\"\"}\n"
		"Verbs: spf, dkim, dmarc, bounce, receipt, mdn; see remite(1). \"zone\"\n"
		"holds 'name TYPE data' lines that stand in for DNS in that case.\n"
		"A case with a mistake is answered with \"error\", and the next one is "
		"read.\n"
		"\n" RMT_CLI_DNS_USAGE,
	.run = run,
};
