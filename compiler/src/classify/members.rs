//! Which identities a selector, a prefix or a name picks, without asking each of them.
//!
//! Every identity is listed under its labels, its address and its names. A selector's members are those who are
//! in the lists of each of its requirements; of these lists the shortest is gone through, and the others are asked
//! for whoever is there. A requirement that lists do not answer is held against the labels themselves.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use fixedbitset::FixedBitSet;
use rustc_hash::FxHashMap;
use sluice_ir::dns_name::{Asker, DnsName, LearnedName};
use sluice_ir::label::LabelSource;
use sluice_ir::net::Cidr;
use sluice_ir::policy::eval::peer_matches;
use sluice_ir::policy::{Identity, Peer, Policy};
use sluice_ir::prefix_map::PrefixMap;
use sluice_ir::selector::{Operator, Requirement, Selector};

/// Identities by place, listed under what selectors ask for.
#[derive(Debug, Default)]
pub(crate) struct Members<'i> {
    identities: Vec<&'i Identity>,
    everyone: Places,
    by_label: FxHashMap<&'i str, OfKey<'i>>,
    by_address: Vec<(IpAddr, u32)>,
    /// By whose names they are, and by name.
    by_name: BTreeMap<&'i Option<Asker>, BTreeMap<&'i DnsName, Vec<u32>>>,
}

/// Some identities: in order, and as a bit for each where they are many, so that it is quick to ask for one.
#[derive(Debug, Default)]
struct Places {
    list: Vec<u32>,
    bits: Option<FixedBitSet>,
}

/// Who has a label of one key.
#[derive(Debug)]
struct OfKey<'i> {
    all: Places,
    by_value: FxHashMap<&'i str, Places>,
    /// The source of all these labels; none if they have several.
    source: Option<&'i LabelSource>,
}

/// What lists say about a requirement.
struct Answer<'m> {
    /// Everyone who meets it is in one of these, and nobody in two.
    lists: Vec<&'m Places>,
    /// Whether everyone there meets it.
    exact: bool,
}

impl Places {
    /// Lists of more than one identity in so many are kept as bits too: so few are, that all of them together take no
    /// more memory than the lists.
    const MANY: usize = 32;

    fn add_bits(&mut self, all: usize) {
        if self.list.len() * Places::MANY > all {
            self.bits = Some(self.list.iter().map(|place| *place as usize).collect());
        }
    }

    fn hold(&self, place: u32) -> bool {
        match &self.bits {
            Some(bits) => bits.contains(place as usize),
            None => self.list.binary_search(&place).is_ok(),
        }
    }
}

impl Answer<'_> {
    fn count(&self) -> usize {
        self.lists.iter().map(|places| places.list.len()).sum()
    }

    fn hold(&self, place: u32) -> bool {
        self.lists.iter().any(|places| places.hold(place))
    }
}

impl<'i> Members<'i> {
    /// Lists identities; a place is the position in the iterator.
    pub(crate) fn new(identities: impl IntoIterator<Item = &'i Identity>) -> Members<'i> {
        let mut members = Members::default();
        for (place, identity) in (0_u32..).zip(identities) {
            members.identities.push(identity);
            members.everyone.list.push(place);
            for label in identity.labels.iter() {
                let new = || OfKey::of(&label.source);
                let of_key = members.by_label.entry(&*label.key).or_insert_with(new);
                of_key.source = of_key.source.filter(|source| **source == label.source);
                of_key.all.list.push(place);
                of_key.by_value.entry(&*label.value).or_default().list.push(place);
            }
            members.by_address.extend(identity.address.map(|address| (address, place)));
            for LearnedName { name, by } in &identity.names {
                members.by_name.entry(by).or_default().entry(name).or_default().push(place);
            }
        }
        members.by_address.sort_unstable();
        let all = members.identities.len();
        #[allow(clippy::iter_over_hash_type, reason = "each list is looked at by itself")]
        for of_key in members.by_label.values_mut() {
            of_key.all.add_bits(all);
            of_key.by_value.values_mut().for_each(|places| places.add_bits(all));
        }
        members
    }

    /// The places of the identities that a selector matches, in order.
    pub(crate) fn of_selector(&self, selector: &Selector) -> Vec<u32> {
        let asked = selector.requirements().iter().map(|requirement| (requirement, self.answer(requirement)));
        let asked: Vec<(&Requirement, Option<Answer<'_>>)> = asked.collect();
        let answers = asked.iter().enumerate().filter_map(|(at, (_, answer))| Some((at, answer.as_ref()?)));
        let fewest = answers.min_by_key(|(_, answer)| answer.count());
        let meets = |(requirement, answer): &(&Requirement, Option<Answer<'_>>), place: u32| match answer {
            Some(answer) if answer.exact => answer.hold(place),
            _ => requirement.matches(&self.identities[place as usize].labels),
        };
        let lists = fewest.map_or(vec![&self.everyone], |(_, answer)| answer.lists.clone());
        let known = fewest.filter(|(_, answer)| answer.exact).map(|(at, _)| at);
        let others = || asked.iter().enumerate().filter(|(at, _)| Some(*at) != known).map(|(_, asked)| asked);
        let all = |place: &u32| others().all(|asked| meets(asked, *place));
        let mut found: Vec<u32> = lists.iter().flat_map(|places| &places.list).copied().filter(all).collect();
        if lists.len() > 1 {
            found.sort_unstable();
        }
        found
    }

    /// Lists that hold everyone who meets a requirement; none if those who lack the label meet it too.
    fn answer(&self, requirement: &Requirement) -> Option<Answer<'_>> {
        let of_key = self.by_label.get(&*requirement.key);
        let lists = match &requirement.operator {
            Operator::In(values) => {
                let of_value = |value: &Arc<str>| of_key?.by_value.get(&**value);
                values.iter().filter_map(of_value).collect()
            }
            Operator::Exists => of_key.map(|of_key| &of_key.all).into_iter().collect(),
            Operator::NotIn(_) | Operator::DoesNotExist => return None,
        };
        let source = &requirement.source;
        let exact = *source == LabelSource::Any || of_key.is_none_or(|of_key| of_key.source == Some(source));
        Some(Answer { lists, exact })
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
                Peer::Name { pattern, by } => {
                    let Some(names) = self.by_name.get(by) else { continue };
                    match pattern.exact_name() {
                        Some(name) => found.extend(names.get(name).into_iter().flatten()),
                        None => {
                            let named = names.iter().filter(|(name, _)| pattern.matches(name));
                            found.extend(named.flat_map(|(_, places)| places));
                        }
                    }
                }
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

impl<'i> OfKey<'i> {
    /// Nobody yet.
    fn of(source: &'i LabelSource) -> OfKey<'i> {
        OfKey { all: Places::default(), by_value: FxHashMap::default(), source: Some(source) }
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
