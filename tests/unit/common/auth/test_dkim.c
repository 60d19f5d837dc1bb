/* SPDX-License-Identifier: MIT */
/* What is accepted of signatures and key records, row by row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

#include "common/auth/dkim.h"
#include "common/auth/zone.h"
#include "tests/lib/dkim_signer.h"

enum { NOW = 1700000000 };

static EVP_PKEY *rsa2048, *rsa1024, *rsa768, *ed25519;
static char *p_rsa2048, *p_rsa1024, *p_rsa768, *p_ed25519;
static struct rmt_dkim_keys *keys;

#define MESSAGE                                                                          \
	"From: Ann <ann@x.example>\r\n"                                                  \
	"To: bob@y.example\r\n"                                                          \
	"Subject: a  day\r\n"                                                            \
	"\r\n"                                                                           \
	"Hello  there \r\n\r\n\r\n"
#define TAGS "v=1; a=rsa-sha256; c=relaxed/relaxed; d=x.example; s=s; h=from:to:subject"

static int make_keys(void **state)
{
	(void)state;
	rsa2048 = signer_key("RSA", 2048);
	rsa1024 = signer_key("RSA", 1024);
	rsa768 = signer_key("RSA", 768);
	ed25519 = signer_key("ED25519", 0);
	p_rsa2048 = signer_public(rsa2048);
	p_rsa1024 = signer_public(rsa1024);
	p_rsa768 = signer_public(rsa768);
	p_ed25519 = signer_public(ed25519);
	keys = rmt_dkim_keys_new(64);
	return 0;
}

static int free_keys(void **state)
{
	(void)state;
	rmt_dkim_keys_free(keys);
	EVP_PKEY_free(rsa2048);
	EVP_PKEY_free(rsa1024);
	EVP_PKEY_free(rsa768);
	EVP_PKEY_free(ed25519);
	g_free(p_rsa2048);
	g_free(p_rsa1024);
	g_free(p_rsa768);
	g_free(p_ed25519);
	return 0;
}

/* "$R" stands for p= of rsa2048, "$r" of rsa1024, "$w" of rsa768, "$E" of ed25519. */
static char *expand(const char *text)
{
	g_autoptr(GString) out = g_string_new(text);

	g_string_replace(out, "$R", p_rsa2048, 0);
	g_string_replace(out, "$r", p_rsa1024, 0);
	g_string_replace(out, "$w", p_rsa768, 0);
	g_string_replace(out, "$E", p_ed25519, 0);
	return g_string_free(g_steal_pointer(&out), FALSE);
}

/* record: rdata of s._domainkey.x.example, lines of a zone with "\n", or NULL. */
static struct rmt_zone *zone_of(const char *record)
{
	struct rmt_zone *zone = rmt_zone_new();
	g_auto(GStrv) lines = g_strsplit(record != NULL ? record : "", "\n", -1);
	size_t i;

	for (i = 0; lines[i] != NULL && lines[i][0] != '\0'; i++) {
		g_autofree char *rdata = expand(lines[i]);
		g_autofree char *line =
			g_strconcat("s._domainkey.x.example TXT ", rdata, NULL);
		GError *err = NULL;

		if (!rmt_zone_add(zone, rmt_span_of(line), &err))
			fail_msg("%s", err->message);
	}
	return zone;
}

static struct rmt_dkim *verify_with(const struct rmt_dkim_settings *settings,
				    struct rmt_span message, const char *record,
				    int64_t now)
{
	struct rmt_dkim *dkim = rmt_dkim_new(settings, keys);
	g_autoptr(rmt_zone) zone = zone_of(record);
	char *copy = g_memdup2(message.p, message.len); /* no NUL: reading on shows */

	rmt_dkim_message(dkim, rmt_span(copy, message.len));
	g_free(copy);
	rmt_zone_run(zone, rmt_dkim_asker(dkim));
	rmt_dkim_finish(dkim, now);
	return dkim;
}

static struct rmt_dkim *verify(const char *message, const char *record)
{
	struct rmt_dkim_settings settings = RMT_DKIM_SETTINGS_DEFAULT;

	return verify_with(&settings, rmt_span_of(message), record, NOW);
}

static const char *word_of(const struct rmt_dkim *dkim, size_t i)
{
	return rmt_dkim_reason_word(rmt_dkim_get(dkim, i)->reason);
}

#define RECORD "\"v=DKIM1; p=$R\""

struct signature_row {
	const char *name, *tags, *want;
};

static const struct signature_row signature_rows[] = {
	{ "plain", TAGS, "" },
	{ "v= last", "a=rsa-sha256; c=relaxed/relaxed; d=x.example; s=s; h=from; v=1",
	  "" },
	{ "no c=", "v=1; a=rsa-sha256; d=x.example; s=s; h=from:to", "" },
	{ "c=simple", "v=1; a=rsa-sha256; c=simple; d=x.example; s=s; h=from:to", "" },
	{ "c=relaxed", "v=1; a=rsa-sha256; c=relaxed; d=x.example; s=s; h=from:to", "" },
	{ "c=simple/relaxed",
	  "v=1; a=rsa-sha256; c=simple/relaxed; d=x.example; s=s; h=from", "" },
	{ "c=relaxed/simple",
	  "v=1; a=rsa-sha256; c=relaxed/simple; d=x.example; s=s; h=from", "" },
	{ "case of words",
	  "v=1; a=RSA-SHA256; c=Relaxed/Simple; d=X.Example; s=S; h=FROM", "" },
	{ "unknown tag", TAGS "; zz=1", "" },
	{ "z=", TAGS "; z=From:a=7Cb", "" },
	{ "oversigned", TAGS ":from:to:list-unsubscribe", "" },
	{ "q=", TAGS "; q=dns/txt", "" },
	{ "one of several q=", TAGS "; q=other:dns/txt", "" },
	{ "other q=", TAGS "; q=other", "query" },
	{ "i= the domain", TAGS "; i=@x.example", "" },
	{ "i= below", TAGS "; i=ann@news.x.example", "" },
	{ "i= encoded", TAGS "; i=a=40b@x.example", "" },
	{ "i= elsewhere", TAGS "; i=@y.example", "identity" },
	{ "i= above", TAGS "; i=@example", "identity" },
	{ "i= a tail of letters", TAGS "; i=@notx.example", "identity" },
	{ "i= without at sign", TAGS "; i=x.example", "identity" },
	{ "i= empty", TAGS "; i=", "identity" },
	{ "i= badly encoded", TAGS "; i=a=4@x.example", "syntax" },
	{ "v=2", "v=2; a=rsa-sha256; d=x.example; s=s; h=from", "version" },
	{ "v=1.0", "v=1.0; a=rsa-sha256; d=x.example; s=s; h=from", "version" },
	{ "no v=", "a=rsa-sha256; d=x.example; s=s; h=from", "tag-missing" },
	{ "no a=", "v=1; d=x.example; s=s; h=from", "tag-missing" },
	{ "no d=", "v=1; a=rsa-sha256; s=s; h=from", "tag-missing" },
	{ "no s=", "v=1; a=rsa-sha256; d=x.example; h=from", "tag-missing" },
	{ "no h=", "v=1; a=rsa-sha256; d=x.example; s=s", "tag-missing" },
	{ "empty h=", "v=1; a=rsa-sha256; d=x.example; s=s; h=", "tag-missing" },
	{ "empty name in h=", TAGS "::cc", "syntax" },
	{ "blank in a name of h=", "v=1; a=rsa-sha256; d=x.example; s=s; h=from:a b",
	  "syntax" },
	{ "rsa-sha1", "v=1; a=rsa-sha1; d=x.example; s=s; h=from", "sha1" },
	{ "unknown a=", "v=1; a=rsa-sha512; d=x.example; s=s; h=from", "algorithm" },
	{ "ed25519 with an RSA record", "v=1; a=ed25519-sha256; d=x.example; s=s; h=from",
	  "key-type" },
	{ "unknown c=", "v=1; a=rsa-sha256; c=nowsp; d=x.example; s=s; h=from", "canon" },
	{ "unknown body c=",
	  "v=1; a=rsa-sha256; c=relaxed/nowsp; d=x.example; s=s; h=from", "canon" },
	{ "three c=",
	  "v=1; a=rsa-sha256; c=simple/simple/simple; d=x.example; s=s; h=from",
	  "canon" },
	{ "From not signed", "v=1; a=rsa-sha256; d=x.example; s=s; h=to:subject",
	  "from-unsigned" },
	{ "tag twice", TAGS "; d=x.example", "syntax" },
	{ "tag without value sign", TAGS "; foo", "syntax" },
	{ "tag name with a hyphen", TAGS "; a-b=1", "syntax" },
	{ "empty tag", TAGS "; ; q=dns/txt", "syntax" },
	{ "d= no name", "v=1; a=rsa-sha256; d=x..example; s=s; h=from", "domain" },
	{ "d= with a blank", "v=1; a=rsa-sha256; d=x .example; s=s; h=from", "domain" },
	{ "d= with a final dot", "v=1; a=rsa-sha256; d=x.example.; s=s; h=from",
	  "domain" },
	{ "s= no name", "v=1; a=rsa-sha256; d=x.example; s=s/t; h=from", "domain" },
	{ "l= whole", TAGS "; l=13", "" },
	{ "l= with a tail", TAGS "; l=5", "body-tail" },
	{ "l=0", TAGS "; l=0", "body-tail" },
	{ "l= too long", TAGS "; l=14", "body-short" },
	{ "l= of 76 digits",
	  TAGS
	  "; "
	  "l="
	  "9999999999999999999999999999999999999999999999999999999999999999999999999999",
	  "body-short" },
	{ "l= of 77 digits",
	  TAGS
	  "; "
	  "l="
	  "99999999999999999999999999999999999999999999999999999999999999999999999999999",
	  "syntax" },
	{ "l= negative", TAGS "; l=-1", "syntax" },
	{ "l= empty", TAGS "; l=", "syntax" },
	{ "t= now", TAGS "; t=1700000000", "" },
	{ "t= within the skew", TAGS "; t=1700000300", "" },
	{ "t= beyond the skew", TAGS "; t=1700000301", "future" },
	{ "t= no number", TAGS "; t=soon", "syntax" },
	{ "t= of 13 digits", TAGS "; t=1700000000000", "syntax" },
	{ "x= just now", TAGS "; x=1700000000", "" },
	{ "x= past", TAGS "; x=1699999999", "expired" },
	{ "x= before t=", TAGS "; t=1600000000; x=1500000000", "times" },
	{ "x= is t=", TAGS "; t=1600000000; x=1600000000", "times" },
	{ "x= behind t=", TAGS "; t=1600000000; x=1800000000", "" },
};

static void a_signature_counts_only_when_all_its_tags_do(void **state)
{
	size_t i, wrong = 0;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(signature_rows); i++) {
		const struct signature_row *row = &signature_rows[i];
		g_autofree char *message = signer_sign(rsa2048, row->tags, MESSAGE);
		g_autoptr(rmt_dkim) dkim = verify(message, RECORD);

		if (strcmp(word_of(dkim, 0), row->want) == 0)
			continue;
		print_error("%s: '%s', not '%s'\n", row->name, word_of(dkim, 0),
			    row->want);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

struct record_row {
	const char *name, *record, *want;
	bool testing;
};

static const struct record_row record_rows[] = {
	{ "plain", RECORD, "" },
	{ "p= alone", "\"p=$R\"", "" },
	{ "in two strings", "\"v=DKIM1; k=rsa; \" \"p=$R\"", "" },
	{ "final semicolon", "\"v=DKIM1; p=$R;\"", "" },
	{ "k=rsa", "\"v=DKIM1; k=rsa; p=$R\"", "" },
	{ "g= is ignored", "\"v=DKIM1; g=nobody; p=$R\"", "" },
	{ "empty g= is ignored", "\"v=DKIM1; g=; p=$R\"", "" },
	{ "n= and unknown tags", "\"v=DKIM1; n=note; zz=1; p=$R\"", "" },
	{ "testing", "\"v=DKIM1; t=y; p=$R\"", "", true },
	{ "several flags", "\"v=DKIM1; t=y:s:z; p=$R\"", "", true },
	{ "h=sha256", "\"v=DKIM1; h=sha256; p=$R\"", "" },
	{ "h= with both", "\"v=DKIM1; h=sha1:sha256; p=$R\"", "" },
	{ "h=sha1", "\"v=DKIM1; h=sha1; p=$R\"", "key-hash" },
	{ "s=email", "\"v=DKIM1; s=email; p=$R\"", "" },
	{ "s=*", "\"v=DKIM1; s=*; p=$R\"", "" },
	{ "s=other", "\"v=DKIM1; s=tlsrpt; p=$R\"", "key-service" },
	{ "s= with email among", "\"v=DKIM1; s=tlsrpt:email; p=$R\"", "" },
	{ "revoked", "\"v=DKIM1; p=\"", "key-revoked" },
	{ "revoked, blank", "\"v=DKIM1; p= \"", "key-revoked" },
	{ "no p=", "\"v=DKIM1; k=rsa\"", "key-syntax" },
	{ "p= no base64", "\"v=DKIM1; p=!!!!\"", "key-syntax" },
	{ "p= no key", "\"v=DKIM1; p=AAAA\"", "key-syntax" },
	{ "p= another key", "\"v=DKIM1; p=$r\"", "signature" },
	{ "p= an ed25519 key", "\"v=DKIM1; p=$E\"", "key-syntax" },
	{ "k=ed25519", "\"v=DKIM1; k=ed25519; p=$E\"", "key-type" },
	{ "k=ed25519 with an RSA key", "\"v=DKIM1; k=ed25519; p=$R\"", "key-type" },
	{ "k=unknown", "\"v=DKIM1; k=dsa; p=$R\"", "key-type" },
	{ "v= not first", "\"p=$R; v=DKIM1\"", "key-syntax" },
	{ "v=DKIM2", "\"v=DKIM2; p=$R\"", "key-missing" },
	{ "v=dkim1", "\"v=dkim1; p=$R\"", "key-missing" },
	{ "tag twice", "\"v=DKIM1; p=$R; p=$R\"", "key-syntax" },
	{ "rubbish", "\"hello\"", "key-syntax" },
	{ "empty", "\"\"", "key-syntax" },
	{ "two records", RECORD "\n" RECORD, "key-several" },
	{ "two different", RECORD "\n\"v=DKIM1; p=$r\"", "key-several" },
	{ "beside an SPF record", RECORD "\n\"v=spf1 -all\"", "" },
	{ "an SPF record alone", "\"v=spf1 -all\"", "key-missing" },
	{ "no such name", NULL, "key-missing" },
	{ "NODATA", "NODATA", "key-missing" },
	{ "SERVFAIL", "SERVFAIL", "dns" },
	{ "TIMEOUT", "TIMEOUT", "dns" },
};

static void a_key_record_is_read_strictly(void **state)
{
	g_autofree char *message = signer_sign(rsa2048, TAGS, MESSAGE);
	size_t i, wrong = 0;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(record_rows); i++) {
		const struct record_row *row = &record_rows[i];
		g_autoptr(rmt_dkim) dkim = verify(message, row->record);

		if (strcmp(word_of(dkim, 0), row->want) == 0 &&
		    rmt_dkim_get(dkim, 0)->testing == row->testing)
			continue;
		print_error("%s: '%s', not '%s'\n", row->name, word_of(dkim, 0),
			    row->want);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

static void a_bare_rsa_public_key_is_a_key_too(void **state)
{
	g_autofree char *message = signer_sign(rsa2048, TAGS, MESSAGE);
	g_autofree char *p = NULL, *record = NULL;
	g_autoptr(rmt_dkim) dkim = NULL;
	unsigned char *der = NULL;
	int len = i2d_PublicKey(rsa2048, &der);

	(void)state;
	p = g_base64_encode(der, (gsize)len);
	OPENSSL_free(der);
	record = g_strdup_printf("\"p=%s\"", p);
	dkim = verify(message, record);
	assert_string_equal(word_of(dkim, 0), "");
	assert_int_equal(rmt_dkim_get(dkim, 0)->bits, 2048);
}

static void bits_are_told_and_small_keys_refused(void **state)
{
	static const struct {
		EVP_PKEY **key;
		const char *record, *algorithm, *want;
		unsigned bits;
		bool weak;
	} rows[] = {
		{ &rsa2048, "\"p=$R\"", "rsa-sha256", "", 2048, false },
		{ &rsa1024, "\"p=$r\"", "rsa-sha256", "", 1024, true },
		{ &rsa768, "\"p=$w\"", "rsa-sha256", "key-small", 768, true },
		{ &ed25519, "\"k=ed25519; p=$E\"", "ed25519-sha256", "", 256, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *tags = g_strdup_printf(
			"v=1; a=%s; d=x.example; s=s; h=from", rows[i].algorithm);
		g_autofree char *message = signer_sign(*rows[i].key, tags, MESSAGE);
		g_autoptr(rmt_dkim) dkim = verify(message, rows[i].record);
		const struct rmt_dkim_signature *signature = rmt_dkim_get(dkim, 0);

		assert_string_equal(word_of(dkim, 0), rows[i].want);
		assert_int_equal(signature->bits, rows[i].bits);
		assert_int_equal(signature->weak, rows[i].weak);
	}
}

static void t_s_forbids_subdomains_in_i(void **state)
{
	g_autofree char *below = signer_sign(rsa2048, TAGS "; i=@a.x.example", MESSAGE);
	g_autofree char *same = signer_sign(rsa2048, TAGS "; i=ann@X.example", MESSAGE);
	g_autoptr(rmt_dkim) no = verify(below, "\"t=s; p=$R\"");
	g_autoptr(rmt_dkim) yes = verify(same, "\"t=s; p=$R\"");

	(void)state;
	assert_string_equal(word_of(no, 0), "identity");
	assert_string_equal(word_of(yes, 0), "");
}

/* --- what happens to messages on their way ------------------------------------- */

static char *replace(const char *message, const char *old, const char *new)
{
	g_auto(GStrv) parts = g_strsplit(message, old, 2);

	assert_int_equal(g_strv_length(parts), 2);
	return g_strjoinv(new, parts);
}

static void changes_on_the_way_show(void **state)
{
	static const struct {
		const char *name, *old, *new, *want;
	} rows[] = {
		{ "body", "Hello", "Hullo", "body-hash" },
		{ "text behind the body", "\r\n\r\n\r\n", "\r\nmore\r\n", "body-hash" },
		{ "more empty lines", "there \r\n", "there \r\n\r\n\r\n", "" },
		{ "blanks in the body", "Hello  there", "Hello\tthere", "" },
		{ "subject", "a  day", "a night", "signature" },
		{ "blanks in the subject", "a  day", "a\r\n\tday", "" },
		{ "name in other case", "Subject:", "SUBJECT :", "" },
		{ "another To, below",
		  "Subject:", "To: eve@z.example\r\nSubject:", "signature" },
		{ "another To, above", "From:", "To: eve@z.example\r\nFrom:", "" },
		{ "a field nobody signed", "Subject:", "X-Note: x\r\nSubject:", "" },
		{ "a second From above", "DKIM-", "From: eve@z.example\r\nDKIM-",
		  "from-repeated" },
		{ "a second From below",
		  "Subject:", "From: eve@z.example\r\nSubject:", "signature" },
		{ "a line that is no field",
		  "Subject:", "junk\r\nSubject:", "header-broken" },
		{ "a tag added", "v=1;", "v=1; n=1;", "signature" },
	};
	g_autofree char *message = signer_sign(rsa2048, TAGS, MESSAGE);
	size_t i, wrong = 0;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *changed = replace(message, rows[i].old, rows[i].new);
		g_autoptr(rmt_dkim) dkim = verify(changed, RECORD);

		if (strcmp(word_of(dkim, 0), rows[i].want) == 0)
			continue;
		print_error("%s: '%s', not '%s'\n", rows[i].name, word_of(dkim, 0),
			    rows[i].want);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

static void folding_of_b_does_not_count_even_in_simple_form(void **state)
{
	g_autofree char *message = signer_sign(
		rsa2048, "v=1; a=rsa-sha256; d=x.example; s=s; h=from", MESSAGE);
	g_autofree char *folded = replace(message, "; b=", "; b=\r\n \t");
	g_autoptr(rmt_dkim) dkim = verify(folded, RECORD);

	(void)state;
	assert_string_equal(word_of(dkim, 0), "");
}

static void a_message_without_from_has_nothing_to_sign(void **state)
{
	g_autofree char *message = signer_sign(rsa2048, TAGS, "To: b@y\r\n\r\nbody\r\n");
	g_autoptr(rmt_dkim) dkim = verify(message, RECORD);

	(void)state;
	assert_string_equal(word_of(dkim, 0), "from-unsigned");
}

static void a_message_without_signature_has_none(void **state)
{
	g_autoptr(rmt_dkim) dkim = verify(MESSAGE, RECORD);

	(void)state;
	assert_null(rmt_dkim_get(dkim, 0));
	assert_int_equal(rmt_dkim_signature_count(dkim), 0);
	assert_false(rmt_dkim_asker(dkim)->waits);
}

static void a_file_with_lf_alone_is_read_as_crlf(void **state)
{
	g_autofree char *message = signer_sign(rsa2048, TAGS, MESSAGE);
	g_autoptr(GString) lf = g_string_new(message);
	g_autoptr(rmt_dkim) dkim = NULL;

	(void)state;
	g_string_replace(lf, "\r\n", "\n", 0);
	dkim = verify(lf->str, RECORD);
	assert_string_equal(word_of(dkim, 0), "");
}

/* --- what was signed -------------------------------------------------------------- */

static void assert_span(struct rmt_span got, const char *want)
{
	assert_int_equal(got.len, strlen(want));
	assert_memory_equal(got.p, want, got.len);
}

static void the_signed_octets_are_handed_out_bottom_up(void **state)
{
	static const char original[] =
		"List-Unsubscribe: <https://x.example/u>\r\n"
		"From: ann@x.example\r\n"
		"List-Unsubscribe:\r\n <https://x.example/u/2>\r\n\r\nHi\r\n";
	g_autofree char *message = signer_sign(
		rsa2048, TAGS ":List-Unsubscribe:list-unsubscribe:list-unsubscribe",
		original);
	g_autofree char *forged = g_strconcat(
		"List-Unsubscribe: <https://evil.example/>\r\n", message, NULL);
	g_autofree char *cut = signer_sign(rsa2048, TAGS ":List-Unsubscribe", original);
	g_autofree char *prepended =
		g_strconcat("List-Unsubscribe: <https://evil.example/>\r\n", cut, NULL);
	g_autoptr(rmt_dkim) oversigned = verify(message, RECORD);
	g_autoptr(rmt_dkim) broken = verify(forged, RECORD);
	g_autoptr(rmt_dkim) holds = verify(prepended, RECORD);
	const struct rmt_dkim_signature *signature = rmt_dkim_get(oversigned, 0);

	(void)state;
	assert_string_equal(word_of(oversigned, 0), "");
	assert_int_equal(signature->field_count, 6);
	assert_span(signature->fields[0].raw, "From: ann@x.example");
	assert_null(signature->fields[1].raw.p); /* To: there is none */
	assert_span(signature->fields[3].name, "List-Unsubscribe");
	assert_span(signature->fields[3].raw,
		    "List-Unsubscribe:\r\n <https://x.example/u/2>");
	assert_int_equal(signature->fields[3].index, 3);
	assert_span(signature->fields[4].raw, "List-Unsubscribe: <https://x.example/u>");
	assert_null(signature->fields[5].raw.p);
	/* Oversigned, a forged field on top breaks it; else the genuine one is told. */
	assert_string_equal(word_of(broken, 0), "signature");
	assert_string_equal(word_of(holds, 0), "");
	assert_span(rmt_dkim_get(holds, 0)->fields[3].raw,
		    "List-Unsubscribe:\r\n <https://x.example/u/2>");
}

static void names_and_numbers_of_a_signature_are_told(void **state)
{
	g_autofree char *message = signer_sign(
		rsa2048, "v=1; a=rsa-sha256; d=X.Example; s=S; h=from; t=5; x=1800000000",
		MESSAGE);
	g_autoptr(rmt_dkim) dkim = verify(message, RECORD);
	const struct rmt_dkim_signature *signature = rmt_dkim_get(dkim, 0);

	(void)state;
	assert_int_equal(signature->result, RMT_DKIM_PASS);
	assert_span(signature->domain, "x.example");
	assert_span(signature->selector, "s");
	assert_span(signature->algorithm, "rsa-sha256");
	assert_span(signature->identity, "@x.example");
	assert_int_equal(signature->signed_at, 5);
	assert_int_equal(signature->expires, 1800000000);
	assert_int_equal(signature->b.len, 344);
}

/* --- many, large, unanswered ------------------------------------------------------ */

static void only_so_many_signatures_are_evaluated(void **state)
{
	g_autofree char *message = signer_sign(rsa2048, TAGS, MESSAGE);
	const char *rest = strstr(message, "From:");
	g_autofree char *one = g_strndup(message, (gsize)(rest - message));
	g_autoptr(GString) many = g_string_new(NULL);
	struct rmt_dkim_settings settings = RMT_DKIM_SETTINGS_DEFAULT;
	g_autoptr(rmt_dkim) dkim = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < 2000; i++)
		g_string_append(many, one);
	g_string_append(many, rest);
	settings.signatures_max = 5;
	settings.header_max = 10 * 1024 * 1024;
	dkim = verify_with(&settings, rmt_span(many->str, many->len), RECORD, NOW);
	for (i = 0; rmt_dkim_get(dkim, i) != NULL; i++)
		assert_string_equal(word_of(dkim, i), i < 5 ? "" : "not-evaluated");
	assert_int_equal(i, 5 + RMT_DKIM_LISTED_MAX);
	assert_int_equal(rmt_dkim_signature_count(dkim), 2000);
	assert_span(rmt_dkim_get(dkim, 6)->domain, "x.example");
}

static void a_header_section_over_the_limit_is_not_judged(void **state)
{
	g_autofree char *message = signer_sign(rsa2048, TAGS, MESSAGE);
	g_autoptr(GString) large = g_string_new(message);
	g_autoptr(GString) field = g_string_new("X-Pad: ");
	const clock_t start = clock(); /* of the processor */
	g_autoptr(rmt_dkim) dkim = NULL;

	(void)state;
	while (field->len < 10 * 1024 * 1024)
		g_string_append(field, "0123456789abcdef");
	g_string_append(field, "\r\n");
	g_string_insert(large, strstr(large->str, "From:") - large->str, field->str);
	dkim = verify(large->str, RECORD);
	assert_string_equal(word_of(dkim, 0), "too-large");
	assert_true(clock() - start < 5 * CLOCKS_PER_SEC);
}

static void a_name_repeated_without_end_in_h_costs_little(void **state)
{
	g_autoptr(GString) message = g_string_new("DKIM-Signature: " TAGS);
	const clock_t start = clock(); /* of the processor */
	g_autoptr(rmt_dkim) dkim = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < 12000; i++)
		g_string_append(message, ":a");
	g_string_append(message,
			"; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n");
	for (i = 0; i < 100000; i++)
		g_string_append(message, "a:b\r\n");
	g_string_append(message, "From: ann@x.example\r\n\r\n");
	dkim = verify(message->str, RECORD);
	assert_string_equal(word_of(dkim, 0), "signature");
	assert_true(clock() - start < 10 * CLOCKS_PER_SEC);
}

static void a_key_that_did_not_come_is_a_temporary_error(void **state)
{
	struct rmt_dkim_settings settings = RMT_DKIM_SETTINGS_DEFAULT;
	g_autofree char *message = signer_sign(rsa2048, TAGS, MESSAGE);
	g_autoptr(rmt_dkim) dkim = rmt_dkim_new(&settings, keys);

	(void)state;
	rmt_dkim_message(dkim, rmt_span_of(message));
	assert_true(rmt_dkim_asker(dkim)->waits);
	assert_span(rmt_dkim_asker(dkim)->question.name, "s._domainkey.x.example");
	rmt_dkim_finish(dkim, NOW);
	assert_int_equal(rmt_dkim_get(dkim, 0)->result, RMT_DKIM_TEMPERROR);
	assert_string_equal(word_of(dkim, 0), "dns");
}

static void all_keys_are_hinted_with_the_first_question(void **state)
{
	struct rmt_dkim_settings settings = RMT_DKIM_SETTINGS_DEFAULT;
	g_autofree char *once = signer_sign(rsa2048, TAGS, MESSAGE);
	g_autofree char *twice =
		signer_sign(rsa2048, "v=1; a=rsa-sha256; d=z.example; s=t; h=from", once);
	g_autoptr(rmt_dkim) dkim = rmt_dkim_new(&settings, keys);
	const struct rmt_asker *asker = rmt_dkim_asker(dkim);

	(void)state;
	rmt_dkim_message(dkim, rmt_span_of(twice));
	assert_int_equal(asker->hint_count, 2);
	assert_span(asker->hints[0].name, "t._domainkey.z.example");
	assert_span(asker->hints[1].name, "s._domainkey.x.example");
}

static void a_body_may_come_in_any_pieces_before_or_after_the_key(void **state)
{
	g_autofree char *message = signer_sign(rsa2048, TAGS, MESSAGE);
	struct rmt_dkim_settings settings = RMT_DKIM_SETTINGS_DEFAULT;
	const char *body = strstr(message, "\r\n\r\n") + 4;
	g_autoptr(rmt_zone) zone = zone_of(RECORD);
	size_t cut, len = strlen(body);

	(void)state;
	for (cut = 0; cut <= len; cut++) {
		g_autoptr(rmt_dkim) dkim = rmt_dkim_new(&settings, keys);

		rmt_dkim_message(dkim, rmt_span(message, (size_t)(body - message)));
		rmt_dkim_body(dkim, rmt_span(body, cut));
		rmt_zone_run(zone, rmt_dkim_asker(dkim));
		rmt_dkim_body(dkim, rmt_span(body + cut, len - cut));
		rmt_dkim_finish(dkim, NOW);
		assert_string_equal(word_of(dkim, 0), "");
	}
}

static void keys_are_parsed_once_and_forgotten_in_order(void **state)
{
	g_autofree char *message = signer_sign(rsa2048, TAGS, MESSAGE);
	struct rmt_dkim_keys *shared = keys;
	uint64_t hits, misses;
	size_t i;

	(void)state;
	keys = rmt_dkim_keys_new(1);
	for (i = 0; i < 3; i++)
		rmt_dkim_free(verify(message, RECORD));
	rmt_dkim_keys_stats(keys, &hits, &misses);
	assert_int_equal(hits, 2);
	assert_int_equal(misses, 1);
	rmt_dkim_free(verify(message, "\"p=$r\"")); /* takes the one place */
	rmt_dkim_free(verify(message, RECORD));
	rmt_dkim_keys_stats(keys, &hits, &misses);
	assert_int_equal(hits, 2);
	assert_int_equal(misses, 3);
	rmt_dkim_keys_free(keys);
	keys = shared;
}

static void every_reason_has_a_word_of_its_own_and_a_sentence(void **state)
{
	int i, j;

	(void)state;
	for (i = 0; i < RMT_DKIM_REASON_COUNT; i++) {
		assert_true(rmt_dkim_reason_text((enum rmt_dkim_reason)i)[0] != '\0');
		assert_non_null(rmt_dkim_result_name(
			rmt_dkim_reason_result((enum rmt_dkim_reason)i)));
		for (j = 0; j < i; j++)
			assert_string_not_equal(
				rmt_dkim_reason_word((enum rmt_dkim_reason)i),
				rmt_dkim_reason_word((enum rmt_dkim_reason)j));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signature_counts_only_when_all_its_tags_do),
		cmocka_unit_test(a_key_record_is_read_strictly),
		cmocka_unit_test(a_bare_rsa_public_key_is_a_key_too),
		cmocka_unit_test(bits_are_told_and_small_keys_refused),
		cmocka_unit_test(t_s_forbids_subdomains_in_i),
		cmocka_unit_test(changes_on_the_way_show),
		cmocka_unit_test(folding_of_b_does_not_count_even_in_simple_form),
		cmocka_unit_test(a_message_without_from_has_nothing_to_sign),
		cmocka_unit_test(a_message_without_signature_has_none),
		cmocka_unit_test(a_file_with_lf_alone_is_read_as_crlf),
		cmocka_unit_test(the_signed_octets_are_handed_out_bottom_up),
		cmocka_unit_test(names_and_numbers_of_a_signature_are_told),
		cmocka_unit_test(only_so_many_signatures_are_evaluated),
		cmocka_unit_test(a_header_section_over_the_limit_is_not_judged),
		cmocka_unit_test(a_name_repeated_without_end_in_h_costs_little),
		cmocka_unit_test(a_key_that_did_not_come_is_a_temporary_error),
		cmocka_unit_test(all_keys_are_hinted_with_the_first_question),
		cmocka_unit_test(a_body_may_come_in_any_pieces_before_or_after_the_key),
		cmocka_unit_test(keys_are_parsed_once_and_forgotten_in_order),
		cmocka_unit_test(every_reason_has_a_word_of_its_own_and_a_sentence),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
