//! Ports into classes: two ports are in one class when no row of the direction tells them apart.
//!
//! This is the coarsest partition for which every row is constant on each class. It is found by refinement:
//! at first all stretches between the edges of any row are one class, and each row splits off those
//! about which it says something else than about the rest.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;
use sluice_ir::decision::{PortClasses, PortSpan, Row};
use sluice_ir::ids::{PortClassId, VerdictId};
use sluice_ir::net::{PortRange, Protocol};

use super::row::PortFunction;

/// A stretch of ports in which no row has an edge.
type Piece = (Protocol, PortRange);

/// The classes of the ports of some rows.
pub(crate) fn port_classes<'f>(functions: impl Iterator<Item = &'f PortFunction> + Clone) -> PortClasses {
    let pieces = pieces(functions.clone());
    let mut of_piece = vec![0_usize; pieces.len()];
    let mut classes = 1;
    for function in functions {
        refine(function, &pieces, &mut of_piece, &mut classes);
    }
    number(&pieces, &of_piece)
}

/// The stretches between the edges of all rows.
fn pieces<'f>(functions: impl Iterator<Item = &'f PortFunction>) -> Vec<Piece> {
    let stretches = functions.flat_map(|function| &function.stretches);
    let starts: BTreeSet<(Protocol, u16)> =
        stretches.map(|(protocol, range, _)| (*protocol, range.start)).collect();
    let starts: Vec<(Protocol, u16)> = starts.into_iter().collect();
    let end = |at: usize| match starts.get(at + 1) {
        Some((protocol, next)) if *protocol == starts[at].0 => next - 1,
        _ => u16::MAX,
    };
    let piece = |(at, (protocol, start)): (usize, &(Protocol, u16))| {
        (*protocol, PortRange { start: *start, end: end(at) })
    };
    starts.iter().enumerate().map(piece).collect()
}

/// Splits off each class's pieces about which a row says something else than about the rest. Whatever the
/// row says of unlisted protocols stays where it is: class 0 is never emptied.
fn refine(function: &PortFunction, pieces: &[Piece], of_piece: &mut [usize], classes: &mut usize) {
    let mut split: FxHashMap<(usize, VerdictId), usize> = FxHashMap::default();
    for (protocol, range, verdict) in &function.stretches {
        if *verdict == function.otherwise {
            continue;
        }
        let first = pieces.partition_point(|(of, piece)| (*of, piece.start) < (*protocol, range.start));
        let inside =
            pieces[first..].iter().take_while(|(of, piece)| of == protocol && piece.end <= range.end);
        for (_, class) in inside.zip(&mut of_piece[first..]) {
            *class = *split.entry((*class, *verdict)).or_insert_with(|| {
                *classes += 1;
                *classes - 1
            });
        }
    }
}

/// Numbers classes in order of first use and joins pieces that lie beside each other.
fn number(pieces: &[Piece], of_piece: &[usize]) -> PortClasses {
    let mut names: FxHashMap<usize, PortClassId> = FxHashMap::from_iter([(0, PortClassId::new(0))]);
    let mut spans: Vec<PortSpan> = Vec::with_capacity(pieces.len());
    for ((protocol, range), class) in pieces.iter().zip(of_piece) {
        let next = PortClassId::new(names.len());
        let class = *names.entry(*class).or_insert(next);
        match spans.last_mut() {
            Some(last) if last.protocol == *protocol && last.class == class => last.range.end = range.end,
            _ => spans.push(PortSpan { protocol: *protocol, range: *range, class }),
        }
    }
    PortClasses::new(spans)
}

/// The cells of a row: what it says about one port of each class.
pub(crate) fn cells(function: &PortFunction, classes: &PortClasses) -> Row {
    let mut cells = vec![function.otherwise; classes.len()];
    function.along(classes.spans()).for_each(|(class, says)| cells[class.index()] = says);
    Row(cells.into())
}
