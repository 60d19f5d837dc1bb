/* SPDX-License-Identifier: MIT */
/* receipts_test.c - `remite receipts test`, `remite receipts explain`: what would be
 * done with a message in a file, and why. Nothing is stored or sent. */
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/cli/receipts.h"
#include "common/cli/receipts_case.h"

static bool read_input(const char *file, GString *message, GError **err)
{
	g_autofree char *text = NULL;
	char buffer[65536];
	ssize_t got;
	gsize len;

	if (strcmp(file, "-") != 0) {
		if (!g_file_get_contents(file, &text, &len, err))
			return false;
		g_string_append_len(message, text, (gssize)len);
		return true;
	}
	while ((got = read(STDIN_FILENO, buffer, sizeof(buffer))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 || message->len > RMT_REQUEST_HEADER_MAX)
			break;
		g_string_append_len(message, buffer, got);
	}
	return true;
}

/* --- the command line -------------------------------------------------------- */

static bool is_switch(const char *name)
{
	return strcmp(name, "claimed") == 0 || strcmp(name, "cannot-ask") == 0 ||
	       strcmp(name, "smtputf8") == 0;
}

/* "--place junk,trash": each word. */
static bool set_each(struct rmt_receipts_case *c, const char *name, const char *value,
		     GError **err)
{
	g_auto(GStrv) words = g_strsplit(value, ",", -1);
	size_t i;

	for (i = 0; words[i] != NULL; i++)
		if (!rmt_receipts_case_set(c, name, rmt_span_of(words[i]), err))
			return false;
	return true;
}

static bool set_option(struct rmt_receipts_case *c, const char *name, const char *value,
		       GError **err)
{
	if (strcmp(name, "address") == 0 || strcmp(name, "place") == 0 ||
	    strcmp(name, "group") == 0)
		return set_each(c, name, value, err);
	return rmt_receipts_case_set(c, name, rmt_span_of(value), err);
}

static bool take_arguments(struct rmt_receipts_case *c, int argc, char **argv,
			   bool *mdn_r, const char **file_r, GError **err)
{
	int i;

	for (i = 1; i < argc; i++) {
		const char *name = argv[i] + 2;

		if (strncmp(argv[i], "--", 2) != 0) {
			*file_r = argv[i];
		} else if (strcmp(name, "mdn") == 0) {
			*mdn_r = true;
		} else if (is_switch(name)) {
			rmt_receipts_case_set(c, name, RMT_SPAN("true"), NULL);
		} else if (i + 1 == argc) {
			g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
				    "'%s' needs a value", argv[i]);
			return false;
		} else if (!set_option(c, name, argv[++i], err)) {
			return false;
		}
	}
	return true;
}

/* --- what is printed ------------------------------------------------------------ */

static void print_value(const char *name, const char *value)
{
	g_autoptr(GString) text = g_string_new(NULL);

	rmt_log_printable(text, rmt_span_of(value), 320);
	printf("  %-16s %s\n", name, text->str);
}

static void print_names(const char *name, unsigned bits,
			void (*names)(unsigned bits, GString *out))
{
	g_autoptr(GString) text = g_string_new(NULL);

	names(bits, text);
	printf("  %-16s %s\n", name, text->str);
}

static void print_mailbox(const char *name, const struct rmt_mailbox *mailbox)
{
	print_value(name, mailbox != NULL ? mailbox->address : "-");
}

static void print_facts(const struct rmt_receipts_case *c)
{
	static const char *const auth[] = { "none", "fail", "pass" };
	const struct rmt_receipt_request *request = c->request;
	struct rmt_receipt_terms terms;
	guint i;

	rmt_receipt_terms_of(c->config, c->owner, &terms);
	for (i = 0; i < request->targets->len; i++)
		print_mailbox("asks", g_ptr_array_index(request->targets, i));
	print_names("request", request->flaws, rmt_request_flaw_names);
	print_names("kind", request->kind, rmt_request_kind_names);
	print_value("return path", rmt_return_path_name(request->return_path));
	print_value("authenticity", auth[request->auth]);
	print_mailbox("from", request->from);
	print_value("message", request->key);
	print_value("came", rmt_recipient_way_name(c->decision.recipient.way));
	print_mailbox("recipient", c->decision.recipient.final);
	print_value("policy", rmt_receipt_policy_name(terms.policy));
	print_value("prompt", terms.prompt ? "true" : "false");
	if (terms.unit != NULL)
		print_value("unit", terms.unit);
}

static void print_decision(const struct rmt_receipt_decision *decision)
{
	printf("%s: %s (%s; %s)\n", rmt_receipt_verdict_name(decision->verdict),
	       decision->reason->text, decision->reason->id, decision->reason->ids);
	if (decision->because != NULL)
		printf("  because %s (%s; %s)\n", decision->because->text,
		       decision->because->id, decision->because->ids);
}

static const char usage[] =
	"usage: remite receipts test|explain --user NAME [OPTION ...] FILE\n"
	"\n"
	"Reads a message as it is stored (- for standard input) and says whether it\n"
	"would be answered with a receipt, whether the user would be asked, and by\n"
	"which reason; 'explain' also what was read from it. Nothing is stored or\n"
	"sent.\n"
	"  --address A,...           the user's addresses, else receipts.addresses\n"
	"  --group G,...             groups of the user\n"
	"  --envelope A              recipient of the delivery\n"
	"  --preference P            unset, never, ask, always\n"
	"  --sender-preference P     the same, of who asks\n"
	"  --answer A                none, yes, no, expired\n"
	"  --place P,...             junk, trash, own-copy, shared, delegate, pop3,\n"
	"                            read-only, imported, mdn-sent\n"
	"  --event E                 displayed, deleted\n"
	"  --received T, --now T     times, or Unix seconds\n"
	"  --claimed, --cannot-ask, --smtputf8\n"
	"  --mdn                     print the receipt, whatever the verdict\n"
	"  --name N, --language L    for the receipt\n"
	"Exit status: 0 it would be sent, 1 nothing, or the user would be asked.\n";

static int fail(int status, const char *text)
{
	fprintf(stderr, "remite receipts: %s\n", text);
	return status;
}

static int print_mdn(const struct rmt_receipts_case *c)
{
	g_autoptr(GError) err = NULL;
	g_autoptr(GString) message = rmt_receipts_case_mdn(c, &err);

	if (message == NULL)
		return fail(RMT_EXIT_TROUBLE, err->message);
	fwrite(message->str, 1, message->len, stdout);
	return c->decision.verdict == RMT_RECEIPT_SEND ? RMT_EXIT_OK : RMT_EXIT_NO;
}

static int run_case(const struct rmt_cli *cli, struct rmt_receipts_case *c, int argc,
		    char **argv, bool facts)
{
	g_autoptr(rmt_config) config = NULL;
	g_autoptr(GString) message = g_string_new(NULL);
	g_autoptr(GError) err = NULL;
	const char *file = NULL;
	bool mdn = false;

	if (!take_arguments(c, argc, argv, &mdn, &file, &err))
		return fail(RMT_EXIT_USAGE, err->message);
	if (file == NULL || c->user == NULL) {
		fputs(usage, stderr);
		return RMT_EXIT_USAGE;
	}
	config = rmt_cli_config(cli);
	if (config == NULL)
		return RMT_EXIT_TROUBLE;
	if (!read_input(file, message, &err))
		return fail(RMT_EXIT_TROUBLE, err->message);
	rmt_receipts_case_decide(c, config, rmt_span(message->str, message->len));
	if (mdn)
		return print_mdn(c);
	print_decision(&c->decision);
	if (facts)
		print_facts(c);
	return c->decision.verdict == RMT_RECEIPT_SEND ? RMT_EXIT_OK : RMT_EXIT_NO;
}

static int run(const struct rmt_cli *cli, int argc, char **argv, bool facts)
{
	struct rmt_receipts_case c;
	int status;

	rmt_receipts_case_init(&c, (int64_t)time(NULL));
	status = run_case(cli, &c, argc, argv, facts);
	rmt_receipts_case_clear(&c);
	return status;
}

int rmt_receipts_test(const struct rmt_cli *cli, int argc, char **argv)
{
	return run(cli, argc, argv, false);
}

int rmt_receipts_explain(const struct rmt_cli *cli, int argc, char **argv)
{
	return run(cli, argc, argv, true);
}
