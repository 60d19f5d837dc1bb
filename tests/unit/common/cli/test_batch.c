/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <cmocka.h>

#include "common/cli/cli.h"

/* Runs `remite batch ARGS` on input; what it wrote is the caller's. */
static char *batch(const char *input, gsize length, int argc, const char *const *args)
{
	const struct rmt_cli cli = { NULL };
	g_autofree char *in = NULL, *out = NULL;
	char *argv[8] = { (char *)"batch" }, *text = NULL;
	int in_fd = g_file_open_tmp("batch-in-XXXXXX", &in, NULL);
	int out_fd = g_file_open_tmp("batch-out-XXXXXX", &out, NULL);
	int saved_in = dup(0), saved_out = dup(1), i;

	assert_true(g_file_set_contents(in, input, (gssize)length, NULL));
	for (i = 0; i < argc; i++)
		argv[i + 1] = (char *)args[i];
	fflush(stdout);
	close(in_fd);
	assert_non_null(freopen(in, "r", stdin));
	dup2(out_fd, 1);
	assert_int_equal(rmt_command_batch.run(&cli, argc + 1, argv), RMT_EXIT_OK);
	fflush(stdout);
	dup2(saved_out, 1);
	dup2(saved_in, 0);
	close(saved_in);
	close(saved_out);
	close(out_fd);
	assert_true(g_file_get_contents(out, &text, NULL, NULL));
	g_unlink(in);
	g_unlink(out);
	return text;
}

#define SPF(id, ip, zone)                                                                \
	"{\"id\":" id ",\"verb\":\"spf\",\"ip\":\"" ip "\",\"helo\":\"h.example\","      \
	"\"mail_from\":\"u@d.example\",\"receiver\":\"r\",\"zone\":[" zone "]}\n"

static const struct {
	const char *name, *in,
		*out; /* out: the whole line, or its beginning before "..." */
} cases[] = {
	{ "spf",
	  SPF("\"a\"", "192.0.2.1",
	      "\"d.example TXT \\\"v=spf1 ip4:192.0.2.1 -all\\\"\""),
	  "{\"id\":\"a\",\"result\":\"pass\",\"explanation\":\"\"}" },
	{ "a comment and a type nobody asks for, as dig shows them",
	  SPF("1", "192.0.2.1",
	      "\"d.example. 60 IN TXT \\\"v=spf1 a -all\\\" ; x\",\"d.example. 60 IN A "
	      "192.0.2.1 ; y\",\"d.example. 60 IN DNSKEY 257 3 13 mdss==\""),
	  "{\"id\":1,\"result\":\"pass\",\"explanation\":\"\"}" },
	{ "three look-ups that find nothing",
	  SPF("1", "192.0.2.1",
	      "\"d.example TXT \\\"v=spf1 a:x.example a:y.example a:z.example "
	      "~all\\\"\""),
	  "{\"id\":1,\"result\":\"permerror\",\"explanation\":\"\"}" },
	{ "the same for a receiver that allows them",
	  "{\"id\":1,\"verb\":\"spf\",\"ip\":\"192.0.2.1\",\"mail_from\":\"u@d.example\","
	  "\"void_limit\":3,\"zone\":[\"d.example TXT \\\"v=spf1 a:x.example a:y.example "
	  "a:z.example ~all\\\"\"]}",
	  "{\"id\":1,\"result\":\"softfail\",\"explanation\":\"\"}" },
	{ "a message on standard input", "{\"id\":1,\"verb\":\"dkim\",\"file\":\"-\"}",
	  "{\"id\":1,\"error\":\"'file' is '-', but standard input has the cases\"}" },
	{ "an explanation",
	  SPF("1", "192.0.2.2",
	      "\"d.example TXT \\\"v=spf1 -all exp=e.example\\\"\",\"e.example TXT "
	      "\\\"no %{i}\\\"\""),
	  "{\"id\":1,\"result\":\"fail\",\"explanation\":\"no 192.0.2.2\"}" },
	{ "any id comes back", SPF("{\"x\":[1]}", "192.0.2.2", ""),
	  "{\"id\":{\"x\":[1]},\"result\":\"none\",\"explanation\":\"\"}" },
	{ "dmarc",
	  "{\"id\":\"b\",\"verb\":\"dmarc\",\"from\":\"d.example\",\"spf\":{\"domain\":"
	  "\"d.example\",\"result\":\"pass\"},\"dkim\":[{\"domain\":\"d.example\","
	  "\"result\":"
	  "\"pass\"}],\"zone\":[\"_dmarc.d.example TXT \\\"v=DMARC1; p=none\\\"\"]}",
	  "{\"id\":\"b\",\"result\":\"pass\",\"disposition\":\"none\",\"aligned\":{"
	  "\"spf\":true,"
	  "\"dkim\":true},\"psl\":..." },
	{ "dmarc without identities",
	  "{\"id\":\"b\",\"verb\":\"dmarc\",\"from\":\"d.example\",\"zone\":[]}",
	  "{\"id\":\"b\",\"result\":\"none\",\"disposition\":\"none\",..." },
	{ "no JSON", "{\"id\":7,", "{\"id\":null,\"error\":\"not a JSON object: ..." },
	{ "no object", "[1]", "{\"id\":null,\"error\":\"not a JSON object\"}" },
	{ "no verb", "{\"id\":7}", "{\"id\":7,\"error\":\"the case has no 'verb'\"}" },
	{ "unknown verb", "{\"id\":7,\"verb\":\"smell\"}",
	  "{\"id\":7,\"error\":\"unknown verb 'smell'\"}" },
	{ "a verb that is no string", "{\"id\":7,\"verb\":1}",
	  "{\"id\":7,\"error\":\"'verb' of the case is not a string\"}" },
	{ "no address", "{\"id\":7,\"verb\":\"spf\",\"zone\":[]}",
	  "{\"id\":7,\"error\":\"the case has no 'ip'\"}" },
	{ "a wrong address", SPF("7", "192.0.2.256", ""),
	  "{\"id\":7,\"error\":\"'ip' is not an IPv4 or IPv6 address\"}" },
	{ "a wrong zone line", SPF("7", "192.0.2.1", "\"d.example TXT \\\"open\""),
	  "{\"id\":7,\"error\":\"zone[0]: a string has no closing quote\"}" },
	{ "a zone that is no array",
	  "{\"id\":7,\"verb\":\"spf\",\"ip\":\"192.0.2.1\",\"zone\":{}}",
	  "{\"id\":7,\"error\":\"'zone' is not an array of strings\"}" },
	{ "a zone line that is no string", SPF("7", "192.0.2.1", "5"),
	  "{\"id\":7,\"error\":\"zone[0] is not a string\"}" },
	{ "dkim results that are no array",
	  "{\"id\":7,\"verb\":\"dmarc\",\"from\":\"d\",\"dkim\":1,\"zone\":[]}",
	  "{\"id\":7,\"error\":\"'dkim' is not an array\"}" },
	{ "an identity without a result",
	  "{\"id\":7,\"verb\":\"dmarc\",\"from\":\"d\",\"spf\":{\"domain\":\"d\"},"
	  "\"zone\":[]}",
	  "{\"id\":7,\"error\":\"'spf' has no 'result'\"}" },
	{ "octets of every kind in names",
	  "{\"id\":7,\"verb\":\"spf\",\"ip\":\"192.0.2.1\",\"mail_from\":\"a\\u0000b@d."
	  "example\","
	  "\"zone\":[\"d.example TXT \\\"v=spf1 exists:%{l}.x.example -all\\\"\","
	  "\"a\\\\000b.x.example A 127.0.0.2\"]}",
	  "{\"id\":7,\"result\":\"pass\",\"explanation\":\"\"}" },
	{ "a time-out", SPF("7", "192.0.2.1", "\"d.example TXT TIMEOUT\""),
	  "{\"id\":7,\"result\":\"temperror\",\"explanation\":\"\"}" },
	{ "U-labels",
	  "{\"id\":7,\"verb\":\"spf\",\"ip\":\"192.0.2.1\",\"mail_from\":\"u@"
	  "b\\u00fccher.example\","
	  "\"zone\":[\"xn--bcher-kva.example TXT \\\"v=spf1 +all\\\"\"]}",
	  "{\"id\":7,\"result\":\"pass\",\"explanation\":\"\"}" },
};

static void check_line(const char *name, const char *got, const char *want)
{
	g_autofree char *begin = g_strdup(want);
	char *dots = strstr(begin, "...");

	if (dots == NULL ? strcmp(got, want) != 0
			 : (*dots = '\0', !g_str_has_prefix(got, begin)))
		fail_msg("%s: %s", name, got);
}

static void each_case_gets_its_line_in_order(void **state)
{
	g_autoptr(GString) input = g_string_new(NULL);
	g_autofree char *output = NULL;
	g_auto(GStrv) lines = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_string_append(input, cases[i].in);
		g_string_append(input, "\n\n"); /* blank lines do not count */
	}
	output = batch(input->str, input->len, 0, NULL);
	lines = g_strsplit(output, "\n", -1);
	assert_int_equal(g_strv_length(lines), G_N_ELEMENTS(cases) + 1);
	for (i = 0; i < G_N_ELEMENTS(cases); i++)
		check_line(cases[i].name, lines[i], cases[i].out);
}

static void a_dns_file_stands_for_all_cases(void **state)
{
	static const char input[] = "{\"id\":1,\"verb\":\"spf\",\"ip\":\"192.0.2.1\","
				    "\"mail_from\":\"u@d.example\"}\n";
	static const char zone[] = "d.example TXT \"v=spf1 ip4:192.0.2.1 -all\"\n";
	g_autofree char *file = NULL, *output = NULL;
	const char *args[2] = { "--dns-file" };
	int fd = g_file_open_tmp("zone-XXXXXX", &file, NULL);

	(void)state;
	close(fd);
	assert_true(g_file_set_contents(file, zone, -1, NULL));
	args[1] = file;
	output = batch(input, strlen(input), 2, args);
	assert_string_equal(output,
			    "{\"id\":1,\"result\":\"pass\",\"explanation\":\"\"}\n");
	g_unlink(file);
}

static void input_without_a_last_newline_or_any_sense_is_answered(void **state)
{
	static const char input[] = "\0\1\377\n{\"id\":1,\"verb\":\"x\"}";
	g_autofree char *output = batch(input, sizeof(input) - 1, 0, NULL);

	(void)state;
	assert_non_null(strstr(output, "{\"id\":null,\"error\":"));
	assert_true(
		g_str_has_suffix(output, "{\"id\":1,\"error\":\"unknown verb 'x'\"}\n"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_case_gets_its_line_in_order),
		cmocka_unit_test(a_dns_file_stands_for_all_cases),
		cmocka_unit_test(input_without_a_last_newline_or_any_sense_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
