//! S1807: an AWS group of which all are nodes or pods of the cluster.

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::AwsGroupInside, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    if context.options.cidr_matches_nodes {
        return;
    }
    for (entry, group) in super::groups(context) {
        let addresses = context.compiled.aws.addresses(group);
        let inside = addresses.iter().filter(|address| context.compiled.inventory.owner(**address).is_some());
        let inside = inside.count();
        if inside == 0 {
            continue;
        }
        let message = format!(
            "{inside} of the {} addresses of this group are nodes or pods of the cluster, which addresses do not match",
            addresses.len()
        );
        found.push(
            context
                .finding(Code::AwsGroupInside, entry.resource, group.span, message)
                .help("select pods by their labels, and nodes by an entity"),
        );
    }
}
