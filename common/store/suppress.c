/* SPDX-License-Identifier: MIT */
/* suppress.c - the list itself: adding, removing, finding, walking, expiring. */
#include <string.h>

#include "common/base/log.h"
#include "common/store/suppress_record.h"

enum { EXPIRE_BATCH = 128 };

void rmt_suppression_free(struct rmt_suppression *suppression)
{
	if (suppression == NULL)
		return;
	g_free(suppression->scope);
	g_free(suppression->address);
	g_free(suppression->reason);
	g_free(suppression->source);
	g_free(suppression->note);
	g_free(suppression);
}

/* --- checking --- */

static bool complain(GError **err, const char *what, const char *text, const char *remedy)
{
	g_autoptr(GString) shown = g_string_new(NULL);

	rmt_log_printable(shown, rmt_span_of(text), 80);
	g_set_error(err, RMT_STORE_ERROR, RMT_STORE_ERROR_OTHER, "%s '%s' %s", what,
		    shown->str, remedy);
	return false;
}

static bool is_printable(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == '\x7f')
			return false;
	return true;
}

static const char *scope_name(const char *scope)
{
	if (g_str_has_prefix(scope, "stream:"))
		return scope + strlen("stream:");
	if (g_str_has_prefix(scope, "class:"))
		return scope + strlen("class:");
	return "";
}

bool rmt_suppress_scope_check(const char *scope, GError **err)
{
	const char *name = scope_name(scope);

	if (strlen(scope) > RMT_SUPPRESS_SCOPE_MAX)
		return complain(err, "scope", scope, "is too long (95 octets at most)");
	if (strcmp(scope, "all") == 0)
		return true;
	if (*name == '\0' || !is_printable(name) || strpbrk(name, " ,") != NULL)
		return complain(err, "scope", scope,
				"is none (write all, stream:NAME or class:NAME)");
	return true;
}

static bool check_reason(const char *reason, GError **err)
{
	size_t len = strspn(reason, "abcdefghijklmnopqrstuvwxyz0123456789-_");

	if (len > 0 && len <= RMT_SUPPRESS_REASON_MAX && reason[len] == '\0')
		return true;
	return complain(err, "reason", reason,
			"is none (one word of a-z, 0-9, '-', up to 31: dead, complaint, "
			"unsubscribe, manual, ...)");
}

/* As smtpd names it: unquoted, so that a blank may be in the local part. */
static bool check_address(const char *address, GError **err)
{
	const char *at = strrchr(address, '@');

	if (at == NULL || at == address || at[1] == '\0' ||
	    strpbrk(at, " ,;<>\"") != NULL)
		return complain(err, "address", address,
				"is none (write local@example.com)");
	if (!is_printable(address))
		return complain(err, "address", address, "holds a control character");
	if (strlen(address) > RMT_ADDR_MAX)
		return complain(err, "address", address, "is too long");
	return true;
}

static bool check_text(const char *what, const char *text, size_t max, GError **err)
{
	if (!is_printable(text))
		return complain(err, what, text, "holds a control character");
	if (!g_utf8_validate(text, -1, NULL))
		return complain(err, what, text, "is not UTF-8");
	return strlen(text) <= max || complain(err, what, text, "is too long");
}

bool rmt_suppress_check(const struct rmt_suppression *entry, GError **err)
{
	if (entry->until != 0 && entry->until <= entry->since) {
		g_set_error(err, RMT_STORE_ERROR, RMT_STORE_ERROR_OTHER,
			    "the end lies before the beginning");
		return false;
	}
	return check_address(entry->address, err) &&
	       rmt_suppress_scope_check(entry->scope, err) &&
	       check_reason(entry->reason, err) &&
	       check_text("source", entry->source, RMT_SUPPRESS_SOURCE_MAX, err) &&
	       check_text("note", entry->note, RMT_SUPPRESS_NOTE_MAX, err);
}

/* "a..b", ".a", "a.": no domain, and not the same when folded twice. */
static bool has_empty_label(struct rmt_span domain)
{
	size_t i;

	for (i = 0; i < domain.len; i++)
		if (domain.p[i] == '.' && (i == 0 || domain.p[i - 1] == '.'))
			return true;
	return domain.len > 0 && domain.p[domain.len - 1] == '.';
}

bool rmt_suppress_fold(const struct rmt_fold *fold, struct rmt_span text,
		       struct rmt_addr *addr_r, GError **err)
{
	g_autofree char *shown = NULL;

	rmt_addr_fold(fold, text, addr_r);
	if (text.len <= RMT_ADDR_MAX && addr_r->local.len > 0 && addr_r->domain.len > 0 &&
	    !has_empty_label(addr_r->domain))
		return true;
	shown = g_strndup(text.len > 0 ? text.p : "", text.len);
	return complain(err, "address", shown,
			text.len > RMT_ADDR_MAX ? "is too long"
						: "is none (write local@example.com)");
}

/* --- changing --- */

bool rmt_suppress_add(struct rmt_store *store, const struct rmt_suppression *entry,
		      GError **err)
{
	struct rmt_suppress_merge merge = { .view = rmt_suppress_view_of(entry) };
	uint64_t hash = rmt_suppress_hash(merge.view.address);
	g_autoptr(GString) record = g_string_new(NULL);
	char key[RMT_SUPPRESS_KEY];
	struct rmt_store_change changes[2];

	if (!rmt_suppress_check(entry, err))
		return false;
	changes[0] = (struct rmt_store_change){ .table = RMT_SUPPRESS_TABLE,
						.key = rmt_suppress_key(hash, key),
						.modify = rmt_suppress_merge,
						.context = &merge };
	changes[1] = rmt_journal_change(record, &hash, 1);
	return rmt_store_commit(store, changes, G_N_ELEMENTS(changes), NULL, err);
}

/* Which entries of a value go. */
struct removal {
	const char *address; /* NULL: any */
	const char *scope;   /* NULL: any */
	int64_t expired;     /* those past it only; 0: any */
	bool drop_damaged;   /* what cannot be read goes with them */
	size_t removed_r;
};

static bool goes(const struct removal *removal, const struct rmt_suppress_view *view)
{
	if (removal->address != NULL &&
	    !rmt_span_eq(view->address, rmt_span_of(removal->address)))
		return false;
	if (removal->scope != NULL &&
	    !rmt_span_eq(view->scope, rmt_span_of(removal->scope)))
		return false;
	return removal->expired == 0 || !rmt_suppress_stands(view, removal->expired);
}

static enum rmt_store_verdict remove_entries(void *context, struct rmt_span old,
					     GString *value_r)
{
	struct removal *removal = context;
	struct rmt_suppress_reader reader;
	struct rmt_suppress_view view;

	removal->removed_r = 0;
	rmt_suppress_read(&reader, old);
	while (rmt_suppress_next(&reader, &view)) {
		if (goes(removal, &view))
			removal->removed_r++;
		else
			rmt_suppress_append(value_r, &view);
	}
	if (reader.in.damaged && (reader.newer || !removal->drop_damaged))
		return RMT_STORE_REFUSE;
	removal->removed_r += reader.in.damaged;
	if (removal->removed_r == 0)
		return RMT_STORE_KEEP;
	return value_r->len > 0 ? RMT_STORE_PUT : RMT_STORE_REMOVE;
}

bool rmt_suppress_remove(struct rmt_store *store, const char *scope, const char *address,
			 size_t *removed_r, GError **err)
{
	struct removal removal = { .address = address,
				   .scope = scope,
				   .drop_damaged = true };
	char key[RMT_SUPPRESS_KEY];
	struct rmt_store_change change = {
		.table = RMT_SUPPRESS_TABLE,
		.key = rmt_suppress_key(rmt_suppress_hash(rmt_span_of(address)), key),
		.modify = remove_entries,
		.context = &removal,
	};

	if (!rmt_store_commit(store, &change, 1, NULL, err))
		return false;
	*removed_r = removal.removed_r;
	return true;
}

/* --- reading --- */

struct find {
	struct rmt_span address;
	GPtrArray *entries;
	GError *err;
};

static void find_in_value(struct find *find, struct rmt_span value)
{
	struct rmt_suppress_reader reader;
	struct rmt_suppress_view view;

	rmt_suppress_read(&reader, value);
	while (rmt_suppress_next(&reader, &view))
		if (rmt_span_eq(view.address, find->address))
			g_ptr_array_add(find->entries, rmt_suppress_copy(&view));
	if (reader.in.damaged)
		g_set_error(&find->err, RMT_STORE_ERROR, RMT_STORE_ERROR_DAMAGED,
			    "the record of '%.*s' is %s", RMT_SPAN_ARGS(find->address),
			    reader.newer
				    ? "of a newer program: upgrade this one"
				    : "damaged: remove the address and add it again");
}

static void find_got(void *context, enum rmt_store_status status, struct rmt_span value,
		     const char *error)
{
	struct find *find = context;

	if (status == RMT_STORE_FOUND)
		find_in_value(find, value);
	else if (status == RMT_STORE_FAILED)
		g_set_error_literal(&find->err, RMT_STORE_ERROR, RMT_STORE_ERROR_OTHER,
				    error);
}

bool rmt_suppress_find(struct rmt_store *store, const char *address,
		       GPtrArray **entries_r, GError **err)
{
	g_autoptr(GPtrArray) entries =
		g_ptr_array_new_with_free_func((GDestroyNotify)rmt_suppression_free);
	struct find find = { rmt_span_of(address), entries, NULL };
	char key[RMT_SUPPRESS_KEY];

	rmt_store_get(store, RMT_SUPPRESS_TABLE,
		      rmt_suppress_key(rmt_suppress_hash(find.address), key), find_got,
		      &find);
	if (find.err != NULL) {
		g_propagate_error(err, find.err);
		return false;
	}
	*entries_r = g_steal_pointer(&entries);
	return true;
}

struct walk {
	rmt_suppress_each *each;
	void *context;
	uint64_t unread;
};

static bool walk_value(void *context, struct rmt_span key, struct rmt_span value)
{
	struct walk *walk = context;
	struct rmt_suppress_reader reader;
	struct rmt_suppress_view view;

	(void)key;
	rmt_suppress_read(&reader, value);
	while (rmt_suppress_next(&reader, &view)) {
		g_autoptr(rmt_suppression) entry = rmt_suppress_copy(&view);

		if (!walk->each(walk->context, entry))
			return false;
	}
	walk->unread += reader.in.damaged;
	return true;
}

bool rmt_suppress_walk(struct rmt_store *store, rmt_suppress_each *each, void *context,
		       GError **err)
{
	struct walk walk = { each, context, 0 };

	if (!rmt_store_walk(store, RMT_SUPPRESS_TABLE, rmt_span(NULL, 0), walk_value,
			    &walk, err))
		return false;
	if (walk.unread > 0)
		rmt_log(RMT_LOG_WARNING,
			"suppress: %" G_GUINT64_FORMAT
			" records are damaged or of a newer program, and left out",
			walk.unread);
	return true;
}

/* --- expiring --- */

struct expire {
	struct rmt_store *store;
	int64_t now;
	size_t count; /* keys gathered */
	char keys[EXPIRE_BATCH][RMT_SUPPRESS_KEY];
	uint64_t removed;
	GError *err;
};

/* Decided again within the commit: an entry may have been renewed meanwhile. */
static bool expire_gathered(struct expire *expire, bool last)
{
	struct removal removals[EXPIRE_BATCH];
	struct rmt_store_change changes[EXPIRE_BATCH];
	size_t i;

	for (i = 0; i < expire->count; i++) {
		removals[i] = (struct removal){ .expired = expire->now };
		changes[i] = (struct rmt_store_change){
			.table = RMT_SUPPRESS_TABLE,
			.key = rmt_span(expire->keys[i], RMT_SUPPRESS_KEY),
			.modify = remove_entries,
			.context = &removals[i],
		};
	}
	if (!rmt_store_commit_batch(expire->store, changes, expire->count, last,
				    &expire->err))
		return false;
	for (i = 0; i < expire->count; i++)
		expire->removed += removals[i].removed_r;
	expire->count = 0;
	return true;
}

static bool any_expired(struct rmt_span value, int64_t now)
{
	struct rmt_suppress_reader reader;
	struct rmt_suppress_view view;
	bool any = false;

	rmt_suppress_read(&reader, value);
	while (rmt_suppress_next(&reader, &view))
		any |= !rmt_suppress_stands(&view, now);
	return any && !reader.in.damaged;
}

static bool expire_value(void *context, struct rmt_span key, struct rmt_span value)
{
	struct expire *expire = context;

	if (key.len != RMT_SUPPRESS_KEY || !any_expired(value, expire->now))
		return true;
	memcpy(expire->keys[expire->count++], key.p, RMT_SUPPRESS_KEY);
	return expire->count < EXPIRE_BATCH || expire_gathered(expire, false);
}

bool rmt_suppress_expire(struct rmt_store *store, int64_t now, uint64_t *removed_r,
			 GError **err)
{
	struct expire expire = { .store = store, .now = now };

	if (!rmt_store_walk(store, RMT_SUPPRESS_TABLE, rmt_span(NULL, 0), expire_value,
			    &expire, err))
		return false;
	if (expire.err != NULL || !expire_gathered(&expire, true)) {
		g_propagate_error(err, expire.err);
		return false;
	}
	*removed_r = expire.removed;
	return true;
}
