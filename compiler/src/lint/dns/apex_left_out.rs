//! S1303: `*.example.com` without `example.com`.

use std::collections::BTreeSet;

use sluice_ir::dns_name::DnsName;

use super::{Name, dns_rules, names};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::ApexLeftOut, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let all: Vec<Name<'_>> = names(context).collect();
    if all.is_empty() {
        return;
    }
    let asked = asked(context);
    for name in &all {
        let star = name.pattern.text().strip_prefix("**.").or_else(|| name.pattern.text().strip_prefix("*."));
        let Some(apex) = star.filter(|rest| !rest.contains('*')).and_then(|rest| DnsName::parse(rest).ok())
        else {
            continue;
        };
        let of_object = |other: &&Name<'_>| std::ptr::eq(other.resource, name.resource);
        if all.iter().filter(of_object).any(|other| other.pattern.matches(&apex)) {
            continue;
        }
        let severity = if asked.contains(&apex) { Severity::Warning } else { Severity::Info };
        let message = format!("`{}` does not match `{apex}` itself", name.pattern.text());
        found.push(
            context
                .finding(Code::ApexLeftOut, name.resource, name.span, message)
                .severity(severity)
                .help(format!("add `matchName: {apex}` if it is used")),
        );
    }
}

/// Names that somebody says are looked up: by a DNS rule, or by an answer that was seen.
fn asked(context: &Context<'_>) -> BTreeSet<DnsName> {
    let policy = &context.compiled.policy;
    let rules = policy.rules().filter_map(|(_, rule)| dns_rules(policy, rule)).flatten();
    let written = rules.filter_map(|rule| rule.name.as_ref()?.exact_name().cloned());
    written.chain(context.compiled.inventory.answers().0.keys().map(|asked| asked.name.clone())).collect()
}
