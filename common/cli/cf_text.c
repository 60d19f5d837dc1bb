/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/cli/cf_text.h"

/* What lies between entries (comments, blank lines) is an entry without a key. */
struct entry {
	char *key;            /* own; or NULL */
	struct rmt_span text; /* foreign; with its line ends */
};

static void entry_clear(void *data)
{
	g_free(((struct entry *)data)->key);
}

static struct rmt_span take_line(struct rmt_span *rest)
{
	const char *end = rest->len > 0 ? memchr(rest->p, '\n', rest->len) : NULL;
	size_t len = end != NULL ? (size_t)(end - rest->p) + 1 : rest->len;
	struct rmt_span line = rmt_span(rest->p, len);

	*rest = rmt_span_from(*rest, len);
	return line;
}

static bool is_comment(struct rmt_span line)
{
	struct rmt_span text = rmt_span_trim(line);

	return text.len == 0 || text.p[0] == '#';
}

static bool is_continuation(struct rmt_span line)
{
	return !is_comment(line) && g_ascii_isspace(line.p[0]);
}

static char *main_key(struct rmt_span line)
{
	struct rmt_span name = line, value;

	rmt_span_split(line, '=', &name, &value);
	name = rmt_span_trim(name);
	return g_strndup(name.p, name.len);
}

static struct rmt_span take_field(struct rmt_span *rest)
{
	size_t i = 0;

	*rest = rmt_span_trim(*rest);
	while (i < rest->len && !g_ascii_isspace(rest->p[i]))
		i++;
	*rest = rmt_span_from(*rest, i);
	return rmt_span(rest->p - i, i);
}

static char *master_key(struct rmt_span line)
{
	struct rmt_span name = take_field(&line), type = take_field(&line);

	return g_strdup_printf("%.*s/%.*s", RMT_SPAN_ARGS(name), RMT_SPAN_ARGS(type));
}

/* Comments between an entry and its continuation belong to it, later ones do not. */
static struct rmt_span take_entry(struct rmt_span *rest)
{
	struct rmt_span line = take_line(rest), ahead = *rest;
	const char *start = line.p, *end = line.p + line.len;

	while (ahead.len > 0) {
		line = take_line(&ahead);
		if (is_continuation(line)) {
			end = line.p + line.len;
			*rest = ahead;
		} else if (!is_comment(line)) {
			break;
		}
	}
	return rmt_span(start, (size_t)(end - start));
}

static GArray *split(enum rmt_cf_kind kind, struct rmt_span text)
{
	GArray *entries = g_array_new(FALSE, TRUE, sizeof(struct entry));

	g_array_set_clear_func(entries, entry_clear);
	while (text.len > 0) {
		struct rmt_span ahead = text;
		struct rmt_span line = take_line(&ahead);
		struct entry e = { NULL, line };

		if (is_comment(line)) {
			text = ahead;
		} else {
			e.text = take_entry(&text);
			e.key = kind == RMT_CF_MAIN ? main_key(line) : master_key(line);
		}
		g_array_append_val(entries, e);
	}
	return entries;
}

static const struct entry *find(const GArray *entries, const char *key, unsigned *count_r)
{
	const struct entry *found = NULL;
	guint i;

	*count_r = 0;
	for (i = 0; i < entries->len; i++) {
		const struct entry *e = &g_array_index(entries, struct entry, i);

		if (e->key != NULL && strcmp(e->key, key) == 0) {
			found = e;
			(*count_r)++;
		}
	}
	return found;
}

static bool same_text(const struct entry *a, const struct entry *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return rmt_span_eq(rmt_span_trim(a->text), rmt_span_trim(b->text));
}

struct revert {
	enum rmt_cf_kind kind;
	GArray *before, *after, *current; /* own */
};

static bool refuse(const struct revert *r, const char *key, const char *why, GError **err)
{
	g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED,
		    "%s: '%s' %s: take our change out by hand, or put the entry back as "
		    "'remite setup postfix --apply' left it",
		    r->kind == RMT_CF_MAIN ? "main.cf" : "master.cf", key, why);
	return false;
}

/* What is to stand in current for the key: *replace_r (NULL: nothing) if true in
 * *ours_r, else as it stands. */
static bool judge(const struct revert *r, const char *key, bool *ours_r,
		  const struct entry **replace_r, GError **err)
{
	unsigned before_count, after_count, current_count;
	const struct entry *before = find(r->before, key, &before_count);
	const struct entry *after = find(r->after, key, &after_count);
	const struct entry *current = find(r->current, key, &current_count);

	*ours_r = false;
	*replace_r = before;
	if (same_text(before, after) || same_text(current, before))
		return true;
	if (current_count > 1 || before_count > 1)
		return refuse(r, key, "is there more than once", err);
	if (!same_text(current, after))
		return refuse(r, key, "was changed since", err);
	*ours_r = true;
	return true;
}

static void append(GString *out, struct rmt_span text)
{
	g_string_append_len(out, text.p, (gssize)text.len);
}

/* Entries that our edits took away would have no place: we make no such edits. */
static bool all_before_are_there(const struct revert *r, GError **err)
{
	unsigned count;
	guint i;

	for (i = 0; i < r->before->len; i++) {
		const char *key = g_array_index(r->before, struct entry, i).key;

		if (key != NULL && find(r->after, key, &count) != NULL &&
		    find(r->current, key, &count) == NULL &&
		    !same_text(find(r->before, key, &count), find(r->after, key, &count)))
			return refuse(r, key, "is gone since", err);
	}
	return true;
}

static bool revert_entries(const struct revert *r, GString *out, GError **err)
{
	const struct entry *replacement;
	bool ours;
	guint i;

	for (i = 0; i < r->current->len; i++) {
		const struct entry *e = &g_array_index(r->current, struct entry, i);

		ours = false;
		if (e->key != NULL && !judge(r, e->key, &ours, &replacement, err))
			return false;
		if (!ours)
			append(out, e->text);
		else if (replacement != NULL)
			append(out, replacement->text);
	}
	return all_before_are_there(r, err);
}

bool rmt_cf_revert(enum rmt_cf_kind kind, struct rmt_span before, struct rmt_span after,
		   struct rmt_span current, GString *out, GError **err)
{
	struct revert r = { kind, NULL, NULL, NULL };
	gsize start = out->len;
	bool ok;

	if (rmt_span_eq(current, after)) {
		append(out, before);
		return true;
	}
	r.before = split(kind, before);
	r.after = split(kind, after);
	r.current = split(kind, current);
	ok = revert_entries(&r, out, err);
	if (!ok)
		g_string_truncate(out, start);
	g_array_unref(r.before);
	g_array_unref(r.after);
	g_array_unref(r.current);
	return ok;
}

GPtrArray *rmt_cf_added(enum rmt_cf_kind kind, struct rmt_span before,
			struct rmt_span after)
{
	GPtrArray *added = g_ptr_array_new_with_free_func(g_free);
	GArray *old = split(kind, before), *new = split(kind, after);
	unsigned count;
	guint i;

	for (i = 0; i < new->len; i++) {
		const char *key = g_array_index(new, struct entry, i).key;

		if (key != NULL && find(old, key, &count) == NULL)
			g_ptr_array_add(added, g_strdup(key));
	}
	g_array_unref(old);
	g_array_unref(new);
	return added;
}

char *rmt_cf_user_of(enum rmt_cf_kind kind, struct rmt_span text, const char *needle)
{
	GArray *entries = split(kind, text);
	char *user = NULL;
	guint i;

	for (i = 0; user == NULL && i < entries->len; i++) {
		const struct entry *e = &g_array_index(entries, struct entry, i);

		if (e->key != NULL &&
		    memmem(e->text.p, e->text.len, needle, strlen(needle)) != NULL)
			user = g_strdup(e->key);
	}
	g_array_unref(entries);
	return user;
}
