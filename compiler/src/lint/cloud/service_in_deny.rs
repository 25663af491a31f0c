//! S1801: a deny of a service, which agents do not enforce.

use sluice_ir::policy::Action;

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::ServiceInDeny, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for (entry, service) in super::services(context).filter(|(entry, _)| entry.action == Action::Deny) {
        let message = "agents resolve services in allows only, so this denies nobody there";
        found.push(
            context
                .finding(Code::ServiceInDeny, entry.resource, service.span, message)
                .help("deny the pods behind the service by their labels"),
        );
    }
}
