/* SPDX-License-Identifier: MIT */
/* source.h - a configuration file with all it includes, as one text.
 *
 * libconfig has @include, but its versions look for the file in different
 * places and end the process where it is a directory. So the lines are put
 * together here, and each one's place is kept.
 */
#ifndef RMT_CONFIG_SOURCE_H
#define RMT_CONFIG_SOURCE_H

#include <glib.h>
#include <stdbool.h>

struct rmt_source {
	GString *text;    /* own */
	GArray *places;   /* own; one per line of text */
	GPtrArray *files; /* own char * */
};

/* A place to complain of; file is valid as long as the source. */
struct rmt_place {
	const char *file;
	unsigned line; /* from 1; 0: none */
};

void rmt_source_init(struct rmt_source *source);
void rmt_source_clear(struct rmt_source *source);

/* A line that is `@include "FILE"` (relative: beside the file it stands in) is
 * replaced by that file's lines. False: the sentence is about *place_r. */
bool rmt_source_read(struct rmt_source *source, const char *path,
		     struct rmt_place *place_r, GError **err);

/* A text that is no file, and can include none. */
bool rmt_source_set(struct rmt_source *source, const char *name, const char *text,
		    struct rmt_place *place_r, GError **err);

/* Where a line of text (from 1) comes from. */
struct rmt_place rmt_source_place(const struct rmt_source *source, unsigned line);

#endif
