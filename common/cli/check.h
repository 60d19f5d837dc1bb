/* SPDX-License-Identifier: MIT */
/* check.h - `remite check`: options, asking, and two ways to say what was found. */
#ifndef RMT_CLI_CHECK_H
#define RMT_CLI_CHECK_H

#include <jansson.h>

#include "common/cli/dns.h"
#include "common/cli/cli.h"
#include "common/rules/domain.h"

struct rmt_check {
	struct rmt_facts *facts; /* own */
	struct rmt_rule_findings findings;
};

/* The whole command but for printing; messages to standard error. */
int rmt_check_run(const struct rmt_cli *cli, int argc, char **argv, GString *out);

void rmt_check_text(const struct rmt_check *check, GString *out);
json_t *rmt_check_json(const struct rmt_check *check);

/* Questions of all, in rounds with one deadline. False: there is no resolver. */
bool rmt_check_ask(struct rmt_cli_dns *dns, struct rmt_facts *const *facts, size_t count,
		   GError **err);

/* The MTA-STS policies that were announced; those that were given stay. False: the
 * configuration cannot be read. */
bool rmt_check_fetch_sts(struct rmt_cli_dns *dns, struct rmt_facts *const *facts,
			 size_t count, GError **err);

#endif
