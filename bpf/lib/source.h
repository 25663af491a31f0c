/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who may send from which address, and how the packets look without which no address could be used. */
#pragma once

#include "slot.h"
#include "transport.h"

/* fe80::/10 */
#define LINK_LOCAL 0x3fa

#define ROUTER_SOLICITATION 133
#define NEIGHBOUR_ADVERTISEMENT 136
#define LISTENER_QUERY 130
#define LISTENER_DONE 132
#define LISTENER_REPORT2 143

/*
 * Neighbour discovery (RFC 4861), which a router does not let through: whoever sends it is on the link. It is never
 * cut into fragments (RFC 6980).
 */
inline_always bool is_neighbour_discovery(const struct packet *packet)
{
	return packet->hop_limit == 255 && packet->destination_port >= ROUTER_SOLICITATION &&
	       packet->destination_port <= NEIGHBOUR_ADVERTISEMENT;
}

inline_always bool is_zero(const __u64 address[2])
{
	return !address[0] && !address[1];
}

/* One that is good on the link alone, as is that of who has none yet. */
inline_always bool is_address_of_link(const __u64 address[2])
{
	return address[0] >> 54 == LINK_LOCAL || is_zero(address);
}

/*
 * Multicast listener discovery (RFC 2710, 3810), likewise of the link alone. Its hop limit proves nothing to who gets
 * it, as routers may have counted down to it; but they pass on nothing from an address of the link.
 */
inline_always bool is_listener_discovery(const struct packet *packet)
{
	__u16 type = packet->destination_port;

	return packet->hop_limit == 1 && is_address_of_link(packet->source) &&
	       ((type >= LISTENER_QUERY && type <= LISTENER_DONE) || type == LISTENER_REPORT2);
}

inline_always bool is_of_link(const struct packet *packet)
{
	if (!is_ipv6(packet) || packet->protocol != IPPROTO_ICMPV6 || is_fragment(&packet->fragment))
		return false;
	return is_neighbour_discovery(packet) || is_listener_discovery(packet);
}

inline_always bool source4_is_own(const struct sluice_endpoint *endpoint, const struct packet *packet)
{
	__u32 source = packet->source[1];

	return source && source == endpoint->address4;
}

/* An address that nobody has is the source of what asks for one, and of that alone. */
inline_always bool source6_is_own(const struct sluice_endpoint *endpoint, const struct packet *packet)
{
	if (is_zero(packet->source))
		return is_of_link(packet);
	if (packet->source[0] >> 54 == LINK_LOCAL)
		return true;
	return packet->source[0] == endpoint->address6[0] && packet->source[1] == endpoint->address6[1];
}

/* 0, or a drop reason. */
inline_always int check_source(const struct sluice_endpoint *endpoint, const struct packet *packet)
{
	if (packet->direction != SLUICE_DIRECTION_EGRESS)
		return 0;
	if (is_ipv6(packet)) {
		if (endpoint->flags & SLUICE_ENDPOINT_CHECK_SOURCE6 && !source6_is_own(endpoint, packet))
			return SLUICE_DROP_INVALID_SOURCE;
	} else {
		if (endpoint->flags & SLUICE_ENDPOINT_CHECK_SOURCE4 && !source4_is_own(endpoint, packet))
			return SLUICE_DROP_INVALID_SOURCE;
	}
	return 0;
}
