//! The table of one subject and direction: a row for each class of peers.

use indexmap::IndexSet;
use rustc_hash::{FxBuildHasher, FxHashMap};
use sluice_ir::ids::RuleId;
use sluice_ir::net::{PortName, Protocol};
use sluice_ir::policy::{Direction, Policy};

use super::classes::{Classes, Numbers, PeerSets};
use super::row::{self, Circumstances, Outcomes, PortFunction};
use super::signature::Signature;
use super::subjects::SubjectKey;

/// A table before its rows are numbered: rows are functions of the port.
#[derive(Debug)]
pub(crate) struct RawTable {
    /// The row of peers that no rule names.
    pub(crate) otherwise: PortFunction,
    /// Other rows, each with its classes in order.
    pub(crate) rows: Vec<(PortFunction, Vec<u32>)>,
}

/// What tables are made from.
pub(super) struct Maker<'a> {
    pub(super) policy: &'a Policy,
    pub(super) sets: &'a PeerSets,
    pub(super) classes: &'a Classes,
}

/// Which of a subject's rules match a class, one bit each; then the numbers of named ports and whether the
/// peer is let in as the host, as far as they matter.
pub(super) type LocalKey = (Box<[u64]>, Vec<(usize, u16)>, bool);

impl Maker<'_> {
    /// The table of a subject.
    pub(crate) fn table(
        &self,
        subject: &SubjectKey,
        direction: Direction,
        outcomes: &mut Outcomes,
    ) -> RawTable {
        let rules = subject.judging(direction);
        let [closed, open] = subject.fallbacks(self.policy, direction, outcomes);
        let groups = self.groups(rules, open != closed);
        let own: Numbers = subject.named.iter().cloned().collect();
        let mut make = |key: &LocalKey| {
            let fallback = if key.2 { open } else { closed };
            let circumstances = Circumstances { fallback, direction };
            let number = |name: &PortName, protocol| self.number(key, direction, &own, name, protocol);
            row::row(self.policy, &self.matching(rules, key), circumstances, &number, outcomes)
        };
        let nobody = (self.mask_of_any(rules), Vec::new(), false);
        let otherwise = make(&nobody);
        let mut rows: Vec<(PortFunction, Vec<u32>)> = Vec::new();
        for (key, classes) in groups {
            let function = make(&key);
            if function != otherwise {
                rows.push((function, classes));
            }
        }
        RawTable { otherwise, rows }
    }

    /// The rules that match every peer, as bits.
    pub(super) fn mask_of_any(&self, rules: &[RuleId]) -> Box<[u64]> {
        let mut mask = vec![0; rules.len().div_ceil(64)].into_boxed_slice();
        for (at, rule) in rules.iter().enumerate() {
            if self.sets.of_rule[rule.index()].is_none() {
                mask[at / 64] |= 1 << (at % 64);
            }
        }
        mask
    }

    /// Classes by what this subject's rules can see of them; those that no rule names are left out.
    pub(super) fn groups(&self, rules: &[RuleId], host_matters: bool) -> Vec<(LocalKey, Vec<u32>)> {
        let words = rules.len().div_ceil(64);
        let any = self.mask_of_any(rules);
        let asked = self.sets.asked_by(rules.iter().map(|rule| self.policy.rule(*rule)));
        let mut masks = vec![0_u64; words * self.classes.len()];
        let mut seen = vec![false; self.classes.len()];
        let mut touched: Vec<u32> = Vec::new();
        let mut touch = |class: u32| {
            if !std::mem::replace(&mut seen[class as usize], true) {
                touched.push(class);
            }
        };
        for (at, rule) in rules.iter().enumerate() {
            let Some(set) = self.sets.of_rule[rule.index()] else { continue };
            for class in &self.classes.of_set[set as usize] {
                masks[*class as usize * words + at / 64] |= 1 << (at % 64);
                touch(*class);
            }
        }
        // Rules for every peer tell peers apart too: by the numbers of their ports, and the host from others.
        self.classes.hosts.iter().filter(|_| host_matters).for_each(|class| touch(*class));
        self.classes.with_ports.iter().filter(|_| !asked.is_empty()).for_each(|class| touch(*class));
        // Keys are looked up where they lie: a key of its own is only made for each group.
        let mut numbers: IndexSet<Vec<(usize, u16)>, FxBuildHasher> = IndexSet::default();
        let mut places: FxHashMap<(&[u64], usize, bool), usize> = FxHashMap::default();
        let mut groups: Vec<(LocalKey, Vec<u32>)> = Vec::new();
        for class in touched {
            let Signature { named, host, .. } = &self.classes.signatures[class as usize];
            let named = named.iter().filter(|(place, _)| asked.contains(place)).copied().collect();
            let (number, host) = (numbers.insert_full(named).0, host_matters && *host);
            let own = &masks[class as usize * words..(class as usize + 1) * words];
            let place = *places.entry((own, number, host)).or_insert(groups.len());
            if place == groups.len() {
                let mask = own.iter().zip(&any).map(|(own, any)| own | any).collect();
                groups.push(((mask, numbers[number].clone(), host), Vec::new()));
            }
            groups[place].1.push(class);
        }
        groups
    }

    /// Those of a subject's rules whose peers match, in order.
    pub(super) fn matching(&self, rules: &[RuleId], (mask, ..): &LocalKey) -> Vec<RuleId> {
        let matches = |at: &usize| mask[at / 64] & (1 << (at % 64)) != 0;
        (0..rules.len()).filter(matches).map(|at| rules[at]).collect()
    }

    /// What a named port stands for: the subject's own on ingress, the peer's on egress.
    pub(super) fn number(
        &self,
        (_, named, _): &LocalKey,
        direction: Direction,
        own: &Numbers,
        name: &PortName,
        protocol: Protocol,
    ) -> Option<u16> {
        match direction {
            Direction::Ingress => own.get(&(name.clone(), protocol)).copied(),
            Direction::Egress => {
                let place = self.sets.place_of(name, protocol)?;
                named.iter().find(|(at, _)| *at == place).map(|(_, number)| *number)
            }
        }
    }
}
