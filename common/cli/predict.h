/* SPDX-License-Identifier: MIT */
/* predict.h - `remite predict`, apart from printing. */
#ifndef RMT_CLI_PREDICT_H
#define RMT_CLI_PREDICT_H

#include "common/cli/cli.h"

/* Messages go to standard error. */
int rmt_predict_run(const struct rmt_cli *cli, int argc, char **argv, GString *out);

#endif
