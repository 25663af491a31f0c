//! Rules that say nothing, each with its proof.
//!
//! A rule changes the answer of a cell in two ways: it is among the rules that match there, and without it the
//! others decide otherwise; or it selects the endpoint, and without it the direction is no longer isolated
//! (semantics.md 4.1), or the host no longer let in (4.2). Both are asked of every cell, so a rule of which
//! no cell is left can be taken away, and no answer changes: not its verdict, authentication, layer 7 rules nor
//! whether it is widened.
//!
//! Each rule is asked about by itself, with all others in place. Of two equal rules both can be taken away, one at
//! a time; not both.
//!
//! # Cost
//!
//! What a cell says without a rule depends on the rules that match and on the step that decides if none of
//! them does. So each different set of matching rules is asked once, and of a set only those rules that no other
//! resembles are tried. Where every rule is known to be needed already, nothing is looked at.
//!
//! A large cluster whose rules are redundant takes long all the same. So the work is limited, by a count of rules that
//! are looked at, which is the same on every machine. Rules of which not all cells were met are [`Review::open`].

mod cover;
mod ledger;
mod never;
mod removal;

use std::sync::Arc;

use sluice_ir::decision::EndpointName;
use sluice_ir::ids::RuleId;
use sluice_ir::net::Protocol;
use sluice_ir::policy::eval::Reason;
use sluice_ir::policy::{Action, Direction, Identity, Peers, Policy, Ports, Rule};

use crate::Compiled;
use crate::classify::matching::{Walk, spend};
use crate::classify::{Judged, Population, judged};
use crate::validate::InForce;

use ledger::Ledger;

/// What is known about a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// The rule.
    pub rule: RuleId,
    /// What there is to say about it; none if it is needed and nothing hides it.
    pub finding: Option<Finding>,
    /// A flow whose answer would be another without the rule. None if every answer would stay the same, so that
    /// the rule can be taken away.
    pub needed: Option<Witness>,
    /// Whether it was not examined to the end, as that would have been too much work: no finding then means nothing.
    pub open: bool,
}

/// How many rules are looked at in all, unless something else is asked for: half a minute of work or less.
pub const WORK: u64 = 1_000_000_000;

/// What is wrong with a rule. A rule that isolates endpoints can be vacuous or shadowed and still be needed, as
/// [`Review::needed`] tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It matches no traffic.
    Vacuous(Vacuous),
    /// It allows, and wherever it matches, these deny: none of them can be left out here.
    Shadowed {
        /// The rules that deny.
        by: Vec<RuleId>,
    },
    /// It matches traffic, or isolates endpoints, and the answers are the same without it.
    Redundant(Cover),
}

/// Why a rule matches no traffic. `for_ever` tells that no object that could come would change it; else it is so
/// with the present ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vacuous {
    /// It selects no endpoint.
    NoEndpoint {
        /// Whether no endpoint ever can be selected.
        for_ever: bool,
    },
    /// It selects endpoints, but on none of them is anything enforced.
    NotEnforced,
    /// Nobody is among its peers.
    NoPeer {
        /// Whether nobody ever can be.
        for_ever: bool,
    },
    /// None of its ports exists: nobody concerned has a port of that name, or the list is empty.
    NoPort {
        /// Whether the list is empty.
        for_ever: bool,
    },
}

/// What makes a rule redundant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cover {
    /// Rules that decide, or isolate, in its place: few of them, such that each cell has one.
    pub by: Vec<RuleId>,
    /// Where no rule does, the steps that decide with the same result, sorted.
    pub steps: Vec<Reason>,
}

/// A flow whose answer depends on a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// The endpoint that is judged.
    pub endpoint: EndpointName,
    /// Which way.
    pub direction: Direction,
    /// The other side.
    pub peer: Arc<Identity>,
    /// The protocol.
    pub protocol: Protocol,
    /// The port.
    pub port: u16,
}

/// Reviews the rules of a compiled policy, in order: for the endpoints of a node, or without one for those of the
/// whole cluster. `work` is how many rules are looked at at most.
pub fn review_compiled(compiled: &Compiled, node: Option<&str>, work: u64) -> Vec<Review> {
    let judged = judged(&compiled.inventory, &compiled.policy, node);
    let in_force = InForce::new(&compiled.policy, &judged);
    let population = Population::new(&compiled.inventory, &compiled.policy, in_force.rules(), node);
    review(&compiled.policy, &population, &judged, work)
}

/// Reviews the rules of a policy, in order. The population must tell apart the addresses that those rules do which
/// select one of the endpoints. `work` is how many rules are looked at at most.
pub fn review(policy: &Policy, population: &Population, judged: &[Judged], work: u64) -> Vec<Review> {
    let walk = Walk::new(policy, population, judged);
    let mut ledger = Ledger::new(policy, population, judged);
    let mut left = work;
    let sets = walk.lead(&mut ledger, &mut left);
    let review = |(id, rule): (RuleId, &Rule)| {
        let needed = ledger.witness(id);
        let mut finding = vacuous(policy, &walk, &ledger, id, rule).map(Finding::Vacuous);
        let shadowed = rule.action == Action::Allow && ledger.is_shadowed(id);
        let mut open = finding.is_none() && ledger.is_open(id);
        if finding.is_none() && !open && (shadowed || needed.is_none()) {
            open = spend(&mut left, ledger.cost(id, &sets)).is_none();
            finding = match (open, shadowed) {
                (true, _) => None,
                (_, true) => Some(Finding::Shadowed { by: ledger.shadow(id, &sets) }),
                (_, false) => Some(Finding::Redundant(ledger.cover(id, &sets))),
            };
        }
        Review { rule: id, finding, needed, open }
    };
    policy.rules().map(review).collect()
}

fn vacuous(
    policy: &Policy,
    walk: &Walk<'_>,
    ledger: &Ledger<'_>,
    id: RuleId,
    rule: &Rule,
) -> Option<Vacuous> {
    if !ledger.selects(id) {
        return Some(Vacuous::NoEndpoint { for_ever: never::subject(policy, rule) });
    }
    if !ledger.is_enforced(id) {
        return Some(Vacuous::NotEnforced);
    }
    let no_peers = matches!(&rule.peers, Peers::Of(peers) if peers.is_empty());
    let no_ports = matches!(&rule.ports, Ports::Of(ports) if ports.is_empty());
    if (no_peers || no_ports) && rule.default_deny {
        // That is how one writes that nothing is allowed.
        return None;
    }
    if !walk.has_peers(id) {
        return Some(Vacuous::NoPeer { for_ever: never::peers(policy, rule) });
    }
    (!ledger.matches(id) && !ledger.is_open(id)).then_some(Vacuous::NoPort { for_ever: no_ports })
}
