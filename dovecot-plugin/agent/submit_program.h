/* SPDX-License-Identifier: MIT */
/* submit_program.h - submission to a sendmail program; for submit.c alone. */
#ifndef RMT_SUBMIT_PROGRAM_H
#define RMT_SUBMIT_PROGRAM_H

#include "dovecot-plugin/agent/submit.h"

enum rmt_submitted rmt_submit_to_program(const struct rmt_submission_config *config,
					 const struct rmt_mail *mail, char **reply_r);

#endif
