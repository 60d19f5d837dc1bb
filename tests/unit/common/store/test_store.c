/* SPDX-License-Identifier: MIT */
/* What every backend of the store does alike, and what LMDB's must see to. */
#include "tests/unit/common/store/store_fixture.h"

#include <fcntl.h>
#include <lmdb.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define TABLE "streams"

static bool put(struct rmt_store *store, const char *key, const char *value, GError **err)
{
	struct rmt_store_change change = { .table = TABLE,
					   .key = rmt_span_of(key),
					   .value = rmt_span_of(value) };

	return rmt_store_commit(store, &change, 1, NULL, err);
}

static void copy_got(void *context, enum rmt_store_status status, struct rmt_span value,
		     const char *error)
{
	char **value_r = context;

	if (status == RMT_STORE_FAILED)
		fail_msg("%s", error);
	*value_r = status == RMT_STORE_FOUND ? g_strndup(value.p, value.len) : NULL;
}

/* Own; NULL: missing. */
static char *get(struct rmt_store *store, const char *key)
{
	char *value = NULL;

	rmt_store_get(store, TABLE, rmt_span_of(key), copy_got, &value);
	return value;
}

static void assert_value(struct rmt_store *store, const char *key, const char *want)
{
	g_autofree char *value = get(store, key);

	if (want == NULL)
		assert_null(value);
	else
		assert_string_equal(value, want);
}

/* --- both backends --- */

static void what_is_put_is_got(void **state)
{
	struct store_fixture *fixture = *state;
	GError *err = NULL;

	assert_value(fixture->store, "a", NULL);
	assert_ok(put(fixture->store, "a", "one", &err), err);
	assert_ok(put(fixture->store, "empty", "", &err), err);
	assert_value(fixture->store, "a", "one");
	assert_value(fixture->store, "empty", "");
	assert_ok(put(fixture->store, "a", "two", &err), err);
	assert_value(fixture->store, "a", "two");
	assert_int_equal(rmt_store_count(fixture->store, TABLE), 2);
}

static void version_changes_with_every_commit(void **state)
{
	struct store_fixture *fixture = *state;
	uint64_t before = rmt_store_version(fixture->store);
	GError *err = NULL;

	assert_int_equal(rmt_store_version(fixture->store), before);
	assert_int_equal(rmt_store_read_version(fixture->store), before);
	assert_ok(put(fixture->store, "a", "one", &err), err);
	assert_int_not_equal(rmt_store_version(fixture->store), before);
	assert_int_equal(rmt_store_read_version(fixture->store),
			 rmt_store_version(fixture->store));
}

static void removals_are_counted_by_what_they_found(void **state)
{
	struct store_fixture *fixture = *state;
	struct rmt_store_change changes[] = {
		{ .table = TABLE, .key = RMT_SPAN("a"), .remove = true },
		{ .table = TABLE, .key = RMT_SPAN("none"), .remove = true },
	};
	size_t removed = 99;
	GError *err = NULL;

	assert_ok(put(fixture->store, "a", "one", &err), err);
	assert_ok(rmt_store_commit(fixture->store, changes, 2, &removed, &err), err);
	assert_int_equal(removed, 1);
	assert_value(fixture->store, "a", NULL);
}

static void what_is_done_while_held_is_seen_at_once_and_stays(void **state)
{
	struct store_fixture *fixture = *state;
	GError *err = NULL;

	assert_ok(put(fixture->store, "a", "one", &err), err);
	assert_ok(rmt_store_hold(fixture->store, &err), err);
	assert_value(fixture->store, "a", "one");
	assert_ok(put(fixture->store, "a", "two", &err), err);
	assert_ok(put(fixture->store, "b", "new", &err), err);
	assert_value(fixture->store, "a", "two");
	assert_int_equal(rmt_store_count(fixture->store, TABLE), 2);
	assert_ok(rmt_store_release(fixture->store, &err), err);
	assert_value(fixture->store, "a", "two");
	assert_value(fixture->store, "b", "new");
	assert_ok(put(fixture->store, "a", "three", &err), err);
	assert_value(fixture->store, "a", "three");
}

/* Appends an 'x' to what is there; ends the entry at three; refuses "bad". */
static enum rmt_store_verdict grow(void *context, struct rmt_span old, GString *value_r)
{
	(*(unsigned *)context)++;
	if (rmt_span_eq(old, RMT_SPAN("bad")))
		return RMT_STORE_REFUSE;
	if (rmt_span_eq(old, RMT_SPAN("keep")))
		return RMT_STORE_KEEP;
	if (old.len == 3)
		return RMT_STORE_REMOVE;
	g_string_append_len(value_r, old.p, (gssize)old.len);
	g_string_append_c(value_r, 'x');
	return RMT_STORE_PUT;
}

static struct rmt_store_change grow_change(const char *key, unsigned *calls)
{
	return (struct rmt_store_change){
		.table = TABLE, .key = rmt_span_of(key), .modify = grow, .context = calls
	};
}

static void modify_makes_the_new_value_from_the_old(void **state)
{
	struct store_fixture *fixture = *state;
	unsigned calls = 0;
	struct rmt_store_change twice[] = { grow_change("a", &calls),
					    grow_change("a", &calls) };
	size_t removed;
	GError *err = NULL;

	assert_ok(rmt_store_commit(fixture->store, twice, 2, &removed, &err), err);
	assert_value(fixture->store, "a", "xx");
	assert_ok(rmt_store_commit(fixture->store, twice, 2, &removed, &err), err);
	assert_int_equal(removed, 1);
	assert_value(fixture->store, "a", NULL);
	assert_ok(put(fixture->store, "a", "keep", &err), err);
	assert_ok(rmt_store_commit(fixture->store, twice, 1, NULL, &err), err);
	assert_value(fixture->store, "a", "keep");
	assert_int_equal(calls, 5);
}

static void a_refused_commit_changes_nothing(void **state)
{
	struct store_fixture *fixture = *state;
	unsigned calls = 0;
	struct rmt_store_change changes[] = {
		{ .table = TABLE, .key = RMT_SPAN("a"), .value = RMT_SPAN("new") },
		grow_change("b", &calls),
	};
	g_autoptr(GError) err = NULL;

	assert_ok(put(fixture->store, "b", "bad", &err), err);
	assert_false(rmt_store_commit(fixture->store, changes, 2, NULL, &err));
	assert_true(g_error_matches(err, RMT_STORE_ERROR, RMT_STORE_ERROR_DAMAGED));
	assert_non_null(strstr(err->message, "'" TABLE "'"));
	assert_value(fixture->store, "a", NULL);
	assert_value(fixture->store, "b", "bad");
}

static bool gather(void *context, struct rmt_span key, struct rmt_span value)
{
	g_string_append_len(context, key.p, (gssize)key.len);
	g_string_append_c(context, '=');
	g_string_append_len(context, value.p, (gssize)value.len);
	g_string_append_c(context, ' ');
	return !rmt_span_eq(value, RMT_SPAN("stop"));
}

static void walk_goes_in_key_order_from_a_key_until_told(void **state)
{
	static const struct {
		const char *from, *want;
	} cases[] = {
		{ "", "a=1 b=2 ba=3 c=stop " },
		{ "b", "b=2 ba=3 c=stop " },
		{ "b!", "ba=3 c=stop " },
		{ "c", "c=stop " },
		{ "e", "" },
	};
	struct store_fixture *fixture = *state;
	GError *err = NULL;
	size_t i;

	assert_ok(put(fixture->store, "d", "4", &err), err);
	assert_ok(put(fixture->store, "c", "stop", &err), err);
	assert_ok(put(fixture->store, "ba", "3", &err), err);
	assert_ok(put(fixture->store, "b", "2", &err), err);
	assert_ok(put(fixture->store, "a", "1", &err), err);
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GString) seen = g_string_new(NULL);

		assert_ok(rmt_store_walk(fixture->store, TABLE,
					 rmt_span_of(cases[i].from), gather, seen, &err),
			  err);
		assert_string_equal(seen->str, cases[i].want);
	}
}

struct removing_walk {
	struct rmt_store *store;
	unsigned seen;
};

static bool remove_seen(void *context, struct rmt_span key, struct rmt_span value)
{
	struct removing_walk *walk = context;
	struct rmt_store_change change = { .table = TABLE, .key = key, .remove = true };

	assert_int_equal(value.len, 1000);
	assert_true(rmt_store_commit_batch(walk->store, &change, 1, false, NULL));
	walk->seen++;
	return true;
}

static void a_walk_over_many_steps_may_remove_what_it_sees(void **state)
{
	struct store_fixture *fixture = *state;
	struct removing_walk walk = { fixture->store, 0 };
	struct rmt_store_change changes[300];
	char keys[300][8], value[1000];
	GError *err = NULL;
	unsigned i;

	memset(value, 'v', sizeof(value));
	for (i = 0; i < 300; i++) {
		g_snprintf(keys[i], sizeof(keys[i]), "k%05u", i);
		changes[i] = (struct rmt_store_change){ .table = TABLE,
							.key = rmt_span_of(keys[i]),
							.value = rmt_span(value, 1000) };
	}
	assert_ok(rmt_store_commit(fixture->store, changes, 300, NULL, &err), err);
	assert_ok(rmt_store_walk(fixture->store, TABLE, rmt_span(NULL, 0), remove_seen,
				 &walk, &err),
		  err);
	assert_int_equal(walk.seen, 300);
	assert_int_equal(rmt_store_count(fixture->store, TABLE), 0);
}

static bool gather_numbers(void *context, struct rmt_span key, struct rmt_span value)
{
	g_string_append_printf(context, "%" G_GUINT64_FORMAT "=%.*s ",
			       rmt_store_sequence(key), RMT_SPAN_ARGS(value));
	return true;
}

static void append_numbers_from_one_and_keeps_the_newest(void **state)
{
	struct store_fixture *fixture = *state;
	struct rmt_store_change changes[] = {
		{ .table = TABLE, .value = RMT_SPAN("a"), .append_keep = 3 },
		{ .table = TABLE, .value = RMT_SPAN("b"), .append_keep = 3 },
	};
	g_autoptr(GString) seen = g_string_new(NULL);
	GError *err = NULL;

	assert_ok(rmt_store_commit(fixture->store, changes, 1, NULL, &err), err);
	assert_ok(rmt_store_commit(fixture->store, changes, 2, NULL, &err), err);
	assert_ok(rmt_store_commit(fixture->store, changes, 2, NULL, &err), err);
	assert_ok(rmt_store_walk(fixture->store, TABLE, rmt_span(NULL, 0), gather_numbers,
				 seen, &err),
		  err);
	assert_string_equal(seen->str, "3=b 4=a 5=b ");
}

static void an_unknown_kind_of_store_is_refused(void **state)
{
	struct rmt_store *store = NULL;
	g_autoptr(GError) err = NULL;

	(void)state;
	assert_false(rmt_store_open(&store, "sqlite:/x", false, &err));
	assert_null(store);
	assert_string_equal(err->message,
			    "store 'sqlite:/x': no such kind of store (write "
			    "lmdb:/path/to/file)");
}

static void closing_takes_null(void **state)
{
	struct rmt_store *store = NULL;

	(void)state;
	rmt_store_close(&store);
	assert_null(store);
}

/* --- LMDB --- */

static void reopen(struct store_fixture *fixture, bool read_only)
{
	GError *err = NULL;

	rmt_store_close(&fixture->store);
	assert_ok(rmt_store_open(&fixture->store, fixture->uri, read_only, &err), err);
}

static void what_was_committed_is_there_after_reopening(void **state)
{
	struct store_fixture *fixture = *state;
	g_autoptr(GError) err = NULL;

	assert_ok(put(fixture->store, "a", "one", &err), err);
	reopen(fixture, true);
	assert_value(fixture->store, "a", "one");
	assert_false(put(fixture->store, "a", "two", &err));
	assert_true(g_error_matches(err, RMT_STORE_ERROR, RMT_STORE_ERROR_READ_ONLY));
	reopen(fixture, false);
	assert_value(fixture->store, "a", "one");
}

static void a_reader_makes_what_is_missing(void **state)
{
	struct store_fixture *fixture = *state;

	rmt_store_close(&fixture->store);
	assert_int_equal(g_unlink(fixture->path), 0);
	reopen(fixture, true);
	assert_value(fixture->store, "a", NULL);
	assert_int_equal(rmt_store_count(fixture->store, TABLE), 0);
}

static void the_same_path_twice_in_a_process_is_refused(void **state)
{
	struct store_fixture *fixture = *state;
	struct rmt_store *second = NULL;
	g_autoptr(GError) err = NULL;
	GError *none = NULL;

	assert_false(rmt_store_open(&second, fixture->uri, true, &err));
	assert_true(g_error_matches(err, RMT_STORE_ERROR, RMT_STORE_ERROR_TWICE));
	assert_null(second);
	assert_ok(put(fixture->store, "a", "still works", &none), none);
	reopen(fixture, false);
	assert_value(fixture->store, "a", "still works");
}

static void files_are_0660_whatever_the_umask(void **state)
{
	struct store_fixture *fixture = *state;
	g_autofree char *lock = g_strconcat(fixture->path, "-lock", NULL);
	mode_t old = umask(0777);
	struct stat file;

	rmt_store_close(&fixture->store);
	g_unlink(fixture->path);
	g_unlink(lock);
	reopen(fixture, false);
	umask(old);
	assert_int_equal(stat(fixture->path, &file), 0);
	assert_int_equal(file.st_mode & 07777, 0660);
	assert_int_equal(stat(lock, &file), 0);
	assert_int_equal(file.st_mode & 07777, 0660);
}

static void root_gives_new_files_to_the_directorys_owner(void **state)
{
	struct store_fixture *fixture = *state;
	struct stat file;

	if (geteuid() != 0) {
		print_message("skipped: only root can give files away\n");
		skip();
	}
	rmt_store_close(&fixture->store);
	g_unlink(fixture->path);
	assert_int_equal(chown(fixture->directory, 12345, 12346), 0);
	reopen(fixture, false);
	assert_int_equal(stat(fixture->path, &file), 0);
	assert_int_equal(file.st_uid, 12345);
	assert_int_equal(file.st_gid, 12346);
}

/* As the directory's owner: opens the file as soon as it is there. */
static int open_at_once(const struct store_fixture *fixture)
{
	const int64_t end = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;
	int fd = -1;

	if (setgid(12346) != 0 || setuid(12345) != 0)
		return 2;
	while (fd < 0 && g_get_monotonic_time() < end) {
		fd = open(fixture->path, O_RDWR | O_CLOEXEC);
		if (fd < 0 && errno != ENOENT)
			return 1;
	}
	return fd >= 0 ? 0 : 3;
}

/* Programs of root and of others start at the same time. */
static void a_new_file_is_its_owners_from_its_first_moment(void **state)
{
	struct store_fixture *fixture = *state;
	int i, status;

	if (geteuid() != 0) {
		print_message("skipped: only root can give files away\n");
		skip();
	}
	assert_int_equal(chown(fixture->directory, 12345, 12346), 0);
	for (i = 0; i < 50; i++) {
		pid_t child;

		rmt_store_close(&fixture->store);
		g_unlink(fixture->path);
		child = fork();
		if (child == 0)
			_exit(open_at_once(fixture));
		g_usleep(500);
		reopen(fixture, false);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
	}
}

static void a_missing_directory_is_named_with_the_remedy(void **state)
{
	struct rmt_store *store = NULL;
	g_autoptr(GError) err = NULL;

	(void)state;
	assert_false(rmt_store_open(&store, "lmdb:/nowhere/at/all/records", false, &err));
	assert_non_null(strstr(err->message, "/nowhere/at/all/records: its directory is "
					     "missing"));
}

static void write_format(const char *path, uint32_t format)
{
	uint32_t little = GUINT32_TO_LE(format);
	MDB_val key = { 7, (void *)"version" }, value = { sizeof(little), &little };
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi meta;

	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_set_maxdbs(env, 8), 0);
	assert_int_equal(mdb_env_open(env, path, MDB_NOSUBDIR, 0660), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, "meta", MDB_CREATE, &meta), 0);
	assert_int_equal(mdb_put(txn, meta, &key, &value, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

static void a_newer_format_is_refused(void **state)
{
	struct store_fixture *fixture = *state;
	g_autoptr(GError) err = NULL;

	rmt_store_close(&fixture->store);
	write_format(fixture->path, 7);
	assert_false(rmt_store_open(&fixture->store, fixture->uri, true, &err));
	assert_true(g_error_matches(err, RMT_STORE_ERROR, RMT_STORE_ERROR_NEWER));
	assert_non_null(strstr(err->message, "format 7"));
}

static void a_file_that_is_something_else_is_refused(void **state)
{
	struct store_fixture *fixture = *state;
	g_autoptr(GError) err = NULL;
	g_autofree char *junk = g_strnfill(16384, 'j');

	rmt_store_close(&fixture->store);
	assert_true(g_file_set_contents(fixture->path, junk, 16384, NULL));
	assert_false(rmt_store_open(&fixture->store, fixture->uri, false, &err));
	assert_true(g_error_matches(err, RMT_STORE_ERROR, RMT_STORE_ERROR_DAMAGED));
}

/* Runs work in a child; what it leaves in its exit status is returned. */
static int in_child(int (*work)(struct store_fixture *), struct store_fixture *fixture)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(work(fixture));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

static bool put_large(struct rmt_store *store, unsigned count, GError **err)
{
	static char value[100000];
	char key[16];
	unsigned i;

	for (i = 0; i < count; i++) {
		struct rmt_store_change change = {
			.table = TABLE, .value = rmt_span(value, sizeof(value))
		};

		g_snprintf(key, sizeof(key), "large%u", i);
		change.key = rmt_span_of(key);
		if (!rmt_store_commit_batch(store, &change, 1, i + 1 == count, err))
			return false;
	}
	return true;
}

static int fill_from_outside(struct store_fixture *fixture)
{
	struct rmt_store *store = NULL;

	if (!rmt_store_open(&store, fixture->uri, false, NULL))
		return 1;
	return put_large(store, 400, NULL) ? 0 : 2;
}

/* 40 MB, more than the map a store begins with. */
static void the_map_grows_for_writer_and_reader(void **state)
{
	struct store_fixture *fixture = *state;
	struct rmt_store_stats before, after;
	GError *err = NULL;

	assert_ok(put(fixture->store, "a", "one", &err), err);
	reopen(fixture, true);
	assert_value(fixture->store, "a", "one");
	rmt_store_stats(fixture->store, &before);
	assert_int_equal(in_child(fill_from_outside, fixture), 0);
	assert_value(fixture->store, "a", "one");
	assert_int_equal(rmt_store_count(fixture->store, TABLE), 401);
	rmt_store_stats(fixture->store, &after);
	assert_true(before.map_bytes < 40000000);
	assert_true(after.map_bytes > 40000000);
}

static void a_writer_takes_over_a_map_that_another_grew(void **state)
{
	struct store_fixture *fixture = *state;
	GError *err = NULL;

	assert_ok(put(fixture->store, "a", "one", &err), err);
	assert_int_equal(in_child(fill_from_outside, fixture), 0);
	assert_ok(put(fixture->store, "b", "two", &err), err);
	assert_value(fixture->store, "b", "two");
}

/* A transaction that stayed open would keep all that was replaced, 40 MB. */
static void who_reads_often_sees_each_commit_and_lets_old_pages_go(void **state)
{
	struct store_fixture *fixture = *state;
	struct rmt_store_stats stats;
	GError *err = NULL;
	char text[8];
	unsigned i;

	rmt_store_reads_often(fixture->store);
	for (i = 0; i < 400; i++) {
		g_snprintf(text, sizeof(text), "%u", i);
		assert_ok(put(fixture->store, "a", text, &err), err);
		assert_ok(put_large(fixture->store, 1, &err), err);
		assert_value(fixture->store, "a", text);
		assert_value(fixture->store, "a", text);
	}
	rmt_store_stats(fixture->store, &stats);
	assert_true(stats.used_bytes < 2000000);
}

static void who_reads_often_follows_a_map_that_grows(void **state)
{
	struct store_fixture *fixture = *state;
	GError *err = NULL;

	rmt_store_reads_often(fixture->store);
	assert_ok(put(fixture->store, "a", "one", &err), err);
	assert_value(fixture->store, "a", "one");
	assert_ok(put_large(fixture->store, 400, &err), err);
	assert_value(fixture->store, "a", "one");
	reopen(fixture, true);
	rmt_store_reads_often(fixture->store);
	assert_value(fixture->store, "a", "one");
	assert_int_equal(in_child(fill_from_outside, fixture), 0);
	assert_value(fixture->store, "a", "one");
}

static int64_t file_size(const struct store_fixture *fixture)
{
	struct stat file;

	assert_int_equal(stat(fixture->path, &file), 0);
	return file.st_size;
}

/* A longer file costs the file system's journal: once for many commits. */
static void the_file_grows_by_many_pages_at_a_time(void **state)
{
	struct store_fixture *fixture = *state;
	GError *err = NULL;
	int64_t size;
	int i;

	assert_ok(put(fixture->store, "a", "one", &err), err);
	size = file_size(fixture);
	for (i = 0; i < 20; i++) {
		g_autofree char *key = g_strdup_printf("key %d", i);

		assert_ok(put(fixture->store, key, "value", &err), err);
	}
	assert_int_equal(file_size(fixture), size);
	reopen(fixture, false);
	assert_value(fixture->store, "key 19", "value");
	assert_ok(put(fixture->store, "b", "two", &err), err);
	assert_int_equal(file_size(fixture), size);
}

enum { BESIDE = 100, VALUE = 60000 };

static bool put_values(struct rmt_store *store, char first)
{
	g_autofree char *value = g_strnfill(VALUE, first);
	int i;

	for (i = 0; i < BESIDE; i++) {
		g_autofree char *key = g_strdup_printf("%c%d", first, i);

		if (!put(store, key, value, NULL))
			return false;
	}
	return true;
}

static int put_from_outside(struct store_fixture *fixture)
{
	struct rmt_store *store = NULL;

	return rmt_store_open(&store, fixture->uri, false, NULL) && put_values(store, 'c')
		       ? 0
		       : 1;
}

static void who_makes_the_file_longer_harms_no_other_writer(void **state)
{
	struct store_fixture *fixture = *state;
	const pid_t child = fork();
	int i, status;

	if (child == 0)
		_exit(put_from_outside(fixture));
	assert_true(put_values(fixture->store, 'p'));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	for (i = 0; i < 2 * BESIDE; i++) {
		g_autofree char *key = g_strdup_printf("%c%d", "cp"[i % 2], i / 2);
		g_autofree char *want = g_strnfill(VALUE, "cp"[i % 2]);

		assert_value(fixture->store, key, want);
	}
}

static int die_reading(struct store_fixture *fixture)
{
	struct rmt_store *store = NULL;

	if (!rmt_store_open(&store, fixture->uri, true, NULL))
		return 1;
	rmt_store_count(store, TABLE);
	raise(SIGKILL);
	return 2;
}

static int count_readers(const char *line, void *context)
{
	*(unsigned *)context += strstr(line, "pid") == NULL && line[0] != '(';
	return 0;
}

static void readers_that_died_are_cleared_when_one_opens(void **state)
{
	struct store_fixture *fixture = *state;
	unsigned i, readers = 0;
	MDB_env *env;

	rmt_store_close(&fixture->store);
	for (i = 0; i < 5; i++)
		assert_int_equal(in_child(die_reading, fixture), 100 + SIGKILL);
	reopen(fixture, false);
	rmt_store_close(&fixture->store);
	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(
		mdb_env_open(env, fixture->path, MDB_NOSUBDIR | MDB_RDONLY, 0660), 0);
	mdb_reader_list(env, count_readers, &readers);
	mdb_env_close(env);
	assert_int_equal(readers, 0);
}

enum { SKIP = 77 };

static int drop_root(void)
{
	return setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0
		       ? 0
		       : SKIP;
}

static int read_without_permission(struct store_fixture *fixture)
{
	g_autofree char *lock = g_strconcat(fixture->path, "-lock", NULL);
	struct rmt_store *store = NULL;
	GError *err = NULL;

	if (chmod(fixture->directory, 0755) != 0 || chmod(fixture->path, 0664) != 0 ||
	    drop_root() != 0)
		return SKIP;
	if (rmt_store_open(&store, fixture->uri, true, &err))
		return 1;
	if (!g_error_matches(err, RMT_STORE_ERROR, RMT_STORE_ERROR_DENIED))
		return 2;
	if (strstr(err->message, lock) == NULL ||
	    strstr(err->message, "who reads must write this file too") == NULL)
		return 3;
	return 0;
}

static void a_lock_file_that_is_not_writable_is_named(void **state)
{
	struct store_fixture *fixture = *state;
	int status;

	rmt_store_close(&fixture->store);
	status = in_child(read_without_permission, fixture);
	if (status == SKIP) {
		print_message("skipped: only root can become another user\n");
		skip();
	}
	assert_int_equal(status, 0);
}

/* A disk of 3 MB that only this child sees. */
static bool mount_small_disk(struct store_fixture *fixture)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("none", fixture->directory, "tmpfs", 0, "size=3m") == 0;
}

static int fill_the_disk(struct store_fixture *fixture)
{
	struct rmt_store *store = NULL;
	GError *err = NULL;
	g_autofree char *value = NULL;

	if (!mount_small_disk(fixture))
		return SKIP;
	if (!rmt_store_open(&store, fixture->uri, false, &err) ||
	    !put(store, "a", "one", &err))
		return 1;
	if (put_large(store, 100, &err))
		return 2;
	if (!g_error_matches(err, RMT_STORE_ERROR, RMT_STORE_ERROR_FULL) ||
	    strstr(err->message, "nothing was changed: free some space") == NULL)
		return 3;
	value = get(store, "a");
	return g_strcmp0(value, "one") == 0 ? 0 : 4;
}

static int use_a_read_only_disk(struct store_fixture *fixture)
{
	struct rmt_store *store = NULL;
	GError *err = NULL;
	g_autofree char *value = NULL;

	if (!mount_small_disk(fixture))
		return SKIP;
	if (!rmt_store_open(&store, fixture->uri, false, &err) ||
	    !put(store, "a", "one", &err))
		return 1;
	rmt_store_close(&store);
	if (mount("none", fixture->directory, "tmpfs", MS_REMOUNT | MS_RDONLY,
		  "size=3m") != 0)
		return SKIP;
	if (rmt_store_open(&store, fixture->uri, false, &err))
		return 2;
	if (!g_error_matches(err, RMT_STORE_ERROR, RMT_STORE_ERROR_READ_ONLY))
		return 3;
	g_clear_error(&err);
	if (!rmt_store_open(&store, fixture->uri, true, &err))
		return 4;
	value = get(store, "a");
	return g_strcmp0(value, "one") == 0 ? 0 : 5;
}

static void run_on_small_disk(int (*work)(struct store_fixture *), void **state)
{
	struct store_fixture *fixture = *state;
	int status;

	rmt_store_close(&fixture->store);
	status = in_child(work, fixture);
	if (status == SKIP) {
		print_message("skipped: mounting a small disk is not permitted here\n");
		skip();
	}
	assert_int_equal(status, 0);
}

static void a_full_disk_is_said_and_loses_nothing(void **state)
{
	run_on_small_disk(fill_the_disk, state);
}

static void a_read_only_disk_can_still_be_read(void **state)
{
	run_on_small_disk(use_a_read_only_disk, state);
}

/* --- commits together --- */

static void what_is_refused_while_held_takes_nothing_else_with_it(void **state)
{
	struct store_fixture *fixture = *state;
	unsigned calls = 0;
	struct rmt_store_change changes[] = {
		{ .table = TABLE, .key = RMT_SPAN("c"), .value = RMT_SPAN("never") },
		grow_change("bad", &calls),
	};
	GError *err = NULL;

	assert_ok(put(fixture->store, "bad", "bad", &err), err);
	assert_ok(rmt_store_hold(fixture->store, &err), err);
	assert_ok(put(fixture->store, "a", "one", &err), err);
	assert_false(rmt_store_commit(fixture->store, changes, 2, NULL, &err));
	assert_int_equal(err->code, RMT_STORE_ERROR_DAMAGED);
	g_clear_error(&err);
	assert_ok(put(fixture->store, "b", "two", &err), err);
	assert_ok(rmt_store_release(fixture->store, &err), err);
	assert_value(fixture->store, "a", "one");
	assert_value(fixture->store, "b", "two");
	assert_value(fixture->store, "c", NULL);
}

static void many_commits_while_held_are_one(void **state)
{
	struct store_fixture *fixture = *state;
	struct rmt_store_stats before, after;
	GError *err = NULL;
	int i;

	rmt_store_stats(fixture->store, &before);
	assert_ok(rmt_store_hold(fixture->store, &err), err);
	for (i = 0; i < 100; i++) {
		g_autofree char *key = g_strdup_printf("k%d", i);

		assert_ok(put(fixture->store, key, "v", &err), err);
	}
	assert_ok(rmt_store_release(fixture->store, &err), err);
	rmt_store_stats(fixture->store, &after);
	assert_int_equal(after.commits, before.commits + 1);
	assert_int_equal(rmt_store_count(fixture->store, TABLE), 100);
}

/* So much that the map would have to grow, which it cannot while held. */
static void too_much_while_held_is_refused_whole_and_fits_the_next_time(void **state)
{
	struct store_fixture *fixture = *state;
	g_autofree char *value = g_strnfill(1 << 20, 'v');
	GError *err = NULL;
	int i, good = 0;

	assert_ok(put(fixture->store, "a", "one", &err), err);
	assert_ok(rmt_store_hold(fixture->store, &err), err);
	for (i = 0; i < 40; i++) {
		g_autofree char *key = g_strdup_printf("k%02d", i);

		good += put(fixture->store, key, value, NULL);
	}
	assert_true(good < 40);
	assert_false(rmt_store_release(fixture->store, &err));
	g_clear_error(&err);
	assert_int_equal(rmt_store_count(fixture->store, TABLE), 1);
	assert_ok(put(fixture->store, "b", value, &err), err);
	assert_ok(rmt_store_hold(fixture->store, &err), err);
	assert_ok(put(fixture->store, "c", value, &err), err);
	assert_ok(rmt_store_release(fixture->store, &err), err);
	assert_int_equal(rmt_store_count(fixture->store, TABLE), 3);
}

enum { THREADS = 8, EACH = 100 };

struct crowd {
	struct rmt_store *store;
	int number;
	unsigned refused;
};

/* Every tenth is refused, and must not take those of others with it. */
static void *put_many(void *context)
{
	struct crowd *crowd = context;
	unsigned calls = 0;
	struct rmt_store_change bad = grow_change("bad", &calls);
	int i;

	for (i = 0; i < EACH; i++) {
		g_autofree char *key = g_strdup_printf("t%d-%d", crowd->number, i);

		if (i % 10 == 9)
			crowd->refused +=
				!rmt_store_commit(crowd->store, &bad, 1, NULL, NULL);
		else
			g_assert_true(put(crowd->store, key, "v", NULL));
	}
	return NULL;
}

static void threads_commit_together_and_fail_alone(void **state)
{
	struct store_fixture *fixture = *state;
	struct crowd crowds[THREADS];
	GThread *threads[THREADS];
	struct rmt_store_stats stats;
	GError *err = NULL;
	int i;

	assert_ok(put(fixture->store, "bad", "bad", &err), err);
	for (i = 0; i < THREADS; i++) {
		crowds[i] = (struct crowd){ fixture->store, i, 0 };
		threads[i] = g_thread_new("crowd", put_many, &crowds[i]);
	}
	for (i = 0; i < THREADS; i++) {
		g_thread_join(threads[i]);
		assert_int_equal(crowds[i].refused, EACH / 10);
	}
	assert_int_equal(rmt_store_count(fixture->store, TABLE),
			 1 + THREADS * EACH * 9 / 10);
	rmt_store_stats(fixture->store, &stats);
	assert_true(stats.commits < THREADS * EACH * 9 / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(what_is_put_is_got),
		ON_BOTH(version_changes_with_every_commit),
		ON_BOTH(what_is_done_while_held_is_seen_at_once_and_stays),
		ON_LMDB(what_is_refused_while_held_takes_nothing_else_with_it),
		ON_LMDB(many_commits_while_held_are_one),
		ON_LMDB(too_much_while_held_is_refused_whole_and_fits_the_next_time),
		ON_LMDB(threads_commit_together_and_fail_alone),
		ON_BOTH(removals_are_counted_by_what_they_found),
		ON_BOTH(modify_makes_the_new_value_from_the_old),
		ON_BOTH(a_refused_commit_changes_nothing),
		ON_BOTH(walk_goes_in_key_order_from_a_key_until_told),
		ON_BOTH(a_walk_over_many_steps_may_remove_what_it_sees),
		ON_BOTH(append_numbers_from_one_and_keeps_the_newest),
		cmocka_unit_test(an_unknown_kind_of_store_is_refused),
		cmocka_unit_test(closing_takes_null),
		ON_LMDB(what_was_committed_is_there_after_reopening),
		ON_LMDB(a_reader_makes_what_is_missing),
		ON_LMDB(the_same_path_twice_in_a_process_is_refused),
		ON_LMDB(files_are_0660_whatever_the_umask),
		ON_LMDB(root_gives_new_files_to_the_directorys_owner),
		ON_LMDB(a_new_file_is_its_owners_from_its_first_moment),
		cmocka_unit_test(a_missing_directory_is_named_with_the_remedy),
		ON_LMDB(a_newer_format_is_refused),
		ON_LMDB(a_file_that_is_something_else_is_refused),
		ON_LMDB(the_map_grows_for_writer_and_reader),
		ON_LMDB(who_reads_often_sees_each_commit_and_lets_old_pages_go),
		ON_LMDB(who_reads_often_follows_a_map_that_grows),
		ON_LMDB(a_writer_takes_over_a_map_that_another_grew),
		ON_LMDB(the_file_grows_by_many_pages_at_a_time),
		ON_LMDB(who_makes_the_file_longer_harms_no_other_writer),
		ON_LMDB(readers_that_died_are_cleared_when_one_opens),
		ON_LMDB(a_lock_file_that_is_not_writable_is_named),
		ON_LMDB(a_full_disk_is_said_and_loses_nothing),
		ON_LMDB(a_read_only_disk_can_still_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
