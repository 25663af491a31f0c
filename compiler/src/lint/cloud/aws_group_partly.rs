//! S1806: a security group that the AWS inventory does not have, beside others that it has.

use sluice_ir::policy::Action;

use crate::diagnostic::{Code, Diagnostic, did_you_mean};
use crate::lint::{Context, Lint};
use crate::resource::cilium::CloudGroup;

pub(super) const LINT: Lint = Lint { code: Code::AwsGroupPartly, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let aws = &context.compiled.aws;
    if aws.interfaces.is_empty() {
        return;
    }
    for (entry, group) in super::groups(context) {
        // That nothing at all is found is said where groups are resolved.
        if aws.addresses(group).is_empty() {
            continue;
        }
        let ids = || aws.interfaces.iter().flat_map(|one| &one.group_ids).map(|id| &**id);
        let names = || aws.interfaces.iter().flat_map(|one| &one.group_names).map(|name| &**name);
        let (missing, close) = match (missing(&group.group_ids, ids()), missing(&group.group_names, names()))
        {
            (Some(id), _) => (id, did_you_mean(id, ids())),
            (None, Some(name)) => (name, did_you_mean(name, names())),
            (None, None) => continue,
        };
        let nobody = if entry.action == Action::Allow { "lets nobody through" } else { "denies nobody" };
        let message = format!("nothing in the AWS inventory belongs to `{missing}`, so it {nobody}");
        let help = match close {
            Some(close) => format!("did you mean `{close}`?"),
            None => "remove it if the security group is gone, or fetch the inventory again".to_owned(),
        };
        found.push(context.finding(Code::AwsGroupPartly, entry.resource, place(group), message).help(help));
    }
}

fn place(group: &CloudGroup) -> crate::source::Span {
    group.span
}

fn missing<'g>(
    wanted: &'g [std::sync::Arc<str>],
    mut known: impl Iterator<Item = &'g str> + Clone,
) -> Option<&'g str> {
    let plain = wanted.iter().filter(|value| !value.contains(['*', '?']));
    plain.map(|value| &**value).find(|value| !known.by_ref().clone().any(|one| one == *value))
}
