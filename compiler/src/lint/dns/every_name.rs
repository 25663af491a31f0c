//! S1308: every name as a peer.

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::EveryName, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for name in super::names(context).filter(|name| name.pattern.is_any_name()) {
        let message = "every address that has a name is let through, and each is kept track of";
        found.push(context.finding(Code::EveryName, name.resource, name.span, message).help(
            "write `toEntities: [world]`, which means the same without a cache, or the names that are used",
        ));
    }
}
