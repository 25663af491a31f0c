// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The programs that stay on the interfaces. They send a packet to the generation in force, or to the one before it if
 * that has judged it on this node already: then both hooks decide by one policy. If it was judged by one that is gone
 * since, because it had to wait for its next hop's address, none can decide.
 */
#include "lib/tell.h"

#include <linux/if_ether.h>

#define GENERATION_BITS (SLUICE_MARK_GENERATION_MASK & ~SLUICE_MARK_GENERATION_VALID)

inline_always bool is_marked_by(const struct __sk_buff *skb, __u32 generation)
{
	return !((skb->mark ^ generation << SLUICE_MARK_GENERATION_SHIFT) & GENERATION_BITS);
}

/*
 * Which bank of programs a packet goes to, or GONE. Once the generation before is forgotten, both numbers are one. What
 * came in by no interface was judged by none: its mark is the sender's, or that of what it answers.
 */
enum { GONE = 2 };

inline_always __u32 bank_of(const struct __sk_buff *skb, const __u32 direction)
{
	__u32 previous = sluice_word.previous;
	__u32 generation = sluice_word.generation;

	if (!(skb->mark & SLUICE_MARK_GENERATION_VALID))
		return generation & 1;
	if (is_marked_by(skb, previous))
		return previous & 1;
	if (direction == SLUICE_DIRECTION_INGRESS && skb->ingress_ifindex && !is_marked_by(skb, generation))
		return GONE;
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
	switch (bank_of(skb, direction)) {
	case 0:
		bpf_tail_call_static(skb, &sluice_calls, direction);
		break;
	case 1:
		bpf_tail_call_static(skb, &sluice_calls, 2 + direction);
		break;
	}
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
