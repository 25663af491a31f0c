//! Ports that no rule of a side can tell apart, by the reference's own functions.

use std::collections::BTreeSet;
use std::ops::Range;

use indexmap::IndexMap;
use rayon::prelude::*;
use rustc_hash::{FxBuildHasher, FxHashMap};
use sluice_ir::ids::PortClassId;
use sluice_ir::net::{PortRange, Protocol};
use sluice_ir::policy::eval::{named_range, port_matches};
use sluice_ir::policy::{Direction, Identity, PortMatch, PortSet, Ports, Rule};

use super::cells::{Comparison, SideOf};
use super::decision;

/// Ports that the rules of one side cannot tell apart: an example, and the classes that they have in the table.
pub(super) struct PortsAlike {
    pub(super) example: (Protocol, u16),
    /// The rules that match them, a bit for each.
    pub(super) matching: Vec<u64>,
    /// In order, each once.
    pub(super) classes: Vec<PortClassId>,
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

    fn into_ports(mut self) -> Vec<PortsAlike> {
        for PortsAlike { classes, .. } in &mut self.ports {
            classes.sort_unstable();
            classes.dedup();
        }
        self.ports
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
        let group = |pieces: &[(Protocol, u16)]| {
            let mut found = Found::default();
            for (piece, matching) in pieces.iter().zip(matching(side, peer, &lists, pieces)) {
                let classes = vec![classes.class(piece.0, piece.1)];
                found.add(PortsAlike { example: *piece, matching, classes });
            }
            found.into_ports()
        };
        let groups: Vec<Vec<PortsAlike>> = pieces.par_chunks(STRETCHES).map(group).collect();
        let mut found = Found::default();
        groups.into_iter().flatten().for_each(|ports| found.add(ports));
        found.into_ports()
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

/// The rules that match each of some stretches, by a port of it.
fn matching(
    side: &SideOf<'_>,
    peer: &Identity,
    lists: &Lists<'_>,
    pieces: &[(Protocol, u16)],
) -> Vec<Vec<u64>> {
    let mut matching = vec![vec![0_u64; side.rules.len().div_ceil(64)]; pieces.len()];
    for (ports, rules) in lists {
        let mut add = |at: usize| matching[at].iter_mut().zip(rules).for_each(|(all, these)| *all |= these);
        match ports {
            Ports::Any => (0..pieces.len()).for_each(add),
            Ports::Of(ports) => ports.iter().for_each(|port| {
                let matches = |at: &usize| port_matches(port, &side.question(peer, pieces[*at]));
                asked(side, peer, port, pieces).filter(matches).for_each(&mut add);
            }),
        }
    }
    matching
}

/// The stretches of which a list's range or name is asked: those that it can match, and one on either side. It has no
/// edge in the others, so that it says of each what it says of these.
fn asked(side: &SideOf<'_>, peer: &Identity, port: &PortMatch, pieces: &[(Protocol, u16)]) -> Range<usize> {
    let Some(range) = named_range(port, &side.question(peer, (port.protocol, 0))) else { return 0..0 };
    let first = pieces.partition_point(|piece| *piece < (port.protocol, range.start));
    let behind = pieces.partition_point(|piece| *piece <= (port.protocol, range.end));
    first.saturating_sub(1)..(behind + 1).min(pieces.len())
}
