/* SPDX-License-Identifier: MIT */
#include <opendkim/dkim.h>

#include "common/auth/dkim_opendkim.h"

struct opendkim {
	struct rmt_dkim_second base;
	DKIM_LIB *library;
};

static DKIM_CBSTAT look_up_key(DKIM *dkim, DKIM_SIGINFO *signature, u_char *buffer,
			       size_t size)
{
	const struct rmt_dkim_case *which = dkim_get_user_context(dkim);

	(void)signature;
	if (which->record.len >= size)
		return DKIM_CBSTAT_ERROR;
	memcpy(buffer, which->record.p, which->record.len);
	buffer[which->record.len] = '\0';
	return DKIM_CBSTAT_CONTINUE;
}

/* How many DKIM-Signature fields stand above the one that is judged: handles
 * come in the same order, bad ones included. */
static size_t place_of(const struct rmt_dkim_case *which)
{
	static const char name[] = DKIM_SIGNHEADER;
	size_t i, place = 0;

	for (i = 0; i < which->signature; i++) {
		struct rmt_span field = which->fields[i];

		if (field.len >= sizeof(name) - 1 &&
		    rmt_span_eq_nocase(rmt_span(field.p, sizeof(name) - 1),
				       RMT_SPAN(name)) &&
		    (field.p[sizeof(name) - 1] == ':' ||
		     field.p[sizeof(name) - 1] == ' ' ||
		     field.p[sizeof(name) - 1] == '\t'))
			place++;
	}
	return place;
}

/* Looks at the one signature alone. */
static DKIM_CBSTAT choose_one(DKIM *dkim, DKIM_SIGINFO **signatures, int count)
{
	size_t place = place_of(dkim_get_user_context(dkim));
	int i;

	for (i = 0; i < count; i++)
		if ((size_t)i != place)
			dkim_sig_ignore(signatures[i]);
	return DKIM_CBSTAT_CONTINUE;
}

/* No opinion: its clock, or something it cannot read though it is in order. */
static bool is_beside_the_point(DKIM_SIGERROR error)
{
	return error == DKIM_SIGERROR_EXPIRED || error == DKIM_SIGERROR_FUTURE ||
	       error == DKIM_SIGERROR_KEYFAIL || error == DKIM_SIGERROR_KEYDECODE ||
	       error == DKIM_SIGERROR_NOKEY;
}

static enum rmt_dkim_opinion judge(DKIM *dkim, const struct rmt_dkim_case *which)
{
	DKIM_SIGINFO **signatures, *one;
	dkim_alg_t algorithm;
	int count = 0;

	if (dkim_getsiglist(dkim, &signatures, &count) != DKIM_STAT_OK ||
	    place_of(which) >= (size_t)count)
		return RMT_DKIM_NO;
	one = signatures[place_of(which)];
	if (is_beside_the_point(dkim_sig_geterror(one)))
		return RMT_DKIM_NO_OPINION;
	if (dkim_sig_getsignalg(one, &algorithm) == DKIM_STAT_OK &&
	    algorithm != DKIM_SIGN_RSASHA256)
		return RMT_DKIM_NO_OPINION;
	return (dkim_sig_getflags(one) & DKIM_SIGFLAG_PASSED) != 0 &&
			       dkim_sig_getbh(one) == DKIM_SIGBH_MATCH &&
			       dkim_sig_geterror(one) == DKIM_SIGERROR_OK
		       ? RMT_DKIM_YES
		       : RMT_DKIM_NO;
}

static enum rmt_dkim_opinion feed(DKIM *dkim, const struct rmt_dkim_case *which)
{
	DKIM_STAT status;
	size_t i;

	for (i = 0; i < which->field_count; i++)
		if (dkim_header(dkim, (u_char *)which->fields[i].p,
				which->fields[i].len) != DKIM_STAT_OK)
			return RMT_DKIM_NO_OPINION;
	status = dkim_eoh(dkim);
	if (status != DKIM_STAT_OK && status != DKIM_STAT_NOSIG)
		return status == DKIM_STAT_CBERROR || status == DKIM_STAT_KEYFAIL
			       ? RMT_DKIM_NO_OPINION
			       : RMT_DKIM_NO;
	if (which->body.len > 0)
		dkim_body(dkim, (u_char *)which->body.p, which->body.len);
	dkim_eom(dkim, NULL);
	return judge(dkim, which);
}

/* The library leaks there (OpenDKIM issue 321): it is not even started. */
static bool is_ed25519(const struct rmt_dkim_case *which)
{
	struct rmt_span field = which->fields[which->signature];

	return memmem(field.p, field.len, "25519", 5) != NULL;
}

static enum rmt_dkim_opinion ask(struct rmt_dkim_second *second,
				 const struct rmt_dkim_case *which)
{
	struct opendkim *self = (struct opendkim *)second;
	enum rmt_dkim_opinion opinion;
	DKIM_STAT status;
	DKIM *dkim;

	if (is_ed25519(which))
		return RMT_DKIM_NO_OPINION;
	dkim = dkim_verify(self->library, (const u_char *)"remite", NULL, &status);
	if (dkim == NULL)
		return RMT_DKIM_NO_OPINION;
	dkim_set_user_context(dkim, (void *)which);
	opinion = feed(dkim, which);
	dkim_free(dkim);
	return opinion;
}

struct rmt_dkim_second *rmt_dkim_opendkim_new(void)
{
	struct opendkim *self = g_new0(struct opendkim, 1);
	unsigned int flags = DKIM_LIBFLAGS_BADSIGHANDLES;

	self->base.ask = ask;
	self->library = dkim_init(NULL, NULL);
	if (self->library == NULL) {
		g_free(self);
		return NULL;
	}
	dkim_options(self->library, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags,
		     sizeof(flags));
	dkim_set_key_lookup(self->library, look_up_key);
	dkim_set_prescreen(self->library, choose_one);
	return &self->base;
}

void rmt_dkim_opendkim_free(struct rmt_dkim_second *second)
{
	if (second == NULL)
		return;
	dkim_close(((struct opendkim *)second)->library);
	g_free(second);
}
