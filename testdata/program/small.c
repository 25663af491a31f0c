// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A small template, for tests of the linker. `cargo xtask bpf` makes small.o of it. */
#include <linux/bpf.h>

#include "abi.h"

#define SEC(name) __attribute__((section(name), used))

#define CONFIG(name)                                                       \
	({                                                                 \
		__u32 value;                                               \
		asm("%0 = %1" : "=r"(value) : "i"(SLUICE_CONFIG_##name)); \
		value;                                                     \
	})

static void *(*const map_lookup)(void *map, const void *key) = (void *)1;

/* The class of the address that the first four bytes are, and the class of another. */
static __attribute__((always_inline)) int classes(struct __sk_buff *skb)
{
	__u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	__u32 address, first;

	if (data + 4 > end)
		return SLUICE_DROP_INVALID_PACKET;
	address = *(__u32 *)data;
	first = sluice_class4(address);
	skb->cb[0] = first;
	/* Called with something that has outlived a call. */
	return sluice_class4(address + 1) + first * 1000;
}

/* Two calls of one stub. */
SEC("classifier") int two(struct __sk_buff *skb)
{
	return classes(skb);
}

/* What constants decide, and memory with an offset. */
SEC("classifier") int decided(struct __sk_buff *skb __attribute__((unused)))
{
	__u32 sum = CONFIG(EVENT_RATE);

	if (CONFIG(IPV6)) {
		struct sluice_counter *counter;
		__u32 key = 3;

		counter = map_lookup(&sluice_counters, &key);
		if (counter)
			counter->packets++;
		sum += sluice_class6(1, 2);
	}
	if (CONFIG(IPV4))
		sum += sluice_endpoints[1].id;
	return sum;
}

char license_text[] SEC("license") = "Dual BSD/GPL";
