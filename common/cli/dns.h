/* SPDX-License-Identifier: MIT */
/* dns.h - the command line as a host of evaluators: it waits for the answer,
 * which comes from `--dns-file`, or from DNS within one deadline. */
#ifndef RMT_CLI_DNS_H
#define RMT_CLI_DNS_H

#include "common/auth/orgdomain.h"
#include "common/auth/zone.h"

struct rmt_cli;
struct rmt_config;
struct rmt_resolver;

struct rmt_cli_dns {
	struct rmt_zone *zone;         /* own; of --dns-file; NULL: none given */
	struct rmt_resolver *resolver; /* own; made with the first question */
	const char *server;        /* --dns-server: an address; NULL: as config says */
	const char *trust_anchors; /* --trust-anchors: a file; NULL: as config says */
	const struct rmt_cli *cli; /* foreign; whose configuration counts */
	struct rmt_config *config; /* own; its section dns; read when it is needed */
	int64_t timeout_ms;
	struct rmt_psl *psl; /* own; read by the first rmt_cli_psl() */
};

/* Zeroed but for the default time-out and the command line. */
#define RMT_CLI_DNS_INIT(cli_)                                                           \
	{                                                                                \
		.cli = (cli_), .timeout_ms = 5000                                        \
	}

/* The options all commands that ask DNS share, in usage texts: */
#define RMT_CLI_DNS_USAGE                                                                \
	"  --dns-file FILE    answers from FILE ('name TYPE data' a line), not from "    \
	"DNS\n"                                                                          \
	"  --dns-server ADDR  ask this server (ADDR or ADDR@PORT), not those of the\n"   \
	"                     configuration (dns.servers) or resolv.conf\n"              \
	"  --trust-anchors FILE  validate answers (DNSSEC) from these anchors down;\n"   \
	"                     default: dns.trust_anchors\n"                              \
	"  --timeout SECONDS  for all of DNS (default 5)\n"

/* Takes argv[*at] if it is one of them, and its value; *at is then the last one
 * taken. False with err: the value is missing or wrong; without: not ours. */
bool rmt_cli_dns_option(struct rmt_cli_dns *dns, int argc, char **argv, int *at,
			GError **err);

/* Runs the askers, all at once, until they are done. zone: in place of everything
 * else, or NULL. False: there is no resolver to ask. */
bool rmt_cli_dns_run_all(struct rmt_cli_dns *dns, struct rmt_zone *zone,
			 struct rmt_asker *const *askers, size_t count, GError **err);
bool rmt_cli_dns_run(struct rmt_cli_dns *dns, struct rmt_zone *zone,
		     struct rmt_asker *asker, GError **err);

/* Answers are validated: there are trust anchors, or the file tells what is SECURE.
 * False with err: the configuration cannot be read. */
bool rmt_cli_dns_validates(struct rmt_cli_dns *dns, bool *validates_r, GError **err);

/* The configuration, read once; dns's own. NULL: it cannot be, and what is wrong with it
 * was printed. */
const struct rmt_config *rmt_cli_dns_config(struct rmt_cli_dns *dns, GError **err);

/* The list of public suffixes; NULL: there is none on this machine. */
const struct rmt_psl *rmt_cli_psl(struct rmt_cli_dns *dns);

void rmt_cli_dns_finish(struct rmt_cli_dns *dns);

#endif
