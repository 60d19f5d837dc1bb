/* SPDX-License-Identifier: MIT */
/* Where the pages of a large commit go, as the system and other readers see it. */
#include "tests/unit/common/store/store_fixture.h"

#include <string.h>
#include <sys/wait.h>

#define TABLE "streams"

enum {
	KEYS = 8000, /* some 200 pages and the branches above them */
	CROWD = 32,  /* changes of a commit */
	VALUE = 64,
	PAGE = 4096,
};

/* The same each time, and anywhere in the table. */
static void key_of(unsigned number, char key[8])
{
	uint64_t mixed = (number + 1) * UINT64_C(0x9e3779b97f4a7c15);

	mixed = GUINT64_TO_BE(mixed ^ (mixed >> 29));
	memcpy(key, &mixed, sizeof(mixed));
}

static void commit_some(struct rmt_store *store, unsigned first, unsigned count)
{
	static const char value[VALUE];
	struct rmt_store_change changes[CROWD];
	char keys[CROWD][8];
	GError *err = NULL;
	unsigned i;

	for (i = 0; i < count; i++) {
		key_of((first + i) % KEYS, keys[i]);
		changes[i] = (struct rmt_store_change){ .table = TABLE,
							.key = rmt_span(keys[i], 8),
							.value = rmt_span(value, VALUE) };
	}
	assert_ok(rmt_store_commit(store, changes, count, NULL, &err), err);
}

static void commit_crowds(struct rmt_store *store, unsigned commits)
{
	static unsigned at;
	unsigned i;

	for (i = 0; i < commits; i++, at += CROWD)
		commit_some(store, at, CROWD);
}

/* System calls that write, of this process so far. */
static uint64_t writes(void)
{
	g_autofree char *text = NULL;
	const char *line;

	if (!g_file_get_contents("/proc/self/io", &text, NULL, NULL))
		return 0;
	line = strstr(text, "syscw: ");
	return line != NULL ? g_ascii_strtoull(line + strlen("syscw: "), NULL, 10) : 0;
}

static size_t file_pages(struct rmt_store *store)
{
	struct rmt_store_stats stats;

	rmt_store_stats(store, &stats);
	return stats.used_bytes / PAGE;
}

/* Each page by itself were some forty. */
static void many_changes_are_few_writes(void **state)
{
	struct store_fixture *fixture = *state;
	uint64_t before;

	if (writes() == 0) {
		print_message("/proc/self/io does not tell of writes\n");
		skip();
	}
	commit_crowds(fixture->store, KEYS / CROWD + 150);
	before = writes();
	commit_crowds(fixture->store, 150);
	assert_in_range((writes() - before) / 150, 1, 20);
}

static void the_file_is_some_times_what_it_holds_and_no_more(void **state)
{
	struct store_fixture *fixture = *state;
	size_t before;

	commit_crowds(fixture->store, KEYS / CROWD + 200);
	before = file_pages(fixture->store);
	assert_in_range(before, 200, 2500);
	commit_crowds(fixture->store, 200);
	assert_in_range(file_pages(fixture->store), before, before + before / 4);
}

static void a_change_alone_makes_no_file_longer(void **state)
{
	struct store_fixture *fixture = *state;
	unsigned i;

	for (i = 0; i < 100; i++)
		commit_some(fixture->store, i, 1);
	assert_in_range(file_pages(fixture->store), 1, 40);
}

/* --- beside a reader ---------------------------------------------------------------- */

struct reader {
	struct store_fixture *fixture;
	int begin, has_begun; /* pipes; and until begin is closed */
};

static void stay(void *context, enum rmt_store_status status, struct rmt_span value,
		 const char *error)
{
	const struct reader *reader = context;
	char octet;

	(void)status;
	(void)value;
	(void)error;
	if (write(reader->has_begun, "", 1) == 1 && read(reader->begin, &octet, 1) != 0)
		_exit(2);
}

static int read_long(const struct reader *reader)
{
	struct rmt_store *store = NULL;
	char octet;

	if (read(reader->begin, &octet, 1) != 1 ||
	    !rmt_store_open(&store, reader->fixture->uri, true, NULL))
		return 1;
	rmt_store_get(store, TABLE, RMT_SPAN("none"), stay, (void *)reader);
	rmt_store_close(&store);
	return 0;
}

/* What it still reads is not free, and cannot be gathered. */
static void beside_one_who_reads_for_long_the_file_grows_by_what_is_written(void **state)
{
	struct store_fixture *fixture = *state;
	int to_reader[2], from_reader[2], status;
	size_t before;
	unsigned i;
	char octet;
	pid_t child;

	rmt_store_close(&fixture->store); /* is not to be open twice in a process */
	assert_int_equal(pipe(to_reader) | pipe(from_reader), 0);
	child = fork();
	if (child == 0) {
		close(to_reader[1]);
		_exit(read_long(
			&(struct reader){ fixture, to_reader[0], from_reader[1] }));
	}
	close(to_reader[0]);
	close(from_reader[1]);
	fixture_open(fixture);
	commit_some(fixture->store, 0, 1);
	assert_int_equal(write(to_reader[1], "", 1), 1);
	assert_int_equal(read(from_reader[0], &octet, 1), 1);
	for (i = 0; i < 200; i++)
		commit_some(fixture->store, i * 8, 8);
	before = file_pages(fixture->store);
	commit_crowds(fixture->store, 60);
	assert_in_range(file_pages(fixture->store) - before, 1, 60 * 2 * CROWD);
	close(to_reader[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(from_reader[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_LMDB(many_changes_are_few_writes),
		ON_LMDB(the_file_is_some_times_what_it_holds_and_no_more),
		ON_LMDB(a_change_alone_makes_no_file_longer),
		ON_LMDB(beside_one_who_reads_for_long_the_file_grows_by_what_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
