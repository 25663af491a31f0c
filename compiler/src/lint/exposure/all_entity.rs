//! S1604: everybody as a peer.

use sluice_ir::policy::Direction;

use super::{allows, entities};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::lint::{Context, Lint};
use crate::resource::cilium::Entity;

pub(super) const LINT: Lint = Lint { code: Code::AllEntity, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for direction in Direction::BOTH {
        for (_, entry) in allows(context, direction).filter(|(_, entry)| entry.every_port) {
            let Some(all) = entities(entry).find(|entity| entity.value == Entity::All) else { continue };
            // On ingress this is open to the world as well, and said there.
            if direction == Direction::Ingress {
                continue;
            }
            let message = "these pods may reach everybody, in the cluster and outside: nothing is restricted";
            found.push(
                context
                    .finding(Code::AllEntity, entry.resource, all.span, message)
                    .severity(Severity::Info)
                    .help("name the peers that are used; for the internet alone write `world`"),
            );
        }
    }
}
