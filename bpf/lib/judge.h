/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The steps of a packet through an endpoint's interface. */
#pragma once

#include "ethernet.h"
#include "fragment.h"
#include "neighbour.h"
#include "policy.h"
#include "related.h"
#include "sender.h"
#include "source.h"

/* A family that no endpoint of the node has is not looked at. The host's interface passes it on to others. */
inline_always int absent_family(const struct sluice_endpoint *endpoint)
{
	return is_host(endpoint) ? NOT_OURS : SLUICE_DROP_UNSUPPORTED_L3;
}

/* Reads everything but the transport header. */
inline_always int network(struct __sk_buff *skb, const struct sluice_endpoint *endpoint, struct packet *packet,
			  __be16 protocol)
{
	int reason;

	if (protocol == bpf_htons(ETH_P_IP)) {
		if (!CONFIG(IPV4))
			return absent_family(endpoint);
		reason = ipv4(skb, packet);
	} else {
		if (!CONFIG(IPV6))
			return absent_family(endpoint);
		reason = ipv6(skb, packet);
	}
	if (!reason && is_host(endpoint) && !concerns_host(endpoint, packet))
		return NOT_OURS;
	if (reason || !is_ipv6(packet))
		return reason;
	return is_extension(packet->protocol) ? ipv6_extensions(skb, packet) : check_extension(packet->protocol);
}

/* Reads all headers. 0, NOT_OURS, or a drop reason. */
inline_always int headers(struct __sk_buff *skb, const struct sluice_endpoint *endpoint, struct packet *packet,
			  __be16 protocol)
{
	int reason = network(skb, endpoint, packet, protocol);

	if (reason)
		return reason;
	forget_network(skb, packet);
	reason = ports(skb, packet);
	forget_transport(skb, packet);
	return reason;
}

/* What is known of an Internet packet decides. */
inline_always int judge_internet(struct __sk_buff *skb, const struct sluice_endpoint *endpoint,
				 struct packet *packet, struct judgement *judgement)
{
	struct sluice_ct_key key;
	int reason = check_source(endpoint, packet);

	if (reason)
		return reason;
	if (is_on_link(skb, endpoint, packet) || is_frag_needed(packet))
		return PASSES;
	connection_key(skb, packet, packet->direction, &key);
	/*
	 * What belongs to a connection passes here by any generation alike, so it does by the one that has let it pass where
	 * it came in: by that one as a whole. So its sender is not asked, whatever its mark says.
	 */
	if (is_reply(skb, endpoint, packet, &key) || is_related(skb, endpoint, packet))
		return PASSES;
	/* That it is an error, and which, was of interest up to here. */
	forget(skb, packet->destination_port);
	reason = policy_of_sender(skb, endpoint, packet, judgement);
	forget(skb, reason);
	return reason ? reason : policy(skb, endpoint, packet, &key, judgement);
}

/* PASSES, NOT_OURS, or a drop reason. */
inline_always int judge(struct __sk_buff *skb, const struct sluice_endpoint *endpoint, struct packet *packet,
			struct judgement *judgement)
{
	__be16 protocol;
	int reason;

	make_linear(skb);
	protocol = network_protocol(skb, packet);
	switch (protocol) {
	case bpf_htons(ETH_P_IP):
	case bpf_htons(ETH_P_IPV6):
		reason = headers(skb, endpoint, packet, protocol);
		return reason ? reason : judge_internet(skb, endpoint, packet, judgement);
	case bpf_htons(ETH_P_ARP):
		return PASSES;
	case 0:
		return SLUICE_DROP_INVALID_PACKET;
	}
	/* The host has no address in it by which it could be the host's. */
	if (is_host(endpoint))
		return NOT_OURS;
	return enforces(endpoint, packet->direction) ? SLUICE_DROP_UNSUPPORTED_L3 : PASSES;
}

/* What a packet that asks for its verdict gets to know. */
inline_always void answer(struct __sk_buff *skb, const struct judgement *judgement, int reason)
{
	skb->cb[0] = judgement->verdict;
	skb->cb[1] = judgement->class;
	skb->cb[2] = reason;
	skb->cb[3] = judgement->endpoint;
}

/* The next hook of the packet on this node decides by the same generation. */
inline_always void mark_generation(struct __sk_buff *skb, __u32 generation)
{
	__u32 mark = sluice_word.marks[generation & 1];

	skb->mark = (skb->mark & ~SLUICE_MARK_GENERATION_MASK) | (mark & SLUICE_MARK_GENERATION_MASK);
}

/* Counts and tells what was decided, and notes what later hooks and fragments ask. */
inline_always void conclude(struct __sk_buff *skb, const struct packet *packet, const struct judgement *judgement,
			    int reason, __u8 hook)
{
	/* What passes does so for the endpoint, whoever told of it. */
	count_reason(reason, reason ? judgement->direction : packet->direction, size_of_packet(skb, packet));
	if (reason || judgement->kind)
		tell(skb, packet, judgement, reason);
	if (reason)
		return;
	remember_fragment(skb, packet);
	if (hook == SLUICE_DIRECTION_EGRESS)
		mark_generation(skb, judgement->generation);
}

/*
 * A program: what it does with a packet that crosses the interface of an endpoint. The hook says which way, and so
 * does the direction of policy; only for the host's interface it is the other one, as the host is on this side.
 */
inline_always int run(struct __sk_buff *skb, __u8 hook)
{
	const struct sluice_endpoint *endpoint = find_endpoint(skb->ifindex);
	struct packet packet = { .direction = hook, .hook = hook };
	struct judgement judgement = { .class = SLUICE_NO_CLASS, .verdict = SLUICE_NO_VERDICT };
	int reason;

	/* The loader attaches to interfaces of endpoints alone: this one has just come or just gone. */
	if (!endpoint)
		return PASS;
	if (is_host(endpoint))
		packet.direction = hook ^ 1;
	forget(skb, packet.direction);
	packet.direction &= 1;
	judgement.endpoint = endpoint->id;
	judgement.generation = endpoint->generation;
	judgement.direction = packet.direction;
	reason = judge(skb, endpoint, &packet, &judgement);
	forget(skb, reason);
	if (asks(skb))
		answer(skb, &judgement, reason == NOT_OURS ? 0 : reason);
	else if (reason != NOT_OURS)
		conclude(skb, &packet, &judgement, reason, hook);
	return reason > 0 ? DROP : PASS;
}
