/* SPDX-License-Identifier: MIT */
/* Table "preferences": user, NUL, sender -> version (1), choice, since (numbers),
 * by (string). */
#include <string.h>

#include "common/store/pack.h"
#include "common/store/prompts.h"
#include "common/store/store_backend.h"
#include "common/store/user_rows.h"

#define PREFERENCES_TABLE "preferences"

enum { PREFERENCE_VERSION = 1, SENDER_MAX = 512, BY_MAX = 200 };

static const char *const names[] = { "none", "never", "ask", "always" };

const char *rmt_choice_name(enum rmt_choice choice)
{
	return names[MIN(choice, RMT_CHOICE_ALWAYS)];
}

bool rmt_choice_parse(struct rmt_span text, enum rmt_choice *choice_r)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(names); i++)
		if (rmt_span_eq_nocase(text, rmt_span_of(names[i]))) {
			*choice_r = (enum rmt_choice)i;
			return true;
		}
	return false;
}

void rmt_deal_put_preference(struct rmt_deal *deal, const char *user, const char *sender,
			     enum rmt_choice choice, const char *by, int64_t now)
{
	g_autoptr(GString) key = rmt_user_key(user, rmt_span_of(sender));
	g_autoptr(GString) value = g_string_new(NULL);

	if (choice == RMT_CHOICE_NONE) {
		rmt_deal_remove(deal, PREFERENCES_TABLE, rmt_string_span(key));
		return;
	}
	rmt_pack_number(value, PREFERENCE_VERSION);
	rmt_pack_number(value, (uint64_t)choice);
	rmt_pack_number(value, (uint64_t)MAX(now, 0));
	rmt_pack_string(value, rmt_span_of(by));
	rmt_deal_put(deal, PREFERENCES_TABLE, rmt_string_span(key),
		     rmt_string_span(value));
}

static bool is_line(const char *text, size_t max)
{
	const char *p;

	for (p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == '\x7f')
			return false;
	return (size_t)(p - text) <= max;
}

bool rmt_preference_set(struct rmt_store *store, const char *user, const char *sender,
			enum rmt_choice choice, const char *by, int64_t now, GError **err)
{
	g_autoptr(rmt_deal) deal = rmt_deal_new();

	if (*user == '\0' || !is_line(user, RMT_CLAIM_USER_MAX) ||
	    !is_line(sender, SENDER_MAX) || !is_line(by != NULL ? by : "", BY_MAX)) {
		g_set_error(err, RMT_STORE_ERROR, RMT_STORE_ERROR_OTHER,
			    "a preference needs a user of 1 to %d octets and a sender of "
			    "at most %d, without control characters",
			    RMT_CLAIM_USER_MAX, SENDER_MAX);
		return false;
	}
	rmt_deal_put_preference(deal, user, sender, choice, by, now);
	return rmt_deal_commit(store, deal, NULL, err);
}

static bool read_row(struct rmt_span value, enum rmt_choice *choice_r, int64_t *since_r,
		     struct rmt_span *by_r)
{
	struct rmt_unpack in = { value, false };
	uint64_t choice;

	if (rmt_unpack_number(&in) != PREFERENCE_VERSION)
		return false;
	choice = rmt_unpack_number(&in);
	*since_r = (int64_t)rmt_unpack_number(&in);
	*by_r = rmt_unpack_string(&in);
	*choice_r = (enum rmt_choice)choice;
	return !in.damaged && choice > RMT_CHOICE_NONE && choice <= RMT_CHOICE_ALWAYS;
}

bool rmt_preference_get(struct rmt_store *store, const char *user, const char *sender,
			enum rmt_choice *choice_r, GError **err)
{
	g_autoptr(GString) key = rmt_user_key(user, rmt_span_of(sender));
	g_autoptr(GBytes) value = NULL;
	enum rmt_choice choice = RMT_CHOICE_NONE;
	struct rmt_span by;
	int64_t since;
	gsize size;
	const char *p;

	if (!rmt_deal_read(store, PREFERENCES_TABLE, rmt_string_span(key), &value, err))
		return false;
	if (value != NULL) {
		p = g_bytes_get_data(value, &size);
		if (!read_row(rmt_span(p, size), &choice, &since, &by))
			return rmt_store_refused(PREFERENCES_TABLE, err);
	}
	*choice_r = choice;
	return true;
}

bool rmt_preference_find(struct rmt_store *store, const char *user, const char *sender,
			 enum rmt_choice *choice_r, GError **err)
{
	const char *at = strrchr(sender, '@');
	const char *const keys[] = { sender, at != NULL ? at : "", "" };
	size_t i;

	*choice_r = RMT_CHOICE_NONE;
	for (i = 0; i < G_N_ELEMENTS(keys) && *choice_r == RMT_CHOICE_NONE; i++)
		if (!rmt_preference_get(store, user, keys[i], choice_r, err))
			return false;
	return true;
}

struct walk {
	rmt_preferences_each *each;
	void *context;
};

static bool walk_entry(void *context, struct rmt_span key, struct rmt_span value)
{
	const struct walk *walk = context;
	struct rmt_preference preference = { NULL };
	struct rmt_span user, sender, by;
	bool more;

	if (!rmt_user_key_split(key, &user, &sender) ||
	    !read_row(value, &preference.choice, &preference.since, &by)) {
		rmt_user_row_damaged("preferences");
		return true;
	}
	preference.user = g_strndup(user.p, user.len);
	preference.sender = g_strndup(sender.p, sender.len);
	preference.by = g_strndup(by.p != NULL ? by.p : "", by.len);
	more = walk->each(walk->context, &preference);
	g_free(preference.user);
	g_free(preference.sender);
	g_free(preference.by);
	return more;
}

bool rmt_preferences_walk(struct rmt_store *store, const char *user,
			  rmt_preferences_each *each, void *context, GError **err)
{
	struct walk walk = { each, context };

	return rmt_user_rows_walk(store, PREFERENCES_TABLE, user, walk_entry, &walk, err);
}
