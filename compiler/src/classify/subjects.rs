//! Endpoints into subjects: those whom the same rules select, with the same numbers for their named
//! ports, have the same tables.

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;
use sluice_ir::decision::ByDirection;
use sluice_ir::ids::{OriginId, RuleId, VerdictId};
use sluice_ir::policy::eval::{Reason, subject_matches};
use sluice_ir::policy::{Direction, Enforcement, Identity, Policy};

use super::classes::own_named_ports;
use super::members::Members;
use super::population::Judged;
use super::row::Outcomes;
use super::signature::NamedPort;

/// What makes the tables of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SubjectKey {
    /// The rules that select it, in order.
    pub(crate) rules: ByDirection<Vec<RuleId>>,
    /// The numbers of its named ports that its ingress rules ask for.
    pub(crate) named: Vec<(NamedPort, u16)>,
    /// Whether nothing is enforced on it.
    pub(super) free: bool,
    /// Whether it is isolated whatever the rules say: it has no labels yet, or the options say so.
    pub(super) always: bool,
}

/// The endpoints of each subject, as places in the list that was given.
pub(crate) type Subjects = IndexMap<SubjectKey, Vec<usize>, FxBuildHasher>;

/// Groups endpoints by what makes their tables, in order of the first of each.
pub(crate) fn subjects(policy: &Policy, judged: &[Judged]) -> Subjects {
    let identities: indexmap::IndexSet<&Identity, FxBuildHasher> =
        judged.iter().map(|judged| &*judged.identity).collect();
    let rules: Vec<RuleId> = policy.rules().map(|(id, _)| id).collect();
    let selecting = selecting(policy, &rules, &identities.iter().copied().collect::<Vec<_>>());
    let keys: Vec<SubjectKey> = identities
        .iter()
        .zip(selecting)
        .map(|(identity, rules)| SubjectKey::new(policy, identity, rules))
        .collect();
    let mut subjects = Subjects::default();
    for (at, judged) in judged.iter().enumerate() {
        if let Some(identity) = identities.get_index_of(&*judged.identity) {
            subjects.entry(keys[identity].clone()).or_default().push(at);
        }
    }
    subjects
}

/// Those of some rules that select each identity, in their order.
pub(crate) fn selecting(
    policy: &Policy,
    rules: &[RuleId],
    identities: &[&Identity],
) -> Vec<ByDirection<Vec<RuleId>>> {
    let index = Members::new(identities.iter().copied());
    let mut of_selector: Vec<Option<Vec<u32>>> = vec![None; policy.selectors.len()];
    let mut selecting = vec![ByDirection::<Vec<RuleId>>::default(); identities.len()];
    for id in rules.iter().copied() {
        let rule = policy.rule(id);
        let selector = rule.subject.selector();
        let members =
            of_selector[selector.index()].get_or_insert_with(|| index.of_selector(policy.selector(selector)));
        for place in members {
            let place = *place as usize;
            if subject_matches(policy, rule.subject, identities[place]) {
                selecting[place][rule.direction].push(id);
            }
        }
    }
    selecting
}

impl SubjectKey {
    /// What makes the tables of an identity that these rules select.
    pub(crate) fn new(policy: &Policy, identity: &Identity, rules: ByDirection<Vec<RuleId>>) -> SubjectKey {
        let settings = policy.settings;
        let ingress = rules.ingress.iter().map(|rule| policy.rule(*rule));
        SubjectKey {
            named: own_named_ports(ingress, identity),
            free: settings.enforcement == Enforcement::Never
                || (identity.is_host() && !settings.host_firewall),
            always: settings.enforcement == Enforcement::Always || identity.labels.is_reserved("init"),
            rules,
        }
    }

    /// The verdict where no rule matches a peer, and the same where the peer is the host.
    pub(crate) fn fallbacks(
        &self,
        policy: &Policy,
        direction: Direction,
        outcomes: &mut Outcomes,
    ) -> [VerdictId; 2] {
        let (reason, origins) = self.fallback(policy, direction);
        let closed = outcomes.step(reason, origins);
        let open = match self.lets_host_in(policy, direction) {
            true => outcomes.step(Reason::Localhost, Vec::new()),
            false => closed,
        };
        [closed, open]
    }

    /// The step that decides where no rule does, and the lines behind it.
    pub(crate) fn fallback(&self, policy: &Policy, direction: Direction) -> (Reason, Vec<OriginId>) {
        if self.free {
            return (Reason::NotEnforced, Vec::new());
        }
        let isolating =
            self.rules[direction].iter().map(|id| policy.rule(*id)).filter(|rule| rule.default_deny);
        let mut origins: Vec<OriginId> = isolating.map(|rule| rule.origin).collect();
        if origins.is_empty() && !self.always {
            return (Reason::NotIsolated, Vec::new());
        }
        origins.sort_unstable();
        origins.dedup();
        (Reason::DefaultDeny, origins)
    }

    /// Whether the host may come in where no rule matches.
    fn lets_host_in(&self, policy: &Policy, direction: Direction) -> bool {
        let ingress = direction == Direction::Ingress && !self.rules.ingress.is_empty();
        ingress && policy.settings.allow_localhost && !self.free
    }

    /// The rules of a direction that judge it; none where nothing is enforced.
    pub(crate) fn judging(&self, direction: Direction) -> &[RuleId] {
        if self.free { &[] } else { &self.rules[direction] }
    }
}
