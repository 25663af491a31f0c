//! Which pairs are shown.

use std::sync::Arc;

use sluice_compiler::diagnostic::did_you_mean;
use sluice_compiler::reach::ends::{End, EndId, Who};
use sluice_compiler::reach::{Answer, Reach};
use sluice_ir::policy::Direction;
use sluice_ir::policy::eval::Verdict;

use super::GraphFormat;
use crate::error::CliError;

/// What of a graph is shown, as asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    /// Namespaces in focus.
    pub(crate) namespaces: Vec<String>,
    /// Workloads in focus, as `namespace/name`.
    pub(crate) workloads: Vec<String>,
    /// Only traffic that comes to those in focus, or only traffic that they send.
    pub(crate) direction: Option<Direction>,
    /// Whether what nothing restricts is left out.
    pub(crate) hide_open: bool,
    /// Whether namespaces that are not in focus are one each.
    pub(crate) by_namespace: bool,
}

/// A graph, and what of it is shown.
pub(crate) struct View<'a> {
    pub(crate) reach: &'a Reach,
    pub(crate) scope: &'a Scope,
    /// Whether each end is in focus.
    focus: Vec<bool>,
}

impl<'a> View<'a> {
    /// The view that is asked for.
    ///
    /// # Errors
    ///
    /// A namespace or workload that is not there, or more ends than the format has room for.
    pub(crate) fn new(reach: &'a Reach, scope: &'a Scope, format: GraphFormat) -> Result<View<'a>, CliError> {
        scope.has_room(reach.ends().len(), format)?;
        scope.namespaces.iter().try_for_each(|wanted| {
            known(
                "namespace",
                wanted,
                reach.ends().iter().filter_map(|end| end.namespace().map(|n| n.to_string())),
            )
        })?;
        scope
            .workloads
            .iter()
            .try_for_each(|wanted| known("workload", wanted, reach.ends().iter().filter_map(workload)))?;
        let focus = reach.ends().iter().map(|end| scope.is_in_focus(end)).collect();
        Ok(View { reach, scope, focus })
    }

    /// Whether an end is in focus.
    pub(crate) fn has_in_focus(&self, end: EndId) -> bool {
        self.focus[end.index()]
    }

    /// Whether some are in focus and others are not.
    pub(crate) fn is_focused(&self) -> bool {
        !self.scope.namespaces.is_empty() || !self.scope.workloads.is_empty()
    }

    /// What is said about a pair, if it is shown.
    pub(crate) fn between(&self, from: EndId, to: EndId) -> Option<Answer> {
        let (from_focus, to_focus) = (self.has_in_focus(from), self.has_in_focus(to));
        let shown = match self.scope.direction {
            Some(Direction::Ingress) => to_focus && self.is_pods(to),
            Some(Direction::Egress) => from_focus && self.is_pods(from),
            None => from_focus || to_focus,
        };
        let answer = self.reach.between(from, to).filter(|_| shown)?;
        (!self.scope.hide_open || !self.is_open(answer)).then_some(answer)
    }

    fn is_pods(&self, end: EndId) -> bool {
        matches!(self.reach.end(end).who, Who::Pods(_) | Who::Host(_))
    }

    /// Whether nothing but what no rule is about passes.
    fn is_open(&self, answer: Answer) -> bool {
        let stretches = self.reach.stretches(answer);
        let passing = |stretch: &&_| self.reach.verdict(stretch) != Verdict::Deny;
        let mut passing = stretches.iter().filter(passing).peekable();
        passing.peek().is_some() && passing.all(|stretch| self.reach.is_unrestricted(stretch))
    }
}

/// Ends of which every pair can be noted, and of which every pair can be drawn.
const NOTED: usize = 8000;
const DRAWN: usize = 2000;

impl Scope {
    /// Whether so many ends can be shown. Pairs are as many as their square.
    fn has_room(&self, ends: usize, format: GraphFormat) -> Result<(), CliError> {
        let narrowed = self.by_namespace || !self.namespaces.is_empty() || !self.workloads.is_empty();
        let (most, help) = match format {
            GraphFormat::Json | GraphFormat::Html => (NOTED, "give fewer manifests, or one node by `--node`"),
            _ if narrowed => (NOTED, "give fewer manifests, or one node by `--node`"),
            _ => (DRAWN, "name some by `--namespace` or `--workload`, or give `--by namespace`"),
        };
        match ends > most {
            true => Err(CliError::Asked {
                message: format!("{ends} workloads and peers are too many to show each with each"),
                help: help.to_owned(),
            }),
            false => Ok(()),
        }
    }

    fn is_in_focus(&self, end: &End) -> bool {
        let of_namespace =
            |namespace: &Arc<str>| self.namespaces.iter().any(|wanted| **wanted == **namespace);
        let wanted = || workload(end).is_some_and(|name| self.workloads.contains(&name));
        let all = self.namespaces.is_empty() && self.workloads.is_empty();
        all || end.namespace().is_some_and(of_namespace) || wanted()
    }
}

/// `namespace/name` of the workload of pods.
fn workload(end: &End) -> Option<String> {
    match &end.who {
        Who::Pods(group) => Some(group.workload.to_string()),
        _ => None,
    }
}

fn known(what: &str, wanted: &str, mut all: impl Iterator<Item = String> + Clone) -> Result<(), CliError> {
    if all.clone().any(|known| known == wanted) {
        return Ok(());
    }
    let names: Vec<String> = all.by_ref().collect();
    let help = match did_you_mean(wanted, names.iter().map(String::as_str)) {
        Some(close) => format!("did you mean `{close}`?"),
        None => "`sluice graph` without it shows all".to_owned(),
    };
    Err(CliError::Asked { message: format!("there is no {what} `{wanted}` with pods in the input"), help })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_square_of_many_has_no_room() {
        let scope = Scope::default();
        let of_one = Scope { namespaces: vec!["shop".to_owned()], ..Scope::default() };
        assert!(scope.has_room(2000, GraphFormat::Table).is_ok());
        assert!(scope.has_room(2001, GraphFormat::Svg).is_err());
        assert!(scope.has_room(8000, GraphFormat::Html).is_ok());
        assert!(of_one.has_room(8000, GraphFormat::Svg).is_ok());
        assert!(of_one.has_room(8001, GraphFormat::Json).is_err());
    }
}
