/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/receipts/policy.h"

#define NOW INT64_C(1795312800) /* 2026-11-22T02:00:00Z */

static struct rmt_config *config_of(const char *text)
{
	GPtrArray *complaints;
	struct rmt_config *config = rmt_config_read_text("t.conf", text, &complaints);

	if (config == NULL)
		fail_msg("%s", (char *)g_ptr_array_index(complaints, 0));
	g_ptr_array_unref(complaints);
	return config;
}

#define HEADER                                                                           \
	"Return-Path: <ann@example.com>\r\nDelivered-To: bob@example.com\r\n"            \
	"Received: by x\r\nFrom: Ann <ann@example.com>\r\nTo: bob@example.com\r\n"       \
	"Subject: s\r\nDate: Sat, 21 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@x>\r\n"   \
	"Disposition-Notification-To: ann@example.com\r\n"

static const char *reason_of(const char *config_text, const char *header,
			     const char *name)
{
	static const char *const addresses[] = { "bob@example.com", NULL };
	g_autoptr(rmt_config) config = config_of(config_text);
	g_autoptr(rmt_receipt_request) request =
		rmt_receipt_request_read(rmt_span_of(header), NULL);
	g_autoptr(rmt_receipt_user) user =
		rmt_receipt_user_new(name, addresses, NULL, NULL, NULL);
	struct rmt_receipt_facts facts = {
		.request = request, .user = user, .received_at = NOW - 60, .now = NOW
	};
	struct rmt_receipt_decision decision;

	rmt_receipt_decide(config, &facts, &decision);
	return decision.reason->id;
}

static void G04_the_first_unit_that_says_it_decides_and_the_rest_is_inherited(
	void **state)
{
	static const char text[] =
		"organization = [\"example.com\"]\n"
		"receipts: { policy = \"organization\" prompt = false units: {\n"
		" sales: { users = [\"bob\"] prompt = true }\n"
		" all: { domains = [\"example.com\"] policy = \"anyone\" } } }\n";

	(void)state;
	assert_string_equal(reason_of(text, HEADER, "bob"), "policy-anyone");
	assert_string_equal(reason_of(text, HEADER, "eve@example.com"), "policy-anyone");
	assert_string_equal(reason_of(text, HEADER, "bob@other.example"), "automatic");
}

static void P04_names_among_the_addresses_are_not_addresses(void **state)
{
	static const char *const names[] = { "Bob", "Smith", NULL };
	unsigned bad;
	g_autoptr(rmt_receipt_user) user =
		rmt_receipt_user_new("bob", names, NULL, NULL, &bad);

	(void)state;
	assert_int_equal(bad, 2);
	assert_false(user->known);
}

static void M09_nothing_is_sent_until_a_policy_is_written_down(void **state)
{
	(void)state;
	assert_string_equal(reason_of("", HEADER, "bob"), "policy-none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			G04_the_first_unit_that_says_it_decides_and_the_rest_is_inherited),
		cmocka_unit_test(P04_names_among_the_addresses_are_not_addresses),
		cmocka_unit_test(M09_nothing_is_sent_until_a_policy_is_written_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
