/* SPDX-License-Identifier: MIT */
#include "common/auth/dkim_canon.h"

/* --- header fields ------------------------------------------------------------ */

/* RFC 6376, 3.4.2: unfolded, runs of blanks to one, none at the ends. */
static void append_relaxed_value(GString *out, struct rmt_span value)
{
	size_t i, start = out->len;
	bool blank = false;

	for (i = 0; i < value.len; i++) {
		char c = value.p[i];

		if (c == '\r' && i + 1 < value.len && value.p[i + 1] == '\n')
			continue;
		if (c == '\n' && i > 0 && value.p[i - 1] == '\r')
			continue;
		if (c == ' ' || c == '\t') {
			blank = out->len > start;
			continue;
		}
		if (blank)
			g_string_append_c(out, ' ');
		blank = false;
		g_string_append_c(out, c);
	}
}

static void append_relaxed(GString *out, struct rmt_span raw)
{
	struct rmt_span name = raw, value = rmt_span(NULL, 0);
	size_t i;

	rmt_span_split(raw, ':', &name, &value);
	while (name.len > 0 &&
	       (name.p[name.len - 1] == ' ' || name.p[name.len - 1] == '\t'))
		name.len--;
	for (i = 0; i < name.len; i++)
		g_string_append_c(out, g_ascii_tolower(name.p[i]));
	g_string_append_c(out, ':');
	append_relaxed_value(out, value);
}

void rmt_canon_field(GString *out, enum rmt_canon canon, struct rmt_span raw, bool crlf)
{
	if (canon == RMT_CANON_RELAXED)
		append_relaxed(out, raw);
	else
		g_string_append_len(out, raw.p, (gssize)raw.len);
	if (crlf)
		g_string_append(out, "\r\n");
}

/* --- bodies ------------------------------------------------------------------- */

enum { PIECE = 4096 };

struct hash {
	enum rmt_canon canon;
	uint64_t limit, fed;
	EVP_MD_CTX *context;
	unsigned char result[RMT_SHA256_OCTETS];
};

/* What was seen but not yet put out, for one form. */
struct state {
	bool wanted;
	bool cr;              /* a CR whose LF may come */
	bool blank;           /* relaxed: a run of blanks */
	uint64_t empty_lines; /* line ends that count only if something follows */
	uint64_t length;      /* put out so far */
	size_t used;
	char buffer[2 * PIECE]; /* a piece grows by one blank, CR and CRLF at most */
};

struct rmt_canon_body {
	const EVP_MD *sha256; /* foreign */
	GArray *hashes;       /* of struct hash */
	struct state states[RMT_CANON_COUNT];
};

struct rmt_canon_body *rmt_canon_body_new(const EVP_MD *sha256)
{
	struct rmt_canon_body *body = g_new(struct rmt_canon_body, 1);
	size_t i;

	body->sha256 = sha256;
	body->hashes = g_array_new(FALSE, TRUE, sizeof(struct hash));
	for (i = 0; i < RMT_CANON_COUNT; i++)
		memset(&body->states[i], 0, offsetof(struct state, buffer));
	return body;
}

void rmt_canon_body_free(struct rmt_canon_body *body)
{
	guint i;

	if (body == NULL)
		return;
	for (i = 0; i < body->hashes->len; i++)
		EVP_MD_CTX_free(g_array_index(body->hashes, struct hash, i).context);
	g_array_unref(body->hashes);
	g_free(body);
}

size_t rmt_canon_body_want(struct rmt_canon_body *body, enum rmt_canon canon,
			   uint64_t length)
{
	struct hash hash = { .canon = canon, .limit = length };
	guint i;

	for (i = 0; i < body->hashes->len; i++) {
		const struct hash *old = &g_array_index(body->hashes, struct hash, i);

		if (old->canon == canon && old->limit == length)
			return i;
	}
	hash.context = EVP_MD_CTX_new();
	EVP_DigestInit_ex2(hash.context, body->sha256, NULL);
	g_array_append_val(body->hashes, hash);
	body->states[canon].wanted = true;
	return body->hashes->len - 1;
}

static void flush(struct rmt_canon_body *body, enum rmt_canon canon)
{
	struct state *state = &body->states[canon];
	guint i;

	for (i = 0; i < body->hashes->len; i++) {
		struct hash *hash = &g_array_index(body->hashes, struct hash, i);
		uint64_t len = MIN(state->used, hash->limit - hash->fed);

		if (hash->canon != canon || len == 0)
			continue;
		EVP_DigestUpdate(hash->context, state->buffer, len);
		hash->fed += len;
	}
	state->length += state->used;
	state->used = 0;
}

/* Room for a piece is kept behind what this puts out. */
static void put_empty_lines(struct rmt_canon_body *body, enum rmt_canon canon)
{
	struct state *state = &body->states[canon];

	for (; state->empty_lines > 0; state->empty_lines--) {
		if (state->used + 2 > PIECE / 2)
			flush(body, canon);
		state->buffer[state->used++] = '\r';
		state->buffer[state->used++] = '\n';
	}
}

/* What may not be left out any more; at most a piece. */
static void put_run(struct rmt_canon_body *body, enum rmt_canon canon, const char *run,
		    size_t len)
{
	struct state *state = &body->states[canon];

	if (state->empty_lines > 0)
		put_empty_lines(body, canon);
	if (state->used + len + 1 > sizeof(state->buffer))
		flush(body, canon);
	if (state->blank)
		state->buffer[state->used++] = ' ';
	state->blank = false;
	memcpy(state->buffer + state->used, run, len);
	state->used += len;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* RFC 6376, 3.4.4: runs of blanks to one. Without branches, since words are
 * short: every octet is written, and stays or is written over. */
static void put_words(struct state *state, const char *p, size_t len)
{
	char *out = state->buffer + state->used;
	bool before = false;
	size_t i;

	if (state->blank)
		*out++ = ' ';
	for (i = 0; i < len; i++) {
		bool blank = is_blank(p[i]);

		*out = blank ? ' ' : p[i];
		out += !(blank && before);
		before = blank;
	}
	state->blank = before;
	state->used = (size_t)(out - state->buffer) - before;
}

/* Part of a line, without CR. */
static void put_part(struct rmt_canon_body *body, enum rmt_canon canon, const char *p,
		     size_t len)
{
	struct state *state = &body->states[canon];

	if (canon == RMT_CANON_SIMPLE) {
		put_run(body, canon, p, len);
		return;
	}
	while (len > 0 && is_blank(*p)) {
		state->blank = true;
		p++;
		len--;
	}
	if (len == 0)
		return;
	if (state->empty_lines > 0)
		put_empty_lines(body, canon);
	if (state->used + len + 1 > sizeof(state->buffer))
		flush(body, canon);
	put_words(state, p, len);
}

/* What follows a CR: its LF, or the CR was an octet like others. */
static bool take_after_cr(struct rmt_canon_body *body, enum rmt_canon canon, char c)
{
	struct state *state = &body->states[canon];

	state->cr = false;
	if (c != '\n') {
		put_run(body, canon, "\r", 1);
		return false;
	}
	state->blank = false; /* none at the end of a line */
	state->empty_lines++;
	return true;
}

static void add_piece(struct rmt_canon_body *body, enum rmt_canon canon, const char *p,
		      size_t len)
{
	struct state *state = &body->states[canon];

	while (len > 0) {
		const char *cr;
		size_t part;

		if (state->cr && take_after_cr(body, canon, *p)) {
			p++;
			len--;
			continue;
		}
		cr = memchr(p, '\r', len);
		part = cr != NULL ? (size_t)(cr - p) : len;
		if (part > 0)
			put_part(body, canon, p, part);
		state->cr = cr != NULL;
		p += part + state->cr;
		len -= part + state->cr;
	}
}

void rmt_canon_body_add(struct rmt_canon_body *body, struct rmt_span piece)
{
	int canon;

	while (piece.len > 0) {
		size_t len = MIN(piece.len, PIECE);

		for (canon = 0; canon < RMT_CANON_COUNT; canon++)
			if (body->states[canon].wanted)
				add_piece(body, (enum rmt_canon)canon, piece.p, len);
		piece = rmt_span_from(piece, len);
	}
}

/* Exactly one CRLF ends the body; an empty relaxed one stays empty. */
static void end_form(struct rmt_canon_body *body, enum rmt_canon canon)
{
	struct state *state = &body->states[canon];

	if (state->cr)
		put_run(body, canon, "\r", 1);
	state->blank = false;
	state->empty_lines = 0;
	if (canon == RMT_CANON_SIMPLE || state->length + state->used > 0)
		put_run(body, canon, "\r\n", 2);
	flush(body, canon);
}

void rmt_canon_body_end(struct rmt_canon_body *body)
{
	int canon;
	guint i;

	for (canon = 0; canon < RMT_CANON_COUNT; canon++)
		if (body->states[canon].wanted)
			end_form(body, (enum rmt_canon)canon);
	for (i = 0; i < body->hashes->len; i++) {
		struct hash *hash = &g_array_index(body->hashes, struct hash, i);

		EVP_DigestFinal_ex(hash->context, hash->result, NULL);
	}
}

const unsigned char *rmt_canon_body_hash(const struct rmt_canon_body *body, size_t number,
					 uint64_t *length_r)
{
	const struct hash *hash = &g_array_index(body->hashes, struct hash, number);

	*length_r = body->states[hash->canon].length;
	return hash->result;
}
