//! S1211: a range of nearly all ports.

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::facts::PortKind;
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::WideRange, run };

/// A range of more ports than the system's own choice for clients has (RFC 6335: 49152 to 65535).
const WIDE: u32 = 16_384;

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for port in &context.facts.ports {
        let (PortKind::Number(start), Some(end)) = (port.port, &port.end) else { continue };
        let count = u32::from(end.value.saturating_sub(start)) + 1;
        if count <= WIDE {
            continue;
        }
        let resource = context.facts.entry(port.entry).resource;
        let message = format!("the range has {count} of the 65535 ports");
        found.push(
            context
                .finding(Code::WideRange, resource, end.span, message)
                .help("name the ports that are used; for all of them leave `toPorts` out"),
        );
    }
}
