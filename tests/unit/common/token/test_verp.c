/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/token/verp.h"

enum { NOW = 1795312800, DAY = 86400, AGE = 60 * DAY };

static struct rmt_verp_ring *ring_of(unsigned id, const char *secret)
{
	struct rmt_verp_ring *ring = rmt_verp_ring_new();

	rmt_verp_ring_add(ring, id, (const unsigned char *)secret, strlen(secret));
	return ring;
}

static struct rmt_verp_form form_of(const char *address, unsigned ids)
{
	struct rmt_verp_form form;

	assert_true(rmt_verp_form(rmt_span_of(address), ids, &form, NULL));
	return form;
}

static const struct rmt_span news[] = { { "news", 4 }, { "k3f9q2ab", 8 } };

static void make(const struct rmt_verp_ring *ring, const char *recipient, int64_t now,
		 struct rmt_verp_made *made)
{
	struct rmt_verp_form form = form_of("b@b.example", 2);
	g_autoptr(GError) err = NULL;

	if (!rmt_verp_make(ring, &form, news, rmt_span_of(recipient), now, made, &err))
		fail_msg("%s", err->message);
}

static enum rmt_verp_result read_at(const struct rmt_verp_ring *ring, const char *address,
				    int64_t now, struct rmt_verp_parts *parts)
{
	struct rmt_verp_form form = form_of("b@b.example", 2);

	return rmt_verp_read(ring, &form, rmt_span_of(address), now, AGE, parts);
}

static void assert_span(struct rmt_span got, const char *want)
{
	g_autofree char *text = g_strndup(got.p != NULL ? got.p : "", got.len);

	assert_string_equal(text, want);
}

static void what_is_made_is_read(void **state)
{
	static const struct {
		const char *recipient;
		bool is_short;
	} cases[] = {
		{ "ann@example.org", false },
		{ "ann+tag@example.org", false },
		{ "a=b=c@example.org", false },
		{ "ann+h+aaaaaaaaaaaaaaaa@example.org", false }, /* 64 octets */
		{ "ann+h+aaaaaaaaaaaaaaaab@example.org", true },
		{ "o'brien_x-y@example.org", false },
		{ "\"ann b\"@example.org", true },
		{ "ann%home@example.org", true },
		{ "a!b@example.org", true },
		{ "a..b@example.org", true },
		{ ".a@example.org", true },
		{ "jos\xc3\xa9@example.org", true },
		{ "postmaster", true }, /* no domain */
		{ "this.is.a.long.name@department.example.org", true },
		{ "a@xn--bcher-kva.example", false },
	};
	g_autofree struct rmt_verp_made *made = g_new0(struct rmt_verp_made, 1);
	struct rmt_verp_ring *ring = ring_of(3, "secret");
	struct rmt_verp_parts parts;
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		make(ring, cases[i].recipient, NOW, made);
		assert_int_equal(made->is_short, cases[i].is_short);
		assert_true(strcspn(made->address, "@") <= RMT_VERP_LOCAL_MAX);
		assert_int_equal(read_at(ring, made->address, NOW, &parts),
				 cases[i].is_short ? RMT_VERP_SHORT : RMT_VERP_PROVEN);
		assert_span(parts.ids[0], "news");
		assert_span(parts.ids[1], "k3f9q2ab");
		assert_string_equal(parts.token, made->token);
		if (!cases[i].is_short)
			assert_span(parts.recipient, cases[i].recipient);
	}
	rmt_verp_ring_free(ring);
}

static void a_message_form_names_whom_postfix_appended_but_proves_nothing(void **state)
{
	struct rmt_verp_ring *ring = ring_of(0, "secret");
	struct rmt_verp_made made;
	struct rmt_verp_parts parts;
	char **halves;
	g_autofree char *expanded = NULL;

	(void)state;
	make(ring, "", NOW, &made);
	assert_int_equal(read_at(ring, made.address, NOW, &parts), RMT_VERP_MESSAGE);
	assert_int_equal(parts.recipient.len, 0);
	halves = g_strsplit(made.address, "@", 2);
	expanded = g_strdup_printf("%s+Bob+Tag=Dest.Example@%s", halves[0], halves[1]);
	assert_int_equal(read_at(ring, expanded, NOW, &parts), RMT_VERP_MESSAGE);
	assert_span(parts.recipient, "bob+tag@dest.example");
	g_strfreev(halves);
	rmt_verp_ring_free(ring);
}

static void each_change_of_an_address_is_a_forgery(void **state)
{
	struct rmt_verp_ring *ring = ring_of(0, "secret");
	struct rmt_verp_made made;
	struct rmt_verp_parts parts;
	size_t i, at;

	(void)state;
	make(ring, "ann@example.org", NOW, &made);
	at = strcspn(made.address, "@");
	for (i = 2; i < at; i++) {
		char kept = made.address[i];
		enum rmt_verp_result result;

		made.address[i] = kept == 'x' ? 'y' : 'x';
		result = read_at(ring, made.address, NOW, &parts);
		assert_true(result == RMT_VERP_FORGED || result == RMT_VERP_FOREIGN);
		made.address[i] = kept;
	}
	assert_int_equal(read_at(ring, made.address, NOW, &parts), RMT_VERP_PROVEN);
	rmt_verp_ring_free(ring);
}

static void what_is_not_ours_is_told_from_what_is_forged(void **state)
{
	static const struct {
		const char *address;
		enum rmt_verp_result want;
	} cases[] = {
		{ "ann@example.org", RMT_VERP_FOREIGN },
		{ "", RMT_VERP_FOREIGN },
		{ "b", RMT_VERP_FOREIGN },
		{ "bob@b.example", RMT_VERP_FOREIGN },
		{ "b@b.example", RMT_VERP_BARE },
		{ "B@B.EXAMPLE", RMT_VERP_BARE },
		{ "b+@b.example", RMT_VERP_FORGED },
		{ "b+news@b.example", RMT_VERP_FORGED },
		{ "b+news+k3@b.example", RMT_VERP_FORGED },
		{ "b+news+k3+aaaaaaaaaaaaa@b.example", RMT_VERP_FORGED },
		{ "b+news+k3+aaaaaaaaaaaaa+ann=example.org@b.example", RMT_VERP_FORGED },
		{ "b+news+k3+h+aaaa@b.example", RMT_VERP_FORGED },
		{ "b+news+k3+h+aaaaaaaaaaaaaaaa@b.example", RMT_VERP_SHORT },
		{ "b+ne ws+k3+h+aaaaaaaaaaaaaaaa@b.example", RMT_VERP_FORGED },
		{ "b+news+k3+7aaaaaaaaaaaa@b.example", RMT_VERP_FORGED }, /* no key */
	};
	struct rmt_verp_ring *ring = ring_of(0, "secret");
	struct rmt_verp_parts parts;
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++)
		assert_int_equal(read_at(ring, cases[i].address, NOW, &parts),
				 cases[i].want);
	rmt_verp_ring_free(ring);
}

static void an_address_survives_its_way(void **state)
{
	static const char *const ways[] = {
		"%s@%s",
		"<%s@%s>",
		"prvs=4012345678=%s@%s",
		"prvs=%s=4012345678@%s",
		"btv1==0123456789==%s@%s",
		"SRS0=abcd=XY=%2$s=%1$s@forwarder.example",
		"srs0+abcd=XY=%2$s=%1$s@forwarder.example",
		"SRS1=abcd=first.example==abcd=XY=%2$s=%1$s@second.example",
		"prvs=4012345678=SRS0=abcd=XY=%2$s=%1$s@forwarder.example",
	};
	struct rmt_verp_ring *ring = ring_of(9, "secret");
	struct rmt_verp_made made;
	struct rmt_verp_parts parts;
	char **halves;
	size_t i;

	(void)state;
	make(ring, "ann+x@example.org", NOW, &made);
	halves = g_strsplit(made.address, "@", 2);
	for (i = 0; i < G_N_ELEMENTS(ways); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		g_autofree char *way = g_strdup_printf(ways[i], halves[0], halves[1]);
#pragma GCC diagnostic pop
		g_autofree char *upper = g_ascii_strup(way, -1);

		assert_int_equal(read_at(ring, way, NOW, &parts), RMT_VERP_PROVEN);
		assert_span(parts.recipient, "ann+x@example.org");
		assert_int_equal(read_at(ring, upper, NOW, &parts), RMT_VERP_PROVEN);
		assert_span(parts.recipient, "ann+x@example.org");
	}
	g_strfreev(halves);
	rmt_verp_ring_free(ring);
}

static void a_tag_knows_its_day_and_ends(void **state)
{
	struct rmt_verp_ring *ring = ring_of(0, "secret");
	struct rmt_verp_made made;
	struct rmt_verp_parts parts;

	(void)state;
	make(ring, "ann@example.org", NOW, &made);
	assert_int_equal(read_at(ring, made.address, NOW + 59 * DAY, &parts),
			 RMT_VERP_PROVEN);
	assert_int_equal(parts.made, NOW / DAY * DAY);
	assert_int_equal(read_at(ring, made.address, NOW + 61 * DAY, &parts),
			 RMT_VERP_EXPIRED);
	/* a clock that is late by a day */
	assert_int_equal(read_at(ring, made.address, NOW - DAY, &parts), RMT_VERP_PROVEN);
	rmt_verp_ring_free(ring);
}

static void an_older_key_is_believed_while_it_is_in_the_ring(void **state)
{
	struct rmt_verp_ring *old = ring_of(1, "old"), *both = ring_of(2, "new");
	struct rmt_verp_ring *another = ring_of(1, "another");
	struct rmt_verp_made made;
	struct rmt_verp_parts parts;

	(void)state;
	make(old, "ann@example.org", NOW, &made);
	rmt_verp_ring_add(both, 1, (const unsigned char *)"old", 3);
	assert_int_equal(read_at(both, made.address, NOW, &parts), RMT_VERP_PROVEN);
	assert_int_equal(parts.key, 1);
	assert_int_equal(read_at(another, made.address, NOW, &parts), RMT_VERP_FORGED);
	make(both, "ann@example.org", NOW, &made);
	assert_int_equal(read_at(old, made.address, NOW, &parts), RMT_VERP_FORGED);
	rmt_verp_ring_free(old);
	rmt_verp_ring_free(both);
	rmt_verp_ring_free(another);
}

static void what_cannot_be_an_address_is_refused_in_words(void **state)
{
	static const char *const roots[] = { "",
					     "bounces",
					     "@b.example",
					     "B@b.example",
					     "b+c@b.example",
					     "b@",
					     "b@b example",
					     "averyverylongroot@b.example" };
	static const struct rmt_span bad[] = { { "News", 4 }, { "x", 1 } };
	struct rmt_verp_form form;
	struct rmt_verp_ring *empty = rmt_verp_ring_new();
	struct rmt_verp_made made;
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(roots); i++)
		assert_false(rmt_verp_form(rmt_span_of(roots[i]), 1, &form, NULL));
	assert_false(rmt_verp_form(rmt_span_of("b@b.example"), 4, &form, NULL));
	form = form_of("b@b.example", 2);
	assert_false(
		rmt_verp_make(empty, &form, news, rmt_span_of("a@b"), NOW, &made, NULL));
	rmt_verp_ring_free(empty);
	empty = ring_of(0, "x");
	assert_false(
		rmt_verp_make(empty, &form, bad, rmt_span_of("a@b"), NOW, &made, NULL));
	rmt_verp_ring_free(empty);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_made_is_read),
		cmocka_unit_test(
			a_message_form_names_whom_postfix_appended_but_proves_nothing),
		cmocka_unit_test(each_change_of_an_address_is_a_forgery),
		cmocka_unit_test(what_is_not_ours_is_told_from_what_is_forged),
		cmocka_unit_test(an_address_survives_its_way),
		cmocka_unit_test(a_tag_knows_its_day_and_ends),
		cmocka_unit_test(an_older_key_is_believed_while_it_is_in_the_ring),
		cmocka_unit_test(what_cannot_be_an_address_is_refused_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
