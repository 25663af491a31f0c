//! Every cell against the reference.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use rustc_hash::FxHashMap;
use sluice_ir::decision::{EndpointName, Outcome, Subject};
use sluice_ir::ids::{OriginId, RowId};
use sluice_ir::net::{PortName, PortRange, Protocol};
use sluice_ir::policy::eval::{Answer, Question, Verdict, eval_among, ports_match};
use sluice_ir::policy::{Direction, Identity, PortMatch, PortSet, Ports, Policy, Rule};

use super::groups::{Groups, names};
use super::{Proof, Refuted, WrongCell, decision};
use crate::classify::{Classified, Judged, PeerId, Population};

/// What the comparison works with.
struct Comparison<'a> {
    policy: &'a Policy,
    population: &'a Population,
    classified: &'a Classified,
    groups: &'a Groups<'a>,
}

/// One side of one endpoint.
struct SideOf<'a> {
    name: &'a EndpointName,
    identity: &'a Identity,
    subject: &'a Subject,
    direction: Direction,
    rules: &'a [sluice_ir::ids::RuleId],
}

/// Peers of one group: an example, and the rows that its members have in the table.
struct Group {
    example: PeerId,
    rows: BTreeSet<RowId>,
}

/// What a subject's rules can see of a peer.
type LocalKey = (Vec<u64>, bool, Vec<Option<(Protocol, u16)>>);

/// Compares the tables of every endpoint.
pub(super) fn compare(
    policy: &Policy,
    population: &Population,
    judged: &[Judged],
    classified: &Classified,
    groups: &Groups<'_>,
) -> Result<Proof, Refuted> {
    let subjects = subjects_by_name(&decision(classified).subjects);
    let comparison = Comparison { policy, population, classified, groups };
    // Endpoints with one identity and one table are one question.
    let mut seen: BTreeMap<(usize, usize), &Judged> = BTreeMap::new();
    for (judged, place) in judged.iter().zip(&groups.of_judged) {
        let subject = subjects.get(&judged.name).ok_or_else(|| Refuted::Subject(judged.name.clone()))?;
        seen.entry((*place, *subject)).or_insert(judged);
    }
    let sides: Vec<_> = seen
        .into_iter()
        .flat_map(|(key, judged)| [Direction::Ingress, Direction::Egress].map(|way| (key, judged, way)))
        .collect();
    let one = |((place, subject), judged, direction): &((usize, usize), &Judged, Direction)| {
        comparison.side(&SideOf {
            name: &judged.name,
            identity: &judged.identity,
            subject: &decision(classified).subjects[*subject],
            direction: *direction,
            rules: &groups.subjects[*place][*direction],
        })
    };
    let sum = |a: Proof, b: Proof| Proof {
        cells: a.cells + b.cells,
        evaluations: a.evaluations + b.evaluations,
        ..Proof::default()
    };
    sides.par_iter().map(one).try_reduce(Proof::default, |a, b| Ok(sum(a, b)))
}

fn subjects_by_name(subjects: &[Subject]) -> BTreeMap<&EndpointName, usize> {
    let of = |(at, subject)| {
        let subject: &Subject = subject;
        subject.endpoints.iter().map(move |endpoint| (endpoint, at))
    };
    subjects.iter().enumerate().flat_map(of).collect()
}

impl Comparison<'_> {
    fn side(&self, side: &SideOf<'_>) -> Result<Proof, Refuted> {
        let mut proof = Proof::default();
        let pieces = self.pieces(side);
        for group in self.groups_of(side) {
            let peer = self.population.identity(group.example);
            let mut known: FxHashMap<Vec<bool>, Answer> = FxHashMap::default();
            for (protocol, port) in &pieces {
                let question = Question {
                    subject: side.identity,
                    peer,
                    direction: side.direction,
                    protocol: *protocol,
                    port: *port,
                };
                let ports = side.rules.iter().map(|id| ports_match(&self.policy.rule(*id).ports, &question));
                let answer = known.entry(ports.collect()).or_insert_with(|| {
                    proof.evaluations += 1;
                    eval_among(self.policy, side.rules, &question)
                });
                for row in &group.rows {
                    proof.cells += 1;
                    self.cell(side, *row, &question, answer)?;
                }
            }
        }
        Ok(proof)
    }

    /// Peers that the rules of a side cannot tell apart.
    fn groups_of(&self, side: &SideOf<'_>) -> Vec<Group> {
        let rules = || side.rules.iter().map(|id| self.policy.rule(*id));
        let named: BTreeSet<&PortName> = match side.direction {
            Direction::Egress => rules().flat_map(|rule| names(&rule.ports)).collect(),
            Direction::Ingress => BTreeSet::new(),
        };
        let mut relevant = vec![0_u64; self.groups.sets.len().div_ceil(64)];
        for set in rules().filter_map(|rule| self.groups.sets.get_index_of(&rule.peers)) {
            relevant[set / 64] |= 1 << (set % 64);
        }
        let mut groups: FxHashMap<LocalKey, usize> = FxHashMap::default();
        let mut found: Vec<Group> = Vec::new();
        for (peer, identity) in self.population.iter() {
            let bits = self.groups.bits[peer.index()].iter().zip(&relevant).map(|(own, of)| own & of);
            let numbers = named.iter().map(|name| identity.ports.get(*name).copied());
            let key = (bits.collect(), identity.is_host(), numbers.collect());
            let at = *groups.entry(key).or_insert(found.len());
            if at == found.len() {
                found.push(Group { example: peer, rows: BTreeSet::new() });
            }
            found[at].rows.insert(side.subject.tables[side.direction].row(self.classified.class(peer)));
        }
        found
    }

    /// A port of every stretch in which neither a rule of the side nor the table has an edge, and one of a
    /// protocol that nobody mentions.
    fn pieces(&self, side: &SideOf<'_>) -> BTreeSet<(Protocol, u16)> {
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
        let silent = (0..=u8::MAX).map(Protocol).find(|protocol| {
            pieces.range((*protocol, 0)..=(*protocol, u16::MAX)).next().is_none()
        });
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
                        edge(*protocol, PortRange { start: *number, end: end.unwrap_or(*number).max(*number) });
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

    fn cell(&self, side: &SideOf<'_>, row: RowId, question: &Question<'_>, answer: &Answer) -> Result<(), Refuted> {
        let decision = decision(self.classified);
        let of_side = &decision.sides[side.direction];
        let class = of_side.ports.class(question.protocol, question.port);
        let outcome = &decision.verdicts[of_side.rows[row.index()].0[class.index()].index()];
        if self.agree(outcome, answer) {
            return Ok(());
        }
        Err(Refuted::Cell(Box::new(WrongCell {
            subject: side.name.clone(),
            direction: side.direction,
            peer: question.peer.clone(),
            protocol: question.protocol,
            port: question.port,
            expected: answer.clone(),
            found: outcome.clone(),
        })))
    }

    /// Whether the table says what the reference says, for reasons that the reference gives too.
    fn agree(&self, outcome: &Outcome, answer: &Answer) -> bool {
        let decision = decision(self.classified);
        let origins = || answer.rules.iter().map(|id| self.policy.origin(*id));
        let named = |origin: &OriginId| origins().any(|of| *of == decision.origins[origin.index()]);
        let l7 = |answer: &Answer| -> BTreeSet<_> {
            let redirects = answer.rules.iter().filter(|_| answer.verdict == Verdict::Redirect);
            redirects.filter_map(|id| self.policy.rule(*id).l7).map(|l7| self.policy.l7(l7)).collect()
        };
        (outcome.verdict, outcome.reason) == (answer.verdict, answer.reason)
            && (outcome.authentication, outcome.widened) == (answer.authentication, answer.widened)
            && outcome.origins.is_empty() == answer.rules.is_empty()
            && outcome.origins.iter().all(named)
            && outcome.l7.iter().map(|l7| &decision.l7[l7.index()]).collect::<BTreeSet<_>>() == l7(answer)
    }
}
