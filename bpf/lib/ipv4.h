/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The IPv4 header (RFC 791). */
#pragma once

#include "packet.h"

#include <linux/ip.h>

#define IPV4_WORDS_MIN 5
#define IPV4_MORE 0x2000
#define IPV4_OFFSET 0x1fff

/* A packet that a device will cut may be longer than its length field can say: then that is 0. */
inline_always __u32 ipv4_length(const struct __sk_buff *skb, const struct packet *packet, const struct iphdr *ip)
{
	if (!ip->tot_len && skb->gso_size)
		return skb->len - packet->network;
	return bpf_ntohs(ip->tot_len);
}

inline_always void ipv4_fragment(struct packet *packet, const struct iphdr *ip)
{
	__u16 field = bpf_ntohs(ip->frag_off);

	packet->fragment.identification = bpf_ntohs(ip->id);
	packet->fragment.offset = (field & IPV4_OFFSET) * 8;
	packet->fragment.more = field & IPV4_MORE;
	packet->fragment.begins = packet->transport;
	packet->fragment.next = ip->protocol;
}

/* Fills in what the header says. 0, or a drop reason. */
inline_always int ipv4(struct __sk_buff *skb, struct packet *packet)
{
	const struct iphdr *ip = header(skb, packet->network, sizeof(*ip));
	__u32 words;

	if (!ip || ip->version != 4)
		return SLUICE_DROP_INVALID_PACKET;
	words = ip->ihl;
	if (words < IPV4_WORDS_MIN)
		return SLUICE_DROP_INVALID_PACKET;
	packet->transport = packet->network + words * 4;
	packet->end = packet->network + ipv4_length(skb, packet, ip);
	if (packet->transport > packet->end || packet->end > skb->len)
		return SLUICE_DROP_INVALID_PACKET;
	packet->family = SLUICE_FAMILY_IPV4;
	packet->protocol = ip->protocol;
	packet->hop_limit = ip->ttl;
	map_address(packet->source, ip->saddr);
	map_address(packet->destination, ip->daddr);
	ipv4_fragment(packet, ip);
	return 0;
}
