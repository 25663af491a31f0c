//! Classes of ports as coarse as the rows allow, and rows over them.

use std::hash::Hasher;

use rustc_hash::{FxHashMap, FxHashSet, FxHasher};

use super::number;
use crate::decision::{PortClasses, PortSpan, Row};
use crate::ids::{PortClassId, VerdictId};
use crate::net::PortRange;

/// The classes of ports of one direction.
pub(super) struct Columns {
    pub(super) ports: PortClasses,
    /// For each of them a class among those that came in.
    picked: Vec<usize>,
}

impl Columns {
    /// The coarsest classes that no row tells apart, numbered by first use.
    pub(super) fn new<'r>(
        ports: &PortClasses,
        rows: impl Iterator<Item = &'r Row>,
        verdicts: &[VerdictId],
    ) -> Columns {
        let mut equal = first_equal(ports.len(), rows, verdicts);
        let mut spans = ports.spans().to_vec();
        spans.sort_unstable();
        let listed: FxHashSet<_> = spans.iter().map(|span| span.protocol).collect();
        // With every protocol listed nothing is in `p0`, so nothing says what it is.
        if let (256, Some(first)) = (listed.len(), spans.first()) {
            equal[0] = equal[first.class.index()];
        }
        let spans = joined(&spans, &equal);
        let mut numbers = vec![usize::MAX; equal.len()];
        let mut picked = Vec::new();
        let mut number = |class: usize| {
            if numbers[class] == usize::MAX {
                numbers[class] = picked.len();
                picked.push(class);
            }
            PortClassId::new(numbers[class])
        };
        number(equal[0]);
        let renumbered = spans.into_iter().map(|span| PortSpan { class: number(span.class.index()), ..span });
        Columns { ports: PortClasses::new(renumbered.collect()), picked }
    }

    /// A row over these classes; `verdicts` are the new numbers of its cells.
    pub(super) fn pick(&self, row: &Row, verdicts: &[VerdictId]) -> Row {
        Row(self.picked.iter().map(|class| cell(row, *class, verdicts)).collect())
    }
}

fn cell(row: &Row, class: usize, verdicts: &[VerdictId]) -> VerdictId {
    let missing = VerdictId::new(usize::MAX);
    row.0.get(class).and_then(|id| verdicts.get(id.index()).copied()).unwrap_or(missing)
}

/// For each class the first one that has the same verdict in every row.
fn first_equal<'r>(
    classes: usize,
    rows: impl Iterator<Item = &'r Row>,
    verdicts: &[VerdictId],
) -> Vec<usize> {
    let rows: Vec<&Row> = rows.collect();
    let equal = |a, b| rows.iter().all(|row| cell(row, a, verdicts) == cell(row, b, verdicts));
    // Row by row, as rows are what lies together in memory; columns are walked only where it is likely
    // that they are equal.
    let mut hashers = vec![FxHasher::default(); classes];
    for row in &rows {
        for (class, hasher) in hashers.iter_mut().enumerate() {
            hasher.write_usize(cell(row, class, verdicts).index());
        }
    }
    let mut alike: FxHashMap<u64, Vec<usize>> = FxHashMap::default();
    let first = |(class, hasher): (usize, &FxHasher)| {
        let firsts = alike.entry(hasher.finish()).or_default();
        if let Some(first) = firsts.iter().find(|first| equal(**first, class)) {
            return *first;
        }
        firsts.push(class);
        class
    };
    hashers.iter().enumerate().map(first).collect()
}

/// Spans over the first of equal classes, neighbours of one class as one, without protocols that are wholly
/// in `p0`.
fn joined(spans: &[PortSpan], equal: &[usize]) -> Vec<PortSpan> {
    let mut joined: Vec<PortSpan> = Vec::with_capacity(spans.len());
    for span in spans {
        let span = PortSpan { class: PortClassId::new(number(equal, span.class.index())), ..*span };
        match joined.last_mut() {
            Some(last)
                if (last.protocol, last.class) == (span.protocol, span.class)
                    && last.range.end.checked_add(1) == Some(span.range.start) =>
            {
                last.range.end = span.range.end;
            }
            _ => joined.push(span),
        }
    }
    joined.retain(|span| span.range != PortRange::ALL || span.class.index() != equal[0]);
    joined
}
