/* SPDX-License-Identifier: MIT */
#include "common/base/log.h"
#include "common/report/reading.h"

/* The weight of curt words, "user unknown": filters say them as well (rules.inc). */
enum {
	CURT = 69,
	ALIVE = 90, /* from here on: the recipient is there, but full or closed */
	SAID = 95,  /* a provider's own number for it: no doubt is left */
};

struct rmt_report_reader {
	struct rmt_rules *rules;     /* own */
	struct rmt_phrases *phrases; /* own */
};

/* The order matters: an opt-out mail is marked as automatic, Exim's bounces too,
 * and a complaint may carry a bounce as the message complained about. */
static bool (*const recognisers[])(struct rmt_reading *r) = {
	rmt_read_arf,    rmt_read_dsn,        rmt_read_mdn,
	rmt_read_notice, rmt_read_auto_reply, rmt_read_prose,
};

/* --- events ------------------------------------------------------------------------ */

static struct rmt_report_event *new_event(void)
{
	struct rmt_report_event *event = g_new0(struct rmt_report_event, 1);

	event->recipient = g_strdup("");
	event->feedback_type = g_strdup("");
	event->evidence = g_strdup("");
	event->rule = "";
	return event;
}

void rmt_report_event_free(struct rmt_report_event *event)
{
	if (event == NULL)
		return;
	g_free(event->recipient);
	g_free(event->original_recipient);
	g_free(event->feedback_type);
	g_free(event->evidence);
	g_free(event);
}

static void free_event(gpointer event)
{
	rmt_report_event_free(event);
}

struct rmt_report_event *rmt_reading_event(struct rmt_reading *r,
					   struct rmt_span recipient,
					   enum rmt_report_source source,
					   enum rmt_report_action action)
{
	struct rmt_report_event *event;
	g_autofree char *key = NULL, *lower = NULL;

	if (r->report->events->len >= RMT_REPORT_EVENTS_MAX) {
		r->report->cut = true;
		return NULL;
	}
	recipient.len = MIN(recipient.len, 512);
	lower = g_ascii_strdown(recipient.p != NULL ? recipient.p : "",
				(gssize)recipient.len);
	key = g_strdup_printf("%d %s", action, lower);
	if (!g_hash_table_add(r->seen, g_steal_pointer(&key)))
		return NULL;
	event = new_event();
	g_free(event->recipient);
	event->recipient =
		g_strndup(recipient.p != NULL ? recipient.p : "", recipient.len);
	event->source = recipient.len > 0 ? source : RMT_SOURCE_NONE;
	event->action = action;
	g_ptr_array_add(r->report->events, event);
	return event;
}

/* --- what a bounce means ------------------------------------------------------------ */

/* "5.0.0" and "5.3.0" name at most the chapter. */
static bool is_vague(const char *status)
{
	return status[0] == '\0' || g_str_has_suffix(status, ".0");
}

/* What failed was refused: a success is a number of something else, or an earlier
 * answer. */
static void find_reply(struct rmt_report_event *event, struct rmt_span said,
		       struct rmt_span around)
{
	char reply[4] = "";

	rmt_text_reply(said, event->reply);
	if ((event->reply[0] == '\0' ||
	     (event->reply[0] == '2' && event->action == RMT_ACTION_FAILED)) &&
	    rmt_text_reply(around, reply) && reply[0] != event->reply[0])
		memcpy(event->reply, reply, sizeof(event->reply));
}

/* The code in the answer says more than "5.0.0" in the field. */
static void find_codes(struct rmt_report_event *event, struct rmt_span said,
		       struct rmt_span around)
{
	char status[12] = "";

	if (is_vague(event->status) &&
	    (rmt_text_status(said, status) || rmt_text_status(around, status)) &&
	    rmt_text_status_weight(status) > rmt_text_status_weight(event->status))
		memcpy(event->status, status, sizeof(event->status));
	if (event->reply[0] == '\0')
		find_reply(event, said, around);
}

static bool is_dead(enum rmt_report_class class)
{
	return class == RMT_CLASS_DEAD_ADDRESS || class == RMT_CLASS_DEAD_DOMAIN;
}

/* "Unknown user" after the whole message was taken is a filter's answer: of an
 * address that does not exist, RCPT would have told. */
static bool is_filter_answer(enum rmt_command command, const char *status)
{
	return command == RMT_COMMAND_DATA && !g_str_has_prefix(status, "5.1.");
}

/* Curt words are not enough to bury an address: besides them, RCPT must have been
 * refused, the code be of chapter 1, or the system that keeps the mailbox speak for
 * itself, without a reply of SMTP. Else it may be a filter: it counts, but only over
 * days. */
static bool is_witnessed(enum rmt_command command, const struct rmt_report_event *event)
{
	bool says_itself = event->own_words && event->reply[0] == '\0';

	return command == RMT_COMMAND_RCPT ||
	       ((event->witnessed || says_itself) && is_vague(event->status)) ||
	       (event->status[0] != '\0' && g_str_has_prefix(event->status + 1, ".1."));
}

/* For a while, and of the chapters of the mail system and of the way to it: whoever was
 * not found was looked for with what was broken. */
static bool is_systems_trouble(const char *status)
{
	return g_str_has_prefix(status, "4.3.") || g_str_has_prefix(status, "4.4.");
}

/* RFC 3463: class 4 would have succeeded some day. */
static enum rmt_report_class soften(enum rmt_report_class class, int weight, bool hearsay,
				    enum rmt_command command,
				    const struct rmt_report_event *event)
{
	if (!is_dead(class) || weight >= SAID)
		return class;
	if (class == RMT_CLASS_DEAD_DOMAIN &&
	    (event->status[0] == '4' ||
	     (event->reply[0] == '4' && is_vague(event->status))))
		return RMT_CLASS_NETWORK;
	if (command == RMT_COMMAND_MAIL || command == RMT_COMMAND_CONNECT)
		return RMT_CLASS_POLICY_SENDER; /* before anybody was named */
	if (is_filter_answer(command, event->status))
		return RMT_CLASS_POLICY_CONTENT;
	if (class != RMT_CLASS_DEAD_ADDRESS || event->action != RMT_ACTION_FAILED)
		return class;
	if (is_systems_trouble(event->status))
		return RMT_CLASS_INACTIVE;
	if ((weight == CURT ||
	     (hearsay && event->reply[0] == '\0' && is_vague(event->status))) &&
	    !is_witnessed(command, event))
		return RMT_CLASS_INACTIVE;
	return class;
}

static enum rmt_report_class class_of_action(enum rmt_report_action action,
					     enum rmt_report_class class)
{
	switch (action) {
	case RMT_ACTION_DELIVERED:
	case RMT_ACTION_RELAYED:
	case RMT_ACTION_EXPANDED:
		return RMT_CLASS_DELIVERED;
	case RMT_ACTION_DELAYED:
		return is_dead(class) || class == RMT_CLASS_UNKNOWN ? RMT_CLASS_DELAYED
								    : class;
	default:
		return class;
	}
}

static void set_evidence(struct rmt_report_event *event, struct rmt_span text)
{
	g_autoptr(GString) out = g_string_new(NULL);

	while (text.len > 0 && text.p[text.len - 1] == ' ')
		text.len--;
	rmt_log_printable(out, text, 300);
	g_free(event->evidence);
	event->evidence = g_string_free(g_steal_pointer(&out), FALSE);
}

/* What is said, and its normal form once somebody asks for it. */
struct words {
	struct rmt_span text;
	GString *normal; /* own; or NULL */
};

struct case_ {
	const struct rmt_rules *rules;
	const struct rmt_phrases *phrases;
	struct rmt_report_event *event;
	struct words said, around, preface;
	struct rmt_span host;
	const struct rmt_reading *reading; /* NULL: a line of a log */
};

static struct rmt_span normal(struct words *words)
{
	if (words->normal == NULL) {
		words->normal = g_string_sized_new(words->text.len + 16);
		rmt_text_normal(words->normal, words->text);
	}
	return rmt_span(words->normal->str, words->normal->len);
}

static void ask(const struct case_ *c, struct words *words, struct rmt_verdict *verdict_r)
{
	struct rmt_question question = { normal(words), c->event->status, c->event->reply,
					 c->host, false };

	rmt_rules_ask(c->rules, &question, verdict_r);
}

/* The server's own words first; the rest only where they say little. */
static struct words *choose(struct case_ *c, struct rmt_verdict *verdict_r)
{
	struct rmt_verdict around;

	ask(c, &c->said, verdict_r);
	if (verdict_r->rule != NULL && verdict_r->rule->weight >= 50)
		return &c->said;
	ask(c, &c->around, &around);
	if (around.rule == NULL ||
	    (verdict_r->rule != NULL && around.rule->weight <= verdict_r->rule->weight))
		return &c->said;
	*verdict_r = around;
	return &c->around;
}

/* "User unknown", and elsewhere in the report that the account is disabled or the
 * disk full: the milder of the two is believed. */
static struct words *hear_preface(struct case_ *c, struct words *words,
				  struct rmt_verdict *verdict)
{
	struct rmt_verdict preface;

	ask(c, &c->preface, &preface);
	if (preface.rule == NULL || preface.rule->weight < ALIVE ||
	    preface.start == preface.end)
		return words;
	*verdict = preface;
	set_evidence(c->event, rmt_span(normal(&c->preface).p + preface.start,
					preface.end - preface.start));
	return &c->preface;
}

/* "550 5.1.1 connection refused": a number alone is not believed against words that say
 * why nobody was found. */
static void hear_trouble(struct case_ *c, struct words *words,
			 struct rmt_verdict *verdict)
{
	struct rmt_question question = { normal(words), c->event->status, c->event->reply,
					 c->host, true };
	struct rmt_verdict said;

	if (!is_dead(verdict->rule->class) || verdict->start != verdict->end)
		return;
	rmt_rules_ask(c->rules, &question, &said);
	if (said.rule != NULL && (said.rule->class == RMT_CLASS_NETWORK ||
				  said.rule->class == RMT_CLASS_EXPIRED))
		*verdict = said;
}

static enum rmt_command command_of(struct case_ *c)
{
	enum rmt_command command = rmt_phrases_command(c->phrases, normal(&c->said));

	return command != RMT_COMMAND_UNSAID
		       ? command
		       : rmt_phrases_command(c->phrases, normal(&c->around));
}

/* Nobody is buried for the user agent that is unknown. */
static bool is_of_else(const struct case_ *c, struct words *words,
		       const struct rmt_verdict *verdict)
{
	if (verdict->rule->class == RMT_CLASS_DEAD_DOMAIN &&
	    rmt_looked_up_another(rmt_span_of(c->event->recipient), normal(words)))
		return true;
	return is_dead(verdict->rule->class) && verdict->rule->weight < SAID &&
	       rmt_said_of_else(c->phrases, normal(words), verdict->start, verdict->end);
}

/* What is missing may be the sender's domain or address. */
static bool is_of_sender(const struct case_ *c, struct words *words,
			 const struct rmt_verdict *verdict)
{
	const struct rmt_reading *r = c->reading;
	struct rmt_span recipient = rmt_span_of(c->event->recipient);

	if (!is_dead(verdict->rule->class) || verdict->rule->weight >= SAID)
		return false;
	if (rmt_said_of_sender(c->phrases, normal(words), verdict->start, verdict->end,
			       verdict->rule->class))
		return true;
	if (r == NULL)
		return false;
	if (rmt_reading_names_his_address(r, recipient, words->text))
		return true;
	/* Prose tells what came from where: only an answer speaks of that alone. */
	return (verdict->rule->class == RMT_CLASS_DEAD_DOMAIN || words == &c->said) &&
	       rmt_reading_names_sender(r, recipient, words->text);
}

static void judge(struct case_ *c)
{
	struct rmt_report_event *event = c->event;
	struct rmt_verdict verdict;
	struct words *words = choose(c, &verdict);

	set_evidence(event,
		     normal(words == &c->said && c->said.text.len > 0 ? &c->said
								      : &c->around));
	if (verdict.rule == NULL)
		return;
	if (verdict.rule->weight == CURT)
		words = hear_preface(c, words, &verdict);
	hear_trouble(c, words, &verdict);
	event->rule = verdict.rule->id;
	event->class = verdict.rule->class;
	if (is_of_sender(c, words, &verdict))
		event->class = RMT_CLASS_POLICY_SENDER;
	else if (is_of_else(c, words, &verdict))
		event->class = RMT_CLASS_UNKNOWN;
	else if (is_dead(event->class))
		/* A field made for a server's answer, and no answer's number in it. */
		event->class =
			soften(event->class, verdict.rule->weight,
			       event->source == RMT_SOURCE_FIELD && words == &c->said,
			       command_of(c), event);
}

static void clear_words(struct words *words)
{
	if (words->normal != NULL)
		g_string_free(words->normal, TRUE);
}

static struct words cut_words(struct rmt_span text)
{
	text.len = MIN(text.len, RMT_REPORT_TEXT_MAX);
	return (struct words){ text, NULL };
}

static void classify(struct case_ c)
{
	struct rmt_report_event *event = c.event;
	struct rmt_span local;

	/* Nobody says who refused: then it was the recipient's provider. */
	if (c.host.len == 0)
		rmt_span_split_last(rmt_span_of(event->recipient), '@', &local, &c.host);
	find_codes(event, c.said.text, c.around.text);
	judge(&c);
	event->class = class_of_action(event->action, event->class);
	event->hard = event->action == RMT_ACTION_FAILED && is_dead(event->class);
	clear_words(&c.said);
	clear_words(&c.around);
	clear_words(&c.preface);
}

void rmt_reading_classify(struct rmt_reading *r, struct rmt_report_event *event,
			  struct rmt_span said, struct rmt_span around,
			  struct rmt_span host)
{
	struct rmt_span prose = rmt_span(r->mail.prose->str, r->mail.prose->len);

	classify((struct case_){
		r->rules, r->phrases, event, cut_words(said), cut_words(around),
		cut_words(r->alone ? prose : rmt_span("", 0)), host, r });
}

struct rmt_report_event *rmt_report_classify(const struct rmt_report_reader *reader,
					     struct rmt_span text, const char *status,
					     const char *reply,
					     enum rmt_report_action action)
{
	struct rmt_report_event *event = new_event();

	event->action = action;
	g_strlcpy(event->status, status, sizeof(event->status));
	g_strlcpy(event->reply, reply, sizeof(event->reply));
	classify((struct case_){ .rules = reader->rules,
				 .phrases = reader->phrases,
				 .event = event,
				 .said = cut_words(text),
				 .around = cut_words(rmt_span("", 0)),
				 .preface = cut_words(rmt_span("", 0)),
				 .host = rmt_span("", 0) });
	return event;
}

/* --- a message -----------------------------------------------------------------------
 */

static void take_original(struct rmt_reading *r)
{
	struct rmt_span original = rmt_span(r->mail.original->str, r->mail.original->len);
	struct rmt_span id = rmt_mail_field(original, "Message-ID");

	if (original.len == 0)
		return;
	r->report->original = g_strndup(original.p, original.len);
	if (id.len > 2 && id.p[0] == '<' && id.p[id.len - 1] == '>')
		id = rmt_span(id.p + 1, id.len - 2);
	if (id.len > 0)
		r->report->message_id = g_strndup(id.p, MIN(id.len, 998));
}

static void recognise(struct rmt_reading *r)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(recognisers); i++)
		if (recognisers[i](r))
			return;
}

struct rmt_report *rmt_report_read(const struct rmt_report_reader *reader,
				   struct rmt_span message)
{
	struct rmt_reading r = { .rules = reader->rules, .phrases = reader->phrases };

	r.report = g_new0(struct rmt_report, 1);
	r.report->events = g_ptr_array_new_with_free_func(free_event);
	r.seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	rmt_mail_read(&r.mail, message);
	r.report->cut = r.mail.cut;
	recognise(&r);
	take_original(&r);
	rmt_mail_clear(&r.mail);
	g_hash_table_unref(r.seen);
	if (r.named != NULL)
		g_array_free(r.named, TRUE);
	return r.report;
}

void rmt_report_free(struct rmt_report *report)
{
	if (report == NULL)
		return;
	g_ptr_array_unref(report->events);
	g_free(report->envelope_id);
	g_free(report->message_id);
	g_free(report->original);
	g_free(report);
}

struct rmt_report_reader *rmt_report_reader_new(void)
{
	struct rmt_report_reader *reader = g_new0(struct rmt_report_reader, 1);

	reader->rules = rmt_rules_new();
	reader->phrases = rmt_phrases_new();
	return reader;
}

void rmt_report_reader_free(struct rmt_report_reader *reader)
{
	if (reader == NULL)
		return;
	rmt_rules_free(reader->rules);
	rmt_phrases_free(reader->phrases);
	g_free(reader);
}
