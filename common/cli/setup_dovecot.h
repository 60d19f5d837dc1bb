/* SPDX-License-Identifier: MIT */
/* setup_dovecot.h - `remite setup dovecot`: one file of ours in conf.d, nothing else.
 *
 * Dovecot's own files stay as they are: they include conf.d/(any).conf. The file is told
 * by its first line; taken back, it is kept under a name that Dovecot does not read.
 */
#ifndef RMT_SETUP_DOVECOT_H
#define RMT_SETUP_DOVECOT_H

#include "common/cli/cli.h"
#include "common/cli/doveconf.h"

#define RMT_SETUP_DOVECOT_NAME "conf.d/90-remite.conf"
#define RMT_SETUP_DOVECOT_MARK "# Made by `remite setup dovecot`"

/* Appends the file's text, for the release that conf is of. */
void rmt_setup_dovecot_text(GString *out, const struct rmt_config *config,
			    const struct rmt_doveconf *conf);

/* `remite setup dovecot ...`: argv[0] is "dovecot". Returns the exit status. */
int rmt_setup_dovecot(const struct rmt_cli *cli, int argc, char **argv);

#endif
