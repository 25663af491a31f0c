//! S1610: peers that may use every port.

use sluice_ir::policy::Direction;

use super::allows;
use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::AllPorts, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for (at, entry) in allows(context, Direction::Ingress) {
        let peers = !context.facts.labels_of(at).is_empty();
        if !entry.every_port || !peers {
            continue;
        }
        let whose = if context.facts.subject(entry).nodes { "nodes" } else { "pods" };
        let message = format!("these peers may use every port and protocol of the {whose}");
        let help =
            if entry.cilium.is_some() { "name the ports under `toPorts`" } else { "name them under `ports`" };
        found.push(context.finding(Code::AllPorts, entry.resource, entry.span, message).help(help));
    }
}
