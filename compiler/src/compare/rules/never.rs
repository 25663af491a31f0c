//! What nobody can ever match.

use std::collections::BTreeSet;
use std::sync::Arc;

use sluice_ir::label::{Label, LabelSet, LabelSource};
use sluice_ir::net::Cidr;
use sluice_ir::policy::{Peer, Peers, Policy, Rule};
use sluice_ir::prefix_map::PrefixMap;
use sluice_ir::selector::{Operator, Requirement, Selector};

/// Whether no endpoint can ever be selected by a rule.
pub(super) fn subject(policy: &Policy, rule: &Rule) -> bool {
    is_contradiction(policy.selector(rule.subject.selector()))
}

/// Whether nobody can ever be among a rule's peers.
pub(super) fn peers(policy: &Policy, rule: &Rule) -> bool {
    let nobody = |peer: &Peer| match peer {
        Peer::Labels { selector, .. } => is_contradiction(policy.selector(*selector)),
        Peer::Cidr { cidr, except } => all_excepted(*cidr, except),
        Peer::Name { .. } => false,
    };
    matches!(&rule.peers, Peers::Of(peers) if peers.iter().all(nobody))
}

/// Whether exceptions leave nothing of a prefix.
fn all_excepted(cidr: Cidr, except: &[Cidr]) -> bool {
    let map: PrefixMap<bool> =
        std::iter::once((cidr, true)).chain(except.iter().map(|cidr| (*cidr, false))).collect();
    let mut atoms = map.atoms().into_iter().zip(map.iter());
    !atoms.any(|((_, lowest), (_, inside))| lowest.is_some() && *inside)
}

/// Whether no set of labels meets a selector. Keys do not depend on each other, and of one key there is at most one
/// label; so each key is tried with no label, with each value that is mentioned, and with one that is not.
fn is_contradiction(selector: &Selector) -> bool {
    selector.requirements().chunk_by(|a, b| a.key == b.key).any(|of_key| {
        let meets = |labels: &LabelSet| of_key.iter().all(|requirement| requirement.matches(labels));
        !meets(&LabelSet::default()) && !labels(of_key).any(|label| meets(&[label].into_iter().collect()))
    })
}

/// A label for each way in which requirements on one key can tell labels apart.
fn labels(requirements: &[Requirement]) -> impl Iterator<Item = Label> {
    let mut values: BTreeSet<Arc<str>> = BTreeSet::new();
    for requirement in requirements {
        if let Operator::In(of) | Operator::NotIn(of) = &requirement.operator {
            values.extend(of.iter().cloned());
        }
    }
    // Longer than all of them, so none of them.
    values.insert(values.iter().map(|value| &**value).chain(["-"]).collect::<String>().into());
    let named = |source: &LabelSource| *source != LabelSource::Any;
    let sources: BTreeSet<&LabelSource> =
        requirements.iter().map(|requirement| &requirement.source).collect();
    let mut sources: Vec<LabelSource> = sources.into_iter().filter(|source| named(source)).cloned().collect();
    sources.push(LabelSource::Other(
        sources.iter().map(LabelSource::word).chain(["-"]).collect::<String>().into(),
    ));
    let key = requirements.first().map(|requirement| Arc::clone(&requirement.key)).unwrap_or_default();
    sources.into_iter().flat_map(move |source| {
        let label = |value: &Arc<str>| Label::new(source.clone(), Arc::clone(&key), Arc::clone(value));
        values.iter().map(label).collect::<Vec<_>>()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selector(requirements: Vec<(LabelSource, Operator)>) -> Selector {
        requirements.into_iter().map(|(source, operator)| Requirement::new(source, "app", operator)).collect()
    }

    #[test]
    fn requirements_on_one_key_can_contradict_each_other() {
        use LabelSource::{Any, K8s, Reserved};
        let of = |values: &[&str]| values.iter().map(|value| Arc::from(*value)).collect::<Arc<[Arc<str>]>>();
        let never = [
            vec![(K8s, Operator::In(of(&["x"]))), (K8s, Operator::In(of(&["y"])))],
            vec![(K8s, Operator::In(of(&["x"]))), (Any, Operator::NotIn(of(&["x", "y"])))],
            vec![(Any, Operator::Exists), (Any, Operator::DoesNotExist)],
            vec![(K8s, Operator::Exists), (Reserved, Operator::Exists)],
            vec![(K8s, Operator::In([].into()))],
        ];
        for requirements in never {
            assert!(is_contradiction(&selector(requirements.clone())), "{requirements:?}");
        }
        let ever = [
            vec![],
            vec![(K8s, Operator::NotIn(of(&["x"]))), (K8s, Operator::NotIn(of(&["y"])))],
            vec![(K8s, Operator::Exists), (K8s, Operator::NotIn(of(&["x"])))],
            vec![(K8s, Operator::Exists), (Reserved, Operator::DoesNotExist)],
            vec![(Any, Operator::Exists), (K8s, Operator::DoesNotExist), (Reserved, Operator::DoesNotExist)],
        ];
        for requirements in ever {
            assert!(!is_contradiction(&selector(requirements.clone())), "{requirements:?}");
        }
    }

    #[test]
    fn exceptions_can_leave_nothing() {
        let cidr = |text: &str| -> Cidr { text.parse().unwrap() };
        assert!(all_excepted(cidr("10.0.0.0/8"), &[cidr("10.0.0.0/8")]));
        assert!(all_excepted(cidr("10.0.0.0/8"), &[cidr("10.128.0.0/9"), cidr("10.0.0.0/9")]));
        assert!(!all_excepted(cidr("10.0.0.0/8"), &[cidr("10.128.0.0/9")]));
    }
}
