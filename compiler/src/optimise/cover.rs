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
