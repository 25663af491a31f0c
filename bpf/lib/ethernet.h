/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The Ethernet header and the VLAN tags that are in the frame. */
#pragma once

#include "packet.h"

#include <linux/if_ether.h>

#define VLAN_TAGS 2

/* Wherever the network header begins, it is not beyond this. */
#define NETWORK_MASK 31

/* As the kernel's, but aligned as every frame is: then the compiler reads its words whole. */
struct ethernet {
	__be16 destination[3];
	__be16 source[3];
	__be16 protocol;
};

struct vlan_tag {
	__be16 control;
	__be16 protocol;
};

inline_always bool is_vlan(__be16 protocol)
{
	return protocol == bpf_htons(ETH_P_8021Q) || protocol == bpf_htons(ETH_P_8021AD);
}

/*
 * The protocol of the network header, whose place it notes; 0 if the frame ends too early. A tag that the device
 * took off is not in the frame.
 */
inline_always __be16 network_protocol(struct __sk_buff *skb, struct packet *packet)
{
	const struct ethernet *ethernet = header(skb, 0, sizeof(*ethernet));
	const struct vlan_tag *tag;
	__be16 protocol;

	if (!ethernet)
		return 0;
	protocol = ethernet->protocol;
	packet->network = sizeof(*ethernet);
#pragma unroll
	for (int i = 0; i < VLAN_TAGS && is_vlan(protocol); i++) {
		tag = header(skb, packet->network, sizeof(*tag));
		if (!tag)
			return 0;
		protocol = tag->protocol;
		packet->network += sizeof(*tag);
	}
	forget(skb, packet->network);
	packet->network &= NETWORK_MASK;
	return protocol;
}
