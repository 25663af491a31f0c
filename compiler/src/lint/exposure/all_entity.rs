//! S1604: everybody as a peer.

use sluice_ir::policy::{Action, Direction};

use super::{allows, entities};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::lint::{Context, Lint};
use crate::resource::cilium::Entity;

pub(super) const LINT: Lint = Lint { code: Code::AllEntity, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    // On ingress this is open to the world as well, and said there.
    for (_, entry) in allows(context, Direction::Egress).filter(|(_, entry)| entry.every_port) {
        let Some(all) = entities(entry).find(|entity| entity.value == Entity::All) else { continue };
        // Everybody but some is how a list of what is denied is written.
        let others = context.facts.entries_of(entry.subject);
        if others.iter().any(|one| one.action == Action::Deny && one.direction == Direction::Egress) {
            continue;
        }
        let whom = if context.facts.subject(entry).nodes { "nodes" } else { "pods" };
        let message =
            format!("these {whom} may reach everybody, in the cluster and outside: nothing is restricted");
        found.push(
            context
                .finding(Code::AllEntity, entry.resource, all.span, message)
                .severity(Severity::Info)
                .help("name the peers that are used; for the internet alone write `world`"),
        );
    }
}
