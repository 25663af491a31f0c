/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counters and events. */
#pragma once

#include "packet.h"

#define SECOND_IN_NANOSECONDS 1000000000ULL

/* What a program found out about a packet. */
struct judgement {
	__u32 endpoint;
	__u32 class;
	__u32 verdict;
	__u32 generation;
	__u8 direction; /* seen from the endpoint */
	__u8 kind; /* SLUICE_EVENT_*, or 0 if there is nothing to tell */
};

inline_always void count(__u32 index, __u32 bytes)
{
	struct sluice_counter *counter = bpf_map_lookup_elem(&sluice_counters, &index);

	if (!counter)
		return;
	counter->packets++;
	counter->bytes += bytes;
}

/* Counters of what passed and what was dropped: by reason, 0 for the former, and direction. */
inline_always void count_reason(int reason, __u8 direction, __u32 bytes)
{
	count(reason * 2 + direction, bytes);
}

/* Bytes from the network layer on, of any frame. */
inline_always __u32 size_of_packet(const struct __sk_buff *skb, const struct packet *packet)
{
	return skb->len - packet->network;
}

/* So many events a second and processor, and no more: a flood must not cost more by being told. */
inline_always bool may_tell(struct sluice_limit *limit, __u64 now)
{
	__u64 second = now / SECOND_IN_NANOSECONDS;

	if (limit->second != second) {
		limit->second = second;
		limit->told = 0;
	}
	if (limit->told >= CONFIG(EVENT_RATE))
		return false;
	limit->told++;
	return true;
}

inline_always void fill_event(struct sluice_event *event, const struct __sk_buff *skb, const struct packet *packet,
			      const struct judgement *judgement, int reason, __u64 now)
{
	*event = (struct sluice_event){
		.time = now,
		.source = { packet->source[0], packet->source[1] },
		.destination = { packet->destination[0], packet->destination[1] },
		.generation = judgement->generation,
		.ifindex = skb->ifindex,
		.endpoint = judgement->endpoint,
		.class = judgement->class,
		.verdict = judgement->verdict,
		.length = size_of_packet(skb, packet),
		.source_port = packet->source_port,
		.destination_port = packet->destination_port,
		.protocol = packet->protocol,
		.family = packet->family,
		.direction = judgement->direction,
		.kind = reason ? SLUICE_EVENT_DROP : judgement->kind,
		.reason = reason,
		.tcp_flags = packet->tcp_flags,
		.code = packet->code,
	};
}

inline_always void tell(const struct __sk_buff *skb, const struct packet *packet,
			const struct judgement *judgement, int reason)
{
	__u32 zero = 0;
	struct sluice_limit *limit;
	struct sluice_event *event;
	__u64 now;

	/* Then nobody listens, and nothing is lost. */
	if (!CONFIG(EVENT_RATE))
		return;
	limit = bpf_map_lookup_elem(&sluice_limit, &zero);
	if (!limit)
		return;
	now = bpf_ktime_get_ns();
	event = may_tell(limit, now) ? bpf_ringbuf_reserve(&sluice_events, sizeof(*event), 0) : NULL;
	if (!event) {
		limit->lost++;
		return;
	}
	fill_event(event, skb, packet, judgement, reason, now);
	bpf_ringbuf_submit(event, 0);
}
