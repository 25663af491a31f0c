/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Connections: what began under policy may be answered. */
#pragma once

#include "slot.h"
#include "transport.h"

#define SECOND 1000000000ULL

#define CLOSED (SLUICE_CT_CLOSED_OUT | SLUICE_CT_CLOSED_IN)

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

inline_always __u32 now_in_seconds(void)
{
	return bpf_ktime_get_coarse_ns() / SECOND;
}

/* A packet that asks to begin a TCP connection. */
inline_always bool is_opening(const struct packet *packet)
{
	return packet->protocol == IPPROTO_TCP && (packet->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

inline_always bool is_alive(const struct sluice_ct_entry *entry, __u32 now)
{
	return entry->expires >= now;
}

/* What the flags of an entry become when a packet has passed. */
inline_always __u32 next_flags(const struct packet *packet, __u32 flags, bool reply)
{
	if (reply)
		flags |= SLUICE_CT_SEEN_REPLY;
	if (packet->protocol != IPPROTO_TCP)
		return flags;
	if (!reply && flags & SLUICE_CT_SEEN_REPLY && packet->tcp_flags & TCP_ACK)
		flags |= SLUICE_CT_SETTLED;
	if (packet->tcp_flags & TCP_FIN)
		flags |= packet->direction == SLUICE_DIRECTION_EGRESS ? SLUICE_CT_CLOSED_OUT : SLUICE_CT_CLOSED_IN;
	if (packet->tcp_flags & TCP_RST)
		flags |= CLOSED;
	return flags;
}

inline_always __u32 lifetime(const struct packet *packet, __u32 flags)
{
	if (packet->protocol != IPPROTO_TCP)
		return CONFIG(LIFETIME_OTHER);
	if ((flags & CLOSED) == CLOSED)
		return CONFIG(LIFETIME_CLOSED);
	return flags & SLUICE_CT_SETTLED ? CONFIG(LIFETIME_TCP) : CONFIG(LIFETIME_SYN);
}

/* Words that seldom change are written only then: both ways of a connection may be on different processors. */
inline_always void refresh(const struct packet *packet, struct sluice_ct_entry *entry, __u32 now, bool reply)
{
	__u32 flags = next_flags(packet, entry->flags, reply);
	__u32 expires = now + lifetime(packet, flags);

	if (flags != entry->flags)
		__sync_fetch_and_or(&entry->flags, flags);
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
 * Both sides may open a connection at once. But once it is settled or closed, who asks for one from the port that
 * replied begins another.
 */
inline_always bool answers(const struct packet *packet, const struct sluice_ct_entry *entry, __u32 now)
{
	if (is_opening(packet) && entry->flags & (SLUICE_CT_SETTLED | CLOSED))
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
	entry = bpf_map_lookup_elem(&sluice_conntrack, key);
	if (!entry)
		return false;
	now = now_in_seconds();
	if (!answers(packet, entry, now))
		return false;
	refresh(packet, entry, now, true);
	return true;
}

inline_always int begin(const struct packet *packet, const struct sluice_ct_key *key, __u32 generation, __u32 counter,
			__u32 now)
{
	__u32 flags = next_flags(packet, 0, false);
	struct sluice_ct_entry entry = {
		.packets = 1,
		.bytes = packet->end - packet->network,
		.since = bpf_ktime_get_coarse_ns(),
		.expires = now + lifetime(packet, flags),
		.flags = flags,
		.generation = generation,
		.counter = counter,
	};

	if (bpf_map_update_elem(&sluice_conntrack, key, &entry, BPF_ANY))
		return SLUICE_DROP_CONNTRACK_FULL;
	return 0;
}

/*
 * Remembers the connection of a packet that policy lets pass, and says whether the packet began it. 0, or a drop
 * reason.
 */
inline_always int track(const struct packet *packet, struct sluice_ct_key *key, __u32 generation, __u32 counter,
			bool *began)
{
	__u32 now = now_in_seconds();
	struct sluice_ct_entry *entry;

	key->direction = packet->direction;
	entry = bpf_map_lookup_elem(&sluice_conntrack, key);
	if (entry && is_alive(entry, now) && !(is_opening(packet) && entry->flags & CLOSED)) {
		refresh(packet, entry, now, false);
		return 0;
	}
	*began = true;
	return begin(packet, key, generation, counter, now);
}
