//! How large a table may become, and who is to blame if it is larger.

use std::collections::BTreeMap;

use sluice_ir::origin::Origin;
use sluice_ir::policy::{Peers, Policy, Ports, Rule};

use super::row::Outcomes;

/// How large a table may become before it is refused. A rule is never weakened to make it fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Cells of both directions: rows times classes of ports.
    pub cells: usize,
    /// Lines that verdicts name, all of them together.
    pub reasons: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { cells: 1 << 25, reasons: 1 << 24 }
    }
}

/// What there is too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Cells of the table.
    Cells {
        /// Rows of both directions.
        rows: usize,
        /// Classes of ports of both directions.
        ports: usize,
    },
    /// Lines that verdicts name.
    Reasons,
}

/// A table that would be larger than a limit allows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct TooLarge {
    /// What there is too much of.
    pub measure: Measure,
    /// How much.
    pub count: usize,
    /// How much may be.
    pub limit: usize,
    /// The lines that make most of it, each with how many ranges of ports or peers it names, or verdicts name it; the
    /// worst first.
    pub blame: Vec<(Origin, usize)>,
}

impl TooLarge {
    /// What happened.
    fn sentence(&self) -> String {
        let TooLarge { count, limit, .. } = self;
        match self.measure {
            Measure::Cells { rows, ports } => format!(
                "the table would have {count} cells ({rows} rows, {ports} classes of ports), and {limit} are allowed"
            ),
            Measure::Reasons => {
                format!("the verdicts would name {count} lines, and {limit} are allowed")
            }
        }
    }

    /// What to do about it.
    pub fn help(&self) -> String {
        let (advice, unit) = match self.measure {
            measure if measure.is_of_ports() => (
                "write neighbouring ports as one range with `endPort`, and let rules for the same pods share their ports; the most distinct ports are at",
                "ranges",
            ),
            Measure::Cells { .. } => (
                "select peers by fewer labels or prefixes, and let rules for the same pods share their peers; the most peers are at",
                "peers",
            ),
            Measure::Reasons => (
                "write rules that match the same traffic as one, or narrow their peers and ports; most often named are",
                "verdicts",
            ),
        };
        let worst: Vec<String> =
            self.blame.iter().map(|(origin, count)| format!("{origin} ({count} {unit})")).collect();
        format!("{advice} {}", worst.join(", "))
    }
}

impl Measure {
    /// Whether it is ports more than peers that make cells. Tables of usual rules have some ten rows for a class of
    /// ports, and each direction has one class where no rule tells ports apart.
    fn is_of_ports(self) -> bool {
        matches!(self, Measure::Cells { rows, ports } if ports > 2 && ports.saturating_mul(16) >= rows)
    }
}

/// Of the lines to blame this many are named.
const NAMED: usize = 5;

impl Limits {
    pub(super) fn check_cells(
        &self,
        policy: &Policy,
        cells: usize,
        rows: usize,
        ports: usize,
    ) -> Result<(), TooLarge> {
        let measure = Measure::Cells { rows, ports };
        let blame = || match measure.is_of_ports() {
            true => blame(policy, |rule| if let Ports::Of(ports) = &rule.ports { ports.len() } else { 0 }),
            false => blame(policy, |rule| if let Peers::Of(peers) = &rule.peers { peers.len() } else { 0 }),
        };
        self.check(measure, (cells, self.cells), blame)
    }

    /// Of the outcomes so far.
    pub(super) fn check_reasons(&self, policy: &Policy, outcomes: &[&Outcomes]) -> Result<(), TooLarge> {
        let reasons = outcomes.iter().map(|outcomes| outcomes.reasons()).sum();
        self.check(Measure::Reasons, (reasons, self.reasons), || {
            let named =
                outcomes.iter().flat_map(|outcomes| &outcomes.all).flat_map(|outcome| &outcome.origins);
            worst(named.map(|origin| (&policy.origins[origin.index()], 1)))
        })
    }

    fn check(
        &self,
        measure: Measure,
        (count, limit): (usize, usize),
        blame: impl Fn() -> Vec<(Origin, usize)>,
    ) -> Result<(), TooLarge> {
        if count <= limit { Ok(()) } else { Err(TooLarge { measure, count, limit, blame: blame() }) }
    }
}

/// The lines whose rules have the most of something.
fn blame(policy: &Policy, of: impl Fn(&Rule) -> usize) -> Vec<(Origin, usize)> {
    worst(policy.rules().map(|(id, rule)| (policy.origin(id), of(rule))))
}

/// The lines with the highest counts.
fn worst<'p>(counts: impl Iterator<Item = (&'p Origin, usize)>) -> Vec<(Origin, usize)> {
    let mut of_line: BTreeMap<&Origin, usize> = BTreeMap::new();
    for (origin, count) in counts.filter(|(_, count)| *count > 0) {
        *of_line.entry(origin).or_default() += count;
    }
    let mut lines: Vec<(Origin, usize)> =
        of_line.into_iter().map(|(origin, count)| (origin.clone(), count)).collect();
    lines.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    lines.truncate(NAMED);
    lines
}
