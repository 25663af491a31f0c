//! S1804: a group without prefixes.

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Context, Lint};
use crate::resource::Object;

pub(super) const LINT: Lint = Lint { code: Code::EmptyCidrGroup, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for resource in context.resources {
        let Object::CidrGroup(group) = &*resource.object else { continue };
        if !group.cidrs.is_empty() {
            continue;
        }
        let message = "the group has no prefixes: what refers to it means nobody";
        found.push(
            context
                .finding(Code::EmptyCidrGroup, resource, group.meta.name.span, message)
                .help("fill `externalCIDRs`; if a controller does that, allow this finding with the reason"),
        );
    }
}
