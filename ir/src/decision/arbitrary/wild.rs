//! Decisions with any text wherever text can stand.

use std::sync::Arc;

use proptest::prelude::*;

use super::raw_decisions;
use crate::decision::{Decision, EndpointName, PeerClass};
use crate::dns_name::{Asker, DnsName, LearnedName};
use crate::label::{Label, LabelSource};
use crate::net::{PortName, Protocol};
use crate::origin::Origin;
use crate::policy::arbitrary::POOL;
use crate::policy::arbitrary::pool::tiny_l7;
use crate::policy::arbitrary::wild::{shared, text, wild_l7, wild_origin};
use crate::policy::{Identity, L7, NamedPorts, Proxy};

/// Sound decisions in canonical form, with any text in them.
pub fn wild_decisions() -> impl Strategy<Value = Decision> {
    let pool = |l7: L7| prop::collection::vec(wild_l7(l7), 1);
    let l7: Vec<_> = tiny_l7().into_iter().map(pool).collect();
    let origins = prop::collection::vec(wild_origin(), POOL);
    let namespace = prop::option::of(shared());
    let endpoint = (namespace, shared()).prop_map(|(namespace, name)| EndpointName { namespace, name });
    let endpoints = prop::collection::btree_set(endpoint, 5).prop_map(|all| all.into_iter().collect());
    let examples = prop::collection::btree_set(identity(), 5).prop_map(|all| all.into_iter().collect());
    let words = prop::collection::vec(shared(), 5);
    (raw_decisions(), l7, origins, endpoints, examples, words).prop_map(
        |(mut decision, l7, origins, endpoints, examples, words)| {
            decision.l7 = l7.concat();
            for outcome in &mut decision.verdicts {
                outcome.proxy = Proxy::of(outcome.l7.iter().map(|id| &decision.l7[id.index()]));
            }
            decision.origins = twins(origins);
            rename(&mut decision, endpoints, examples, words);
            decision.canonical()
        },
    )
}

/// Some of the origins get the object and path of others.
fn twins(mut origins: Vec<Origin>) -> Vec<Origin> {
    for at in 1..origins.len() / 2 {
        let first = origins[0].clone();
        origins[at] = Origin { line: at as u32, ..first };
    }
    origins
}

fn rename(
    decision: &mut Decision,
    endpoints: Vec<EndpointName>,
    examples: Vec<Identity>,
    words: Vec<Arc<str>>,
) {
    decision.node = decision.node.is_some().then(|| words[0].clone());
    let entities = std::mem::take(&mut decision.entities);
    decision.entities = words.into_iter().zip(entities.into_values()).collect();
    for (class, example) in decision.classes.iter_mut().zip(examples) {
        *class = PeerClass { example: Arc::new(example) };
    }
    let names = decision.subjects.iter_mut().flat_map(|subject| &mut subject.endpoints);
    names.zip(endpoints).for_each(|(name, wild)| *name = wild);
}

fn identity() -> impl Strategy<Value = Identity> {
    let labels = prop::collection::vec(label(), 0..4).prop_map(|labels| labels.into_iter().collect());
    let name = "[a-z.]{0,6}".prop_filter_map("a name", |text| DnsName::parse(&text).ok());
    let by = prop::option::of(shared().prop_map(Asker::new));
    let learned = (name, by).prop_map(|(name, by)| LearnedName { name, by });
    let names = prop::collection::vec(learned, 0..3);
    (labels, any::<Option<std::net::IpAddr>>(), names, ports())
        .prop_map(|(labels, address, names, ports)| Identity { labels, address, names, ports })
}

fn label() -> impl Strategy<Value = Label> {
    let source = prop_oneof![text(), Just("k8s".to_owned()), Just("reserved".to_owned())];
    let source = source.prop_map(|word| match LabelSource::from_word(&word) {
        LabelSource::Any => LabelSource::K8s,
        other => other,
    });
    let key = prop_oneof![text(), Just("app".to_owned()), Just("io.kubernetes.pod.namespace".to_owned())];
    (source, key, shared()).prop_map(|(source, key, value)| Label::new(source, key, value))
}

fn ports() -> impl Strategy<Value = NamedPorts> {
    let name = "[a-z]{1,5}".prop_filter_map("a name", |text| PortName::parse(&text));
    prop::collection::btree_map(name, (any::<u8>().prop_map(Protocol), any::<u16>()), 0..3)
}
