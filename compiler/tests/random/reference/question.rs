//! Whether what is written matches a flow.

use super::seen::{CLUSTER, NAMESPACE, NAMESPACE_LABELS, Seen, contains, length, world_entity};
use super::{Flow, INGRESS, Verdict, beside_namespace, holds, holds_for_key};
use crate::shape::*;

/// A flow seen from one of its sides.
pub(super) struct Question<'c> {
    pub(super) world: &'c World,
    pub(super) pod: &'c Pod,
    pub(super) peer: Seen,
    pub(super) flow: &'c Flow,
    pub(super) direction: usize,
}

impl Question<'_> {
    /// What an entry says if it is an allow; `None` if it does not match.
    pub(super) fn entry(
        &self,
        entry: &Entry,
        namespace: Option<&str>,
        subject: &Selector,
    ) -> Option<Verdict> {
        let traffic = match &entry.traffic {
            Traffic::Absent => None,
            Traffic::Ports(rules) if rules.is_empty() => None,
            Traffic::Icmps(rules) if rules.is_empty() => None,
            Traffic::Ports(rules) => Some(self.port_rules(rules)),
            Traffic::Icmps(rules) => {
                let matched = rules.iter().flatten().any(|field| self.icmp(field));
                Some(matched.then_some(Verdict::Allow))
            }
        };
        // 3.4: some empty lists are nothing at all, others void the entry.
        let void = entry.empty.iter().any(|kind| !["FQDNs", "Services", "Groups"].contains(kind));
        let peers = match &entry.peers {
            _ if void => false,
            Some(peers) => self.peers(peers, namespace, subject),
            None => traffic.is_some(),
        };
        match traffic {
            _ if !peers => None,
            None => Some(Verdict::Allow),
            Some(verdict) => verdict,
        }
    }

    /// 4.3: a redirect wins over a plain allow.
    fn port_rules(&self, rules: &[PortRule]) -> Option<Verdict> {
        let matching = rules.iter().filter(|rule| rule.ports.iter().flatten().any(|port| self.port(port)));
        let verdict = |rule: &PortRule| match rule.l7 {
            L7::Absent | L7::Empty { .. } => Verdict::Allow,
            L7::Http | L7::Dns | L7::ServerNames => Verdict::Redirect,
        };
        matching.map(verdict).min()
    }

    /// 1.4, 2.4, 4.4, 4.8, 12.1.
    fn port(&self, port: &Port) -> bool {
        let protocols = match port.protocol {
            None | Some("ANY") => vec!["TCP", "UDP", "SCTP"],
            Some(protocol) => vec![protocol],
        };
        protocols.contains(&self.flow.protocol) && self.number(port.port, port.end)
    }

    fn number(&self, port: NumberOrName, end: Option<u16>) -> bool {
        let asked = self.flow.port;
        match port {
            NumberOrName::Number(0) => true,
            NumberOrName::Number(first) => (first..=end.unwrap_or(first).max(first)).contains(&asked),
            NumberOrName::Name(name) => {
                let ingress = self.direction == INGRESS;
                let ports = if ingress { &self.pod.ports } else { &self.peer.ports };
                // By name alone, without regard to case, and the last definition counts.
                let Some(found) = ports.iter().rfind(|port| port.name.eq_ignore_ascii_case(name)) else {
                    return false;
                };
                let last = end.filter(|_| ingress).unwrap_or(found.number).max(found.number);
                found.protocol == self.flow.protocol && (found.number..=last).contains(&asked)
            }
        }
    }

    /// 1.5: type 0 is every type of its family.
    fn icmp(&self, icmp: &Icmp) -> bool {
        let protocol = if icmp.family == Some("IPv6") { "ICMPv6" } else { "ICMP" };
        self.flow.protocol == protocol && (icmp.number == 0 || icmp.number == self.flow.port)
    }

    fn peers(&self, peers: &Peers, namespace: Option<&str>, subject: &Selector) -> bool {
        match peers {
            Peers::Endpoints(all) => all.iter().any(|s| self.endpoints(s, namespace, subject)),
            Peers::Cidr(cidrs) => cidrs.iter().any(|cidr| self.block(cidr, &[])),
            Peers::CidrSet(items) => items.iter().any(|item| self.cidr_item(item)),
            Peers::Entities(entities) => entities.iter().any(|entity| self.entity(entity)),
            Peers::Names(names) => names.iter().any(|name| self.name(name)),
        }
    }

    /// 3.3.
    fn endpoints(&self, selector: &Selector, namespace: Option<&str>, subject: &Selector) -> bool {
        let labels = &self.peer.labels;
        let written = selector.iter().all(|r| holds(r, labels));
        if selector.iter().any(|r| r.source == Some("reserved")) {
            return written;
        }
        let pods_own = |r: &&Requirement| matches!(r.source, None | Some("any" | "k8s"));
        let names = |key: &str| selector.iter().filter(pods_own).any(|r| r.key == key);
        let by_namespace_labels = selector.iter().any(|r| r.key.starts_with(NAMESPACE_LABELS));
        let of_init = subject.iter().any(|r| r.source == Some("reserved") && r.key == "init");
        let value = |key: &str| labels.iter().find(|(_, k, _)| k == key).map(|(_, _, value)| value.as_str());
        let in_reach = match namespace {
            _ if names(NAMESPACE) => true,
            Some(_) if by_namespace_labels => true,
            Some(namespace) => value(NAMESPACE) == Some(namespace),
            None => of_init || value(NAMESPACE).is_some(),
        };
        written && in_reach && (names(CLUSTER) || self.in_local_cluster())
    }

    fn in_local_cluster(&self) -> bool {
        let local = |(_, key, value): &(_, String, String)| key == CLUSTER && value == "default";
        !self.world.options.default_local_cluster || self.peer.labels.iter().any(local)
    }

    /// 3.1, 3.6, 12.1: a prefix of length 0 is the world of its family.
    fn block(&self, cidr: &str, except: &[&str]) -> bool {
        let inside = if length(cidr) == 0 {
            self.peer.is(world_entity(self.world, !cidr.contains(':')))
        } else {
            self.peer.address.is_some_and(|address| contains(cidr, address))
        };
        inside && !self.excepted(except)
    }

    fn excepted(&self, except: &[&str]) -> bool {
        self.peer.address.is_some_and(|address| except.iter().any(|cidr| contains(cidr, address)))
    }

    fn cidr_item(&self, item: &CidrItem) -> bool {
        match &item.base {
            CidrBase::Cidr(cidr) => self.block(cidr, &item.except),
            CidrBase::Group(name) => {
                let member = format!("io.cilium.policy.cidrgroupname/{name}");
                self.peer.labels.iter().any(|(_, key, _)| *key == member) && !self.excepted(&item.except)
            }
            // 1.9, 12.1: the keys are those of groups, and held against every identity.
            CidrBase::Groups(selector) => {
                let of_group = |r: &Requirement| Requirement { source: Some("cidrgroup"), ..r.clone() };
                let mut keys = selector.iter().map(of_group);
                keys.all(|r| holds(&r, &self.peer.labels)) && !self.excepted(&item.except)
            }
        }
    }

    /// 1.8.
    fn entity(&self, entity: &str) -> bool {
        let is = |words: &[&str]| words.iter().any(|word| self.peer.is(word));
        match entity {
            "all" => true,
            "none" => false,
            "world" => is(&["world", "world-ipv4", "world-ipv6"]),
            "cluster" => {
                let pod = self.peer.labels.iter().any(|(_, key, value)| key == CLUSTER && value == "default");
                pod || is(&[
                    "host",
                    "remote-node",
                    "init",
                    "ingress",
                    "health",
                    "unmanaged",
                    "kube-apiserver",
                ])
            }
            word => is(&[word]),
        }
    }

    fn name(&self, name: &Name) -> bool {
        self.peer.names.iter().any(|learned| match name {
            Name::Is(name) => name == learned,
            Name::Like(at) => PATTERNS[*at].1.contains(learned),
        })
    }

    /// 1.10.
    pub(super) fn network_rule(&self, rule: &NetworkRule, namespace: &str) -> bool {
        let peers: Vec<_> = rule.peers.iter().flatten().collect();
        let ports: Vec<_> = rule.ports.iter().flatten().collect();
        (peers.is_empty() || peers.iter().any(|peer| self.network_peer(peer, namespace)))
            && (ports.is_empty() || ports.iter().any(|port| self.network_port(port)))
    }

    fn network_peer(&self, peer: &NetworkPeer, namespace: &str) -> bool {
        let labels = &self.peer.labels;
        let namespace_label = labels.iter().find(|(_, key, _)| key == NAMESPACE).map(|(_, _, value)| value);
        // 1.10: keys are those of pods, so that a group's label of that name does not count.
        let of_pods = |r: &Requirement| holds(&Requirement { source: Some("k8s"), ..r.clone() }, labels);
        match peer {
            NetworkPeer::Block(cidr, except) => self.block(cidr, except),
            NetworkPeer::Pods(pods, None) => {
                let none = Selector::new();
                let mut pods = beside_namespace(pods.as_ref().unwrap_or(&none), true);
                namespace_label.is_some_and(|label| label == namespace)
                    && pods.all(of_pods)
                    && self.in_local_cluster()
            }
            NetworkPeer::Pods(pods, Some(namespaces)) => {
                let of_namespace =
                    |r: &Requirement| holds_for_key(r, &format!("{NAMESPACE_LABELS}{}", r.key), labels);
                pods.iter().flatten().all(of_pods)
                    && (namespace_label.is_some() || !namespaces.is_empty())
                    && namespaces.iter().all(of_namespace)
                    && self.in_local_cluster()
            }
        }
    }

    fn network_port(&self, port: &NetworkPort) -> bool {
        self.flow.protocol == port.protocol.unwrap_or("TCP")
            && port.port.is_none_or(|number| self.number(number, port.end))
    }
}
