/* SPDX-License-Identifier: MIT */
/* Words and sentences of dkim.h. */
#include "common/auth/dkim.h"

static const struct {
	enum rmt_dkim_result result;
	const char *word, *text;
} reasons[RMT_DKIM_REASON_COUNT] = {
	[RMT_DKIM_OK] = { RMT_DKIM_PASS, "", "the signature holds" },
	[RMT_DKIM_BODY_HASH] = { RMT_DKIM_FAIL, "body-hash", "the body was changed" },
	[RMT_DKIM_BODY_SHORT] = { RMT_DKIM_FAIL, "body-short",
				  "the body is shorter than l= says" },
	[RMT_DKIM_SIGNATURE] = { RMT_DKIM_FAIL, "signature",
				 "a signed header field was changed, or the key is "
				 "another" },
	[RMT_DKIM_BODY_TAIL] = { RMT_DKIM_POLICY, "body-tail",
				 "text behind the part of the body that l= covers" },
	[RMT_DKIM_FROM_REPEATED] = { RMT_DKIM_POLICY, "from-repeated",
				     "more than one From field" },
	[RMT_DKIM_HEADER_BROKEN] = { RMT_DKIM_POLICY, "header-broken",
				     "a line above the body that is no header field" },
	[RMT_DKIM_EXPIRED] = { RMT_DKIM_POLICY, "expired", "x= has passed" },
	[RMT_DKIM_FUTURE] = { RMT_DKIM_POLICY, "future", "t= lies in the future" },
	[RMT_DKIM_KEY_SMALL] = { RMT_DKIM_POLICY, "key-small",
				 "the RSA key is too small" },
	[RMT_DKIM_DISAGREE] = { RMT_DKIM_POLICY, "disagree",
				"the second verifier does not accept it" },
	[RMT_DKIM_SYNTAX] = { RMT_DKIM_NEUTRAL, "syntax",
			      "the signature cannot be read" },
	[RMT_DKIM_VERSION] = { RMT_DKIM_NEUTRAL, "version", "v= is not 1" },
	[RMT_DKIM_ALGORITHM] = { RMT_DKIM_NEUTRAL, "algorithm", "a= is unknown" },
	[RMT_DKIM_CANON] = { RMT_DKIM_NEUTRAL, "canon", "c= is unknown" },
	[RMT_DKIM_QUERY] = { RMT_DKIM_NEUTRAL, "query", "q= knows no dns/txt" },
	[RMT_DKIM_TIMES] = { RMT_DKIM_NEUTRAL, "times", "x= does not lie behind t=" },
	[RMT_DKIM_NOT_EVALUATED] = { RMT_DKIM_NEUTRAL, "not-evaluated",
				     "more signatures than are looked at" },
	[RMT_DKIM_TAG_MISSING] = { RMT_DKIM_PERMERROR, "tag-missing",
				   "one of v=, a=, b=, bh=, d=, h=, s= is missing" },
	[RMT_DKIM_SHA1] = { RMT_DKIM_PERMERROR, "sha1",
			    "rsa-sha1 counts for nothing (RFC 8301)" },
	[RMT_DKIM_DOMAIN] = { RMT_DKIM_PERMERROR, "domain",
			      "d= or s= is no domain name" },
	[RMT_DKIM_IDENTITY] = { RMT_DKIM_PERMERROR, "identity",
				"i= is not allowed with d=" },
	[RMT_DKIM_FROM_UNSIGNED] = { RMT_DKIM_PERMERROR, "from-unsigned",
				     "From is not signed" },
	[RMT_DKIM_TOO_LARGE] = { RMT_DKIM_PERMERROR, "too-large",
				 "the header section is too large" },
	[RMT_DKIM_KEY_MISSING] = { RMT_DKIM_PERMERROR, "key-missing",
				   "there is no key record" },
	[RMT_DKIM_KEY_REVOKED] = { RMT_DKIM_PERMERROR, "key-revoked",
				   "the key is revoked" },
	[RMT_DKIM_KEY_SEVERAL] = { RMT_DKIM_PERMERROR, "key-several",
				   "there is more than one key record" },
	[RMT_DKIM_KEY_SYNTAX] = { RMT_DKIM_PERMERROR, "key-syntax",
				  "the key record cannot be read" },
	[RMT_DKIM_KEY_TYPE] = { RMT_DKIM_PERMERROR, "key-type",
				"k= is not the kind of key that a= needs" },
	[RMT_DKIM_KEY_HASH] = { RMT_DKIM_PERMERROR, "key-hash",
				"the key record does not allow sha256" },
	[RMT_DKIM_KEY_SERVICE] = { RMT_DKIM_PERMERROR, "key-service",
				   "the key record is not for mail" },
	[RMT_DKIM_KEY_LARGE] = { RMT_DKIM_PERMERROR, "key-large",
				 "the RSA key is over 8192 bits" },
	[RMT_DKIM_DNS] = { RMT_DKIM_TEMPERROR, "dns", "no key record in time" },
};

const char *rmt_dkim_reason_word(enum rmt_dkim_reason reason)
{
	return reasons[reason].word;
}

const char *rmt_dkim_reason_text(enum rmt_dkim_reason reason)
{
	return reasons[reason].text;
}

enum rmt_dkim_result rmt_dkim_reason_result(enum rmt_dkim_reason reason)
{
	return reasons[reason].result;
}

const char *rmt_dkim_result_name(enum rmt_dkim_result result)
{
	static const char *const names[] = {
		[RMT_DKIM_NONE] = "none",           [RMT_DKIM_PASS] = "pass",
		[RMT_DKIM_FAIL] = "fail",           [RMT_DKIM_POLICY] = "policy",
		[RMT_DKIM_NEUTRAL] = "neutral",     [RMT_DKIM_TEMPERROR] = "temperror",
		[RMT_DKIM_PERMERROR] = "permerror",
	};

	return names[result];
}
