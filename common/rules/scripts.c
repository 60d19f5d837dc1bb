/* SPDX-License-Identifier: MIT */
#include <glib.h>

#include "common/rules/scripts.h"

/* Bits of the scripts that may stand together; any other script is a bit by itself
 * only in the sense that there may be one of them. */
enum {
	LATIN = 1 << 0,
	HAN = 1 << 1,
	HIRAGANA = 1 << 2,
	KATAKANA = 1 << 3,
	HANGUL = 1 << 4,
	BOPOMOFO = 1 << 5,
};

struct label {
	unsigned together;
	GUnicodeScript other;
	bool has_other, mixed;
};

static unsigned bit_of(GUnicodeScript script)
{
	switch (script) {
	case G_UNICODE_SCRIPT_LATIN:
		return LATIN;
	case G_UNICODE_SCRIPT_HAN:
		return HAN;
	case G_UNICODE_SCRIPT_HIRAGANA:
		return HIRAGANA;
	case G_UNICODE_SCRIPT_KATAKANA:
		return KATAKANA;
	case G_UNICODE_SCRIPT_HANGUL:
		return HANGUL;
	case G_UNICODE_SCRIPT_BOPOMOFO:
		return BOPOMOFO;
	default:
		return 0;
	}
}

static void add(struct label *label, gunichar c)
{
	GUnicodeScript script = g_unichar_get_script(c);
	unsigned bit = bit_of(script);

	if (script == G_UNICODE_SCRIPT_COMMON || script == G_UNICODE_SCRIPT_INHERITED)
		return;
	label->together |= bit;
	if (bit != 0)
		return;
	if (label->has_other && label->other != script)
		label->mixed = true;
	label->has_other = true;
	label->other = script;
}

static bool label_ok(const struct label *label)
{
	static const unsigned sets[] = { LATIN | HAN | HIRAGANA | KATAKANA,
					 LATIN | HAN | BOPOMOFO, LATIN | HAN | HANGUL };
	size_t i;

	if (label->has_other)
		return label->together == 0 && !label->mixed;
	for (i = 0; i < G_N_ELEMENTS(sets); i++)
		if ((label->together & ~sets[i]) == 0)
			return true;
	return false;
}

bool rmt_scripts_ok(struct rmt_span text)
{
	struct label label = { 0 };
	const char *p = text.p, *end = text.p + text.len;

	if (text.len == 0)
		return true;
	if (!g_utf8_validate(text.p, (gssize)text.len, NULL))
		return false;
	for (; p < end; p = g_utf8_next_char(p)) {
		if (*p != '.') {
			add(&label, g_utf8_get_char(p));
			continue;
		}
		if (!label_ok(&label))
			return false;
		label = (struct label){ 0 };
	}
	return label_ok(&label);
}
