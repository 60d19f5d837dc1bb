/* SPDX-License-Identifier: MIT */
#include "common/receipts/mdn.h"

const char *rmt_mdn_form_name(enum rmt_mdn_form form)
{
	static const char *const names[] = { "none",  "standard", "global",
					     "loose", "tnef",     "opaque" };

	return names[form];
}

const char *rmt_mdn_disposition_name(enum rmt_mdn_disposition disposition)
{
	static const char *const names[] = { "",           "displayed", "deleted",
					     "dispatched", "processed", "denied",
					     "failed" };

	return names[disposition];
}

const char *rmt_mdn_mode_name(enum rmt_mdn_mode mode)
{
	static const char *const names[] = { "", "manual", "automatic" };

	return names[mode];
}

void rmt_mdn_flaw_names(unsigned flaws, GString *out)
{
	static const char *const names[] = { "type",        "final",        "original-id",
					     "disposition", "address-type", "field",
					     "cut" };
	const gsize before = out->len;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(names); i++)
		if (flaws & (1u << i))
			g_string_append_printf(out, "%s%s", out->len > before ? "," : "",
					       names[i]);
	if (out->len == before)
		g_string_append_c(out, '-');
}
