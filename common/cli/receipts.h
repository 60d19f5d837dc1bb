/* SPDX-License-Identifier: MIT */
/* receipts.h - `remite receipts VERB ...`: a file per verb, a row in receipts.c. */
#ifndef RMT_CLI_RECEIPTS_H
#define RMT_CLI_RECEIPTS_H

#include "common/cli/cli.h"

/* argv[0] is the verb. */
typedef int rmt_receipts_verb(const struct rmt_cli *cli, int argc, char **argv);

/* receipts_test.c: what would be done with a message, and why. */
rmt_receipts_verb rmt_receipts_test, rmt_receipts_explain;
/* receipts_log.c: what was decided and sent; all of a user, to hand out or erase. */
rmt_receipts_verb rmt_receipts_log, rmt_receipts_export, rmt_receipts_erase;

#endif
