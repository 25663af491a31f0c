/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who sent a packet that another generation than this one has let pass, or nobody knows which: then this one judges it
 * as a whole, for whoever sent it, too. So no packet passes by a mix of two, however long it was on its way and whatever
 * others do to marks.
 */
#pragma once

#include "policy.h"

/* Whether a packet that is given out was let pass by this generation when it came in. */
inline_always bool was_judged(const struct __sk_buff *skb, __u32 generation)
{
	__u32 mark = sluice_word.marks[generation & 1];

	return mark && (skb->mark & SLUICE_MARK_GENERATION_MASK) == mark;
}

/*
 * The endpoint of this node whose policy was asked by another generation, or NULL. What came in by no interface, or by
 * one that is no endpoint's, was asked nothing; the host's interface asks nothing about the packets of others.
 */
inline_always const struct sluice_endpoint *find_sender(const struct __sk_buff *skb,
							const struct sluice_endpoint *endpoint,
							const struct packet *packet, __u32 generation)
{
	if (packet->hook != SLUICE_DIRECTION_INGRESS || is_host(endpoint) || asks(skb))
		return NULL;
	if (!skb->ingress_ifindex || was_judged(skb, generation))
		return NULL;
	return find_endpoint(skb->ingress_ifindex);
}

/* Whether it replies to a connection that its sender remembers. */
inline_always bool is_reply_of(const struct __sk_buff *skb, const struct sluice_endpoint *sender,
			       const struct packet *packet)
{
	const struct sluice_ct_entry *entry;
	struct sluice_ct_key key;

	if (!tracks(sender, SLUICE_DIRECTION_INGRESS) || !may_reply(packet))
		return false;
	connection_key(skb, packet, SLUICE_DIRECTION_EGRESS, &key);
	key.direction = SLUICE_DIRECTION_INGRESS;
	entry = bpf_map_lookup_elem(&sluice_conntrack, &key);
	return entry && answers(packet, entry, now_in_seconds());
}

/* What the sender's policy says, if it must be asked: 0, or a drop reason. Only what it drops is counted, as what passes has been. */
inline_always int policy_of_sender(const struct __sk_buff *skb, const struct sluice_endpoint *endpoint,
				   const struct packet *packet, struct judgement *judgement)
{
	const struct sluice_endpoint *sender = find_sender(skb, endpoint, packet, judgement->generation);
	const struct sluice_verdict *verdict;
	__u32 class, number;
	int reason;

	if (!sender || is_host(sender) || !enforces(sender, SLUICE_DIRECTION_EGRESS))
		return 0;
	if (sender->flags & SLUICE_ENDPOINT_AUDIT || is_reply_of(skb, sender, packet))
		return 0;
	class = class_of(packet, packet->destination);
	forget(skb, class);
	number = sluice_egress(sender->egress_table, class, packet->protocol, packet->destination_port);
	opaque(number);
	if (number >= CONFIG(VERDICTS))
		return SLUICE_DROP_NO_CONFIGURATION;
	verdict = &sluice_verdicts[number];
	reason = reason_of(verdict, false);
	forget(skb, reason);
	if (!reason)
		return 0;
	count(verdict->counter, size_of_packet(skb, packet));
	judgement->endpoint = sender->id;
	judgement->direction = SLUICE_DIRECTION_EGRESS;
	judgement->class = class;
	judgement->verdict = number;
	return reason;
}
