/* SPDX-License-Identifier: MIT */
/* The fields of RFC 8058 in front of the signer: one of each, never two. E01, E06.
 * Live: test_unsubscribe_fields. */
#include "tests/unit/postfix-policy/milter/step_house.h"

#include "common/token/unsub.h"

#define LINKS "https = \"https://m.example/u/\" mailto = \"leave@b.example\""

static void *step; /* of all tests: a step is never closed */

static void begin(struct step_house *house, const char *settings)
{
	g_autofree char *unsubscribe = g_strdup_printf("unsubscribe: { %s }", settings);

	house_begin(house, RMT_PLACE_BEFORE, unsubscribe, true);
	if (step == NULL)
		assert_true(rmt_step_unsubscribe.open(&house->milter, &step, NULL));
}

/* recipients and fields (name, value, ...) up to NULL. */
static void run(struct step_house *house, const char *sender,
		const char *const *recipients, const char *const *fields)
{
	rmt_session_begin(house->session, sender);
	for (; *recipients != NULL; recipients++)
		rmt_session_recipient(house->session, *recipients);
	for (; *fields != NULL; fields += 2)
		rmt_session_header(house->session, NULL, fields[0], fields[1], false);
	house_message(house);
	rmt_step_unsubscribe.run(&house->message, step);
}

/* "+Name: value", "-Name 2", "=Name 1: value"; a link's token is T. */
static char *edits_of(const struct step_house *house)
{
	GString *out = g_string_new(NULL);
	guint i;

	for (i = 0; i < house->message.edits->len; i++) {
		const struct rmt_edit *edit = house->message.edits->pdata[i];

		if (edit->kind == RMT_EDIT_ADD)
			g_string_append_printf(out, "+%s: %s; ", edit->name, edit->value);
		else if (edit->value == NULL)
			g_string_append_printf(out, "-%s %d; ", edit->name, edit->nth);
		else
			g_string_append_printf(out, "=%s %d: %s; ", edit->name, edit->nth,
					       edit->value);
	}
	return g_string_free(out, FALSE);
}

static char *without_tokens(const char *text)
{
	g_autoptr(GRegex) regex =
		g_regex_new("(/u/|unsubscribe%20)[a-z2-7]{40,}", 0, 0, NULL);

	return g_regex_replace(regex, text, -1, 0, "\\1T", 0, NULL);
}

static void must_edit(const struct step_house *house, const char *want)
{
	g_autofree char *got = edits_of(house);
	g_autofree char *short_got = without_tokens(got);

	assert_string_equal(short_got, want);
}

#define BOTH                                                                             \
	"+List-Unsubscribe: <https://m.example/u/T>,\n\t"                                \
	"<mailto:leave@b.example?subject=unsubscribe%20T>; "                             \
	"+List-Unsubscribe-Post: List-Unsubscribe=One-Click; "

static const char *const ann[] = { "<ann@example.org>", NULL };
static const char *const two[] = { "<ann@example.org>", "<bob@example.org>", NULL };
static const char *const plain[] = { "From", "a@news.example", NULL };
static const char *const own[] = { "List-Unsubscribe", "<https://app.example/x>",
				   "List-Unsubscribe-Post", "List-Unsubscribe=One-Click",
				   NULL };
static const char *const twice[] = { "List-Unsubscribe", "<https://app.example/x>",
				     "list-unsubscribe", "<https://app.example/y>",
				     NULL };

static void E01_who_is_told_to_adds_both(void **state)
{
	struct step_house house;

	(void)state;
	begin(&house, LINKS " add = \"milter\"");
	run(&house, "<a@news.example>", ann, plain);
	must_edit(&house, BOTH);
	house_end(&house);
}

static void the_token_is_of_stream_and_recipient(void **state)
{
	g_autoptr(GString) buffer = g_string_new(NULL);
	g_autoptr(rmt_sealer) sealer = NULL;
	const struct rmt_edit *edit;
	struct rmt_span token;
	struct step_house house;
	struct rmt_unsub unsub;

	(void)state;
	begin(&house, LINKS " add = \"milter\"");
	run(&house, "<a@news.example>", ann, plain);
	edit = house.message.edits->pdata[0];
	token = rmt_span_of(edit->value + strlen("<https://m.example/u/"));
	token.len = strcspn(token.p, ">");
	sealer = rmt_sealer_new(house.ring.keys, RMT_PURPOSE_UNSUBSCRIBE,
				house.message.now);
	assert_int_equal(rmt_unsub_token_open(sealer, token, buffer, &unsub),
			 RMT_TOKEN_OK);
	assert_true(rmt_span_eq(unsub.stream, RMT_SPAN("news")));
	assert_true(rmt_span_eq(unsub.recipient, RMT_SPAN("ann@example.org")));
	house_end(&house);
}

static void what_policyd_adds_is_left_to_policyd(void **state)
{
	struct step_house house;

	(void)state;
	begin(&house, LINKS);
	run(&house, "<a@news.example>", ann, plain);
	must_edit(&house, "");
	house_end(&house);
}

static void other_streams_and_settings_are_let_be(void **state)
{
	struct step_house house;

	(void)state;
	begin(&house, LINKS " add = \"nobody\"");
	run(&house, "<a@news.example>", ann, own);
	must_edit(&house, "");
	house_end(&house);
	begin(&house, LINKS " add = \"milter\"");
	run(&house, "<a@shop.example>", ann, plain);
	must_edit(&house, "");
	house_end(&house);
}

static void of_the_applications_fields_none_or_one_stays(void **state)
{
	static const struct {
		const char *settings;
		const char *const *fields;
		const char *want;
	} cases[] = {
		{ LINKS " add = \"milter\"", own,
		  "-List-Unsubscribe 1; " /* and ours beside the pair that is there */
		  "+List-Unsubscribe: <https://m.example/u/T>,\n\t"
		  "<mailto:leave@b.example?subject=unsubscribe%20T>; " },
		{ LINKS " add = \"milter\"", twice,
		  "-List-Unsubscribe 2; -List-Unsubscribe 1; " BOTH },
		{ LINKS " add = \"milter\" own = \"keep\"", own, "" },
		{ LINKS " add = \"milter\" own = \"keep\"", twice,
		  "-List-Unsubscribe 2; " },
		{ LINKS, own, /* policyd could not know */
		  "-List-Unsubscribe 1; "
		  "+List-Unsubscribe: <https://m.example/u/T>,\n\t"
		  "<mailto:leave@b.example?subject=unsubscribe%20T>; " },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct step_house house;

		begin(&house, cases[i].settings);
		run(&house, "<a@news.example>", ann, cases[i].fields);
		must_edit(&house, cases[i].want);
		house_end(&house);
	}
}

static void E06_several_recipients_are_refused_or_get_the_address_alone(void **state)
{
	struct step_house house;

	(void)state;
	begin(&house, LINKS " add = \"milter\"");
	run(&house, "<a@news.example>", two, plain);
	must_edit(&house, "");
	assert_int_equal(rmt_message_level_so_far(&house.message), RMT_LEVEL_REJECT);
	house_end(&house);
	begin(&house, LINKS " add = \"milter\" several = \"mailto\"");
	run(&house, "<a@news.example>", two, plain);
	must_edit(&house,
		  "+List-Unsubscribe: <mailto:leave@b.example?subject=unsubscribe>; ");
	house_end(&house);
}

static void without_keys_mail_goes_on_without_a_link(void **state)
{
	struct step_house house;

	(void)state;
	begin(&house, LINKS " add = \"milter\"");
	g_unlink(house.ring.path);
	run(&house, "<a@news.example>", ann, plain);
	must_edit(&house, "");
	assert_int_equal(rmt_message_level_so_far(&house.message), RMT_LEVEL_OFF);
	house_end(&house);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(E01_who_is_told_to_adds_both),
		cmocka_unit_test(the_token_is_of_stream_and_recipient),
		cmocka_unit_test(what_policyd_adds_is_left_to_policyd),
		cmocka_unit_test(other_streams_and_settings_are_let_be),
		cmocka_unit_test(of_the_applications_fields_none_or_one_stays),
		cmocka_unit_test(
			E06_several_recipients_are_refused_or_get_the_address_alone),
		cmocka_unit_test(without_keys_mail_goes_on_without_a_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
