/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/settings-module.h"
#include "mail-user.h"
#if RMT_DOVECOT_24
#include <settings.h> /* Dovecot's: ours stands beside this file */
#endif

#include "dovecot-plugin/settings.h"

struct word {
	const char *name;
	int value;
};

static const struct word receipts_words[] = {
	{ "off", RMT_RECEIPTS_OFF },       { "client", RMT_RECEIPTS_CLIENT },
	{ "report", RMT_RECEIPTS_REPORT }, { "server", RMT_RECEIPTS_SERVER },
	{ "none", RMT_RECEIPTS_NONE },     { NULL, 0 },
};

static const struct word evidence_words[] = {
	{ "seen", RMT_EVIDENCE_SEEN },
	{ "fetched", RMT_EVIDENCE_FETCHED },
	{ "strict", RMT_EVIDENCE_STRICT },
	{ NULL, 0 },
};

static const struct word bool_words[] = {
	{ "yes", 1 },
	{ "no", 0 },
	{ NULL, 0 },
};

#if RMT_DOVECOT_24
static int read_texts(struct mail_user *user, struct rmt_texts *texts_r,
		      const char **error_r)
{
	const struct rmt_texts *texts;

	if (settings_get(user->event, &remite_setting_parser_info, 0, &texts, error_r) <
	    0)
		return -1;
#define RMT_SETTING(name, value) texts_r->name = p_strdup(user->pool, texts->name);
#include "dovecot-plugin/settings-table.h"
#undef RMT_SETTING
	settings_free(texts);
	return 0;
}
#else
static int read_texts(struct mail_user *user, struct rmt_texts *texts_r,
		      const char **error_r ATTR_UNUSED)
{
	const char *text;

#define RMT_SETTING(name, value)                                                         \
	text = mail_user_plugin_getenv(user, #name);                                     \
	texts_r->name = text != NULL ? p_strdup(user->pool, text) : value;
#include "dovecot-plugin/settings-table.h"
#undef RMT_SETTING
	return 0;
}
#endif

static int read_word(const char *setting, const char *text, const struct word *words,
		     int *value_r, const char **error_r)
{
	const struct word *word;

	for (word = words; word->name != NULL; word++) {
		if (strcasecmp(word->name, text) == 0) {
			*value_r = word->value;
			return 0;
		}
	}
	*error_r = t_strdup_printf("%s = %s: write %s", setting, text, words[0].name);
	for (word = words + 1; word->name != NULL; word++)
		*error_r = t_strconcat(*error_r, " or ", word->name, NULL);
	return -1;
}

/* What the agent would make nothing of: "Ann <ann@example.com>" is two words. */
static int check_addresses(const char *text, const char **error_r)
{
	const char *const *word = t_strsplit_spaces(text, " ,\t");

	for (; *word != NULL; word++) {
		if (strpbrk(*word, "<>") == NULL && strchr(*word, '@') != NULL)
			continue;
		*error_r = t_strdup_printf(
			"remite_addresses = %s: '%s' is no address: write addresses "
			"alone, as in ann@example.com,a.smith@example.com",
			text, *word);
		return -1;
	}
	return 0;
}

static const char *or_null(const char *text)
{
	return *text != '\0' ? text : NULL;
}

/* Relative to Dovecot's base_dir. */
static const char *socket_path(struct mail_user *user, const char *text)
{
	if (*text == '/')
		return text;
	return p_strconcat(user->pool, user->set->base_dir, "/", text, NULL);
}

int rmt_settings_read(struct mail_user *user, struct rmt_settings *set,
		      const char **error_r)
{
	struct rmt_texts texts = { 0 };
	int receipts, evidence, unsubscribe, trust, feedback;

	if (read_texts(user, &texts, error_r) < 0 ||
	    read_word("remite_receipts", texts.remite_receipts, receipts_words, &receipts,
		      error_r) < 0 ||
	    read_word("remite_displayed_evidence", texts.remite_displayed_evidence,
		      evidence_words, &evidence, error_r) < 0 ||
	    read_word("remite_unsubscribe", texts.remite_unsubscribe, bool_words,
		      &unsubscribe, error_r) < 0 ||
	    read_word("remite_trust_headers", texts.remite_trust_headers, bool_words,
		      &trust, error_r) < 0 ||
	    read_word("remite_feedback", texts.remite_feedback, bool_words, &feedback,
		      error_r) < 0 ||
	    check_addresses(texts.remite_addresses, error_r) < 0)
		return -1;
	*set = (struct rmt_settings){
		.receipts = receipts,
		.evidence = evidence,
		.unsubscribe = unsubscribe != 0,
		.trust_headers = trust != 0,
		.feedback = feedback != 0,
		.agent_socket = socket_path(user, texts.remite_agent_socket),
		.addresses = or_null(texts.remite_addresses),
		.name = or_null(texts.remite_name),
		.groups = or_null(texts.remite_groups),
		.language = or_null(texts.remite_language),
		.drop_approve = or_null(texts.remite_drop_approve),
		.drop_deny = or_null(texts.remite_drop_deny),
		.drop_unsubscribe = or_null(texts.remite_drop_unsubscribe),
	};
	return 0;
}
