//! Ports that no rule of a side can tell apart, by the reference's own functions.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use rayon::prelude::*;
use rustc_hash::{FxBuildHasher, FxHashMap};
use sluice_ir::ids::PortClassId;
use sluice_ir::net::{PortRange, Protocol};
use sluice_ir::policy::eval::ports_match;
use sluice_ir::policy::{Direction, Identity, PortMatch, PortSet, Ports, Rule};

use super::cells::{Comparison, SideOf};
use super::decision;

/// Ports that the rules of one side cannot tell apart: an example, and the classes that they have in the table.
pub(super) struct PortsAlike {
    pub(super) example: (Protocol, u16),
    /// The rules that match them, a bit for each.
    pub(super) matching: Vec<u64>,
    pub(super) classes: BTreeSet<PortClassId>,
}

/// Lists of ports that a side's rules have, each with its rules: many have the same.
type Lists<'p> = IndexMap<&'p Ports, Vec<u64>, FxBuildHasher>;

/// So many stretches of ports are looked at in one go, and others beside them.
const STRETCHES: usize = 512;

/// Ports by the rules that match them, in the order in which they were found.
#[derive(Default)]
struct Found {
    places: FxHashMap<Vec<u64>, usize>,
    ports: Vec<PortsAlike>,
}

impl Found {
    fn add(&mut self, PortsAlike { example, matching, classes }: PortsAlike) {
        match self.places.get(&matching) {
            Some(place) => self.ports[*place].classes.extend(classes),
            None => {
                self.places.insert(matching.clone(), self.ports.len());
                self.ports.push(PortsAlike { example, matching, classes });
            }
        }
    }
}

impl Comparison<'_> {
    /// Ports that the rules of a side cannot tell apart, asked of each rule for a port of each stretch.
    pub(super) fn ports_alike(
        &self,
        side: &SideOf<'_>,
        peer: &Identity,
        pieces: &[(Protocol, u16)],
    ) -> Vec<PortsAlike> {
        let words = side.rules.len().div_ceil(64);
        let mut lists = Lists::default();
        for (at, id) in side.rules.iter().enumerate() {
            let rules = lists.entry(&self.policy.rule(*id).ports).or_insert_with(|| vec![0; words]);
            rules[at / 64] |= 1 << (at % 64);
        }
        let classes = &decision(self.classified).sides[side.direction].ports;
        let alike = |piece: &(Protocol, u16)| {
            let question = side.question(peer, *piece);
            let mut matching = vec![0; words];
            for (_, rules) in lists.iter().filter(|(ports, _)| ports_match(ports, &question)) {
                matching.iter_mut().zip(rules).for_each(|(all, these)| *all |= these);
            }
            let classes = BTreeSet::from([classes.class(piece.0, piece.1)]);
            PortsAlike { example: *piece, matching, classes }
        };
        let group = |pieces: &[(Protocol, u16)]| {
            let mut found = Found::default();
            pieces.iter().for_each(|piece| found.add(alike(piece)));
            found.ports
        };
        let groups: Vec<Vec<PortsAlike>> = pieces.par_chunks(STRETCHES).map(group).collect();
        let mut found = Found::default();
        groups.into_iter().flatten().for_each(|ports| found.add(ports));
        found.ports
    }

    /// A port of every stretch in which neither a rule of the side nor the table has an edge, and one of a
    /// protocol that nobody mentions.
    pub(super) fn pieces(&self, side: &SideOf<'_>) -> BTreeSet<(Protocol, u16)> {
        let mut pieces = BTreeSet::new();
        let mut edge = |protocol: Protocol, range: PortRange| {
            pieces.extend([(protocol, 0), (protocol, range.start)]);
            pieces.extend(range.end.checked_add(1).map(|behind| (protocol, behind)));
        };
        for span in decision(self.classified).sides[side.direction].ports.spans() {
            edge(span.protocol, span.range);
        }
        for rule in side.rules.iter().map(|id| self.policy.rule(*id)) {
            self.edges(side, rule, &mut edge);
        }
        let silent = (0..=u8::MAX)
            .map(Protocol)
            .find(|protocol| pieces.range((*protocol, 0)..=(*protocol, u16::MAX)).next().is_none());
        pieces.extend(silent.map(|protocol| (protocol, 0)));
        pieces
    }

    fn edges(&self, side: &SideOf<'_>, rule: &Rule, edge: &mut impl FnMut(Protocol, PortRange)) {
        let Ports::Of(ports) = &rule.ports else { return };
        for PortMatch { protocol, ports } in ports {
            match (ports, side.direction) {
                (PortSet::Range(range), _) => edge(*protocol, *range),
                (PortSet::Named { name, end }, Direction::Ingress) => {
                    if let Some((_, number)) = side.identity.ports.get(name) {
                        edge(
                            *protocol,
                            PortRange { start: *number, end: end.unwrap_or(*number).max(*number) },
                        );
                    }
                }
                (PortSet::Named { name, .. }, Direction::Egress) => {
                    for number in self.groups.numbers_of(name) {
                        edge(*protocol, PortRange::single(*number));
                    }
                }
            }
        }
    }
}
