/* SPDX-License-Identifier: MIT */
/* words.h - what the words of a command line name: a domain, a time, a file. */
#ifndef RMT_CLI_WORDS_H
#define RMT_CLI_WORDS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/span.h"

/* False: word names no domain DNS could be asked about, and err says what it is
 * instead, as people paste addresses and links. U-labels are fine. */
bool rmt_cli_domain(const char *word, GError **err);

/* s= of signatures, without "._domainkey". */
bool rmt_cli_selector(const char *word, GError **err);

/* Unix seconds, for --now. */
bool rmt_cli_now(const char *word, int64_t *now_r, GError **err);

/* All of a file of at most 256 MB; "-" is standard input. text_r is the caller's, with
 * a NUL behind it, and set on success only. */
bool rmt_cli_read(const char *file, char **text_r, gsize *len_r, GError **err);

/* The same for a message: without the line "From ..." that mailbox files put before it.
 */
bool rmt_cli_read_message(const char *file, char **text_r, gsize *len_r, GError **err);

/* An address as logs and headers have it, without its brackets: <ann@example.com>, <>. */
struct rmt_span rmt_cli_address(const char *word);

#endif
