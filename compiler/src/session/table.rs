//! The table of one endpoint and direction, which remembers the row of every combination that it has met.

use std::collections::BTreeSet;

use indexmap::IndexSet;
use rustc_hash::{FxBuildHasher, FxHashMap};
use sluice_ir::ids::{ClassId, RowId, RuleId, VerdictId};
use sluice_ir::net::{PortName, Protocol};
use sluice_ir::policy::{Direction, Policy};

use super::sets::Sets;
use crate::classify::row::{Circumstances, Outcomes, PortFunction, row};
use crate::classify::signature::{NamedPort, SetId, Signature, named_on_egress};
use crate::classify::subjects::SubjectKey;

/// The rows of a direction, each once.
pub(super) type Functions = IndexSet<PortFunction, FxBuildHasher>;

/// What tables are made from.
pub(super) struct Makings<'a> {
    pub(super) policy: &'a Policy,
    /// The list of peers of each rule in force.
    pub(super) set_of: &'a FxHashMap<RuleId, Option<SetId>>,
    pub(super) sets: &'a Sets,
    pub(super) outcomes: &'a mut Outcomes,
    pub(super) functions: &'a mut Functions,
}

/// One table.
#[derive(Debug)]
pub(super) struct Table {
    direction: Direction,
    rules: Vec<(RuleId, Option<SetId>)>,
    /// The endpoint's own numbers for named ports.
    own: FxHashMap<NamedPort, u16>,
    /// The named ports that its rules ask its peers for.
    asked: BTreeSet<usize>,
    /// The verdict where no rule matches, and the same for the host.
    fallback: [VerdictId; 2],
    known: FxHashMap<LocalKey, RowId>,
    /// The row of peers that no rule names.
    pub(super) nobody: RowId,
    /// The row of each class, by name; none for names that are free.
    pub(super) rows: Vec<Option<RowId>>,
}

/// Which rules match, one bit each; then numbers of named ports, and whether it is the host.
type LocalKey = (Box<[u64]>, Vec<(usize, u16)>, bool);

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
            known: FxHashMap::default(),
            nobody: RowId::new(0),
            rows: Vec::new(),
            rules: rules.iter().map(|id| (*id, makings.set_of.get(id).copied().flatten())).collect(),
        };
        table.nobody = table.row_of(&Signature { sets: Vec::new(), named: Vec::new(), host: false }, makings);
        table
    }

    /// The rules that judge the endpoint here.
    pub(super) fn rules(&self) -> impl Iterator<Item = RuleId> {
        self.rules.iter().map(|(rule, _)| *rule)
    }

    /// Gives a class its row, or frees its name. Gives the row that is new to it.
    pub(super) fn set(&mut self, class: ClassId, row: Option<RowId>) -> Option<RowId> {
        if self.rows.len() <= class.index() {
            self.rows.resize(class.index() + 1, None);
        }
        let before = std::mem::replace(&mut self.rows[class.index()], row);
        row.filter(|_| before != row)
    }

    /// The row of the peers with a signature.
    pub(super) fn row_of(&mut self, signature: &Signature, makings: &mut Makings<'_>) -> RowId {
        let mut mask = vec![0_u64; self.rules.len().div_ceil(64)].into_boxed_slice();
        for (at, (_, set)) in self.rules.iter().enumerate() {
            if set.is_none_or(|set| signature.sets.binary_search(&set).is_ok()) {
                mask[at / 64] |= 1 << (at % 64);
            }
        }
        let named = signature.named.iter().filter(|(place, _)| self.asked.contains(place)).copied().collect();
        let key = (mask, named, signature.host && self.fallback[0] != self.fallback[1]);
        if let Some(row) = self.known.get(&key) {
            return *row;
        }
        let function = self.function(&key, makings);
        let row = RowId::new(makings.functions.insert_full(function).0);
        self.known.insert(key, row);
        row
    }

    fn function(&self, (mask, named, host): &LocalKey, makings: &mut Makings<'_>) -> PortFunction {
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
