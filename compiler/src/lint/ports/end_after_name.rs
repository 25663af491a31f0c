//! S1205: a range that begins at a name.

use sluice_ir::policy::Direction;

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::facts::PortKind;
use crate::lint::fix::remove_line;
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::EndAfterName, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for port in &context.facts.ports {
        // The API server refuses it in a NetworkPolicy, which is said there.
        let (PortKind::Name(name), Some(end), Some(_)) = (port.port, &port.end, port.rule) else { continue };
        let entry = context.facts.entry(port.entry);
        let finding = match entry.direction {
            Direction::Egress => {
                let message = format!("`endPort` has no effect behind the name `{name}` on egress");
                let fix = remove_line(context.sources, end.span, "endPort", "remove `endPort`");
                context.finding(Code::EndAfterName, entry.resource, end.span, message).fix(fix)
            }
            Direction::Ingress => {
                let message = format!(
                    "everything from the number that `{name}` has up to {} is meant, whatever that number is",
                    end.value
                );
                context.finding(Code::EndAfterName, entry.resource, end.span, message)
            }
        };
        found.push(finding.help("write a range with numbers, or remove `endPort`"));
    }
}
