//! The table of one endpoint and direction: classes in groups that its rules cannot tell apart, and a row for each
//! group.

use std::collections::BTreeSet;
use std::ops::Range;

use indexmap::{IndexMap, IndexSet};
use rustc_hash::{FxBuildHasher, FxHashMap};
use sluice_ir::ids::{ClassId, RowId, RuleId, VerdictId};
use sluice_ir::net::{PortName, Protocol};
use sluice_ir::policy::{Direction, Policy};

use super::sets::{About, Sets};
use crate::classify::row::{Circumstances, Outcomes, PortFunction, row};
use crate::classify::signature::{NamedPort, SetId, Signature, named_on_egress};
use crate::classify::subjects::SubjectKey;

/// The rows of a direction, each once.
pub(super) type Functions = IndexSet<PortFunction, FxBuildHasher>;

/// What tables are made from.
pub(super) struct Makings<'a> {
    pub(super) policy: &'a Policy,
    /// Whom each rule in force is about.
    pub(super) in_force: &'a FxHashMap<RuleId, About>,
    pub(super) sets: &'a Sets,
    pub(super) outcomes: &'a mut Outcomes,
    pub(super) functions: &'a mut Functions,
}

impl Makings<'_> {
    /// Whether a rule asks its peers for named ports.
    pub(super) fn asks(&self, rule: RuleId) -> bool {
        named_on_egress(self.policy.rule(rule)).next().is_some()
    }
}

/// One table.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) direction: Direction,
    /// Those in force, in order, and whom each is about.
    pub(super) rules: Vec<(RuleId, About)>,
    /// The endpoint's own numbers for named ports.
    own: FxHashMap<NamedPort, u16>,
    /// The named ports that its rules ask its peers for.
    asked: BTreeSet<usize>,
    /// The verdict where no rule matches, and the same for the host.
    fallback: [VerdictId; 2],
    /// What its rules can see of the peers of each group, and their row.
    pub(super) groups: IndexMap<LocalKey, RowId, FxBuildHasher>,
    /// The row of peers that no rule names.
    pub(super) nobody: RowId,
    /// The group of each class, by name; [`NOBODY`] for names that are free.
    of_class: Vec<Group>,
}

/// The place of a group in its table.
pub(super) type Group = u32;

/// In the place of a group: for as many classes as there are, half the memory of an option.
pub(super) const NOBODY: Group = Group::MAX;

/// What a table's rules can see of a peer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct LocalKey {
    /// Which rules match, one bit each.
    pub(super) mask: Box<[u64]>,
    /// Its numbers for the named ports that they ask for.
    pub(super) named: Vec<(usize, u16)>,
    /// Whether it is the host, where that can matter.
    pub(super) host: bool,
}

impl Table {
    /// The table of a subject, without classes.
    pub(super) fn new(subject: &SubjectKey, direction: Direction, makings: &mut Makings<'_>) -> Table {
        let policy = makings.policy;
        let rules = subject.judging(direction);
        let asked = rules.iter().flat_map(|id| named_on_egress(policy.rule(*id)));
        let mut table = Table {
            direction,
            own: subject.named.iter().cloned().collect(),
            asked: asked.filter_map(|port| makings.sets.asked.get_index_of(&port)).collect(),
            fallback: subject.fallbacks(policy, direction, makings.outcomes),
            groups: IndexMap::default(),
            nobody: RowId::new(0),
            of_class: Vec::new(),
            rules: rules.iter().filter_map(|id| Some((*id, *makings.in_force.get(id)?))).collect(),
        };
        let nobody = table.group_of(&Signature { sets: Vec::new(), named: Vec::new(), host: false }, makings);
        table.nobody = table.row_of(nobody);
        table.expect_names(makings);
        table
    }

    /// Makes the rows of names that nobody has asked for yet. An answer then brings an address and perhaps a class, and
    /// tells no ports apart: also two names at one address do not, as what follows from both follows from each.
    fn expect_names(&mut self, makings: &mut Makings<'_>) {
        let members = |(_, about): &(RuleId, About)| match about {
            About::Members(set) => Some(*set),
            About::Everyone => None,
        };
        let lists: BTreeSet<SetId> = self.rules.iter().filter_map(members).collect();
        for set in lists.into_iter().filter(|set| makings.sets.is_about_names(*set)) {
            self.group_of(&Signature { sets: vec![set], named: Vec::new(), host: false }, makings);
        }
    }

    /// Whether no class has a row yet.
    pub(super) fn is_empty(&self) -> bool {
        self.of_class.is_empty()
    }

    /// The group of a class.
    pub(super) fn group(&self, class: ClassId) -> Option<Group> {
        self.of_class.get(class.index()).copied().filter(|group| *group != NOBODY)
    }

    /// The row of a class.
    pub(super) fn row(&self, class: ClassId) -> Option<RowId> {
        self.group(class).map(|group| self.row_of(group))
    }

    /// The row of a group.
    pub(super) fn row_of(&self, group: Group) -> RowId {
        self.groups[group as usize]
    }

    /// The row of each class.
    pub(super) fn rows(&self) -> impl Iterator<Item = (ClassId, RowId)> {
        let groups = self.of_class.iter().enumerate().filter(|(_, group)| **group != NOBODY);
        groups.map(|(class, group)| (ClassId::new(class), self.row_of(*group)))
    }

    /// How many names of classes it knows.
    pub(super) fn len(&self) -> usize {
        self.of_class.len()
    }

    /// The groups of the classes with these names, as far as there are such names; [`NOBODY`] for those that are free.
    pub(super) fn groups_of(&self, names: Range<usize>) -> &[Group] {
        let end = names.end.min(self.of_class.len());
        &self.of_class[names.start.min(end)..end]
    }

    /// Puts a class into a group, or frees its name.
    pub(super) fn set(&mut self, class: ClassId, group: Option<Group>) {
        if self.of_class.len() <= class.index() {
            self.of_class.resize(class.index() + 1, NOBODY);
        }
        self.of_class[class.index()] = group.unwrap_or(NOBODY);
    }

    /// Puts every class into a group, by name; [`NOBODY`] frees a name.
    pub(super) fn set_all(&mut self, groups: Vec<Group>) {
        self.of_class = groups;
    }

    /// The group of the peers with a signature.
    pub(super) fn group_of(&mut self, signature: &Signature, makings: &mut Makings<'_>) -> Group {
        let mut mask = vec![0_u64; self.rules.len().div_ceil(64)].into_boxed_slice();
        for (at, (_, about)) in self.rules.iter().enumerate() {
            if about.matches(&signature.sets) {
                mask[at / 64] |= 1 << (at % 64);
            }
        }
        let named = self.asked(&signature.named);
        let host = signature.host && self.direction == Direction::Ingress;
        self.enter(LocalKey { mask, named, host }, makings)
    }

    /// Those of a peer's numbers for which a rule asks.
    pub(super) fn asked(&self, named: &[(usize, u16)]) -> Vec<(usize, u16)> {
        named.iter().filter(|(place, _)| self.asked.contains(place)).copied().collect()
    }

    /// The group of which these rules can see this.
    pub(super) fn enter(&mut self, key: LocalKey, makings: &mut Makings<'_>) -> Group {
        self.enter_with(key, makings, |table, key, makings| {
            let function = table.function(key, makings);
            RowId::new(makings.functions.insert_full(function).0)
        })
    }

    /// The same, of which the rules of before that match are those that match now, and had a row: only the verdict
    /// where none of them does can be another.
    pub(super) fn enter_kept(
        &mut self,
        key: LocalKey,
        before: (&Table, RowId),
        makings: &mut Makings<'_>,
    ) -> Group {
        let (before, row) = before;
        self.enter_with(key, makings, |table, key, makings| {
            let [was, is] = [before, table].map(|table| table.fallback[usize::from(key.host)]);
            let known = makings.functions.get_index(row.index()).filter(|_| was != is);
            // No rule's verdict is one of those without a rule, so no stretch has it yet.
            let function = known.map(|function| function.replacing(was, is));
            function.map_or(row, |function| RowId::new(makings.functions.insert_full(function).0))
        })
    }

    fn enter_with(
        &mut self,
        key: LocalKey,
        makings: &mut Makings<'_>,
        row: impl FnOnce(&Table, &LocalKey, &mut Makings<'_>) -> RowId,
    ) -> Group {
        let (at, known) = self.groups.insert_full(key, self.nobody);
        let made = || self.groups.get_index(at).map(|(key, _)| row(self, key, makings));
        self.groups[at] = known.or_else(made).unwrap_or(self.nobody);
        Group::try_from(at).unwrap_or(Group::MAX)
    }

    fn function(&self, LocalKey { mask, named, host }: &LocalKey, makings: &mut Makings<'_>) -> PortFunction {
        let matches = |at: &usize| mask[at / 64] & (1 << (at % 64)) != 0;
        let matching: Vec<RuleId> =
            (0..self.rules.len()).filter(matches).map(|at| self.rules[at].0).collect();
        let number = |name: &PortName, protocol: Protocol| {
            let port = (name.clone(), protocol);
            match self.direction {
                Direction::Ingress => self.own.get(&port).copied(),
                Direction::Egress => {
                    let place = makings.sets.asked.get_index_of(&port)?;
                    named.iter().find(|(at, _)| *at == place).map(|(_, number)| *number)
                }
            }
        };
        let fallback = self.fallback[usize::from(*host)];
        let circumstances = Circumstances { fallback, direction: self.direction };
        row(makings.policy, &matching, circumstances, &number, makings.outcomes)
    }
}
