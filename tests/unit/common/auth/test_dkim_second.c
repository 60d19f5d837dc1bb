/* SPDX-License-Identifier: MIT */
/* Our verifier and libopendkim over random messages, whole and damaged: what
 * one takes for intact the other does too, in every canonical form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "common/auth/dkim_opendkim.h"
#include "common/auth/zone.h"
#include "tests/lib/dkim_signer.h"

enum { ROUNDS = 1500, SEED = 20261122 };

static EVP_PKEY *key;
static struct rmt_dkim_keys *keys;
static struct rmt_dkim_second *second;
static char *record;
static struct rmt_zone *zone;

static int start(void **state)
{
	g_autofree char *line = NULL, *p = NULL;

	(void)state;
	key = signer_key("RSA", 1024);
	p = signer_public(key);
	record = g_strdup_printf("v=DKIM1; p=%s", p);
	line = g_strdup_printf("s._domainkey.x.example TXT \"%s\"", record);
	zone = rmt_zone_new();
	if (!rmt_zone_add(zone, rmt_span_of(line), NULL))
		return -1;
	keys = rmt_dkim_keys_new(4);
	second = rmt_dkim_opendkim_new();
	return second != NULL ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	rmt_dkim_opendkim_free(second);
	rmt_dkim_keys_free(keys);
	rmt_zone_free(zone);
	g_free(record);
	EVP_PKEY_free(key);
	return 0;
}

/* --- random messages -------------------------------------------------------------- */

static void append_random(GRand *random, GString *out, const char *const *pieces,
			  size_t count, int most)
{
	int n = g_rand_int_range(random, 0, most + 1);

	while (n-- > 0)
		g_string_append(out, pieces[g_rand_int_range(random, 0, (gint32)count)]);
}

static char *random_message(GRand *random)
{
	static const char *const names[] = {
		"To", "Subject", "cc", "X-A", "To  ", "Date", "X-LONG", "List-Unsubscribe"
	};
	static const char *const values[] = { " ",    "\t",       "  ",     "a",
					      "word", "\r\n ",    "\r\n\t", "<a@b>",
					      ":",    "\xc3\xb6", ";",      "=" };
	static const char *const lines[] = { "\r\n",     " ",      "\t",         "text",
					     "\r\n\r\n", "  x",    "\xc3\xb6",   ".",
					     " \r\n",    "\t\r\n", "longer line" };
	GString *out = g_string_new("From: Ann <ann@x.example>\r\n");
	int fields = g_rand_int_range(random, 0, 8);

	while (fields-- > 0) {
		g_string_append_printf(
			out,
			"%s:", names[g_rand_int_range(random, 0, G_N_ELEMENTS(names))]);
		append_random(random, out, values, G_N_ELEMENTS(values), 8);
		g_string_append(out, "end\r\n");
	}
	g_string_append(out, "\r\n");
	append_random(random, out, lines, G_N_ELEMENTS(lines), 30);
	g_string_append(out, "\r\n"); /* else libopendkim forgets RFC 6376, 3.4.4 */
	return g_string_free(out, FALSE);
}

static char *random_tags(GRand *random)
{
	static const char *const canons[] = { "simple/simple",  "simple/relaxed",
					      "relaxed/simple", "relaxed/relaxed",
					      "simple",         "relaxed" };
	static const char *const more[] = {
		":to",   ":Subject", ":cc",   ":x-a",    ":list-unsubscribe",
		":from", ": to",     ":date", ":absent", ":x-long"
	};
	GString *out = g_string_new(NULL);

	g_string_printf(out, "v=1; a=rsa-sha256; c=%s; d=x.example;\r\n\ts=s; h=from",
			canons[g_rand_int_range(random, 0, G_N_ELEMENTS(canons))]);
	append_random(random, out, more, G_N_ELEMENTS(more), 10);
	if (g_rand_int_range(random, 0, 4) == 0)
		g_string_append_printf(out, "; l=%d", g_rand_int_range(random, 0, 60));
	return g_string_free(out, FALSE);
}

static void damage(GRand *random, GString *message)
{
	static const char octets[] = " \tabc:;=\xff";
	gssize at = g_rand_int_range(random, 0, (gint32)message->len);

	switch (g_rand_int_range(random, 0, 4)) {
	case 0:
		g_string_erase(message, at, 1);
		break;
	case 1:
		message->str[at] =
			octets[g_rand_int_range(random, 0, sizeof(octets) - 1)];
		break;
	case 2:
		g_string_append(message, "tail\r\n");
		break;
	default:
		g_string_insert(message, at, "\r\n ");
		break;
	}
}

/* --- two opinions ------------------------------------------------------------------ */

static enum rmt_dkim_reason own_opinion(struct rmt_span message)
{
	struct rmt_dkim_settings settings = RMT_DKIM_SETTINGS_DEFAULT;
	struct rmt_dkim *dkim = rmt_dkim_new(&settings, keys);
	enum rmt_dkim_reason reason = RMT_DKIM_SYNTAX;

	rmt_dkim_message(dkim, message);
	rmt_zone_run(zone, rmt_dkim_asker(dkim));
	rmt_dkim_finish(dkim, 1700000000);
	if (rmt_dkim_get(dkim, 0) != NULL)
		reason = rmt_dkim_get(dkim, 0)->reason;
	rmt_dkim_free(dkim);
	return reason;
}

static enum rmt_dkim_opinion second_opinion(struct rmt_span message)
{
	struct rmt_header_reader reader = rmt_header_read(message);
	g_autoptr(GArray) fields = g_array_new(FALSE, FALSE, sizeof(struct rmt_span));
	struct rmt_dkim_case which = { .record = rmt_span_of(record),
				       .signature = SIZE_MAX };
	struct rmt_header_field field;

	while (rmt_header_next(&reader, &field)) {
		if (which.signature == SIZE_MAX &&
		    rmt_span_eq_nocase(field.name, RMT_SPAN("DKIM-Signature")))
			which.signature = fields->len;
		g_array_append_val(fields, field.raw);
	}
	which.fields = (const void *)fields->data;
	which.field_count = fields->len;
	which.body = rmt_span_from(message, reader.at);
	return which.signature == SIZE_MAX ? RMT_DKIM_NO : second->ask(second, &which);
}

static bool is_intact(enum rmt_dkim_reason reason)
{
	return reason == RMT_DKIM_OK || reason == RMT_DKIM_BODY_TAIL ||
	       reason == RMT_DKIM_FROM_REPEATED;
}

static bool is_damaged(enum rmt_dkim_reason reason)
{
	return rmt_dkim_reason_result(reason) == RMT_DKIM_FAIL;
}

struct tally {
	unsigned intact, damaged, silent, wrong;
};

/* CR and LF apart from each other cannot come by SMTP; libopendkim takes them
 * for blanks or drops them, we leave them as they are. */
static bool has_stray_end(const GString *message)
{
	size_t i;

	for (i = 0; i < message->len; i++)
		if ((message->str[i] == '\r' && message->str[i + 1] != '\n') ||
		    (message->str[i] == '\n' && (i == 0 || message->str[i - 1] != '\r')))
			return true;
	return false;
}

static void compare(const GString *message, struct tally *tally)
{
	enum rmt_dkim_reason own = own_opinion(rmt_span(message->str, message->len));
	enum rmt_dkim_opinion other =
		second_opinion(rmt_span(message->str, message->len));

	if (other == RMT_DKIM_NO_OPINION || has_stray_end(message))
		tally->silent++;
	else if ((is_intact(own) && other == RMT_DKIM_NO) ||
		 (is_damaged(own) && other == RMT_DKIM_YES)) {
		print_error("'%s' against %d:\n%s\n", rmt_dkim_reason_word(own), other,
			    message->str);
		tally->wrong++;
	} else if (is_intact(own)) {
		tally->intact++;
	} else {
		tally->damaged++;
	}
}

static void both_take_the_same_messages_for_intact(void **state)
{
	GRand *random = g_rand_new_with_seed(SEED);
	struct tally whole = { 0 }, hurt = { 0 };
	int i;

	(void)state;
	for (i = 0; i < ROUNDS; i++) {
		g_autofree char *plain = random_message(random);
		g_autofree char *tags = random_tags(random);
		g_autofree char *text = signer_sign(key, tags, plain);
		g_autoptr(GString) message = g_string_new(text);

		compare(message, &whole);
		damage(random, message);
		compare(message, &hurt);
	}
	g_rand_free(random);
	print_message("whole: %u intact, %u not, %u silent; damaged: %u intact, %u not, "
		      "%u silent\n",
		      whole.intact, whole.damaged, whole.silent, hurt.intact,
		      hurt.damaged, hurt.silent);
	assert_int_equal(whole.wrong + hurt.wrong, 0);
	/* The comparison must have had something to compare. */
	assert_true(whole.intact > ROUNDS / 2 && hurt.damaged > ROUNDS / 3 &&
		    hurt.intact > ROUNDS / 50);
	assert_true(whole.silent + hurt.silent < ROUNDS / 3);
}

/* --- as an option of the verifier ------------------------------------------------- */

static const char *word_with_second(const char *message, struct rmt_dkim_second *asked)
{
	struct rmt_dkim_settings settings = RMT_DKIM_SETTINGS_DEFAULT;
	struct rmt_dkim *dkim;
	const char *word;

	settings.second = asked;
	dkim = rmt_dkim_new(&settings, keys);
	rmt_dkim_message(dkim, rmt_span_of(message));
	rmt_zone_run(zone, rmt_dkim_asker(dkim));
	rmt_dkim_finish(dkim, 1700000000);
	word = rmt_dkim_reason_word(rmt_dkim_get(dkim, 0)->reason);
	rmt_dkim_free(dkim);
	return word;
}

static enum rmt_dkim_opinion always_no(struct rmt_dkim_second *self,
				       const struct rmt_dkim_case *which)
{
	(void)self;
	(void)which;
	return RMT_DKIM_NO;
}

static void a_second_verifier_can_only_refuse(void **state)
{
	g_autofree char *message =
		signer_sign(key, "v=1; a=rsa-sha256; d=x.example; s=s; h=from",
			    "From: ann@x.example\r\n\r\nHi\r\n");
	g_autofree char *later = signer_sign(
		key, "v=1; a=rsa-sha256; d=x.example; s=s; h=from; x=1700000001",
		"From: ann@x.example\r\n\r\nHi\r\n");
	struct rmt_dkim_second no = { always_no };

	(void)state;
	assert_string_equal(word_with_second(message, second), "");
	assert_string_equal(word_with_second(message, &no), "disagree");
	/* Expired by its clock, not by the one given here: it has no say. */
	assert_string_equal(word_with_second(later, second), "");
}

static void the_right_one_of_several_signatures_is_looked_at(void **state)
{
	static const char plain[] = "From: ann@x.example\r\n\r\nHi\r\n";
	g_autofree char *once =
		signer_sign(key, "v=1; a=rsa-sha256; d=x.example; s=s; h=from", plain);
	g_autofree char *bad = g_strconcat("DKIM-Signature: v=1; a=rsa-sha256; "
					   "d=x.example; s=s; h=from; bh=AAAA; b=AAAA\r\n"
					   "DKIM-Signature : rubbish\r\n",
					   once, NULL);
	struct rmt_dkim_settings settings = RMT_DKIM_SETTINGS_DEFAULT;
	struct rmt_dkim *dkim;

	(void)state;
	settings.second = second;
	dkim = rmt_dkim_new(&settings, keys);
	rmt_dkim_message(dkim, rmt_span_of(bad));
	rmt_zone_run(zone, rmt_dkim_asker(dkim));
	rmt_dkim_finish(dkim, 1700000000);
	assert_int_equal(rmt_dkim_get(dkim, 0)->reason, RMT_DKIM_SYNTAX);
	assert_int_equal(rmt_dkim_get(dkim, 1)->reason, RMT_DKIM_SYNTAX);
	assert_int_equal(rmt_dkim_get(dkim, 2)->reason, RMT_DKIM_OK);
	rmt_dkim_free(dkim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_take_the_same_messages_for_intact),
		cmocka_unit_test(a_second_verifier_can_only_refuse),
		cmocka_unit_test(the_right_one_of_several_signatures_is_looked_at),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
