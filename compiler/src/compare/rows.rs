//! The whole difference of two policies, in rows that people can read.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use sluice_ir::decision::EndpointName;
use sluice_ir::net::Cidr;
use sluice_ir::policy::Direction;

use super::cells::{Comparison, Difference, Kind};
use super::meaning::{Told, told};
use super::peers::{Bucket, Named};
use super::ports::{Behind, Change, Traffic};
use super::roster::Member;

/// The difference of two policies: each flow that differs is in just one row, and no other flow is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Differences {
    /// The rows, in order of workload, direction, peer and port.
    pub rows: Vec<Row>,
    /// How many endpoints have differences beyond these rows; none, unless there were too many.
    pub unlisted: usize,
}

/// Flows that differ in one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Whose traffic it is.
    pub endpoints: Group,
    /// Which way it goes, seen from them.
    pub direction: Direction,
    /// The other side.
    pub peers: PeerGroup,
    /// Protocol and ports, as wide as the same can be said of them.
    pub traffic: Traffic,
    /// What was.
    pub old: Told,
    /// What is to be.
    pub new: Told,
}

/// Some endpoints of a workload.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group {
    /// The workload; an endpoint that belongs to none is its own.
    pub workload: EndpointName,
    /// The endpoints, in order. Those of a workload are told again and again, and so stand once.
    pub endpoints: Arc<[EndpointName]>,
    /// Whether these are all endpoints of the workload that are compared.
    pub whole: bool,
}

/// Peers that are treated alike, under a name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeerGroup {
    /// Pods of one workload.
    Pods(Group),
    /// What is known by what it is: `host`, `world`, ...
    Entity(Arc<str>),
    /// Nodes that have more than the labels of an entity. In the view of the whole cluster an endpoint's own node is
    /// not among its peers here: that is its host.
    Nodes(Vec<Arc<str>>),
    /// For endpoints on these nodes, their own node, where it has more than the label of the host.
    Hosts(Vec<Arc<str>>),
    /// Addresses that are neither a pod's nor a node's: those have identities of their own, wherever they lie.
    Addresses(Vec<Block>),
}

/// A prefix with exceptions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Block {
    /// The prefix.
    pub cidr: Cidr,
    /// What is left out: prefixes inside it, sorted.
    pub except: Vec<Cidr>,
}

impl Block {
    /// Whether an address lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.cidr.contains(address) && !self.except.iter().any(|cidr| cidr.contains(address))
    }
}

/// Endpoints of one workload that differ alike.
struct Alike<'c> {
    workload: &'c EndpointName,
    /// How many of its endpoints are compared.
    size: usize,
    /// How they differ, as a place among the signatures.
    signature: usize,
    /// In order.
    members: Vec<(&'c Member, &'c Kind)>,
}

impl Comparison<'_> {
    /// All flows that differ, or the first `limit` rows of them.
    pub fn differences(&self, limit: usize) -> Differences {
        let mut differences = Differences { rows: Vec::new(), unlisted: 0 };
        let unnoted = self.kinds.iter().filter(|kind| kind.difference == Difference::Unnoted);
        differences.unlisted += unnoted.map(|kind| kind.endpoints.len()).sum::<usize>();
        let named = Named::new(self.roster);
        let mut buckets: BTreeMap<usize, Vec<Bucket>> = BTreeMap::new();
        for alike in self.alike() {
            if differences.rows.len() >= limit {
                differences.unlisted += alike.members.len();
                continue;
            }
            let of_signature = || self.buckets(&named, &self.signatures[alike.signature]);
            let buckets = buckets.entry(alike.signature).or_insert_with(of_signature);
            differences.rows.extend(buckets.iter().flat_map(|bucket| self.rows(&alike, bucket)));
            if differences.rows.len() > limit {
                differences.rows.truncate(limit);
                differences.unlisted += alike.members.len();
            }
        }
        differences
    }

    /// Endpoints by workload and by how they differ, in order.
    fn alike(&self) -> Vec<Alike<'_>> {
        let mut workloads: BTreeMap<&EndpointName, (usize, BTreeMap<usize, Vec<usize>>)> = BTreeMap::new();
        let mut of_member: Vec<Option<&Kind>> = vec![None; self.roster.endpoints.len()];
        for kind in &self.kinds {
            kind.endpoints.iter().for_each(|at| of_member[*at] = Some(kind));
        }
        for member in &self.roster.alike {
            workloads.entry(&member.workload).or_default().0 += 1;
        }
        for ((at, member), kind) in self.roster.endpoints.iter().enumerate().zip(&of_member) {
            let (size, of_workload) = workloads.entry(&member.workload).or_default();
            *size += 1;
            if let Some(Difference::Noted(signature)) = kind.map(|kind| kind.difference) {
                of_workload.entry(signature).or_default().push(at);
            }
        }
        let mut all = Vec::new();
        for (workload, (size, of_signature)) in workloads {
            // By the first endpoint, as places are in order of name.
            let mut of_workload: Vec<(usize, Vec<usize>)> = of_signature.into_iter().collect();
            of_workload.sort_by(|a, b| a.1.cmp(&b.1));
            all.extend(of_workload.into_iter().map(|(signature, places)| {
                let member = |at: usize| Some((&self.roster.endpoints[at], of_member[at]?));
                let members = places.into_iter().filter_map(member).collect();
                Alike { workload, size, signature, members }
            }));
        }
        all
    }

    /// The rows of some endpoints and peers that differ in one way.
    fn rows(&self, alike: &Alike<'_>, bucket: &Bucket) -> Vec<Row> {
        let seeing: Vec<&(&Member, &Kind)> =
            alike.members.iter().filter(|(member, _)| bucket.is_seen_by(member)).collect();
        if seeing.is_empty() {
            return Vec::new();
        }
        let members: Vec<&Member> = seeing.iter().map(|(member, _)| *member).collect();
        let peers = bucket.seen(&members);
        let endpoints = Group {
            workload: alike.workload.clone(),
            whole: members.len() == alike.size,
            endpoints: members.into_iter().map(|member| member.name.clone()).collect(),
        };
        let mut kinds: Vec<&Kind> = seeing.into_iter().map(|(_, kind)| *kind).collect();
        kinds.dedup_by(|a, b| std::ptr::eq(*a, *b));
        let changes = &self.diffs[bucket.diff];
        let mut behind = vec![Behind::default(); changes.len()];
        for kind in kinds {
            for pair in &bucket.pairs {
                let found = self.behind(kind, bucket.direction, *pair);
                behind.iter_mut().zip(found).for_each(|(all, one)| all.merge(one));
            }
        }
        let row = |(change, behind): (&Change, Behind)| {
            Some(Row {
                endpoints: endpoints.clone(),
                direction: bucket.direction,
                peers: peers.clone(),
                traffic: change.traffic.clone(),
                old: told(self.old.decision(), &behind.old)?,
                new: told(self.new.decision(), &behind.new)?,
            })
        };
        changes.iter().zip(behind).filter_map(row).collect()
    }
}
