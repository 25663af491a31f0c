//! Every cell against the reference.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use rayon::prelude::*;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};
use sluice_ir::decision::{Decision, EndpointName, Outcome, Subject};
use sluice_ir::ids::{OriginId, PortClassId, RowId, RuleId, VerdictId};
use sluice_ir::net::{PortName, Protocol};
use sluice_ir::origin::Origin;
use sluice_ir::policy::eval::{Answer, Question, Verdict, eval_matching, peers_match};
use sluice_ir::policy::{Direction, Identity, Policy};

use super::groups::{Groups, Partition, names};
use super::in_force::InForce;
use super::ports::PortsAlike;
use super::{Proof, Refuted, WrongCell, decision};
use crate::classify::{Classified, Judged, PeerId, Population};

/// What the comparison works with.
pub(super) struct Comparison<'a> {
    pub(super) policy: &'a Policy,
    population: &'a Population,
    pub(super) classified: &'a Classified,
    pub(super) groups: &'a Groups<'a>,
}

/// One side of one endpoint.
pub(super) struct SideOf<'a> {
    name: &'a EndpointName,
    pub(super) identity: &'a Identity,
    subject: &'a Subject,
    pub(super) direction: Direction,
    pub(super) rules: &'a [RuleId],
}

impl SideOf<'_> {
    pub(super) fn question<'q>(
        &'q self,
        peer: &'q Identity,
        (protocol, port): (Protocol, u16),
    ) -> Question<'q> {
        Question { subject: self.identity, peer, direction: self.direction, protocol, port }
    }
}

/// Peers that the rules of one side cannot tell apart: an example, and the rows that they have in the table.
struct Alike {
    example: PeerId,
    /// The rules that match them, a bit for each.
    matching: Vec<u64>,
    host: bool,
    /// The place of their numbers for named ports among the different ones of the side.
    numbers: usize,
    rows: Vec<RowId>,
}

/// The cells of a large side are compared in parts of about so many pairs of peers and ports, side by side. It does not
/// depend on the number of threads, so that the same is asked everywhere.
const PART: usize = 1 << 14;

/// What the reference answered where some rules match both peer and port, with the verdicts of the table that were
/// found to agree, so that the same is not asked again.
type Answers = IndexMap<Vec<u64>, (Answer, Vec<VerdictId>), FxBuildHasher>;

/// Compares the tables of every endpoint.
pub(super) fn compare(
    policy: &Policy,
    population: &Population,
    judged: &[Judged],
    classified: &Classified,
    in_force: &InForce,
) -> Result<Proof, Refuted> {
    let subjects = subjects_by_name(&decision(classified).subjects);
    let groups = Groups::new(policy, population, in_force, classified);
    let comparison = Comparison { policy, population, classified, groups: &groups };
    // Endpoints with one table and all that `eval` sees of a subject in common are one question.
    let mut seen = IndexMap::<_, _, FxBuildHasher>::default();
    for (judged, place) in judged.iter().zip(&in_force.of_judged) {
        let subject = subjects.get(&judged.name).ok_or_else(|| Refuted::Subject(judged.name.clone()))?;
        let Identity { labels, ports, .. } = &*judged.identity;
        let reserved = (judged.identity.is_host(), labels.is_reserved("init"));
        seen.entry((*subject, &in_force.subjects[*place], reserved, ports)).or_insert((*place, judged));
    }
    let sides: Vec<_> = seen
        .into_iter()
        .flat_map(|((subject, ..), (place, judged))| {
            Direction::BOTH.map(|way| ((place, subject), judged, way))
        })
        .collect();
    let one = |((place, subject), judged, direction): &((usize, usize), &Judged, Direction)| {
        comparison.side(&SideOf {
            name: &judged.name,
            identity: &judged.identity,
            subject: &decision(classified).subjects[*subject],
            direction: *direction,
            rules: &in_force.subjects[*place][*direction],
        })
    };
    first_or_sum(sides.par_iter().map(one).collect())
}

/// All of it together, or of several differences the first, whichever thread found which.
fn first_or_sum(proofs: Vec<Result<Proof, Refuted>>) -> Result<Proof, Refuted> {
    proofs.into_iter().try_fold(Proof::default(), |all, proof| {
        let Proof { cells, evaluations, .. } = proof?;
        Ok(Proof { cells: all.cells + cells, evaluations: all.evaluations + evaluations, ..all })
    })
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
        let pieces: Vec<(Protocol, u16)> = self.pieces(side).into_iter().collect();
        // Only a named port means another number for another peer.
        let named = self.names_of_peers(side);
        let (numbers, places) = self.groups.numbers_for(&named);
        let peers = self.peers_alike(side, self.groups.partition(&named), &places);
        let mut examples: Vec<Option<PeerId>> = vec![None; numbers.len()];
        for Alike { numbers, example, .. } in &peers {
            examples[*numbers].get_or_insert(*example);
        }
        let ports = |example: &Option<PeerId>| {
            let example = example.map(|peer| self.population.identity(peer));
            example.map_or_else(Vec::new, |example| self.ports_alike(side, example, &pieces))
        };
        let ports: Vec<Vec<PortsAlike>> = examples.iter().map(ports).collect();
        let most = ports.iter().map(Vec::len).max().unwrap_or_default();
        let parts = peers.par_chunks((PART / most.max(1)).max(1));
        first_or_sum(parts.map(|peers| self.part(side, peers, &ports)).collect())
    }

    /// Compares the cells of some peers of a side. `ports` are those alike for each of the different numbers.
    fn part(&self, side: &SideOf<'_>, peers: &[Alike], ports: &[Vec<PortsAlike>]) -> Result<Proof, Refuted> {
        let mut proof = Proof::default();
        // For peers who are the host, and for others.
        let mut answers = [Answers::default(), Answers::default()];
        let mut both = vec![0_u64; side.rules.len().div_ceil(64)];
        for Alike { example, matching, host, numbers, rows } in peers {
            let peer = self.population.identity(*example);
            let answers = &mut answers[usize::from(*host)];
            for alike in &ports[*numbers] {
                let question = side.question(peer, alike.example);
                let bits = matching.iter().zip(&alike.matching);
                both.iter_mut().zip(bits).for_each(|(both, (peer, port))| *both = peer & port);
                let (answer, agreed) = known(answers, &both, || {
                    proof.evaluations += 1;
                    self.answer(side, &alike.matching, &question)
                });
                for row in rows {
                    proof.cells += alike.classes.len();
                    let mut classes = alike.classes.iter();
                    classes
                        .try_for_each(|class| self.cell(side, (*row, *class), &question, answer, agreed))?;
                }
            }
        }
        Ok(proof)
    }

    /// What the reference says where the ports of these rules match, which it was asked of a port that is alike. Their
    /// peers it is asked here.
    fn answer(&self, side: &SideOf<'_>, of_port: &[u64], question: &Question<'_>) -> Answer {
        let is = |at: &usize| of_port[at / 64] & (1 << (at % 64)) != 0;
        let rules = (0..side.rules.len()).filter(is).map(|at| side.rules[at]);
        let matching =
            rules.filter(|id| peers_match(self.policy, &self.policy.rule(*id).peers, question.peer));
        eval_matching(self.policy, side.rules, &matching.collect::<Vec<_>>(), question)
    }

    /// The ports that a side's rules ask its peers for by name.
    fn names_of_peers(&self, side: &SideOf<'_>) -> BTreeSet<&PortName> {
        let rules = side.rules.iter().map(|id| self.policy.rule(*id));
        let asks = rules.filter(|rule| rule.direction == Direction::Egress);
        asks.flat_map(|rule| names(&rule.ports)).collect()
    }

    /// Peers that the rules of a side cannot tell apart. `numbers` is the place of each peer's among the
    /// different ones of the side.
    fn peers_alike(&self, side: &SideOf<'_>, partition: &Partition, numbers: &[usize]) -> Vec<Alike> {
        let words = side.rules.len().div_ceil(64);
        let mut everyone = vec![0_u64; words];
        let mut bits = vec![0_u64; words * partition.groups.len()];
        for (at, id) in side.rules.iter().enumerate() {
            let (word, bit) = (at / 64, 1 << (at % 64));
            match self.groups.matching(partition, *id) {
                Some(matched) if matched.all => everyone[word] |= bit,
                Some(matched) => matched.groups.ones().for_each(|group| bits[group * words + word] |= bit),
                None => {}
            }
        }
        let row_of = self.rows(side);
        let mut places: FxHashMap<(&[u64], bool, usize), usize> = FxHashMap::default();
        // The places of those whom no rule names, which most are: by their numbers, and whether they are the host.
        let mut unnamed: FxHashMap<(bool, usize), usize> = FxHashMap::default();
        let mut found: Vec<Alike> = Vec::new();
        for (at, group) in partition.groups.iter().enumerate() {
            let own = &bits[at * words..(at + 1) * words];
            let (host, numbers) = (group.host, numbers[group.numbers]);
            let place = if own.iter().all(|word| *word == 0) {
                *unnamed.entry((host, numbers)).or_insert(found.len())
            } else {
                *places.entry((own, host, numbers)).or_insert(found.len())
            };
            if place == found.len() {
                let matching = own.iter().zip(&everyone).map(|(own, all)| own | all).collect();
                found.push(Alike { example: group.example, matching, host, numbers, rows: Vec::new() });
            }
            let row = row_of[group.class.index()];
            if !found[place].rows.contains(&row) {
                found[place].rows.push(row);
            }
        }
        found
    }

    /// The row of each class.
    fn rows(&self, side: &SideOf<'_>) -> Vec<RowId> {
        let table = &side.subject.tables[side.direction];
        let mut rows = vec![table.otherwise; decision(self.classified).classes.len()];
        for (class, row) in &table.rows {
            rows[class.index()] = *row;
        }
        rows
    }

    fn cell(
        &self,
        side: &SideOf<'_>,
        (row, class): (RowId, PortClassId),
        question: &Question<'_>,
        answer: &Answer,
        agreed: &mut Vec<VerdictId>,
    ) -> Result<(), Refuted> {
        let decision = decision(self.classified);
        let verdict = decision.sides[side.direction].rows[row.index()].0[class.index()];
        if agreed.contains(&verdict) {
            return Ok(());
        }
        let outcome = &decision.verdicts[verdict.index()];
        agrees_or_refutes(self.policy, decision, side.name, question, answer, Some(outcome))?;
        agreed.push(verdict);
        Ok(())
    }
}

/// Whether a table says what the reference says, for reasons that the reference gives too.
///
/// # Errors
///
/// It does not, or the endpoint has no table.
pub(crate) fn agrees_or_refutes(
    policy: &Policy,
    decision: &Decision,
    name: &EndpointName,
    question: &Question<'_>,
    answer: &Answer,
    outcome: Option<&Outcome>,
) -> Result<(), Refuted> {
    let outcome = outcome.ok_or_else(|| Refuted::Subject(name.clone()))?;
    if agree(policy, decision, outcome, answer) {
        return Ok(());
    }
    Err(Refuted::Cell(Box::new(WrongCell {
        subject: name.clone(),
        direction: question.direction,
        peer: question.peer.clone(),
        protocol: question.protocol,
        port: question.port,
        expected: answer.clone(),
        found: outcome.clone(),
    })))
}

/// The answer where these rules match, asked for if it is not known yet.
fn known<'a>(
    answers: &'a mut Answers,
    matching: &[u64],
    ask: impl FnOnce() -> Answer,
) -> &'a mut (Answer, Vec<VerdictId>) {
    let at = match answers.get_index_of(matching) {
        Some(at) => at,
        None => answers.insert_full(matching.to_vec(), (ask(), Vec::new())).0,
    };
    &mut answers[at]
}

fn agree(policy: &Policy, decision: &Decision, outcome: &Outcome, answer: &Answer) -> bool {
    let origins: FxHashSet<&Origin> = answer.rules.iter().map(|id| policy.origin(*id)).collect();
    let named = |origin: &OriginId| origins.contains(&decision.origins[origin.index()]);
    let l7 = |answer: &Answer| -> BTreeSet<_> {
        let redirects = answer.rules.iter().filter(|_| answer.verdict == Verdict::Redirect);
        redirects.filter_map(|id| policy.rule(*id).l7).map(|l7| policy.l7(l7)).collect()
    };
    (outcome.verdict, outcome.reason) == (answer.verdict, answer.reason)
        && (outcome.authentication, outcome.widened) == (answer.authentication, answer.widened)
        && outcome.origins.is_empty() == answer.rules.is_empty()
        && outcome.origins.iter().all(named)
        && outcome.l7.iter().map(|l7| &decision.l7[l7.index()]).collect::<BTreeSet<_>>() == l7(answer)
}
