/* SPDX-License-Identifier: MIT */
/* reader.h - from libconfig's tree to struct rmt_config, by rows.
 *
 * settings.c holds the rows: a section is a group of the file, a setting a
 * value in it. read.c walks the tree along the rows; types.c reads the values;
 * sections.c and section_*.c make the objects they belong to and check what
 * concerns several values; dump.c writes the tree back. All complaints of a run are
 * gathered.
 */
#ifndef RMT_CONFIG_READER_H
#define RMT_CONFIG_READER_H

#include <libconfig.h>

#include "common/base/clock.h"
#include "common/config/config.h"
#include "common/config/source.h"
#include "common/config/values.h"

struct rmt_reading {
	struct rmt_config *config;
	const char *file; /* foreign; for complaints */
	struct rmt_source source;
	GPtrArray *complaints; /* own struct complaint */
	GHashTable *standards; /* own; section -> config_t of its defaults */
	bool failed;           /* not only warnings */
};

struct rmt_setting;

/* How a kind of value is read. field: where it goes; nothing is there before.
 * Complains by itself. Without a function, the section's end looks it up. */
struct rmt_setting_type {
	const char *name; /* for the list of settings */
	void (*read)(struct rmt_reading *reading, const struct rmt_setting *row,
		     const config_setting_t *setting, void *field);
};

struct rmt_choice {
	const char *name; /* NULL ends the table */
	int value;
};

struct rmt_setting {
	const char *name;
	const struct rmt_setting_type *type; /* NULL: renamed or removed; help says
					      * what to write now */
	size_t offset;                       /* of the field in the section's object */
	const char *standard;  /* the default in the file's own syntax; or NULL */
	const char *otherwise; /* where it is not set and has no default: in words */
	const char *help;
	/* What the type needs: */
	uint64_t min, max;
	const struct rmt_choice *choices;
	enum rmt_list_kind kind;
	rmt_value_check *check;
};

/* The object a section's settings are read into; parent: that of the section
 * around it; group: NULL where the file has none. */
typedef void *rmt_section_begin(struct rmt_reading *reading, void *parent,
				const char *name, const config_setting_t *group);
/* When all its settings are read. Frees what is not kept. */
typedef void rmt_section_end(struct rmt_reading *reading, void *parent, void *object,
			     const config_setting_t *group);

struct rmt_section {
	const char *name; /* "policyd" */
	bool many;        /* any number of named groups in the group of this name */
	const struct rmt_setting *settings; /* up to a row without a name */
	/* Sections inside; up to NULL; read in this order. */
	const struct rmt_section *const *sections;
	rmt_section_begin *begin;
	rmt_section_end *end;
	/* A word that may stand in the group's place, and where it is noted then: a
	 * bool in the section's object. */
	const char *word;
	size_t word_offset;
};

extern const struct rmt_section rmt_section_root;

/* NULL: there is none of this name. */
const struct rmt_setting *rmt_section_setting(const struct rmt_section *section,
					      const char *name);
/* What is told of a name that this section does not know, or no longer. Own: g_free. */
char *rmt_section_unknown(const struct rmt_section *section, const char *name);
const struct rmt_section *rmt_section_inside(const struct rmt_section *section,
					     const char *name);

/* Where a setting stands; line 0 for NULL and for defaults. */
struct rmt_place rmt_setting_place(const struct rmt_reading *reading,
				   const config_setting_t *setting);

/* "FILE:LINE: stream 'news': TEXT"; the place is the setting's. */
void rmt_complain(struct rmt_reading *reading, const config_setting_t *setting,
		  const char *format, ...) G_GNUC_PRINTF(3, 4);
void rmt_warn(struct rmt_reading *reading, const config_setting_t *setting,
	      const char *format, ...) G_GNUC_PRINTF(3, 4);
/* With the setting's name before it. Takes the error. */
void rmt_complain_of(struct rmt_reading *reading, const config_setting_t *setting,
		     GError *error);

/* Calls each with every string of a list, an array, or one string alone, and
 * complains of other things, and of what each returns false for. */
typedef bool rmt_each_string(void *context, struct rmt_span text, GError **err);
void rmt_read_strings(struct rmt_reading *reading, const config_setting_t *setting,
		      rmt_each_string *each, void *context);

/* A number, a string or a boolean as it was written. */
void rmt_scalar_text(const config_setting_t *setting, GString *out);

/* types.c */
extern const struct rmt_setting_type rmt_type_bool, rmt_type_choice, rmt_type_number,
	rmt_type_small, rmt_type_size, rmt_type_duration, rmt_type_file_mode,
	rmt_type_string, rmt_type_strings, rmt_type_list, rmt_type_rate, rmt_type_quota,
	rmt_type_per, rmt_type_exempt, rmt_type_overrides, rmt_type_text,
	rmt_type_bound_users;
/* section_receipts.c */
extern const struct rmt_setting_type rmt_type_amount, rmt_type_addresses, rmt_type_logins;
rmt_section_begin rmt_begin_receipts, rmt_begin_unit;
rmt_section_end rmt_end_receipts, rmt_end_unit;
void rmt_receipts_clear(struct rmt_receipts_config *receipts);

/* What a group says of name, NULL where it says nothing; and the place to
 * complain of, the group's own then. group may be NULL. */
const config_setting_t *rmt_member(const config_setting_t *group, const char *name);
const config_setting_t *rmt_member_place(const config_setting_t *group, const char *name);

/* sections.c, section_*.c: what begin and end of the sections are. */
rmt_section_begin rmt_begin_root, rmt_begin_policyd, rmt_begin_milter, rmt_begin_fold,
	rmt_begin_egress, rmt_begin_stream, rmt_begin_limit, rmt_begin_rules,
	rmt_begin_dns, rmt_begin_dkim, rmt_begin_binding, rmt_begin_submission,
	rmt_begin_agent, rmt_begin_prompts;
rmt_section_end rmt_end_root, rmt_end_policyd, rmt_end_milter, rmt_end_fold,
	rmt_end_egress, rmt_end_stream, rmt_end_limit, rmt_end_binding,
	rmt_end_submission;
/* section_agent.c */
void rmt_agent_clear(struct rmt_config *config);

/* section_links.c */
rmt_section_begin rmt_begin_unsubscribe, rmt_begin_http;
rmt_section_end rmt_end_unsubscribe, rmt_end_http;

/* section_feedback.c */
extern const struct rmt_setting_type rmt_type_share;
rmt_section_begin rmt_begin_return_path, rmt_begin_pause, rmt_begin_complaints,
	rmt_begin_bounces, rmt_begin_unsubscribes, rmt_begin_feedback;
rmt_section_end rmt_end_return_path, rmt_end_pause_test;

/* What the rows of fold, streams and limits are read into. */
struct rmt_fold_draft {
	struct rmt_list *domains;
	char *delimiter;
	bool ignore_dots;
};

enum { RMT_NOT_SET = -1 };

struct rmt_stream_draft {
	struct rmt_stream stream;
	int mode; /* RMT_NOT_SET: the configuration's */
	char *egress;
	char **require; /* own */
	bool has_condition;
};

/* section_require.c: from the draft to the stream; frees the draft's part. */
void rmt_set_require(struct rmt_stream_draft *draft, const config_setting_t *group);
void rmt_check_require(struct rmt_reading *reading, const struct rmt_stream *stream,
		       const config_setting_t *group);

/* section_links.c */
void rmt_check_unsubscribe(struct rmt_reading *reading, const struct rmt_stream *stream,
			   const config_setting_t *group);
void rmt_unsubscribe_clear(struct rmt_unsubscribe *unsubscribe);
void rmt_http_clear(struct rmt_http_config *http);

struct rmt_limit_draft {
	struct rmt_limit limit;
	uint64_t burst; /* 0: not set */
	bool allow_discard;
};

/* section_unsubscribing.c */
rmt_section_begin rmt_begin_unsubscribing;
rmt_value_check rmt_check_port;

/* dump.c */
void rmt_dump_tree(const config_setting_t *root, GString *out);

void rmt_limit_free(struct rmt_limit *limit);
void rmt_egress_free(struct rmt_egress *egress);
void rmt_stream_free(struct rmt_stream *stream);
void rmt_unsubscribing_clear(struct rmt_unsubscribing *unsubscribing);

#endif
