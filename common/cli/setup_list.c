/* SPDX-License-Identifier: MIT */
#include "common/cli/restrictions.h"
#include "common/cli/setup_list.h"
#include "common/cli/setup_service.h"

/* Of "$name", "${name}", "$(name)"; empty: it is none of these. */
static struct rmt_span parameter_name(struct rmt_span word)
{
	if (word.len < 2 || word.p[0] != '$')
		return rmt_span(NULL, 0);
	word = rmt_span_from(word, 1);
	if (word.len > 2 && (word.p[0] == '{' || word.p[0] == '('))
		word = rmt_span(word.p + 1, word.len - 2);
	return word;
}

/* What a parameter stands for; other words stand for themselves. */
static const char *word_value(const struct rmt_postfix *pf, struct rmt_span word)
{
	struct rmt_span span = parameter_name(word);
	g_autofree char *name = g_strndup(span.p, span.len);

	return span.len > 0 ? rmt_postfix_get(pf, NULL, name) : NULL;
}

/* A parameter that words name, too. */
static bool is_among(struct rmt_span token, const char *words)
{
	struct rmt_span rest = rmt_span_of(words), word, name = parameter_name(token);

	while (name.len > 0 && rmt_postfix_word(&rest, &word))
		if (rmt_span_eq(parameter_name(word), name))
			return true;
	return false;
}

static bool may_end_list(const struct rmt_postfix *pf, struct rmt_span word)
{
	const char *value = word_value(pf, word);
	g_autofree char *text =
		value != NULL ? g_strdup(value) : g_strndup(word.p, word.len);
	g_autoptr(GArray) list = rmt_restrictions_read(pf, text);
	guint i;

	for (i = 0; i < list->len; i++) {
		enum rmt_effect effect =
			g_array_index(list, struct rmt_restriction, i).effect;

		if (effect == RMT_EFFECT_PERMITS || effect == RMT_EFFECT_ENDS)
			return true;
	}
	return false;
}

/* Words that are somebody's argument must not be taken for restrictions. */
static bool is_argument(struct rmt_span before)
{
	return rmt_span_starts(before, RMT_SPAN("check_")) ||
	       rmt_span_starts(before, RMT_SPAN("reject_rbl")) ||
	       rmt_span_starts(before, RMT_SPAN("reject_rhsbl")) ||
	       rmt_span_eq(before, RMT_SPAN("sleep"));
}

char *rmt_setup_insert(const struct rmt_postfix *pf, const char *raw, const char *word,
		       const char *separator)
{
	GString *out = g_string_new(NULL);
	struct rmt_span rest = rmt_span_of(raw), token, before = { NULL, 0 };
	bool done = false;

	while (rmt_postfix_word(&rest, &token)) {
		/* Named by hand, and nobody has said what it stands for. */
		if (!is_argument(before) && is_among(token, word))
			continue;
		if (!done && !is_argument(before) && may_end_list(pf, token)) {
			g_string_append_printf(out, "%s%s", out->len > 0 ? separator : "",
					       word);
			done = true;
		}
		if (out->len > 0)
			g_string_append(out, is_argument(before) ? " " : separator);
		g_string_append_len(out, token.p, (gssize)token.len);
		before = token;
	}
	if (!done)
		g_string_append_printf(out, "%s%s", out->len > 0 ? separator : "", word);
	return g_string_free(out, FALSE);
}

/* "$remite_policy", or another parameter that is policyd's entry and nothing else. */
static bool stands_for_policyd(const struct rmt_config *config,
			       const struct rmt_postfix *pf, struct rmt_span word)
{
	const char *value = word_value(pf, word);
	g_autoptr(GArray) list = rmt_restrictions_read(pf, value);
	struct rmt_restriction *item = (struct rmt_restriction *)list->data;

	return list->len == 1 && item->effect == RMT_EFFECT_POLICY &&
	       rmt_setup_is_policyd(config, pf, item->argument, false);
}

static void append_word(GString *out, const char *separator, struct rmt_span word)
{
	g_string_append_printf(out, "%s%.*s", out->len > 0 ? separator : "",
			       RMT_SPAN_ARGS(word));
}

/* policyd's entry, if word begins it: all of it, and rest goes on behind. */
static bool take_entry(const struct rmt_config *config, const struct rmt_postfix *pf,
		       struct rmt_span word, struct rmt_span *rest,
		       struct rmt_span *entry_r)
{
	struct rmt_span ahead = *rest, next;

	*entry_r = word;
	if (stands_for_policyd(config, pf, word))
		return true;
	if (!rmt_span_eq(word, RMT_SPAN("check_policy_service")) ||
	    !rmt_postfix_word(&ahead, &next) ||
	    !rmt_setup_is_policyd(config, pf, next, false))
		return false;
	*entry_r = rmt_span(word.p, (size_t)(next.p + next.len - word.p));
	*rest = ahead;
	return true;
}

char *rmt_setup_move(const struct rmt_config *config, const struct rmt_postfix *pf,
		     const char *raw, const char *separator)
{
	g_autoptr(GString) others = g_string_new(NULL), ours = g_string_new(NULL);
	struct rmt_span rest = rmt_span_of(raw), word, entry, before = { NULL, 0 };

	while (rmt_postfix_word(&rest, &word)) {
		const bool is_ours = take_entry(config, pf, word, &rest, &entry);

		append_word(is_ours ? ours : others,
			    is_argument(before) ? " " : separator, entry);
		before = is_ours ? rmt_span(NULL, 0) : word;
	}
	return ours->len > 0 ? rmt_setup_insert(pf, others->str, ours->str, separator)
			     : NULL;
}

char *rmt_setup_insert_behind(const struct rmt_config *config,
			      const struct rmt_postfix *pf, const char *raw,
			      const char *word, const char *separator)
{
	g_autoptr(GString) out = g_string_new(NULL);
	struct rmt_span rest = rmt_span_of(raw), each, entry, before = { NULL, 0 };
	bool done = false;

	while (rmt_postfix_word(&rest, &each)) {
		const bool is_ours = take_entry(config, pf, each, &rest, &entry);

		append_word(out, is_argument(before) ? " " : separator, entry);
		if (is_ours && !done)
			append_word(out, separator, rmt_span_of(word));
		done |= is_ours;
		before = is_ours ? rmt_span(NULL, 0) : each;
	}
	return done ? g_string_free(g_steal_pointer(&out), FALSE) : NULL;
}
