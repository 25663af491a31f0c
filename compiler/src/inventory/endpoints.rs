//! The endpoints of one namespace: its pods, and what stands for workloads without any.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use rustc_hash::{FxBuildHasher, FxHashMap};
use sluice_ir::policy::Identity;

use super::Endpoint;
use super::identity::Identities;
use crate::resource::core::{Pod, PodSpec, Workload};

/// A namespace as objects tell of it.
pub(super) struct Space<'r> {
    pub(super) name: Arc<str>,
    pub(super) labels: BTreeMap<Arc<str>, Arc<str>>,
    /// Pods that have not ended and are not in their node's network.
    pub(super) pods: Vec<&'r Pod>,
    pub(super) workloads: Vec<&'r Workload>,
}

/// What becomes of a namespace. Places of endpoints and ids of identities count from its own first.
pub(super) struct Settled {
    /// In order of name.
    pub(super) endpoints: Vec<Endpoint>,
    /// In the order of the first endpoint that has each.
    pub(super) identities: Vec<Arc<Identity>>,
    /// Sets of places, each in order.
    pub(super) sets: Vec<Vec<usize>>,
    /// Names of workloads, in order, with the set of their pods.
    pub(super) workloads: Vec<(Arc<str>, usize)>,
}

/// Works out who is in a namespace.
pub(super) fn settle(space: &Space<'_>, cluster: &Arc<str>) -> Settled {
    let mut members = Members::of(space);
    let pods = space.pods.iter().map(|pod| Draft::Pod(pod));
    let drafts: Vec<Draft<'_>> = pods.chain(members.stand_ins.iter().map(|w| Draft::StandIn(w))).collect();
    let mut order: Vec<usize> = (0..drafts.len()).collect();
    order.sort_by(|a, b| drafts[*a].name().cmp(drafts[*b].name()));
    let mut identities = Identities::new(space, cluster);
    let mut endpoints = Vec::with_capacity(drafts.len());
    let mut places = vec![0; drafts.len()];
    for same in order.chunk_by(|a, b| drafts[*a].name() == drafts[*b].name()) {
        for draft in same {
            places[*draft] = endpoints.len();
        }
        // Of several pods with one name the last counts, and any of them before a stand-in.
        let pod = same.iter().rfind(|draft| **draft < space.pods.len());
        let draft = drafts[*pod.unwrap_or(&same[0])];
        endpoints.push(draft.endpoint(&space.name, &mut identities));
    }
    for set in &mut members.sets {
        set.iter_mut().for_each(|draft| *draft = places[*draft]);
        set.sort_unstable();
        set.dedup();
    }
    members.of_workload.sort_unstable_keys();
    let workloads = members.of_workload.into_iter().map(|(name, set)| (name.into(), set)).collect();
    Settled { endpoints, identities: identities.into_table(), sets: members.sets, workloads }
}

/// The identity of one pod.
pub(super) fn identity_of(
    pod: &Pod,
    name: &Arc<str>,
    labels: BTreeMap<Arc<str>, Arc<str>>,
    cluster: &Arc<str>,
) -> Arc<Identity> {
    let space = Space { name: Arc::clone(name), labels, pods: Vec::new(), workloads: Vec::new() };
    Identities::new(&space, cluster).of(&pod.meta.labels, &pod.spec).1
}

/// What an endpoint is made from.
#[derive(Clone, Copy)]
enum Draft<'r> {
    Pod(&'r Pod),
    /// A workload without pods.
    StandIn(&'r Workload),
}

impl<'r> Draft<'r> {
    fn name(self) -> &'r Arc<str> {
        match self {
            Draft::Pod(pod) => &pod.meta.name.value,
            Draft::StandIn(workload) => &workload.meta.name.value,
        }
    }

    fn template(self) -> (&'r [PodLabel], &'r PodSpec) {
        match self {
            Draft::Pod(pod) => (&pod.meta.labels, &pod.spec),
            Draft::StandIn(workload) => (&workload.labels, &workload.spec),
        }
    }

    fn endpoint(self, namespace: &Arc<str>, identities: &mut Identities<'r>) -> Endpoint {
        let (labels, spec) = self.template();
        let (identity_id, identity) = identities.of(labels, spec);
        let (node, addresses, uid) = match self {
            Draft::Pod(pod) => {
                let addresses = pod.addresses.iter().map(|address| address.value).collect();
                (pod.node.clone(), addresses, pod.meta.uid.clone())
            }
            Draft::StandIn(_) => (None, Vec::new(), None),
        };
        Endpoint {
            namespace: Arc::clone(namespace),
            name: Arc::clone(self.name()),
            stand_in: matches!(self, Draft::StandIn(_)),
            node,
            addresses,
            uid,
            identity,
            identity_id,
        }
    }
}

/// Key and value.
pub(super) type PodLabel = (Arc<str>, Arc<str>);

/// Which pods workloads have. A pod is meant by its place in the namespace's list; behind these stand-ins
/// are counted on.
struct Members<'r> {
    sets: Vec<Vec<usize>>,
    /// The set of each workload.
    of_workload: IndexMap<&'r str, usize, FxBuildHasher>,
    stand_ins: Vec<&'r Workload>,
}

impl<'r> Members<'r> {
    fn of(space: &Space<'r>) -> Members<'r> {
        let mut members =
            Members { sets: Vec::new(), of_workload: IndexMap::default(), stand_ins: Vec::new() };
        let owners = owners(&space.workloads);
        for (at, pod) in space.pods.iter().enumerate() {
            for name in workload_names(pod, &owners) {
                let next = members.sets.len();
                let set = *members.of_workload.entry(name).or_insert(next);
                if set == next {
                    members.sets.push(Vec::new());
                }
                members.sets[set].push(at);
            }
        }
        // Those that another workload makes have its pods.
        let own = |workload: &&&'r Workload| !workload.spec.host_network && workload.meta.owners.is_empty();
        let mut orphans = None;
        for workload in space.workloads.iter().filter(own) {
            let name = &*workload.meta.name.value;
            if !members.of_workload.contains_key(name) {
                let orphans = orphans.get_or_insert_with(|| Orphans::new(&space.pods));
                let set = members.set_like(workload, orphans, space.pods.len());
                members.of_workload.insert(name, set);
            }
        }
        members
    }

    /// Pods that carry the template's labels are its pods, even where nobody wrote who owns them.
    fn set_like(&mut self, workload: &'r Workload, orphans: &mut Orphans<'r>, pods: usize) -> usize {
        let like = *orphans.found.entry(&workload.labels).or_insert_with(|| {
            let like = like(&orphans.by_label, workload);
            (!like.is_empty()).then(|| {
                self.sets.push(like);
                self.sets.len() - 1
            })
        });
        like.unwrap_or_else(|| {
            self.sets.push(vec![pods + self.stand_ins.len()]);
            self.stand_ins.push(workload);
            self.sets.len() - 1
        })
    }
}

/// Kind and name of the owners of workloads, by kind and name, so that a pod of a ReplicaSet is found
/// under its Deployment too.
type Owners<'r> = FxHashMap<(&'r str, &'r str), &'r [(Arc<str>, Arc<str>)]>;

fn owners<'r>(workloads: &[&'r Workload]) -> Owners<'r> {
    let owned = workloads.iter().filter(|workload| !workload.meta.owners.is_empty());
    owned.map(|w| ((&*w.kind, &*w.meta.name.value), w.meta.owners.as_slice())).collect()
}

/// The names of the workloads that a pod belongs to, nearest first.
fn workload_names<'r>(pod: &'r Pod, owners: &Owners<'r>) -> Vec<&'r str> {
    let mut names = Vec::new();
    for (kind, name) in &pod.meta.owners {
        names.push(&**name);
        match owners.get(&(&**kind, &**name)) {
            Some(above) => names.extend(above.iter().map(|(_, name)| &**name)),
            // A ReplicaSet that is not in the input is named after its Deployment and the template's hash.
            None => names.extend(deployment_of(pod, kind, name)),
        }
    }
    names
}

fn deployment_of<'r>(pod: &Pod, kind: &str, name: &'r str) -> Option<&'r str> {
    let hash =
        pod.meta.labels.iter().find(|(key, _)| &**key == "pod-template-hash").map(|(_, value)| value)?;
    let stem = name.strip_suffix(&**hash)?.strip_suffix('-')?;
    (kind == "ReplicaSet").then_some(stem)
}

/// Pods with their places, by each of their labels.
type ByLabel<'r> = FxHashMap<&'r PodLabel, Vec<(usize, &'r Pod)>>;

/// Pods without an owner.
struct Orphans<'r> {
    by_label: ByLabel<'r>,
    /// The set that was found for the labels of a template, if there are such pods: many workloads may have
    /// the same.
    found: FxHashMap<&'r [PodLabel], Option<usize>>,
}

impl<'r> Orphans<'r> {
    fn new(pods: &[&'r Pod]) -> Orphans<'r> {
        let mut by_label = ByLabel::default();
        for (at, pod) in pods.iter().enumerate().filter(|(_, pod)| pod.meta.owners.is_empty()) {
            for label in &pod.meta.labels {
                by_label.entry(label).or_default().push((at, *pod));
            }
        }
        Orphans { by_label, found: FxHashMap::default() }
    }
}

/// The pods that have every label of a workload's template; none if the template has no labels.
fn like(by_label: &ByLabel<'_>, workload: &Workload) -> Vec<usize> {
    let of_label = |label| by_label.get(label).map_or(&[][..], Vec::as_slice);
    let rarest = workload.labels.iter().map(of_label).min_by_key(|pods| pods.len()).unwrap_or_default();
    let has_all = |pod: &Pod| workload.labels.iter().all(|label| pod.meta.labels.contains(label));
    rarest.iter().filter(|(_, pod)| has_all(pod)).map(|(at, _)| *at).collect()
}
