/* SPDX-License-Identifier: MIT */
/* error.h - the GError domain of what people wrote. The sentence is the point:
 * there is one code, 0. */
#ifndef RMT_CONFIG_ERROR_H
#define RMT_CONFIG_ERROR_H

#include <glib.h>

#define RMT_CONFIG_ERROR g_quark_from_static_string("remite-config")

#endif
