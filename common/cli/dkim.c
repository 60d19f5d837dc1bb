/* SPDX-License-Identifier: MIT */
/* dkim.c - `remite dkim FILE`, and the verb of `remite batch`. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/auth/dkim.h"
#include "common/auth/dkim_opendkim.h"
#include "common/base/failure.h"
#include "common/base/log.h"
#include "common/cli/batch.h"
#include "common/cli/cli.h"
#include "common/cli/words.h"
#include "common/message/from.h"
#include "common/message/header.h"

enum { KEYS_MAX = 64 };

/* What one evaluation needs and must be given back. */
struct job {
	struct rmt_dkim_keys *keys;
	struct rmt_dkim_second *second;
	struct rmt_dkim *dkim;
	char *message;
	gsize len;
};

static void job_clear(struct job *job)
{
	rmt_dkim_free(job->dkim);
	rmt_dkim_opendkim_free(job->second);
	rmt_dkim_keys_free(job->keys);
	g_free(job->message);
}

static bool job_read(struct job *job, const char *file, bool with_second, GError **err)
{
	struct rmt_dkim_settings settings = RMT_DKIM_SETTINGS_DEFAULT;

	*job = (struct job){ NULL };
	if (!rmt_cli_read_message(file, &job->message, &job->len, err))
		return false;
	if (with_second) {
		job->second = rmt_dkim_opendkim_new();
		if (job->second == NULL) {
			g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED,
				    "libopendkim does not start");
			return false;
		}
	}
	settings.second = job->second;
	job->keys = rmt_dkim_keys_new(KEYS_MAX);
	job->dkim = rmt_dkim_new(&settings, job->keys);
	rmt_dkim_message(job->dkim, rmt_span(job->message, job->len));
	return true;
}

/* --- batch ------------------------------------------------------------------------- */

static json_t *short_signature(const struct rmt_dkim_signature *signature)
{
	json_t *out = json_object();

	json_object_set_new(out, "domain", rmt_batch_text(signature->domain));
	json_object_set_new(out, "selector", rmt_batch_text(signature->selector));
	json_object_set_new(out, "result",
			    json_string(rmt_dkim_result_name(signature->result)));
	json_object_set_new(out, "reason",
			    json_string(rmt_dkim_reason_word(signature->reason)));
	return out;
}

bool rmt_batch_dkim(struct rmt_batch_case *c, GError **err)
{
	const struct rmt_dkim_signature *signature;
	json_t *list = NULL;
	struct rmt_span file;
	struct job job = { NULL };
	g_autofree char *name = NULL;
	int64_t now;
	size_t i;
	bool ok;

	if (!rmt_batch_string(c, "file", NULL, &file, err) ||
	    !rmt_batch_integer(c, "now", time(NULL), &now, err))
		return false;
	if (rmt_span_eq(file, RMT_SPAN("-")))
		return rmt_wrong(err, "'file' is '-', but standard input has the cases");
	name = g_strndup(file.p, file.len);
	ok = job_read(&job, name, false, err) &&
	     rmt_batch_ask(c, rmt_dkim_asker(job.dkim), err);
	if (ok) {
		rmt_dkim_finish(job.dkim, now);
		list = json_array();
		for (i = 0; (signature = rmt_dkim_get(job.dkim, i)) != NULL; i++)
			json_array_append_new(list, short_signature(signature));
		json_object_set_new(c->out, "signatures", list);
	}
	job_clear(&job);
	return ok;
}

/* --- the command -------------------------------------------------------------------- */

struct options {
	struct rmt_cli_dns dns;
	const char *file;
	int64_t now;
	bool json, second;
};

static json_t *covered_names(const struct rmt_dkim_signature *signature, bool present)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < signature->field_count; i++)
		if ((signature->fields[i].raw.p != NULL) == present)
			json_array_append_new(list,
					      rmt_batch_text(signature->fields[i].name));
	return list;
}

static json_t *long_signature(const struct rmt_dkim_signature *signature)
{
	json_t *out = short_signature(signature);

	json_object_set_new(out, "explanation",
			    json_string(rmt_dkim_reason_text(signature->reason)));
	json_object_set_new(out, "algorithm", rmt_batch_text(signature->algorithm));
	json_object_set_new(out, "identity", rmt_batch_text(signature->identity));
	json_object_set_new(out, "bits", json_integer(signature->bits));
	json_object_set_new(out, "weak", json_boolean(signature->weak));
	json_object_set_new(out, "testing", json_boolean(signature->testing));
	if (signature->signed_at >= 0)
		json_object_set_new(out, "signed", json_integer(signature->signed_at));
	if (signature->expires >= 0)
		json_object_set_new(out, "expires", json_integer(signature->expires));
	json_object_set_new(out, "covers", covered_names(signature, true));
	json_object_set_new(out, "oversigned", covered_names(signature, false));
	return out;
}

static void read_from(const struct job *job, struct rmt_from *from_r)
{
	rmt_from_read(rmt_span(job->message, job->len), from_r);
}

static json_t *from_json(const struct rmt_from *from)
{
	json_t *out = json_object();

	json_object_set_new(out, "result",
			    json_string(rmt_from_result_name(from->result)));
	if (from->result == RMT_FROM_OK) {
		json_object_set_new(out, "address",
				    rmt_batch_text(rmt_span_of(from->address)));
		json_object_set_new(out, "domain",
				    rmt_batch_text(rmt_span_of(from->domain)));
	} else {
		json_object_set_new(out, "reason", json_string(from->reason));
		json_object_set_new(out, "octet", json_integer((json_int_t)from->offset));
	}
	return out;
}

static void print_json(const struct job *job)
{
	const struct rmt_dkim_signature *signature;
	json_t *out = json_object(), *list = json_array();
	struct rmt_from from;
	char *text;
	size_t i;

	read_from(job, &from);
	json_object_set_new(out, "from", from_json(&from));
	for (i = 0; (signature = rmt_dkim_get(job->dkim, i)) != NULL; i++)
		json_array_append_new(list, long_signature(signature));
	json_object_set_new(out, "signatures", list);
	json_object_set_new(
		out, "signature_count",
		json_integer((json_int_t)rmt_dkim_signature_count(job->dkim)));
	text = json_dumps(out, JSON_INDENT(2));
	puts(text);
	free(text);
	json_decref(out);
}

static void print_names(const char *title, const struct rmt_dkim_signature *signature,
			bool present)
{
	g_autoptr(GString) line = g_string_new(NULL);
	size_t i;

	for (i = 0; i < signature->field_count; i++) {
		if ((signature->fields[i].raw.p != NULL) != present)
			continue;
		g_string_append_c(line, ' ');
		rmt_log_printable(line, signature->fields[i].name, 80);
	}
	if (line->len > 0)
		printf("  %s:%s\n", title, line->str);
}

static void print_signature(const struct rmt_dkim_signature *signature)
{
	g_autoptr(GString) line = g_string_new(NULL);

	g_string_printf(line, "%-9s d=", rmt_dkim_result_name(signature->result));
	rmt_log_printable(line, signature->domain, 255);
	g_string_append(line, " s=");
	rmt_log_printable(line, signature->selector, 255);
	g_string_append(line, " a=");
	rmt_log_printable(line, signature->algorithm, 40);
	if (signature->bits > 0)
		g_string_append_printf(line, " bits=%u", signature->bits);
	if (signature->testing)
		g_string_append(line, " t=y");
	puts(line->str);
	if (signature->reason != RMT_DKIM_OK)
		printf("  %s: %s\n", rmt_dkim_reason_word(signature->reason),
		       rmt_dkim_reason_text(signature->reason));
	if (signature->weak && signature->reason == RMT_DKIM_OK)
		printf("  weak: use a key of at least %d bits\n", RMT_DKIM_BITS_GOOD);
	print_names("covers", signature, true);
	print_names("oversigned", signature, false);
}

static void print_text(const struct job *job)
{
	const struct rmt_dkim_signature *signature;
	struct rmt_from from;
	size_t i;

	read_from(job, &from);
	if (from.result == RMT_FROM_OK)
		printf("From: %s\n", from.address);
	else
		printf("From: refused at octet %zu, %s: %s\n", from.offset,
		       rmt_from_result_name(from.result), from.reason);
	for (i = 0; (signature = rmt_dkim_get(job->dkim, i)) != NULL; i++)
		print_signature(signature);
	if (i == 0)
		puts("none      no DKIM-Signature");
	if (rmt_dkim_signature_count(job->dkim) > i)
		printf("          %zu more signatures, not evaluated\n",
		       rmt_dkim_signature_count(job->dkim) - i);
}

static bool any_passes(const struct rmt_dkim *dkim)
{
	const struct rmt_dkim_signature *signature;
	size_t i;

	for (i = 0; (signature = rmt_dkim_get(dkim, i)) != NULL; i++)
		if (signature->result == RMT_DKIM_PASS)
			return true;
	return false;
}

static bool read_options(int argc, char **argv, struct options *options, GError **err)
{
	int i;

	for (i = 1; i < argc; i++) {
		const char *word = argv[i];

		if (rmt_cli_dns_option(&options->dns, argc, argv, &i, err))
			continue;
		if (*err != NULL)
			return false;
		if (strcmp(word, "--json") == 0)
			options->json = true;
		else if (strcmp(word, "--second-opinion") == 0)
			options->second = true;
		else if (strcmp(word, "--now") == 0 && i + 1 < argc) {
			if (!rmt_cli_now(argv[++i], &options->now, err))
				return false;
		} else if ((word[0] != '-' || word[1] == '\0') && options->file == NULL)
			options->file = word;
		else
			return rmt_wrong(err,
					 "'%s' is no option, or has no value: see "
					 "'remite dkim --help'",
					 word);
	}
	return options->file != NULL ||
	       rmt_wrong(err, "which message? See 'remite dkim --help'");
}

static int evaluate(struct options *options, GError **err)
{
	struct job job;
	int status = RMT_EXIT_TROUBLE;

	if (job_read(&job, options->file, options->second, err) &&
	    rmt_cli_dns_run(&options->dns, NULL, rmt_dkim_asker(job.dkim), err)) {
		rmt_dkim_finish(job.dkim, options->now);
		if (options->json)
			print_json(&job);
		else
			print_text(&job);
		status = any_passes(job.dkim) ? RMT_EXIT_OK : RMT_EXIT_NO;
	}
	job_clear(&job);
	return status;
}

static int run(const struct rmt_cli *cli, int argc, char **argv)
{
	struct options options = { .dns = RMT_CLI_DNS_INIT(cli), .now = time(NULL) };
	g_autoptr(GError) err = NULL;
	int status = RMT_EXIT_USAGE;

	if (read_options(argc, argv, &options, &err))
		status = evaluate(&options, &err);
	rmt_cli_dns_finish(&options.dns);
	if (err != NULL)
		rmt_cli_fail(status, &rmt_command_dkim, "%s", err->message);
	return status;
}

const struct rmt_command rmt_command_dkim = {
	.name = "dkim",
	.summary = "verify the DKIM signatures of a message, strictly",
	.usage = "usage: remite dkim [OPTION ...] FILE\n"
		 "\n"
		 "Says of every signature of the message in FILE (- is standard input) "
		 "what\n"
		 "strict receivers make of it, and which fields it covers. Status 0: one "
		 "passes;\n"
		 "1: none does.\n"
		 "\n"
		 "  --json             everything, for programs\n"
		 "  --now EPOCH        the time signatures are judged at, in Unix "
		 "seconds\n"
		 "  --second-opinion   a signature passes only if libopendkim "
		 "agrees\n" RMT_CLI_DNS_USAGE,
	.run = run,
};
