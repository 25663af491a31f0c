/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What goes to the node's DNS proxy instead of to whom it is sent. Its addresses and ports stay: the socket is given to
 * the packet here, and the mark leads it to this machine (`runtime-loader/src/delivery`).
 */
#pragma once

#include "transport.h"

#define LOOPBACK4 0x7f000001ULL

/* Fills the ends of a connection from whoever sends the packet to an address. The size of what was filled. */
inline_always __u32 fill_tuple(const struct packet *packet, __u64 higher, __u64 lower, __u16 port,
			       struct bpf_sock_tuple *tuple)
{
	if (is_ipv6(packet)) {
		*(__be64 *)&tuple->ipv6.saddr[0] = bpf_cpu_to_be64(packet->source[0]);
		*(__be64 *)&tuple->ipv6.saddr[2] = bpf_cpu_to_be64(packet->source[1]);
		*(__be64 *)&tuple->ipv6.daddr[0] = bpf_cpu_to_be64(higher);
		*(__be64 *)&tuple->ipv6.daddr[2] = bpf_cpu_to_be64(lower);
		tuple->ipv6.sport = bpf_htons(packet->source_port);
		tuple->ipv6.dport = bpf_htons(port);
		return sizeof(tuple->ipv6);
	}
	tuple->ipv4.saddr = bpf_htonl(packet->source[1]);
	tuple->ipv4.daddr = bpf_htonl(lower);
	tuple->ipv4.sport = bpf_htons(packet->source_port);
	tuple->ipv4.dport = bpf_htons(port);
	return sizeof(tuple->ipv4);
}

/*
 * Whether what takes a connection can be the proxy's: what it accepts has its mark. Somebody else on this machine may
 * have accepted the connection before names counted. What is no whole socket yet, or no longer, has no mark to be read.
 */
inline_always bool may_be_of_proxy(struct bpf_sock *socket)
{
	const struct bpf_sock *whole = bpf_sk_fullsock(socket);

	return !whole || whole->mark == SLUICE_MARK_OF_PROXY;
}

/*
 * The socket of a connection that the proxy has, or is about to have. Somebody else may listen at the port of the
 * server on this machine; and who asks anew where a connection has just ended asks the listener.
 */
inline_always struct bpf_sock *connected(struct __sk_buff *skb, const struct packet *packet)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *socket;
	__u32 size;

	size = fill_tuple(packet, packet->destination[0], packet->destination[1], packet->destination_port, &tuple);
	socket = bpf_skc_lookup_tcp(skb, &tuple, size, BPF_F_CURRENT_NETNS, 0);
	if (!socket)
		return NULL;
	if (socket->state != BPF_TCP_LISTEN && !(socket->state == BPF_TCP_TIME_WAIT && is_opening(packet)) &&
	    may_be_of_proxy(socket))
		return socket;
	bpf_sk_release(socket);
	return NULL;
}

/*
 * The socket at which the proxy listens, on the address of the loopback: nobody reaches that from elsewhere. By its
 * mark, which takes a privilege to set, it is known from one that somebody has opened there since the proxy ended.
 */
inline_always struct bpf_sock *listening(struct __sk_buff *skb, const struct packet *packet, __u16 port)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *socket;
	__u32 size;

	size = fill_tuple(packet, 0, is_ipv6(packet) ? 1 : LOOPBACK4, port, &tuple);
	if (packet->protocol == IPPROTO_TCP)
		socket = bpf_sk_lookup_tcp(skb, &tuple, size, BPF_F_CURRENT_NETNS, 0);
	else
		socket = bpf_sk_lookup_udp(skb, &tuple, size, BPF_F_CURRENT_NETNS, 0);
	if (!socket)
		return NULL;
	if (socket->mark == SLUICE_MARK_OF_PROXY)
		return socket;
	bpf_sk_release(socket);
	return NULL;
}

inline_always int give(struct __sk_buff *skb, struct bpf_sock *socket)
{
	long refused = bpf_sk_assign(skb, socket, 0);

	bpf_sk_release(socket);
	if (refused)
		return SLUICE_DROP_PROXY_REFUSED;
	skb->mark = (skb->mark & ~SLUICE_MARK_DELIVERY_MASK) | SLUICE_MARK_TO_PROXY;
	return 0;
}

/*
 * Gives a packet to the proxy. 0, or a drop reason: who has rules about DNS never gets past them. Fragments have no
 * place there, as this machine puts them together behind the hook, and then looks for whom they are anew.
 */
inline_always int to_proxy(struct __sk_buff *skb, const struct packet *packet)
{
	struct bpf_sock *socket = NULL;
	__u32 port = sluice_proxy.dns_port;

	if (is_fragment(&packet->fragment))
		return SLUICE_DROP_FRAGMENTED;
	if (!port)
		return SLUICE_DROP_PROXY_ABSENT;
	if (packet->protocol == IPPROTO_TCP)
		socket = connected(skb, packet);
	if (!socket)
		socket = listening(skb, packet, port);
	return socket ? give(skb, socket) : SLUICE_DROP_PROXY_ABSENT;
}
