//! S1609: the entity that nobody is.

use super::entities;
use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Context, Lint};
use crate::resource::cilium::Entity;

pub(super) const LINT: Lint = Lint { code: Code::NoneEntity, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for entry in &context.facts.entries {
        let all: Vec<_> = entities(entry).collect();
        let none = all.iter().find(|entity| entity.value == Entity::None);
        let Some(none) = none.filter(|_| all.len() > 1) else { continue };
        let message = "`none` adds nobody, and takes nobody away from the others in the list";
        found.push(
            context
                .finding(Code::NoneEntity, entry.resource, none.span, message)
                .help("remove it; if nobody is meant remove the others"),
        );
    }
}
