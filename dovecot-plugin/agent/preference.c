/* SPDX-License-Identifier: MIT */
/* The standing preference as a user writes it into METADATA: a line for everybody,
 * and lines for senders or domains.
 *
 *	ask
 *	always bob@example.org
 *	never @news.example
 */
#include <string.h>

#include "common/store/answers.h"
#include "dovecot-plugin/agent/take.h"

enum { LINES_MAX = 1000 };

static bool read_sender(const struct rmt_config *config, struct rmt_span text,
			struct rmt_addr *addr_r, char domain[RMT_ADDR_MAX],
			struct rmt_span *sender_r)
{
	if (text.len == 0) {
		*sender_r = RMT_SPAN("");
		return true;
	}
	if (text.len >= RMT_DOMAIN_MAX || memchr(text.p, ' ', text.len) != NULL ||
	    memchr(text.p, '@', text.len) == NULL)
		return false;
	if (text.p[0] == '@') {
		domain[0] = '@';
		*sender_r = rmt_span(
			domain,
			rmt_domain_fold(rmt_span_from(text, 1), domain + 1).len + 1);
		return sender_r->len > 1;
	}
	rmt_addr_fold(config->fold, text, addr_r);
	*sender_r = addr_r->whole;
	return addr_r->local.len > 0 && addr_r->domain.len > 0;
}

static bool read_line(const struct rmt_agent *agent, const struct rmt_agent_job *job,
		      struct rmt_span line, struct rmt_deal *deal)
{
	struct rmt_span word = line, rest = RMT_SPAN(""), sender;
	g_autofree char *text = NULL;
	char domain[RMT_ADDR_MAX];
	enum rmt_choice choice;
	struct rmt_addr addr;

	rmt_span_split(line, ' ', &word, &rest);
	if (!rmt_choice_parse(word, &choice) || choice == RMT_CHOICE_NONE ||
	    !read_sender(agent->config, rmt_span_trim(rest), &addr, domain, &sender))
		return false;
	text = g_strndup(sender.p, sender.len);
	rmt_deal_put_preference(deal, job->user, text, choice, "metadata",
				rmt_agent_now(agent));
	return true;
}

static bool remove_old(void *context, const struct rmt_preference *preference)
{
	rmt_deal_put_preference(context, preference->user, preference->sender,
				RMT_CHOICE_NONE, "", 0);
	return true;
}

/* What is written takes the place of all before. False: a line is wrong. */
static bool read_all(const struct rmt_agent *agent, const struct rmt_agent_job *job,
		     const char *value, struct rmt_deal *deal)
{
	g_auto(GStrv) lines = g_strsplit_set(value, "\n;", LINES_MAX + 1);
	size_t i;

	for (i = 0; lines[i] != NULL; i++) {
		struct rmt_span line = rmt_span_trim(rmt_span_of(lines[i]));

		if (i >= LINES_MAX ||
		    (line.len > 0 && !read_line(agent, job, line, deal)))
			return false;
	}
	return true;
}

enum rmt_taken rmt_take_preference(struct rmt_agent *agent,
				   const struct rmt_agent_job *job)
{
	const char *value = rmt_wire_get(job->record, "value");
	g_autoptr(rmt_deal) deal = rmt_deal_new();
	GError *err = NULL;

	if (!rmt_preferences_walk(agent->store, job->user, remove_old, deal, &err))
		return rmt_agent_trouble("preferences", err);
	if (!read_all(agent, job, value != NULL ? value : "", deal))
		return rmt_agent_refuse(job, "write ask, never or always, alone or "
					     "before an address or @domain, a line each");
	if (!rmt_deal_commit(agent->store, deal, NULL, &err))
		return rmt_agent_trouble("preferences", err);
	return RMT_TAKEN_ACK;
}

static bool append_line(void *context, const struct rmt_preference *preference)
{
	GString *out = context;

	g_string_append_printf(out, "%s%s%s%s", out->len > 0 ? "\n" : "",
			       rmt_choice_name(preference->choice),
			       *preference->sender != '\0' ? " " : "",
			       preference->sender);
	return true;
}

bool rmt_preference_tell(struct rmt_agent *agent, const char *user, GError **err)
{
	g_autoptr(GString) fields = g_string_new(NULL), text = g_string_new(NULL);
	g_autoptr(rmt_deal) deal = rmt_deal_new();
	int64_t now = rmt_agent_now(agent);
	struct rmt_answer answer = { .user = (char *)user,
				     .id = (char *)"preference",
				     .since = now,
				     .until = now + 90 * (int64_t)RMT_AGENT_DAY,
				     .number = (uint64_t)rmt_agent_now_us(agent) };

	if (!rmt_preferences_walk(agent->store, user, append_line, text, err))
		return false;
	g_string_append_printf(fields, "preference=%s", text->str);
	answer.fields = fields->str;
	rmt_deal_put_answer(deal, &answer);
	return rmt_deal_commit(agent->store, deal, NULL, err);
}
