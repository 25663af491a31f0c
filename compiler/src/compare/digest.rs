//! The whole difference, grouped so that a big change reads in one screen, and nothing is lost.
//!
//! Peers about which the same changes for the same traffic by the same lines are together, and so are workloads of
//! which all of this is the same. A flow that differs is in just one change of just one part, as it is in one
//! [row](super::rows); only that a part with many workloads and many peers stands for as many rows as their product.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::{IndexMap, IndexSet};
use rayon::prelude::*;
use rustc_hash::{FxBuildHasher, FxHashMap};
use sluice_ir::decision::{ByDirection, EndpointName};
use sluice_ir::policy::Direction;
use sluice_ir::policy::eval::Verdict;

use super::both::Both;
use super::cells::{Comparison, Difference, Kind};
use super::isolation::Isolation;
use super::meaning::{Told, told};
use super::peers::{Bucket, Named};
use super::ports::{Behind, Traffic};
use super::roster::Member;
use super::rows::{Group, PeerGroup};

/// The difference of two policies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    /// Workloads with what changes for them, in order of the first workload.
    pub parts: Vec<Part>,
    /// How many endpoints have differences that are not here; none, unless there were too many.
    pub unlisted: usize,
}

/// Workloads of which all that changes is the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The workloads, in order.
    pub groups: Vec<Group>,
    /// Where default deny begins or ends.
    pub isolation: ByDirection<Option<Isolation>>,
    /// What changes about flows; nothing, if default deny begins or ends and no verdict changes by that.
    pub changes: Vec<Change>,
}

/// Flows of some workloads that change in one way, by the same lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which way they go, seen from the workloads.
    pub direction: Direction,
    /// The other sides.
    pub peers: Vec<PeerGroup>,
    /// Protocols and ports.
    pub traffic: Vec<Traffic>,
    /// What was.
    pub old: Told,
    /// What is to be.
    pub new: Told,
}

/// What a change means to whoever sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// What was dropped passes, perhaps through the proxy.
    Allowed,
    /// What passed is dropped.
    Denied,
    /// It passes on both sides, and the proxy or authentication asks for something else.
    Altered,
}

impl Change {
    /// What it means.
    pub fn effect(&self) -> Effect {
        match (self.old.verdict, self.new.verdict) {
            (Verdict::Deny, _) => Effect::Allowed,
            (_, Verdict::Deny) => Effect::Denied,
            _ => Effect::Altered,
        }
    }
}

/// What makes the changes of an endpoint: how its tables differ, which of the buckets it sees, and what is behind
/// them.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    signature: Option<usize>,
    seen: Vec<usize>,
    /// What is behind each of them, as places among all such lists.
    behind: Vec<usize>,
    isolation: ByDirection<Option<Isolation>>,
}

/// The endpoints of each key, as places in the roster.
type Keyed = IndexMap<Key, Vec<usize>, FxBuildHasher>;

impl Both {
    /// The difference, grouped.
    pub fn digest(&self) -> Digest {
        self.comparison().digest(&self.isolation)
    }
}

impl Comparison<'_> {
    /// The difference, grouped, with what is known of default deny.
    pub fn digest(&self, isolation: &BTreeMap<EndpointName, ByDirection<Option<Isolation>>>) -> Digest {
        let buckets = self.all_buckets();
        let of = |kind: &Kind| match kind.difference {
            Difference::Noted(signature) => buckets.get(&signature).map_or(&[][..], Vec::as_slice),
            Difference::None | Difference::Unnoted => &[],
        };
        let behind_all = |kind: &Kind| -> Vec<Vec<Behind>> {
            of(kind).iter().map(|one| self.behind_all(kind, one)).collect()
        };
        let behind_all: Vec<Vec<Vec<Behind>>> = self.kinds.par_iter().map(behind_all).collect();
        let mut lists: IndexSet<Vec<Behind>, FxBuildHasher> = IndexSet::default();
        let mut keyed = Keyed::default();
        let mut unlisted = 0;
        for (kind, behind) in self.kinds.iter().zip(behind_all) {
            let signature = match kind.difference {
                Difference::Unnoted => {
                    unlisted += kind.endpoints.len();
                    continue;
                }
                Difference::Noted(signature) => Some(signature),
                Difference::None => None,
            };
            let behind: Vec<usize> = behind.into_iter().map(|list| lists.insert_full(list).0).collect();
            for place in &kind.endpoints {
                let member = &self.roster.endpoints[*place];
                let isolation = isolation.get(&member.name).cloned().unwrap_or_default();
                let buckets = of(kind);
                let sees = |at: &usize| buckets[*at].is_seen_by(member);
                let seen: Vec<usize> = (0..buckets.len()).filter(sees).collect();
                if seen.is_empty() && isolation == ByDirection::default() {
                    continue;
                }
                let behind = seen.iter().map(|at| behind[*at]).collect();
                keyed.entry(Key { signature, seen, behind, isolation }).or_default().push(*place);
            }
        }
        let sizes = self.sizes();
        let part = |(key, mut places): (Key, Vec<usize>)| {
            places.sort_unstable();
            let members: Vec<&Member> = places.iter().map(|at| &self.roster.endpoints[*at]).collect();
            let buckets = key.signature.and_then(|at| buckets.get(&at)).map_or(&[][..], Vec::as_slice);
            let seen = key.seen.iter().zip(&key.behind).map(|(at, behind)| (&buckets[*at], &lists[*behind]));
            let changes = self.changes(seen, &members);
            Part { groups: groups(&members, &sizes), isolation: key.isolation, changes }
        };
        let keyed: Vec<(Key, Vec<usize>)> = keyed.into_iter().collect();
        let mut parts: Vec<Part> = keyed.into_par_iter().map(part).collect();
        parts.sort_by(|a, b| a.groups.cmp(&b.groups));
        Digest { parts, unlisted }
    }

    /// The peers of each signature that is noted of somebody, put together.
    fn all_buckets(&self) -> BTreeMap<usize, Vec<Bucket>> {
        let named = Named::new(self.roster);
        let noted = self.kinds.iter().filter_map(|kind| match kind.difference {
            Difference::Noted(signature) => Some(signature),
            Difference::None | Difference::Unnoted => None,
        });
        let noted: BTreeSet<usize> = noted.collect();
        let of = |at: usize| (at, self.buckets(&named, &self.signatures[at]));
        let buckets: Vec<(usize, Vec<Bucket>)> = noted.into_par_iter().map(of).collect();
        buckets.into_iter().collect()
    }

    /// How many endpoints of each workload there are on both sides.
    fn sizes(&self) -> BTreeMap<&EndpointName, usize> {
        let mut sizes = BTreeMap::new();
        for member in self.roster.endpoints.iter().chain(&self.roster.alike) {
            *sizes.entry(&member.workload).or_default() += 1;
        }
        sizes
    }

    /// The verdicts behind each change of a bucket.
    fn behind_all(&self, kind: &Kind, bucket: &Bucket) -> Vec<Behind> {
        let mut all = vec![Behind::default(); self.diffs[bucket.diff].len()];
        for pair in &bucket.pairs {
            let found = self.behind(kind, bucket.direction, *pair);
            all.iter_mut().zip(found).for_each(|(all, one)| all.merge(one));
        }
        all
    }

    /// Puts together traffic about which the same is said with the same peers, then peers of which all is the same.
    fn changes<'c>(
        &self,
        seen: impl Iterator<Item = (&'c Bucket, &'c Vec<Behind>)>,
        members: &[&Member],
    ) -> Vec<Change> {
        let mut said = Said::default();
        let mut by_traffic: IndexMap<(Direction, usize, Vec<Traffic>), Vec<PeerGroup>, FxBuildHasher> =
            IndexMap::default();
        for (bucket, behind) in seen {
            let mut of_peers: IndexMap<usize, Vec<Traffic>, FxBuildHasher> = IndexMap::default();
            for (change, behind) in self.diffs[bucket.diff].iter().zip(behind) {
                let Some(told) = self.said(behind, &mut said) else { continue };
                of_peers.entry(told).or_default().push(change.traffic.clone());
            }
            for (told, traffic) in of_peers {
                let peers = by_traffic.entry((bucket.direction, told, traffic)).or_default();
                peers.push(bucket.seen(members));
            }
        }
        let change = |((direction, told, traffic), peers): ((Direction, usize, Vec<Traffic>), _)| {
            let (old, new) = said.told[told].clone();
            Change { direction, peers, traffic, old, new }
        };
        let mut changes: Vec<Change> = by_traffic.into_iter().map(change).collect();
        changes.sort_by(|a, b| {
            let key = |change: &'_ Change| (change.direction, change.effect());
            key(a).cmp(&key(b)).then_with(|| (&a.peers, &a.traffic).cmp(&(&b.peers, &b.traffic)))
        });
        changes
    }

    /// The name of what some verdicts say.
    fn said(&self, behind: &Behind, said: &mut Said) -> Option<usize> {
        if let Some(known) = said.of.get(behind) {
            return Some(*known);
        }
        let old = told(self.old.decision(), &behind.old)?;
        let new = told(self.new.decision(), &behind.new)?;
        let name = said.told.insert_full((old, new)).0;
        said.of.insert(behind.clone(), name);
        Some(name)
    }
}

/// What was said of a part so far, each once: many verdicts say the same.
#[derive(Default)]
struct Said {
    of: FxHashMap<Behind, usize>,
    told: IndexSet<(Told, Told), FxBuildHasher>,
}

/// Endpoints by workload.
fn groups(members: &[&Member], sizes: &BTreeMap<&EndpointName, usize>) -> Vec<Group> {
    let mut of_workload: BTreeMap<&EndpointName, Vec<EndpointName>> = BTreeMap::new();
    for member in members {
        of_workload.entry(&member.workload).or_default().push(member.name.clone());
    }
    let group = |(workload, endpoints): (&EndpointName, Vec<EndpointName>)| Group {
        whole: sizes.get(workload) == Some(&endpoints.len()),
        workload: workload.clone(),
        endpoints: endpoints.into(),
    };
    of_workload.into_iter().map(group).collect()
}
