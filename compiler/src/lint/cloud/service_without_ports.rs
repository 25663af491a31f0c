//! S1803: a service without ports, which opens every port of its pods.

use sluice_ir::policy::Action;

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::ServiceWithoutPorts, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let open = |entry: &crate::lint::facts::EntryFact<'_>| entry.action == Action::Allow && entry.every_port;
    for (entry, service) in super::services(context).filter(|(entry, _)| open(entry)) {
        let message = "the ports of a service are not added: every port of its backends is open";
        found.push(
            context
                .finding(Code::ServiceWithoutPorts, entry.resource, service.span, message)
                .help("add `toPorts` with the ports that the backends listen on"),
        );
    }
}
