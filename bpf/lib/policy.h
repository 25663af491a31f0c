/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The verdict of policy about a packet that no connection lets pass. */
#pragma once

#include "connection.h"
#include "proxy.h"
#include "tell.h"

enum {
	ACTION_DENY = 0,
	ACTION_ALLOW = 1,
	ACTION_REDIRECT = 2,
};

inline_always __u32 class_of(const struct packet *packet, const __u64 address[2])
{
	if (is_ipv6(packet))
		return sluice_class6(address[0], address[1]);
	return sluice_class4(address[1]);
}

/* The host's interface sees the packets of others too. */
inline_always bool concerns_host(const struct sluice_endpoint *endpoint, const struct packet *packet)
{
	const __u64 *own = packet->direction == SLUICE_DIRECTION_EGRESS ? packet->source : packet->destination;

	/* Nobody in a class would be taken for the host if it had none. */
	return endpoint->host_class != SLUICE_NO_CLASS && class_of(packet, own) == endpoint->host_class;
}

/*
 * Whether it may be one that this machine has put together and cut anew, for its connection tracking: the kernel
 * forgets then by which interface it came in, of IPv6 alone. Only its address says whose it is.
 */
inline_always bool may_be_cut_anew(const struct packet *packet)
{
	return is_ipv6(packet) && is_fragment(&packet->fragment);
}

/*
 * What this machine sends by itself came in by no interface, and is the host's, whatever address it took for it:
 * probes of the node's agent, for one.
 */
inline_always bool is_from_here(const struct __sk_buff *skb, const struct sluice_endpoint *endpoint,
				const struct packet *packet)
{
	return packet->direction == SLUICE_DIRECTION_INGRESS && !is_host(endpoint) && !skb->ingress_ifindex &&
	       endpoint->host_class != SLUICE_NO_CLASS && !may_be_cut_anew(packet);
}

/* The host's own: neither what came in by an interface, nor what the DNS proxy sends for endpoints. */
inline_always bool is_made_by_host(const struct __sk_buff *skb)
{
	return !skb->ingress_ifindex && (skb->mark & OWN_BITS) != SLUICE_MARK_OF_PROXY;
}

/*
 * What leaves by the host's interface from an address of the host's, and is not the host's: what came in by an
 * interface and was passed on, as that of pods which are masqueraded; and what the DNS proxy asks for pods. Their own
 * policy has let it pass. It is remembered, so that it can be answered.
 */
inline_always bool is_for_others(const struct __sk_buff *skb, const struct sluice_endpoint *endpoint,
				 const struct packet *packet)
{
	return is_host(endpoint) && packet->direction == SLUICE_DIRECTION_EGRESS && !is_made_by_host(skb);
}

/*
 * Whether policy of the host is asked about a packet of another endpoint: what the host itself sends to it, and what it
 * sends to an address of the host's. Neither crosses an interface of the host's.
 */
inline_always bool asks_for_host(const struct __sk_buff *skb, const struct sluice_endpoint *endpoint,
				 const struct packet *packet)
{
	if (!CONFIG(HOST_POLICY) || !(endpoint->flags & SLUICE_ENDPOINT_ASK_HOST))
		return false;
	if (asks(skb))
		return asks_host(skb);
	if (packet->hook == SLUICE_DIRECTION_EGRESS)
		return class_of(packet, packet->destination) == endpoint->host_class;
	if (!is_made_by_host(skb))
		return false;
	return !may_be_cut_anew(packet) || class_of(packet, packet->source) == endpoint->host_class;
}

inline_always __u32 peer_class(const struct __sk_buff *skb, const struct sluice_endpoint *endpoint,
			       const struct packet *packet)
{
	if (is_from_here(skb, endpoint, packet))
		return endpoint->host_class;
	return class_of(packet, packet->direction == SLUICE_DIRECTION_EGRESS ? packet->destination : packet->source);
}

inline_always __u32 look_up(const struct sluice_endpoint *endpoint, const struct packet *packet, __u32 class)
{
	if (packet->direction == SLUICE_DIRECTION_EGRESS)
		return sluice_egress(endpoint->egress_table, class, packet->protocol, packet->destination_port);
	return sluice_ingress(endpoint->ingress_table, class, packet->protocol, packet->destination_port);
}

/*
 * Whether a verdict sends a packet to the DNS proxy, which speaks UDP and TCP. A socket can be given to a packet only
 * where it comes in: so the host, whose packets come from this machine, has none.
 */
inline_always bool is_for_proxy(const struct packet *packet, const struct sluice_verdict *verdict)
{
	return CONFIG(DNS_PROXY) && packet->hook == SLUICE_DIRECTION_EGRESS &&
	       packet->direction == SLUICE_DIRECTION_EGRESS && verdict->proxy == SLUICE_PROXY_DNS &&
	       (packet->protocol == IPPROTO_TCP || packet->protocol == IPPROTO_UDP);
}

/*
 * 0, or why a verdict does not let a packet pass. A reason stands beside an allowance where something is demanded
 * that this datapath cannot do. A redirection to a proxy that no node has drops as one without a listener does.
 */
inline_always int reason_of(const struct sluice_verdict *verdict, bool proxied)
{
	if (verdict->reason)
		return verdict->reason;
	if (verdict->action == ACTION_ALLOW)
		return 0;
	if (verdict->action != ACTION_REDIRECT)
		return SLUICE_DROP_NO_CONFIGURATION;
	return proxied ? 0 : SLUICE_DROP_NO_PROXY;
}

/* What is done with a packet that passes: its connection is remembered, if someone will read that. */
inline_always int admit(const struct sluice_endpoint *endpoint, const struct packet *packet,
			struct sluice_ct_key *key, __u32 counter, bool proxied, struct judgement *judgement)
{
	bool began = false;
	int reason = 0;

	if (tracks(endpoint, packet->direction) && is_of_connection(packet))
		reason = track(endpoint, packet, key, counter, &began);
	else
		began = is_opening(packet);
	if (began && CONFIG(TELL_NEW) && !judgement->kind && counter != SLUICE_NO_COUNTER)
		judgement->kind = proxied ? SLUICE_EVENT_REDIRECT : SLUICE_EVENT_NEW;
	return reason;
}

/*
 * What policy of the host says of a packet that it and another endpoint send each other: 0, or a drop reason. It sees the
 * packet from the other side, and has no proxy.
 */
inline_always int policy_of_host(const struct __sk_buff *skb, const struct sluice_endpoint *endpoint,
				 const struct packet *packet, struct judgement *judgement)
{
	bool comes = packet->hook == SLUICE_DIRECTION_EGRESS;
	__u32 class = class_of(packet, comes ? packet->source : packet->destination);
	const struct sluice_verdict *verdict;
	__u32 number;
	int reason;

	forget(skb, class);
	if (comes)
		number = sluice_ingress(endpoint->host_ingress_table, class, packet->protocol,
					packet->destination_port);
	else
		number = sluice_egress(endpoint->host_egress_table, class, packet->protocol, packet->destination_port);
	judgement->endpoint = endpoint->host;
	judgement->direction = opposite(packet->hook);
	judgement->class = class;
	judgement->verdict = number;
	opaque(number);
	if (number >= CONFIG(VERDICTS))
		return SLUICE_DROP_NO_CONFIGURATION;
	verdict = &sluice_verdicts[number];
	reason = reason_of(verdict, false);
	if (!asks(skb))
		count(verdict->counter, size_of_packet(skb, packet));
	if (reason && endpoint->flags & SLUICE_ENDPOINT_AUDIT_HOST) {
		judgement->kind = SLUICE_EVENT_AUDIT;
		reason = 0;
	}
	forget(skb, judgement->kind);
	forget(skb, reason);
	return reason;
}

/* What the endpoint's own policy says: 0, or a drop reason. With the counter of its rules, and whether they want the proxy. */
inline_always int policy_of_endpoint(struct __sk_buff *skb, const struct sluice_endpoint *endpoint,
				     const struct packet *packet, struct judgement *judgement, __u32 *counter,
				     bool *proxied)
{
	const struct sluice_verdict *verdict;
	__u32 number;
	int reason;

	judgement->class = peer_class(skb, endpoint, packet);
	number = look_up(endpoint, packet, judgement->class);
	judgement->verdict = number;
	opaque(number);
	if (number >= CONFIG(VERDICTS))
		return SLUICE_DROP_NO_CONFIGURATION;
	verdict = &sluice_verdicts[number];
	*counter = verdict->counter;
	*proxied = is_for_proxy(packet, verdict);
	reason = reason_of(verdict, *proxied);
	if (!asks(skb))
		count(*counter, size_of_packet(skb, packet));
	if (*proxied && !reason && !asks(skb))
		reason = to_proxy(skb, packet);
	if (reason && endpoint->flags & SLUICE_ENDPOINT_AUDIT) {
		judgement->kind = SLUICE_EVENT_AUDIT;
		reason = 0;
	}
	return reason;
}

/* The same of all whose policy is asked. The host first, as what goes to the proxy is on its way. */
inline_always int policies(struct __sk_buff *skb, const struct sluice_endpoint *endpoint,
			   const struct packet *packet, struct judgement *judgement, __u32 *counter, bool *proxied)
{
	struct judgement of_host;
	int reason;

	if (!asks_for_host(skb, endpoint, packet))
		return policy_of_endpoint(skb, endpoint, packet, judgement, counter, proxied);
	of_host = *judgement;
	reason = policy_of_host(skb, endpoint, packet, &of_host);
	if (!reason && !asks(skb)) {
		reason = policy_of_endpoint(skb, endpoint, packet, judgement, counter, proxied);
		/* Of two that would drop it the first is told. */
		if (reason || !of_host.kind)
			return reason;
	}
	*judgement = of_host;
	return reason;
}

/* 0, or a drop reason. */
inline_always int policy(struct __sk_buff *skb, const struct sluice_endpoint *endpoint,
			 const struct packet *packet, struct sluice_ct_key *key, struct judgement *judgement)
{
	__u32 counter = SLUICE_NO_COUNTER;
	bool proxied = false;
	int reason;

	if (is_for_others(skb, endpoint, packet))
		return admit(endpoint, packet, key, SLUICE_NO_COUNTER, false, judgement);
	reason = policies(skb, endpoint, packet, judgement, &counter, &proxied);
	if (reason || asks(skb))
		return reason;
	return admit(endpoint, packet, key, counter, proxied, judgement);
}
