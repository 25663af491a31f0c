//! What the text calls classes and origins.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::decision::Decision;
use crate::label::{LabelSet, LabelSource};
use crate::origin::Origin;
use crate::policy::Identity;

/// The keys that people give the name of an application, the most common first.
const APPLICATION: [&str; 4] = ["app", "app.kubernetes.io/name", "k8s-app", "name"];
/// The key of a pod's namespace.
const NAMESPACE: &str = "io.kubernetes.pod.namespace";

/// A distinct name for each class, from what people know it by.
pub(super) fn class_names(decision: &Decision) -> Vec<Arc<str>> {
    let mut names: Vec<Option<Arc<str>>> = vec![None; decision.classes.len()];
    for (entity, class) in &decision.entities {
        if let Some(name @ None) = names.get_mut(class.index()) {
            *name = Some(entity.clone());
        }
    }
    let named = decision.classes.iter().zip(names);
    let wanted = named.map(|(class, name)| name.unwrap_or_else(|| known_as(&class.example).into()));
    distinct(wanted.collect())
}

fn known_as(example: &Identity) -> String {
    match (example.names.first(), example.address) {
        (Some(name), _) => name.to_string(),
        (None, Some(address)) => address.to_string(),
        (None, None) => known_by_labels(&example.labels),
    }
}

fn known_by_labels(labels: &LabelSet) -> String {
    let value = |key: &str| labels.get(key).map(|label| &*label.value).filter(|value| !value.is_empty());
    let reserved = labels.iter().find(|label| label.source == LabelSource::Reserved).map(|label| &*label.key);
    let own = labels.iter().filter(|label| !label.key.starts_with("io."));
    let first = own.map(|label| &*label.value).find(|value| !value.is_empty());
    let name = APPLICATION.iter().copied().find_map(value).or(reserved).or(first);
    match (value(NAMESPACE), name) {
        (Some(namespace), name) => format!("{namespace}/{}", name.unwrap_or_default()),
        (None, name) => name.unwrap_or("peer").to_owned(),
    }
}

/// The names, with a number behind those that are taken.
fn distinct(wanted: Vec<Arc<str>>) -> Vec<Arc<str>> {
    let mut uses: FxHashMap<Arc<str>, usize> = FxHashMap::default();
    let mut names = Vec::with_capacity(wanted.len());
    for name in wanted {
        let mut free = name.clone();
        while uses.contains_key(&free) {
            let count = uses.entry(name.clone()).or_default();
            *count += 1;
            free = format!("{name}~{count}").into();
        }
        uses.insert(free.clone(), 1);
        names.push(free);
    }
    names
}

/// What tells an origin from others where it is named.
pub(super) type Reference = (Option<Arc<str>>, Arc<str>, Arc<str>, u32);

/// For each origin which one it is of those with the same object and path, from 1.
pub(super) fn twins(origins: &[Origin]) -> Vec<u32> {
    let mut uses = FxHashMap::default();
    let count = |origin: &Origin| {
        let count =
            uses.entry((origin.namespace.clone(), origin.name.clone(), origin.path.clone())).or_insert(0);
        *count += 1;
        *count
    };
    origins.iter().map(count).collect()
}
