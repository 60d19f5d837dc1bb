/* SPDX-License-Identifier: MIT */
/* zone_line.h - a line of a zone's text (zone.h), read. */
#ifndef RMT_ZONE_LINE_H
#define RMT_ZONE_LINE_H

#include "common/auth/dns.h"

struct rmt_zone_line {
	enum {
		RMT_ZONE_LINE_EMPTY, /* or a comment */
		RMT_ZONE_LINE_RECORD,
		RMT_ZONE_LINE_NAME,   /* the name exists: of a type nobody asks for */
		RMT_ZONE_LINE_SECURE, /* what is at the name, and below it, validates */
	} kind;
	enum rmt_dns_type type;
	enum rmt_dns_status status; /* FOUND: record counts */
	bool bogus;
	uint32_t ttl_secs;
	struct rmt_dns_record record; /* looks into data */
	GString *name, *data;         /* own */
};

void rmt_zone_line_init(struct rmt_zone_line *line);
void rmt_zone_line_finish(struct rmt_zone_line *line);

/* False: the sentence says what is wrong with it. May be called again and again. */
bool rmt_zone_line_read(struct rmt_zone_line *line, struct rmt_span text, GError **err);

struct rmt_span rmt_zone_line_name(const struct rmt_zone_line *line);

#endif
