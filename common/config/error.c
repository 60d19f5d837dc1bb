/* SPDX-License-Identifier: MIT */
#include "common/config/error.h"

#include <stdarg.h>

#include "common/base/log.h"

bool rmt_config_refuse(GError **err, struct rmt_span value, const char *format, ...)
{
	g_autoptr(GString) text = g_string_new("'");
	va_list args;

	rmt_log_printable(text, value, 80);
	g_string_append(text, "' ");
	va_start(args, format);
	g_string_append_vprintf(text, format, args);
	va_end(args);
	g_set_error_literal(err, RMT_CONFIG_ERROR, 0, text->str);
	return false;
}
