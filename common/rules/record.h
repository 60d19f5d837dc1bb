/* SPDX-License-Identifier: MIT */
/* record.h - DNS records to paste: "name. TYPE data", as master files have it. */
#ifndef RMT_RECORD_H
#define RMT_RECORD_H

#include "common/rules/facts.h"

/* Own: g_free. Strings over 255 octets are parted. */
char *rmt_record_txt(const char *name, struct rmt_span text);
char *rmt_record(const char *name, const char *type, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

/* The sender's SPF record with all egress addresses that do not pass yet put in
 * front of its all; made anew where there is none. NULL: no address is known. */
char *rmt_record_spf(const struct rmt_facts *facts);

#endif
