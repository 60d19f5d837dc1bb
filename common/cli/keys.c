/* SPDX-License-Identifier: MIT */
/* keys.c - `remite keys`: the ring that links, tags and return paths are made with. */
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/when.h"
#include "common/cli/records.h"
#include "common/token/keys.h"

/* What was made with a key must open for at least so long: links in mail live on. */
enum { KEEP_DAYS = 400, DAY = 86400 };

static const struct rmt_command *const command = &rmt_command_keys;

/* What every part works on. */
struct ring {
	struct rmt_config *config; /* own */
	struct rmt_keys *keys;     /* own; NULL where there is no file yet */
	int64_t now;
};

static void ring_clear(struct ring *ring)
{
	rmt_keys_free(ring->keys);
	g_clear_pointer(&ring->config, rmt_config_unref);
}

/* may_lack: that there is no file is no error. */
static bool ring_read(struct ring *ring, const struct rmt_cli *cli, bool may_lack)
{
	GError *err = NULL;

	*ring = (struct ring){ .now = time(NULL) };
	ring->config = rmt_cli_config(cli);
	if (ring->config == NULL)
		return false;
	ring->keys = rmt_keys_read(ring->config->keys, &err);
	if (ring->keys != NULL)
		return true;
	if (may_lack && g_error_matches(err, RMT_KEYS_ERROR, RMT_KEYS_ERROR_MISSING)) {
		g_error_free(err);
		return true;
	}
	rmt_cli_trouble(command, err);
	ring_clear(ring);
	return false;
}

/* Group remite reads it, where there is one. */
static bool find_group(const char *name, unsigned *group_r)
{
	const struct group *group = getgrnam(name != NULL ? name : "remite");

	*group_r = group != NULL ? group->gr_gid : (unsigned)-1;
	if (group != NULL || name == NULL)
		return true;
	rmt_cli_fail(RMT_EXIT_USAGE, command, "there is no group '%s'", name);
	return false;
}

static int ring_write(const struct ring *ring, unsigned group)
{
	GError *err = NULL;

	if (rmt_keys_write(ring->config->keys, ring->keys, group, &err))
		return RMT_EXIT_OK;
	return rmt_cli_trouble(command, err);
}

/* --- make, rotate --- */

static int make(struct ring *ring, const char *group_name)
{
	g_autoptr(GError) err = NULL;
	unsigned group;

	if (ring->keys != NULL)
		return rmt_cli_fail(RMT_EXIT_NO, command,
				    "%s is there already (remite keys rotate adds a key)",
				    ring->config->keys);
	if (!find_group(group_name, &group))
		return RMT_EXIT_USAGE;
	ring->keys = g_new0(struct rmt_keys, 1);
	if (!rmt_keys_add(ring->keys, ring->now, &err))
		return rmt_cli_fail(RMT_EXIT_TROUBLE, command, "%s", err->message);
	return ring_write(ring, group);
}

/* --- what a part begins and ends with --- */

/* Options, `count` arguments with the part's own name, and the ring, which is open
 * with RMT_EXIT_OK alone. */
static int ring_open(struct ring *ring, const struct rmt_cli *cli,
		     const GOptionEntry *rows, int argc, char **argv, int count,
		     char ***args_r)
{
	const bool is_make = strcmp(argv[0], "make") == 0;
	int got;

	if (!rmt_cli_options(command, rows, argc, argv, &got, args_r))
		return RMT_EXIT_USAGE;
	if (got != count)
		return rmt_cli_usage(command, RMT_EXIT_USAGE);
	return ring_read(ring, cli, is_make) ? RMT_EXIT_OK : RMT_EXIT_TROUBLE;
}

static int run_make(const struct rmt_cli *cli, int argc, char **argv)
{
	g_autofree char *group = NULL;
	const GOptionEntry rows[] = {
		{ "group", 0, 0, G_OPTION_ARG_STRING, &group, NULL, NULL },
		{ NULL },
	};
	g_auto(GStrv) args = NULL;
	struct ring ring;
	int status = ring_open(&ring, cli, rows, argc, argv, 1, &args);

	if (status != RMT_EXIT_OK)
		return status;
	status = make(&ring, group);
	ring_clear(&ring);
	return status;
}

static int rotate(struct ring *ring, int64_t since)
{
	g_autoptr(GError) err = NULL;

	if (!rmt_keys_add(ring->keys, since, &err))
		return rmt_cli_fail(RMT_EXIT_NO, command, "%s", err->message);
	return ring_write(ring, (unsigned)-1);
}

static int run_rotate(const struct rmt_cli *cli, int argc, char **argv)
{
	g_autofree char *since_text = NULL;
	const GOptionEntry rows[] = {
		{ "since", 0, 0, G_OPTION_ARG_STRING, &since_text, NULL, NULL },
		{ NULL },
	};
	g_auto(GStrv) args = NULL;
	struct ring ring;
	int64_t since;
	int status = ring_open(&ring, cli, rows, argc, argv, 1, &args);

	if (status != RMT_EXIT_OK)
		return status;
	since = ring.now;
	status = rmt_cli_when(command, "--since", since_text, ring.now, &since)
			 ? rotate(&ring, since)
			 : RMT_EXIT_USAGE;
	ring_clear(&ring);
	return status;
}

/* --- list, drop --- */

static int run_list(const struct rmt_cli *cli, int argc, char **argv)
{
	char when[RMT_WHEN_SIZE];
	struct ring ring;
	const char *use;
	size_t i;

	(void)argv;
	if (argc > 1)
		return rmt_cli_usage(command, RMT_EXIT_USAGE);
	if (!ring_read(&ring, cli, false))
		return RMT_EXIT_TROUBLE;
	for (i = 0; i < ring.keys->count; i++) {
		const struct rmt_key *key = &ring.keys->keys[i];

		use = key->since > ring.now                        ? "will make and open"
		      : key == rmt_keys_maker(ring.keys, ring.now) ? "makes and opens"
								   : "opens";
		printf("%c  since %s  %s\n", key->id, rmt_when_format(key->since, when),
		       use);
	}
	ring_clear(&ring);
	return rmt_cli_flush(command) ? RMT_EXIT_OK : RMT_EXIT_TROUBLE;
}

/* When a key stopped making: that is when its last link was sent. */
static int64_t made_until(const struct ring *ring, char id)
{
	const struct rmt_key *key = rmt_keys_find(ring->keys, id);
	size_t at = (size_t)(key - ring->keys->keys);

	return at + 1 < ring->keys->count ? MIN(ring->keys->keys[at + 1].since, ring->now)
					  : ring->now;
}

static int drop(struct ring *ring, const char *id, bool force)
{
	g_autoptr(GError) err = NULL;
	const int64_t keep = (int64_t)KEEP_DAYS * DAY;

	if (!force && strlen(id) == 1 && rmt_keys_find(ring->keys, *id) != NULL &&
	    made_until(ring, *id) > ring->now - keep)
		return rmt_cli_fail(
			RMT_EXIT_NO, command,
			"'%s' was in use less than %d days ago: links in mail "
			"that people still have would be dead (--force)",
			id, KEEP_DAYS);
	if (!rmt_keys_drop(ring->keys, strlen(id) == 1 ? *id : '?', &err))
		return rmt_cli_fail(RMT_EXIT_NO, command, "%s", err->message);
	return ring_write(ring, (unsigned)-1);
}

static int run_drop(const struct rmt_cli *cli, int argc, char **argv)
{
	gboolean force = FALSE;
	const GOptionEntry rows[] = {
		{ "force", 0, 0, G_OPTION_ARG_NONE, &force, NULL, NULL },
		{ NULL },
	};
	g_auto(GStrv) args = NULL;
	struct ring ring;
	int status = ring_open(&ring, cli, rows, argc, argv, 2, &args);

	if (status != RMT_EXIT_OK)
		return status;
	status = drop(&ring, args[1], force);
	ring_clear(&ring);
	return status;
}

/* --- the command --- */

static int run(const struct rmt_cli *cli, int argc, char **argv)
{
	static const struct rmt_cli_part parts[] = {
		{ "make", run_make }, { "rotate", run_rotate }, { "list", run_list },
		{ "drop", run_drop }, { NULL, NULL },
	};

	return rmt_cli_run_part(command, parts, cli, argc, argv);
}

const struct rmt_command rmt_command_keys = {
	.name = "keys",
	.summary = "the secrets that links and return paths are made with",
	.usage = "usage: remite keys make [--group GROUP]\n"
		 "       remite keys rotate [--since TIME]\n"
		 "       remite keys list\n"
		 "       remite keys drop ID [--force]\n"
		 "\n"
		 "make writes a new ring, rotate adds a key that makes from now on, or\n"
		 "from TIME (+1d: so that it can be copied to other machines first); "
		 "older\n"
		 "keys go on opening. A key is dropped when nobody needs its links any\n"
		 "more, 400 days after it was replaced. The file is the setting 'keys',\n"
		 "its group remite unless --group says another; programs see a new ring\n"
		 "when they are reloaded. No secret is ever shown.\n",
	.run = run,
};
