//! One flow about which two policies differ.

use std::net::IpAddr;
use std::sync::Arc;

use sluice_ir::decision::EndpointName;
use sluice_ir::net::{Cidr, Protocol};
use sluice_ir::policy::{Direction, Identity};

use super::cells::{Comparison, Difference, PairId};
use super::meaning::{Told, told};
use super::ports::Traffic;
use super::roster::PeerName;
use crate::classify::PeerId;

/// A flow about which two policies differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DifferentFlow {
    /// Whose traffic it is.
    pub endpoint: EndpointName,
    /// Which way it goes, seen from the endpoint.
    pub direction: Direction,
    /// The other side.
    pub peer: FlowPeer,
    /// What the old policy sees of the other side.
    pub old_peer: Arc<Identity>,
    /// What the new policy sees of it.
    pub new_peer: Arc<Identity>,
    /// The protocol.
    pub protocol: Protocol,
    /// The port, or the ICMP type; 0 for protocols without either.
    pub port: u16,
    /// What was.
    pub old: Told,
    /// What is to be.
    pub new: Told,
}

/// The other side of one flow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FlowPeer {
    /// It has a name.
    Named(PeerName),
    /// An address, with a prefix around it in which all is alike.
    Address(IpAddr, Cidr),
}

impl Comparison<'_> {
    /// A flow about which the policies differ; none if they are equal.
    pub fn counterexample(&self) -> Option<DifferentFlow> {
        let mut noted = self.kinds.iter().filter_map(|kind| match kind.difference {
            Difference::Noted(signature) => Some((kind, self.signatures[signature].first()?)),
            _ => None,
        });
        let (kind, (direction, pair, diff)) = noted.next()?;
        let member = &self.roster.endpoints[*kind.endpoints.first()?];
        let change = self.diffs[*diff].first()?;
        let behind = self.behind(kind, *direction, *pair).first()?;
        let (peer, (old, new)) = self.example(*pair, member.node.as_ref())?;
        let (protocol, port) = change.traffic.example()?;
        Some(DifferentFlow {
            endpoint: member.name.clone(),
            direction: *direction,
            peer,
            old_peer: Arc::clone(self.old.population.identity(old)),
            new_peer: Arc::clone(self.new.population.identity(new)),
            protocol,
            port,
            old: told(self.old.decision(), &behind.old)?,
            new: told(self.new.decision(), &behind.new)?,
        })
    }

    /// A peer in a pair of classes that an endpoint on a node can meet.
    fn example(&self, pair: PairId, node: Option<&Arc<str>>) -> Option<(FlowPeer, (PeerId, PeerId))> {
        let mut named = self.pairs[pair as usize].peers.iter().map(|at| &self.roster.peers[*at]);
        if let Some(peer) = named.find(|peer| peer.seen_by.is_on(node)) {
            return Some((FlowPeer::Named(peer.name.clone()), (peer.old, peer.new)));
        }
        let (cidr, address, _) = self.atoms.iter().find(|(_, _, of)| *of == pair)?;
        let (_, peers) = self.roster.addresses.lookup(*address)?;
        // The identity of a prefix is that of its lowest address, or of another where only one is known.
        let known = self.old.population.identity(peers.0).address;
        let address = known.filter(|address| cidr.contains(*address)).unwrap_or(*address);
        Some((FlowPeer::Address(address, *cidr), *peers))
    }
}

impl Traffic {
    /// One of the ports; of several protocols the best known.
    fn example(&self) -> Option<(Protocol, u16)> {
        match self {
            Traffic::Ports(protocol, range) => Some((*protocol, range.start)),
            Traffic::AllBut(others) => {
                let known = [Protocol::TCP, Protocol::UDP].into_iter();
                let mut all = known.chain((0..=u8::MAX).map(Protocol));
                all.find(|protocol| !others.contains(protocol)).map(|protocol| (protocol, 0))
            }
        }
    }
}
