/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The endpoint behind an interface. */
#pragma once

#include "bpf.h"

/* A multiplier that spreads the numbers of interfaces, which come one after another. */
#define SPREAD 0x9e3779b1U

inline_always const struct sluice_endpoint *find_endpoint(__u32 ifindex)
{
	__u32 slot = (ifindex * SPREAD >> 16) ^ ifindex;

	for (__u32 i = 0; i < SLUICE_ENDPOINT_PROBES; i++) {
		const struct sluice_endpoint *endpoint = &sluice_endpoints[(slot + i) & CONFIG(ENDPOINT_MASK)];

		if (endpoint->ifindex == ifindex)
			return endpoint;
		/* Nobody was put behind a slot that is free. */
		if (!endpoint->ifindex)
			return NULL;
	}
	return NULL;
}

inline_always bool is_host(const struct sluice_endpoint *endpoint)
{
	return endpoint->flags & SLUICE_ENDPOINT_HOST;
}

inline_always bool enforces(const struct sluice_endpoint *endpoint, __u8 direction)
{
	return endpoint->flags & (direction == SLUICE_DIRECTION_EGRESS ? SLUICE_ENDPOINT_ENFORCE_EGRESS
								        : SLUICE_ENDPOINT_ENFORCE_INGRESS);
}

/*
 * What tells an endpoint from another one that has its address later: no number of an interface is used twice while the
 * machine runs. The host has several interfaces, and its addresses for itself.
 */
inline_always __u32 owner(const struct sluice_endpoint *endpoint)
{
	return is_host(endpoint) ? 0 : endpoint->ifindex;
}

/* Whether connections that began in a direction are remembered. */
inline_always bool tracks(const struct sluice_endpoint *endpoint, __u8 direction)
{
	return endpoint->flags & (direction == SLUICE_DIRECTION_EGRESS ? SLUICE_ENDPOINT_TRACK_EGRESS
								        : SLUICE_ENDPOINT_TRACK_INGRESS);
}
