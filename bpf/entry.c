// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The programs that stay on the interfaces. They send a packet to the generation in force, or to the one before it if
 * that has judged it on this node already: then both hooks decide by one policy.
 */
#include "lib/tell.h"

#include <linux/if_ether.h>

#define GENERATION_BITS (SLUICE_MARK_GENERATION_MASK & ~SLUICE_MARK_GENERATION_VALID)

/* Which bank of programs a packet goes to. */
inline_always __u32 bank_of(const struct __sk_buff *skb)
{
	__u32 generation = sluice_word.generation;
	__u32 before = (generation - 1) << SLUICE_MARK_GENERATION_SHIFT;

	if (skb->mark & SLUICE_MARK_GENERATION_VALID && !((skb->mark ^ before) & GENERATION_BITS))
		generation--;
	return generation & 1;
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
	if (bank_of(skb))
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
