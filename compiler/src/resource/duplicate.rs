//! Objects that stand twice: the cluster holds only the one that is applied last.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::Resource;
use crate::diagnostic::{Code, Diagnostic};

/// Leaves out each object that a later one of the same kind, namespace and name replaces, and says so
/// at the later one.
pub fn without_replaced(mut resources: Vec<Resource>) -> (Vec<Resource>, Vec<Diagnostic>) {
    let mut last = FxHashMap::default();
    let mut replaced = vec![false; resources.len()];
    let mut diagnostics = Vec::new();
    for (at, resource) in resources.iter().enumerate() {
        let meta = resource.object.meta();
        if meta.generated {
            continue;
        }
        let key = (&*resource.place.document.kind, &meta.namespace, &meta.name.value);
        let Some(earlier) = last.insert(key, at) else { continue };
        replaced[earlier] = true;
        diagnostics.push(
            Diagnostic::new(
                Code::DuplicateObject,
                meta.name.span,
                format!(
                    "{} `{}` stands here a second time, and replaces the first",
                    key.0,
                    resource.object.name()
                ),
            )
            .related(resources[earlier].object.meta().name.span, "this one does not count")
            .help("rename one of the two, or remove it")
            .document(Some(Arc::clone(&resource.place.document))),
        );
    }
    drop(last);
    let mut replaced = replaced.into_iter();
    resources.retain(|_| replaced.next() != Some(true));
    (resources, diagnostics)
}
