/* SPDX-License-Identifier: MIT */
#include "common/unsubscribe/address_filter.h"

#include <netinet/in.h>

struct rmt_address_filter {
	const struct rmt_list *allow, *deny; /* foreign; or NULL */
	GArray *own;                         /* of struct rmt_ip */
};

struct block {
	uint8_t octets[8];
	uint8_t bits;
};

/* IANA's registry of IPv4 special-purpose addresses, and multicast. */
static const struct block special4[] = {
	{ { 0 }, 8 },             /* this network */
	{ { 10 }, 8 },            /* private */
	{ { 100, 64 }, 10 },      /* carriers' NAT */
	{ { 127 }, 8 },           /* loopback */
	{ { 169, 254 }, 16 },     /* link-local: clouds' metadata */
	{ { 172, 16 }, 12 },      /* private */
	{ { 192, 0, 0 }, 24 },    /* protocol assignments */
	{ { 192, 0, 2 }, 24 },    /* documentation */
	{ { 192, 31, 196 }, 24 }, /* AS112 */
	{ { 192, 52, 193 }, 24 }, /* AMT */
	{ { 192, 88, 99 }, 24 },  /* 6to4 relays */
	{ { 192, 168 }, 16 },     /* private */
	{ { 192, 175, 48 }, 24 }, /* AS112 */
	{ { 198, 18 }, 15 },      /* benchmarks */
	{ { 198, 51, 100 }, 24 }, /* documentation */
	{ { 203, 0, 113 }, 24 },  /* documentation */
	{ { 224 }, 3 },           /* multicast, reserved, broadcast */
};

/* What 2000::/3, the only part given out, holds of special use. */
static const struct block special6[] = {
	{ { 0x20, 0x01, 0x00 }, 23 },                   /* protocols: Teredo, ORCHID */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 },             /* documentation */
	{ { 0x26, 0x20, 0x00, 0x4f, 0x80, 0x00 }, 48 }, /* AS112 */
	{ { 0x3f, 0xff }, 20 },                         /* documentation */
};

static const struct block global6 = { { 0x20 }, 3 };
static const struct block six_to_four = { { 0x20, 0x02 }, 16 };
static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
static const uint8_t isatap[2][4] = { { 0, 0, 0x5e, 0xfe }, { 2, 0, 0x5e, 0xfe } };

static bool within_any(const struct rmt_ip *ip, const struct block *blocks, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (rmt_ip_match(ip->octets, blocks[i].octets, blocks[i].bits))
			return true;
	return false;
}

static struct rmt_ip ip4_from(const uint8_t *octets)
{
	struct rmt_ip ip = { false, { 0 } };

	memcpy(ip.octets, octets, 4);
	return ip;
}

/* Whether an IPv4 address is what is reached in the end; RFC 4291, 6052, 3056, 5214. */
static bool find_embedded(const struct rmt_ip *ip, struct rmt_ip *inner_r)
{
	if (!ip->is_v6)
		return false;
	if (memcmp(ip->octets, nat64, sizeof(nat64)) == 0 ||
	    memcmp(ip->octets, mapped, sizeof(mapped)) == 0)
		*inner_r = ip4_from(ip->octets + 12);
	else if (rmt_ip_match(ip->octets, six_to_four.octets, six_to_four.bits))
		*inner_r = ip4_from(ip->octets + 2);
	else if (memcmp(ip->octets + 8, isatap[0], 4) == 0 ||
		 memcmp(ip->octets + 8, isatap[1], 4) == 0)
		*inner_r = ip4_from(ip->octets + 12);
	else
		return false;
	return true;
}

static bool is_special(const struct rmt_ip *ip)
{
	if (!ip->is_v6)
		return within_any(ip, special4, G_N_ELEMENTS(special4));
	if (memcmp(ip->octets, nat64, sizeof(nat64)) == 0 ||
	    memcmp(ip->octets, mapped, sizeof(mapped)) == 0)
		return false; /* what it holds is judged */
	return !within_any(ip, &global6, 1) ||
	       within_any(ip, special6, G_N_ELEMENTS(special6));
}

static bool is_listed(const struct rmt_list *list, const struct rmt_ip *ip)
{
	g_autoptr(GString) text = NULL;

	if (list == NULL)
		return false;
	text = g_string_new(NULL);
	rmt_ip_format(ip, text);
	return rmt_list_has(list, rmt_span(text->str, text->len));
}

static bool is_own(const struct rmt_address_filter *filter, const struct rmt_ip *ip)
{
	guint i;

	for (i = 0; i < filter->own->len; i++) {
		const struct rmt_ip *own = &g_array_index(filter->own, struct rmt_ip, i);

		if (own->is_v6 == ip->is_v6 &&
		    memcmp(own->octets, ip->octets, ip->is_v6 ? 16 : 4) == 0)
			return true;
	}
	return false;
}

static enum rmt_address judge_one(const struct rmt_address_filter *filter,
				  const struct rmt_ip *ip)
{
	if (is_listed(filter->deny, ip))
		return RMT_ADDRESS_DENIED;
	if (is_listed(filter->allow, ip))
		return RMT_ADDRESS_OPEN;
	if (is_own(filter, ip))
		return RMT_ADDRESS_OWN;
	return is_special(ip) ? RMT_ADDRESS_SPECIAL : RMT_ADDRESS_OPEN;
}

enum rmt_address rmt_address_judge(const struct rmt_address_filter *filter,
				   const struct rmt_ip *ip)
{
	const enum rmt_address outer = judge_one(filter, ip);
	struct rmt_ip inner;

	if (outer != RMT_ADDRESS_OPEN || !find_embedded(ip, &inner))
		return outer;
	return judge_one(filter, &inner);
}

const char *rmt_address_word(enum rmt_address address)
{
	static const char *const words[RMT_ADDRESS_COUNT] = {
		[RMT_ADDRESS_OPEN] = "open",
		[RMT_ADDRESS_SPECIAL] = "special",
		[RMT_ADDRESS_OWN] = "own",
		[RMT_ADDRESS_DENIED] = "denied",
	};

	return words[address];
}

struct rmt_address_filter *rmt_address_filter_new(const struct rmt_list *allow,
						  const struct rmt_list *deny)
{
	struct rmt_address_filter *filter = g_new(struct rmt_address_filter, 1);

	*filter = (struct rmt_address_filter){
		allow, deny, g_array_new(FALSE, FALSE, sizeof(struct rmt_ip))
	};
	return filter;
}

void rmt_address_filter_free(struct rmt_address_filter *filter)
{
	if (filter == NULL)
		return;
	g_array_unref(filter->own);
	g_free(filter);
}

void rmt_address_filter_add_own(struct rmt_address_filter *filter,
				const struct rmt_ip *ip)
{
	g_array_append_val(filter->own, *ip);
}

bool rmt_ip_of_socket(const struct sockaddr *address, size_t len, struct rmt_ip *ip_r)
{
	const void *bytes = address;

	*ip_r = (struct rmt_ip){ false, { 0 } };
	if (address->sa_family == AF_INET && len >= sizeof(struct sockaddr_in)) {
		const struct sockaddr_in *in = bytes;

		memcpy(ip_r->octets, &in->sin_addr, 4);
		return true;
	}
	if (address->sa_family == AF_INET6 && len >= sizeof(struct sockaddr_in6)) {
		const struct sockaddr_in6 *in6 = bytes;

		ip_r->is_v6 = true;
		memcpy(ip_r->octets, &in6->sin6_addr, 16);
		return true;
	}
	return false;
}
