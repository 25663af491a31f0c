//! S1209: a port that another of the same list has in it.

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::facts::{PortFact, PortKind};
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::DuplicatePort, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for list in context.facts.ports.chunk_by(same_list) {
        for (at, port) in list.iter().enumerate() {
            let covers = |(place, other): &(usize, &PortFact<'_>)| {
                *place != at && covers(other, port) && (*place < at || !covers(port, other))
            };
            let Some((_, other)) = list.iter().enumerate().find(covers) else { continue };
            let resource = context.facts.entry(port.entry).resource;
            let finding = context.finding(
                Code::DuplicatePort,
                resource,
                port.span,
                "another element has this port too",
            );
            found.push(
                finding.related(other.span, "here").help("remove one of the two; was another port meant?"),
            );
        }
    }
}

fn same_list(a: &PortFact<'_>, b: &PortFact<'_>) -> bool {
    a.entry == b.entry && a.rule.map(|rule| rule.span) == b.rule.map(|rule| rule.span)
}

fn covers(wide: &PortFact<'_>, narrow: &PortFact<'_>) -> bool {
    let protocols = narrow.protocols.iter().all(|protocol| wide.protocols.contains(protocol));
    let end = |port: &PortFact<'_>, start: u16| port.end.as_ref().map_or(start, |end| end.value.max(start));
    let ports = match (wide.port, narrow.port) {
        (PortKind::All, PortKind::Number(_) | PortKind::All) => true,
        (PortKind::Number(a), PortKind::Number(b)) => a <= b && end(narrow, b) <= end(wide, a),
        (PortKind::Name(a), PortKind::Name(b)) => a == b && wide.end == narrow.end,
        _ => false,
    };
    protocols && ports
}
