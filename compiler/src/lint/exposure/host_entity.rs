//! S1608: the host, which is let in anyway.

use sluice_ir::policy::Direction;

use super::{allows, entities};
use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Context, Lint};
use crate::resource::cilium::Entity;

pub(super) const LINT: Lint = Lint { code: Code::HostEntity, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    if !context.options.allow_localhost {
        return;
    }
    for (_, entry) in allows(context, Direction::Ingress) {
        let host = entities(entry).find(|entity| entity.value == Entity::Host);
        let (Some(host), false) = (host, context.facts.subject(entry).nodes) else { continue };
        let message = "the pod's own node is let in anyway, for the probes of the kubelet";
        found.push(
            context
                .finding(Code::HostEntity, entry.resource, host.span, message)
                .help("other nodes are `remote-node`; with `allowLocalhost: policy` this is needed"),
        );
    }
}
