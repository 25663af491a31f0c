//! What explains what the datapath of a generation tells and counts.

use std::sync::{Arc, PoisonError, RwLock};

use sluice_compiler::Compiled;
use sluice_compiler::session::Session;
use sluice_ir::decision::{EndpointName, Outcome};
use sluice_ir::policy::eval::{Reason, Verdict};

use crate::api::policy::RuleRef;
use crate::generation::Number;

/// A verdict of a generation.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) verdict: Verdict,
    pub(super) reason: Reason,
    /// The rules behind it.
    pub(super) rules: Vec<RuleRef>,
    /// Its counter.
    pub(super) counter: u32,
}

/// A generation in the words of who wrote its policy. It grows with the verdicts that come in place; what is in it stays.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) number: Number,
    /// The node.
    pub(super) node: Arc<str>,
    /// Endpoints by their number.
    pub(super) endpoints: Vec<EndpointName>,
    /// What the files said when they were read last: who has which address, and which rule came nearest.
    pub(super) compiled: Arc<Compiled>,
    verdicts: RwLock<Vec<Arc<Named>>>,
}

/// The generation in force, and the one before: packets that it has judged may still be told of.
#[derive(Clone, Debug, Default)]
pub(super) struct Books {
    pub(super) in_force: Option<Arc<Book>>,
    pub(super) before: Option<Arc<Book>>,
    /// The generation that is about to be in force.
    pub(super) coming: Option<Arc<Book>>,
}

impl Books {
    /// What was coming is in force.
    pub(super) fn turn(&mut self) {
        self.before = std::mem::replace(&mut self.in_force, self.coming.take());
    }
}

impl Named {
    /// A verdict of a session.
    pub(super) fn of(session: &Session, outcome: &Outcome, counter: u32) -> Arc<Named> {
        let rules = session.origins(outcome).map(RuleRef::from).collect();
        Arc::new(Named { verdict: outcome.verdict, reason: outcome.reason, rules, counter })
    }
}

impl Book {
    pub(super) fn new(
        number: Number,
        node: Arc<str>,
        endpoints: Vec<EndpointName>,
        compiled: Arc<Compiled>,
        verdicts: Vec<Arc<Named>>,
    ) -> Book {
        Book { number, node, endpoints, compiled, verdicts: RwLock::new(verdicts) }
    }

    /// Adds verdicts that come in place.
    pub(super) fn extend(&self, verdicts: Vec<Arc<Named>>) {
        self.verdicts.write().unwrap_or_else(PoisonError::into_inner).extend(verdicts);
    }

    /// A verdict by its number.
    pub(super) fn verdict(&self, number: u32) -> Option<Arc<Named>> {
        let verdicts = self.verdicts.read().unwrap_or_else(PoisonError::into_inner);
        verdicts.get(number as usize).cloned()
    }

    /// Every verdict.
    pub(super) fn verdicts(&self) -> Vec<Arc<Named>> {
        self.verdicts.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
