//! What rules about names let pass to an address, and nothing else would.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use sluice_ir::dns_name::DnsName;
use sluice_ir::ids::{OriginId, RuleId, VerdictId};
use sluice_ir::net::{PortRange, Protocol};
use sluice_ir::policy::eval::{Verdict, peers_match};
use sluice_ir::policy::{Direction, Identity};

use super::who::Unit;
use crate::Compiled;
use crate::classify::row::{Circumstances, Outcomes, PortFunction, row};
use crate::compare::Traffic;

/// Traffic, and the lines that let it pass.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Passing {
    pub(super) traffic: Vec<Traffic>,
    pub(super) lines: Vec<OriginId>,
}

/// What passes, remembered by the rules that match.
pub(super) struct Passes<'c> {
    compiled: &'c Compiled,
    view: Option<&'c str>,
    outcomes: Outcomes,
    /// By the rules that match with the name and without, and by the verdict where none does.
    known: BTreeMap<(Vec<RuleId>, Vec<RuleId>, VerdictId), Passing>,
}

impl<'c> Passes<'c> {
    pub(super) fn new(compiled: &'c Compiled, view: Option<&'c str>) -> Passes<'c> {
        Passes { compiled, view, outcomes: Outcomes::default(), known: BTreeMap::new() }
    }

    /// What a unit may send to an address because it is known for a name.
    pub(super) fn by_name(&mut self, unit: &Unit, address: IpAddr, name: &DnsName) -> Passing {
        // Pods and nodes keep their own identity (semantics.md 3.6, 5.1).
        if self.compiled.inventory.owner(address).is_some() {
            return Passing::default();
        }
        let nameless = self.nameless(address);
        let named = Identity { names: vec![name.clone().into()], ..nameless.clone() };
        let (with, without) = (self.matching(unit, &named), self.matching(unit, &nameless));
        if with == without {
            return Passing::default();
        }
        let fallback = self.fallback(unit);
        let key = (with, without, fallback);
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let (with, without) = (self.function(&key.0, fallback), self.function(&key.1, fallback));
        let passing = self.difference(&with, &without);
        self.known.insert(key, passing.clone());
        passing
    }

    /// Whether a unit may send anything to an address, whatever it is called.
    pub(super) fn by_address(&mut self, unit: &Unit, address: IpAddr) -> bool {
        let nameless = self.nameless(address);
        let (matching, fallback) = (self.matching(unit, &nameless), self.fallback(unit));
        let function = self.function(&matching, fallback);
        let said = function.stretches.iter().map(|(_, _, verdict)| *verdict).chain([function.otherwise]);
        said.collect::<Vec<_>>().into_iter().any(|verdict| self.passes(verdict))
    }

    fn nameless(&self, address: IpAddr) -> Identity {
        let identity = self.compiled.inventory.identity_of(address, self.view);
        Identity { names: Vec::new(), ..identity }
    }

    fn matching(&self, unit: &Unit, peer: &Identity) -> Vec<RuleId> {
        let policy = &self.compiled.policy;
        let matches = |id: &RuleId| peers_match(policy, &policy.rule(*id).peers, peer);
        unit.rules().iter().copied().filter(matches).collect()
    }

    fn fallback(&mut self, unit: &Unit) -> VerdictId {
        unit.key.fallbacks(&self.compiled.policy, Direction::Egress, &mut self.outcomes)[0]
    }

    fn function(&mut self, rules: &[RuleId], fallback: VerdictId) -> PortFunction {
        let circumstances = Circumstances { fallback, direction: Direction::Egress };
        // Whoever is outside has no named ports.
        row(&self.compiled.policy, rules, circumstances, &|_, _| None, &mut self.outcomes)
    }

    fn passes(&self, verdict: VerdictId) -> bool {
        self.outcomes.all[verdict.index()].verdict != Verdict::Deny
    }

    /// What passes with the name and not without, and by which lines.
    fn difference(&self, with: &PortFunction, without: &PortFunction) -> Passing {
        let differs = |with: VerdictId, without: VerdictId| self.passes(with) && !self.passes(without);
        let mut lines: BTreeSet<OriginId> = BTreeSet::new();
        let mut note = |verdict: VerdictId| lines.extend(&self.outcomes.all[verdict.index()].origins);
        let mut starts: BTreeMap<Protocol, BTreeSet<u16>> = BTreeMap::new();
        for (protocol, range, _) in with.stretches.iter().chain(&without.stretches) {
            starts.entry(*protocol).or_default().insert(range.start);
        }
        let mut traffic = Vec::new();
        if differs(with.otherwise, without.otherwise) {
            note(with.otherwise);
            traffic.push(Traffic::AllBut(starts.keys().copied().collect()));
        }
        for (protocol, starts) in starts {
            let starts: Vec<u16> = starts.into_iter().collect();
            let mut ranges: Vec<PortRange> = Vec::new();
            for (at, start) in starts.iter().enumerate() {
                let end = starts.get(at + 1).map_or(u16::MAX, |next| next - 1);
                let (here, before) = (with.at(protocol, *start), without.at(protocol, *start));
                if !differs(here, before) {
                    continue;
                }
                note(here);
                match ranges.last_mut() {
                    Some(last) if last.end.checked_add(1) == Some(*start) => last.end = end,
                    _ => ranges.push(PortRange { start: *start, end }),
                }
            }
            traffic.extend(ranges.into_iter().map(|range| Traffic::Ports(protocol, range)));
        }
        Passing { traffic, lines: lines.into_iter().collect() }
    }
}
