/* SPDX-License-Identifier: MIT */
#include "common/cli/setup_service.h"
#include "tests/unit/common/cli/recorded.h"

static void the_address_is_one_that_every_smtpd_can_reach(void **state)
{
	static const struct {
		const char *listen, *services, *want; /* Debian's own smtpd is chrooted */
	} cases[] = {
		{ "\"unix:/var/spool/postfix/remite/policy\"", NULL,
		  "{ unix:remite/policy, " },
		{ "\"unix:/run/remite/policy\"", NULL, NULL },
		{ "\"unix:/run/remite/policy\", \"inet:127.0.0.1:10031\"", NULL,
		  "{ inet:127.0.0.1:10031, " },
		{ "\"inet:127.0.0.1:10031\", \"unix:/var/spool/postfix/remite/policy\"",
		  NULL, "{ unix:remite/policy, " },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *conf = g_strdup_printf("policyd: { listen = [ %s ] }\n",
							cases[i].listen);
		g_autoptr(rmt_config) config = recorded_config(conf);
		g_autoptr(rmt_postfix) pf =
			recorded_postfix((struct more){ .services = cases[i].services });
		g_autofree char *got = rmt_setup_service_text(config, pf);

		if (cases[i].want == NULL)
			assert_null(got);
		else
			assert_true(g_str_has_prefix(got, cases[i].want));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_address_is_one_that_every_smtpd_can_reach),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
