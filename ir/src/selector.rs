//! Label selectors.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use rustc_hash::FxHasher;

use crate::hashed::Hashed;
use crate::label::{LabelSet, LabelSource};
use crate::word::{label_key, word};

/// A conjunction of requirements on labels; without any it matches everything.
///
/// Kept in canonical form (requirements sorted, values sorted and distinct), so that two selectors
/// that are written differently but say the same are often equal, and text is stable.
///
/// Its copies share their memory, and it is hashed when it is made: policies are put together, verified and
/// rewritten in tables of many thousands of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Selector(Hashed<Arc<[Requirement]>>);

/// One condition on one key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Requirement {
    /// The key, without its source.
    pub key: Arc<str>,
    /// Which source the label must have.
    pub source: LabelSource,
    /// What must hold of its value.
    pub operator: Operator,
}

/// What a requirement asks of a label.
///
/// A label that is absent satisfies `NotIn` and `DoesNotExist` (Kubernetes label selectors). A label
/// of another source counts as absent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// Present, with one of these values.
    In(Arc<[Arc<str>]>),
    /// Absent, or with none of these values.
    NotIn(Arc<[Arc<str>]>),
    /// Present.
    Exists,
    /// Absent.
    DoesNotExist,
}

impl Requirement {
    /// A requirement in canonical form.
    pub fn new(source: LabelSource, key: impl Into<Arc<str>>, operator: Operator) -> Requirement {
        let operator = match operator {
            Operator::In(values) => Operator::In(sorted(values)),
            Operator::NotIn(values) => Operator::NotIn(sorted(values)),
            other => other,
        };
        Requirement { key: key.into(), source, operator }
    }

    /// `key` must be `value`.
    pub fn equals(source: LabelSource, key: impl Into<Arc<str>>, value: impl Into<Arc<str>>) -> Requirement {
        Requirement { key: key.into(), source, operator: Operator::In([value.into()].into()) }
    }

    /// `key` must be there.
    pub fn exists(source: LabelSource, key: impl Into<Arc<str>>) -> Requirement {
        Requirement::new(source, key, Operator::Exists)
    }

    /// Whether a set of labels meets it.
    pub fn matches(&self, labels: &LabelSet) -> bool {
        let label =
            labels.get(&self.key).filter(|l| self.source == LabelSource::Any || self.source == l.source);
        match (&self.operator, label) {
            (Operator::In(values), Some(label)) => values.binary_search(&label.value).is_ok(),
            (Operator::NotIn(values), Some(label)) => values.binary_search(&label.value).is_err(),
            (Operator::Exists, label) => label.is_some(),
            (Operator::DoesNotExist, label) => label.is_none(),
            (Operator::In(_), None) => false,
            (Operator::NotIn(_), None) => true,
        }
    }
}

fn sorted(values: Arc<[Arc<str>]>) -> Arc<[Arc<str>]> {
    if values.is_sorted_by(|a, b| a < b) {
        return values;
    }
    let mut values = values.to_vec();
    values.sort();
    values.dedup();
    values.into()
}

impl Selector {
    /// Whether a set of labels meets every requirement.
    pub fn matches(&self, labels: &LabelSet) -> bool {
        self.0.iter().all(|requirement| requirement.matches(labels))
    }

    /// The requirements, sorted by key.
    pub fn requirements(&self) -> &[Requirement] {
        &self.0
    }

    /// Whether requirements and values are sorted and distinct, and sources are what their words mean.
    /// Only a [`Requirement`] that was not made by its constructor breaks this.
    pub fn is_canonical(&self) -> bool {
        let rises = |values: &[Arc<str>]| values.is_sorted_by(|a, b| a < b);
        let requirement_is = |requirement: &Requirement| {
            requirement.source == LabelSource::from_word(requirement.source.word())
                && match &requirement.operator {
                    Operator::In(values) | Operator::NotIn(values) => rises(values),
                    Operator::Exists | Operator::DoesNotExist => true,
                }
        };
        self.0.is_sorted_by(|a, b| a < b) && self.0.iter().all(requirement_is)
    }

    /// Whether it matches everything because it requires nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Requirement> for Selector {
    fn from_iter<I: IntoIterator<Item = Requirement>>(requirements: I) -> Selector {
        let mut requirements: Vec<Requirement> = requirements.into_iter().collect();
        requirements.sort();
        requirements.dedup();
        let mut hasher = FxHasher::default();
        requirements.hash(&mut hasher);
        Selector(Hashed::new(requirements.into(), hasher.finish()))
    }
}

impl Default for Selector {
    fn default() -> Selector {
        Selector::from_iter([])
    }
}

impl fmt::Display for Requirement {
    /// As in the text form: `any:app = "web"`, `k8s:tier in ("a", "b")`, `exists any:app`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = format!("{}:{}", word(self.source.word()), label_key(&self.key));
        match &self.operator {
            Operator::In(values) if values.len() == 1 => write!(f, "{key} = {:?}", values[0]),
            Operator::In(values) => write!(f, "{key} in ({})", quoted(values)),
            Operator::NotIn(values) => write!(f, "{key} not in ({})", quoted(values)),
            Operator::Exists => write!(f, "exists {key}"),
            Operator::DoesNotExist => write!(f, "not exists {key}"),
        }
    }
}

fn quoted(values: &[Arc<str>]) -> String {
    values.iter().map(|value| format!("{value:?}")).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Selector {
    /// As in the text form: requirements with a comma between, `{}` for none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("{}");
        }
        for (i, requirement) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{requirement}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label::Label;

    fn labels() -> LabelSet {
        [Label::new(LabelSource::K8s, "app", "web"), Label::new(LabelSource::K8s, "empty", "")]
            .into_iter()
            .collect()
    }

    fn requirement(source: &str, key: &str, operator: Operator) -> Requirement {
        Requirement::new(LabelSource::from_word(source), key, operator)
    }

    #[test]
    fn absent_keys_satisfy_only_the_negative_operators() {
        let absent = |operator| requirement("any", "tier", operator).matches(&labels());
        assert!(!absent(Operator::In(["web".into()].into())));
        assert!(absent(Operator::NotIn(["web".into()].into())));
        assert!(!absent(Operator::Exists));
        assert!(absent(Operator::DoesNotExist));
    }

    #[test]
    fn a_label_of_another_source_counts_as_absent() {
        assert!(requirement("k8s", "app", Operator::Exists).matches(&labels()));
        assert!(requirement("unspec", "app", Operator::Exists).matches(&labels()));
        assert!(!requirement("cni", "app", Operator::Exists).matches(&labels()));
        assert!(requirement("cni", "app", Operator::NotIn(["web".into()].into())).matches(&labels()));
    }

    #[test]
    fn an_empty_value_is_a_value() {
        assert!(requirement("any", "empty", Operator::In(["".into()].into())).matches(&labels()));
        assert!(!requirement("any", "empty", Operator::NotIn(["".into()].into())).matches(&labels()));
    }

    #[test]
    fn canonical_form_forgets_order_and_repetition() {
        let a: Selector =
            [requirement("any", "b", Operator::Exists), requirement("any", "a", Operator::Exists)]
                .into_iter()
                .collect();
        let b: Selector = [
            requirement("any", "a", Operator::Exists),
            requirement("any", "b", Operator::Exists),
            requirement("any", "a", Operator::Exists),
        ]
        .into_iter()
        .collect();
        assert_eq!(a, b);
        assert!(Selector::default().matches(&labels()));
    }
}
