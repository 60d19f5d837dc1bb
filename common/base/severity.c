/* SPDX-License-Identifier: MIT */
#include "common/base/severity.h"

const char *rmt_severity_name(enum rmt_severity severity)
{
	static const char *const names[] = { "note", "warning", "error" };

	return names[severity];
}
