//! From text to tables, rows and verdicts.

use std::collections::{BTreeMap, BTreeSet};

use super::parse::Reader;
use crate::decision::{Outcome, PortClasses, PortSpan, Row, Side, Table};
use crate::ids::{ClassId, L7Id, OriginId, PortClassId, RowId, VerdictId};
use crate::net::{PortRange, Protocol};
use crate::policy::eval::{Reason, Verdict};
use crate::policy::{Direction, Proxy};
use crate::text::grammar::Rule as Part;
use crate::text::{
    MAX_CELLS, Pair, Problem, Result, TextError, read_authentication, read_l7, read_name, read_number,
    read_protocol, read_range, read_text,
};

/// The rows of one direction, before it is known which classes of ports there are.
#[derive(Default)]
pub(super) struct Rows(Vec<Draft>);

/// A row as it is written.
struct Draft {
    /// What holds on all ports that are not listed.
    base: Base,
    spans: Vec<(Protocol, PortRange, VerdictId)>,
}

#[derive(Clone, Copy)]
enum Base {
    /// One verdict.
    Every(VerdictId),
    /// What an earlier row says.
    As(RowId),
}

impl Rows {
    fn push(&mut self, draft: Draft) -> RowId {
        self.0.push(draft);
        RowId::new(self.0.len() - 1)
    }

    /// The rows over a class of ports for each span between any two bounds; `None` if that is more
    /// than [`MAX_CELLS`].
    pub(super) fn into_side(self) -> Option<Side> {
        let spans = self.spans();
        let classes = spans.len() + 1;
        if self.0.len().checked_mul(classes)? > MAX_CELLS {
            return None;
        }
        let mut rows: Vec<Row> = Vec::with_capacity(self.0.len());
        for Draft { base, spans: listed } in self.0 {
            let mut cells: Box<[VerdictId]> = match base {
                Base::Every(verdict) => vec![verdict; classes].into(),
                Base::As(row) => rows.get(row.index())?.0.clone(),
            };
            for (protocol, range, verdict) in listed {
                let first = spans.partition_point(|s| (s.protocol, s.range.start) < (protocol, range.start));
                let inside = |s: &&PortSpan| s.protocol == protocol && s.range.end <= range.end;
                for span in spans[first..].iter().take_while(inside) {
                    cells[span.class.index()] = verdict;
                }
            }
            rows.push(Row(cells));
        }
        Some(Side { ports: PortClasses::new(spans), rows })
    }

    /// What lies between the bounds of all rows, each in a class of its own.
    fn spans(&self) -> Vec<PortSpan> {
        let mut starts: BTreeMap<Protocol, BTreeSet<u16>> = BTreeMap::new();
        for (protocol, range, _) in self.0.iter().flat_map(|draft| &draft.spans) {
            let starts = starts.entry(*protocol).or_insert_with(|| BTreeSet::from([0]));
            starts.extend([range.start].into_iter().chain(range.end.checked_add(1)));
        }
        let mut spans = Vec::new();
        for (protocol, starts) in starts {
            let ends = starts.iter().skip(1).map(|start| start - 1).chain([u16::MAX]);
            for (start, end) in starts.iter().zip(ends) {
                let class = PortClassId::new(spans.len() + 1);
                spans.push(PortSpan { protocol, range: PortRange { start: *start, end }, class });
            }
        }
        spans
    }
}

impl Reader {
    pub(super) fn read_table(&mut self, direction: Direction, pair: Pair<'_>) -> Result<Table> {
        let mut otherwise = RowId::new(0);
        let mut rows = BTreeMap::new();
        for part in pair.into_inner() {
            match part.as_rule() {
                // The grammar demands `any` here, so that the row needs no other.
                Part::otherwise => otherwise = self.read_row(direction, otherwise, part)?,
                Part::inbound | Part::outbound => self.read_peers(direction, otherwise, &mut rows, part)?,
                _ => {}
            }
        }
        Ok(Table { otherwise, rows: rows.into_iter().collect() })
    }

    /// Classes, and the row that they have.
    fn read_peers(
        &mut self,
        direction: Direction,
        otherwise: RowId,
        rows: &mut BTreeMap<ClassId, RowId>,
        pair: Pair<'_>,
    ) -> Result<()> {
        let (classes, row): (Vec<_>, Vec<_>) =
            pair.into_inner().partition(|part| part.as_rule() == Part::class_name);
        for row in row {
            let id = self.read_row(direction, otherwise, row)?;
            for pair in &classes {
                let name = read_text(pair.clone())?;
                let unknown = || TextError::at(pair, Problem::Class(name.to_string()));
                let class = *self.classes.get(&name).ok_or_else(unknown)?;
                if rows.insert(class, id).is_some() {
                    return Err(TextError::at(pair, Problem::Repeated(name.to_string())));
                }
            }
        }
        Ok(())
    }

    fn read_row(&mut self, direction: Direction, otherwise: RowId, pair: Pair<'_>) -> Result<RowId> {
        let mut draft = Draft { base: Base::As(otherwise), spans: Vec::new() };
        let mut ranges: Vec<(Protocol, PortRange, Pair<'_>)> = Vec::new();
        for line in pair.into_inner() {
            let before = ranges.len();
            for part in line.into_inner() {
                match part.as_rule() {
                    Part::services => read_services(&mut ranges, part)?,
                    Part::outcome => {
                        let verdict = self.read_outcome(part)?;
                        let listed = ranges[before..].iter();
                        draft.spans.extend(listed.map(|(protocol, range, _)| (*protocol, *range, verdict)));
                        if before == ranges.len() {
                            draft.base = Base::Every(verdict);
                        }
                    }
                    _ => {}
                }
            }
        }
        refuse_overlaps(ranges)?;
        Ok(self.rows[direction].push(draft))
    }

    fn read_outcome(&mut self, pair: Pair<'_>) -> Result<VerdictId> {
        let mut outcome = Outcome {
            verdict: Verdict::Deny,
            reason: Reason::Rules,
            authentication: None,
            widened: false,
            origins: Vec::new(),
            l7: Vec::new(),
            proxy: None,
        };
        for part in pair.into_inner() {
            match part.as_rule() {
                Part::verdict => outcome.verdict = read_verdict(&part),
                Part::reason => outcome.reason = read_reason(&part),
                Part::widened => outcome.widened = true,
                Part::authentication => outcome.authentication = Some(read_authentication(&part)),
                Part::by => outcome.origins.push(self.read_reference(part)?),
                Part::l7 => {
                    outcome.l7.push(L7Id::new(self.decision.l7.len()));
                    self.decision.l7.push(read_l7(part)?);
                }
                _ => {}
            }
        }
        outcome.proxy = Proxy::of(outcome.l7.iter().map(|id| &self.decision.l7[id.index()]));
        self.decision.verdicts.push(outcome);
        Ok(VerdictId::new(self.decision.verdicts.len() - 1))
    }

    fn read_reference(&self, pair: Pair<'_>) -> Result<OriginId> {
        let (mut name, mut path, mut twin) = ((None, "".into()), "".into(), 1);
        for part in pair.clone().into_inner() {
            match part.as_rule() {
                Part::name => name = read_name(part)?,
                Part::path => path = read_text(part)?,
                _ => twin = read_number(part)?,
            }
        }
        let line = || Problem::Line(pair.as_str().trim_start_matches("by").trim_start().to_owned());
        let found = self.origins.get(&(name.0, name.1, path, twin));
        found.copied().ok_or_else(|| TextError::at(&pair, line()))
    }
}

/// Every range of `tcp 80, 443, udp 53`, with its place.
fn read_services<'t>(ranges: &mut Vec<(Protocol, PortRange, Pair<'t>)>, pair: Pair<'t>) -> Result<()> {
    for service in pair.into_inner() {
        let mut protocol = Protocol::TCP;
        for part in service.into_inner() {
            let range = match part.as_rule() {
                Part::protocol => {
                    protocol = read_protocol(&part)?;
                    continue;
                }
                Part::range => read_range(part.clone())?,
                _ => PortRange::ALL,
            };
            if range.end < range.start {
                return Err(TextError::at(&part, Problem::Backwards(range.to_string())));
            }
            ranges.push((protocol, range, part));
        }
    }
    Ok(())
}

/// No port of a row may have two verdicts.
fn refuse_overlaps(mut ranges: Vec<(Protocol, PortRange, Pair<'_>)>) -> Result<()> {
    ranges.sort_by_key(|(protocol, range, _)| (*protocol, *range));
    match ranges.array_windows().find(|[a, b]| a.0 == b.0 && b.1.start <= a.1.end) {
        Some([_, (_, range, pair)]) => Err(TextError::at(pair, Problem::Repeated(range.to_string()))),
        None => Ok(()),
    }
}

fn read_verdict(pair: &Pair<'_>) -> Verdict {
    match pair.as_str() {
        "allow" => Verdict::Allow,
        "redirect" => Verdict::Redirect,
        _ => Verdict::Deny,
    }
}

fn read_reason(pair: &Pair<'_>) -> Reason {
    match pair.as_str() {
        "not-enforced" => Reason::NotEnforced,
        "not-isolated" => Reason::NotIsolated,
        "isolated" => Reason::DefaultDeny,
        _ => Reason::Localhost,
    }
}
