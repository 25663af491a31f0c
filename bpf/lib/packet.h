/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is known of a packet, and how its bytes are reached. */
#pragma once

#include "bpf.h"

#include <linux/in.h>
#include <linux/in6.h>

/* Reasons are positive. These are for packets that pass without a verdict. */
#define PASSES 0 /* counted */
#define NOT_OURS -1 /* as if the program were not there */

struct fragment {
	__u32 identification;
	__u32 offset; /* in bytes */
	__u32 begins; /* where in the frame what was cut begins */
	__u8 next; /* the protocol or extension header that what was cut begins with */
	bool more;
};

/* Addresses and ports are in the machine's byte order, and offsets are from the beginning of the frame. */
struct packet {
	__u64 source[2]; /* one of IPv4 is mapped */
	__u64 destination[2];
	__u32 network; /* where the network header begins */
	__u32 transport; /* where the transport header does */
	__u32 payload; /* where what follows it does */
	__u32 end; /* where the packet ends, which the frame may pad */
	__u16 source_port; /* of ICMP echo the identifier, of other ICMP 0 */
	__u16 destination_port; /* of ICMP the type */
	__u8 family;
	__u8 protocol;
	__u8 hop_limit;
	__u8 tcp_flags;
	__u8 code; /* of ICMP */
	__u8 direction; /* seen from the endpoint */
	__u8 hook; /* as if of an endpoint that is not the host */
	bool extended; /* whether there are extension headers of IPv6 */
	struct fragment fragment;
};

inline_always bool is_fragment(const struct fragment *fragment)
{
	return fragment->more || fragment->offset;
}

/*
 * A family that no endpoint of the node has was not read. The constant is asked for anew each time: the compiler would
 * else keep it on the stack, where the linker does not know it any more.
 */
inline_always bool is_ipv6(const struct packet *packet)
{
	__u32 ipv4;

	asm volatile("%0 = %1" : "=r"(ipv4) : "i"(SLUICE_CONFIG_IPV4));
	if (!ipv4)
		return true;
	return CONFIG(IPV6) && packet->family == SLUICE_FAMILY_IPV6;
}

inline_always bool is_icmp(const struct packet *packet)
{
	return packet->protocol == IPPROTO_ICMP || packet->protocol == IPPROTO_ICMPV6;
}

/* The higher half of a mapped IPv4 address is 0; this is what stands above the address in the lower. */
#define MAPPED (0xffffULL << 32)

inline_always void map_address(__u64 to[2], __be32 address)
{
	to[0] = 0;
	to[1] = MAPPED | bpf_ntohl(address);
}

inline_always bool is_mapped(const __u64 address[2])
{
	return !address[0] && address[1] >> 32 == 0xffff;
}

/*
 * The first bytes of a frame are reached directly. An Ethernet header with two tags, and the longest IPv4 header or
 * that of IPv6, lie within them with any transport header; only extension headers of IPv6 lead further, and what is
 * there is read by helpers.
 */
#define LINEAR 128

/*
 * The bounds of what is reached directly. The compiler must load them each time, at once and as pointers: it would
 * else keep numbers of 32 bits, which the verifier does not take for pointers.
 */
inline_always void *frame(const struct __sk_buff *skb)
{
	void *at;

	asm volatile("%0 = *(u32 *)(%1 + %2)"
		     : "=r"(at)
		     : "r"(skb), "i"(offsetof(struct __sk_buff, data)));
	return at;
}

inline_always void *frame_end(const struct __sk_buff *skb)
{
	void *at;

	asm volatile("%0 = *(u32 *)(%1 + %2)"
		     : "=r"(at)
		     : "r"(skb), "i"(offsetof(struct __sk_buff, data_end)));
	return at;
}

/*
 * Has the first bytes of the frame in one place: a device or a socket may have put them into pages of their own. All
 * pointers into the frame that were got before are void then.
 */
inline_always void make_linear(struct __sk_buff *skb)
{
	__u32 linear = frame_end(skb) - frame(skb);

	if (linear < LINEAR && linear < skb->len)
		/* If it fails, the packet looks short, and is dropped. */
		bpf_skb_pull_data(skb, skb->len < LINEAR ? skb->len : LINEAR);
}

/* A header among the first bytes of the frame, or NULL if the frame ends before it does. */
inline_always void *header(const struct __sk_buff *skb, __u32 offset, __u32 size)
{
	void *at = frame(skb) + offset;

	return at + size <= frame_end(skb) ? at : NULL;
}

/* Where the ways through network headers meet. */
inline_always void forget_network(const struct __sk_buff *skb, struct packet *packet)
{
	forget(skb, packet->transport);
	forget(skb, packet->end);
	forget(skb, packet->family);
	forget(skb, packet->protocol);
	forget(skb, packet->hop_limit);
	forget(skb, packet->extended);
	forget(skb, packet->fragment.identification);
	forget(skb, packet->fragment.offset);
	forget(skb, packet->fragment.begins);
	forget(skb, packet->fragment.next);
	forget(skb, packet->fragment.more);
}

/* Where the ways through transport headers meet. */
inline_always void forget_transport(const struct __sk_buff *skb, struct packet *packet)
{
	forget(skb, packet->payload);
	forget(skb, packet->protocol);
	forget(skb, packet->source_port);
	forget(skb, packet->destination_port);
	forget(skb, packet->tcp_flags);
	forget(skb, packet->code);
	forget(skb, packet->fragment.offset);
	forget(skb, packet->fragment.more);
}
