/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "common/cli/cli.h"
#include "common/cli/setup_apply.h"
#include "common/cli/setup_dovecot.h"
#include "common/cli/setup_milter.h"

struct options {
	const char *dir; /* foreign */
	bool apply, revert, milter;
};

static bool read_options(struct options *options, int argc, char **argv)
{
	int i;

	*options = (struct options){ .dir = RMT_POSTFIX_DIR };
	if (argc < 2 || strcmp(argv[1], "postfix") != 0)
		return false;
	for (i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--apply") == 0)
			options->apply = true;
		else if (strcmp(argv[i], "--revert") == 0)
			options->revert = true;
		else if (strcmp(argv[i], "--milter") == 0)
			options->milter = true;
		else if (strcmp(argv[i], "--postfix") == 0 && i + 1 < argc)
			options->dir = argv[++i];
		else
			return false;
	}
	return !(options->apply && options->revert);
}

static void print_reload(const char *dir)
{
	g_autofree char *quoted = g_shell_quote(dir);

	if (strcmp(dir, RMT_POSTFIX_DIR) == 0)
		puts("now run: postfix reload");
	else
		printf("now run: postfix -c %s reload\n", quoted);
}

static void print_notes(const struct rmt_setup_plan *plan)
{
	guint i;

	for (i = 0; i < plan->notes->len; i++)
		printf("# %s\n", (char *)plan->notes->pdata[i]);
}

static void print_plan(const struct rmt_setup_plan *plan, const struct rmt_postfix *pf)
{
	guint i;

	print_notes(plan);
	for (i = 0; i < plan->files->len; i++) {
		const struct rmt_setup_file *file = g_ptr_array_index(plan->files, i);

		printf("cat > %s/%s <<'END'\n%sEND\n", pf->dir, file->name,
		       file->text->str);
	}
	for (i = 0; i < plan->edits->len; i++) {
		g_autofree char *command =
			rmt_setup_edit_command(pf, g_ptr_array_index(plan->edits, i));

		puts(command);
	}
	puts("# --apply does this, with a backup; --revert takes it back");
}

static int apply(const struct rmt_setup_plan *plan, const struct rmt_config *config,
		 const struct rmt_postfix *pf)
{
	g_autofree char *backup = NULL;
	g_autoptr(GError) err = NULL;

	if (!rmt_setup_apply(plan, config, pf, g_get_real_time() / G_USEC_PER_SEC,
			     &backup, &err))
		return rmt_cli_fail(RMT_EXIT_TROUBLE, &rmt_command_setup, "%s",
				    err->message);
	print_notes(plan);
	printf("done: %u edits, %u tables; what was there is in %s\n", plan->edits->len,
	       plan->files->len, backup);
	print_reload(pf->dir);
	return RMT_EXIT_OK;
}

static int revert(const char *dir)
{
	g_autoptr(GError) err = NULL;
	unsigned count;

	if (!rmt_setup_revert(dir, &count, &err))
		return rmt_cli_fail(RMT_EXIT_TROUBLE, &rmt_command_setup, "%s",
				    err->message);
	if (count == 0) {
		printf("nothing to take back in %s\n", dir);
		return RMT_EXIT_OK;
	}
	printf("taken back: %u\n", count);
	print_reload(dir);
	return RMT_EXIT_OK;
}

static int run_setup(const struct rmt_cli *cli, int argc, char **argv)
{
	g_autoptr(rmt_config) config = NULL;
	g_autoptr(rmt_postfix) pf = NULL;
	g_autoptr(rmt_setup_plan) plan = NULL;
	g_autoptr(GError) err = NULL;
	struct options options;

	if (argc > 1 && strcmp(argv[1], "dovecot") == 0)
		return rmt_setup_dovecot(cli, argc - 1, argv + 1);
	if (!read_options(&options, argc, argv))
		return rmt_cli_usage(&rmt_command_setup, RMT_EXIT_USAGE);
	if (options.revert)
		return revert(options.dir);
	config = rmt_cli_config(cli);
	if (config == NULL)
		return RMT_EXIT_TROUBLE;
	pf = rmt_postfix_read(options.dir, &err);
	if (pf == NULL)
		return rmt_cli_fail(RMT_EXIT_TROUBLE, &rmt_command_setup,
				    "%s (--postfix DIR names Postfix's configuration)",
				    err->message);
	plan = rmt_setup_plan_new(config, pf);
	if (options.milter || rmt_setup_has_milter(config, pf))
		rmt_setup_plan_milter(plan, config, pf);
	if (rmt_setup_is_done(plan, pf)) {
		print_notes(plan);
		printf(plan->notes->len > 0 ? "nothing else to do in %s\n"
					    : "nothing to do: %s is set up\n",
		       pf->dir);
		return RMT_EXIT_OK;
	}
	if (options.apply)
		return apply(plan, config, pf);
	print_plan(plan, pf);
	return RMT_EXIT_OK;
}

const struct rmt_command rmt_command_setup = {
	"setup",
	"make Postfix ask policyd, Dovecot load the plugin",
	"usage: remite setup postfix [--milter] [--apply | --revert] [--postfix DIR]\n"
	"       remite setup dovecot [--apply | --revert] [--dovecot FILE]\n\n"
	"postfix: prints, as commands, what Postfix's configuration lacks: policyd at "
	"all\n"
	"three stages, a transport per egress, tables that send streams' senders there.\n"
	"dovecot: prints what Dovecot needs to load the mail plugin and start services:\n"
	"a file of our own, " RMT_SETUP_DOVECOT_NAME ".\n\n"
	"  --milter       remite-milter behind (and before) the milters there are, too;\n"
	"                 later runs keep it there\n"
	"  --apply        do it: with a backup, and undone if Postfix or Dovecot does "
	"not\n"
	"                 take it\n"
	"  --revert       take back what --apply did; edits of others stay\n"
	"  --postfix DIR  Postfix's configuration, else " RMT_POSTFIX_DIR "\n"
	"  --dovecot FILE Dovecot's configuration, else " RMT_DOVECOT_FILE "\n\n"
	"Neither is reloaded: 'postfix reload' and 'doveadm reload' are yours to say.\n",
	run_setup,
};
