//! What rules can see of a peer.

use std::collections::BTreeSet;

use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;
use sluice_ir::net::{PortName, Protocol};
use sluice_ir::policy::{Direction, Identity, PortMatch, PortSet, Ports, Rule};

/// The place of a list of peers among the different ones of a policy.
pub(crate) type SetId = u32;

/// A named port that some rule asks for.
pub(crate) type NamedPort = (PortName, Protocol);

/// What rules can see of a peer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Signature {
    /// The lists of peers that match it, in order.
    pub(crate) sets: Vec<SetId>,
    /// The numbers of its named ports, as far as a rule that matches it asks for them on egress; by the
    /// place among the named ports that are asked for.
    pub(crate) named: Vec<(usize, u16)>,
    /// Whether it is the host.
    pub(crate) host: bool,
}

impl Signature {
    /// The signature of a peer that these lists match, and whose rules ask for the named ports at these places
    /// of `all`.
    pub(crate) fn new<'a>(
        sets: Vec<SetId>,
        asked: impl Iterator<Item = &'a usize>,
        all: &IndexSet<NamedPort, FxBuildHasher>,
        identity: &Identity,
    ) -> Signature {
        let number = |place: &usize| {
            let (name, protocol) = all.get_index(*place)?;
            let (of, number) = identity.ports.get(name)?;
            (of == protocol).then_some((*place, *number))
        };
        // Most peers have no named ports, and need not be asked for any.
        let asked = asked.take_while(|_| !identity.ports.is_empty());
        let named: BTreeSet<(usize, u16)> = asked.filter_map(number).collect();
        Signature { sets, named: named.into_iter().collect(), host: identity.is_host() }
    }
}

/// The named ports that a rule asks its peers for: only egress rules do (semantics.md 4.8).
pub(crate) fn named_on_egress(rule: &Rule) -> impl Iterator<Item = NamedPort> {
    let ports = match &rule.ports {
        Ports::Of(ports) if rule.direction == Direction::Egress => ports.as_slice(),
        _ => &[],
    };
    ports.iter().filter_map(|PortMatch { protocol, ports }| match ports {
        PortSet::Named { name, .. } => Some((name.clone(), *protocol)),
        PortSet::Range(_) => None,
    })
}
