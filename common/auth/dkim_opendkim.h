/* SPDX-License-Identifier: MIT */
/* dkim_opendkim.h - libopendkim as the second verifier of dkim.h.
 *
 * It never sees a resolver (its own blocks a thread for ten seconds): the key
 * record comes through dkim_set_key_lookup(). Of its answer only all three
 * together count: PASSED, the body hash, and no error (PASSED alone is also
 * set where the body hash is wrong). It has no opinion on ed25519, where the
 * released library leaks 64 octets a verification, nor where it applies its own
 * clock, or refuses a record or key it does not know (RSAPublicKey in p=,
 * records over 1023 octets).
 *
 * It parses the key of every message again, so it costs a multiple of the
 * first verifier: for who wants two opinions, and for tests.
 */
#ifndef RMT_DKIM_OPENDKIM_H
#define RMT_DKIM_OPENDKIM_H

#include "common/auth/dkim_second.h"

/* Own: rmt_dkim_opendkim_free. NULL: the library does not start. */
struct rmt_dkim_second *rmt_dkim_opendkim_new(void);
void rmt_dkim_opendkim_free(struct rmt_dkim_second *second);

#endif
