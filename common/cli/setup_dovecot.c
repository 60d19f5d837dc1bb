/* SPDX-License-Identifier: MIT */
#include "common/cli/setup_dovecot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BEFORE   ".before"
#define REVERTED ".reverted"

/* --- the file's text ---------------------------------------------------------------- */

/* Where mail is read and delivered; elsewhere the plugin has nothing to do. */
static const char *const protocols[] = { "imap", "lmtp", "lda" };

static void add_plugins(GString *out, bool is_24)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(protocols); i++) {
		g_string_append_printf(out, "protocol %s {\n", protocols[i]);
		if (is_24)
			g_string_append(out, "  mail_plugins {\n    remite = yes\n  }\n");
		else
			g_string_append(out, "  mail_plugins = $mail_plugins remite\n");
		g_string_append(out, "}\n");
	}
}

static const char *receipts_of(const struct rmt_config *config)
{
	const struct rmt_receipts_config *receipts = &config->receipts;

	if (!receipts->configured)
		return "off";
	if (config->mode == RMT_MODE_REPORT)
		return "report";
	if (receipts->rules.policy == RMT_RECEIPTS_NONE && receipts->units->len == 0)
		return "none";
	return "server";
}

static bool leaves_lists(const struct rmt_config *config)
{
	return config->unsubscribing.own_hosts != NULL;
}

static void add_settings(GString *out, const struct rmt_config *config, bool is_24)
{
	const char *indent = is_24 ? "" : "  ";

	if (!is_24)
		g_string_append(out, "plugin {\n");
	if (!config->receipts.configured)
		g_string_append_printf(out, "%s# remite.conf has no receipts.policy\n",
				       indent);
	else if (config->mode == RMT_MODE_REPORT)
		g_string_append_printf(out,
				       "%s# remite.conf has no mode = \"enforce\": "
				       "no mail is marked, the agent only logs\n",
				       indent);
	g_string_append_printf(out, "%sremite_receipts = %s\n", indent,
			       receipts_of(config));
	if (leaves_lists(config))
		g_string_append_printf(out,
				       "%sremite_unsubscribe = yes\n"
				       "%sremite_trust_headers = yes\n",
				       indent, indent);
	else
		g_string_append_printf(out,
				       "%s# remite.conf has no unsubscribing.own_hosts\n"
				       "%sremite_unsubscribe = no\n",
				       indent, indent);
	if (!is_24)
		g_string_append(out, "}\n");
}

static void add_agent(GString *out, const struct rmt_doveconf *conf)
{
	g_autofree char *user = rmt_doveconf_mail_account(conf, false);
	g_autofree char *group = rmt_doveconf_mail_account(conf, true);

	g_string_append(out, "service remite-agent {\n"
			     "  executable = remite-agent\n"
			     "  user = remite\n"
			     "  process_min_avail = 1\n"
			     "  process_limit = 1\n"
			     "  client_limit = 1000\n"
			     "  # Above the size of the records' map.\n"
			     "  vsz_limit = 4G\n"
			     "  unix_listener remite-agent {\n");
	if (user != NULL && group != NULL)
		g_string_append_printf(out,
				       "    # All mail is of '%s': agent.accounts names "
				       "it.\n    mode = 0660\n    group = %s\n",
				       user, group);
	else
		g_string_append(out, "    # Users have accounts of their own: everybody "
				     "may connect, and the\n    # agent asks the kernel "
				     "who it is.\n    mode = 0666\n");
	g_string_append(out, "  }\n}\n");
}

static void add_leaver(GString *out)
{
	g_string_append(out, "# Speaks with strangers, and owns nothing.\n"
			     "service remite-unsubscribe {\n"
			     "  executable = remite-unsubscribe\n"
			     "  user = dovenull\n"
			     "  client_limit = 1\n"
			     "  process_limit = 8\n"
			     "  unix_listener remite-unsubscribe {\n"
			     "    mode = 0600\n"
			     "    user = remite\n"
			     "  }\n}\n");
}

static bool has_pages(const struct rmt_config *config)
{
	guint i;

	for (i = 0; i < config->streams->len; i++) {
		const struct rmt_stream *stream = config->streams->pdata[i];

		if (stream->unsubscribe.https != NULL)
			return true;
	}
	return config->prompts.link != NULL;
}

static void add_http(GString *out, bool is_24)
{
	g_string_append_printf(out,
			       "# Pages of unsubscribing and consent, with Dovecot's own "
			       "TLS; a web server in front\n# of it or port = 443 gives "
			       "them the address that links name.\n"
			       "service remite-http {\n"
			       "  executable = remite-http\n"
			       "  user = remite\n"
			       "  process_min_avail = 2\n"
			       "  client_limit = 1000\n"
			       "  %s\n"
			       "  vsz_limit = 4G\n"
			       "  inet_listener https {\n"
			       "    port = 8443\n"
			       "    ssl = yes\n"
			       "  }\n}\n",
			       is_24 ? "restart_request_count = unlimited"
				     : "service_count = 0");
}

void rmt_setup_dovecot_text(GString *out, const struct rmt_config *config,
			    const struct rmt_doveconf *conf)
{
	g_string_append_printf(out,
			       RMT_SETUP_DOVECOT_MARK
			       " from %s for Dovecot %s.\n"
			       "# --revert takes it back. Explained in "
			       "remite-dovecot(7).\n\n",
			       config->file != NULL ? config->file : "the defaults",
			       conf->is_24 ? "2.4" : "2.3");
	add_plugins(out, conf->is_24);
	add_settings(out, config, conf->is_24);
	add_agent(out, conf);
	if (leaves_lists(config))
		add_leaver(out);
	if (has_pages(config))
		add_http(out, conf->is_24);
}

/* --- files -------------------------------------------------------------------------- */

struct options {
	const char *file; /* foreign; dovecot.conf */
	bool apply, revert;
};

static bool read_options(struct options *options, int argc, char **argv)
{
	int i;

	*options = (struct options){ .file = RMT_DOVECOT_FILE };
	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--apply") == 0)
			options->apply = true;
		else if (strcmp(argv[i], "--revert") == 0)
			options->revert = true;
		else if (strcmp(argv[i], "--dovecot") == 0 && i + 1 < argc)
			options->file = argv[++i];
		else
			return false;
	}
	return !(options->apply && options->revert);
}

static int fail(const char *where, const char *why)
{
	return rmt_cli_fail(RMT_EXIT_TROUBLE, &rmt_command_setup, "%s: %s", where, why);
}

static char *our_path(const char *dovecot_conf)
{
	g_autofree char *dir = g_path_get_dirname(dovecot_conf);

	return g_build_filename(dir, RMT_SETUP_DOVECOT_NAME, NULL);
}

static bool is_ours(const char *text)
{
	return g_str_has_prefix(text, RMT_SETUP_DOVECOT_MARK);
}

static bool write_file(const char *path, const char *text, GError **err)
{
	return g_file_set_contents_full(
		path, text, -1,
		G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0644, err);
}

static void print_reload(const char *file)
{
	if (strcmp(file, RMT_DOVECOT_FILE) == 0)
		puts("now run: doveadm reload");
	else
		printf("now run: doveadm -c %s reload\n", file);
}

/* --- applying ----------------------------------------------------------------------- */

/* A plugin that is named and not there stops every login. */
static bool is_installed(const char *file, GError **err)
{
	g_autoptr(GString) dir = g_string_new(NULL);
	g_autofree char *path = NULL;

	if (!rmt_doveconf_ask(file, "mail_plugin_dir", dir, err))
		return false;
	path = g_build_filename(dir->str, "lib20_remite_plugin.so", NULL);
	if (g_file_test(path, G_FILE_TEST_EXISTS))
		return true;
	g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_NOENT,
		    "%s is not there: install the package remite-dovecot first", path);
	return false;
}

static bool check_result(const char *file, GError **err)
{
	g_autoptr(rmt_doveconf) conf = rmt_doveconf_read(file, err);
	const char *protocol, *delivery;

	if (conf == NULL)
		return false;
	delivery = rmt_doveconf_delivery(conf);
	protocol = !rmt_doveconf_loads(conf, "imap", "remite")     ? "imap"
		   : !rmt_doveconf_loads(conf, delivery, "remite") ? delivery
								   : NULL;
	if (protocol == NULL)
		return true;
	g_set_error(
		err, G_FILE_ERROR, G_FILE_ERROR_FAILED,
		"Dovecot does not see it: %s has no '!include conf.d/*.conf', or what "
		"is read later sets mail_plugins of protocol %s anew: put the include "
		"behind that, or add '%s' there",
		file, protocol, conf->is_24 ? "remite = yes" : "remite");
	return false;
}

static void put_back(const char *path, const char *old)
{
	if (old == NULL)
		unlink(path);
	else
		write_file(path, old, NULL);
}

static bool keep(const char *path, const char *old, GError **err)
{
	g_autofree char *before = g_strconcat(path, BEFORE, NULL);

	return old == NULL || write_file(before, old, err);
}

static int apply(const char *file, const char *text)
{
	g_autofree char *path = our_path(file);
	g_autofree char *old = NULL;
	g_autoptr(GError) err = NULL;

	if (!is_installed(file, &err))
		return fail(file, err->message);
	if (g_file_get_contents(path, &old, NULL, NULL) && !is_ours(old))
		return fail(path, "is there and not of our making: move it away first");
	if (old != NULL && strcmp(old, text) == 0) {
		printf("nothing to do: %s is set up\n", path);
		return RMT_EXIT_OK;
	}
	if (!keep(path, old, &err) || !write_file(path, text, &err))
		return rmt_cli_fail(RMT_EXIT_TROUBLE, &rmt_command_setup,
				    "nothing was changed: %s (where /etc is kept "
				    "read-only, put there what 'remite setup dovecot' "
				    "prints)",
				    err->message);
	if (!check_result(file, &err)) {
		put_back(path, old);
		return fail("nothing was changed", err->message);
	}
	printf("done: %s\n", path);
	print_reload(file);
	return RMT_EXIT_OK;
}

/* --- taking back -------------------------------------------------------------------- */

/* Without our file: "conf.d/(any).conf" may match nothing any more. A Dovecot that is
 * gone does not mind. */
static bool can_be_read(const char *file, GError **err)
{
	g_autoptr(GError) why = NULL;
	g_autoptr(rmt_doveconf) conf = rmt_doveconf_read(file, &why);

	if (conf != NULL || g_error_matches(why, G_FILE_ERROR, G_FILE_ERROR_NOENT))
		return true;
	g_propagate_error(err, g_steal_pointer(&why));
	return false;
}

static int revert(const char *file)
{
	g_autofree char *path = our_path(file);
	g_autofree char *reverted = g_strconcat(path, REVERTED, NULL);
	g_autofree char *text = NULL;
	g_autoptr(GError) err = NULL;

	if (!g_file_get_contents(path, &text, NULL, NULL)) {
		printf("nothing to take back: there is no %s\n", path);
		return RMT_EXIT_OK;
	}
	if (!is_ours(text))
		return fail(path, "is not of our making: it stays");
	if (rename(path, reverted) < 0)
		return fail(path, g_strerror(errno));
	if (!can_be_read(file, &err)) {
		rename(reverted, path);
		return fail("nothing was changed", err->message);
	}
	printf("taken back: %s (kept as %s)\n", path, reverted);
	print_reload(file);
	return RMT_EXIT_OK;
}

int rmt_setup_dovecot(const struct rmt_cli *cli, int argc, char **argv)
{
	g_autoptr(rmt_config) config = NULL;
	g_autoptr(rmt_doveconf) conf = NULL;
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GError) err = NULL;
	struct options options;

	if (!read_options(&options, argc, argv))
		return rmt_cli_usage(&rmt_command_setup, RMT_EXIT_USAGE);
	if (options.revert)
		return revert(options.file);
	config = rmt_cli_config(cli);
	if (config == NULL)
		return RMT_EXIT_TROUBLE;
	conf = rmt_doveconf_read(options.file, &err);
	if (conf == NULL)
		return rmt_cli_fail(RMT_EXIT_TROUBLE, &rmt_command_setup,
				    "%s (--dovecot FILE names Dovecot's configuration)",
				    err->message);
	rmt_setup_dovecot_text(text, config, conf);
	if (options.apply)
		return apply(options.file, text->str);
	fputs(text->str, stdout);
	puts("# --apply makes this " RMT_SETUP_DOVECOT_NAME "; --revert takes it back");
	return RMT_EXIT_OK;
}
