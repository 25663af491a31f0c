//! How large a table may become, and who is to blame if it is larger.

use std::collections::BTreeMap;

use sluice_ir::origin::Origin;
use sluice_ir::policy::{Policy, Ports};

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
    /// The lines with the most ranges of ports, each with how many, the worst first.
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
        let worst: Vec<String> =
            self.blame.iter().map(|(origin, ranges)| format!("{origin} ({ranges} ranges)")).collect();
        format!(
            "write neighbouring ports as one range with `endPort`, and let rules for the same pods share their ports; the most distinct ports are at {}",
            worst.join(", ")
        )
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
        self.check(policy, Measure::Cells { rows, ports }, cells, self.cells)
    }

    pub(super) fn check_reasons(&self, policy: &Policy, reasons: usize) -> Result<(), TooLarge> {
        self.check(policy, Measure::Reasons, reasons, self.reasons)
    }

    fn check(&self, policy: &Policy, measure: Measure, count: usize, limit: usize) -> Result<(), TooLarge> {
        if count <= limit {
            return Ok(());
        }
        Err(TooLarge { measure, count, limit, blame: blame(policy) })
    }
}

/// The lines whose rules have the most ranges of ports.
fn blame(policy: &Policy) -> Vec<(Origin, usize)> {
    let mut ranges: BTreeMap<&Origin, usize> = BTreeMap::new();
    for (id, rule) in policy.rules() {
        if let Ports::Of(ports) = &rule.ports {
            *ranges.entry(policy.origin(id)).or_default() += ports.len();
        }
    }
    let mut ranges: Vec<(Origin, usize)> =
        ranges.into_iter().map(|(origin, n)| (origin.clone(), n)).collect();
    ranges.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    ranges.truncate(NAMED);
    ranges
}
