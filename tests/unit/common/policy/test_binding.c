/* SPDX-License-Identifier: MIT */
/* Who logged in sends for their own domain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/policy/binding.h"
#include "tests/unit/config.h"

static const char text[] =
	"organization = [\"example.com\", \"example.co.uk\"]\n"
	"streams: {\n"
	" off: { senders = [\"<>\"] }\n"
	" relaxed: { senders = [\"<>\"] binding: { level = \"reject\"\n"
	"  users = [\"news news.example.com a.walk.example\", \"ann@example.com "
	"other.org\"] } }\n"
	" strict: { senders = [\"<>\"] binding: { level = \"reject\" align = \"strict\" "
	"} } }\n";

/* What DNS would tell: walk.example says psd=n below which all is one. */
static bool walk(void *context, struct rmt_span domain, struct rmt_span *org_r)
{
	(void)context;
	if (rmt_span_ends_nocase(domain, RMT_SPAN("slow.example")))
		return false;
	*org_r = domain;
	if (rmt_span_ends_nocase(domain, RMT_SPAN("walk.example")))
		*org_r = RMT_SPAN("walk.example");
	return true;
}

static void a_user_sends_for_what_is_theirs(void **state)
{
	static const struct {
		const char *stream, *user, *domain;
		enum rmt_bound with_list, without;
	} rows[] = {
		{ "off", "ann@a.example", "b.example", RMT_BOUND_HERE, RMT_BOUND_HERE },
		{ "relaxed", "", "b.example", RMT_BOUND_HERE, RMT_BOUND_HERE },
		{ "relaxed", "bob@a.example", "a.example", RMT_BOUND_HERE,
		  RMT_BOUND_HERE },
		{ "relaxed", "bob@A.Example", "a.example", RMT_BOUND_HERE,
		  RMT_BOUND_HERE },
		{ "relaxed", "bob@example.com", "example.org", RMT_BOUND_ELSEWHERE,
		  RMT_BOUND_ELSEWHERE },
		/* One organisation, by the list alone. */
		{ "relaxed", "bob@a.example.com", "b.example.com", RMT_BOUND_HERE,
		  RMT_BOUND_ELSEWHERE },
		{ "strict", "bob@a.example.com", "b.example.com", RMT_BOUND_ELSEWHERE,
		  RMT_BOUND_ELSEWHERE },
		{ "strict", "bob@a.example.com", "a.example.com", RMT_BOUND_HERE,
		  RMT_BOUND_HERE },
		/* A public suffix belongs to nobody. */
		{ "relaxed", "bob@co.uk", "example.co.uk", RMT_BOUND_ELSEWHERE,
		  RMT_BOUND_ELSEWHERE },
		{ "relaxed", "bob@one.co.uk", "two.co.uk", RMT_BOUND_ELSEWHERE,
		  RMT_BOUND_ELSEWHERE },
		/* By the walk. */
		{ "relaxed", "bob@a.walk.example", "b.walk.example", RMT_BOUND_HERE,
		  RMT_BOUND_HERE },
		{ "relaxed", "bob@example.net", "slow.example", RMT_BOUND_UNKNOWN,
		  RMT_BOUND_UNKNOWN },
		{ "relaxed", "bob@slow.example", "example.net", RMT_BOUND_UNKNOWN,
		  RMT_BOUND_UNKNOWN },
		/* Listed: in place of their own. */
		{ "relaxed", "news", "news.example.com", RMT_BOUND_HERE, RMT_BOUND_HERE },
		{ "relaxed", "news", "b.walk.example", RMT_BOUND_HERE, RMT_BOUND_HERE },
		{ "relaxed", "news", "example.net", RMT_BOUND_ELSEWHERE,
		  RMT_BOUND_ELSEWHERE },
		{ "relaxed", "ann@example.com", "other.org", RMT_BOUND_HERE,
		  RMT_BOUND_HERE },
		{ "relaxed", "ann@example.com", "example.com", RMT_BOUND_ELSEWHERE,
		  RMT_BOUND_ELSEWHERE },
		/* A plain name: the organisation's. */
		{ "relaxed", "root", "example.com", RMT_BOUND_HERE, RMT_BOUND_HERE },
		{ "relaxed", "root", "example.co.uk", RMT_BOUND_HERE, RMT_BOUND_HERE },
		{ "relaxed", "root", "example.net", RMT_BOUND_ELSEWHERE,
		  RMT_BOUND_ELSEWHERE },
	};
	g_autoptr(rmt_config) config = test_config(text);
	g_autoptr(rmt_psl) psl = rmt_psl_open();
	struct rmt_org_view views[] = { { psl, walk, NULL }, { NULL, walk, NULL } };
	size_t i, k;

	(void)state;
	if (psl == NULL)
		skip(); /* no list of public suffixes on this machine */
	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		for (k = 0; k < 2; k++) {
			enum rmt_bound got = rmt_binding_check(
				config, rmt_config_stream(config, rows[i].stream),
				&views[k], rmt_span_of(rows[i].user),
				rmt_span_of(rows[i].domain));

			if (got != (k == 0 ? rows[i].with_list : rows[i].without))
				print_error("%s for %s, view %zu\n", rows[i].user,
					    rows[i].domain, k);
			assert_int_equal(got,
					 k == 0 ? rows[i].with_list : rows[i].without);
		}
}

static void without_an_organisation_a_plain_name_is_not_bound(void **state)
{
	g_autoptr(rmt_config) config =
		test_config("streams: { a: { binding: { level = \"reject\" } } }");
	const struct rmt_org_view view = { NULL };

	(void)state;
	assert_int_equal(rmt_binding_check(config, config->streams->pdata[0], &view,
					   RMT_SPAN("root"), RMT_SPAN("example.net")),
			 RMT_BOUND_HERE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_user_sends_for_what_is_theirs),
		cmocka_unit_test(without_an_organisation_a_plain_name_is_not_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
