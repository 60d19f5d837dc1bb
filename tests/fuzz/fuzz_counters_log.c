/* SPDX-License-Identifier: MIT */
/* fuzz_counters_log - what stands in the counters' directory may be anything.
 *
 * The input is a snapshot and a log, cut where its first two octets say. They
 * are read as they are, and once more with all checksums put right, so that the
 * fuzzer gets past them; then the counters are used.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

#include "common/base/log.h"
#include "common/limits/counters_disk.h"
#include "common/limits/counters_snapshot.h"
#include "common/limits/kept.h"
#include "common/limits/reserve_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct rmt_amount rate = { false, 10, UINT64_C(60000000000), 10 };
static const struct rmt_amount quota = { true, 10, UINT64_C(60000000000), 0 };

static void no_log(void *context, enum rmt_log_level level, const char *line)
{
	(void)context;
	(void)level;
	(void)line;
}

struct target {
	struct rmt_counters *counters;
	struct rmt_kept records;
};

static void apply(void *context, int64_t line_ns, enum rmt_log_type type,
		  const char *record, size_t len)
{
	struct target *target = context;

	(void)line_ns;
	if (type != RMT_LOG_CLIENT)
		rmt_disk_apply(target->counters, type, record, len);
	else
		rmt_kept_add(&target->records, record, len);
}

static uint64_t key_of(unsigned i)
{
	return (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static void use(struct rmt_counters *counters, struct rmt_reservations *reservations)
{
	int64_t now = counters->line_last;
	uint64_t cursor = 0;
	unsigned i;

	for (i = 0; i < 64; i++) {
		rmt_counters_charge(counters, key_of(i), i % 2 ? &rate : &quota, 1, now);
		rmt_counters_is_named(counters, key_of(i));
	}
	while (rmt_names_shard_at(&counters->names, (unsigned)cursor) != NULL &&
	       ++cursor < RMT_SHARDS)
		;
	rmt_reservations_expire(reservations, INT64_MAX / 2);
	for (i = 0; i < 64; i++)
		rmt_counters_tick(counters, now + 1000000 * (int64_t)i);
}

static void read_both(const uint8_t *snapshot, size_t snapshot_len, const uint8_t *log,
		      size_t log_len, uint64_t seed_check)
{
	struct rmt_counters_options options = { .wall_secs = 1700000000 };
	struct rmt_snapshot_names *names = g_new0(struct rmt_snapshot_names, 1);
	struct target target = { 0 };
	struct rmt_reservations *reservations;
	struct rmt_snapshot_head head;
	struct rmt_log_reading reading;
	int fd = memfd_create("snapshot", MFD_CLOEXEC);

	names->fd = -1;
	rmt_kept_init(&target.records, seed_check % 2 != 0 ? rmt_reserve_ends : NULL);
	if (!rmt_counters_open(&target.counters, &options, NULL) ||
	    write(fd, snapshot, snapshot_len) != (ssize_t)snapshot_len)
		abort();
	if (rmt_snapshot_read(fd, target.counters, seed_check, names, &head) !=
	    RMT_LOG_WHOLE)
		rmt_counters_empty(target.counters);
	rmt_log_read((const char *)log, log_len, NULL, apply, &target, &reading);
	reservations = rmt_reservations_new(target.counters, UINT64_C(60000000000));
	rmt_kept_each(&target.records, target.counters->client.replay, reservations);
	use(target.counters, reservations);
	rmt_reservations_free(reservations);
	rmt_counters_close(&target.counters);
	rmt_kept_finish(&target.records);
	if (names->fd >= 0)
		close(names->fd);
	g_free(names);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree uint8_t *bytes = NULL;
	uint64_t seed_check = 0;
	size_t cut;

	rmt_log_init("fuzz", RMT_LOG_ERROR, no_log, NULL);
	if (size < 2)
		return 0;
	cut = MIN((size_t)data[0] << 8 | data[1], size - 2);
	bytes = g_memdup2(data + 2, size - 2);
	if (bytes == NULL)
		return 0;
	if (cut >= sizeof(struct rmt_snapshot_head))
		memcpy(&seed_check,
		       bytes + offsetof(struct rmt_snapshot_head, seed_check),
		       sizeof(seed_check));
	read_both(bytes, cut, bytes + cut, size - 2 - cut, seed_check);
	rmt_snapshot_mend((char *)bytes, cut);
	rmt_log_mend((char *)bytes + cut, size - 2 - cut);
	read_both(bytes, cut, bytes + cut, size - 2 - cut, seed_check);
	return 0;
}
