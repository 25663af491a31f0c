//! S1106: a label source that no peer has.

use sluice_ir::label::LabelSource;
use sluice_ir::selector::Operator;

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Context, Lint};
use crate::resource::selector::SelectorSpec;

pub(super) const LINT: Lint = Lint { code: Code::UnmatchableSource, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let peers =
        context.facts.labels.iter().map(|peer| (context.facts.entry(peer.entry).resource, peer.specs[0]));
    let subjects = context
        .facts
        .subjects
        .iter()
        .filter(|subject| !subject.nodes)
        .map(|subject| (subject.resource, Some(subject.spec)));
    for (resource, spec) in peers.chain(subjects) {
        let Some(spec) = spec else { continue };
        for (wanted, place) in spec.placed().filter(|(wanted, _)| is_foreign(&wanted.source, spec)) {
            let then = match wanted.operator {
                Operator::In(_) | Operator::Exists => "so this selects nobody",
                Operator::NotIn(_) | Operator::DoesNotExist => "so this leaves nobody out",
            };
            let source = wanted.source.word();
            let message = format!("no pod has labels of source `{source}`, {then}");
            let help = match &wanted.source {
                LabelSource::CidrGroup => {
                    "name a group of prefixes under `fromCIDRSet` or `toCIDRSet`: `cidrGroupRef: NAME`"
                        .to_owned()
                }
                LabelSource::Node => {
                    "select nodes with `fromNodes` and `toNodes`, or by an entity".to_owned()
                }
                LabelSource::Other(word) if &**word == "cidr" => {
                    "write the prefix under `fromCIDR` or `toCIDR`".to_owned()
                }
                LabelSource::Other(word) if &**word == "fqdn" => "write the name under `toFQDNs`".to_owned(),
                _ => format!("labels of pods have the source `k8s`: write `k8s:{0}` or `{0}`", wanted.key),
            };
            found.push(context.finding(Code::UnmatchableSource, resource, place.key, message).help(help));
        }
    }
}

/// Whether the selector asks for a label of a source that no pod has.
pub(super) fn is_unmatchable(spec: &SelectorSpec) -> bool {
    spec.requirements.iter().any(|wanted| is_foreign(&wanted.source, spec))
}

fn is_foreign(source: &LabelSource, spec: &SelectorSpec) -> bool {
    // Beside a reserved label nothing is added to the selector, and other sources may be meant.
    !spec.names_source(&LabelSource::Reserved)
        && matches!(source, LabelSource::CidrGroup | LabelSource::Node | LabelSource::Other(_))
}
