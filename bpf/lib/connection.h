/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Connections: what began under policy may be answered. */
#pragma once

#include "slot.h"
#include "transport.h"

#define SECOND 1000000000ULL

#define CLOSED (SLUICE_CT_CLOSED_OUT | SLUICE_CT_CLOSED_IN)
#define RESET (SLUICE_CT_RESET_OUT | SLUICE_CT_RESET_IN)

inline_always __u8 opposite(__u8 direction)
{
	return direction ^ 1;
}

/* The key of a packet's connection, if the packet began it, as whoever sends or gets it sees that. */
inline_always void connection_key(const struct __sk_buff *skb, const struct packet *packet, __u8 direction,
				  struct sluice_ct_key *key)
{
	bool out = direction == SLUICE_DIRECTION_EGRESS;

	*key = (struct sluice_ct_key){
		.local = { out ? packet->source[0] : packet->destination[0],
			   out ? packet->source[1] : packet->destination[1] },
		.remote = { out ? packet->destination[0] : packet->source[0],
			    out ? packet->destination[1] : packet->source[1] },
		.local_port = out ? packet->source_port : packet->destination_port,
		.remote_port = out ? packet->destination_port : packet->source_port,
		.protocol = packet->protocol,
		.direction = direction,
	};
	if (is_icmp(packet)) {
		key->local_port = packet->source_port;
		key->remote_port = 0;
	}
	forget(skb, key->local_port);
	forget(skb, key->remote_port);
}

/*
 * What is remembered of a connection of an endpoint, which may be over. What somebody else has left behind, who had the
 * same address, is not its.
 */
inline_always struct sluice_ct_entry *find_connection(const struct sluice_endpoint *endpoint,
						      const struct sluice_ct_key *key)
{
	struct sluice_ct_entry *entry = bpf_map_lookup_elem(&sluice_conntrack, key);

	return entry && entry->ifindex == owner(endpoint) ? entry : NULL;
}

inline_always __u32 now_in_seconds(void)
{
	return bpf_ktime_get_coarse_ns() / SECOND;
}

/* A packet that asks to begin a TCP connection. */
inline_always bool is_opening(const struct packet *packet)
{
	return packet->protocol == IPPROTO_TCP && (packet->tcp_flags & (TCP_SYN | TCP_RST | TCP_ACK)) == TCP_SYN;
}

inline_always bool is_alive(const struct sluice_ct_entry *entry, __u32 now)
{
	return entry->expires >= now;
}

/*
 * What the flags of an entry become when a packet has passed. Anybody can send a reset that its receiver ignores, as it
 * is outside the window, which nobody knows here. So a reset counts until its receiver goes on. One that was taken is
 * repeated for whatever was still on its way.
 */
inline_always __u32 next_flags(const struct packet *packet, __u32 flags, bool reply)
{
	bool out = packet->direction == SLUICE_DIRECTION_EGRESS;

	if (reply)
		flags |= SLUICE_CT_SEEN_REPLY;
	if (packet->protocol != IPPROTO_TCP)
		return flags;
	if (packet->tcp_flags & TCP_RST)
		return flags | (out ? SLUICE_CT_RESET_OUT : SLUICE_CT_RESET_IN);
	if (packet->tcp_flags & TCP_ACK)
		flags &= ~(out ? SLUICE_CT_RESET_IN : SLUICE_CT_RESET_OUT);
	if (!reply && flags & SLUICE_CT_SEEN_REPLY && packet->tcp_flags & TCP_ACK)
		flags |= SLUICE_CT_SETTLED;
	if (packet->tcp_flags & TCP_FIN)
		flags |= out ? SLUICE_CT_CLOSED_OUT : SLUICE_CT_CLOSED_IN;
	return flags;
}

inline_always __u32 lifetime(const struct packet *packet, __u32 flags)
{
	if (packet->protocol != IPPROTO_TCP)
		return CONFIG(LIFETIME_OTHER);
	if ((flags & CLOSED) == CLOSED || flags & RESET)
		return CONFIG(LIFETIME_CLOSED);
	return flags & SLUICE_CT_SETTLED ? CONFIG(LIFETIME_TCP) : CONFIG(LIFETIME_SYN);
}

/* Words that seldom change are written only then: both ways of a connection may be on different processors. */
inline_always void refresh(const struct packet *packet, struct sluice_ct_entry *entry, __u32 now, bool reply)
{
	__u32 before = entry->flags;
	__u32 flags = next_flags(packet, before, reply);
	__u32 expires = now + lifetime(packet, flags);

	if (flags & ~before)
		__sync_fetch_and_or(&entry->flags, flags);
	if (before & ~flags)
		__sync_fetch_and_and(&entry->flags, flags | ~before);
	if (expires != entry->expires)
		entry->expires = expires;
	__sync_fetch_and_add(&entry->packets, 1);
	__sync_fetch_and_add(&entry->bytes, packet->end - packet->network);
}

/*
 * Whether a packet can be a reply by itself. Only an echo reply is one of ICMP: else whoever is pinged could ping
 * back.
 */
inline_always bool may_reply(const struct packet *packet)
{
	return !is_icmp(packet) || is_echo_reply(packet->protocol, packet->destination_port);
}

/*
 * Both sides may open a connection at once. But once it is settled or closed, or if it was learned when it had begun
 * long ago, who asks for one from the port that replied begins another.
 */
inline_always bool answers(const struct packet *packet, const struct sluice_ct_entry *entry, __u32 now)
{
	__u32 stages = SLUICE_CT_OPENED | SLUICE_CT_SETTLED | CLOSED | RESET;

	if (is_opening(packet) && (entry->flags & stages) != SLUICE_CT_OPENED)
		return false;
	return is_alive(entry, now);
}

/* Whether a packet replies to a connection that was let pass; the connection lives on then. */
inline_always bool is_reply(struct __sk_buff *skb, const struct sluice_endpoint *endpoint,
			    const struct packet *packet, struct sluice_ct_key *key)
{
	__u8 began = opposite(packet->direction);
	struct sluice_ct_entry *entry;
	__u32 now;

	/* Who asks for a verdict asks for that of policy. */
	if (!tracks(endpoint, began) || !may_reply(packet) || asks(skb))
		return false;
	key->direction = began;
	entry = find_connection(endpoint, key);
	if (!entry)
		return false;
	now = now_in_seconds();
	if (!answers(packet, entry, now))
		return false;
	refresh(packet, entry, now, true);
	return true;
}

inline_always int begin(const struct sluice_endpoint *endpoint, const struct packet *packet,
			const struct sluice_ct_key *key, __u32 counter, __u32 now)
{
	__u32 flags = next_flags(packet, is_opening(packet) ? SLUICE_CT_OPENED : 0, false);
	struct sluice_ct_entry entry = {
		.packets = 1,
		.bytes = packet->end - packet->network,
		.since = bpf_ktime_get_coarse_ns(),
		.expires = now + lifetime(packet, flags),
		.flags = flags,
		.generation = endpoint->generation,
		.counter = counter,
		.ifindex = owner(endpoint),
	};

	if (bpf_map_update_elem(&sluice_conntrack, key, &entry, BPF_ANY))
		return SLUICE_DROP_CONNTRACK_FULL;
	return 0;
}

/* Whether a packet belongs to a connection of its own: an ICMP message that is no question does not. */
inline_always bool is_of_connection(const struct packet *packet)
{
	return !is_icmp(packet) || is_echo_request(packet->protocol, packet->destination_port);
}

/* Whether it may be the first of one. Who accepts a connection of TCP has not begun it, and who resets one ends it. */
inline_always bool may_begin(const struct packet *packet)
{
	if (packet->protocol == IPPROTO_TCP && packet->tcp_flags & (TCP_SYN | TCP_RST) && !is_opening(packet))
		return false;
	return is_of_connection(packet);
}

/*
 * Whether it goes on with a connection of TCP that the other side began, though that is over for the table. To learn it
 * anew from here would turn it round: all that the other side sends would be a reply, about which no policy is asked.
 */
inline_always bool is_late(const struct sluice_endpoint *endpoint, const struct packet *packet,
			   struct sluice_ct_key *key)
{
	if (packet->protocol != IPPROTO_TCP || is_opening(packet))
		return false;
	key->direction = opposite(packet->direction);
	if (find_connection(endpoint, key))
		return true;
	key->direction = packet->direction;
	return false;
}

/*
 * Remembers the connection of a packet that policy lets pass, and says whether the packet began it. 0, or a drop
 * reason.
 */
inline_always int track(const struct sluice_endpoint *endpoint, const struct packet *packet,
			struct sluice_ct_key *key, __u32 counter, bool *began)
{
	__u32 now = now_in_seconds();
	struct sluice_ct_entry *entry;

	key->direction = packet->direction;
	entry = find_connection(endpoint, key);
	if (entry && is_alive(entry, now) && !(is_opening(packet) && entry->flags & (CLOSED | RESET))) {
		refresh(packet, entry, now, false);
		return 0;
	}
	if (!may_begin(packet) || is_late(endpoint, packet, key))
		return 0;
	*began = true;
	return begin(endpoint, packet, key, counter, now);
}
