/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The IPv6 header and its extension headers (RFC 8200, 4302). */
#pragma once

#include "packet.h"

#include <linux/ipv6.h>

/* Every header that RFC 8200 knows, once, as it recommends; the second destination options are one more. */
#define EXTENSIONS_MAX 6

enum {
	NEXT_HOP_BY_HOP = 0,
	NEXT_ROUTING = 43,
	NEXT_FRAGMENT = 44,
	NEXT_AUTHENTICATION = 51,
	NEXT_DESTINATION = 60,
	NEXT_MOBILITY = 135,
	NEXT_HOST_IDENTITY = 139,
	NEXT_SHIM6 = 140,
	NEXT_EXPERIMENT = 253,
	NEXT_EXPERIMENT_TOO = 254,
};

#define FRAGMENT_OFFSET 0xfff8
#define FRAGMENT_MORE 0x0001

/* The beginning of every extension header; of a fragment's, the whole. */
struct extension {
	__u8 next;
	__u8 length;
	__be16 offset;
	__be32 identification;
};

/* A way through the headers. */
struct chain {
	__u32 at;
	__u32 end;
	__u8 next;
	bool cut; /* whether there was a fragment header */
	struct fragment fragment;
};

inline_always bool is_extension(__u8 next)
{
	return next == NEXT_HOP_BY_HOP || next == NEXT_ROUTING || next == NEXT_FRAGMENT ||
	       next == NEXT_AUTHENTICATION || next == NEXT_DESTINATION;
}

/* Extension headers by IANA's list that no one here can read: what is behind them is not known. */
inline_always int check_extension(__u8 next)
{
	if (next == NEXT_MOBILITY || next == NEXT_HOST_IDENTITY || next == NEXT_SHIM6 ||
	    next == NEXT_EXPERIMENT || next == NEXT_EXPERIMENT_TOO)
		return SLUICE_DROP_EXTENSION_HEADER;
	return 0;
}

inline_always __u32 extension_size(__u8 kind, __u8 length)
{
	if (kind == NEXT_FRAGMENT)
		return sizeof(struct extension);
	if (kind == NEXT_AUTHENTICATION)
		return (length + 2) * 4;
	return (length + 1) * 8;
}

inline_always void ipv6_fragment(struct chain *chain, const struct extension *extension)
{
	__u16 field = bpf_ntohs(extension->offset);

	chain->cut = true;
	chain->fragment.identification = bpf_ntohl(extension->identification);
	chain->fragment.offset = field & FRAGMENT_OFFSET;
	chain->fragment.more = field & FRAGMENT_MORE;
	chain->fragment.begins = chain->at + sizeof(*extension);
	chain->fragment.next = extension->next;
}

/* Goes over one extension header. 0, or a drop reason. */
inline_always int step(struct __sk_buff *skb, struct chain *chain, bool first)
{
	struct extension extension;

	if (chain->next == NEXT_HOP_BY_HOP && !first)
		return SLUICE_DROP_EXTENSION_HEADER;
	/* Each is 8 bytes at least. */
	if (bpf_skb_load_bytes(skb, chain->at, &extension, sizeof(extension)))
		return SLUICE_DROP_TRUNCATED;
	if (chain->next == NEXT_FRAGMENT) {
		if (chain->cut)
			return SLUICE_DROP_EXTENSION_HEADER;
		ipv6_fragment(chain, &extension);
	}
	chain->at += extension_size(chain->next, extension.length);
	chain->next = extension.next;
	return 0;
}

/*
 * Goes over all of them, to the transport header, or what a later fragment has in its place. 0, or a drop reason.
 *
 * The verifier goes every way through the loop, and can forget that it did if nothing in it is compared with what
 * depends on the way. So extension headers, which are rare, are read by a helper, to which any place is good, and
 * whether they lie within the packet, which is only looked at behind it.
 */
inline_always int skip_extensions(struct __sk_buff *skb, struct chain *chain)
{
	int reason = 0;

	for (int i = 0; i < EXTENSIONS_MAX && is_extension(chain->next); i++) {
		reason = step(skb, chain, i == 0);
		if (reason || chain->fragment.offset)
			break;
	}
	forget(skb, chain->at);
	forget(skb, chain->next);
	forget(skb, chain->fragment.offset);
	forget(skb, chain->fragment.more);
	forget(skb, chain->fragment.begins);
	forget(skb, reason);
	if (chain->at > chain->end)
		return SLUICE_DROP_TRUNCATED;
	if (reason || chain->fragment.offset)
		return reason;
	return is_extension(chain->next) ? SLUICE_DROP_EXTENSION_HEADER : check_extension(chain->next);
}

inline_always void load_address(__u64 to[2], const struct in6_addr *address)
{
	const __be64 *halves = (const __be64 *)address;

	to[0] = bpf_be64_to_cpu(halves[0]);
	to[1] = bpf_be64_to_cpu(halves[1]);
}

/* As for IPv4, a packet that a device will cut may be too long for the field. */
inline_always __u32 ipv6_length(const struct __sk_buff *skb, const struct packet *packet, const struct ipv6hdr *ip)
{
	if (!ip->payload_len && skb->gso_size)
		return skb->len - packet->network;
	return sizeof(*ip) + bpf_ntohs(ip->payload_len);
}

/* Fills in what the header says, but for its extensions. 0, or a drop reason. */
inline_always int ipv6(struct __sk_buff *skb, struct packet *packet)
{
	const struct ipv6hdr *ip = header(skb, packet->network, sizeof(*ip));

	if (!ip || ip->version != 6)
		return SLUICE_DROP_INVALID_PACKET;
	packet->transport = packet->network + sizeof(*ip);
	packet->end = packet->network + ipv6_length(skb, packet, ip);
	if (packet->end > skb->len)
		return SLUICE_DROP_INVALID_PACKET;
	packet->family = SLUICE_FAMILY_IPV6;
	packet->protocol = ip->nexthdr;
	packet->hop_limit = ip->hop_limit;
	load_address(packet->source, &ip->saddr);
	load_address(packet->destination, &ip->daddr);
	/* They would be taken for the connections of IPv4. No stack sends them. */
	if (is_mapped(packet->source) || is_mapped(packet->destination))
		return SLUICE_DROP_INVALID_PACKET;
	return 0;
}

/* Finds the transport header behind the extensions. 0, or a drop reason. */
inline_always int ipv6_extensions(struct __sk_buff *skb, struct packet *packet)
{
	struct chain chain = {
		.at = packet->transport,
		.end = packet->end,
		.next = packet->protocol,
	};
	int reason = skip_extensions(skb, &chain);

	packet->extended = true;
	packet->transport = chain.at;
	packet->protocol = chain.next;
	packet->fragment = chain.fragment;
	return reason;
}
