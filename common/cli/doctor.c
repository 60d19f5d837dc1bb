/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cli/cli.h"
#include "common/cli/doctor.h"
#include "common/cli/run.h"

const struct rmt_doctor_check rmt_doctor_checks[] = {
	{ "lists",
	  "every smtpd asks policyd at RCPT, DATA, END-OF-MESSAGE; in the right place; "
	  "with timeout, try_limit, default_action",
	  rmt_doctor_lists, false },
	{ "text", "the service text is the same at every stage", rmt_doctor_texts,
	  false },
	{ "one-click",
	  "policyd is asked a second time at DATA where it adds List-Unsubscribe",
	  rmt_doctor_one_click, false },
	{ "smtpd", "which smtpd asks; return ports of filters do not",
	  rmt_doctor_services, false },
	{ "settings", "parameters beside the lists; parameters given twice",
	  rmt_doctor_settings, false },
	{ "limits", "every limit can be counted at the stages Postfix asks at",
	  rmt_doctor_limits, false },
	{ "own", "mail that comes in is not counted as if it left", rmt_doctor_own,
	  false },
	{ "egress", "transports and sender tables are as the egresses say",
	  rmt_doctor_egress, false },
	{ "milter",
	  "remite-milter comes behind the signer, mail goes on without it, nothing is "
	  "rewritten after it",
	  rmt_doctor_milter, false },
	{ "signer", "opendkim signs the fields of one-click unsubscribe",
	  rmt_doctor_signer, false },
	{ "unsubscribe", "what leaving lists takes fits together", rmt_doctor_unsubscribe,
	  true },
	{ "tls", "mail leaves with TLS where it can (R10)", rmt_doctor_tls, false },
	{ "feedback", "bounces of streams with return paths come back to us",
	  rmt_doctor_feedback, false },
	{ "bulk", "who is a bulk sender at a provider, or nearly", rmt_doctor_bulk,
	  true },
	{ "receipts", "what the policy of read receipts means to do can be done",
	  rmt_doctor_receipts, true },
	{ "unseen", "mail that passes no smtpd", rmt_doctor_unseen, false },
	{ "dovecot",
	  "Dovecot loads the mail plugin, its processes reach the agent, and both are "
	  "as remite.conf says",
	  rmt_doctor_dovecot, true },
	{ "socket",
	  "policyd can be reached by Postfix's user and answers within 3 seconds",
	  rmt_doctor_socket, false },
	{ "metrics", "the ports of the metrics are ours", rmt_doctor_metrics, true },
	{ "state", "state directory, records, control socket", rmt_doctor_state, true },
	{ "access", "the account of the programs may read and write what it must",
	  rmt_doctor_access, true },
	{ "confined", "AppArmor and SELinux let the programs work",
	  rmt_doctor_confinement, true },
	{ NULL, NULL, NULL, false },
};

void rmt_doctor_run(struct rmt_doctor *doctor)
{
	const struct rmt_doctor_check *check;

	for (check = rmt_doctor_checks; check->id != NULL; check++) {
		doctor->findings.check = check->id;
		if (doctor->pf != NULL || check->alone)
			check->run(doctor);
	}
}

/* --- asking tables -------------------------------------------------------------- */

static bool query_postmap(void *context, const char *table, const char *key,
			  GString *value)
{
	const struct rmt_postfix *pf = context;
	const char *argv[] = { "postmap", "-c", pf->dir, "-q", key, table, NULL };
	g_autoptr(GString) out = g_string_new(NULL);
	int status;

	if (key[0] == '-' || !rmt_run(argv, out, NULL, &status, NULL) || status != 0)
		return false;
	g_strchomp(out->str);
	g_string_assign(value, out->str);
	return true;
}

/* --- printing ------------------------------------------------------------------- */

static void print_text(const struct rmt_doctor *doctor)
{
	guint i;

	for (i = 0; i < doctor->findings.list->len; i++) {
		const struct rmt_finding *f = g_ptr_array_index(doctor->findings.list, i);
		g_auto(GStrv) lines =
			g_strsplit(f->remedy != NULL ? f->remedy : "", "\n", 0);
		size_t j;

		printf("%-8s%s: %s\n", rmt_severity_name(f->severity), f->place,
		       f->problem);
		for (j = 0; lines[j] != NULL; j++)
			printf("        > %s\n", lines[j]);
	}
}

static void set_text(json_t *object, const char *key, const char *value)
{
	json_object_set_new(object, key,
			    value != NULL ? json_string(value) : json_null());
}

static void print_json(const struct rmt_doctor *doctor, unsigned errors,
		       unsigned warnings)
{
	json_t *root = json_object(), *list = json_array();
	char *text;
	guint i;

	for (i = 0; i < doctor->findings.list->len; i++) {
		const struct rmt_finding *f = g_ptr_array_index(doctor->findings.list, i);
		json_t *row = json_object();

		set_text(row, "check", f->check);
		set_text(row, "severity", rmt_severity_name(f->severity));
		set_text(row, "place", f->place);
		set_text(row, "problem", f->problem);
		set_text(row, "remedy", f->remedy);
		json_array_append_new(list, row);
	}
	json_object_set_new(root, "findings", list);
	json_object_set_new(root, "errors", json_integer(errors));
	json_object_set_new(root, "warnings", json_integer(warnings));
	text = json_dumps(root, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
	puts(text != NULL ? text : "{}");
	free(text);
	json_decref(root);
}

static int report(const struct rmt_doctor *doctor, bool as_json)
{
	unsigned errors = rmt_findings_count(&doctor->findings, RMT_SEVERITY_ERROR);
	unsigned warnings =
		rmt_findings_count(&doctor->findings, RMT_SEVERITY_WARNING) - errors;

	if (as_json) {
		print_json(doctor, errors, warnings);
	} else {
		print_text(doctor);
		printf("%u errors, %u warnings\n", errors, warnings);
	}
	return errors + warnings > 0 ? RMT_EXIT_NO : RMT_EXIT_OK;
}

/* --- the command ---------------------------------------------------------------- */

struct options {
	const char *dir, *dovecot; /* foreign */
	bool as_json, list;
};

static bool read_options(struct options *options, int argc, char **argv)
{
	int i;

	*options =
		(struct options){ .dir = RMT_POSTFIX_DIR, .dovecot = RMT_DOVECOT_FILE };
	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			options->as_json = true;
		else if (strcmp(argv[i], "--list") == 0)
			options->list = true;
		else if (strcmp(argv[i], "--postfix") == 0 && i + 1 < argc)
			options->dir = argv[++i];
		else if (strcmp(argv[i], "--dovecot") == 0 && i + 1 < argc)
			options->dovecot = argv[++i];
		else
			return false;
	}
	return true;
}

static int list_checks(void)
{
	const struct rmt_doctor_check *check;

	for (check = rmt_doctor_checks; check->id != NULL; check++)
		printf("%-9s %s\n", check->id, check->what);
	return RMT_EXIT_OK;
}

/* A mailbox host may have none; one that is there and not whole is an error. */
static void find_no_postfix(struct rmt_doctor *doctor, const char *dir, const char *why)
{
	g_autofree char *program = g_find_program_in_path("postconf");
	bool is_there = program != NULL ||
			g_file_test("/usr/sbin/postconf", G_FILE_TEST_IS_EXECUTABLE);

	if (is_there)
		rmt_find(&doctor->findings, RMT_SEVERITY_ERROR, dir,
			 "dpkg-reconfigure postfix",
			 "Postfix's configuration is not whole: %s (--postfix DIR names "
			 "another)",
			 why);
	else
		rmt_find(&doctor->findings, RMT_SEVERITY_NOTE, dir, NULL,
			 "no Postfix is installed here: nothing is said of it");
}

static int run_doctor(const struct rmt_cli *cli, int argc, char **argv)
{
	g_autoptr(rmt_config) config = NULL;
	g_autoptr(rmt_postfix) pf = NULL;
	g_autoptr(rmt_setup_plan) plan = NULL;
	g_autoptr(GError) err = NULL;
	struct rmt_doctor doctor = { 0 };
	struct options options;
	int status;

	if (!read_options(&options, argc, argv))
		return rmt_cli_usage(&rmt_command_doctor, RMT_EXIT_USAGE);
	if (options.list)
		return list_checks();
	config = rmt_cli_config(cli);
	if (config == NULL)
		return RMT_EXIT_TROUBLE;
	rmt_findings_init(&doctor.findings);
	doctor.findings.check = "postfix";
	pf = rmt_postfix_read(options.dir, &err);
	if (pf == NULL)
		find_no_postfix(&doctor, options.dir, err->message);
	else
		plan = rmt_setup_plan_new(config, pf);
	doctor.config = config;
	doctor.dovecot_conf = options.dovecot;
	doctor.pf = pf;
	doctor.plan = plan;
	doctor.query = query_postmap;
	doctor.query_context = pf;
	rmt_doctor_run(&doctor);
	status = report(&doctor, options.as_json);
	rmt_findings_finish(&doctor.findings);
	return status;
}

const struct rmt_command rmt_command_doctor = {
	"doctor",
	"check Postfix's and Dovecot's configuration and this machine",
	"usage: remite doctor [--postfix DIR] [--dovecot FILE] [--json] [--list]\n\n"
	"Looks whether Postfix asks policyd at every stage, in the right place, by the\n"
	"same service text and so that mail goes on without it; whether every limit can\n"
	"be counted; whether policyd answers; whether the egresses are set up; whether\n"
	"Dovecot loads the mail plugin and its processes reach remite-agent. Each "
	"finding\n"
	"says where, what is wrong, and after '>' what to paste.\n\n"
	"  --postfix DIR   Postfix's configuration, else " RMT_POSTFIX_DIR "\n"
	"  --dovecot FILE  Dovecot's configuration, else " RMT_DOVECOT_FILE "\n"
	"  --json          for programs\n"
	"  --list          what is checked\n\n"
	"Exit status: 0 nothing wrong (notes at most), 1 warnings or errors, 3 not "
	"done.\n"
	"Nothing is changed; 'remite setup' does that.\n",
	run_doctor,
};
