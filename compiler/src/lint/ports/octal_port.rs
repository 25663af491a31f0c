//! S1207: a port that is read with another base than ten.

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::facts::PortKind;
use crate::lint::fix::replace;
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::OctalPort, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for port in context.facts.ports.iter().filter(|port| port.rule.is_some()) {
        let number = match port.port {
            PortKind::Number(number) => number,
            PortKind::All => 0,
            PortKind::Name(_) => continue,
        };
        let text = context.sources.text(port.span).trim_matches(['"', '\'']);
        if text.is_empty() || text == number.to_string() || !text.starts_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        let resource = context.facts.entry(port.entry).resource;
        let fix = replace(context.sources, port.span, &number.to_string(), "write the number in full");
        found.push(
            context
                .finding(Code::OctalPort, resource, port.span, format!("`{text}` is read as port {number}"))
                .help("write the number that is meant in decimal; a leading zero means octal")
                .fix(fix),
        );
    }
}
