//! Classes of ports as coarse as the rows allow, and rows over them.

use rustc_hash::{FxHashMap, FxHashSet};

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
    let mut columns: Vec<Vec<VerdictId>> = (0..classes).map(|_| Vec::with_capacity(rows.len())).collect();
    for row in rows {
        for (class, column) in columns.iter_mut().enumerate() {
            column.push(cell(row, class, verdicts));
        }
    }
    let mut first = FxHashMap::default();
    columns.iter().enumerate().map(|(class, column)| *first.entry(column).or_insert(class)).collect()
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
