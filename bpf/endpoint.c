// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The template of a generation's programs. The linker puts the node's constants and the verdict's instructions in,
 * and the loader its maps (generated/abi.h).
 */
#include "lib/judge.h"

SEC("classifier")
int from_endpoint(struct __sk_buff *skb)
{
	return run(skb, SLUICE_DIRECTION_EGRESS);
}

SEC("classifier")
int to_endpoint(struct __sk_buff *skb)
{
	return run(skb, SLUICE_DIRECTION_INGRESS);
}

char license_text[] SEC("license") = "Dual BSD/GPL";
