//! Which events a reader wants.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use sluice_ir::net::Cidr;

use super::policy::Verdict;
use super::told::{End, Kind, Told};

/// Which events a reader wants: those that meet every condition. What is empty is no condition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// The endpoint: `shop/cart`, or every one of a namespace: `shop/`.
    pub endpoint: Option<String>,
    /// One of these kinds.
    pub kinds: Vec<Kind>,
    /// One of these verdicts.
    pub verdicts: Vec<Verdict>,
    /// The other end: an address, a prefix, or a name like that of an endpoint.
    pub peer: Option<String>,
    /// The port that the packet goes to.
    pub port: Option<u16>,
}

impl Filter {
    /// Whether an event is wanted.
    pub fn admits(&self, told: &Told) -> bool {
        let endpoint = self.endpoint.as_deref().is_none_or(|wanted| is_named(wanted, &told.endpoint));
        let kind = self.kinds.is_empty() || self.kinds.contains(&told.kind);
        let verdict = self.verdicts.is_empty() || self.verdicts.contains(&told.verdict);
        let peer = self.peer.as_deref().is_none_or(|wanted| is_end(wanted, told.peer()));
        let port = self.port.is_none_or(|port| told.flow.destination.port == Some(port));
        endpoint && kind && verdict && peer && port
    }
}

fn is_named(wanted: &str, name: &str) -> bool {
    if wanted.ends_with('/') { name.starts_with(wanted) } else { name == wanted }
}

fn is_end(wanted: &str, end: &End) -> bool {
    if let Ok(address) = wanted.parse::<IpAddr>() {
        return address == end.address;
    }
    if let Ok(prefix) = wanted.parse::<Cidr>() {
        return prefix.contains(end.address);
    }
    end.name.as_deref().is_some_and(|name| is_named(wanted, name))
}

#[cfg(test)]
mod tests {
    use super::Filter;
    use crate::api::policy::Verdict;
    use crate::api::snapshot::Direction;
    use crate::api::told::{End, Flow, Kind, Told};

    fn told() -> Told {
        let end = |name: &str, address: [u8; 4], port| End {
            name: Some(name.to_owned()),
            address: address.into(),
            port: Some(port),
        };
        let (source, destination) =
            (end("shop/web", [10, 0, 0, 1], 40_000), end("shop/cart", [10, 0, 0, 2], 80));
        let flow = Flow { source, destination, protocol: "tcp".to_owned(), ..Flow::default() };
        Told { flow, endpoint: "shop/cart".to_owned(), direction: Direction::Ingress, ..Told::default() }
    }

    #[test]
    fn every_condition_counts() {
        let some = |text: &str| Some(text.to_owned());
        for (filter, admits) in [
            (Filter::default(), true),
            (Filter { endpoint: some("shop/cart"), ..Filter::default() }, true),
            (Filter { endpoint: some("shop/"), ..Filter::default() }, true),
            (Filter { endpoint: some("shop"), ..Filter::default() }, false),
            (Filter { endpoint: some("shop/web"), ..Filter::default() }, false),
            (Filter { kinds: vec![Kind::New, Kind::Drop], ..Filter::default() }, true),
            (Filter { kinds: vec![Kind::New], ..Filter::default() }, false),
            (Filter { verdicts: vec![Verdict::Allow], ..Filter::default() }, false),
            (Filter { peer: some("10.0.0.1"), ..Filter::default() }, true),
            (Filter { peer: some("10.0.0.0/31"), ..Filter::default() }, true),
            (Filter { peer: some("10.0.0.2"), ..Filter::default() }, false),
            (Filter { peer: some("shop/web"), ..Filter::default() }, true),
            (Filter { peer: some("shop/cart"), ..Filter::default() }, false),
            (Filter { port: Some(80), ..Filter::default() }, true),
            (Filter { port: Some(40_000), ..Filter::default() }, false),
            (Filter { endpoint: some("shop/cart"), port: Some(81), ..Filter::default() }, false),
        ] {
            assert_eq!(filter.admits(&told()), admits, "{filter:?}");
        }
    }

    #[test]
    fn what_is_left_out_is_no_condition() {
        assert_eq!(serde_json::from_str::<Filter>("{}").unwrap(), Filter::default());
    }
}
