/* SPDX-License-Identifier: MIT */
/* record.h - policyd.record: every request as it came, with remite_time= and
 * remite_action= before its empty line, for `remite replay` and `remite explain`. */
#ifndef RMT_RECORD_H
#define RMT_RECORD_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/span.h"

struct rmt_record;

/* Appends to path, made 0640 when missing. */
struct rmt_record *rmt_record_open(const char *path, GError **err);
void rmt_record_close(struct rmt_record *record); /* takes NULL */
const char *rmt_record_path(const struct rmt_record *record);

/* request: with its empty line. Kept until written. */
void rmt_record_add(struct rmt_record *record, struct rmt_span request, int64_t wall_ns,
		    struct rmt_span action);

/* Once per turn. False: nothing of it was written; logged once until it works
 * again. Answers never wait for it. */
bool rmt_record_write(struct rmt_record *record);

#endif
