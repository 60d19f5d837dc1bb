/* SPDX-License-Identifier: MIT */
#include "common/message/idn.h"

#include <idn2.h>

bool rmt_domain_unicode(struct rmt_span domain, GString *out)
{
	g_autofree char *name = g_strndup(domain.p, domain.len);
	char *unicode = NULL;

	if (idn2_to_unicode_8z8z(name, &unicode, 0) != IDN2_OK)
		return false;
	g_string_append(out, unicode);
	idn2_free(unicode);
	return true;
}
