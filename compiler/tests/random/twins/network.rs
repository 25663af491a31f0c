//! A NetworkPolicy as a CiliumNetworkPolicy.

use crate::shape::*;

/// A NetworkPolicy as the CiliumNetworkPolicy that means the same (semantics.md 1.10).
pub(super) fn as_cilium(policy: &NetworkPolicy) -> CiliumPolicy {
    let typed = |word| policy.types.iter().flatten().any(|written| *written == word);
    let isolated = [typed("Ingress") || !typed("Egress"), typed("Egress")];
    let mut allow = [None, None];
    for at in 0..2 {
        let rules: Vec<&NetworkRule> = policy.rules[at].iter().flatten().collect();
        allow[at] = if rules.is_empty() {
            let nothing = Entry { peers: None, empty: Vec::new(), traffic: Traffic::Absent };
            isolated[at].then(|| vec![nothing])
        } else {
            Some(rules.into_iter().flat_map(|rule| entries_of(rule, policy.namespace)).collect())
        };
    }
    let rule =
        Rule { subject: k8s(&policy.subject, ""), default_deny: [None, None], allow, deny: [None, None] };
    CiliumPolicy { namespace: Some(policy.namespace), rules: vec![rule], in_spec: 1 }
}

pub(super) fn entries_of(rule: &NetworkRule, namespace: &'static str) -> Vec<Entry> {
    let traffic = match rule.ports.as_deref().unwrap_or_default() {
        [] => Traffic::Absent,
        ports => {
            let port = |port: &NetworkPort| Port {
                port: port.port.unwrap_or(NumberOrName::Number(0)),
                end: port.end,
                protocol: Some(port.protocol.unwrap_or("TCP")),
            };
            Traffic::Ports(vec![PortRule { ports: Some(ports.iter().map(port).collect()), l7: L7::Absent }])
        }
    };
    let peers: Vec<Peers> = match rule.peers.as_deref().unwrap_or_default() {
        [] => vec![Peers::Entities(vec!["all"])],
        peers => peers.iter().map(|peer| peer_of(peer, namespace)).collect(),
    };
    let entry = |peers| Entry { peers: Some(peers), empty: Vec::new(), traffic: traffic.clone() };
    peers.into_iter().map(entry).collect()
}

pub(super) fn peer_of(peer: &NetworkPeer, namespace: &'static str) -> Peers {
    match peer {
        NetworkPeer::Block(cidr, except) => {
            Peers::CidrSet(vec![CidrItem { base: CidrBase::Cidr(cidr), except: except.clone() }])
        }
        NetworkPeer::Pods(pods, None) => {
            // In a NetworkPolicy the namespace of a peer is forced over its label, in a CiliumNetworkPolicy it
            // is a default. What else is asked of the namespace holds beside.
            const KEY: &str = "io.kubernetes.pod.namespace";
            let mut pods: Selector = pods.iter().flatten().cloned().collect();
            if let Some(at) =
                pods.iter().position(|r| r.key == KEY && matches!(r.operator, Operator::Equals(_)))
            {
                pods.remove(at);
            }
            pods.insert(0, Requirement { source: None, key: KEY, operator: Operator::Equals(namespace) });
            Peers::Endpoints(vec![k8s(&pods, "")])
        }
        NetworkPeer::Pods(pods, Some(namespaces)) => {
            let pods = k8s(&pods.iter().flatten().cloned().collect(), "");
            let any = Requirement {
                source: Some("k8s"),
                key: "io.kubernetes.pod.namespace",
                operator: Operator::Exists,
            };
            let namespaces = if namespaces.is_empty() {
                vec![any]
            } else {
                k8s(namespaces, "io.cilium.k8s.namespace.labels.")
            };
            Peers::Endpoints(vec![pods.into_iter().chain(namespaces).collect()])
        }
    }
}

pub(super) fn k8s(selector: &Selector, before: &str) -> Selector {
    let key = |key: &str| -> &'static str { String::leak(format!("{before}{key}")) };
    let of_k8s = |r: &Requirement| Requirement { source: Some("k8s"), key: key(r.key), ..r.clone() };
    selector.iter().map(of_k8s).collect()
}
