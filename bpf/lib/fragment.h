/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Fragments: the first has the ports, and the later ones are judged by what it said, if it passed. */
#pragma once

#include "transport.h"

#define PACKET_MAX 65535

inline_always void fragment_key(const struct __sk_buff *skb, const struct packet *packet,
				struct sluice_fragment_key *key)
{
	*key = (struct sluice_fragment_key){
		.source = { packet->source[0], packet->source[1] },
		.destination = { packet->destination[0], packet->destination[1] },
		.identification = packet->fragment.identification,
		.ifindex = skb->ifindex,
		.protocol = packet->fragment.next,
		.direction = packet->direction,
	};
}

/* Lengths that no sender makes, and from which none should be put together again. */
inline_always int check_fragment(const struct packet *packet)
{
	__u32 length = packet->end - packet->fragment.begins;

	if (packet->fragment.more && (!length || length % 8))
		return SLUICE_DROP_INVALID_PACKET;
	if (packet->fragment.offset + length > PACKET_MAX)
		return SLUICE_DROP_INVALID_PACKET;
	return 0;
}

/* Takes the ports from the first fragment. One that begins in its headers would write over what was judged. */
inline_always int later_fragment(struct __sk_buff *skb, struct packet *packet)
{
	const struct sluice_fragment_ports *ports;
	struct sluice_fragment_key key;

	fragment_key(skb, packet, &key);
	ports = bpf_map_lookup_elem(&sluice_fragments, &key);
	if (!ports)
		return SLUICE_DROP_FRAGMENT_MISSING;
	if (packet->fragment.offset < ports->headers)
		return SLUICE_DROP_TRUNCATED;
	packet->source_port = ports->source;
	packet->destination_port = ports->destination;
	packet->code = ports->code;
	packet->protocol = ports->protocol;
	return 0;
}

/*
 * For a first fragment that passes. Of what is dropped nothing is remembered: whoever may not send could else have those
 * of everybody forgotten.
 */
inline_always void remember_fragment(struct __sk_buff *skb, const struct packet *packet)
{
	struct sluice_fragment_ports ports = {
		.source = packet->source_port,
		.destination = packet->destination_port,
		.code = packet->code,
		.protocol = packet->protocol,
		.headers = packet->payload - packet->fragment.begins,
	};
	struct sluice_fragment_key key;

	if (!packet->fragment.more || packet->fragment.offset)
		return;
	fragment_key(skb, packet, &key);
	/* If it fails, the later ones are dropped. */
	bpf_map_update_elem(&sluice_fragments, &key, &ports, BPF_ANY);
}

/* Reads the ports of any packet, whole or not. 0, or a drop reason. */
inline_always int ports(struct __sk_buff *skb, struct packet *packet)
{
	int reason;

	if (!is_fragment(&packet->fragment))
		return transport(skb, packet);
	reason = check_fragment(packet);
	if (reason)
		return reason;
	if (packet->fragment.offset)
		return later_fragment(skb, packet);
	return transport(skb, packet);
}
