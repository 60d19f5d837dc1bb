/* SPDX-License-Identifier: MIT */
/* remite-http without Dovecot: what each request gets, and what it changes. E02 to E04,
 * pitfall 24. Live: test_http. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/store/suppress.h"
#include "common/token/consent.h"
#include "common/token/unsub.h"
#include "dovecot-plugin/http/site.h"
#include "tests/unit/config.h"
#include "tests/unit/dovecot-plugin/http/readable.h"
#include "tests/unit/ring.h"

enum { NOW = 1795321652, HOUR = 3600 };
#define PAIR "List-Unsubscribe=One-Click"
#define FORM "application/x-www-form-urlencoded"

static const char config_text[] =
	"mode = \"enforce\"\n"
	"http: { rate = \"5/minute\" undo = \"1h\" }\n"
	"streams: { news: { senders = [\"*@news.example\"]\n"
	"  unsubscribe: { https = \"https://m.example/u/\" title = \"Ann & Bob\" } } }\n";

struct house {
	struct test_ring ring;
	char *records; /* own */
	struct rmt_site *site;
	struct rmt_http_reply reply;
	bool answered;
	int64_t now;
};

/* Own. */
static struct rmt_config *config_of(const struct house *house, const char *more)
{
	g_autofree char *text =
		g_strconcat("state = \"", house->ring.folder, "\"\nkeys = \"",
			    house->ring.path, "\"\n", more, NULL);

	return test_config(text);
}

static int start(void **state)
{
	struct house *house = g_new0(struct house, 1);
	struct rmt_store *store = NULL;
	g_autofree char *uri = NULL;

	test_ring_make(&house->ring, 1);
	house->records = g_build_filename(house->ring.folder, "records", NULL);
	house->now = NOW;
	uri = g_strconcat("lmdb:", house->records, NULL);
	assert_true(rmt_store_open(&store, uri, false, NULL));
	house->site = rmt_site_new(config_of(house, config_text), store);
	rmt_http_reply_init(&house->reply);
	*state = house;
	return 0;
}

static int stop(void **state)
{
	struct house *house = *state;
	g_autofree char *lock = g_strconcat(house->records, "-lock", NULL);

	rmt_site_free(house->site);
	rmt_http_reply_clear(&house->reply);
	g_unlink(house->records);
	g_unlink(lock);
	test_ring_clear(&house->ring);
	g_free(house->records);
	g_free(house);
	return 0;
}

static char *link_of(const struct house *house, const char *recipient)
{
	g_autoptr(rmt_sealer) sealer =
		rmt_sealer_new(house->ring.keys, RMT_PURPOSE_UNSUBSCRIBE, NOW);
	const struct rmt_unsub unsub = { .stream = RMT_SPAN("news"),
					 .recipient = rmt_span_of(recipient) };
	GString *link = g_string_new("/u/");

	assert_true(rmt_unsub_token_make(sealer, &unsub, link, NULL));
	return g_string_free(link, FALSE);
}

static char *consent_of(const struct house *house, int64_t until)
{
	g_autoptr(rmt_sealer) sealer =
		rmt_sealer_new(house->ring.keys, RMT_PURPOSE_CONSENT, NOW);
	const struct rmt_consent consent = { .user = "ann", .until = until };
	GString *link = g_string_new("/r/");

	rmt_consent_seal(sealer, &consent, link);
	return g_string_free(link, FALSE);
}

static void answered(void *context)
{
	((struct house *)context)->answered = true;
}

/* The status; *result_r (may be NULL): how the site took it. */
static unsigned ask(struct house *house, enum rmt_method method, const char *target,
		    const char *type, const char *body, enum rmt_site_result *result_r)
{
	const struct rmt_http_request request = {
		.method = method,
		.target = rmt_span_of(target),
		.content_type = rmt_span_of(type),
		.body = rmt_span_of(body),
		.accept_language = RMT_SPAN("en"),
		.peer = RMT_SPAN("203.0.113.9"),
		.now = house->now,
		.now_ns = house->now * 1000000000,
	};
	enum rmt_site_result result;

	rmt_http_reply_clear(&house->reply);
	rmt_http_reply_init(&house->reply);
	house->answered = false;
	result = rmt_site_handle(house->site, &request, &house->reply, answered, house);
	if (result == RMT_SITE_LATER) {
		assert_false(house->answered);
		rmt_site_turn(house->site);
		wait_readable(rmt_site_fd(house->site));
		rmt_site_kept(house->site);
		assert_true(house->answered);
	}
	if (result_r != NULL)
		*result_r = result;
	return house->reply.status;
}

static unsigned post(struct house *house, const char *target, const char *body)
{
	return ask(house, RMT_METHOD_POST, target, FORM, body, NULL);
}

/* "scope reason", or "". */
static char *barred(struct house *house, const char *address)
{
	g_autofree char *uri = g_strconcat("lmdb:", house->records, NULL);
	g_autoptr(GPtrArray) entries = NULL;
	struct rmt_store *store = NULL;
	const struct rmt_suppression *entry;
	char *text;

	/* The site has it open: once in a process. */
	rmt_site_free(house->site);
	assert_true(rmt_store_open(&store, uri, true, NULL));
	assert_true(rmt_suppress_find(store, address, &entries, NULL));
	entry = entries->len > 0 ? entries->pdata[0] : NULL;
	text = entry != NULL ? g_strdup_printf("%s %s", entry->scope, entry->reason)
			     : g_strdup("");
	rmt_store_close(&store);
	house->site = NULL;
	return text;
}

static void must_be(struct house *house, const char *address, const char *want)
{
	g_autofree char *got = barred(house, address);

	assert_string_equal(got, want);
}

static void E03_the_pair_by_post_unsubscribes(void **state)
{
	struct house *house = *state;
	g_autofree char *link = link_of(house, "Ann@EXAMPLE.org");

	assert_int_equal(post(house, link, PAIR), 200);
	assert_string_equal(house->reply.body->str, "unsubscribed\n");
	assert_int_equal(post(house, link, PAIR), 200); /* E04: again, the same */
	assert_string_equal(house->reply.body->str, "unsubscribed\n");
	must_be(house, "ann@example.org", "stream:news unsubscribe");
}

static void E03_nothing_else_does(void **state)
{
	struct house *house = *state;
	static const struct {
		enum rmt_method method;
		const char *type, *body;
		unsigned want;
	} cases[] = {
		{ RMT_METHOD_GET, "", "", 200 },
		{ RMT_METHOD_HEAD, "", "", 200 },
		{ RMT_METHOD_OTHER, FORM, PAIR, 405 },
		{ RMT_METHOD_POST, FORM, "", 400 },
		{ RMT_METHOD_POST, FORM, "List-Unsubscribe=Two-Click", 400 },
		{ RMT_METHOD_POST, "text/plain", PAIR, 415 },
		{ RMT_METHOD_POST, "application/json", "{}", 415 },
	};
	g_autofree char *link = link_of(house, "ann@example.org");
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		house->now += HOUR; /* the rate is another matter */
		assert_int_equal(ask(house, cases[i].method, link, cases[i].type,
				     cases[i].body, NULL),
				 cases[i].want);
	}
	must_be(house, "ann@example.org", "");
}

static void E02_a_changed_link_is_not_found(void **state)
{
	struct house *house = *state;
	g_autofree char *link = link_of(house, "ann@example.org");
	g_autofree char *consent = consent_of(house, NOW + HOUR);
	g_autofree char *other = g_strconcat("/u/", consent + 3, NULL);

	link[10] = link[10] == 'a' ? 'b' : 'a';
	assert_int_equal(post(house, link, PAIR), 404);
	assert_int_equal(post(house, other, PAIR), 404); /* of another purpose */
	assert_int_equal(post(house, "/", PAIR), 404);
	assert_int_equal(post(house, "/u/", PAIR), 404);
	must_be(house, "ann@example.org", "");
}

static void strangers_have_a_rate_and_good_links_have_none(void **state)
{
	struct house *house = *state;
	g_autofree char *link = link_of(house, "ann@example.org");
	int i;

	for (i = 0; i < 5; i++)
		assert_int_equal(post(house, "/u/x", PAIR), 404);
	assert_int_equal(post(house, "/u/x", PAIR), 429);
	assert_int_equal(house->reply.retry_after_secs, 60);
	assert_int_equal(ask(house, RMT_METHOD_GET, link, "", "", NULL), 429);
	for (i = 0; i < 50; i++)
		assert_int_equal(post(house, link, PAIR), 200);
	must_be(house, "ann@example.org", "stream:news unsubscribe");
}

static char *undo_of(const struct house *house)
{
	const char *at = strstr(house->reply.body->str, "name=\"undo\" value=\"");

	assert_non_null(at);
	at += strlen("name=\"undo\" value=\"");
	return g_strdup_printf("undo=%.*s&page=1", (int)strcspn(at, "\""), at);
}

static void the_page_can_be_taken_back_for_a_while(void **state)
{
	struct house *house = *state;
	g_autofree char *ann = link_of(house, "ann@example.org");
	g_autofree char *bob = link_of(house, "bob@example.org");
	g_autofree char *undo = NULL;

	assert_int_equal(post(house, ann, PAIR "&page=1"), 200);
	assert_non_null(strstr(house->reply.body->str, "Ann &amp; Bob"));
	assert_null(strstr(house->reply.body->str, "ann@"));
	undo = undo_of(house);
	assert_int_equal(post(house, bob, undo), 400); /* of another link */
	house->now += HOUR + 1;
	assert_int_equal(post(house, ann, undo), 410);
	house->now -= 2;
	assert_int_equal(post(house, ann, undo), 200);
	must_be(house, "ann@example.org", "");
}

static void records_that_cannot_be_written_are_no_200(void **state)
{
	struct house *house = *state;
	g_autofree char *uri = g_strconcat("lmdb:", house->records, NULL);
	g_autofree char *link = link_of(house, "ann@example.org");
	struct rmt_store *reader = NULL;

	rmt_site_free(house->site);
	assert_true(rmt_store_open(&reader, uri, true, NULL));
	house->site = rmt_site_new(config_of(house, ""), reader);
	assert_int_equal(post(house, link, PAIR), 503);
	assert_null(strstr(house->reply.body->str, "unsubscribed"));
}

static void a_consent_page_asks_the_agent(void **state)
{
	struct house *house = *state;
	g_autofree char *link = consent_of(house, NOW + HOUR);
	g_autofree char *old = consent_of(house, NOW - 1);
	enum rmt_site_result result;

	ask(house, RMT_METHOD_GET, link, "", "", &result);
	assert_int_equal(result, RMT_SITE_AGENT);
	assert_null(house->reply.ask.choice);
	assert_string_equal(house->reply.ask.user, "ann");
	ask(house, RMT_METHOD_POST, link, FORM, "choice=approve", &result);
	assert_int_equal(result, RMT_SITE_AGENT);
	assert_string_equal(house->reply.ask.choice, "approve");
	assert_int_equal(post(house, link, "choice=anything"), 400);
	assert_int_equal(ask(house, RMT_METHOD_GET, old, "", "", NULL), 410);
}

static const char *get_nothing_but_state(void *context, const char *name)
{
	return strcmp(name, "state") == 0 ? context : NULL;
}

static void the_page_says_what_became_of_the_answer(void **state)
{
	static const struct {
		const char *choice, *state, *want;
		bool taken;
	} cases[] = {
		{ "approve", "approved", "The receipt is sent", true },
		{ "always", "approved", "The receipt is sent", true },
		{ "deny", "denied", "No receipt is sent", true },
		{ "approve", "denied", "No receipt is sent", true }, /* policy, limits */
		{ "approve", NULL, "This was answered already", false },
	};
	struct house *house = *state;
	g_autofree char *link = consent_of(house, NOW + HOUR);
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		const struct rmt_http_request request = { .accept_language =
								  RMT_SPAN("en") };
		g_autofree char *body = g_strconcat("choice=", cases[i].choice, NULL);

		ask(house, RMT_METHOD_POST, link, FORM, body, NULL);
		rmt_site_answer(&request, &house->reply, true, cases[i].taken,
				get_nothing_but_state, (void *)cases[i].state);
		if (strstr(house->reply.body->str, cases[i].want) == NULL)
			fail_msg("%s, %s: %s", cases[i].choice, cases[i].want,
				 house->reply.body->str);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(E03_the_pair_by_post_unsubscribes, start,
						stop),
		cmocka_unit_test_setup_teardown(E03_nothing_else_does, start, stop),
		cmocka_unit_test_setup_teardown(E02_a_changed_link_is_not_found, start,
						stop),
		cmocka_unit_test_setup_teardown(
			strangers_have_a_rate_and_good_links_have_none, start, stop),
		cmocka_unit_test_setup_teardown(the_page_can_be_taken_back_for_a_while,
						start, stop),
		cmocka_unit_test_setup_teardown(records_that_cannot_be_written_are_no_200,
						start, stop),
		cmocka_unit_test_setup_teardown(a_consent_page_asks_the_agent, start,
						stop),
		cmocka_unit_test_setup_teardown(the_page_says_what_became_of_the_answer,
						start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
