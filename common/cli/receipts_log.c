/* SPDX-License-Identifier: MIT */
/* receipts_log.c - `remite receipts log`, `export` and `erase`: the audit trail. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/base/when.h"
#include "common/cli/receipts.h"
#include "common/cli/records.h"
#include "common/store/answers.h"
#include "common/store/audit.h"
#include "common/store/jobs.h"
#include "common/store/prompts.h"

static const struct rmt_command *const command = &rmt_command_receipts;

struct log {
	struct rmt_cli_records records;
	char *user, *since; /* own; or NULL */
	json_t *lines;      /* own; NULL: in words */
};

static json_t *json_text(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);

	return json_string(valid);
}

static void add_json(json_t *lines, const struct rmt_audit *line)
{
	char when[RMT_WHEN_SIZE];

	json_array_append_new(
		lines,
		json_pack("{ss so so so so so so so so}", "at",
			  rmt_when_format(line->at_us / G_USEC_PER_SEC, when), "event",
			  json_text(line->event), "user", json_text(line->user),
			  "message_id", json_text(line->id), "to",
			  json_text(line->target), "rule", json_text(line->rule), "by",
			  json_text(line->by), "receipt", json_text(line->receipt),
			  "note", json_text(line->note)));
}

static void show(const char *name, const char *text)
{
	g_autoptr(GString) out = g_string_new(NULL);

	if (*text != '\0')
		printf(" %s=%s", name, rmt_cli_printable(out, text));
}

static void say(const struct rmt_audit *line)
{
	char when[RMT_WHEN_SIZE];

	printf("%s %-9s", rmt_when_format(line->at_us / G_USEC_PER_SEC, when),
	       line->event);
	show("user", line->user);
	show("id", line->id);
	show("to", line->target);
	show("by", line->by);
	show("rule", line->rule);
	show("receipt", line->receipt);
	show("note", line->note);
	putchar('\n');
}

static bool take_line(void *context, const struct rmt_audit *line)
{
	struct log *log = context;

	if (log->user != NULL && strcmp(log->user, line->user) != 0)
		return true;
	if (log->lines != NULL)
		add_json(log->lines, line);
	else
		say(line);
	return true;
}

static int walk(struct log *log)
{
	int64_t since = 0;
	GError *err = NULL;

	if (!rmt_cli_when(command, "--since", log->since, log->records.now, &since))
		return RMT_EXIT_USAGE;
	if (!rmt_audit_walk(log->records.store, since * G_USEC_PER_SEC, take_line, log,
			    &err))
		return rmt_cli_trouble(command, err);
	return RMT_EXIT_OK;
}

int rmt_receipts_log(const struct rmt_cli *cli, int argc, char **argv)
{
	struct log log = { .user = NULL };
	gboolean as_json = FALSE;
	const GOptionEntry entries[] = {
		{ "user", 0, 0, G_OPTION_ARG_FILENAME, &log.user, NULL, NULL },
		{ "since", 0, 0, G_OPTION_ARG_FILENAME, &log.since, NULL, NULL },
		{ "json", 0, 0, G_OPTION_ARG_NONE, &as_json, NULL, NULL },
		{ NULL },
	};
	g_auto(GStrv) args = NULL;
	int count, status = RMT_EXIT_USAGE;

	if (!rmt_cli_options(command, entries, argc, argv, &count, &args) || count != 1)
		return rmt_cli_usage(command, RMT_EXIT_USAGE);
	if (!rmt_cli_records_open(&log.records, cli, command, true))
		return RMT_EXIT_TROUBLE;
	log.lines = as_json ? json_array() : NULL;
	status = walk(&log);
	if (log.lines != NULL && status == RMT_EXIT_OK) {
		json_dumpf(log.lines, stdout, JSON_INDENT(1));
		putchar('\n');
	}
	json_decref(log.lines);
	rmt_cli_records_close(&log.records);
	g_free(log.user);
	g_free(log.since);
	return rmt_cli_flush(command) ? status : RMT_EXIT_TROUBLE;
}

/* --- all of a user --- */

struct export
{
	const char *user;
	json_t *claims, *prompts, *preferences; /* own, of the whole */
};

static bool export_claim(void *context, const struct rmt_claim *claim)
{
	struct export *export = context;
	char since[RMT_WHEN_SIZE], changed[RMT_WHEN_SIZE];

	if (strcmp(claim->user, export->user) == 0)
		json_array_append_new(
			export->claims,
			json_pack("{so so so so ss ss ss}", "message_id",
				  json_text(claim->id), "to", json_text(claim->target),
				  "recipient", json_text(claim->recipient), "by",
				  json_text(claim->by), "state",
				  rmt_claim_state_name(claim->state), "since",
				  rmt_when_format(claim->since, since), "changed",
				  rmt_when_format(claim->changed, changed)));
	return true;
}

static bool export_prompt(void *context, const struct rmt_prompt *prompt)
{
	struct export *export = context;
	char since[RMT_WHEN_SIZE], until[RMT_WHEN_SIZE];

	json_array_append_new(export->prompts,
			      json_pack("{so so so ss ss}", "message_id",
					json_text(prompt->id), "to",
					json_text(prompt->target), "subject",
					json_text(prompt->subject), "since",
					rmt_when_format(prompt->since, since), "until",
					rmt_when_format(prompt->until, until)));
	return true;
}

static bool export_preference(void *context, const struct rmt_preference *preference)
{
	struct export *export = context;

	json_array_append_new(export->preferences,
			      json_pack("{so ss so}", "sender",
					json_text(preference->sender), "choice",
					rmt_choice_name(preference->choice), "by",
					json_text(preference->by)));
	return true;
}

static json_t *export_user(struct log *log, GError **err)
{
	struct rmt_store *store = log->records.store;
	struct export export = { log->user, json_array(), json_array(), json_array() };
	json_t *all = json_pack("{so so so so so}", "user", json_text(log->user),
				"claims", export.claims, "prompts", export.prompts,
				"preferences", export.preferences, "log", json_array());

	log->lines = json_object_get(all, "log");
	if (rmt_claims_walk(store, export_claim, &export, err) &&
	    rmt_prompts_walk(store, log->user, export_prompt, &export, err) &&
	    rmt_preferences_walk(store, log->user, export_preference, &export, err) &&
	    rmt_audit_walk(store, 0, take_line, log, err))
		return all;
	json_decref(all);
	return NULL;
}

int rmt_receipts_export(const struct rmt_cli *cli, int argc, char **argv)
{
	struct log log = { .user = argc == 2 ? argv[1] : NULL };
	GError *err = NULL;
	json_t *all;

	if (log.user == NULL || *log.user == '-')
		return rmt_cli_usage(command, RMT_EXIT_USAGE);
	if (!rmt_cli_records_open(&log.records, cli, command, true))
		return RMT_EXIT_TROUBLE;
	all = export_user(&log, &err);
	rmt_cli_records_close(&log.records);
	if (all == NULL)
		return rmt_cli_trouble(command, err);
	json_dumpf(all, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(all);
	return rmt_cli_flush(command) ? RMT_EXIT_OK : RMT_EXIT_TROUBLE;
}

/* --- erase --- */

struct erasure {
	const char *prefix; /* "user " */
	struct rmt_store *store;
	uint64_t removed;
	GError *err;
};

static bool erase_job(void *context, const struct rmt_job *job)
{
	struct erasure *erasure = context;
	bool removed = false;

	if (!g_str_has_prefix(job->id, erasure->prefix))
		return true;
	if (!rmt_job_remove(erasure->store, job->kind, job->id, &removed, &erasure->err))
		return false;
	erasure->removed += removed;
	return true;
}

static bool erase_jobs(struct rmt_store *store, const char *user, uint64_t *removed_r,
		       GError **err)
{
	static const char *const kinds[] = { "receipt", "prompt", "prompt-end" };
	g_autofree char *prefix = g_strconcat(user, " ", NULL);
	struct erasure erasure = { .prefix = prefix, .store = store };
	bool digest;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(kinds) && erasure.err == NULL; i++)
		if (!rmt_jobs_walk(store, kinds[i], erase_job, &erasure, err))
			return false;
	if (erasure.err != NULL) {
		g_propagate_error(err, erasure.err);
		return false;
	}
	*removed_r = erasure.removed;
	return rmt_job_remove(store, "digest", user, &digest, err);
}

static bool erase_all(struct rmt_store *store, const char *user, uint64_t *sum_r,
		      GError **err)
{
	uint64_t jobs = 0, prompts = 0, answers = 0, claims = 0, lines = 0;

	if (!erase_jobs(store, user, &jobs, err) ||
	    !rmt_prompts_erase(store, user, &prompts, err) ||
	    !rmt_answers_erase(store, user, &answers, err) ||
	    !rmt_claims_erase(store, user, &claims, err) ||
	    !rmt_audit_erase(store, user, INT64_MAX, &lines, err))
		return false;
	*sum_r = jobs + prompts + answers + claims + lines;
	return true;
}

int rmt_receipts_erase(const struct rmt_cli *cli, int argc, char **argv)
{
	struct rmt_cli_records records;
	uint64_t sum = 0;
	GError *err = NULL;
	bool ok;

	if (argc != 2 || *argv[1] == '-')
		return rmt_cli_usage(command, RMT_EXIT_USAGE);
	if (!rmt_cli_records_open(&records, cli, command, false))
		return RMT_EXIT_TROUBLE;
	ok = erase_all(records.store, argv[1], &sum, &err);
	rmt_cli_records_close(&records);
	if (!ok)
		return rmt_cli_trouble(command, err);
	printf("%" G_GUINT64_FORMAT " entries of %s erased\n", (guint64)sum, argv[1]);
	return sum > 0 ? RMT_EXIT_OK : RMT_EXIT_NO;
}
