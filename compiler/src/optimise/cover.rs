//! Whether one thing matches whatever another does. A yes is proof; a no may only mean that it is not plain.

use sluice_ir::ids::SelectorId;
use sluice_ir::label::LabelSource;
use sluice_ir::net::{Cidr, PortRange};
use sluice_ir::policy::{Policy, PortMatch, PortSet, Ports};
use sluice_ir::selector::{Operator, Requirement, Selector};

/// How many things at most are compared each with each, so that time grows with the input and not with
/// its square.
pub(super) const PAIRWISE: usize = 64;

/// A label peer: its selector, and the prefixes that are left out.
pub(super) type LabelPeer<'p> = (SelectorId, &'p [Cidr]);

/// Whether a label peer matches whatever another does. Exceptions are expected in order and apart.
pub(super) fn labels_cover(policy: &Policy, wide: LabelPeer<'_>, narrow: LabelPeer<'_>) -> bool {
    let excepted = |cidr: &Cidr| {
        let at = narrow.1.partition_point(|other| other <= cidr);
        narrow.1[..at].last().is_some_and(|other| other.covers(*cidr))
    };
    let selects = wide.0 == narrow.0 || implies(policy.selector(narrow.0), policy.selector(wide.0));
    selects && wide.1.iter().all(excepted)
}

/// Whether every label set that meets `narrow` meets `wide`.
fn implies(narrow: &Selector, wide: &Selector) -> bool {
    let implied = |wanted: &Requirement| narrow.requirements().iter().any(|known| requires(known, wanted));
    wide.requirements().iter().all(implied)
}

/// Whether every label that meets `narrow` meets `wide`.
fn requires(narrow: &Requirement, wide: &Requirement) -> bool {
    use Operator::{DoesNotExist, Exists, In, NotIn};
    if narrow.key != wide.key {
        return false;
    }
    let (any, same) = (LabelSource::Any, narrow.source == wide.source);
    let within = same || wide.source == any;
    let around = same || narrow.source == any;
    // One label has one source, so asking for this one refuses that one.
    let apart = !same && narrow.source != any && wide.source != any;
    match (&narrow.operator, &wide.operator) {
        (In(values), In(among)) => within && values.iter().all(|value| among.binary_search(value).is_ok()),
        (In(values), NotIn(refused)) => {
            apart || values.iter().all(|value| refused.binary_search(value).is_err())
        }
        (In(_) | Exists, Exists) => within,
        (In(_), DoesNotExist) | (Exists, NotIn(_) | DoesNotExist) => apart,
        (NotIn(refused), NotIn(values)) => {
            around && values.iter().all(|value| refused.binary_search(value).is_ok())
        }
        (DoesNotExist, NotIn(_) | DoesNotExist) => around,
        (NotIn(_), In(_) | Exists | DoesNotExist) | (DoesNotExist, In(_) | Exists) | (Exists, In(_)) => false,
    }
}

/// Whether one list of ports matches whatever another does.
pub(super) fn ports_cover(wide: &Ports, narrow: &Ports) -> bool {
    match (wide, narrow) {
        (Ports::Any, _) => true,
        (Ports::Of(_), Ports::Any) => false,
        (Ports::Of(wide), Ports::Of(narrow)) => {
            wide.len().saturating_mul(narrow.len()) <= PAIRWISE * PAIRWISE
                && narrow.iter().all(|port| wide.iter().any(|other| port_covers(other, port)))
        }
    }
}

fn port_covers(wide: &PortMatch, narrow: &PortMatch) -> bool {
    wide.protocol == narrow.protocol
        && match (&wide.ports, &narrow.ports) {
            (PortSet::Range(wide), PortSet::Range(narrow)) => {
                wide.start <= narrow.start && narrow.end <= wide.end
            }
            (PortSet::Range(wide), PortSet::Named { .. }) => *wide == PortRange::ALL,
            (PortSet::Named { name, end }, PortSet::Named { name: of, end: to }) => name == of && end >= to,
            (PortSet::Named { .. }, PortSet::Range(_)) => false,
        }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sluice_ir::label::{Label, LabelSet};
    use sluice_ir::net::{PortName, Protocol};
    use sluice_ir::policy::eval::{Question, port_matches};
    use sluice_ir::policy::{Direction, Identity};

    use super::*;

    fn requirements() -> Vec<Requirement> {
        let lists: [&[&str]; 5] = [&[], &["x"], &["y"], &["x", "y"], &["x", "y", "z"]];
        let of = |values: &[&str]| values.iter().map(|value| (*value).into()).collect::<Arc<[Arc<str>]>>();
        let both = |values| [Operator::In(of(values)), Operator::NotIn(of(values))];
        let operators = lists.into_iter().flat_map(both).chain([Operator::Exists, Operator::DoesNotExist]);
        let sources = [LabelSource::Any, LabelSource::K8s, LabelSource::Node];
        let requirement = |operator: Operator| {
            sources.clone().map(|source| Requirement::new(source, "app", operator.clone()))
        };
        operators.flat_map(requirement).collect()
    }

    fn label_sets() -> Vec<LabelSet> {
        let label = |source: &LabelSource, value| {
            [Label::new(source.clone(), "app", value)].into_iter().collect::<LabelSet>()
        };
        let sources = [LabelSource::K8s, LabelSource::Node, LabelSource::CidrGroup];
        let present =
            sources.iter().flat_map(|source| ["x", "y", "z", "w"].map(|value| label(source, value)));
        present.chain([LabelSet::default()]).collect()
    }

    /// A yes is always right; a no is wrong only for what cannot be met at all.
    #[test]
    fn one_requirement_implies_another_as_label_sets_say() {
        let sets = label_sets();
        for narrow in requirements() {
            for wide in requirements() {
                let met: Vec<&LabelSet> = sets.iter().filter(|labels| narrow.matches(labels)).collect();
                let implied = met.iter().all(|labels| wide.matches(labels));
                let found = requires(&narrow, &wide);
                assert!(implied || !found, "{narrow} does not imply {wide}");
                let trivial = met.is_empty() || sets.iter().all(|labels| wide.matches(labels));
                assert!(found || !implied || trivial, "{narrow} implies {wide}");
            }
        }
    }

    fn port_lists() -> Vec<PortMatch> {
        let name = |name| PortName::parse(name).unwrap();
        let named = |of, end| PortSet::Named { name: name(of), end };
        let range = |start, end| PortSet::Range(PortRange { start, end });
        let sets = [named("web", None), named("web", Some(5)), named("web", Some(7)), named("dns", None)];
        let ranges =
            [range(4, 4), range(4, 7), range(5, 9), range(0, 65_534), PortSet::Range(PortRange::ALL)];
        let all = sets.into_iter().chain(ranges);
        all.flat_map(|ports| {
            [Protocol::TCP, Protocol::UDP].map(|protocol| PortMatch { protocol, ports: ports.clone() })
        })
        .collect()
    }

    #[test]
    fn one_port_covers_another_only_if_every_question_says_so() {
        let with = |ports: &[(&str, Protocol, u16)]| Identity {
            ports: ports
                .iter()
                .map(|(name, of, port)| (PortName::parse(name).unwrap(), (*of, *port)))
                .collect(),
            ..Identity::default()
        };
        let pods = [
            with(&[("web", Protocol::TCP, 4), ("dns", Protocol::TCP, 9)]),
            with(&[("web", Protocol::TCP, 6), ("dns", Protocol::UDP, 6)]),
            with(&[("web", Protocol::UDP, 65_535)]),
        ];
        for (narrow, wide) in port_lists().iter().flat_map(|a| port_lists().into_iter().map(move |b| (a, b)))
        {
            let covers = port_covers(&wide, narrow);
            for (subject, direction) in
                pods.iter().flat_map(|pod| [(pod, Direction::Ingress), (pod, Direction::Egress)])
            {
                for (protocol, port) in [Protocol::TCP, Protocol::UDP]
                    .into_iter()
                    .flat_map(|of| [0, 3, 4, 5, 6, 7, 8, 9, 65_535].map(|port| (of, port)))
                {
                    let question = Question { subject, peer: subject, direction, protocol, port };
                    let matches = port_matches(narrow, &question) && !port_matches(&wide, &question);
                    assert!(!covers || !matches, "{wide:?} {narrow:?} {question:?}");
                }
            }
        }
    }
}
