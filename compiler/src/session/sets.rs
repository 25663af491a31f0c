//! The lists of peers that rules in force have, and which of them match a peer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use indexmap::IndexSet;
use rayon::prelude::*;
use rustc_hash::{FxBuildHasher, FxHashMap};
use sluice_ir::dns_name::{Asker, LearnedName};
use sluice_ir::policy::eval::peers_match;
use sluice_ir::policy::{Identity, Peer, Peers, Policy, Rule};
use sluice_ir::selector::{Operator, Selector};

use crate::classify::Population;
use crate::classify::classes::by_peer;
use crate::classify::members::Members;
use crate::classify::signature::{NamedPort, SetId, Signature, named_on_egress};

/// Lists of peers, each once, while a rule in force has it.
#[derive(Debug, Default)]
pub(super) struct Sets {
    ids: FxHashMap<Peers, SetId>,
    states: Vec<State>,
    /// Named ports that egress rules ask their peers for.
    pub(super) asked: IndexSet<NamedPort, FxBuildHasher>,
    /// Those that rules for every peer ask for, with how many rules do.
    asked_of_any: BTreeMap<usize, u32>,
    finder: Finder,
    /// The lists that match a name, of names that were looked up before.
    by_name: FxHashMap<LearnedName, Vec<SetId>>,
}

/// So many names are remembered.
const MOST_NAMES: usize = 65_536;

/// One list.
#[derive(Debug)]
struct State {
    peers: Peers,
    /// How many rules in force have it.
    rules: u32,
    /// The named ports that egress rules with it ask for, with how many do.
    asked: BTreeMap<usize, u32>,
}

/// Whom a rule in force is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum About {
    /// Every peer.
    Everyone,
    /// Those that a list matches.
    Members(SetId),
}

/// What a rule that came or went means for peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Touched {
    /// Nothing.
    Nobody,
    /// Those that match this list may be in another class now.
    Members {
        /// The list, which may be in force no more.
        set: SetId,
        /// Whether their numbers for named ports can be of use now that were not before, or the other way round.
        asks: bool,
    },
    /// A rule for every peer began or ceased to ask for a named port.
    Everyone,
}

/// Where to look for the lists that can match a peer.
#[derive(Debug, Default)]
struct Finder {
    /// Lists with a selector that wants one of some values for a key.
    by_label: FxHashMap<Arc<str>, FxHashMap<Arc<str>, BTreeSet<SetId>>>,
    /// Lists with a selector that names no value.
    by_nothing: BTreeSet<SetId>,
    /// Lists with a prefix.
    by_address: BTreeSet<SetId>,
    /// Lists with a name, by whose it is.
    by_name: BTreeMap<Option<Asker>, BTreeSet<SetId>>,
}

impl About {
    /// Whether it is about peers that some lists match; these come in order.
    pub(super) fn matches(self, sets: &[SetId]) -> bool {
        match self {
            About::Everyone => true,
            About::Members(set) => sets.binary_search(&set).is_ok(),
        }
    }
}

impl Sets {
    /// A rule comes into force. Gives whom it is about, and who is touched.
    pub(super) fn add(&mut self, policy: &Policy, rule: &Rule) -> (About, Touched) {
        let Peers::Of(peers) = &rule.peers else {
            return (About::Everyone, self.ask_of_any(rule, true));
        };
        let known = self.ids.get(&rule.peers).copied();
        let set = known.unwrap_or_else(|| {
            let set = self.states.len() as SetId;
            self.states.push(State { peers: rule.peers.clone(), rules: 0, asked: BTreeMap::new() });
            self.ids.insert(rule.peers.clone(), set);
            self.finder.note(policy, peers, set, true);
            self.by_name.clear();
            set
        });
        self.states[set as usize].rules += 1;
        let asks = self.ask(set, rule, true);
        (
            About::Members(set),
            if known.is_none() || asks { Touched::Members { set, asks } } else { Touched::Nobody },
        )
    }

    /// A rule is no longer in force.
    pub(super) fn remove(&mut self, policy: &Policy, rule: &Rule) -> Touched {
        let Peers::Of(peers) = &rule.peers else { return self.ask_of_any(rule, false) };
        let Some(set) = self.ids.get(&rule.peers).copied() else { return Touched::Nobody };
        let asks = self.ask(set, rule, false);
        let state = &mut self.states[set as usize];
        state.rules -= 1;
        if state.rules > 0 {
            return if asks { Touched::Members { set, asks } } else { Touched::Nobody };
        }
        self.finder.note(policy, peers, set, false);
        self.ids.remove(&rule.peers);
        self.by_name.clear();
        Touched::Members { set, asks }
    }

    /// How many lists there are and were.
    pub(super) fn len(&self) -> usize {
        self.states.len()
    }

    /// Whether a list is in force.
    pub(super) fn is_live(&self, set: SetId) -> bool {
        self.states[set as usize].rules > 0
    }

    /// A list, which may be in force no more.
    pub(super) fn peers(&self, set: SetId) -> &[Peer] {
        self.states[set as usize].peers.listed()
    }

    /// Whether a list has a name, so that it matches who is not there before somebody asks for it.
    pub(super) fn is_about_names(&self, set: SetId) -> bool {
        self.peers(set).iter().any(|peer| matches!(peer, Peer::Name { .. }))
    }

    /// Whether a list matches a peer.
    pub(super) fn matches(&self, policy: &Policy, set: SetId, identity: &Identity) -> bool {
        self.is_live(set) && peers_match(policy, &self.states[set as usize].peers, identity)
    }

    /// The lists that match a peer, in order.
    pub(super) fn matching(&self, policy: &Policy, identity: &Identity) -> Vec<SetId> {
        let mut candidates: Vec<SetId> = self.finder.by_nothing.iter().copied().collect();
        for label in identity.labels.iter() {
            let lists = self.finder.by_label.get(&label.key).and_then(|values| values.get(&label.value));
            candidates.extend(lists.into_iter().flatten());
        }
        if identity.address.is_some() {
            candidates.extend(&self.finder.by_address);
        }
        for name in &identity.names {
            candidates.extend(self.finder.by_name.get(&name.by).into_iter().flatten());
        }
        candidates.sort_unstable();
        candidates.dedup();
        candidates.retain(|set| self.matches(policy, *set, identity));
        candidates
    }

    /// What rules can see of each peer of a population: the lists that match are found list by list, and not peer
    /// by peer.
    pub(super) fn signatures_of(&self, policy: &Policy, population: &Population) -> Vec<Signature> {
        let members = Members::new(population.iter().map(|(_, identity)| &**identity));
        let of_list = |set: usize| members.of_peers(policy, self.peers(set as SetId));
        let lists: Vec<Vec<u32>> = (0..self.len()).into_par_iter().map(of_list).collect();
        let lists = by_peer(&lists, population.len());
        let identities: Vec<&Arc<Identity>> = population.iter().map(|(_, identity)| identity).collect();
        let signature =
            |(peer, identity): (usize, &&Arc<Identity>)| self.signature(lists.get(peer).to_vec(), identity);
        identities.par_iter().enumerate().map(signature).collect()
    }

    /// The lists that match a name, whatever the address; remembered until lists change.
    pub(super) fn of_name(&mut self, policy: &Policy, name: &LearnedName) -> &[SetId] {
        let Sets { by_name, finder, states, .. } = self;
        if by_name.len() >= MOST_NAMES {
            by_name.clear();
        }
        by_name.entry(name.clone()).or_insert_with(|| {
            let known = Identity { names: vec![name.clone()], ..Identity::default() };
            let matches = |set: &&SetId| match &states[**set as usize].peers {
                Peers::Any => true,
                Peers::Of(peers) => peers.iter().any(|peer| {
                    matches!(peer, Peer::Name { .. })
                        && sluice_ir::policy::eval::peer_matches(policy, peer, &known)
                }),
            };
            finder.by_name.get(&name.by).into_iter().flatten().filter(matches).copied().collect()
        })
    }

    /// What rules can see of a peer that these lists match.
    pub(super) fn signature(&self, sets: Vec<SetId>, identity: &Identity) -> Signature {
        // Whoever has no named ports need not be asked for any.
        let asked = self.asked_by(&sets).take_while(|_| !identity.ports.is_empty());
        let asked: Vec<usize> = asked.copied().collect();
        Signature::new(sets, asked.iter(), &self.asked, identity)
    }

    /// The named ports for which rules with these lists ask, and rules about every peer.
    fn asked_by(&self, sets: &[SetId]) -> impl Iterator<Item = &usize> {
        let asked = sets.iter().flat_map(|set| self.states[*set as usize].asked.keys());
        asked.chain(self.asked_of_any.keys())
    }

    /// What rules can see of some peers, all or none of them the host, that these lists match: most often the same.
    pub(super) fn signatures<'i, P: Copy>(
        &self,
        sets: Vec<SetId>,
        peers: &[P],
        identity: impl Fn(P) -> &'i Arc<Identity>,
    ) -> Vec<(Signature, Vec<P>)> {
        let asked: BTreeSet<usize> = self.asked_by(&sets).copied().collect();
        let signature = |sets, peer| Signature::new(sets, asked.iter(), &self.asked, identity(peer));
        match peers {
            [] => Vec::new(),
            [first, ..] if asked.is_empty() || peers.len() == 1 => {
                vec![(signature(sets, *first), peers.to_vec())]
            }
            _ => {
                let mut found: BTreeMap<Signature, Vec<P>> = BTreeMap::new();
                for peer in peers {
                    found.entry(signature(sets.clone(), *peer)).or_default().push(*peer);
                }
                found.into_iter().collect()
            }
        }
    }

    fn ask(&mut self, set: SetId, rule: &Rule, comes: bool) -> bool {
        let places: Vec<usize> = named_on_egress(rule).map(|port| self.asked.insert_full(port).0).collect();
        let asked = &mut self.states[set as usize].asked;
        count_all(asked, places, comes)
    }

    fn ask_of_any(&mut self, rule: &Rule, comes: bool) -> Touched {
        let places: Vec<usize> = named_on_egress(rule).map(|port| self.asked.insert_full(port).0).collect();
        if count_all(&mut self.asked_of_any, places, comes) { Touched::Everyone } else { Touched::Nobody }
    }
}

/// Counts each thing up or down; whether one is new or gone.
fn count_all<K: Ord>(counts: &mut BTreeMap<K, u32>, keys: Vec<K>, up: bool) -> bool {
    let mut news = false;
    for key in keys {
        news |= count(counts, key, up);
    }
    news
}

/// Counts a thing up or down; whether it is new or gone.
fn count<K: Ord>(counts: &mut BTreeMap<K, u32>, key: K, up: bool) -> bool {
    match counts.entry(key) {
        std::collections::btree_map::Entry::Vacant(entry) => {
            if up {
                entry.insert(1);
            }
            up
        }
        std::collections::btree_map::Entry::Occupied(mut entry) => {
            *entry.get_mut() = if up { *entry.get() + 1 } else { *entry.get() - 1 };
            let gone = *entry.get() == 0;
            if gone {
                entry.remove();
            }
            gone
        }
    }
}

impl Finder {
    /// Lists a new list, or takes an old one off.
    fn note(&mut self, policy: &Policy, peers: &[Peer], set: SetId, comes: bool) {
        let put = |sets: &mut BTreeSet<SetId>| if comes { sets.insert(set) } else { sets.remove(&set) };
        for peer in peers {
            match peer {
                Peer::Cidr { .. } => {
                    put(&mut self.by_address);
                }
                Peer::Name { by, .. } => {
                    put(self.by_name.entry(by.clone()).or_default());
                }
                Peer::Labels { selector, .. } => match anchor(policy.selector(*selector)) {
                    None => {
                        put(&mut self.by_nothing);
                    }
                    Some((key, values)) => {
                        let of_key = self.by_label.entry(Arc::clone(key)).or_default();
                        for value in values {
                            put(of_key.entry(Arc::clone(value)).or_default());
                        }
                    }
                },
            }
        }
    }
}

/// The key and values of a requirement without which a selector does not match: of several the one with
/// the fewest values.
fn anchor(selector: &Selector) -> Option<(&Arc<str>, &[Arc<str>])> {
    let wanted = selector.requirements().iter().filter_map(|requirement| match &requirement.operator {
        Operator::In(values) => Some((&requirement.key, &values[..])),
        _ => None,
    });
    wanted.min_by_key(|(_, values)| values.len())
}
