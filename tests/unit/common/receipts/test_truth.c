/* SPDX-License-Identifier: MIT */
/* The truth table, tests/data/receipts/truth.tsv: a row a case. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/receipts/policy.h"

#define TABLE "tests/data/receipts/truth.tsv"
#define NOW   INT64_C(1795312845) /* 2026-11-22T02:00:45Z */
#define DAY   (24 * 3600)

#define ORG                                                                              \
	"organization = [\"example.com\", \"example.net\", \"m\xc3\xbcller.example\"]\n"
#define ALLOW "allow = [\"notary@partner.example\", \"*@friends.example\"]\n"
#define AUTO  "policy = \"organization\" prompt = false\n"
#define FOLD  "fold: { own: { domains = [\"example.com\"] delimiter = \"+\" } }\n"

static const struct {
	const char *name, *text;
} configs[] = {
	{ "unset", ORG },
	{ "none", ORG "receipts: { policy = \"none\" " ALLOW "}" },
	{ "org-auto", ORG FOLD "receipts: { " AUTO ALLOW "}" },
	{ "org-ask", ORG "receipts: { policy = \"organization\" " ALLOW "}" },
	{ "org-empty", ORG "receipts: { " AUTO "}" },
	{ "org-deleted", ORG "receipts: { " AUTO "deleted = true }" },
	{ "anyone", ORG "receipts: { policy = \"anyone\" prompt = false }" },
	{ "google-auto", ORG "receipts: { " AUTO "google_compatible = true }" },
	{ "google-ask",
	  ORG "receipts: { policy = \"organization\" google_compatible = true }" },
	{ "google-anyone",
	  ORG "receipts: { policy = \"anyone\" google_compatible = true }" },
	{ "auth", ORG "receipts: { " AUTO "authserv_ids = [\"mx.example.com\"] }" },
	{ "limits",
	  ORG "receipts: { " AUTO "user_limit = \"3/day\" target_limit = \"3/day\" "
	      "sender_limit = \"3/day\" }" },
	{ "units", ORG "receipts: { " AUTO ALLOW "units: {\n"
		       "sales: { users = [\"sam\"] policy = \"anyone\" }\n"
		       "legal: { users = [\"leg\"] policy = \"none\" }\n"
		       "staff: { groups = [\"staff\"] prompt = true }\n"
		       "net: { domains = [\"example.net\"] prompt = true "
		       "allow = [\"other@partner.example\"] } } }" },
};

static const struct {
	const char *name, *sender;
} requests[] = {
	{ "own", "ann@example.com" },           { "alias-domain", "ann@example.net" },
	{ "notary", "notary@partner.example" }, { "friend", "any@friends.example" },
	{ "stranger", "eve@stranger.example" },
};

/* --- a request --------------------------------------------------------------- */

static GPtrArray *fields_from(const char *sender, const char *to)
{
	GPtrArray *out = g_ptr_array_new_with_free_func(g_free);

	g_ptr_array_add(out, g_strdup_printf("Return-Path: <%s>", sender));
	g_ptr_array_add(out, g_strdup_printf("Delivered-To: %s", to));
	g_ptr_array_add(out, g_strdup("Received: from mx by here"));
	g_ptr_array_add(out, g_strdup_printf("From: <%s>", sender));
	g_ptr_array_add(out, g_strdup_printf("To: Bob <%s>", to));
	g_ptr_array_add(out, g_strdup("Subject: Lunch"));
	g_ptr_array_add(out, g_strdup("Date: Sun, 22 Nov 2026 01:00:00 +0000"));
	g_ptr_array_add(out, g_strdup("Message-ID: <1@example.com>"));
	g_ptr_array_add(out,
			g_strdup_printf("Disposition-Notification-To: A <%s>", sender));
	return out;
}

static bool has_name(const char *field, const char *name)
{
	size_t len = strcspn(name, ":");

	return strncmp(field, name, len) == 0 && field[len] == ':';
}

static void edit(GPtrArray *fields, const char *edit)
{
	guint i;

	if (edit[0] == '+') {
		g_ptr_array_add(fields, g_strdup(edit + 1));
		return;
	}
	if (edit[0] == '^') {
		g_ptr_array_insert(fields, 0, g_strdup(edit + 1));
		return;
	}
	for (i = fields->len; i-- > 0;) {
		char **field = (char **)&fields->pdata[i];

		if (!has_name(*field, edit + 1))
			continue;
		if (edit[0] == '-') {
			g_ptr_array_remove_index(fields, i);
		} else {
			g_free(*field);
			*field = g_strdup(edit + 1);
		}
	}
}

static const char *sender_of(const char *name)
{
	size_t i;

	if (g_str_has_prefix(name, "from "))
		return name + 5;
	for (i = 0; i < G_N_ELEMENTS(requests); i++)
		if (strcmp(requests[i].name, name) == 0)
			return requests[i].sender;
	fail_msg("no request '%s'", name);
	return NULL;
}

static struct rmt_receipt_request *make_request(const char *text, const char *to,
						const struct rmt_config *config)
{
	const struct rmt_request_reading with = {
		(const char *const *)config->receipts.authserv_ids
	};
	g_auto(GStrv) words = g_strsplit(text, " | ", -1);
	g_autoptr(GPtrArray) fields = fields_from(sender_of(words[0]), to);
	g_autoptr(GString) header = g_string_new(NULL);
	g_autofree char *copy = NULL;
	size_t i;

	for (i = 1; words[i] != NULL; i++)
		edit(fields, words[i]);
	for (i = 0; i < fields->len; i++)
		g_string_append_printf(header, "%s\r\n", (char *)fields->pdata[i]);
	copy = g_memdup2(header->str, header->len); /* no NUL behind it */
	return rmt_receipt_request_read(rmt_span(copy, header->len), &with);
}

/* --- facts -------------------------------------------------------------------- */

struct scene {
	const char *user, *envelope, *to;
	char **addresses, **groups; /* own */
	struct rmt_receipt_facts facts;
};

static void set_places(struct scene *scene, const char *value)
{
	g_auto(GStrv) words = g_strsplit(value, ",", -1);
	unsigned bit;
	size_t i;

	for (i = 0; words[i] != NULL; i++) {
		if (!rmt_receipt_place_parse(rmt_span_of(words[i]), &bit))
			fail_msg("no place '%s'", words[i]);
		scene->facts.place |= bit;
	}
}

static void set_age(struct scene *scene, const char *value)
{
	scene->facts.received_at =
		strcmp(value, "none") == 0 ? 0 : NOW - atoi(value) * DAY;
}

static void set_addresses(struct scene *scene, const char *value)
{
	g_strfreev(scene->addresses);
	scene->addresses = strcmp(value, "none") == 0 || strcmp(value, "login") == 0
				   ? g_new0(char *, 1)
				   : g_strsplit(value, ",", -1);
}

static bool set_word(struct scene *scene, const char *name, const char *value)
{
	struct rmt_receipt_facts *f = &scene->facts;
	struct rmt_span v = rmt_span_of(value);

	if (strcmp(name, "pref") == 0)
		return rmt_receipt_preference_parse(v, &f->preference);
	if (strcmp(name, "sender") == 0)
		return rmt_receipt_preference_parse(v, &f->sender_preference);
	if (strcmp(name, "answer") == 0)
		return rmt_receipt_answer_parse(v, &f->answer);
	if (strcmp(name, "event") == 0)
		f->event = RMT_RECEIPT_DELETED;
	else if (strcmp(name, "place") == 0)
		set_places(scene, value);
	else if (strcmp(name, "age") == 0)
		set_age(scene, value);
	else if (strcmp(name, "user") == 0)
		scene->user = value;
	else if (strcmp(name, "addresses") == 0)
		set_addresses(scene, value);
	else if (strcmp(name, "groups") == 0)
		scene->groups = g_strsplit(value, ",", -1);
	else if (strcmp(name, "envelope") == 0)
		scene->envelope = strcmp(value, "none") == 0 ? NULL : value;
	else if (strcmp(name, "to") == 0)
		scene->to = value;
	else if (strcmp(name, "count-user") == 0)
		f->counts.user = (uint64_t)atoi(value);
	else if (strcmp(name, "count-target") == 0)
		f->counts.target = (uint64_t)atoi(value);
	else if (strcmp(name, "count-sender") == 0)
		f->counts.sender = (uint64_t)atoi(value);
	else
		return false;
	return true;
}

static void set_fact(struct scene *scene, char *word)
{
	char *equals = strchr(word, '=');

	if (strcmp(word, "claimed") == 0)
		scene->facts.claimed = true;
	else if (strcmp(word, "cannot-ask") == 0)
		scene->facts.cannot_ask = true;
	else if (strcmp(word, "-") != 0) {
		assert_non_null(equals);
		*equals = '\0';
		if (!set_word(scene, word, equals + 1))
			fail_msg("fact '%s' of '%s' is unknown", word, equals + 1);
	}
}

/* --- a row ---------------------------------------------------------------------- */

struct table {
	GHashTable *configs; /* name -> struct rmt_config */
	GHashTable *reasons; /* ids that rows wanted */
	unsigned rows, wrong;
};

static void decide(struct scene *scene, const struct rmt_config *config,
		   const char *request_text, struct rmt_receipt_decision *decision_r)
{
	g_autoptr(rmt_receipt_request) request =
		make_request(request_text, scene->to, config);
	g_autoptr(rmt_receipt_user) user = rmt_receipt_user_new(
		scene->user, (const char *const *)scene->addresses,
		(const char *const *)scene->groups, config->fold, NULL);
	g_autoptr(rmt_mailbox) envelope =
		scene->envelope != NULL ? rmt_mailbox_read(rmt_span_of(scene->envelope))
					: NULL;

	scene->facts.request = request;
	scene->facts.user = user;
	scene->facts.envelope = envelope;
	rmt_receipt_decide(config, &scene->facts, decision_r);
	decision_r->recipient = (struct rmt_receipt_recipient){ 0 };
}

static void check_row(struct table *table, const char *line, char **cells)
{
	struct scene scene = {
		.user = "bob",
		.envelope = "bob@example.com",
		.to = "bob@example.com",
		.addresses = g_strsplit("bob@example.com,b.alias@example.com", ",", -1),
		.facts = { .now = NOW, .received_at = NOW - 60 },
	};
	const struct rmt_config *config = g_hash_table_lookup(table->configs, cells[1]);
	g_auto(GStrv) words = g_strsplit(cells[3], " ", -1);
	struct rmt_receipt_decision decision;
	size_t i;

	assert_non_null(config);
	for (i = 0; words[i] != NULL; i++)
		set_fact(&scene, words[i]);
	decide(&scene, config, cells[2], &decision);
	if (strcmp(rmt_receipt_verdict_name(decision.verdict), cells[4]) != 0 ||
	    strcmp(decision.reason->id, cells[5]) != 0) {
		print_error("%.160s\n    got %s, %s\n", line,
			    rmt_receipt_verdict_name(decision.verdict),
			    decision.reason->id);
		table->wrong++;
	}
	g_hash_table_add(table->reasons, g_strdup(cells[5]));
	table->rows++;
	g_strfreev(scene.addresses);
	g_strfreev(scene.groups);
}

static void check_table(struct table *table)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	size_t i;

	assert_true(g_file_get_contents(TABLE, &text, NULL, NULL));
	lines = g_strsplit(text, "\n", -1);
	for (i = 0; lines[i] != NULL; i++) {
		g_auto(GStrv) cells = g_strsplit(lines[i], "\t", -1);

		if (lines[i][0] == '#' || lines[i][0] == '\0')
			continue;
		assert_int_equal(g_strv_length(cells), 6);
		check_row(table, lines[i], cells);
	}
}

static void unref_config(void *config)
{
	rmt_config_unref(config);
}

static void read_configs(struct table *table)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(configs); i++) {
		GPtrArray *complaints;
		struct rmt_config *config = rmt_config_read_text(
			configs[i].name, configs[i].text, &complaints);

		if (config == NULL)
			fail_msg("%s", (char *)g_ptr_array_index(complaints, 0));
		g_ptr_array_unref(complaints);
		g_hash_table_insert(table->configs, (void *)configs[i].name, config);
	}
}

static void every_row_of_the_table_holds_and_every_reason_has_one(void **state)
{
	struct table table = {
		g_hash_table_new_full(g_str_hash, g_str_equal, NULL, unref_config),
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL), 0, 0
	};
	const struct rmt_receipt_reason *reason;
	size_t i;

	(void)state;
	read_configs(&table);
	check_table(&table);
	for (i = 0; (reason = rmt_receipt_reason_at(i)) != NULL; i++)
		if (!g_hash_table_contains(table.reasons, reason->id))
			fail_msg("no row wants the reason '%s'", reason->id);
	g_hash_table_unref(table.configs);
	g_hash_table_unref(table.reasons);
	if (table.wrong > 0)
		fail_msg("%u of %u rows do not hold", table.wrong, table.rows);
	assert_true(table.rows >= 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_of_the_table_holds_and_every_reason_has_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
