//! S1208: an element of `toPorts` or `icmps` without anything in it.

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::EmptyPortRule, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for entry in &context.facts.entries {
        let Some(spec) = entry.cilium else { continue };
        let ports = spec.to_ports.iter().flat_map(|ports| &ports.value);
        let icmps = spec.icmps.iter().flat_map(|icmps| &icmps.value);
        let empty = ports
            .filter(|rule| rule.ports.is_empty())
            .map(|rule| (rule.span, "an element of `toPorts` without ports matches nothing"))
            .chain(
                icmps
                    .filter(|rule| rule.types.is_empty())
                    .map(|rule| (rule.span, "an element of `icmps` without types matches nothing")),
            );
        for (span, message) in empty {
            found.push(context.finding(Code::EmptyPortRule, entry.resource, span, message).help(
                "name the ports or types; for all of them leave `toPorts` and `icmps` out of the entry",
            ));
        }
    }
}
