//! Pods in their nodes' networks. They are no endpoints, so the inventory does not have their labels.

use sluice_ir::label::{Label, LabelSet, LabelSource};

use crate::inventory::keys;
use crate::resource::core::PodSpec;
use crate::resource::meta::Meta;
use crate::resource::{Object, Resource};

/// A pod or workload with `hostNetwork: true`.
#[derive(Debug)]
pub(crate) struct OnHost<'a> {
    /// The object.
    pub(crate) resource: &'a Resource,
    /// Its pods' labels, with that of their namespace.
    pub(crate) labels: LabelSet,
}

impl OnHost<'_> {
    /// Its kind and name.
    pub(crate) fn name(&self) -> String {
        let kind = self.resource.place.document.kind.to_lowercase();
        format!("{kind} `{}`", self.resource.object.name())
    }
}

pub(super) fn collect(resources: &[Resource]) -> Vec<OnHost<'_>> {
    resources.iter().filter_map(on_host).collect()
}

fn on_host(resource: &Resource) -> Option<OnHost<'_>> {
    let (meta, labels, spec): (&Meta, &[_], &PodSpec) = match &resource.object {
        Object::Pod(pod) if !pod.ended => (&pod.meta, &pod.meta.labels, &pod.spec),
        Object::Workload(workload) => (&workload.meta, &workload.labels, &workload.spec),
        _ => return None,
    };
    let namespace = meta.namespace.as_ref().filter(|_| spec.host_network)?;
    let own = labels.iter().map(|(key, value)| Label::new(LabelSource::K8s, key.clone(), value.clone()));
    let labels = own.chain([Label::new(LabelSource::K8s, keys::NAMESPACE, namespace.clone())]).collect();
    Some(OnHost { resource, labels })
}
