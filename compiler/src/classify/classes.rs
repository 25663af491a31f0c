//! Peers into classes: two peers are in one class when every rule treats them alike.
//!
//! What a rule asks of a peer is its list of peers, whether it is the host (for ingress, semantics.md
//! 4.2), and on egress which numbers it has for the named ports of the rules that match it. A peer's
//! *signature* is the answers to all of that. Equal signatures are one class, so a class is as large as
//! the rules allow, and the partition does not depend on the order of rules or peers.

use std::collections::BTreeSet;
use std::sync::Arc;

use indexmap::IndexSet;
use rayon::join;
use rayon::prelude::*;
use rustc_hash::{FxBuildHasher, FxHashMap};
use sluice_ir::ids::RuleId;
use sluice_ir::net::{PortName, Protocol};
use sluice_ir::policy::{Direction, Identity, Peers, Policy, PortMatch, PortSet, Ports, Rule};

use super::members::Members;
use super::population::{PeerId, Population};
use super::signature::{NamedPort, SetId, Signature, named_on_egress};

/// The different lists of peers that a policy's rules have.
#[derive(Debug)]
pub(super) struct PeerSets {
    /// The list of each rule; none where it is every peer.
    pub(super) of_rule: Vec<Option<SetId>>,
    /// The named ports that egress rules ask their peers for.
    asked: IndexSet<NamedPort, FxBuildHasher>,
    /// Those that egress rules with each list ask for, as places in `asked`.
    asked_of: Vec<BTreeSet<usize>>,
    /// The same for rules that match every peer.
    asked_of_any: BTreeSet<usize>,
    /// The peers that each list matches, in order.
    members: Vec<Vec<u32>>,
}

/// The classes of a population.
#[derive(Debug)]
pub(super) struct Classes {
    /// The signature of each class, by class; classes are in order of their first peer.
    pub(super) signatures: Vec<Signature>,
    /// The class of each peer.
    pub(super) of_peer: Vec<u32>,
    /// The classes that each list of peers matches, in order.
    pub(super) of_set: Vec<Vec<u32>>,
    /// The classes of hosts.
    pub(super) hosts: Vec<u32>,
    /// The classes that have a number for a port that some rule names.
    pub(super) with_ports: Vec<u32>,
}

impl PeerSets {
    pub(super) fn new(policy: &Policy, population: &Population) -> PeerSets {
        let index = || Members::new(population.iter().map(|(_, identity)| &**identity));
        let ((lists, sets), index) = join(|| PeerSets::nobody(policy), index);
        let members = |peers: &&Peers| match peers {
            Peers::Of(peers) => index.of_peers(policy, peers),
            Peers::Any => Vec::new(),
        };
        PeerSets { members: sets.par_iter().map(members).collect(), ..lists }
    }

    /// The lists of a policy, which match nobody yet.
    fn nobody(policy: &Policy) -> (PeerSets, Vec<&Peers>) {
        let mut sets: IndexSet<&Peers, FxBuildHasher> = IndexSet::default();
        let mut asked: IndexSet<NamedPort, FxBuildHasher> = IndexSet::default();
        let mut asked_of: Vec<BTreeSet<usize>> = Vec::new();
        let mut asked_of_any = BTreeSet::new();
        let mut of_rule = Vec::with_capacity(policy.rules.len());
        for rule in &policy.rules {
            let named = named_on_egress(rule).map(|port| asked.insert_full(port).0);
            let Peers::Of(_) = &rule.peers else {
                asked_of_any.extend(named);
                of_rule.push(None);
                continue;
            };
            let (set, new) = sets.insert_full(&rule.peers);
            if new {
                asked_of.push(BTreeSet::new());
            }
            asked_of[set].extend(named);
            of_rule.push(SetId::try_from(set).ok());
        }
        let lists = PeerSets { of_rule, asked, asked_of, asked_of_any, members: Vec::new() };
        (lists, sets.into_iter().collect())
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether a rule's list of peers matches anybody.
    pub(super) fn matches_anybody(&self, rule: RuleId) -> bool {
        self.of_rule[rule.index()].is_none_or(|set| !self.members[set as usize].is_empty())
    }

    fn signature(&self, sets: &[SetId], identity: &Identity) -> Signature {
        let asked = sets.iter().flat_map(|set| &self.asked_of[*set as usize]);
        Signature::new(sets.to_vec(), asked.chain(&self.asked_of_any), &self.asked, identity)
    }

    /// The places of the named ports that some rules ask their peers for.
    pub(super) fn asked_by<'r>(&self, rules: impl Iterator<Item = &'r Rule>) -> BTreeSet<usize> {
        rules.flat_map(named_on_egress).filter_map(|port| self.asked.get_index_of(&port)).collect()
    }

    /// The place of a named port.
    pub(super) fn place_of(&self, name: &PortName, protocol: Protocol) -> Option<usize> {
        self.asked.get_index_of(&(name.clone(), protocol))
    }
}

impl Classes {
    pub(super) fn new(sets: &PeerSets, population: &Population) -> Classes {
        let of_peers = by_peer(&sets.members, population.len());
        let peers: Vec<_> = population.iter().collect();
        let sign = |(peer, identity): &(PeerId, &Arc<Identity>)| {
            sets.signature(of_peers.get(peer.index()), identity)
        };
        let signed: Vec<Signature> = peers.par_iter().map(sign).collect();
        let mut classes: IndexSet<Signature, FxBuildHasher> = IndexSet::default();
        let class = |signature| u32::try_from(classes.insert_full(signature).0).unwrap_or(u32::MAX);
        let of_peer = signed.into_iter().map(class).collect();
        let signatures: Vec<Signature> = classes.into_iter().collect();
        let mut of_set = vec![Vec::new(); sets.len()];
        for (class, signature) in (0_u32..).zip(&signatures) {
            for set in &signature.sets {
                of_set[*set as usize].push(class);
            }
        }
        let having = |has: fn(&Signature) -> bool| {
            (0_u32..)
                .zip(&signatures)
                .filter(|(_, signature)| has(signature))
                .map(|(class, _)| class)
                .collect()
        };
        let hosts = having(|signature| signature.host);
        let with_ports = having(|signature| !signature.named.is_empty());
        Classes { hosts, with_ports, signatures, of_peer, of_set }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.signatures.len()
    }
}

/// The lists that match each peer, in order.
pub(crate) struct ByPeer {
    sets: Vec<SetId>,
    /// Where in `sets` those of each peer end.
    ends: Vec<usize>,
}

impl ByPeer {
    pub(crate) fn get(&self, peer: usize) -> &[SetId] {
        let start = peer.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.sets[start..self.ends[peer]]
    }
}

/// Turns the members of each list into the lists of each peer.
pub(crate) fn by_peer(members: &[Vec<u32>], peers: usize) -> ByPeer {
    let mut ends = vec![0; peers];
    members.iter().flatten().for_each(|peer| ends[*peer as usize] += 1);
    let mut all = 0;
    for end in &mut ends {
        let count = std::mem::replace(end, all);
        all += count;
    }
    // Each is the start of its peer's lists now, and goes up to their end.
    let mut sets = vec![0; all];
    for (set, members) in (0..).zip(members) {
        for peer in members {
            let end = &mut ends[*peer as usize];
            sets[*end] = set;
            *end += 1;
        }
    }
    ByPeer { sets, ends }
}

/// The numbers that the endpoint itself has for the named ports of ingress rules.
pub(crate) fn own_named_ports<'r>(
    rules: impl Iterator<Item = &'r Rule>,
    identity: &Identity,
) -> Vec<(NamedPort, u16)> {
    let asked =
        rules.filter(|rule| rule.direction == Direction::Ingress).flat_map(|rule| match &rule.ports {
            Ports::Of(ports) => ports.as_slice(),
            Ports::Any => &[],
        });
    let number = |port: &PortMatch| match &port.ports {
        PortSet::Named { name, .. } => {
            let (of, number) = identity.ports.get(name)?;
            (*of == port.protocol).then(|| ((name.clone(), port.protocol), *number))
        }
        PortSet::Range(_) => None,
    };
    asked.filter_map(number).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Numbers by name, as rules look them up.
pub(crate) type Numbers = FxHashMap<NamedPort, u16>;
