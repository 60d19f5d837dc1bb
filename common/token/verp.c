/* SPDX-License-Identifier: MIT */
/* SHA-256 by its own functions: the EVP layer of OpenSSL 3.0 allocates three
 * contexts for a MAC of one block, and takes four times as long. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>
#include <xxhash.h>

#include "common/token/keys.h"
#include "common/token/verp.h"

enum {
	DAYS = 1024, /* the day's two digits go round */
	DAY_SECS = 86400,
	MAC_DIGITS = 10,
	LAYERS = 4,
	BLOCK = 64, /* octets of SHA-256 */
};

static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";

struct key {
	unsigned id;
	SHA256_CTX inner, outer; /* behind the first block: RFC 2104, 4 */
};

struct rmt_verp_ring {
	struct key keys[RMT_VERP_KEYS_MAX];
	unsigned count;
};

static int digit_value(char c)
{
	if (c >= 'a' && c <= 'z')
		return c - 'a';
	return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

static GQuark error_quark(void)
{
	return g_quark_from_static_string("rmt-verp-error");
}

/* --- keys -------------------------------------------------------------------------- */

struct rmt_verp_ring *rmt_verp_ring_new(void)
{
	return g_new0(struct rmt_verp_ring, 1);
}

void rmt_verp_ring_free(struct rmt_verp_ring *ring)
{
	if (ring == NULL)
		return;
	OPENSSL_cleanse(ring, sizeof(*ring));
	g_free(ring);
}

static void start_state(SHA256_CTX *state, const unsigned char block[BLOCK],
			unsigned char pad)
{
	unsigned char padded[BLOCK];
	size_t i;

	for (i = 0; i < BLOCK; i++)
		padded[i] = block[i] ^ pad;
	SHA256_Init(state);
	SHA256_Update(state, padded, BLOCK);
	OPENSSL_cleanse(padded, sizeof(padded));
}

void rmt_verp_ring_add(struct rmt_verp_ring *ring, unsigned id,
		       const unsigned char *secret, size_t len)
{
	unsigned char block[BLOCK] = { 0 };
	struct key *key = &ring->keys[ring->count];
	unsigned i;

	g_return_if_fail(id < RMT_VERP_KEYS_MAX && len > 0);
	for (i = 0; i < ring->count; i++)
		if (ring->keys[i].id == id)
			return;
	if (len > BLOCK)
		SHA256(secret, len, block);
	else
		memcpy(block, secret, len);
	key->id = id;
	start_state(&key->inner, block, 0x36);
	start_state(&key->outer, block, 0x5c);
	ring->count++;
	OPENSSL_cleanse(block, sizeof(block));
}

static void take_key(struct rmt_verp_ring *ring, const struct rmt_key *key)
{
	unsigned char secret[32];

	rmt_key_derive(key, "return path", secret, sizeof(secret));
	rmt_verp_ring_add(ring, (unsigned)digit_value(g_ascii_tolower(key->id)), secret,
			  sizeof(secret));
	OPENSSL_cleanse(secret, sizeof(secret));
}

void rmt_verp_ring_take(struct rmt_verp_ring *ring, const struct rmt_keys *keys,
			int64_t now)
{
	size_t i;

	take_key(ring, rmt_keys_maker(keys, now));
	for (i = 0; i < keys->count; i++)
		take_key(ring, &keys->keys[i]);
}

bool rmt_verp_ring_empty(const struct rmt_verp_ring *ring)
{
	return ring->count == 0;
}

static const struct key *find_key(const struct rmt_verp_ring *ring, unsigned id)
{
	unsigned i;

	for (i = 0; i < ring->count; i++)
		if (ring->keys[i].id == id)
			return &ring->keys[i];
	return NULL;
}

/* --- the MAC ----------------------------------------------------------------------- */

/* What is told apart by NUL has none: addresses are checked, ids too. */
static unsigned char *add_part(unsigned char *out, struct rmt_span part)
{
	memcpy(out, part.p, part.len);
	out[part.len] = '\0';
	return out + part.len + 1;
}

/* What a MAC is of: a message, one with its recipient, a token of the table. */
enum kind { OF_MESSAGE, OF_RECIPIENT, OF_TABLE };

static void mac(const struct key *key, enum kind kind, const struct rmt_verp_form *form,
		const struct rmt_span *ids, unsigned day, struct rmt_span recipient,
		unsigned char out[SHA256_DIGEST_LENGTH])
{
	/* In one piece, since each call of the hash costs, and short: 55 octets are one
	 * block of SHA-256, and blocks are what making an address costs. */
	unsigned char
		head[2 + sizeof(form->hash) + RMT_VERP_IDS_MAX * (RMT_VERP_ID_MAX + 1)];
	unsigned char *end = head + 2 + sizeof(form->hash);
	SHA256_CTX state = key->inner;
	unsigned i;

	head[0] = (unsigned char)(kind << 2 | day >> 8);
	head[1] = (unsigned char)day;
	memcpy(head + 2, &form->hash, sizeof(form->hash));
	for (i = 0; i < form->ids; i++)
		end = add_part(end, ids[i]);
	SHA256_Update(&state, head, (size_t)(end - head));
	SHA256_Update(&state, recipient.p, recipient.len);
	SHA256_Final(out, &state);
	state = key->outer;
	SHA256_Update(&state, out, SHA256_DIGEST_LENGTH);
	SHA256_Final(out, &state);
}

/* Five bits a digit, the high ones first. */
static void put_digits(char *out, const unsigned char *octets, size_t count)
{
	size_t i, bit;

	for (i = 0; i < count; i++) {
		bit = i * 5;
		out[i] = digits[((octets[bit / 8] << 8 | octets[bit / 8 + 1]) >>
				 (11 - bit % 8)) &
				31];
	}
}

static void put_tag(char *out, const struct key *key, enum kind kind,
		    const struct rmt_verp_form *form, const struct rmt_span *ids,
		    unsigned day, struct rmt_span recipient)
{
	unsigned char octets[SHA256_DIGEST_LENGTH];

	mac(key, kind, form, ids, day, recipient, octets);
	out[0] = digits[key->id];
	out[1] = digits[day >> 5];
	out[2] = digits[day & 31];
	put_digits(out + 3, octets, MAC_DIGITS);
}

/* --- form -------------------------------------------------------------------------- */

enum { IN_ID = 1, IN_LOCAL = 2 };

/* Where an octet may stand. */
static const unsigned char places[256] = {
	['a' ... 'z'] = IN_ID | IN_LOCAL,
	['0' ... '9'] = IN_ID | IN_LOCAL,
	['-'] = IN_ID | IN_LOCAL,
	['_'] = IN_ID | IN_LOCAL,
	['.'] = IN_ID | IN_LOCAL,
	['='] = IN_LOCAL,
	['+'] = IN_LOCAL,
	['&'] = IN_LOCAL,
	['\''] = IN_LOCAL,
	['~'] = IN_LOCAL,
	['^'] = IN_LOCAL,
};

static bool is_id_char(char c)
{
	return (places[(unsigned char)c] & IN_ID) != 0;
}

bool rmt_verp_id_ok(struct rmt_span id)
{
	size_t i;

	if (id.len == 0 || id.len > RMT_VERP_ID_MAX)
		return false;
	for (i = 0; i < id.len; i++)
		if (!is_id_char(id.p[i]))
			return false;
	return true;
}

/* Settings, no stranger's choice: a plain hash tells them apart. */
static uint32_t hash_of(const struct rmt_verp_form *form)
{
	uint64_t domain = XXH3_64bits(form->domain.p, form->domain.len);

	return GUINT32_TO_BE(
		(uint32_t)XXH3_64bits_withSeed(form->root.p, form->root.len, domain));
}

bool rmt_verp_form(struct rmt_span address, unsigned ids, struct rmt_verp_form *form_r,
		   GError **err)
{
	struct rmt_verp_form form = { .ids = ids };
	size_t i;

	if (ids > RMT_VERP_IDS_MAX ||
	    !rmt_span_split_last(address, '@', &form.root, &form.domain) ||
	    form.domain.len == 0 || form.domain.len > 255 || !rmt_verp_id_ok(form.root))
		goto refuse;
	for (i = 0; i < form.domain.len; i++)
		if (!is_id_char(form.domain.p[i]))
			goto refuse;
	form.hash = hash_of(&form);
	*form_r = form;
	return true;
refuse:
	g_set_error(
		err, error_quark(), 0,
		"'%.*s' cannot be the root of return paths (write bounces@bounces."
		"example.com: at most %d lower-case letters and digits before the '@', "
		"and at most %d ids)",
		RMT_SPAN_ARGS(address), RMT_VERP_ID_MAX, RMT_VERP_IDS_MAX);
	return false;
}

/* --- making ------------------------------------------------------------------------ */

static bool is_plain(struct rmt_span recipient)
{
	struct rmt_span local, domain;
	size_t i;

	if (!rmt_span_split_last(recipient, '@', &local, &domain) || local.len == 0 ||
	    domain.len == 0 || local.p[0] == '.' || local.p[local.len - 1] == '.')
		return false;
	for (i = 0; i < local.len; i++) {
		char c = local.p[i];

		if ((places[(unsigned char)c] & IN_LOCAL) == 0)
			return false;
		if (c == '.' && local.p[i + 1] == '.')
			return false;
	}
	for (i = 0; i < domain.len; i++)
		if (!is_id_char(domain.p[i]) ||
		    (domain.p[i] == '.' && i + 1 == domain.len))
			return false;
	return true;
}

static size_t head_length(const struct rmt_verp_form *form, const struct rmt_span *ids)
{
	size_t len = form->root.len;
	unsigned i;

	for (i = 0; i < form->ids; i++)
		len += 1 + ids[i].len;
	return len;
}

bool rmt_verp_has_room(const struct rmt_verp_form *form, const struct rmt_span *ids,
		       struct rmt_span recipient)
{
	return is_plain(recipient) &&
	       head_length(form, ids) + 1 + RMT_VERP_TAG + 1 + recipient.len <=
		       RMT_VERP_LOCAL_MAX;
}

static char *put(char *out, struct rmt_span text)
{
	memcpy(out, text.p, text.len);
	return out + text.len;
}

static char *put_recipient(char *out, struct rmt_span recipient)
{
	char *end = put(out, recipient), *at = end;

	while (*--at != '@')
		;
	*at = '=';
	return end;
}

static char *put_token(char *out, const struct key *key, const struct rmt_verp_form *form,
		       const struct rmt_span *ids, unsigned day,
		       struct rmt_span recipient, struct rmt_verp_made *made)
{
	unsigned char octets[SHA256_DIGEST_LENGTH];

	mac(key, OF_TABLE, form, ids, day, recipient, octets);
	put_digits(made->token, octets, RMT_VERP_TOKEN);
	made->token[RMT_VERP_TOKEN] = '\0';
	made->is_short = true;
	out = put(out, RMT_SPAN("h+"));
	return put(out, rmt_span(made->token, RMT_VERP_TOKEN));
}

static bool check_ids(const struct rmt_verp_form *form, const struct rmt_span *ids,
		      GError **err)
{
	unsigned i;

	for (i = 0; i < form->ids; i++)
		if (!rmt_verp_id_ok(ids[i])) {
			g_set_error(
				err, error_quark(), 0,
				"id %u, '%.*s', cannot stand in an address (write at "
				"most %d lower-case letters, digits, '-', '_' and '.')",
				i + 1, RMT_SPAN_ARGS(ids[i]), RMT_VERP_ID_MAX);
			return false;
		}
	if (head_length(form, ids) + 3 + RMT_VERP_TOKEN <= RMT_VERP_LOCAL_MAX)
		return true;
	g_set_error(err, error_quark(), 0,
		    "root and ids have %zu octets: a local part has 64, and 19 are the "
		    "tag's (write a shorter root, or shorter ids)",
		    head_length(form, ids));
	return false;
}

static char *put_head(char *out, const struct rmt_verp_form *form,
		      const struct rmt_span *ids)
{
	unsigned i;

	out = put(out, form->root);
	for (i = 0; i < form->ids; i++) {
		*out++ = '+';
		out = put(out, ids[i]);
	}
	*out++ = '+';
	return out;
}

/* What proves it: the tag, with the recipient behind it, or a token of the table. */
static char *put_proof(char *out, const struct key *key, const struct rmt_verp_form *form,
		       const struct rmt_span *ids, unsigned day,
		       struct rmt_span recipient, struct rmt_verp_made *made)
{
	if (recipient.len > 0 && !rmt_verp_has_room(form, ids, recipient))
		return put_token(out, key, form, ids, day, recipient, made);
	put_tag(out, key, recipient.len > 0 ? OF_RECIPIENT : OF_MESSAGE, form, ids, day,
		recipient);
	out += RMT_VERP_TAG;
	if (recipient.len == 0)
		return out;
	*out++ = '+';
	return put_recipient(out, recipient);
}

bool rmt_verp_make(const struct rmt_verp_ring *ring, const struct rmt_verp_form *form,
		   const struct rmt_span *ids, struct rmt_span recipient, int64_t now,
		   struct rmt_verp_made *made_r, GError **err)
{
	unsigned day = (unsigned)(MAX(now, 0) / DAY_SECS % DAYS);
	char *out;

	if (ring->count == 0) {
		g_set_error_literal(err, error_quark(), 0,
				    "there is no key (remite keys make)");
		return false;
	}
	if (!check_ids(form, ids, err))
		return false;
	made_r->is_short = false;
	made_r->token[0] = '\0';
	out = put_head(made_r->address, form, ids);
	out = put_proof(out, &ring->keys[0], form, ids, day, recipient, made_r);
	*out++ = '@';
	out = put(out, form->domain);
	*out = '\0';
	return true;
}

/* --- wrappings --------------------------------------------------------------------- */

static size_t lower(struct rmt_span address, char *out)
{
	size_t i, len;

	address = rmt_span_trim(address);
	if (address.len > 1 && address.p[0] == '<' && address.p[address.len - 1] == '>')
		address = rmt_span(address.p + 1, address.len - 2);
	len = MIN(address.len, RMT_VERP_INPUT_MAX);
	for (i = 0; i < len; i++)
		out[i] = g_ascii_tolower(address.p[i]);
	out[len] = '\0';
	return len;
}

/* The n-th field on, split by '='; false where there are not so many. */
static bool after_equals(struct rmt_span text, unsigned n, struct rmt_span *rest_r)
{
	struct rmt_span before;

	while (n-- > 0)
		if (!rmt_span_split(text, '=', &before, &text))
			return false;
	*rest_r = text;
	return true;
}

/* "srs0=hhh=tt=domain=local": sendmail's and others' first mark is '+' or '-'. */
static bool unwrap_srs(struct rmt_span local, struct rmt_span *domain_r,
		       struct rmt_span *local_r)
{
	struct rmt_span rest = local;
	const char *inner;

	if (local.len < 6 || memcmp(local.p, "srs", 3) != 0 ||
	    memchr("=+-", local.p[4], 3) == NULL)
		return false;
	rest = rmt_span_from(local, 5);
	if (local.p[3] == '1') {
		/* srs1=hhh=forwarder==hhh=tt=domain=local */
		inner = memmem(rest.p, rest.len, "==", 2);
		if (inner == NULL)
			return false;
		rest = rmt_span_from(rest, (size_t)(inner - rest.p) + 2);
	} else if (local.p[3] != '0') {
		return false;
	}
	return after_equals(rest, 2, &rest) &&
	       rmt_span_split(rest, '=', domain_r, local_r);
}

/* "prvs=4012345678=local" and, of older programs, "prvs=local=4012345678". */
static bool unwrap_prvs(struct rmt_span local, struct rmt_span *local_r)
{
	struct rmt_span first, second;

	if (rmt_span_starts(local, RMT_SPAN("btv1=="))) {
		local = rmt_span_from(local, 6);
		local_r->p = memmem(local.p, local.len, "==", 2);
		if (local_r->p == NULL)
			return false;
		local_r->p += 2;
		local_r->len = local.len - (size_t)(local_r->p - local.p);
		return true;
	}
	if (!rmt_span_starts(local, RMT_SPAN("prvs=")))
		return false;
	local = rmt_span_from(local, 5);
	if (local.len > 11 && local.p[10] == '=') {
		*local_r = rmt_span_from(local, 11);
		return true;
	}
	if (!rmt_span_split_last(local, '=', &first, &second) || second.len != 10)
		return false;
	*local_r = first;
	return true;
}

static bool unwrap_once(char *text, size_t *len)
{
	struct rmt_span local, domain, inner, inner_domain;
	char copy[RMT_VERP_INPUT_MAX + 2];
	size_t n;

	if (!rmt_span_split_last(rmt_span(text, *len), '@', &local, &domain))
		return false;
	if (unwrap_prvs(local, &inner))
		inner_domain = domain;
	else if (!unwrap_srs(local, &inner_domain, &inner))
		return false;
	n = inner.len + 1 + inner_domain.len;
	if (n > *len)
		return false;
	memcpy(copy, inner.p, inner.len);
	copy[inner.len] = '@';
	memcpy(copy + inner.len + 1, inner_domain.p, inner_domain.len);
	memcpy(text, copy, n);
	text[n] = '\0';
	*len = n;
	return true;
}

size_t rmt_verp_unwrap(struct rmt_span address, char *out)
{
	size_t len = lower(address, out);
	unsigned layers = 0;

	while (layers++ < LAYERS && unwrap_once(out, &len))
		;
	return len;
}

/* --- reading ----------------------------------------------------------------------- */

/* At '+', and where there is none at the end. */
static struct rmt_span next_part(struct rmt_span *rest)
{
	struct rmt_span part;

	if (!rmt_span_split(*rest, '+', &part, rest)) {
		part = *rest;
		*rest = rmt_span(part.p + part.len, 0);
	}
	return part;
}

static bool read_head(const struct rmt_verp_form *form, struct rmt_span *rest,
		      struct rmt_verp_parts *parts)
{
	unsigned i;

	if (!rmt_span_eq(next_part(rest), form->root))
		return false;
	for (i = 0; i < form->ids; i++) {
		parts->ids[i] = next_part(rest);
		if (!rmt_verp_id_ok(parts->ids[i]))
			return false;
	}
	return true;
}

static bool are_digits(struct rmt_span text, size_t len)
{
	size_t i;

	if (text.len != len)
		return false;
	for (i = 0; i < len; i++)
		if (digit_value(text.p[i]) < 0)
			return false;
	return true;
}

/* The last day on which this one's two digits were written. */
static int64_t day_before(unsigned day, int64_t now)
{
	int64_t today = MAX(now, 0) / DAY_SECS + 1; /* clocks differ by a little */
	int64_t back = (today - (int64_t)day) % DAYS;

	return (today - back) * DAY_SECS;
}

/* "ann=example.org" where it stands; the domain has no '='. */
static struct rmt_span mend_recipient(struct rmt_span text, char *start)
{
	char *at = start + text.len;

	while (at > start && at[-1] != '=')
		at--;
	if (at == start)
		return rmt_span(NULL, 0);
	at[-1] = '@';
	return rmt_span(start, text.len);
}

static bool tag_fits(const struct key *key, enum kind kind,
		     const struct rmt_verp_form *form, const struct rmt_verp_parts *parts,
		     unsigned day, struct rmt_span recipient, struct rmt_span tag)
{
	char want[RMT_VERP_TAG];

	put_tag(want, key, kind, form, parts->ids, day, recipient);
	return CRYPTO_memcmp(want, tag.p, RMT_VERP_TAG) == 0;
}

static enum rmt_verp_result read_tag(const struct rmt_verp_ring *ring,
				     const struct rmt_verp_form *form,
				     struct rmt_span tag, int64_t now, int64_t age_max,
				     struct rmt_verp_parts *parts)
{
	unsigned day = (unsigned)(digit_value(tag.p[1]) << 5 | digit_value(tag.p[2]));
	const struct key *key = find_key(ring, (unsigned)digit_value(tag.p[0]));
	enum rmt_verp_result result = RMT_VERP_FORGED;

	if (key == NULL)
		return RMT_VERP_FORGED;
	parts->key = key->id;
	if (parts->recipient.len > 0 &&
	    tag_fits(key, OF_RECIPIENT, form, parts, day, parts->recipient, tag))
		result = RMT_VERP_PROVEN;
	else if (tag_fits(key, OF_MESSAGE, form, parts, day, rmt_span(NULL, 0), tag))
		result = RMT_VERP_MESSAGE;
	if (result == RMT_VERP_FORGED)
		return result;
	parts->made = day_before(day, now);
	return parts->made + age_max < now ? RMT_VERP_EXPIRED : result;
}

static enum rmt_verp_result read_local(const struct rmt_verp_ring *ring,
				       const struct rmt_verp_form *form,
				       struct rmt_span local, int64_t now,
				       int64_t age_max, struct rmt_verp_parts *parts)
{
	struct rmt_span rest = local, tag;

	if (rmt_span_eq(local, form->root))
		return RMT_VERP_BARE;
	if (!read_head(form, &rest, parts))
		return local.len > form->root.len && local.p[form->root.len] == '+' &&
				       rmt_span_starts(local, form->root)
			       ? RMT_VERP_FORGED
			       : RMT_VERP_FOREIGN;
	tag = next_part(&rest);
	if (rmt_span_eq(tag, RMT_SPAN("h")) && are_digits(rest, RMT_VERP_TOKEN)) {
		memcpy(parts->token, rest.p, RMT_VERP_TOKEN);
		return RMT_VERP_SHORT;
	}
	if (!are_digits(tag, RMT_VERP_TAG))
		return RMT_VERP_FORGED;
	if (rest.len > 0)
		parts->recipient =
			mend_recipient(rest, parts->text + (rest.p - parts->text));
	return read_tag(ring, form, tag, now, age_max, parts);
}

enum rmt_verp_result rmt_verp_read(const struct rmt_verp_ring *ring,
				   const struct rmt_verp_form *form,
				   struct rmt_span address, int64_t now,
				   int64_t age_max_secs, struct rmt_verp_parts *parts_r)
{
	struct rmt_span local, domain;
	size_t len;

	memset(parts_r, 0, offsetof(struct rmt_verp_parts, text));
	len = rmt_verp_unwrap(address, parts_r->text);
	if (!rmt_span_split_last(rmt_span(parts_r->text, len), '@', &local, &domain) ||
	    !rmt_span_eq(domain, form->domain))
		return RMT_VERP_FOREIGN;
	return read_local(ring, form, local, now, age_max_secs, parts_r);
}

const char *rmt_verp_result_name(enum rmt_verp_result result)
{
	static const char *const names[] = { "foreign", "bare",   "forged", "expired",
					     "message", "proven", "short" };

	return names[result];
}
