/* SPDX-License-Identifier: MIT */
/* mdn.h - receipts themselves: RFC 8098, and RFC 6533 for addresses in UTF-8.
 *
 * Writing one is exact to the octet (the same arguments give the same message);
 * reading takes what clients of twenty years have sent.
 *
 *	struct rmt_mdn_order order = { .request = request, .user_name = "Bob", ... };
 *	g_autoptr(GString) message = rmt_mdn_write(&order, templates, &err);
 *	submit(sender "<>", recipients of request->targets, message)
 */
#ifndef RMT_RECEIPTS_MDN_H
#define RMT_RECEIPTS_MDN_H

#include "common/receipts/policy.h"
#include "common/receipts/template.h"

/* --- writing ----------------------------------------------------------------------- */

struct rmt_mdn_order {
	const struct rmt_receipt_request *request; /* foreign; its targets get it */
	struct rmt_receipt_recipient recipient;    /* .final must not be NULL */
	const char *name; /* the user's, for From; UTF-8; NULL or "": none */
	/* Foreign; for From where .final cannot be written in ASCII and the next hop
	 * takes nothing else; or NULL: it cannot be sent then. */
	const struct rmt_mailbox *ascii;
	enum rmt_receipt_event event;
	bool by_user;           /* approved, not only read (M24) */
	const char *language;   /* the user's field; or NULL */
	int64_t now;            /* Unix seconds: Date, and "displayed at" */
	const char *message_id; /* "<...@...>", as rmt_mdn_message_id() made it */
	bool smtputf8;          /* the next hop takes SMTPUTF8 (RFC 6533) */
	const struct rmt_receipts_config *settings; /* privacy, language */
};

/* The whole message with CRLF, or NULL with a sentence: nobody asked, an address
 * cannot be written without SMTPUTF8. needs_utf8_r: submit it with SMTPUTF8. */
GString *rmt_mdn_write(const struct rmt_mdn_order *order,
		       const struct rmt_templates *templates, bool *needs_utf8_r,
		       GError **err);

/* Appends "<...@host>", the same for the same user and message and only for them:
 * who finds it in his own table knows the receipt as his. secret: at least 16
 * octets; key: of rmt_receipt_request. */
void rmt_mdn_message_id(struct rmt_span secret, const char *user, const char *key,
			const char *host, GString *out);

/* --- reading ----------------------------------------------------------------------- */

enum rmt_mdn_form {
	RMT_MDN_NONE,     /* no receipt */
	RMT_MDN_STANDARD, /* message/disposition-notification */
	RMT_MDN_GLOBAL,   /* message/global-disposition-notification (RFC 6533) */
	RMT_MDN_LOOSE,    /* its fields in a part of another type */
	RMT_MDN_TNEF,     /* Outlook's REPORT.IPM.Note.IPNRN or .IPNNRN */
	RMT_MDN_OPAQUE,   /* within S/MIME: what it says is not read */
};

enum rmt_mdn_disposition {
	RMT_MDN_UNKNOWN,
	RMT_MDN_DISPLAYED,
	RMT_MDN_DELETED,
	RMT_MDN_DISPATCHED,
	RMT_MDN_PROCESSED,
	RMT_MDN_DENIED, /* RFC 2298; gone */
	RMT_MDN_FAILED, /* RFC 2298; gone */
};

enum rmt_mdn_mode { RMT_MDN_MODE_UNKNOWN, RMT_MDN_MODE_MANUAL, RMT_MDN_MODE_AUTOMATIC };

/* Where it is not what RFC 8098 says. */
enum rmt_mdn_flaw {
	RMT_MDN_FLAW_TYPE = 1 << 0,         /* not multipart/report of this report-type */
	RMT_MDN_FLAW_FINAL = 1 << 1,        /* no readable Final-Recipient */
	RMT_MDN_FLAW_ORIGINAL_ID = 1 << 2,  /* no Original-Message-ID */
	RMT_MDN_FLAW_DISPOSITION = 1 << 3,  /* missing, or not the grammar */
	RMT_MDN_FLAW_ADDRESS_TYPE = 1 << 4, /* missing, doubled or unknown */
	RMT_MDN_FLAW_FIELD = 1 << 5, /* a line that is no field, or a field twice */
	RMT_MDN_FLAW_CUT = 1 << 6,   /* beyond the limits of report.h */
};

struct rmt_mdn {
	enum rmt_mdn_form form;
	enum rmt_mdn_disposition disposition;
	enum rmt_mdn_mode action, sending; /* manual-action, MDN-sent-manually */
	/* All own; NULL: not there. Addresses without type; utf-8-addr-xtext decoded. */
	char *final_recipient, *final_type, *original_recipient, *reporting_ua, *gateway;
	char *original_message_id; /* with <> if it had them */
	char *modifiers;           /* "error", ...: joined by ',' */
	char *error;               /* the Error fields, joined by "; " */
	unsigned flaws;            /* enum rmt_mdn_flaw */
};

/* Never fails: what is no receipt is RMT_MDN_NONE. Own: rmt_mdn_free. */
struct rmt_mdn *rmt_mdn_read(struct rmt_span message);
void rmt_mdn_free(struct rmt_mdn *mdn);
typedef struct rmt_mdn rmt_mdn; /* for g_autoptr(rmt_mdn) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_mdn, rmt_mdn_free)

const char *rmt_mdn_form_name(enum rmt_mdn_form form); /* "standard", ... */
const char *rmt_mdn_disposition_name(enum rmt_mdn_disposition disposition);
const char *rmt_mdn_mode_name(enum rmt_mdn_mode mode); /* "manual", "automatic", "" */
void rmt_mdn_flaw_names(unsigned flaws, GString *out); /* "type,final"; "-" */

#endif
