//! Making policies in canonical form.
//!
//! A policy's tables hold each entry once, in the order in which rules first use it, and nothing that
//! no rule uses. So the rules alone, without any number, determine the whole value, and the
//! text form can leave the numbers out.

use std::hash::Hash;

use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;

use super::{L7, Peer, Peers, Policy, Rule, Settings, Subject};
use crate::ids::{L7Id, OriginId, RuleId, SelectorId};
use crate::origin::Origin;
use crate::selector::Selector;

/// A table whose entries are distinct, in order of insertion.
type Table<T> = IndexSet<T, FxBuildHasher>;

/// Collects rules and the things that they name.
///
/// Intern what a rule names, then add the rule. Equal things get the same id. Ids are this builder's
/// own until [`PolicyBuilder::finish`], which may number things anew.
#[derive(Clone, Debug, Default)]
pub struct PolicyBuilder {
    settings: Settings,
    selectors: Table<Selector>,
    l7: Table<L7>,
    origins: Table<Origin>,
    rules: Vec<Rule>,
}

impl PolicyBuilder {
    /// A policy without rules.
    pub fn new(settings: Settings) -> PolicyBuilder {
        PolicyBuilder { settings, ..PolicyBuilder::default() }
    }

    /// The id of a selector.
    pub fn selector(&mut self, selector: Selector) -> SelectorId {
        SelectorId::new(self.selectors.insert_full(selector).0)
    }

    /// The id of a set of layer 7 rules.
    pub fn l7(&mut self, l7: L7) -> L7Id {
        L7Id::new(self.l7.insert_full(l7).0)
    }

    /// The id of a place in the user's files.
    pub fn origin(&mut self, origin: Origin) -> OriginId {
        OriginId::new(self.origins.insert_full(origin).0)
    }

    /// Adds a rule behind the others. It keeps this place: rules are not sorted, and equal rules stay
    /// two rules.
    pub fn rule(&mut self, rule: Rule) -> RuleId {
        self.rules.push(rule);
        RuleId::new(self.rules.len() - 1)
    }

    /// The policy in canonical form. What no rule names is gone.
    pub fn finish(self) -> Policy {
        let policy = self.into_policy();
        // Whoever interns a thing just before its first rule pays for no second pass.
        if policy.is_in_order_of_use() { policy } else { policy.canonical() }
    }

    fn into_policy(self) -> Policy {
        Policy {
            settings: self.settings,
            selectors: self.selectors.into_iter().collect(),
            l7: self.l7.into_iter().collect(),
            origins: self.origins.into_iter().collect(),
            rules: self.rules,
        }
    }

    /// Makes room for the rules of some policies.
    pub fn reserve<'p>(&mut self, policies: impl Iterator<Item = &'p Policy> + Clone) {
        let all = |count: fn(&Policy) -> usize| policies.clone().map(count).sum();
        self.selectors.reserve(all(|policy| policy.selectors.len()));
        self.l7.reserve(all(|policy| policy.l7.len()));
        self.origins.reserve(all(|policy| policy.origins.len()));
        self.rules.reserve(all(|policy| policy.rules.len()));
    }

    /// Adds the rules of a policy behind the others. Its settings do not count.
    pub fn append(&mut self, policy: Policy) {
        let Policy { selectors, l7, origins, rules, .. } = policy;
        let selectors: Vec<SelectorId> = selectors.into_iter().map(|entry| self.selector(entry)).collect();
        let l7: Vec<L7Id> = l7.into_iter().map(|entry| self.l7(entry)).collect();
        let origins: Vec<OriginId> = origins.into_iter().map(|entry| self.origin(entry)).collect();
        for mut rule in rules {
            rename_selectors(&mut rule, |id| renamed(&selectors, id.index(), SelectorId::new));
            rule.l7 = rule.l7.map(|id| renamed(&l7, id.index(), L7Id::new));
            rule.origin = renamed(&origins, rule.origin.index(), OriginId::new);
            self.rule(rule);
        }
    }

    /// Adds a rule that names things by the ids of another policy.
    fn adopt(&mut self, from: &Policy, mut rule: Rule) {
        rename_selectors(&mut rule, |id| self.adopt_selector(from, id));
        rule.l7 = rule.l7.map(|id| L7Id::new(adopt(&mut self.l7, &from.l7, id.index())));
        rule.origin = OriginId::new(adopt(&mut self.origins, &from.origins, rule.origin.index()));
        self.rule(rule);
    }

    fn adopt_selector(&mut self, from: &Policy, id: SelectorId) -> SelectorId {
        SelectorId::new(adopt(&mut self.selectors, &from.selectors, id.index()))
    }
}

/// Gives each selector of a rule another id.
fn rename_selectors(rule: &mut Rule, mut name: impl FnMut(SelectorId) -> SelectorId) {
    match &mut rule.subject {
        Subject::Endpoints(selector) | Subject::Nodes(selector) => *selector = name(*selector),
    }
    if let Peers::Of(peers) = &mut rule.peers {
        for peer in peers {
            if let Peer::Labels { selector, .. } = peer {
                *selector = name(*selector);
            }
        }
    }
}

/// The new id of the entry at `index`. Without an entry it is one that no table has, so that the
/// [verifier](super::verify) still finds it.
fn renamed<Id: Copy>(ids: &[Id], index: usize, id: fn(usize) -> Id) -> Id {
    ids.get(index).copied().unwrap_or_else(|| id(usize::MAX))
}

/// The place in `table` of the entry at `index` of another table. An index without an entry gets
/// one that no table has, so that the [verifier](super::verify) still finds it.
fn adopt<T: Clone + Eq + Hash>(table: &mut Table<T>, from: &[T], index: usize) -> usize {
    from.get(index).map_or(usize::MAX, |entry| match table.get_index_of(entry) {
        Some(known) => known,
        None => table.insert_full(entry.clone()).0,
    })
}

impl Policy {
    /// The same rules, with tables in canonical form: for whoever changed rules.
    pub fn canonical(mut self) -> Policy {
        let rules = std::mem::take(&mut self.rules);
        self.of_rules(rules)
    }

    /// Rules that name things by the ids of this policy, as a policy of their own in canonical form: for
    /// whoever keeps a few of many.
    pub fn of_rules(&self, rules: impl IntoIterator<Item = Rule>) -> Policy {
        let mut builder = PolicyBuilder::new(self.settings);
        for rule in rules {
            builder.adopt(self, rule);
        }
        builder.into_policy()
    }

    /// Whether each table is in the order in which rules first use its entries, and has no others.
    pub(super) fn is_in_order_of_use(&self) -> bool {
        let (mut selectors, mut l7, mut origins) = (0, 0, 0);
        let orderly = |seen: &mut usize, index: usize| {
            *seen += usize::from(index == *seen);
            index < *seen
        };
        let rules_are = self.rules.iter().all(|rule| {
            rule.selectors().all(|id| orderly(&mut selectors, id.index()))
                && rule.l7.is_none_or(|id| orderly(&mut l7, id.index()))
                && orderly(&mut origins, rule.origin.index())
        });
        rules_are && (selectors, l7, origins) == (self.selectors.len(), self.l7.len(), self.origins.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label::LabelSource;
    use crate::policy::{Action, Direction, Ports, Tier};
    use crate::selector::Requirement;

    fn app(builder: &mut PolicyBuilder, value: &str) -> SelectorId {
        builder.selector([Requirement::equals(LabelSource::Any, "app", value)].into_iter().collect())
    }

    fn rule(builder: &mut PolicyBuilder, subject: SelectorId, peer: SelectorId) -> Rule {
        let name = |text: &str| text.into();
        let (file, kind, path) = (name("a.yaml"), name("Kind"), name("spec"));
        let origin = Origin { file, line: 1, column: 1, kind, namespace: None, name: name("x"), path };
        Rule {
            subject: Subject::Endpoints(subject),
            direction: Direction::Ingress,
            action: Action::Allow,
            peers: Peers::Of(vec![Peer::Labels { selector: peer, except: Vec::new() }]),
            ports: Ports::Any,
            l7: None,
            authentication: None,
            tier: Tier::Normal,
            default_deny: true,
            origin: builder.origin(origin),
        }
    }

    #[test]
    fn the_order_of_interning_leaves_no_trace() {
        let mut orderly = PolicyBuilder::new(Settings::default());
        let (web, db) = (app(&mut orderly, "web"), app(&mut orderly, "db"));
        let first = rule(&mut orderly, web, db);
        orderly.rule(first);

        let mut other = PolicyBuilder::new(Settings::default());
        let (_, db, web) = (app(&mut other, "unused"), app(&mut other, "db"), app(&mut other, "web"));
        assert_eq!(app(&mut other, "db"), db);
        let first = rule(&mut other, web, db);
        other.rule(first);

        assert_eq!(other.finish(), orderly.finish());
    }

    #[test]
    fn policies_behind_each_other_are_as_one() {
        let mut whole = PolicyBuilder::new(Settings::default());
        let mut joined = PolicyBuilder::new(Settings::default());
        for (subject, peer) in [("web", "db"), ("db", "web"), ("web", "cache")] {
            let mut alone = PolicyBuilder::new(Settings::default());
            for builder in [&mut whole, &mut alone] {
                let (subject, peer) = (app(builder, subject), app(builder, peer));
                let rule = rule(builder, subject, peer);
                builder.rule(rule);
            }
            joined.append(alone.finish());
        }
        assert_eq!(joined.finish(), whole.finish());
    }

    #[test]
    fn an_id_without_an_entry_stays_without_one() {
        let mut builder = PolicyBuilder::new(Settings::default());
        let web = app(&mut builder, "web");
        let dangling = rule(&mut builder, web, SelectorId::new(7));
        builder.rule(dangling);
        let policy = builder.finish();
        assert!(policy.rules[0].selectors().nth(1).is_some_and(|id| id.index() >= policy.selectors.len()));
    }
}
