/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Transport headers: ports, and the type of ICMP, which policy takes for a port. */
#pragma once

#include "packet.h"

#define TCP_WORDS_MIN 5

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

/* Types of ICMP, and of ICMPv6. */
enum {
	ICMP_ECHO_REPLY = 0,
	ICMP_UNREACHABLE = 3,
	ICMP_ECHO_REQUEST = 8,
	ICMP_TIME_EXCEEDED = 11,
	ICMP_PARAMETER = 12,
	ICMP6_UNREACHABLE = 1,
	ICMP6_TOO_BIG = 2,
	ICMP6_TIME_EXCEEDED = 3,
	ICMP6_PARAMETER = 4,
	ICMP6_ECHO_REQUEST = 128,
	ICMP6_ECHO_REPLY = 129,
};

/* The code of ICMP_UNREACHABLE by which a router asks for smaller packets. */
#define ICMP_FRAG_NEEDED 4

/* Whatever the protocol, no more of the transport header is read than this. */
#define TRANSPORT_SIZE_MASK 31

struct ports {
	__be16 source;
	__be16 destination;
};

struct tcp {
	struct ports ports;
	__be32 sequence;
	__be32 acknowledged;
	__u8 words; /* in the upper half */
	__u8 flags;
	__be16 window;
	__be16 checksum;
	__be16 urgent;
};

struct udp {
	struct ports ports;
	__be16 length;
	__be16 checksum;
};

struct sctp {
	struct ports ports;
	__be32 tag;
	__be32 checksum;
};

struct icmp {
	__u8 type;
	__u8 code;
	__be16 checksum;
	__be16 identifier;
	__be16 sequence;
};

inline_always bool is_echo_request(__u8 protocol, __u16 type)
{
	return type == (protocol == IPPROTO_ICMP ? ICMP_ECHO_REQUEST : ICMP6_ECHO_REQUEST);
}

inline_always bool is_echo_reply(__u8 protocol, __u16 type)
{
	return type == (protocol == IPPROTO_ICMP ? ICMP_ECHO_REPLY : ICMP6_ECHO_REPLY);
}

union transport {
	struct ports ports;
	struct tcp tcp;
	struct udp udp;
	struct sctp sctp;
	struct icmp icmp;
	__u8 room[TRANSPORT_SIZE_MASK + 1];
};

/* How much of the transport header policy or the connection table reads; a packet that has less is malformed. */
inline_always __u32 transport_size(__u8 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return sizeof(struct tcp);
	case IPPROTO_UDP:
		return sizeof(struct udp);
	case IPPROTO_SCTP:
		return sizeof(struct sctp);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return sizeof(struct icmp);
	default:
		return 0;
	}
}

/* Wherever the transport header begins, if no extension headers are before it, it is not beyond this. */
#define TRANSPORT_MASK 127

/* Copies the transport header. False if it is not whole. */
inline_always bool load_transport(struct __sk_buff *skb, struct packet *packet, union transport *to)
{
	__u32 size = transport_size(packet->protocol);
	const struct tcp *from;

	forget(skb, size);
	size &= TRANSPORT_SIZE_MASK;
	packet->payload = packet->transport + size;
	if (packet->payload > packet->end)
		return false;
	from = packet->extended ? NULL : header(skb, packet->transport & TRANSPORT_MASK, sizeof(*from));
	if (from) {
		to->tcp = *from;
		return true;
	}
	return !size || !bpf_skb_load_bytes(skb, packet->transport, to, size);
}

inline_always void take_ports(struct packet *packet, const struct ports *ports)
{
	packet->source_port = bpf_ntohs(ports->source);
	packet->destination_port = bpf_ntohs(ports->destination);
}

/* Options must be whole too: a later fragment could say otherwise. */
inline_always int tcp(struct packet *packet, const struct tcp *tcp)
{
	__u32 words = tcp->words >> 4;

	take_ports(packet, &tcp->ports);
	packet->tcp_flags = tcp->flags;
	if (words < TCP_WORDS_MIN)
		return SLUICE_DROP_INVALID_PACKET;
	packet->payload = packet->transport + words * 4;
	if (packet->payload <= packet->end)
		return 0;
	return packet->fragment.more ? SLUICE_DROP_TRUNCATED : SLUICE_DROP_INVALID_PACKET;
}

/*
 * The length says how much there is of a whole packet. A fragment is only a part, and what a device will cut may be
 * longer than the field can say.
 */
inline_always int udp(const struct __sk_buff *skb, struct packet *packet, const struct udp *udp)
{
	__u32 length = bpf_ntohs(udp->length);

	take_ports(packet, &udp->ports);
	if (skb->gso_size)
		return 0;
	if (length < sizeof(*udp) || (!packet->fragment.more && packet->transport + length > packet->end))
		return SLUICE_DROP_INVALID_PACKET;
	return 0;
}

/* No stack takes the other family's, and policy would take it for its own. */
inline_always int icmp(struct packet *packet, const struct icmp *icmp)
{
	if ((packet->protocol == IPPROTO_ICMP) != !is_ipv6(packet))
		return SLUICE_DROP_INVALID_PACKET;
	packet->destination_port = icmp->type;
	packet->code = icmp->code;
	if (is_echo_request(packet->protocol, icmp->type) || is_echo_reply(packet->protocol, icmp->type))
		packet->source_port = bpf_ntohs(icmp->identifier);
	return 0;
}

/* Reads the transport header of a packet that is whole, or a first fragment. 0, or a drop reason. */
inline_always int transport(struct __sk_buff *skb, struct packet *packet)
{
	union transport read = {};

	if (!load_transport(skb, packet, &read))
		return SLUICE_DROP_TRUNCATED;
	switch (packet->protocol) {
	case IPPROTO_TCP:
		return tcp(packet, &read.tcp);
	case IPPROTO_UDP:
		return udp(skb, packet, &read.udp);
	case IPPROTO_SCTP:
		take_ports(packet, &read.ports);
		return 0;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return icmp(packet, &read.icmp);
	default:
		return 0;
	}
}
