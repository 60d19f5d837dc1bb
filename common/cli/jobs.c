/* SPDX-License-Identifier: MIT */
/* jobs.c - `remite jobs`: what waits to be done, and what was given up. */
#include <stdio.h>
#include <string.h>

#include "common/base/when.h"
#include "common/cli/records.h"
#include "common/store/jobs.h"

static const struct rmt_command *const command = &rmt_command_jobs;

static bool show(void *context, const struct rmt_job *job)
{
	g_autoptr(GString) id = g_string_new(NULL), note = g_string_new(NULL);
	char next[RMT_WHEN_SIZE];
	unsigned *count = context;

	(*count)++;
	printf("%-12s %-7s attempts=%u next=%s id='%s'", job->kind,
	       job->state == RMT_JOB_WAITING ? "waiting" : "failed", job->attempts,
	       rmt_when_format(job->next, next), rmt_cli_printable(id, job->id));
	if (job->note != NULL)
		printf(" note='%s'", rmt_cli_printable(note, job->note));
	putchar('\n');
	return true;
}

static int list(struct rmt_cli_records *records, const char *kind)
{
	unsigned count = 0;
	GError *err = NULL;

	if (!rmt_jobs_walk(records->store, kind, show, &count, &err))
		return rmt_cli_trouble(command, err);
	return rmt_cli_flush(command) ? RMT_EXIT_OK : RMT_EXIT_TROUBLE;
}

static int remove_job(struct rmt_cli_records *records, const char *kind, const char *id)
{
	bool removed = false;
	GError *err = NULL;

	if (!rmt_job_remove(records->store, kind, id, &removed, &err))
		return rmt_cli_trouble(command, err);
	puts(removed ? "removed" : "there is no such job");
	return removed ? RMT_EXIT_OK : RMT_EXIT_NO;
}

struct retry {
	struct rmt_cli_records *records;
	unsigned count;
	GError *err;
};

/* Those that were tried at least once; their attempts are kept. */
static bool retry_one(void *context, const struct rmt_job *job)
{
	struct retry *retry = context;
	g_autoptr(rmt_deal) deal = rmt_deal_new();
	struct rmt_job again = *job;
	bool done = false;

	if (job->attempts == 0 ||
	    (job->state == RMT_JOB_WAITING && job->next <= retry->records->now))
		return true;
	again.state = RMT_JOB_WAITING;
	again.next = retry->records->now;
	rmt_deal_if_job(deal, job);
	rmt_deal_put_job(deal, &again);
	if (!rmt_deal_commit(retry->records->store, deal, &done, &retry->err))
		return false;
	retry->count += done;
	return true;
}

static int retry_all(struct rmt_cli_records *records, const char *kind)
{
	struct retry retry = { records, 0, NULL };
	GError *err = NULL;

	if (!rmt_jobs_walk(records->store, kind, retry_one, &retry, &err))
		return rmt_cli_trouble(command, err);
	if (retry.err != NULL)
		return rmt_cli_trouble(command, retry.err);
	printf("%u jobs will be tried now\n", retry.count);
	return RMT_EXIT_OK;
}

static int dispatch(struct rmt_cli_records *records, int argc, char **argv)
{
	const char *kind = argc > 2 ? argv[2] : NULL;

	if (strcmp(argv[1], "list") == 0)
		return list(records, kind);
	if (strcmp(argv[1], "retry") == 0)
		return retry_all(records, kind);
	return remove_job(records, argv[2], argv[3]);
}

static int run(const struct rmt_cli *cli, int argc, char **argv)
{
	bool is_list = argc > 1 && strcmp(argv[1], "list") == 0;
	bool is_retry = argc > 1 && strcmp(argv[1], "retry") == 0;
	bool is_remove = argc == 4 && strcmp(argv[1], "remove") == 0;
	struct rmt_cli_records records;
	int status;

	if (!(((is_list || is_retry) && argc <= 3) || is_remove))
		return rmt_cli_usage(command, RMT_EXIT_USAGE);
	if (!rmt_cli_records_open(&records, cli, command, is_list))
		return RMT_EXIT_TROUBLE;
	status = dispatch(&records, argc, argv);
	rmt_cli_records_close(&records);
	return status;
}

const struct rmt_command rmt_command_jobs = {
	.name = "jobs",
	.summary = "what waits to be done, and what was given up",
	.usage =
		"usage: remite jobs list [KIND]\n"
		"       remite jobs retry [KIND]\n"
		"       remite jobs remove KIND ID\n"
		"\n"
		"Jobs are receipts, questions to users and what else must be done "
		"though\n"
		"the machine or the other side fails. remite-agent tries them again by\n"
		"itself; retry has those that failed before tried now, also those given\n"
		"up.\n"
		"\n"
		"Exit status 1: there is no such job.\n",
	.run = run,
};
