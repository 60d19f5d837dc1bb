/* SPDX-License-Identifier: MIT */
/* suppress_record.h - how suppressions are stored; for suppress_*.c alone.
 *
 * Table "suppress": the key is the hash of the folded address (8 octets,
 * big-endian), so that one get answers; the value holds every entry of every
 * address with that hash, each with its full address:
 *
 *	version (1), then for each entry: a string holding scope, address,
 *	reason, source, note (strings), since, until (numbers), and whatever a
 *	later version adds behind them.
 *
 * Table "suppress-journal": under running numbers, the hashes that commits
 * added, for indexes to follow: version (1), then hashes. Bounded: who comes
 * late starts anew.
 */
#ifndef RMT_SUPPRESS_RECORD_H
#define RMT_SUPPRESS_RECORD_H

#include "common/store/pack.h"
#include "common/store/suppress.h"

#define RMT_SUPPRESS_TABLE   "suppress"
#define RMT_SUPPRESS_JOURNAL "suppress-journal"

enum {
	RMT_SUPPRESS_VERSION = 1,
	RMT_SUPPRESS_KEY = 8,
	RMT_JOURNAL_HASHES = 128, /* in a record, at most */
	RMT_JOURNAL_KEEP = 4096,  /* records */
};

uint64_t rmt_suppress_hash(struct rmt_span address);
struct rmt_span rmt_suppress_key(uint64_t hash, char key[RMT_SUPPRESS_KEY]);

/* An entry that looks into a stored value. */
struct rmt_suppress_view {
	struct rmt_span scope, address, reason, source, note;
	int64_t since, until;
};
struct rmt_suppress_view rmt_suppress_view_of(const struct rmt_suppression *entry);
struct rmt_suppression *rmt_suppress_copy(const struct rmt_suppress_view *view);

/* An empty value has no entries. */
struct rmt_suppress_reader {
	struct rmt_unpack in;
	bool newer; /* damaged, because a newer program wrote it */
};
void rmt_suppress_read(struct rmt_suppress_reader *reader, struct rmt_span value);
/* False at the end, or where reader->in.damaged. */
bool rmt_suppress_next(struct rmt_suppress_reader *reader,
		       struct rmt_suppress_view *view_r);

/* Appends to a value, which begins with the version. */
void rmt_suppress_append(GString *value, const struct rmt_suppress_view *view);

/* One entry without its version, as it stands in a value; and back. */
void rmt_suppress_pack(GString *out, const struct rmt_suppress_view *view);
bool rmt_suppress_unpack(struct rmt_unpack *in, struct rmt_suppress_view *view_r);

/* The modify function of adding. The since of an entry that stands and has not
 * expired is kept. */
struct rmt_suppress_merge {
	struct rmt_suppress_view view;
	bool was_there_r;
};
enum rmt_store_verdict rmt_suppress_merge(void *merge, struct rmt_span old,
					  GString *value_r);

/* Whether an entry still bars anybody. */
static inline bool rmt_suppress_stands(const struct rmt_suppress_view *view, int64_t now)
{
	return view->until == 0 || view->until > now;
}

enum rmt_suppress_judgement rmt_suppress_judge_view(const struct rmt_suppress_view *view,
						    const char *stream, const char *class,
						    char *const *reasons, int64_t now);

/* The change that tells indexes; record (cleared) must live until the commit. */
struct rmt_store_change rmt_journal_change(GString *record, const uint64_t *hashes,
					   size_t count);
/* The hashes of a record, one after another; false at the end. */
bool rmt_journal_next(struct rmt_span *record, uint64_t *hash_r);
bool rmt_journal_begin(struct rmt_span *record);

#endif
