//! What rules of the tiny world choose from.

use super::POOL;
use super::world::NAMESPACE;
use crate::dns_name::{Asker, DnsPattern};
use crate::label::LabelSource;
use crate::net::Cidr;
use crate::origin::Origin;
use crate::policy::{DnsRule, HttpRule, L7, L7Rules, Listener};
use crate::selector::{Operator, Requirement, Selector};

/// Every prefix of 1 to 3 bits of IPv4, and an eighth of IPv6.
pub(crate) fn prefixes() -> Vec<Cidr> {
    let v4 = |length: u8| {
        (0..1_u8 << length).filter_map(move |bits| Cidr::new([bits << (8 - length), 0, 0, 0].into(), length))
    };
    (1..=3).flat_map(v4).chain("2000::/3".parse()).collect()
}

pub(crate) fn names() -> Vec<DnsPattern> {
    let patterns = ["*.x.io", "**.io", "*"].into_iter().flat_map(DnsPattern::match_pattern);
    DnsPattern::match_name("x.io").into_iter().chain(patterns).collect()
}

/// For whom a name counts: mostly for everybody.
pub(super) fn askers() -> Vec<Option<Asker>> {
    vec![None, None, Some(Asker::new("a/x")), Some(Asker::new("a/y"))]
}

pub(super) fn tiny_selectors() -> Vec<Selector> {
    let k8s = |key, value| Requirement::equals(LabelSource::K8s, key, value);
    let any = |key, operator| Requirement::new(LabelSource::Any, key, operator);
    let reserved = |key| Requirement::exists(LabelSource::Reserved, key);
    let selectors: [&[Requirement]; POOL] = [
        &[],
        &[k8s("app", "x")],
        &[k8s(NAMESPACE, "a")],
        &[k8s(NAMESPACE, "b"), k8s("app", "x")],
        &[any("app", Operator::In(["x".into(), "y".into()].into()))],
        &[any("app", Operator::NotIn(["x".into()].into()))],
        &[any("app", Operator::DoesNotExist)],
        &[reserved("host")],
        &[reserved("world")],
        &[reserved("init")],
        &[Requirement::equals(LabelSource::Node, "role", "edge")],
        &[Requirement::exists(LabelSource::K8s, NAMESPACE)],
    ];
    selectors.into_iter().map(|requirements| requirements.iter().cloned().collect()).collect()
}

/// [`POOL`] sets of layer 7 rules, of every kind.
pub(crate) fn tiny_l7() -> Vec<L7> {
    let http = |method: &str| HttpRule { method: Some(method.into()), ..HttpRule::default() };
    let dns = |pattern: Option<DnsPattern>| DnsRule { name: None, pattern };
    let of = |rules| L7 { rules, ..L7::default() };
    let patterns = names().split_off(1);
    let listener = |priority| Listener {
        config_kind: "CiliumEnvoyConfig".into(),
        config_name: "proxy".into(),
        name: "main".into(),
        priority,
    };
    vec![
        of(L7Rules::Http(vec![http("GET")])),
        of(L7Rules::Http(vec![http("GET"), http("PUT")])),
        of(L7Rules::Http(vec![HttpRule::default()])),
        of(L7Rules::Http(Vec::new())),
        of(L7Rules::Dns(patterns.iter().cloned().map(|pattern| dns(Some(pattern))).collect())),
        of(L7Rules::Dns(vec![dns(None)])),
        of(L7Rules::Dns(Vec::new())),
        L7 { listener: Some(listener(None)), ..L7::default() },
        L7 { listener: Some(listener(Some(3))), ..L7::default() },
        L7 { terminating_tls: Some(Default::default()), ..L7::default() },
        L7 { originating_tls: Some(Default::default()), ..of(L7Rules::Http(vec![http("GET")])) },
        L7 { server_names: vec!["x.io".into(), "y.io".into()], ..L7::default() },
    ]
}

pub(crate) fn tiny_origins() -> Vec<Origin> {
    let origin = |i: usize| Origin {
        file: ["a.yaml", "b.yaml"][i / 6].into(),
        line: i as u32 + 1,
        column: 3,
        kind: "CiliumNetworkPolicy".into(),
        namespace: (i % 4 != 3).then(|| ["a", "b", "c"][i / 4].into()),
        name: "p".into(),
        path: format!("spec.rules[{i}]").into(),
    };
    (0..POOL).map(origin).collect()
}
