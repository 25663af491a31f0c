//! Which peer each address is, and which prefixes tell addresses apart.

use std::net::IpAddr;

use sluice_ir::net::Cidr;
use sluice_ir::prefix_map::PrefixMap;

use super::peers::Peer;

/// Edges between addresses, and the peer behind each.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    /// Every prefix at whose edge an identity can change, with how many reasons there are for it.
    edges: PrefixMap<Edge>,
    /// The peer of each of these prefixes that decides any address.
    pub(super) peers: PrefixMap<Peer>,
}

/// How many reasons there are for an edge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Edge {
    rules: u32,
    owners: u32,
}

/// Why there is an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// A rule names the prefix.
    Rule,
    /// Somebody has the address, or a group the prefix, or it was an answer for a name.
    Owner,
}

impl Edge {
    fn count(&mut self, reason: Reason) -> &mut u32 {
        match reason {
            Reason::Rule => &mut self.rules,
            Reason::Owner => &mut self.owners,
        }
    }
}

impl Addresses {
    /// One more reason for an edge. Gives the prefixes whose addresses are others now.
    pub(super) fn add(&mut self, prefix: Cidr, reason: Reason) -> Vec<Cidr> {
        if self.count(prefix, reason) { self.around(prefix) } else { Vec::new() }
    }

    /// One more reason for an edge, while nobody is at any address. Whether there was none.
    pub(super) fn count(&mut self, prefix: Cidr, reason: Reason) -> bool {
        let known = self.edges.get(prefix).copied();
        let mut edge = known.unwrap_or_default();
        *edge.count(reason) += 1;
        self.edges.insert(prefix, edge);
        known.is_none()
    }

    /// One reason less for an edge.
    pub(super) fn remove(&mut self, prefix: Cidr, reason: Reason) -> Vec<Cidr> {
        let Some(mut edge) = self.edges.get(prefix).copied() else { return Vec::new() };
        *edge.count(reason) -= 1;
        if edge == Edge::default() {
            self.edges.remove(prefix);
            return self.around(prefix);
        }
        self.edges.insert(prefix, edge);
        Vec::new()
    }

    /// A prefix, and the one around it: if one comes or goes, other addresses stand for the other.
    fn around(&self, prefix: Cidr) -> Vec<Cidr> {
        let outer = self.edges.parent(prefix).map(|(outer, _)| outer);
        [prefix].into_iter().chain(outer).collect()
    }

    /// The address that stands for a prefix: the lowest that it decides. None if there is no such edge, or
    /// longer ones cover it.
    pub(super) fn stands_for(&self, prefix: Cidr) -> Option<IpAddr> {
        self.edges.get(prefix).and_then(|_| self.edges.lowest(prefix))
    }

    /// The peer that an address would be without an edge of its own, if that can be told: no rule names just
    /// this address, and the prefix around it decides some address.
    pub(super) fn around_host(&self, address: IpAddr) -> Option<Peer> {
        let host = Cidr::host(address);
        let by_rule = self.edges.get(host).is_some_and(|edge| edge.rules > 0);
        let (around, _) = self.edges.parent(host).filter(|_| !by_rule)?;
        self.peers.get(around).copied()
    }
}
