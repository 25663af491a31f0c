//! S1702: a policy for nodes where the host firewall is off.

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::HostFirewallOff, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    if context.options.host_firewall {
        return;
    }
    // Said once of a policy, however many `specs` it has.
    let mut last = None;
    for subject in context.facts.subjects.iter().filter(|subject| subject.nodes) {
        if last.replace(&subject.resource.place).is_some_and(|last| *last == subject.resource.place) {
            continue;
        }
        let message = "policy for nodes is enforced only where `enableHostFirewall` is true";
        found.push(
            context
                .finding(Code::HostFirewallOff, subject.resource, subject.key_span, message)
                .help("set it in the file given with `--config` if the agents have it"),
        );
    }
}
