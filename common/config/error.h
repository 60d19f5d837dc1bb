/* SPDX-License-Identifier: MIT */
/* error.h - the GError domain of what people wrote. The sentence is the point:
 * there is one code, 0. */
#ifndef RMT_CONFIG_ERROR_H
#define RMT_CONFIG_ERROR_H

#include <glib.h>
#include <stdbool.h>

#include "common/base/span.h"

#define RMT_CONFIG_ERROR g_quark_from_static_string("remite-config")

/* Sets err to "'VALUE' TEXT" and returns false; the value may be a stranger's. */
bool rmt_config_refuse(GError **err, struct rmt_span value, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

#endif
