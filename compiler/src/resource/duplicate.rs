//! Objects that stand twice: the cluster holds only the one that is applied last.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::Resource;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::source::Sources;

/// Leaves out each object that a later one of the same kind, namespace and name replaces, and says so
/// at the later one.
pub fn without_replaced(mut resources: Vec<Resource>, sources: &Sources) -> (Vec<Resource>, Vec<Diagnostic>) {
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
        diagnostics.push(finding(&resources[earlier], resource, sources));
    }
    drop(last);
    let mut replaced = replaced.into_iter();
    resources.retain(|_| replaced.next() != Some(true));
    (resources, diagnostics)
}

/// Of two that are the same word for word nothing is lost, yet.
fn finding(earlier: &Resource, later: &Resource, sources: &Sources) -> Diagnostic {
    let same = sources.text(earlier.place.whole) == sources.text(later.place.whole);
    let (severity, what, does, help) = match same {
        true => (
            Severity::Info,
            "stands here a second time, word for word",
            "the same stands here",
            "remove one of the two, or a change to this one alone will be lost",
        ),
        false => (
            Code::DuplicateObject.severity(),
            "stands here a second time, and replaces the first",
            "this one does not count",
            "rename one of the two, or remove it",
        ),
    };
    let message = format!("{} `{}` {what}", later.place.document.kind, later.object.name());
    Diagnostic::new(Code::DuplicateObject, later.object.meta().name.span, message)
        .severity(severity)
        .related(earlier.object.meta().name.span, does)
        .help(help)
        .document(Some(Arc::clone(&later.place.document)))
}
