//! S1704: a subject in another cluster.

use sluice_ir::selector::Operator;

use crate::diagnostic::{Code, Diagnostic};
use crate::inventory::keys;
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::OtherCluster, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for subject in context.facts.subjects.iter().filter(|subject| !subject.nodes) {
        for (wanted, place) in subject.spec.placed() {
            let Operator::In(values) = &wanted.operator else { continue };
            let own = &context.compiled.inventory.cluster;
            if &*wanted.key != keys::CLUSTER || values.contains(own) {
                continue;
            }
            let message = format!(
                "a policy selects pods of the cluster that it is in, and `--config` calls that `{own}`"
            );
            found.push(
                context
                    .finding(Code::OtherCluster, subject.resource, place.value, message)
                    .help("policies are not passed on to other clusters: apply it there, without this label; or set `clusterName`"),
            );
        }
    }
}
