/* SPDX-License-Identifier: MIT */
/* bimi_mark.c - mark certificates (VMC, CMC), by OpenSSL. Which authorities receivers
 * trust is theirs to say; whoever has a list of them gives it. */
#include <gio/gio.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "common/base/failure.h"
#include "common/auth/bimi.h"

#define OID_USAGE     "1.3.6.1.5.5.7.3.31"
#define OID_LOGOTYPE  "1.3.6.1.5.5.7.1.12"
#define OID_MARK_TYPE "1.3.6.1.4.1.53087.1.13"

enum { CHAIN_MAX = 8, LOGO_MAX = 1024 * 1024 };

/* --- the leaf ------------------------------------------------------------------------
 */

static bool has_usage(X509 *leaf)
{
	EXTENDED_KEY_USAGE *usages =
		X509_get_ext_d2i(leaf, NID_ext_key_usage, NULL, NULL);
	char text[80];
	bool found = false;
	int i;

	for (i = 0; i < sk_ASN1_OBJECT_num(usages); i++) {
		OBJ_obj2txt(text, sizeof(text), sk_ASN1_OBJECT_value(usages, i), 1);
		found = found || strcmp(text, OID_USAGE) == 0;
	}
	EXTENDED_KEY_USAGE_free(usages);
	return found;
}

static GPtrArray *domains_of(X509 *leaf)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	GPtrArray *domains = g_ptr_array_new_with_free_func(g_free);
	int i;

	for (i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_DNS)
			g_ptr_array_add(
				domains,
				g_ascii_strdown((const char *)ASN1_STRING_get0_data(
							name->d.dNSName),
						ASN1_STRING_length(name->d.dNSName)));
	}
	GENERAL_NAMES_free(names);
	return domains;
}

static char *mark_type_of(X509 *leaf)
{
	X509_NAME *subject = X509_get_subject_name(leaf);
	ASN1_OBJECT *wanted = OBJ_txt2obj(OID_MARK_TYPE, 1);
	const int at = X509_NAME_get_index_by_OBJ(subject, wanted, -1);
	const ASN1_STRING *value;

	ASN1_OBJECT_free(wanted);
	if (at < 0)
		return NULL;
	value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
	return g_strndup((const char *)ASN1_STRING_get0_data(value),
			 (gsize)ASN1_STRING_length(value));
}

/* The octets of the logotype extension; len 0: none. */
static struct rmt_span logotype_of(X509 *leaf)
{
	ASN1_OBJECT *wanted = OBJ_txt2obj(OID_LOGOTYPE, 1);
	const int at = X509_get_ext_by_OBJ(leaf, wanted, -1);
	const ASN1_OCTET_STRING *data;

	ASN1_OBJECT_free(wanted);
	if (at < 0)
		return rmt_span(NULL, 0);
	data = X509_EXTENSION_get_data(X509_get_ext(leaf, at));
	return rmt_span((const char *)ASN1_STRING_get0_data(data),
			(size_t)ASN1_STRING_length(data));
}

/* NULL: it does not unpack. */
static GByteArray *gunzip(const guchar *octets, gsize len)
{
	g_autoptr(GConverter) unpack =
		G_CONVERTER(g_zlib_decompressor_new(G_ZLIB_COMPRESSOR_FORMAT_GZIP));
	g_autoptr(GInputStream) packed =
		g_memory_input_stream_new_from_data(octets, (gssize)len, NULL);
	g_autoptr(GInputStream) stream = g_converter_input_stream_new(packed, unpack);
	g_autoptr(GByteArray) out = g_byte_array_new();
	guchar piece[4096];
	gssize n;

	while ((n = g_input_stream_read(stream, piece, sizeof(piece), NULL, NULL)) > 0 &&
	       out->len < LOGO_MAX)
		g_byte_array_append(out, piece, (guint)n);
	return n == 0 ? g_steal_pointer(&out) : NULL;
}

/* The logo stands inside as a data URI (RFC 9399), packed. */
static GByteArray *logo_of(struct rmt_span logotype)
{
	static const char head[] = "data:image/svg+xml;base64,";
	const char *at = logotype.len > 0
				 ? memmem(logotype.p, logotype.len, head, strlen(head))
				 : NULL;
	g_autofree guchar *octets = NULL;
	g_autofree char *text = NULL;
	GByteArray *logo;
	gsize len;

	if (at == NULL)
		return NULL;
	at += strlen(head);
	for (len = 0; at + len < logotype.p + logotype.len &&
		      (g_ascii_isalnum(at[len]) || strchr("+/=", at[len]) != NULL) &&
		      at[len] != '\0';
	     len++)
		;
	text = g_strndup(at, len);
	octets = g_base64_decode(text, &len);
	logo = gunzip(octets, len);
	if (logo != NULL)
		return logo;
	return g_byte_array_append(g_byte_array_new(), octets, (guint)len);
}

static int64_t seconds_of(const ASN1_TIME *time)
{
	struct tm tm;

	return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

/* --- the file ------------------------------------------------------------------------
 */

static unsigned read_chain(struct rmt_span pem, X509 *chain[CHAIN_MAX])
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)MIN(pem.len, (size_t)LOGO_MAX));
	unsigned count = 0;

	while (count < CHAIN_MAX &&
	       (chain[count] = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		count++;
	BIO_free(bio);
	return count;
}

static bool is_in_order(X509 *const *chain, unsigned count)
{
	unsigned i;

	for (i = 0; i + 1 < count; i++)
		if (X509_check_issued(chain[i + 1], chain[i]) != X509_V_OK ||
		    X509_verify(chain[i], X509_get0_pubkey(chain[i + 1])) != 1)
			return false;
	return true;
}

static void read_leaf(X509 *leaf, int64_t now, struct rmt_bimi_mark *mark)
{
	const struct rmt_span logotype = logotype_of(leaf);

	mark->has_usage = has_usage(leaf);
	mark->has_logo = logotype.len > 0;
	mark->logo = logo_of(logotype);
	mark->domains = domains_of(leaf);
	mark->mark_type = mark_type_of(leaf);
	mark->not_after = seconds_of(X509_get0_notAfter(leaf));
	mark->expired =
		now > mark->not_after || now < seconds_of(X509_get0_notBefore(leaf));
}

bool rmt_bimi_mark_read(struct rmt_span pem, int64_t now, struct rmt_bimi_mark *mark_r,
			GError **err)
{
	X509 *chain[CHAIN_MAX];
	const unsigned count = read_chain(pem, chain);
	unsigned i;

	*mark_r = (struct rmt_bimi_mark){ .certificate_count = count };
	if (count == 0)
		return rmt_wrong(err, "holds no certificate (PEM)");
	read_leaf(chain[0], now, mark_r);
	mark_r->in_order = is_in_order(chain, count);
	for (i = 0; i < count; i++)
		X509_free(chain[i]);
	return true;
}

void rmt_bimi_mark_clear(struct rmt_bimi_mark *mark)
{
	g_clear_pointer(&mark->mark_type, g_free);
	g_clear_pointer(&mark->domains, g_ptr_array_unref);
	g_clear_pointer(&mark->logo, g_byte_array_unref);
}

static bool names(const struct rmt_bimi_mark *mark, struct rmt_span domain)
{
	guint i;

	for (i = 0; domain.len > 0 && i < mark->domains->len; i++) {
		struct rmt_span name = rmt_span_of(mark->domains->pdata[i]);
		struct rmt_span selector, rest;

		/* "default._bimi.example.com" names a selector, too. */
		if (rmt_span_split(name, '.', &selector, &rest) &&
		    rmt_span_starts(rest, RMT_SPAN("_bimi.")))
			name = rmt_span_from(rest, 6);
		if (rmt_span_eq(name, domain))
			return true;
	}
	return false;
}

bool rmt_bimi_mark_check(const struct rmt_bimi_mark *mark, struct rmt_span domain,
			 struct rmt_span org, struct rmt_span svg, GError **err)
{
	if (mark->expired)
		return rmt_wrong(err, "is not valid today");
	if (!mark->has_usage)
		return rmt_wrong(err, "is no mark certificate: its usage is not BIMI's");
	if (!names(mark, domain) && !names(mark, org))
		return rmt_wrong(err, "is not for %.*s", RMT_SPAN_ARGS(domain));
	if (!mark->has_logo || mark->logo == NULL)
		return rmt_wrong(err, "holds no logo");
	if (mark->mark_type == NULL)
		return rmt_wrong(err, "does not say what kind of mark it is for");
	if (!mark->in_order)
		return rmt_wrong(err,
				 "is not followed by those that signed it, in order");
	if (svg.p != NULL &&
	    (svg.len != mark->logo->len || memcmp(svg.p, mark->logo->data, svg.len) != 0))
		return rmt_wrong(err, "holds another logo than the one served");
	return true;
}

/* --- whose it is ---------------------------------------------------------------------
 */

/* How many were taken. */
static unsigned fill_store(X509_STORE *store, struct rmt_span roots)
{
	BIO *bio = BIO_new_mem_buf(roots.p, (int)MIN(roots.len, (size_t)LOGO_MAX));
	unsigned count = 0;
	X509 *root;

	while ((root = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		count += X509_STORE_add_cert(store, root) == 1;
		X509_free(root);
	}
	BIO_free(bio);
	return count;
}

static STACK_OF(X509) * stack_of(X509 *const *chain, unsigned count)
{
	STACK_OF(X509) *stack = sk_X509_new_null();
	unsigned i;

	for (i = 1; i < count; i++)
		sk_X509_push(stack, chain[i]);
	return stack;
}

/* A logotype may be critical (RFC 9399), and OpenSSL does not know it. */
static int verify(X509_STORE *store, X509 *leaf, STACK_OF(X509) * others, int64_t now)
{
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	int code;

	X509_STORE_CTX_init(context, store, leaf, others);
	param = X509_STORE_CTX_get0_param(context);
	X509_VERIFY_PARAM_set_time(param, (time_t)now);
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_IGNORE_CRITICAL);
	X509_verify_cert(context);
	code = X509_STORE_CTX_get_error(context);
	X509_STORE_CTX_free(context);
	return code;
}

bool rmt_bimi_mark_trusted(struct rmt_span pem, struct rmt_span roots, int64_t now,
			   GError **err)
{
	X509_STORE *store = X509_STORE_new();
	const unsigned trusted = fill_store(store, roots);
	X509 *chain[CHAIN_MAX];
	const unsigned count = read_chain(pem, chain);
	STACK_OF(X509) *others = stack_of(chain, count);
	int code = X509_V_ERR_UNSPECIFIED;
	unsigned i;

	if (count > 0 && trusted > 0)
		code = verify(store, chain[0], others, now);
	sk_X509_free(others);
	for (i = 0; i < count; i++)
		X509_free(chain[i]);
	X509_STORE_free(store);
	if (trusted == 0)
		return rmt_wrong(err,
				 "cannot be judged: the file of roots holds none (PEM)");
	return code == X509_V_OK ||
	       rmt_wrong(err, "does not lead to a trusted authority: %s",
			 X509_verify_cert_error_string(code));
}
