/* SPDX-License-Identifier: MIT */
/* replay.c - `remite replay LOG`: recorded requests against this configuration. */
#include "common/cli/cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/log.h"
#include "common/policy/engine.h"
#include "common/policy/policy_request.h"

enum { REQUEST_MAX = 1 << 20, SHOWN_DEFAULT = 20 };

struct replay {
	struct rmt_counters *counters;
	struct rmt_store *store;
	struct rmt_engine *engine;
	struct rmt_work *work;
	struct rmt_now now, first;
	GHashTable *changes;  /* "dunno -> defer  stream=.. rule=.." -> own guint64 */
	GHashTable *messages; /* instance -> own struct asked */
	GString *examples;
	uint64_t requests, changed, would, shown, shown_max;
};

/* What was answered to a message's recipients here: one that was refused is not
 * there at the later stages, whatever the record says. */
struct asked {
	uint64_t accepted, refused;
};

/* --- one request --- */

/* "1795301999.123456789"; a request without a time happens with the one before. */
static void take_time(struct replay *replay, struct rmt_span text)
{
	char buffer[32];
	char *end;
	int64_t secs, ns = 0;

	if (text.len == 0 || text.len >= sizeof(buffer))
		return;
	memcpy(buffer, text.p, text.len);
	buffer[text.len] = '\0';
	secs = strtoll(buffer, &end, 10);
	if (*end == '.')
		ns = strtoll(end + 1, NULL, 10);
	replay->now.wall_secs = secs;
	replay->now.line_ns = MAX(replay->now.line_ns, secs * RMT_NS_PER_SEC + ns);
	if (replay->first.wall_secs == 0)
		replay->first = replay->now;
}

/* Postfix's instance begins with the process: what one smtpd says goes over one
 * connection. */
static unsigned connection_of(struct rmt_span instance)
{
	unsigned hash = 2166136261u;
	size_t i;

	for (i = 0; i < instance.len && instance.p[i] != '.'; i++)
		hash = (hash ^ (unsigned char)instance.p[i]) * 16777619u;
	return hash | 1;
}

/* The recorded answer in the words of the configuration. */
static const char *recorded_action(struct rmt_span action)
{
	static const struct {
		const char *answer, *name;
	} words[] = {
		{ "DEFER_IF_PERMIT", "defer" }, { "DEFER", "defer" },
		{ "REJECT", "reject" },         { "HOLD", "hold" },
		{ "DISCARD", "discard" },
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(words); i++)
		if (rmt_span_starts(action, rmt_span_of(words[i].answer)))
			return words[i].name;
	return "dunno";
}

static void format_time(int64_t wall_secs, char out[32])
{
	time_t t = (time_t)wall_secs;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		strcpy(out, "?");
}

static void count_change(struct replay *replay, const char *was,
			 const struct rmt_decision *decision, const char *stream)
{
	g_autofree char *line = g_strdup_printf("%s -> %s  stream=%s rule=%s", was,
						rmt_action_name(decision->action), stream,
						decision->rule_name);
	guint64 *count = g_hash_table_lookup(replay->changes, line);

	if (count == NULL) {
		count = g_new0(guint64, 1);
		g_hash_table_insert(replay->changes, g_steal_pointer(&line), count);
	}
	++*count;
	replay->changed++;
}

static void show_example(struct replay *replay, const char *was,
			 const struct rmt_decision *decision)
{
	char when[32];

	if (replay->shown >= replay->shown_max)
		return;
	replay->shown++;
	format_time(replay->now.wall_secs, when);
	g_string_append_printf(replay->examples, "%s was=%s ", when, was);
	rmt_decision_format(replay->work, decision, replay->examples);
	g_string_append_c(replay->examples, '\n');
}

static void note_answer(struct replay *replay, const struct rmt_facts *facts,
			enum rmt_action action)
{
	g_autofree char *instance = g_strndup(facts->instance.p, facts->instance.len);
	struct asked *asked = g_hash_table_lookup(replay->messages, instance);

	if (facts->stage == RMT_STAGE_END_OF_MESSAGE)
		g_hash_table_remove(replay->messages, instance);
	if (facts->stage != RMT_STAGE_RCPT)
		return;
	if (asked == NULL) {
		asked = g_new0(struct asked, 1);
		g_hash_table_insert(replay->messages, g_steal_pointer(&instance), asked);
	}
	if (action == RMT_ACTION_DEFER || action == RMT_ACTION_REJECT)
		asked->refused++;
	else
		asked->accepted++;
}

/* False: under this configuration the message would not have come so far. */
static bool adjust_count(const struct replay *replay, struct rmt_facts *facts)
{
	g_autofree char *instance = g_strndup(facts->instance.p, facts->instance.len);
	const struct asked *asked = g_hash_table_lookup(replay->messages, instance);

	if (facts->stage == RMT_STAGE_RCPT || asked == NULL || asked->refused == 0)
		return true;
	facts->recipient_count = MIN(facts->recipient_count, asked->accepted);
	return asked->accepted > 0;
}

static void replay_request(struct replay *replay, struct rmt_policy_request *request)
{
	const char *was = recorded_action(request->remite_action);
	struct rmt_decision decision;

	take_time(replay, request->remite_time);
	if (!adjust_count(replay, &request->facts))
		return;
	rmt_engine_tick(replay->engine, &replay->now);
	rmt_engine_prepare(replay->engine, &request->facts,
			   connection_of(request->facts.instance), 0, replay->work);
	rmt_engine_decide(replay->engine, replay->work, &replay->now, &decision);
	note_answer(replay, &request->facts, decision.action);
	replay->requests++;
	replay->would += decision.would != RMT_ACTION_DUNNO;
	if (strcmp(was, rmt_action_name(decision.action)) != 0) {
		count_change(replay, was, &decision,
			     replay->work->stream != NULL ? replay->work->stream->name
							  : "-");
		show_example(replay, was, &decision);
	}
}

/* False: bytes that are no request; everything before them was replayed. */
static bool replay_file(struct replay *replay, FILE *in, const char *name)
{
	g_autofree char *buffer = g_malloc(REQUEST_MAX);
	struct rmt_policy_request request;
	size_t have = 0, got;

	while ((got = fread(buffer + have, 1, REQUEST_MAX - have, in)) > 0) {
		size_t at = 0;

		have += got;
		for (;;) {
			enum rmt_request_result result;

			rmt_policy_request_init(&request);
			result = rmt_policy_request_read(&request, buffer + at, have - at,
							 REQUEST_MAX);
			if (result == RMT_REQUEST_BROKEN) {
				fprintf(stderr,
					"remite replay: %s: request %" PRIu64 ": %s\n",
					name, replay->requests + 1, request.broken);
				return false;
			}
			if (result == RMT_REQUEST_MORE)
				break;
			replay_request(replay, &request);
			at += request.length;
		}
		memmove(buffer, buffer + at, have - at);
		have -= at;
	}
	if (have > 0)
		fprintf(stderr, "remite replay: %s: the last request is cut short\n",
			name);
	return have == 0;
}

/* --- the whole --- */

static bool open_replay(struct replay *replay, struct rmt_config *config, bool records)
{
	struct rmt_counters_options options = { 0 };
	g_autofree char *uri = g_strdup_printf("lmdb:%s/records", config->state);
	g_autoptr(GError) err = NULL;

	if (!rmt_counters_open(&replay->counters, &options, &err)) {
		fprintf(stderr, "remite replay: %s\n", err->message);
		return false;
	}
	if (records && !rmt_store_open(&replay->store, uri, true, &err))
		fprintf(stderr, "remite replay: without suppressions and pauses: %s\n",
			err->message);
	replay->engine = rmt_engine_new(config, replay->counters, replay->store);
	replay->work = g_new0(struct rmt_work, 1);
	replay->changes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	replay->messages = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	replay->examples = g_string_new(NULL);
	return true;
}

static void close_replay(struct replay *replay)
{
	if (replay->engine != NULL) {
		rmt_engine_free(replay->engine);
		g_free(replay->work);
		g_hash_table_unref(replay->changes);
		g_hash_table_unref(replay->messages);
		g_string_free(replay->examples, TRUE);
	}
	rmt_store_close(&replay->store);
	if (replay->counters != NULL)
		rmt_counters_close(&replay->counters);
}

static gint compare_keys(gconstpointer a, gconstpointer b)
{
	return strcmp(a, b);
}

static void print_summary(const struct replay *replay)
{
	char from[32], to[32];
	GList *keys = g_list_sort(g_hash_table_get_keys(replay->changes), compare_keys);
	GList *key;

	format_time(replay->first.wall_secs, from);
	format_time(replay->now.wall_secs, to);
	printf("%" PRIu64 " requests, %s to %s\n", replay->requests, from, to);
	printf("%" PRIu64 " would be answered differently; rules speak against %" PRIu64
	       "\n",
	       replay->changed, replay->would);
	for (key = keys; key != NULL; key = key->next)
		printf("%10" PRIu64 "  %s\n",
		       *(guint64 *)g_hash_table_lookup(replay->changes, key->data),
		       (char *)key->data);
	g_list_free(keys);
	if (replay->examples->len > 0)
		printf("\nthe first %" PRIu64 ":\n%s", replay->shown,
		       replay->examples->str);
}

static int replay_log(const struct rmt_cli *cli, const char *path, uint64_t show,
		      bool records)
{
	struct rmt_config *config = rmt_cli_config(cli);
	struct replay replay = { .shown_max = show };
	FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
	bool whole = false;

	if (in == NULL)
		fprintf(stderr, "remite replay: %s: %s\n", path, g_strerror(errno));
	if (config != NULL && in != NULL && open_replay(&replay, config, records)) {
		whole = replay_file(&replay, in, path);
		print_summary(&replay);
	}
	close_replay(&replay);
	if (in != NULL && in != stdin)
		fclose(in);
	if (config != NULL)
		rmt_config_unref(config);
	if (!whole)
		return RMT_EXIT_TROUBLE;
	return replay.changed > 0 ? RMT_EXIT_NO : RMT_EXIT_OK;
}

static int run(const struct rmt_cli *cli, int argc, char **argv)
{
	uint64_t show = SHOWN_DEFAULT;
	bool records = true;
	int i;

	for (i = 1; i < argc && g_str_has_prefix(argv[i], "--"); i++) {
		if (strcmp(argv[i], "--no-records") == 0)
			records = false;
		else if (strcmp(argv[i], "--show") == 0 && i + 1 < argc)
			show = strtoull(argv[++i], NULL, 10);
		else
			return rmt_cli_usage(&rmt_command_replay, RMT_EXIT_USAGE);
	}
	if (i + 1 != argc)
		return rmt_cli_usage(&rmt_command_replay, RMT_EXIT_USAGE);
	return replay_log(cli, argv[i], show, records);
}

const struct rmt_command rmt_command_replay = {
	"replay",
	"what this configuration would have said to recorded requests",
	"usage: remite [-c FILE] replay [--show N] [--no-records] LOG\n\n"
	"LOG ('-': standard input) holds requests as the setting policyd.record writes\n"
	"them. Each is decided under the configuration of -c FILE at the time it was\n"
	"recorded, beginning with empty counters; nothing is changed anywhere.\n\n"
	"  --show N       the first N requests answered differently (20)\n"
	"  --no-records   without today's suppressions and pauses\n\n"
	"exit status: 0 all answers are the same, 1 some differ, 3 LOG cannot be read\n",
	run,
};
