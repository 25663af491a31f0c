//! What pods of an object look like.

use std::sync::Arc;

use sluice_ir::label::{Label, LabelSet, LabelSource};

use crate::inventory::keys;
use crate::resource::core::PodSpec;
use crate::resource::{Object, Resource};

/// The template of a workload, or a pod as its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Template<'a> {
    labels: &'a [(Arc<str>, Arc<str>)],
    namespace: Option<&'a Arc<str>>,
    /// The rest of it.
    pub(super) spec: &'a PodSpec,
}

impl<'a> Template<'a> {
    /// None for what makes no pods, and for a pod that has ended.
    pub(super) fn of(resource: &'a Resource) -> Option<Template<'a>> {
        let namespace = resource.object.meta().namespace.as_ref();
        match &*resource.object {
            Object::Pod(pod) if !pod.ended => {
                Some(Template { labels: &pod.meta.labels, namespace, spec: &pod.spec })
            }
            Object::Workload(workload) => {
                Some(Template { labels: &workload.labels, namespace, spec: &workload.spec })
            }
            _ => None,
        }
    }

    /// The labels as written, with that of the namespace.
    pub(super) fn labels(&self) -> LabelSet {
        let label = |(key, value): &(Arc<str>, Arc<str>)| {
            Label::new(LabelSource::K8s, Arc::clone(key), Arc::clone(value))
        };
        let namespace = |name: &Arc<str>| Label::new(LabelSource::K8s, keys::NAMESPACE, Arc::clone(name));
        self.labels.iter().map(label).chain(self.namespace.map(namespace)).collect()
    }
}
