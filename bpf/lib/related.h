/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ICMP errors about a connection that was let pass: they belong to it, whichever router sends them. */
#pragma once

#include "connection.h"
#include "ipv4.h"
#include "ipv6.h"

/* Every transport header begins within it, and an error repeats as much (RFC 792). */
#define REPEATED 8

/* The types that are errors, as bits. */
#define ICMP_ERRORS (1U << ICMP_UNREACHABLE | 1U << ICMP_TIME_EXCEEDED | 1U << ICMP_PARAMETER)
#define ICMP6_ERRORS (1U << ICMP6_UNREACHABLE | 1U << ICMP6_TOO_BIG | 1U << ICMP6_TIME_EXCEEDED | 1U << ICMP6_PARAMETER)

/* The packet that an error repeats. All is read by helpers: errors are rare. */
struct repeated {
	struct chain chain;
	__u64 source[2];
	__u64 destination[2];
};

inline_always bool is_error(const struct packet *packet)
{
	__u32 types = packet->protocol == IPPROTO_ICMP	 ? ICMP_ERRORS
		      : packet->protocol == IPPROTO_ICMPV6 ? ICMP6_ERRORS
							   : 0;

	return packet->destination_port < 32 && types >> packet->destination_port & 1;
}

inline_always bool repeated4(struct __sk_buff *skb, struct repeated *repeated)
{
	struct iphdr ip;

	if (bpf_skb_load_bytes(skb, repeated->chain.at, &ip, sizeof(ip)))
		return false;
	if (ip.version != 4 || ip.ihl < IPV4_WORDS_MIN || bpf_ntohs(ip.frag_off) & IPV4_OFFSET)
		return false;
	map_address(repeated->source, ip.saddr);
	map_address(repeated->destination, ip.daddr);
	repeated->chain.at += ip.ihl * 4;
	repeated->chain.next = ip.protocol;
	return true;
}

inline_always bool repeated6(struct __sk_buff *skb, struct repeated *repeated)
{
	struct ipv6hdr ip;

	if (bpf_skb_load_bytes(skb, repeated->chain.at, &ip, sizeof(ip)) || ip.version != 6)
		return false;
	load_address(repeated->source, &ip.saddr);
	load_address(repeated->destination, &ip.daddr);
	repeated->chain.at += sizeof(ip);
	repeated->chain.next = ip.nexthdr;
	return !skip_extensions(skb, &repeated->chain) && !repeated->chain.fragment.offset;
}

/* The ports of the repeated packet, or what stands for them. False if it was of no connection. */
inline_always bool repeated_ports(struct __sk_buff *skb, const struct chain *chain, struct ports *ports)
{
	union {
		struct ports ports;
		struct icmp icmp;
		__u8 bytes[REPEATED];
	} first;

	if (chain->at + REPEATED > chain->end || bpf_skb_load_bytes(skb, chain->at, &first, REPEATED))
		return false;
	switch (chain->next) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		*ports = first.ports;
		return true;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		ports->source = ports->destination = first.icmp.identifier;
		return is_echo_request(chain->next, first.icmp.type) || is_echo_reply(chain->next, first.icmp.type);
	default:
		ports->source = ports->destination = 0;
		return true;
	}
}

/* The key of the repeated packet, which went the other way than the error goes. */
inline_always bool repeated_key(struct __sk_buff *skb, const struct packet *packet, struct sluice_ct_key *key)
{
	struct repeated repeated = { .chain = { .at = packet->payload, .end = packet->end } };
	bool sent = packet->direction == SLUICE_DIRECTION_INGRESS;
	struct ports ports;
	bool whole;

	whole = is_ipv6(packet) ? repeated6(skb, &repeated) : repeated4(skb, &repeated);
	forget(skb, repeated.chain.at);
	forget(skb, repeated.chain.next);
	if (!whole || !repeated_ports(skb, &repeated.chain, &ports))
		return false;
	*key = (struct sluice_ct_key){
		.local = { sent ? repeated.source[0] : repeated.destination[0],
			   sent ? repeated.source[1] : repeated.destination[1] },
		.remote = { sent ? repeated.destination[0] : repeated.source[0],
			    sent ? repeated.destination[1] : repeated.source[1] },
		.local_port = bpf_ntohs(sent ? ports.source : ports.destination),
		.remote_port = bpf_ntohs(sent ? ports.destination : ports.source),
		.protocol = repeated.chain.next,
	};
	if (key->protocol == IPPROTO_ICMP || key->protocol == IPPROTO_ICMPV6)
		key->remote_port = 0;
	forget(skb, key->remote_port);
	forget(skb, key->protocol);
	return true;
}

inline_always bool is_tracked(const struct sluice_endpoint *endpoint, struct sluice_ct_key *key, __u8 began)
{
	const struct sluice_ct_entry *entry;

	key->direction = began;
	entry = find_connection(endpoint, key);
	return entry && is_alive(entry, now_in_seconds());
}

inline_always bool is_same(const __u64 one[2], const __u64 other[2])
{
	return one[0] == other[0] && one[1] == other[1];
}

/*
 * Errors about somebody else's packets are not for this endpoint, nor from it. Any router may send it one; it sends its
 * own to whom it is connected, and to nobody else.
 */
inline_always bool is_about_own(const struct packet *packet, const struct sluice_ct_key *key)
{
	if (packet->direction == SLUICE_DIRECTION_INGRESS)
		return is_same(key->local, packet->destination);
	return is_same(key->local, packet->source) && is_same(key->remote, packet->destination);
}

inline_always bool is_related(struct __sk_buff *skb, const struct sluice_endpoint *endpoint,
			      const struct packet *packet)
{
	struct sluice_ct_key key;

	if (!is_error(packet) || is_fragment(&packet->fragment) || asks(skb))
		return false;
	if (!repeated_key(skb, packet, &key) || !is_about_own(packet, &key))
		return false;
	return (tracks(endpoint, SLUICE_DIRECTION_EGRESS) && is_tracked(endpoint, &key, SLUICE_DIRECTION_EGRESS)) ||
	       (tracks(endpoint, SLUICE_DIRECTION_INGRESS) && is_tracked(endpoint, &key, SLUICE_DIRECTION_INGRESS));
}

/* A router's word that packets are too large: without it connections hang (semantics.md 4.7). */
inline_always bool is_frag_needed(const struct packet *packet)
{
	return CONFIG(ALLOW_FRAG_NEEDED) && packet->protocol == IPPROTO_ICMP &&
	       packet->destination_port == ICMP_UNREACHABLE && packet->code == ICMP_FRAG_NEEDED;
}
