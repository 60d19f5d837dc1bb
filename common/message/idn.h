/* SPDX-License-Identifier: MIT */
/* idn.h - a domain as people read it. */
#ifndef RMT_IDN_H
#define RMT_IDN_H

#include <glib.h>
#include <stdbool.h>

#include "common/base/span.h"

/* Appends the domain with its A-labels as U-labels, in UTF-8. False: a label is
 * none (RFC 5891); out is as it was. */
bool rmt_domain_unicode(struct rmt_span domain, GString *out);

#endif
