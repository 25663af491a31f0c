//! Labels and label sets.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use rustc_hash::FxHasher;

use crate::hashed::Hashed;

/// Where a label comes from: the word before the colon (semantics.md 3.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LabelSource {
    /// Matches every source; only in selectors.
    Any,
    /// `k8s`: a pod's labels and what is derived from its namespace and service account.
    K8s,
    /// `reserved`: entities.
    Reserved,
    /// `cidrgroup`: membership of a group of prefixes, and the group's labels.
    CidrGroup,
    /// `node`: labels of nodes.
    Node,
    /// Any other word. It matches only itself.
    Other(Arc<str>),
}

impl LabelSource {
    /// The source of a word. `unspec` behaves as `any` (semantics.md 12.1).
    pub fn from_word(word: &str) -> LabelSource {
        match word {
            "any" | "unspec" | "" => LabelSource::Any,
            "k8s" => LabelSource::K8s,
            "reserved" => LabelSource::Reserved,
            "cidrgroup" => LabelSource::CidrGroup,
            "node" => LabelSource::Node,
            other => LabelSource::Other(other.into()),
        }
    }

    /// The word.
    pub fn word(&self) -> &str {
        match self {
            LabelSource::Any => "any",
            LabelSource::K8s => "k8s",
            LabelSource::Reserved => "reserved",
            LabelSource::CidrGroup => "cidrgroup",
            LabelSource::Node => "node",
            LabelSource::Other(word) => word,
        }
    }
}

/// One label of an identity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    /// The key, without its source.
    pub key: Arc<str>,
    /// Where it comes from; never [`LabelSource::Any`].
    pub source: LabelSource,
    /// The value; may be empty.
    pub value: Arc<str>,
}

impl Label {
    /// A label.
    pub fn new(source: LabelSource, key: impl Into<Arc<str>>, value: impl Into<Arc<str>>) -> Label {
        Label { key: key.into(), source, value: value.into() }
    }

    /// `reserved:<entity>`.
    pub fn reserved(entity: &str) -> Label {
        Label::new(LabelSource::Reserved, entity, "")
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.source.word(), self.key)?;
        if self.value.is_empty() { Ok(()) } else { write!(f, "={}", self.value) }
    }
}

/// The labels of an identity: at most one for each key, whatever the source (semantics.md 3.1).
///
/// It is hashed when it is made: identities are looked up by it from the inventory to the proof.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabelSet(Hashed<Box<[Label]>>);

/// Up to this many labels are looked through one by one: keys of other lengths cost a comparison of two
/// numbers, while the order of keys, which share long beginnings, costs a look at their bytes.
const FEW: usize = 32;

impl LabelSet {
    /// The label with this key.
    pub fn get(&self, key: &str) -> Option<&Label> {
        if self.0.len() <= FEW {
            return self.0.iter().find(|label| *label.key == *key);
        }
        self.0.binary_search_by(|label| (*label.key).cmp(key)).ok().map(|at| &self.0[at])
    }

    /// Whether it has `reserved:<entity>`.
    pub fn is_reserved(&self, entity: &str) -> bool {
        self.0.iter().any(|label| label.source == LabelSource::Reserved && *label.key == *entity)
    }

    /// The labels in order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = &Label> {
        self.0.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Label> for LabelSet {
    /// Of two labels with one key the later stays.
    fn from_iter<I: IntoIterator<Item = Label>>(labels: I) -> LabelSet {
        let mut labels: Vec<Label> = labels.into_iter().collect();
        labels.reverse();
        labels.sort_by(|a, b| a.key.cmp(&b.key));
        labels.dedup_by(|later, first| later.key == first.key);
        let hash = hash_of(&labels);
        LabelSet(Hashed::new(labels.into(), hash))
    }
}

/// The hash of values, or of keys without one: these tell nearly all sets apart, and other keys are long and mostly
/// the same.
fn hash_of(labels: &[Label]) -> u64 {
    let mut hasher = FxHasher::default();
    for Label { key, value, .. } in labels {
        if value.is_empty() { key } else { value }.hash(&mut hasher);
    }
    hasher.finish()
}

impl Default for LabelSet {
    fn default() -> LabelSet {
        LabelSet::from_iter([])
    }
}

impl fmt::Display for LabelSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, label) in self.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{label}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_keeps_the_last_label_of_a_key() {
        let set: LabelSet = [
            Label::new(LabelSource::K8s, "app", "web"),
            Label::reserved("host"),
            Label::new(LabelSource::Node, "app", "x"),
        ]
        .into_iter()
        .collect();
        assert_eq!(set.to_string(), "node:app=x, reserved:host");
        assert!(set.is_reserved("host") && !set.is_reserved("app"));
    }
}
