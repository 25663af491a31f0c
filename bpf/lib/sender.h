/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who sent a packet that another generation than this one has let pass, or nobody knows which: then this one judges it
 * as a whole, for whoever sent it, too. So no packet passes by a mix of two, however long it was on its way, with three
 * exceptions. What was translated on its way without a mark is judged here for its receiver alone. So are fragments of
 * IPv6 that this machine has put together and cut anew, as the kernel forgets then by which interface they came. And a
 * mark of others is believed where it is that of the generation in force: it is true but for what was on its way at the
 * flip.
 */
#pragma once

#include "policy.h"

/*
 * Whether a packet that is given out was let pass by this generation when it came in. Nobody knows that of the one before:
 * what comes in after the flip may get its mark from others, who kept it with a connection.
 */
inline_always bool was_judged(const struct __sk_buff *skb, __u32 generation)
{
	__u32 bank = generation & 1;
	__u32 mark = sluice_word.marks[bank];

	if (bank != (sluice_word.generation & 1))
		return false;
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

/* What its sender remembers of a packet's connection, if that began in a direction, and the packet is as it was sent. */
inline_always const struct sluice_ct_entry *remembered(const struct __sk_buff *skb,
						       const struct sluice_endpoint *sender,
						       const struct packet *packet, __u8 began)
{
	struct sluice_ct_key key;

	connection_key(skb, packet, SLUICE_DIRECTION_EGRESS, &key);
	key.direction = began;
	return find_connection(sender, &key);
}

/* Whether it replies to a connection that its sender remembers. */
inline_always bool is_reply_of(const struct __sk_buff *skb, const struct sluice_endpoint *sender,
			       const struct packet *packet)
{
	const struct sluice_ct_entry *entry;

	if (!tracks(sender, SLUICE_DIRECTION_INGRESS) || !may_reply(packet))
		return false;
	entry = remembered(skb, sender, packet, SLUICE_DIRECTION_INGRESS);
	return entry && answers(packet, entry, now_in_seconds());
}

/*
 * Whether its addresses or ports were translated since it came in, as those of Services are. What policy of its sender
 * lets pass is remembered before it goes on: of what is not remembered that policy was asked as of another packet, about
 * which nobody can ask any more, and which it may allow while it denies this one. A connection of the other direction
 * that has ended shows as well that it was not translated: what belongs to one of those is not remembered anew.
 */
inline_always bool is_translated(const struct __sk_buff *skb, const struct sluice_endpoint *sender,
				 const struct packet *packet)
{
	return tracks(sender, SLUICE_DIRECTION_EGRESS) && may_begin(packet) &&
	       !remembered(skb, sender, packet, SLUICE_DIRECTION_EGRESS) && !remembered(skb, sender, packet, SLUICE_DIRECTION_INGRESS);
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
	if (sender->flags & SLUICE_ENDPOINT_AUDIT)
		return 0;
	if (is_reply_of(skb, sender, packet) || is_translated(skb, sender, packet))
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
