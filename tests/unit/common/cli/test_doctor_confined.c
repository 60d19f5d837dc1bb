/* SPDX-License-Identifier: MIT */
/* AppArmor and SELinux in the way: named, with the line that lets us through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/cli/doctor.h"

#define OURS "remite-policyd (enforce)\nremite-milter (enforce)\n"

static const struct {
	const char *what, *config, *profiles, *enforce, *want;
} cases[] = {
	{ "neither is there", "", NULL, NULL, "" },
	{ "our profiles, our places", "milter: { after = \"inet:127.0.0.1:10032\" }\n",
	  OURS, "0", "" },
	{ "another state directory", "state = \"/srv/remite\"\n",
	  "remite-policyd (enforce)\n", NULL, "/srv/remite{,/**} rwkl,|" },
	{ "a name that only begins like the allowed one",
	  "state = \"/var/lib/remite2\"\n", "remite-policyd (enforce)\n", NULL,
	  "/var/lib/remite2{,/**} rwkl,|" },
	{ "a profile that only complains", "state = \"/srv/remite\"\n",
	  "remite-policyd (complain)\n", NULL, "" },
	{ "a socket elsewhere",
	  "policyd: { listen = [\"unix:/run/policy\", \"inet:127.0.0.1:1\"] }\n",
	  "remite-policyd (enforce)\n", NULL, "/run/policy{,/**} rwkl,|" },
	{ "a milter's socket elsewhere", "milter: { before = \"unix:/run/before\" }\n",
	  OURS, NULL, "/run/before{,/**} rwkl,|" },
	{ "a recording elsewhere", "policyd: { record = \"/tmp/record\" }\n", OURS, NULL,
	  "/tmp/record{,/**} rwkl,|" },
	{ "Dovecot's profile", "", "cupsd (enforce)\ndovecot (enforce)\n", NULL,
	  "/usr/lib/dovecot/remite-* mrUx,\n/run/dovecot/remite-* rw,|" },
	{ "SELinux", "", NULL, "1",
	  "ausearch -m avc -c remite-policyd -c remite-milter -c remite-agent | "
	  "audit2allow "
	  "-M remite && semodule -i remite.pp|" },
};

static void what_keeps_us_out_is_named_with_its_remedy(void **state)
{
	size_t i;
	guint j;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GPtrArray) complaints = NULL;
		struct rmt_config *config =
			rmt_config_read_text("test", cases[i].config, &complaints);
		struct rmt_doctor doctor = { .config = config };
		g_autoptr(GString) got = g_string_new(NULL);

		assert_non_null(config);
		rmt_findings_init(&doctor.findings);
		rmt_doctor_confinement_judge(&doctor, cases[i].profiles,
					     cases[i].enforce);
		for (j = 0; j < doctor.findings.list->len; j++) {
			const struct rmt_finding *f = doctor.findings.list->pdata[j];

			g_string_append_printf(got, "%s|", f->remedy);
		}
		print_message("%s\n", cases[i].what);
		assert_string_equal(got->str, cases[i].want);
		rmt_findings_finish(&doctor.findings);
		rmt_config_unref(config);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_keeps_us_out_is_named_with_its_remedy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
