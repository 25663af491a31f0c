//! Rows: what a set of rules says about every protocol and port.
//!
//! A row is kept as a function of the port, in stretches that end where some rule's ports do, until all
//! rows are known and their ports can be put into classes.

use std::collections::BTreeMap;

use indexmap::IndexSet;
use rustc_hash::{FxBuildHasher, FxHashMap};
use sluice_ir::decision::{Outcome, PortClasses, PortSpan};
use sluice_ir::ids::{L7Id, OriginId, PortClassId, RuleId, VerdictId};
use sluice_ir::net::{PortName, PortRange, Protocol};
use sluice_ir::policy::eval::{Reason, Verdict, rule_verdict};
use sluice_ir::policy::{Direction, Policy, PortMatch, PortSet, Ports, Proxy, Tier};

/// What a row says, as a function of protocol and port: a verdict, or whatever else follows from the rules
/// that match.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PortFunction<V = VerdictId> {
    /// For protocols that no stretch is about.
    pub(crate) otherwise: V,
    /// Stretches in order; a protocol that has any is covered whole.
    pub(crate) stretches: Vec<(Protocol, PortRange, V)>,
}

/// Verdicts, each once.
#[derive(Debug, Default)]
pub(crate) struct Outcomes {
    pub(crate) all: IndexSet<Outcome, FxBuildHasher>,
    /// The verdict of a set of matching rules, where one of their tiers decides.
    of_rules: FxHashMap<Box<[RuleId]>, Option<VerdictId>>,
    /// How many lines all verdicts name, and how many rules the keys above: what memory goes by.
    reasons: usize,
}

/// What a row depends on beside the rules that match.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circumstances {
    /// The verdict where no rule matches.
    pub(crate) fallback: VerdictId,
    /// Which way.
    pub(crate) direction: Direction,
}

impl Outcomes {
    /// The place of a verdict.
    fn intern(&mut self, outcome: Outcome) -> VerdictId {
        let lines = outcome.origins.len();
        let (at, new) = self.all.insert_full(outcome);
        self.reasons += if new { lines } else { 0 };
        VerdictId::new(at)
    }

    /// How many lines all verdicts name, those included that are known of sets of rules.
    pub(crate) fn reasons(&self) -> usize {
        self.reasons
    }

    /// The verdict of a step that no rule decides.
    pub(crate) fn step(&mut self, reason: Reason, origins: Vec<OriginId>) -> VerdictId {
        let verdict = if reason == Reason::DefaultDeny { Verdict::Deny } else { Verdict::Allow };
        let (authentication, widened, l7, proxy) = (None, false, Vec::new(), None);
        self.intern(Outcome { verdict, reason, authentication, widened, origins, l7, proxy })
    }

    /// The verdict of the rules that match, if they decide: the first tier that has one of them does.
    fn of_rules(&mut self, policy: &Policy, matching: &[RuleId]) -> Option<VerdictId> {
        if let Some(known) = self.of_rules.get(matching) {
            return *known;
        }
        let outcome = Tier::ORDER.iter().find_map(|tier| {
            let rules = matching.iter().copied().filter(|rule| policy.rule(*rule).tier == *tier);
            tier_outcome(policy, &rules.collect::<Vec<_>>())
        });
        let verdict = outcome.map(|outcome| self.intern(outcome));
        self.reasons += matching.len();
        self.of_rules.insert(matching.into(), verdict);
        verdict
    }
}

/// Deny before redirect before allow (semantics.md 4.3).
fn tier_outcome(policy: &Policy, rules: &[RuleId]) -> Option<Outcome> {
    let of = |verdict| {
        let is = move |rule: &&RuleId| rule_verdict(policy.rule(**rule)) == verdict;
        rules.iter().filter(is)
    };
    let has = |verdict| of(verdict).next().is_some();
    let verdict = [Verdict::Deny, Verdict::Redirect, Verdict::Allow].into_iter().find(|v| has(*v))?;
    let mut origins: Vec<OriginId> = of(verdict).map(|rule| policy.rule(*rule).origin).collect();
    origins.sort_unstable();
    origins.dedup();
    let mut l7: Vec<L7Id> = Vec::new();
    if verdict == Verdict::Redirect {
        l7.extend(of(verdict).filter_map(|rule| policy.rule(*rule).l7));
        l7.sort_unstable();
        l7.dedup();
    }
    let authentication = match verdict {
        Verdict::Deny => None,
        _ => rules.iter().filter_map(|rule| policy.rule(*rule).authentication).max(),
    };
    let widened = verdict == Verdict::Redirect && has(Verdict::Allow);
    let proxy = Proxy::of(l7.iter().map(|id| policy.l7(*id)));
    Some(Outcome { verdict, reason: Reason::Rules, authentication, widened, origins, l7, proxy })
}

/// A port where a rule begins or ceases to match.
type Edge = (Protocol, u32, RuleId, bool);

/// The row of the rules whose peers match. `number` is what a named port stands for here.
pub(crate) fn row(
    policy: &Policy,
    matching: &[RuleId],
    circumstances: Circumstances,
    number: &dyn Fn(&PortName, Protocol) -> Option<u16>,
    outcomes: &mut Outcomes,
) -> PortFunction {
    let verdict_of = |rules: &[RuleId]| match outcomes.of_rules(policy, rules) {
        Some(verdict) => verdict,
        None => circumstances.fallback,
    };
    function(policy, matching, circumstances.direction, number, verdict_of)
}

/// What follows, port by port, from those of some rules that match there.
pub(super) fn function<V: Copy + PartialEq>(
    policy: &Policy,
    matching: &[RuleId],
    direction: Direction,
    number: &dyn Fn(&PortName, Protocol) -> Option<u16>,
    mut value_of: impl FnMut(&[RuleId]) -> V,
) -> PortFunction<V> {
    let mut edges: Vec<Edge> = Vec::new();
    let mut always: Vec<RuleId> = Vec::new();
    for id in matching {
        match &policy.rule(*id).ports {
            Ports::Any => always.push(*id),
            Ports::Of(ports) => {
                let ranges = ports.iter().filter_map(|port| resolved(port, direction, number));
                for (protocol, range) in ranges {
                    edges.push((protocol, u32::from(range.start), *id, true));
                    edges.push((protocol, u32::from(range.end) + 1, *id, false));
                }
            }
        }
    }
    let otherwise = value_of(&always);
    edges.sort_unstable();
    let mut stretches = Vec::new();
    for of_protocol in edges.chunk_by(|a, b| a.0 == b.0) {
        sweep(of_protocol, &always, &mut value_of, otherwise, &mut stretches);
    }
    PortFunction { otherwise, stretches }
}

/// Goes through the edges of one protocol and notes what holds between them.
fn sweep<V: Copy + PartialEq>(
    edges: &[Edge],
    always: &[RuleId],
    value_of: &mut dyn FnMut(&[RuleId]) -> V,
    otherwise: V,
    stretches: &mut Vec<(Protocol, PortRange, V)>,
) {
    // How many ranges of a rule hold: one rule's ranges can overlap.
    let mut open: BTreeMap<RuleId, u32> = always.iter().map(|rule| (*rule, 1)).collect();
    let before = stretches.len();
    let mut note = |protocol, start: u32, end: u32, value| {
        let (Ok(start), Ok(end)) = (u16::try_from(start), u16::try_from(end - 1)) else { return };
        match stretches.get_mut(before..).and_then(<[_]>::last_mut) {
            Some((_, range, last)) if *last == value => range.end = end,
            _ => stretches.push((protocol, PortRange { start, end }, value)),
        }
    };
    let mut from = 0;
    let mut holding = otherwise;
    let Some(protocol) = edges.first().map(|edge| edge.0) else { return };
    for here in edges.chunk_by(|a, b| a.1 == b.1) {
        let at = here[0].1;
        if at > from {
            note(protocol, from, at, holding);
            from = at;
        }
        for (_, _, rule, begins) in here {
            let count = open.entry(*rule).or_default();
            *count = if *begins { *count + 1 } else { *count - 1 };
            if *count == 0 {
                open.remove(rule);
            }
        }
        holding = value_of(&open.keys().copied().collect::<Vec<_>>());
    }
    if from <= u32::from(u16::MAX) {
        note(protocol, from, u32::from(u16::MAX) + 1, holding);
    }
    // A protocol about which nothing else is said than about all others needs no stretch.
    if stretches[before..].iter().all(|(_, _, value)| *value == otherwise) {
        stretches.truncate(before);
    }
}

/// The numbers of a port match; none for a name that nobody has (semantics.md 4.8, 12.1).
fn resolved(
    port: &PortMatch,
    direction: Direction,
    number: &dyn Fn(&PortName, Protocol) -> Option<u16>,
) -> Option<(Protocol, PortRange)> {
    let range = match &port.ports {
        PortSet::Range(range) => *range,
        PortSet::Named { name, end } => {
            let start = number(name, port.protocol)?;
            let end = end.filter(|_| direction == Direction::Ingress).unwrap_or(start).max(start);
            PortRange { start, end }
        }
    };
    Some((port.protocol, range))
}

impl PortFunction {
    /// Whether it says the same about all ports of each class.
    pub(crate) fn is_constant_on(&self, classes: &PortClasses) -> bool {
        let spans = classes.spans();
        // A protocol that is listed is listed whole, so that where no span begins one goes on.
        let fits = |(protocol, range, says): &(Protocol, PortRange, VerdictId)| match spans
            .binary_search_by_key(&(*protocol, range.start), |span| (span.protocol, span.range.start))
        {
            Ok(_) => true,
            Err(_) if spans.binary_search_by_key(protocol, |span| span.protocol).is_ok() => false,
            Err(_) => *says == self.otherwise,
        };
        let mut said: Vec<Option<VerdictId>> = vec![None; classes.len()];
        said[0] = Some(self.otherwise);
        let mut along = self.along(spans);
        self.stretches.iter().all(fits)
            && along.all(|(class, says)| *said[class.index()].get_or_insert(says) == says)
    }

    /// What it says about the first port of each of some spans, which are in order.
    pub(crate) fn along(&self, spans: &[PortSpan]) -> impl Iterator<Item = (PortClassId, VerdictId)> {
        let mut at = 0;
        spans.iter().map(move |span| {
            let behind = |(of, range, _): &&(Protocol, PortRange, VerdictId)| {
                (*of, range.end) < (span.protocol, span.range.start)
            };
            at += self.stretches[at..].iter().take_while(behind).count();
            match self.stretches.get(at) {
                Some((of, _, verdict)) if *of == span.protocol => (span.class, *verdict),
                _ => (span.class, self.otherwise),
            }
        })
    }

    /// The same with a verdict in the place of another. It must not have it yet: stretches stay apart.
    pub(crate) fn replacing(&self, verdict: VerdictId, by: VerdictId) -> PortFunction {
        let now = |says: VerdictId| if says == verdict { by } else { says };
        PortFunction {
            otherwise: now(self.otherwise),
            stretches: self.stretches.iter().map(|(of, range, says)| (*of, *range, now(*says))).collect(),
        }
    }

    /// What it says about a port.
    pub(crate) fn at(&self, protocol: Protocol, port: u16) -> VerdictId {
        let after = self.stretches.partition_point(|(of, range, _)| (*of, range.start) <= (protocol, port));
        match after.checked_sub(1).map(|at| self.stretches[at]) {
            Some((of, _, verdict)) if of == protocol => verdict,
            _ => self.otherwise,
        }
    }
}
