//! Pods in their nodes' networks. They are no endpoints, so the inventory does not have their labels.

use std::collections::BTreeSet;

use sluice_ir::label::LabelSet;

use super::template::Template;
use crate::resource::Resource;

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

/// Of several with the same labels, such as the pods of a DaemonSet, the first.
pub(super) fn collect(resources: &[Resource]) -> Vec<OnHost<'_>> {
    let mut seen = BTreeSet::new();
    let on_host = resources.iter().filter_map(|resource| {
        let labels = Template::of(resource).filter(|template| template.spec.host_network)?.labels();
        seen.insert(labels.clone()).then_some(OnHost { resource, labels })
    });
    on_host.collect()
}
