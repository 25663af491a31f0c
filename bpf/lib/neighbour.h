/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The packets without which no address could be used pass by no policy, if they stay on the link. A hop limit of 255
 * proves that to who gets them. This machine is a router, too, and passes on what an endpoint sends with it: so that
 * is known by its addresses.
 */
#pragma once

#include "connection.h"
#include "source.h"

/* ff02::/16 */
#define MULTICAST_OF_LINK 0xff02

/* Stands in the place of a port, where a connection over ICMPv6 has 0. */
#define ON_LINK ROUTER_SOLICITATION

/* No router passes on what has such an address. */
inline_always bool stays_on_link(const struct packet *packet)
{
	return packet->destination[0] >> 54 == LINK_LOCAL || packet->destination[0] >> 48 == MULTICAST_OF_LINK;
}

/* What is remembered of who is on the link. That has the interface for its address, as who is asked for is not yet. */
inline_always void neighbour_key(const struct __sk_buff *skb, const struct packet *packet, struct sluice_ct_key *key)
{
	bool out = packet->direction == SLUICE_DIRECTION_EGRESS;

	*key = (struct sluice_ct_key){
		.local = { 0, skb->ifindex },
		.remote = { out ? packet->destination[0] : packet->source[0],
			    out ? packet->destination[1] : packet->source[1] },
		.remote_port = ON_LINK,
		.protocol = IPPROTO_ICMPV6,
		.direction = SLUICE_DIRECTION_INGRESS,
	};
}

/*
 * Whether a packet is one of the link and passes. An endpoint asks for a neighbour by multicast, or from an address of
 * the link. It answers whoever has asked it, and asks again whoever has answered: their packets came with the hop
 * limit of the link, so there they are. Of others policy decides.
 */
inline_always bool is_on_link(struct __sk_buff *skb, const struct sluice_endpoint *endpoint, const struct packet *packet)
{
	bool out = packet->direction == SLUICE_DIRECTION_EGRESS;
	const struct sluice_ct_entry *entry;
	struct sluice_ct_key key;

	if (!is_of_link(packet))
		return false;
	if (is_host(endpoint) || is_address_of_link(packet->source) || (out && stays_on_link(packet)))
		return true;
	if (asks(skb))
		return !out;
	neighbour_key(skb, packet, &key);
	if (!out) {
		/* If it fails, policy decides about the answer. */
		begin(endpoint, packet, &key, SLUICE_NO_COUNTER, now_in_seconds());
		return true;
	}
	entry = find_connection(endpoint, &key);
	return entry && is_alive(entry, now_in_seconds());
}
