/* SPDX-License-Identifier: MIT */
/* feedback.h - what the files of `remite feedback` share. */
#ifndef RMT_CLI_FEEDBACK_H
#define RMT_CLI_FEEDBACK_H

#include "common/cli/records.h"
#include "common/feedback/feedback.h"

struct rmt_feedback_cli {
	struct rmt_cli_records records;
	struct rmt_feedback *feedback; /* own */
};
/* False: said so. */
bool rmt_feedback_cli_open(struct rmt_feedback_cli *cli, const struct rmt_cli *from);
void rmt_feedback_cli_close(struct rmt_feedback_cli *cli);

/* A whole message; of one that is too long the beginning. */
bool rmt_feedback_cli_read(int fd, GString *message, GError **err);
/* True: written down, durable; and as a rule done. */
bool rmt_feedback_cli_take(struct rmt_feedback_cli *cli,
			   const struct rmt_feedback_item *item, GError **err);

/* One message on standard input, as pipe(8) gives it; a status of sysexits.h. */
int rmt_feedback_run_pipe(const struct rmt_cli *from, const char *recipient,
			  const char *sender, const char *queue_id);

/* feedback_log.c; name: a file, or "journal". */
int rmt_feedback_run_log(const struct rmt_cli *from, const char *name, bool follow);

#endif
