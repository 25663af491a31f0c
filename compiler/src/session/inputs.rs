//! The objects of a session.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::resource::cilium::PeerItems;
use crate::resource::{Object, Resource};

/// Names an object: kind, namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// The kind.
    pub kind: Arc<str>,
    /// The namespace, `default` where an object of a namespace names none.
    pub namespace: Option<Arc<str>>,
    /// The name.
    pub name: Arc<str>,
}

impl ObjectKey {
    /// The key of an object.
    pub fn of(resource: &Resource) -> ObjectKey {
        let document = &resource.place.document;
        let namespaced =
            !matches!(*resource.object, Object::Namespace(_) | Object::Node(_) | Object::CidrGroup(_));
        let clusterwide = matches!(&*resource.object, Object::CiliumPolicy(policy) if policy.clusterwide);
        let namespace = document.namespace.clone().unwrap_or_else(|| "default".into());
        ObjectKey {
            kind: Arc::clone(&document.kind),
            namespace: (namespaced && !clusterwide).then_some(namespace),
            name: Arc::clone(&document.name),
        }
    }
}

/// Objects, each once.
#[derive(Debug, Default)]
pub(super) struct Inputs {
    resources: Vec<Resource>,
    places: FxHashMap<ObjectKey, usize>,
    /// How many workloads there are in each namespace.
    workloads: FxHashMap<Arc<str>, usize>,
}

impl Inputs {
    /// Of two objects with one key the later counts.
    pub(super) fn new(resources: Vec<Resource>) -> Inputs {
        let mut inputs = Inputs::default();
        for resource in resources {
            inputs.put(ObjectKey::of(&resource), resource);
        }
        inputs
    }

    pub(super) fn resources(&self) -> &[Resource] {
        &self.resources
    }

    pub(super) fn get(&self, key: &ObjectKey) -> Option<&Resource> {
        self.places.get(key).map(|place| &self.resources[*place])
    }

    /// Puts an object in the place of the one with its key, and gives that.
    pub(super) fn put(&mut self, key: ObjectKey, resource: Resource) -> Option<Resource> {
        match self.places.get(&key) {
            Some(place) => Some(std::mem::replace(&mut self.resources[*place], resource)),
            None => {
                if let Some(count) = self.workloads_beside(&resource) {
                    *count += 1;
                }
                self.places.insert(key, self.resources.len());
                self.resources.push(resource);
                None
            }
        }
    }

    /// The number of workloads in the namespace of a workload.
    fn workloads_beside(&mut self, resource: &Resource) -> Option<&mut usize> {
        let Object::Workload(workload) = &*resource.object else { return None };
        let namespace = workload.meta.namespace.clone().unwrap_or_else(|| "default".into());
        Some(self.workloads.entry(namespace).or_default())
    }

    pub(super) fn remove(&mut self, key: &ObjectKey) -> Option<Resource> {
        let place = self.places.remove(key)?;
        let resource = self.resources.swap_remove(place);
        if let Some(count) = self.workloads_beside(&resource) {
            *count -= 1;
        }
        if let Some(moved) = self.resources.get(place) {
            self.places.insert(ObjectKey::of(moved), place);
        }
        Some(resource)
    }

    /// Whether there is a workload in a namespace.
    pub(super) fn has_workload(&self, namespace: &str) -> bool {
        self.workloads.get(namespace).is_some_and(|count| *count > 0)
    }

    /// The keys of the objects of which something holds, sorted.
    pub(super) fn keys_of(&self, holds: impl Fn(&Resource) -> bool) -> Vec<ObjectKey> {
        let mut keys: Vec<ObjectKey> =
            self.resources.iter().filter(|r| holds(r)).map(ObjectKey::of).collect();
        keys.sort();
        keys
    }
}

/// Whether an object is a policy.
pub(super) fn is_policy(resource: &Resource) -> bool {
    matches!(*resource.object, Object::CiliumPolicy(_) | Object::NetworkPolicy(_))
}

/// Whether a policy names services.
pub(super) fn names_service(resource: &Resource) -> bool {
    has_peers(resource, |items| matches!(items, PeerItems::Services(_)))
}

/// Whether a policy names cloud groups.
pub(super) fn names_cloud_group(resource: &Resource) -> bool {
    has_peers(resource, |items| matches!(items, PeerItems::Groups(_)))
}

/// Whether one of a policy's lists of peers is of some kind.
fn has_peers(resource: &Resource, is: fn(&PeerItems) -> bool) -> bool {
    let Object::CiliumPolicy(policy) = &*resource.object else { return false };
    let sections = policy.specs.iter().flat_map(|spec| &spec.sections);
    let lists = sections.flat_map(|section| &section.entries).flat_map(|entry| &entry.peers);
    lists.into_iter().any(|list| is(&list.items))
}
