/* SPDX-License-Identifier: MIT */
/* What doveconf -n of 2.3 and 2.4 says, and what the doctor says to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/cli/doctor.h"

#define SERVICE                                                                          \
	"service remite-agent {\n  executable = remite-agent\n  process_limit = 1\n"     \
	"  process_min_avail = 1\n  unix_listener remite-agent {\n    mode = 0660\n  "   \
	"}\n"                                                                            \
	"  user = remite\n  vsz_limit = 4 G\n}\n"
#define CONF23(mode)                                                                     \
	"# 2.3.19.1 (9b53102964): /etc/dovecot/dovecot.conf\nmail_plugins = quota "      \
	"remite\n"                                                                       \
	"plugin {\n  remite_receipts = " mode "\n}\n"
#define CONF24(mode)                                                                     \
	"# 2.4.1 (7d8c0e5759): /etc/dovecot/dovecot.conf\nremite_receipts = " mode "\n"  \
	"protocol imap {\n  mail_plugins {\n    remite = yes\n  }\n}\n"                  \
	"protocol lmtp {\n  mail_plugins {\n    remite = yes\n  }\n}\n"

#define REPORTED                                                                         \
	"receipts: { policy = \"organization\" }\norganization = [\"example.com\"]\n"
#define ENFORCED "mode = \"enforce\"\n"
#define ALLOW    ENFORCED REPORTED
#define NONE     "receipts: { policy = \"none\" }\n"

#define ENFORCES                                                                         \
	"remite.conf enforces receipts, but Dovecot says 'report': what the agent "      \
	"would do is only logged, and users' programs answer"

static char *find(const char *config_text, const char *doveconf)
{
	g_autoptr(GPtrArray) complaints = NULL;
	struct rmt_config *config =
		rmt_config_read_text("test", config_text, &complaints);
	struct rmt_doctor doctor = { .config = config };
	g_autoptr(rmt_doveconf) conf = rmt_doveconf_parse(doveconf);
	GString *out = g_string_new(NULL);
	guint i;

	assert_non_null(config);
	rmt_findings_init(&doctor.findings);
	rmt_doctor_dovecot_judge(&doctor, conf);
	for (i = 0; i < doctor.findings.list->len; i++) {
		const struct rmt_finding *f = doctor.findings.list->pdata[i];

		g_string_append(out, f->problem);
		if (strcmp(f->place, "remite_receipts") == 0)
			g_string_append_printf(out, "> %s", f->remedy);
		g_string_append_c(out, '|');
	}
	rmt_findings_finish(&doctor.findings);
	rmt_config_unref(config);
	return g_string_free(out, FALSE);
}

static const struct {
	const char *what, *config, *doveconf, *want;
} cases[] = {
	{ "2.3, all well", ALLOW, CONF23("server") SERVICE, "" },
	{ "2.4, all well", ALLOW, CONF24("server") SERVICE, "" },
	{ "report mode on both sides, 2.3", REPORTED, CONF23("report") SERVICE, "" },
	{ "report mode on both sides, 2.4", REPORTED, CONF24("report") SERVICE, "" },
	{ "remite.conf reports, and Dovecot marks", REPORTED, CONF24("server") SERVICE,
	  "in report mode Dovecot marks requests (it says 'server'), and no program "
	  "answers them any more: what the agent would do is only logged"
	  "> remite_receipts = report|" },
	{ "or silences", REPORTED, CONF23("none") SERVICE,
	  "in report mode Dovecot marks requests (it says 'none'), and no program "
	  "answers them any more: what the agent would do is only logged"
	  "> remite_receipts = report|" },
	{ "none is no mark of its own", NONE, CONF23("report") SERVICE, "" },
	{ "remite.conf enforces, and Dovecot reports", ALLOW, CONF23("report") SERVICE,
	  ENFORCES "> remite_receipts = server|" },
	{ "likewise in 2.4", ALLOW, CONF24("report") SERVICE,
	  ENFORCES "> remite_receipts = server|" },
	{ "likewise, where nobody is to be told", ENFORCED NONE, CONF24("report") SERVICE,
	  ENFORCES "> remite_receipts = none|" },
	{ "no plugin, no policy", "", "# 2.3\nmail_plugins = quota\n", "" },
	{ "no plugin, a policy", ALLOW, "# 2.3\nmail_plugins = quota\n",
	  "remite.conf has a policy of read receipts, and Dovecot here does not load the "
	  "mail plugin|" },
	{ "delivery does not load it", ALLOW,
	  "# 2.3.19 (x)\nprotocol imap {\n  mail_plugins = quota remite\n}\n"
	  "plugin {\n  remite_receipts = server\n}\n" SERVICE,
	  "delivery does not load the mail plugin (nor does lda): requests are not "
	  "noticed "
	  "when mail comes in|" },
	{ "nor does lda, which alone delivers", ALLOW,
	  CONF23("server") SERVICE
	  "protocols = \" imap\"\nprotocol lda {\n  mail_plugins "
	  "= sieve\n}\n",
	  "delivery does not load the mail plugin: requests are not noticed when mail "
	  "comes in|" },
	{ "likewise in 2.4", ALLOW,
	  "# 2.4.1 (x)\nremite_receipts = server\nmail_plugins {\n  remite = yes\n}\n"
	  "protocols {\n  imap = yes\n}\nprotocol lda {\n  mail_plugins = "
	  "sieve\n}\n" SERVICE,
	  "delivery does not load the mail plugin: requests are not noticed when mail "
	  "comes in|" },
	{ "lda does not, and lmtp delivers", ALLOW,
	  CONF23("server") SERVICE
	  "protocols = imap lmtp\nprotocol lda {\n  mail_plugins "
	  "= sieve\n}\n",
	  "" },
	{ "imap has a list of its own", ALLOW,
	  CONF23("server") SERVICE "protocol imap {\n  mail_plugins = quota\n}\n",
	  "imap does not load the mail plugin: nobody notices that a message is "
	  "displayed|" },
	{ "imap switches it off", ALLOW,
	  CONF24("server") SERVICE "mail_plugins {\n  remite = yes\n}\nprotocol imap {\n"
				   "  mail_plugins {\n    remite = no\n  }\n}\n",
	  "imap does not load the mail plugin: nobody notices that a message is "
	  "displayed|" },
	{ "one account for all mail", ALLOW,
	  CONF23("server") SERVICE "mail_uid = vmail\n", "" },
	{ "one that remite.conf does not name", ALLOW,
	  CONF23("server") SERVICE "userdb {\n  args = uid=mailbox gid=mailbox "
				   "home=/srv/%u\n  driver = static\n}\n",
	  "all mail is of 'mailbox', and the agent does not let it speak for users|" },
	{ "likewise in 2.4", ALLOW,
	  CONF24("server") SERVICE
	  "userdb static {\n  fields {\n    gid = mailbox\n    uid = mailbox\n  }\n}\n",
	  "all mail is of 'mailbox', and the agent does not let it speak for users|" },
	{ "as a field that overrides the userdb's", ALLOW,
	  CONF23("server") SERVICE "userdb {\n  args = /etc/dovecot/users\n  driver = "
				   "passwd-file\n  override_fields = uid=mailbox "
				   "gid=mailbox\n}\n",
	  "all mail is of 'mailbox', and the agent does not let it speak for users|" },
	{ "as a field for those who have none of their own, in 2.4", ALLOW,
	  CONF24("server") SERVICE
	  "userdb passwd-file {\n  fields {\n    gid:default = mailbox\n    "
	  "uid:default = mailbox\n  }\n}\n",
	  "all mail is of 'mailbox', and the agent does not let it speak for users|" },
	{ "an empty list of imap's own", ALLOW,
	  CONF23("server") SERVICE "protocol imap {\n  mail_plugins = \n}\n",
	  "imap does not load the mail plugin: nobody notices that a message is "
	  "displayed|" },
	{ "a list of imap's own, 2.4, in place of the block", ALLOW,
	  "# 2.4.1 (x)\nremite_receipts = server\nmail_plugins {\n  remite = yes\n}\n"
	  "protocol imap {\n  mail_plugins = imap_quota\n}\n" SERVICE,
	  "imap does not load the mail plugin: nobody notices that a message is "
	  "displayed|" },
	{ "likewise an empty one", ALLOW,
	  "# 2.4.1 (x)\nremite_receipts = server\nmail_plugins {\n  remite = yes\n}\n"
	  "protocol imap {\n  mail_plugins = \n}\n" SERVICE,
	  "imap does not load the mail plugin: nobody notices that a message is "
	  "displayed|" },
	{ "a block of imap's own, 2.4, adds to the list", ALLOW,
	  "# 2.4.1 (x)\nremite_receipts = server\nmail_plugins = quota remite\n"
	  "protocol imap {\n  mail_plugins {\n    imap_quota = yes\n  }\n}\n" SERVICE,
	  "" },
	{ "loaded, and told nothing", ALLOW,
	  "# 2.3.19 (x)\nmail_plugins = remite\n" SERVICE,
	  "remite.conf has a policy of read receipts, and Dovecot does not say what to "
	  "do (off)> remite_receipts = server|" },
	{ "likewise in report mode, 2.4", REPORTED,
	  "# 2.4.1 (x)\nmail_plugins {\n  remite = yes\n}\n" SERVICE,
	  "remite.conf has a policy of read receipts, and Dovecot does not say what to "
	  "do (off)> remite_receipts = report|" },
	{ "likewise where nobody is to be told", ENFORCED NONE,
	  "# 2.3.19 (x)\nmail_plugins = remite\n" SERVICE,
	  "remite.conf has a policy of read receipts, and Dovecot does not say what to "
	  "do (off)> remite_receipts = none|" },
	{ "told nothing, and nothing to do", "",
	  "# 2.3.19 (x)\nmail_plugins = remite\n" SERVICE, "" },
	{ "switched off on purpose", ALLOW, CONF23("off") SERVICE, "" },
	{ "in capitals", ALLOW, CONF23("Report") SERVICE,
	  ENFORCES "> remite_receipts = server|" },
	{ "a word misspelt", ALLOW, CONF23("sever") SERVICE,
	  "'sever' is none of off, client, report, server and none: the mail plugin "
	  "does nothing> remite_receipts = server|" },
	{ "leaving lists without the service", ALLOW,
	  CONF23("server") SERVICE "plugin {\n  remite_unsubscribe = yes\n}\n",
	  "users may ask to leave lists, and no service does it|" },
	{ "set up, but not loaded", ALLOW, "remite_receipts = server\n",
	  "remite_receipts is set, but the mail plugin is not loaded|" },
	{ "policy none against server", ENFORCED NONE, CONF23("server") SERVICE,
	  "Dovecot takes requests over, but receipts.policy is none"
	  "> remite_receipts = none|" },
	{ "policy against none", ALLOW, CONF24("none") SERVICE,
	  "Dovecot silences all requests, but receipts.policy allows them"
	  "> remite_receipts = server|" },
	{ "no policy", "", CONF24("server") SERVICE,
	  "Dovecot says 'server', but remite.conf has no receipts.policy"
	  "> remite_receipts = off|" },
	{ "no agent", ALLOW, CONF23("server"),
	  "the mail plugin is loaded, but no agent takes its jobs|" },
	{ "an agent as Dovecot has it by default", ALLOW,
	  CONF23("server") "service remite-agent {\n  executable = remite-agent\n}\n",
	  "the agent does not start as root|"
	  "ends when nobody speaks to it: receipts wait till somebody does|"
	  "may run twice|"
	  "the default vsz_limit is smaller than the map of the records|" },
	{ "odd text", "", "}\n}\n{\n=\nmail_plugins\n= x\n a = b", "" },
};

static void the_doctor_compares_dovecot_with_remite_conf(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *got = find(cases[i].config, cases[i].doveconf);

		print_message("%s\n", cases[i].what);
		assert_string_equal(got, cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_doctor_compares_dovecot_with_remite_conf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
