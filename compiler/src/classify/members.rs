//! Which identities a selector, a prefix or a name picks, without asking each of them.
//!
//! Every identity is listed under its labels, its address and its names. A selector's members are found
//! under that one of its requirements that names the fewest candidates, and each candidate is then held
//! against the whole selector; so an index can make this faster and never wrong.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use sluice_ir::dns_name::DnsName;
use sluice_ir::net::Cidr;
use sluice_ir::policy::eval::peer_matches;
use sluice_ir::policy::{Identity, Peer, Policy};
use sluice_ir::prefix_map::PrefixMap;
use sluice_ir::selector::{Operator, Requirement, Selector};

/// Identities by place, listed under what selectors ask for.
#[derive(Debug, Default)]
pub(crate) struct Members<'i> {
    identities: Vec<&'i Identity>,
    everyone: Vec<u32>,
    by_label: FxHashMap<&'i str, OfKey<'i>>,
    by_address: Vec<(IpAddr, u32)>,
    by_name: BTreeMap<&'i DnsName, Vec<u32>>,
}

/// Who has a label of one key.
#[derive(Debug, Default)]
struct OfKey<'i> {
    all: Vec<u32>,
    by_value: FxHashMap<&'i str, Vec<u32>>,
}

impl<'i> Members<'i> {
    /// Lists identities; a place is the position in the iterator.
    pub(crate) fn new(identities: impl IntoIterator<Item = &'i Identity>) -> Members<'i> {
        let mut members = Members::default();
        for (place, identity) in (0_u32..).zip(identities) {
            members.identities.push(identity);
            members.everyone.push(place);
            for label in identity.labels.iter() {
                let of_key = members.by_label.entry(&*label.key).or_default();
                of_key.all.push(place);
                of_key.by_value.entry(&*label.value).or_default().push(place);
            }
            members.by_address.extend(identity.address.map(|address| (address, place)));
            for name in &identity.names {
                members.by_name.entry(name).or_default().push(place);
            }
        }
        members.by_address.sort_unstable();
        members
    }

    /// The places of the identities that a selector matches, in order.
    pub(crate) fn of_selector(&self, selector: &Selector) -> Vec<u32> {
        let lists = selector.requirements().iter().filter_map(|requirement| self.candidates(requirement));
        let fewest = lists.min_by_key(|lists| lists.iter().map(|list| list.len()).sum::<usize>());
        let fewest = fewest.unwrap_or_else(|| vec![&self.everyone]);
        let matches = |place: &u32| selector.matches(&self.identities[*place as usize].labels);
        let mut found: Vec<u32> = fewest.into_iter().flatten().copied().filter(matches).collect();
        found.sort_unstable();
        found
    }

    /// Lists that hold everyone who meets a requirement; none if those who lack the label meet it too.
    fn candidates(&self, requirement: &Requirement) -> Option<Vec<&Vec<u32>>> {
        let of_key = self.by_label.get(&*requirement.key);
        match &requirement.operator {
            Operator::In(values) => {
                let of_value = |value: &Arc<str>| of_key?.by_value.get(&**value);
                Some(values.iter().filter_map(of_value).collect())
            }
            Operator::Exists => Some(of_key.map(|of_key| &of_key.all).into_iter().collect()),
            Operator::NotIn(_) | Operator::DoesNotExist => None,
        }
    }

    /// The places of the identities that one of these peers matches, in order.
    pub(crate) fn of_peers(&self, policy: &Policy, peers: &[Peer]) -> Vec<u32> {
        let mut found: Vec<u32> = Vec::new();
        for peer in peers {
            match peer {
                Peer::Labels { selector, except } => {
                    let selected = self.of_selector(policy.selector(*selector));
                    let except = Exceptions::new(except);
                    found.extend(selected.into_iter().filter(|place| {
                        !self.identities[*place as usize].address.is_some_and(|address| except.hold(address))
                    }));
                }
                Peer::Cidr { cidr, except } => {
                    let except = Exceptions::new(except);
                    let inside = self.inside(*cidr).iter().filter(|(address, _)| !except.hold(*address));
                    found.extend(inside.map(|(_, place)| place));
                }
                Peer::Name(pattern) => match pattern.exact_name() {
                    Some(name) => found.extend(self.by_name.get(name).into_iter().flatten()),
                    None => {
                        let named = self.by_name.iter().filter(|(name, _)| pattern.matches(name));
                        found.extend(named.flat_map(|(_, places)| places));
                    }
                },
            }
        }
        found.sort_unstable();
        found.dedup();
        debug_assert!(found.iter().all(|place| {
            peers.iter().any(|peer| peer_matches(policy, peer, self.identities[*place as usize]))
        }));
        found
    }

    /// The identities whose address lies in a prefix: a stretch of the sorted list.
    fn inside(&self, cidr: Cidr) -> &[(IpAddr, u32)] {
        let from = self.by_address.partition_point(|(address, _)| *address < cidr.address());
        let length = self.by_address[from..].partition_point(|(address, _)| cidr.contains(*address));
        &self.by_address[from..from + length]
    }
}

/// The exceptions of a prefix: looked through while they are few, looked up when they are many.
enum Exceptions<'p> {
    Few(&'p [Cidr]),
    Many(PrefixMap<()>),
}

impl Exceptions<'_> {
    const FEW: usize = 8;

    fn new(except: &[Cidr]) -> Exceptions<'_> {
        if except.len() <= Exceptions::FEW {
            return Exceptions::Few(except);
        }
        Exceptions::Many(except.iter().map(|cidr| (*cidr, ())).collect())
    }

    fn hold(&self, address: IpAddr) -> bool {
        match self {
            Exceptions::Few(except) => except.iter().any(|cidr| cidr.contains(address)),
            Exceptions::Many(except) => except.lookup(address).is_some(),
        }
    }
}
