//! From tables, rows and verdicts to text.

use std::fmt::{self, Formatter};

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use super::print::Printer;
use crate::decision::{Outcome, PortSpan, Row, Side, Table};
use crate::ids::{ClassId, RowId, VerdictId};
use crate::net::{PortRange, Protocol};
use crate::policy::Direction;
use crate::policy::eval::Reason;
use crate::text::{side, write_l7};

pub(super) fn write_table(
    f: &mut Formatter<'_>,
    printer: &Printer<'_>,
    direction: Direction,
    table: &Table,
) -> fmt::Result {
    let side = &printer.decision.sides[direction];
    let mut peers: IndexMap<RowId, Vec<ClassId>, FxBuildHasher> = IndexMap::default();
    for (class, row) in &table.rows {
        peers.entry(*row).or_default().push(*class);
    }
    writeln!(f, "  {direction} {{")?;
    writeln!(f, "    otherwise {{")?;
    write_row(f, printer, side, table.otherwise, None)?;
    writeln!(f, "    }}")?;
    for (row, classes) in &peers {
        write_peers(f, printer, direction, classes)?;
        writeln!(f, " {{")?;
        write_row(f, printer, side, *row, side.rows.get(table.otherwise.index()))?;
        writeln!(f, "    }}")?;
    }
    writeln!(f, "  }}")
}

/// A line for each class, the last one without its end.
fn write_peers(
    f: &mut Formatter<'_>,
    printer: &Printer<'_>,
    direction: Direction,
    classes: &[ClassId],
) -> fmt::Result {
    for (index, class) in classes.iter().enumerate() {
        if index > 0 {
            writeln!(f)?;
        }
        write!(f, "    {} ", side(direction))?;
        printer.write_class(f, *class)?;
    }
    Ok(())
}

/// A row as what differs from another, if they agree on protocols that are not listed, else as a whole.
fn write_row(
    f: &mut Formatter<'_>,
    printer: &Printer<'_>,
    side: &Side,
    id: RowId,
    otherwise: Option<&Row>,
) -> fmt::Result {
    let Some(row) = side.rows.get(id.index()) else { return writeln!(f, "      {id}?") };
    let unlisted = row.0.first();
    let base = otherwise.filter(|base| base.0.first() == unlisted);
    if let (None, Some(verdict)) = (base, unlisted) {
        f.write_str("      any ")?;
        write_outcome(f, printer, *verdict)?;
    }
    let expected = |class: usize| base.map_or(unlisted, |base| base.0.get(class));
    let mut spans: IndexMap<VerdictId, Vec<PortSpan>, FxBuildHasher> = IndexMap::default();
    for span in side.ports.spans() {
        let class = span.class.index();
        match row.0.get(class) {
            Some(verdict) if expected(class) != Some(verdict) => {
                push_joined(spans.entry(*verdict).or_default(), *span);
            }
            _ => {}
        }
    }
    for (verdict, spans) in &spans {
        f.write_str("      ")?;
        write_services(f, spans)?;
        write_outcome(f, printer, *verdict)?;
    }
    Ok(())
}

fn push_joined(spans: &mut Vec<PortSpan>, span: PortSpan) {
    match spans.last_mut() {
        Some(last)
            if last.protocol == span.protocol && last.range.end.checked_add(1) == Some(span.range.start) =>
        {
            last.range.end = span.range.end;
        }
        _ => spans.push(span),
    }
}

/// `tcp 80, 443, udp 53 `.
fn write_services(f: &mut Formatter<'_>, spans: &[PortSpan]) -> fmt::Result {
    let mut last: Option<Protocol> = None;
    for span in spans {
        if last.is_some() {
            f.write_str(", ")?;
        }
        if last != Some(span.protocol) {
            write!(f, "{} ", span.protocol)?;
        }
        match span.range {
            PortRange::ALL => f.write_str("all")?,
            range => write!(f, "{range}")?,
        }
        last = Some(span.protocol);
    }
    f.write_str(" ")
}

/// The rest of the line, and the lines that belong to it.
fn write_outcome(f: &mut Formatter<'_>, printer: &Printer<'_>, id: VerdictId) -> fmt::Result {
    let Some(outcome) = printer.decision.verdicts.get(id.index()) else { return writeln!(f, "{id}?") };
    let Outcome { verdict, reason, authentication, widened, origins, l7, proxy: _ } = outcome;
    write!(f, "{verdict}{}", reason_word(*reason))?;
    if *widened {
        f.write_str(" widened")?;
    }
    if let Some(authentication) = authentication {
        write!(f, " authentication {authentication}")?;
    }
    // One line of the user's stands beside the verdict; several each have a line of this text.
    let before = if origins.len() == 1 { " by " } else { "\n        by " };
    for origin in origins {
        f.write_str(before)?;
        printer.write_reference(f, *origin)?;
    }
    writeln!(f)?;
    for id in l7 {
        match printer.decision.l7.get(id.index()) {
            Some(l7) => write_l7(f, 8, l7)?,
            None => writeln!(f, "        proxy {id}?")?,
        }
    }
    Ok(())
}

fn reason_word(reason: Reason) -> &'static str {
    match reason {
        Reason::Rules => "",
        Reason::NotEnforced => " not-enforced",
        Reason::Localhost => " localhost",
        Reason::DefaultDeny => " isolated",
        Reason::NotIsolated => " not-isolated",
    }
}
