//! The tiny world, and what can be asked about it.

use std::net::IpAddr;

use crate::dns_name::{Asker, DnsName, LearnedName};
use crate::label::{Label, LabelSet, LabelSource};
use crate::net::{PortName, Protocol};
use crate::policy::eval::Question;
use crate::policy::{Direction, Identity};

/// The key of a pod's namespace.
pub(super) const NAMESPACE: &str = "io.kubernetes.pod.namespace";

/// The identities of the tiny world; those of [`endpoints`] come first.
pub fn identities() -> Vec<Identity> {
    let reserved =
        |entity| Identity { labels: [Label::reserved(entity)].into_iter().collect(), ..Identity::default() };
    let host: LabelSet =
        [Label::reserved("host"), Label::new(LabelSource::Node, "role", "edge")].into_iter().collect();
    let mut identities = vec![
        pod("a", Some("x"), &[("web", Protocol::TCP, 5)]),
        pod("a", Some("y"), &[("web", Protocol::TCP, 6), ("dns", Protocol::UDP, 4)]),
        pod("b", Some("x"), &[("web", Protocol::UDP, 5)]),
        pod("c", None, &[]),
        reserved("init"),
        Identity { labels: host, ..Identity::default() },
        reserved("remote-node"),
    ];
    let addresses = (0..8_u8).map(|eighth| IpAddr::from([eighth << 5, 0, 0, 1])).chain("2001:db8::1".parse());
    identities.extend(addresses.enumerate().map(|(i, address)| {
        let names = [
            &[("x.io", None)][..],
            &[("a.x.io", None), ("y.org", Some("a/x"))],
            &[("x.io", Some("a/x"))],
            &[],
        ];
        let learned = |(name, by): &(&str, Option<&str>)| {
            let by = by.map(Asker::new);
            DnsName::parse(name).map(|name| LearnedName { name, by })
        };
        let names = names[i.min(3)].iter().flat_map(learned).collect();
        Identity { address: Some(address), names, ..reserved("world") }
    }));
    identities
}

/// The identities that policy is enforced on: the pods, one without resolved labels, and the host.
pub fn endpoints(identities: &[Identity]) -> &[Identity] {
    identities.get(..6).unwrap_or(identities)
}

fn pod(namespace: &str, app: Option<&str>, ports: &[(&str, Protocol, u16)]) -> Identity {
    let namespace = Label::new(LabelSource::K8s, NAMESPACE, namespace);
    let app = app.map(|app| Label::new(LabelSource::K8s, "app", app));
    let port = |&(name, protocol, number): &(&str, Protocol, u16)| {
        PortName::parse(name).map(|name| (name, (protocol, number)))
    };
    Identity {
        labels: app.into_iter().chain([namespace]).collect(),
        ports: ports.iter().filter_map(port).collect(),
        ..Identity::default()
    }
}

/// Every question about the tiny world: each endpoint, peer, direction and port, and the ports beside
/// those that rules name.
pub fn questions(identities: &[Identity]) -> impl Iterator<Item = Question<'_>> {
    let services = || {
        let of = |protocol| (3..=8_u16).map(move |port| (protocol, port));
        of(Protocol::TCP).chain(of(Protocol::UDP)).chain([
            (Protocol::ICMP, 4),
            (Protocol::ICMP, 8),
            (Protocol(47), 0),
        ])
    };
    let sides = |subject| {
        let to = move |peer| Direction::BOTH.map(|direction| (subject, peer, direction));
        identities.iter().flat_map(to)
    };
    endpoints(identities).iter().flat_map(sides).flat_map(move |(subject, peer, direction)| {
        services().map(move |(protocol, port)| Question { subject, peer, direction, protocol, port })
    })
}
