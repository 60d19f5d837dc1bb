/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <zlib.h>

#include "common/feedback/aggregate.h"

#define DATA "tests/data/aggregate/"
enum { NOW = 1795312800 };

static struct rmt_store *open_store(void)
{
	struct rmt_store *store;

	assert_true(rmt_store_open(&store, "mem:", false, NULL));
	return store;
}

static bool take_file(struct rmt_store *store, const char *name, unsigned *rows_r)
{
	g_autofree char *path = g_strconcat(DATA, name, NULL);
	g_autofree char *octets = NULL;
	gsize len;

	assert_true(g_file_get_contents(path, &octets, &len, NULL));
	return rmt_aggregate_take(store, rmt_span(octets, len), NOW, rows_r, NULL);
}

static void a_report_counts_once_however_it_is_packed(void **state)
{
	static const char *const names[] = { "report.xml", "report.xml.gz",
					     "report.zip" };
	struct rmt_store *store = open_store();
	g_autoptr(GPtrArray) rows = NULL;
	const struct rmt_aggregate_row *row;
	unsigned count;
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(names); i++) {
		assert_true(take_file(store, names[i], &count));
		assert_int_equal(count, 2);
	}
	assert_true(rmt_aggregate_sums(store, 0, &rows, NULL));
	assert_int_equal(rows->len, 2);
	row = g_ptr_array_index(rows, 0);
	assert_string_equal(row->source, "192.0.2.20");
	assert_string_equal(row->domain, "news.example");
	assert_int_equal(row->aligned, 12);
	row = g_ptr_array_index(rows, 1);
	assert_int_equal(row->unaligned, 3);
	rmt_store_close(&store);
}

/* 64 MiB of blanks in 64 kB. */
static void a_bomb_is_refused_before_it_is_unpacked(void **state)
{
	g_autofree char *blanks = g_malloc0(64 * 1024 * 1024);
	uLongf len = compressBound(64 * 1024 * 1024) + 64;
	g_autofree char *packed = g_malloc(len);
	z_stream z = { .next_in = (Bytef *)blanks,
		       .avail_in = 64 * 1024 * 1024,
		       .next_out = (Bytef *)packed,
		       .avail_out = (uInt)len };
	g_autoptr(GError) err = NULL;

	(void)state;
	memset(blanks, ' ', 64 * 1024 * 1024);
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY),
			 Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	assert_null(rmt_aggregate_unpack(rmt_span(packed, z.total_out), &err));
	assert_non_null(strstr(err->message, "bomb"));
	deflateEnd(&z);
}

/* --- by mail ----------------------------------------------------------------------- */

static char *mail_with(const char *type, const char *content, gsize len, bool crlf)
{
	g_autofree char *coded = g_base64_encode((const guchar *)content, len);
	GString *out = g_string_new(NULL);

	g_string_printf(out,
			"From: noreply-dmarc@far.example\n"
			"Subject: Report Domain: news.test Submitter: far.example\n"
			"Content-Type: multipart/mixed; boundary=b\n\n"
			"--b\nContent-Type: text/plain\n\nA report.\n"
			"--b\nContent-Type: %s; name=r\n"
			"Content-Transfer-Encoding: base64\n\n%s\n--b--\n",
			type, coded);
	if (crlf)
		g_string_replace(out, "\n", "\r\n", 0);
	return g_string_free(out, FALSE);
}

static void a_report_is_found_in_a_mail(void **state)
{
	static const struct {
		const char *type;
		bool crlf, found;
	} rows[] = {
		{ "application/octet-stream", false, true },
		{ "application/gzip", true, true },
		{ "text/xml", false, true },
		{ "image/png", false, false },
	};
	struct rmt_store *store = open_store();
	g_autofree char *xml = NULL, *other = NULL;
	unsigned count;
	gsize len;
	size_t i;

	(void)state;
	assert_true(
		g_file_get_contents("tests/data/aggregate/report.xml", &xml, &len, NULL));
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *mail = mail_with(rows[i].type, xml, len, rows[i].crlf);

		assert_true(rmt_aggregate_take_mail(store, rmt_span_of(mail), NOW, &count,
						    NULL));
		assert_int_equal(count > 0, rows[i].found);
		assert_int_equal(rmt_aggregate_count(store), 1); /* the same one */
	}
	other = mail_with("application/zip", "PK\3\4 no", 7, false);
	assert_true(
		rmt_aggregate_take_mail(store, rmt_span_of(other), NOW, &count, NULL));
	assert_int_equal(count, 0);
	rmt_store_close(&store);
}

static void what_is_no_report_is_refused_in_words(void **state)
{
	static const char *const texts[] = {
		"",
		"hello",
		"<a>",
		"<feedback></feedback>",
		"\x1f\x8b",
		"PK\3\4",
		"<!DOCTYPE x [<!ENTITY a \"b\">]><feedback>&a;</feedback>",
	};
	struct rmt_store *store = open_store();
	unsigned rows;
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(GError) err = NULL;

		assert_false(rmt_aggregate_take(store, rmt_span_of(texts[i]), NOW, &rows,
						&err));
		assert_non_null(err);
	}
	rmt_store_close(&store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_report_counts_once_however_it_is_packed),
		cmocka_unit_test(a_bomb_is_refused_before_it_is_unpacked),
		cmocka_unit_test(a_report_is_found_in_a_mail),
		cmocka_unit_test(what_is_no_report_is_refused_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
