/* SPDX-License-Identifier: MIT */
#include "common/base/failure.h"

bool rmt_wrong(GError **err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (err != NULL)
		*err = g_error_new_valist(G_FILE_ERROR, G_FILE_ERROR_INVAL, format, args);
	va_end(args);
	return false;
}
