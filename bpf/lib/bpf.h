/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What every file needs: the kernel's types and helpers, the ABI, and the constants of a node. */
#pragma once

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "../generated/abi.h"

/* A call of another BPF function costs more than all that a packet's verdict does: each program is one function. */
#define inline_always static __attribute__((always_inline)) inline

/* Other programs on the hook see what this one lets pass. */
#define PASS TCX_NEXT
#define DROP TCX_DROP

/* The kernel's headers of Debian 12 do not have them yet. */
#define TCX_NEXT -1
#define TCX_DROP 2

/* A constant of the node. An immediate, so that the verifier knows it and removes what hangs on it. */
#define CONFIG(name)                                                                  \
	({                                                                            \
		__u32 value;                                                          \
		asm("%0 = %1" : "=r"(value) : "i"(SLUICE_CONFIG_##name));             \
		value;                                                                \
	})

/* Keeps the compiler from proving away a bound that the verifier has to see. */
#define opaque(value) asm volatile("" : "+r"(value))

/* What of a mark is ours. */
#define OWN_BITS (SLUICE_MARK_GENERATION_MASK | SLUICE_MARK_DELIVERY_MASK)

/*
 * Makes the verifier forget what it knows of a value. It follows each way through a program as long as something
 * differs between them that a branch hangs on, be it only a constant; where ways meet, that is forgotten, and they
 * become one. Without it the programs take twenty times as long to load.
 */
#define forget(skb, value)                                                            \
	({                                                                            \
		__u64 kept = (value);                                                 \
		__u64 unknown = (skb)->len;                                           \
		asm volatile("%0 ^= %1\n\t%0 ^= %1" : "+r"(kept) : "r"(unknown));     \
		(value) = kept;                                                       \
	})

/* Whether a packet only asks for its verdict: nothing may remember it. The entry programs see to it that no other has the mark. */
inline_always bool asks(const struct __sk_buff *skb)
{
	return skb->mark == SLUICE_MARK_TEST;
}

/* Whether it asks for that of the host's policy, at the interface of another endpoint. */
inline_always bool asks_host(const struct __sk_buff *skb)
{
	return skb->cb[4];
}
