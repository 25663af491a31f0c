//! What is valid and probably not meant.
//!
//! A lint is a function from a [`Context`] to findings, one a file; its code in
//! [`diagnostic::Code`](crate::diagnostic::Code) carries its name, its level and its explanation. All of them
//! look at the same [`Facts`], which are worked out once: who each selector selects, and which peers, prefixes
//! and ports each entry has, whichever kind of object it stands in.
//!
//! # What the input does not know
//!
//! A lint that says of somebody "is nowhere" needs an input in which everybody is. [`Known`] has the rule,
//! and no lint has another one.
//!
//! | folder | codes | about |
//! |---|---|---|
//! | `selectors` | S11xx | who is selected, and who is a peer |
//! | `ports` | S12xx | ports and protocols |
//! | `dns` | S13xx | names and lookups |
//! | `isolation` | S14xx | default deny, and entries that say nothing |
//! | `rules` | S15xx | rules against other rules |
//! | `exposure` | S16xx | who is let in, and what is let out |
//! | `hosts` | S17xx | nodes, and other clusters |
//! | `cloud` | S18xx | services, groups of prefixes and AWS |

mod allow;
mod cloud;
mod dns;
mod exposure;
mod facts;
mod fix;
mod hosts;
mod isolation;
mod known;
mod meaning;
mod on_host;
mod ports;
mod rules;
mod selectors;
mod template;
mod who;
mod who_else;

use std::collections::BTreeSet;
use std::sync::Arc;

use rayon::prelude::*;

pub use allow::{Allowed, allow};
pub use facts::Facts;
pub use known::Known;
pub use meaning::same_meaning;
use on_host::OnHost;

use crate::Compiled;
use crate::diagnostic::{Code, Diagnostic};
use crate::options::Options;
use crate::resource::Resource;
use crate::source::{Sources, Span};

/// What lints look at.
#[derive(Debug)]
pub struct Context<'a> {
    /// The objects, in the order of the files.
    pub resources: &'a [Resource],
    /// The texts that spans point into.
    pub sources: &'a Sources,
    /// The agent's options.
    pub options: &'a Options,
    /// The rules, and what they were resolved against.
    pub compiled: &'a Compiled,
    /// Which absences mean anything.
    pub known: Known,
    /// What all lints share.
    pub facts: Facts<'a>,
    /// Pods in their nodes' networks.
    pub(crate) on_host: Vec<OnHost<'a>>,
}

impl Context<'_> {
    /// A finding about an object.
    fn finding(&self, code: Code, resource: &Resource, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(code, span, message).document(Some(Arc::clone(&resource.place.document)))
    }
}

/// One lint.
pub(crate) struct Lint {
    /// Under which code it reports.
    pub(crate) code: Code,
    /// Adds its findings.
    pub(crate) run: fn(&Context<'_>, &mut Vec<Diagnostic>),
}

/// Every lint, in the order of the codes.
fn all() -> impl Iterator<Item = &'static Lint> {
    let groups = [
        selectors::LINTS,
        ports::LINTS,
        dns::LINTS,
        isolation::LINTS,
        rules::LINTS,
        exposure::LINTS,
        hosts::LINTS,
        cloud::LINTS,
    ];
    groups.into_iter().flatten()
}

/// Whether a lint says nothing unless a repository asks for it: what is right for some and wrong for most.
pub fn is_off(code: Code) -> bool {
    code == Code::IcmpLeftOut
}

/// How much is looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth<'a> {
    /// Whether rules that say nothing are looked for by tables, which takes long where there are many; and then, how many
    /// rules are looked at at most ([`WORK`](crate::compare::rules::WORK) is enough for most).
    pub prove: Option<u64>,
    /// The node whose view is taken.
    pub view: Option<&'a str>,
    /// The lints that are run, by their codes; without it all are.
    pub only: Option<&'a BTreeSet<Code>>,
}

/// Runs the lints over what was loaded and compiled. The findings are in the order of their places.
pub fn lint(
    resources: &[Resource],
    compiled: &Compiled,
    sources: &Sources,
    options: &Options,
    depth: Depth<'_>,
) -> Vec<Diagnostic> {
    let written = compiled.as_written();
    let compiled = written.as_ref().unwrap_or(compiled);
    let facts = Facts::new(resources, compiled, options);
    let known = Known::new(resources, &compiled.inventory);
    let on_host = on_host::collect(resources);
    let context = Context { resources, sources, options, compiled, known, facts, on_host };
    let lints: Vec<&Lint> =
        all().filter(|lint| depth.only.is_none_or(|codes| codes.contains(&lint.code))).collect();
    let run = |lint: &&Lint| {
        let mut found = Vec::new();
        (lint.run)(&context, &mut found);
        debug_assert!(found.iter().all(|finding| finding.code == lint.code), "a finding under another code");
        found
    };
    let mut found: Vec<Diagnostic> = lints.par_iter().flat_map_iter(run).collect();
    if let Some(work) = depth.prove {
        found.extend(rules::prove(&context, depth.view, work));
    }
    found.sort_by(|a, b| (a.span, a.code, &a.message).cmp(&(b.span, b.code, &b.message)));
    found
}
