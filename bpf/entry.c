// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The programs that stay on the interfaces. They send a packet to the generation in force, or to the one before it if
 * that has judged it on this node already: then both hooks decide by one policy. Programs that get a packet which
 * another generation has judged, or nobody can say which, judge it as a whole (lib/sender.h).
 */
#include "lib/tell.h"

#include <linux/if_ether.h>

/*
 * Which bank of programs a packet goes to. Once the generation before is forgotten, both numbers are one. What came in
 * by no interface was judged by none: its mark is the sender's, or that of what it answers.
 */
inline_always __u32 bank_of(const struct __sk_buff *skb, const __u32 direction)
{
	__u32 previous = sluice_word.previous & 1;
	__u32 mark = skb->mark & SLUICE_MARK_GENERATION_MASK;

	if (direction == SLUICE_DIRECTION_INGRESS && mark && skb->ingress_ifindex &&
	    mark == sluice_word.marks[previous])
		return previous;
	return sluice_word.generation & 1;
}

/* A packet that somebody has marked as if it only asked does not: it loses what is ours of its mark. */
inline_always void see_to_mark(struct __sk_buff *skb)
{
	if (asks(skb) && (skb->gso_segs != SLUICE_TEST_SEGMENTS || skb->gso_size))
		skb->mark &= ~OWN_BITS;
}

/* Fails closed: without programs there is no policy to pass by. */
inline_always int missed(struct __sk_buff *skb, __u8 direction)
{
	const struct packet packet = { .network = sizeof(struct ethhdr) };

	if (asks(skb))
		skb->cb[2] = SLUICE_DROP_MISSED_TAIL_CALL;
	else
		count_reason(SLUICE_DROP_MISSED_TAIL_CALL, direction, size_of_packet(skb, &packet));
	return DROP;
}

/* A call with a number that is known when the program is loaded becomes a jump, which costs a tenth. */
inline_always int enter(struct __sk_buff *skb, const __u32 direction)
{
	see_to_mark(skb);
	if (bank_of(skb, direction))
		bpf_tail_call_static(skb, &sluice_calls, 2 + direction);
	else
		bpf_tail_call_static(skb, &sluice_calls, direction);
	return missed(skb, direction);
}

SEC("classifier")
int entry_from(struct __sk_buff *skb)
{
	return enter(skb, SLUICE_DIRECTION_EGRESS);
}

SEC("classifier")
int entry_to(struct __sk_buff *skb)
{
	return enter(skb, SLUICE_DIRECTION_INGRESS);
}

char license_text[] SEC("license") = "Dual BSD/GPL";
