//! `budget`: how large the table of a node may be.

use sluice_compiler::diagnostic::{Code, Diagnostic, did_you_mean};
use sluice_compiler::source::{Node, NodeKind, Span};

use super::read::{Reader, entries};

/// What there can be too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Measure {
    /// Classes of peers.
    Classes,
    /// Classes of ports, of both directions.
    Ports,
    /// Distinct rows of verdicts, of both directions.
    Rows,
    /// Rows times classes of ports.
    Cells,
    /// Prefixes that lead to a class.
    Prefixes,
    /// Bytes of all images.
    Bytes,
    /// Bytes of all images when names have as many addresses as the agent lets them have.
    BytesWithNames,
}

impl Measure {
    /// All of them, in the order in which they are shown.
    pub(crate) const ALL: [Measure; 7] = [
        Measure::Classes,
        Measure::Ports,
        Measure::Rows,
        Measure::Cells,
        Measure::Prefixes,
        Measure::Bytes,
        Measure::BytesWithNames,
    ];

    /// Its key.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Measure::Classes => "classes",
            Measure::Ports => "ports",
            Measure::Rows => "rows",
            Measure::Cells => "cells",
            Measure::Prefixes => "prefixes",
            Measure::Bytes => "bytes",
            Measure::BytesWithNames => "bytesWithNames",
        }
    }

    /// What it counts, for people.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Measure::Classes => "classes of peers",
            Measure::Ports => "classes of ports",
            Measure::Rows => "rows",
            Measure::Cells => "cells",
            Measure::Prefixes => "prefixes",
            Measure::Bytes => "bytes of images",
            Measure::BytesWithNames => "bytes of images with all names answered",
        }
    }
}

/// So much may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Threshold {
    /// Of what.
    pub(crate) measure: Measure,
    /// How much.
    pub(crate) most: usize,
    /// Where it is written.
    pub(crate) span: Span,
}

/// Factors of bytes by their signs.
const UNITS: [(&str, usize); 3] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

/// Reads the value of `budget`.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Vec<Threshold> {
    let mut thresholds = Vec::new();
    for entry in entries(reader, node) {
        let known = Measure::ALL.into_iter().find(|measure| measure.key() == &*entry.key);
        let Some(measure) = known else {
            let keys = Measure::ALL.map(Measure::key);
            let help = match did_you_mean(&entry.key, keys) {
                Some(close) => format!("did you mean `{close}`?"),
                None => format!("keys here are `{}`", keys.join("`, `")),
            };
            let message = format!("unknown key `{}`", entry.key);
            reader.report(Diagnostic::new(Code::ProjectFile, entry.key_span, message).help(help));
            continue;
        };
        let Some(most) = amount(&entry.value) else {
            let message = "a number is needed, such as `4000` or `16MiB`".to_owned();
            let help = "it is the most that the table of any one node may need";
            reader.report(Diagnostic::new(Code::ProjectFile, entry.value.span, message).help(help));
            continue;
        };
        thresholds.push(Threshold { measure, most, span: entry.value.span });
    }
    thresholds
}

/// A number, with or without a unit of bytes.
fn amount(node: &Node) -> Option<usize> {
    let NodeKind::Scalar(text, _) = &node.kind else { return None };
    let unit = UNITS.iter().find_map(|(sign, factor)| Some((text.strip_suffix(sign)?, *factor)));
    let (digits, factor) = unit.unwrap_or((text, 1));
    digits.trim_end().parse::<usize>().ok()?.checked_mul(factor)
}
