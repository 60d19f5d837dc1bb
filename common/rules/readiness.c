/* SPDX-License-Identifier: MIT */
/* readiness.c - a question is what some streams want to know of any domain; for
 * each question there is a table of domains. */
#include "common/rules/readiness_private.h"

#include <inttypes.h>

enum { WAITING_MAX = 2000 };

static void free_question(gpointer pointer)
{
	struct rmt_ready_question *question = pointer;

	g_hash_table_unref(question->entries);
	g_free(question->fingerprint);
	g_free(question);
}

static unsigned wanted_by(const struct rmt_stream *stream)
{
	unsigned wanted = 0;
	int i;

	for (i = 0; i < RMT_REQUIRE_COUNT; i++)
		if (stream->require[i] > RMT_LEVEL_OFF)
			wanted |= 1u << i;
	return wanted;
}

static void append_all(GString *out, char *const *strings)
{
	for (; strings != NULL && *strings != NULL; strings++)
		g_string_append_printf(out, " %s", *strings);
	g_string_append_c(out, '\n');
}

/* All that answers depend on, but the domain. */
static char *fingerprint_of(const struct rmt_stream *stream)
{
	GString *out = g_string_new(NULL);
	const struct rmt_egress *egress = stream->egress;

	g_string_append_printf(out, "%x\n", wanted_by(stream));
	append_all(out, egress != NULL ? egress->addresses : NULL);
	if (egress != NULL && egress->helo != NULL)
		g_string_append(out, egress->helo);
	g_string_append_c(out, '\n');
	append_all(out, stream->dkim.selectors);
	g_string_append(out, stream->dkim.learn ? "learn\n" : "\n");
	if (rmt_return_address(stream) != NULL)
		g_string_append(out, rmt_return_address(stream));
	g_string_append_c(out, '\n');
	if (stream->dkim.domain != NULL)
		g_string_append(out, stream->dkim.domain);
	return g_string_free(out, FALSE);
}

static struct rmt_ready_question *find_question(GPtrArray *questions,
						const char *fingerprint, guint *at_r)
{
	struct rmt_ready_question *question;

	for (*at_r = 0; questions != NULL && *at_r < questions->len; ++*at_r) {
		question = questions->pdata[*at_r];
		if (strcmp(question->fingerprint, fingerprint) == 0)
			return question;
	}
	return NULL;
}

static struct rmt_ready_question *new_question(struct rmt_readiness *readiness,
					       unsigned wanted, char *fingerprint)
{
	struct rmt_ready_question *question = g_new0(struct rmt_ready_question, 1);

	question->fingerprint = fingerprint;
	question->wanted = wanted;
	question->entries = rmt_ready_entries_new();
	question->readiness = readiness;
	return question;
}

/* The stream's question, kept from before where it is the same. */
static struct rmt_ready_question *question_for(struct rmt_readiness *readiness,
					       const struct rmt_stream *stream,
					       GPtrArray *before)
{
	char *fingerprint = fingerprint_of(stream);
	struct rmt_ready_question *question;
	guint at;

	question = find_question(readiness->questions, fingerprint, &at);
	if (question == NULL) {
		question = find_question(before, fingerprint, &at);
		if (question != NULL)
			g_ptr_array_steal_index_fast(before, at);
		else
			question = new_question(readiness, wanted_by(stream),
						g_steal_pointer(&fingerprint));
		g_ptr_array_add(readiness->questions, question);
	}
	g_free(fingerprint);
	return question;
}

struct rmt_readiness *rmt_readiness_new(void)
{
	struct rmt_readiness *readiness = g_new0(struct rmt_readiness, 1);

	readiness->seed = g_random_int();
	readiness->orgs =
		new_question(readiness, 1u << RMT_REQUIRE_DMARC, g_strdup("org"));
	return readiness;
}

void rmt_readiness_learns(struct rmt_readiness *readiness,
			  rmt_readiness_selectors *selectors, void *context)
{
	readiness->selectors = selectors;
	readiness->selectors_context = context;
}

void rmt_readiness_configure(struct rmt_readiness *readiness, struct rmt_config *config)
{
	g_autoptr(GPtrArray) before = readiness->questions;
	struct rmt_config *old = readiness->config;
	guint i;

	readiness->config = rmt_config_ref(config);
	readiness->questions = g_ptr_array_new_with_free_func(free_question);
	g_free(readiness->of_streams);
	readiness->of_streams = g_new0(struct rmt_ready_question *, config->streams->len);
	for (i = 0; i < config->streams->len; i++) {
		const struct rmt_stream *stream = config->streams->pdata[i];

		if (stream->requires)
			readiness->of_streams[i] =
				question_for(readiness, stream, before);
	}
	while (readiness->stats.domains > config->dns.domains_max)
		rmt_ready_drop_oldest(readiness);
	if (old != NULL)
		rmt_config_unref(old);
}

void rmt_readiness_free(struct rmt_readiness *readiness)
{
	if (readiness == NULL)
		return;
	if (readiness->questions != NULL)
		g_ptr_array_unref(readiness->questions);
	free_question(readiness->orgs);
	g_queue_clear(&readiness->waiting);
	g_free(readiness->of_streams);
	if (readiness->config != NULL)
		rmt_config_unref(readiness->config);
	g_free(readiness);
}

/* A stream of a configuration that is no longer in force is found by its name. */
static struct rmt_ready_question *question_of(const struct rmt_readiness *readiness,
					      const struct rmt_stream *stream)
{
	const GPtrArray *streams = readiness->config->streams;

	if (stream->index < streams->len && streams->pdata[stream->index] == stream)
		return readiness->of_streams[stream->index];
	stream = rmt_config_stream(readiness->config, stream->name);
	return stream != NULL ? readiness->of_streams[stream->index] : NULL;
}

/* --- asking --------------------------------------------------------------------------
 */

static void renew(struct rmt_readiness *readiness, struct rmt_ready_entry *entry)
{
	if (entry->waiting || entry->in_flight)
		return;
	if (readiness->waiting.length >= WAITING_MAX) {
		readiness->stats.dropped++;
		return;
	}
	entry->waiting = true;
	g_queue_push_tail(&readiness->waiting, entry);
}

/* The first of these bits whose level is the highest; -1: none. */
static int gravest(const struct rmt_stream *stream, unsigned bits)
{
	int i, found = -1;

	for (i = 0; bits >> i != 0; i++)
		if ((bits >> i & 1) != 0 && stream->require[i] > RMT_LEVEL_OFF &&
		    (found < 0 || stream->require[i] > stream->require[found]))
			found = i;
	return found;
}

static void set_ready(struct rmt_ready *ready, enum rmt_ready_state state, int level,
		      int requirement, const char *text)
{
	ready->state = state;
	ready->level = (enum rmt_level)level;
	ready->rule = rmt_rule_get(rmt_ready_rows[requirement].rule)->id;
	ready->code = rmt_ready_rows[requirement].code;
	ready->text = text;
}

/* What would stop mail comes first: what is missing, then what is not known. */
static void answer(const struct rmt_stream *stream, const struct rmt_ready_entry *entry,
		   struct rmt_ready *ready)
{
	const int broken = gravest(stream, entry->broken);
	const int unknown = gravest(stream, entry->unknown);
	bool waits;

	*ready = (struct rmt_ready){ .state = RMT_READY, .stale = entry->stale != 0 };
	waits = unknown >= 0 && stream->on_unknown >= RMT_LEVEL_DEFER &&
		stream->require[unknown] >= RMT_LEVEL_DEFER;
	if (broken >= 0 && (stream->require[broken] >= RMT_LEVEL_DEFER || !waits))
		set_ready(ready, RMT_NOT_READY, stream->require[broken], broken,
			  entry->known->texts[broken]);
	else if (unknown >= 0)
		set_ready(ready, RMT_READY_UNKNOWN,
			  waits ? RMT_LEVEL_DEFER : RMT_LEVEL_LOG, unknown,
			  "DNS has not answered yet about the sender's domain");
}

static void count(struct rmt_readiness_stats *stats, const struct rmt_ready *ready)
{
	stats->ready += ready->state == RMT_READY;
	stats->unknown += ready->state == RMT_READY_UNKNOWN;
	stats->not_ready += ready->state == RMT_NOT_READY;
	stats->stale += ready->stale;
}

void rmt_readiness_get(struct rmt_readiness *readiness, const struct rmt_stream *stream,
		       struct rmt_span domain, int64_t now_us, struct rmt_ready *ready_r)
{
	struct rmt_ready_question *question = question_of(readiness, stream);
	struct rmt_ready_entry *entry;

	*ready_r = (struct rmt_ready){ .state = RMT_READY };
	if (question == NULL || domain.len == 0 || domain.len > RMT_DOMAIN_MAX)
		return;
	entry = rmt_ready_entry_find(question, domain);
	if (entry == NULL)
		entry = rmt_ready_entry_add(question, domain);
	rmt_ready_entry_touch(entry, now_us);
	if (now_us >= entry->fresh_until_us)
		renew(readiness, entry);
	answer(stream, entry, ready_r);
	count(&readiness->stats, ready_r);
}

/* What was found once stays until the next answer: organisations do not change for
 * want of DNS. */
bool rmt_readiness_org(struct rmt_readiness *readiness, struct rmt_span domain,
		       int64_t now_us, struct rmt_span *org_r)
{
	struct rmt_ready_entry *entry;

	if (domain.len == 0 || domain.len > RMT_DOMAIN_MAX)
		return false;
	entry = rmt_ready_entry_find(readiness->orgs, domain);
	if (entry == NULL)
		entry = rmt_ready_entry_add(readiness->orgs, domain);
	rmt_ready_entry_touch(entry, now_us);
	if (now_us >= entry->fresh_until_us)
		renew(readiness, entry);
	if (entry->known->org == NULL)
		return false;
	*org_r = rmt_span_of(entry->known->org);
	return true;
}

/* --- in words ------------------------------------------------------------------------
 */

static void explain_one(const struct rmt_stream *stream,
			const struct rmt_ready_entry *entry, int requirement,
			GString *out)
{
	const unsigned bit = 1u << requirement;
	const char *state = "holds";

	if ((entry->broken & bit) != 0)
		state = "is missing: ";
	else if ((entry->unknown & bit) != 0)
		state = entry->asked ? "unknown: DNS did not answer"
				     : "unknown: DNS has not answered yet";
	else if ((entry->stale & bit) != 0)
		state = "holds, as was known before DNS went silent";
	g_string_append_printf(
		out, "require %s (%s): %s%s", rmt_requirement_name(requirement),
		rmt_rule_get(rmt_ready_rows[requirement].rule)->id, state,
		(entry->broken & bit) != 0 ? entry->known->texts[requirement] : "");
	if ((entry->broken & bit) != 0)
		g_string_append_printf(out, " -> %s",
				       rmt_level_name(stream->require[requirement]));
	g_string_append_c(out, '\n');
}

void rmt_readiness_explain(struct rmt_readiness *readiness,
			   const struct rmt_stream *stream, struct rmt_span domain,
			   int64_t now_us, struct rmt_ready *ready_r, GString *out)
{
	const struct rmt_ready_question *question = question_of(readiness, stream);
	struct rmt_ready_entry nothing = { .unknown = question != NULL ? question->wanted
								       : 0 };
	const struct rmt_ready_entry *entry = NULL;
	int i;

	if (question != NULL && domain.len <= RMT_DOMAIN_MAX)
		entry = rmt_ready_entry_find(question, domain);
	if (entry == NULL)
		entry = &nothing;
	for (i = 0; i < RMT_REQUIRE_COUNT; i++)
		if (stream->require[i] > RMT_LEVEL_OFF)
			explain_one(stream, entry, i, out);
	if (entry->asked)
		g_string_append_printf(
			out, "require: asked %" PRId64 " s ago, again %s\n",
			(now_us - entry->known->known_us) / RMT_READY_SECOND_US,
			now_us < entry->fresh_until_us ? "later" : "when next seen");
	answer(stream, entry, ready_r);
}

void rmt_readiness_stats(const struct rmt_readiness *readiness,
			 struct rmt_readiness_stats *stats_r)
{
	*stats_r = readiness->stats;
	stats_r->waiting = readiness->waiting.length;
}
