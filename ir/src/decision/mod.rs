//! Decisions: what a policy says, as a finite table.
//!
//! Two peers are equivalent when every rule in force treats them alike, and two ports are when every
//! row does. So the whole policy of a node is a table:
//!
//! ```text
//! address ──prefixes──→ class of peers ─┐
//! protocol, port ──ports of the direction──→ class of ports ─┐
//! endpoint ──subjects──→ table of the direction ──→ row ──→ cell ──→ verdict, with its reasons
//! ```
//!
//! A [`Decision`] stands by itself: it names the user's lines and the layer 7 rules behind each
//! verdict, and an example of each class, so that it can be held against the policy again, printed,
//! compared, or turned into bytes, without the policy or the cluster at hand.
//!
//! # Canonical form
//!
//! Two decisions that say the same with the same lines are equal, whatever way they were made, if both are
//! in canonical form: [`verify`](verify::verify) demands it, and [`Decision::canonical`] makes it. Nothing is
//! there twice, nothing is there that is not used, and what nothing tells apart is one:
//!
//! * Origins and layer 7 rules are sorted by content.
//! * Classes of peers come in this order: those of entities, by the entity's name; those of
//!   addresses, by the lowest address of the class; the rest, by example. They are all kept, and not joined by
//!   content: what tells peers apart are the rules in force, and they are not here.
//! * Prefixes are the smallest map of their function.
//! * Subjects have distinct tables, and come in the order of their first endpoint. A table lists the classes
//!   whose row is not that of every other, in order.
//! * Rows of a direction are distinct, in the order in which the subjects' tables first use them: `otherwise`,
//!   then those that are listed.
//! * Classes of ports have distinct columns. Spans of one class that lie beside each other are one span, and a
//!   protocol whose every port is in `p0` is not listed. After `p0` they are in the order of the spans. (If
//!   all 256 protocols are listed, so that none says what `p0` is, it is the class of the first span.)
//! * Verdicts are distinct, in the order in which the rows of ingress, then those of egress, first use them.

#[cfg(any(test, feature = "test-support"))]
pub mod arbitrary;
mod canonical;
pub mod tables;
#[cfg(test)]
mod tests;
pub mod text;
pub mod verify;

pub use canonical::PeerForm;

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::ops::{Index, IndexMut};
use std::sync::Arc;

use crate::ids::{ClassId, L7Id, OriginId, PortClassId, RowId, VerdictId};
use crate::net::{PortRange, Protocol};
use crate::origin::Origin;
use crate::policy::eval::{Reason, Verdict};
use crate::policy::{Authentication, Direction, Identity, L7, Proxy};
use crate::prefix_map::PrefixMap;

/// What a policy says about the endpoints of a node, or of a whole cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// The node whose view is taken: its own addresses are the host. None for a whole cluster.
    pub node: Option<Arc<str>>,
    /// The user's lines, sorted; named by [`OriginId`].
    pub origins: Vec<Origin>,
    /// Layer 7 rules, named by [`L7Id`].
    pub l7: Vec<L7>,
    /// Classes of peers, named by [`ClassId`].
    pub classes: Vec<PeerClass>,
    /// Peers that are known by what they are and not by an address: `host`, `health`, ... (semantics.md 1.8).
    pub entities: BTreeMap<Arc<str>, ClassId>,
    /// The class of every address.
    pub prefixes: PrefixMap<ClassId>,
    /// Classes of ports and rows, for each direction.
    pub sides: ByDirection<Side>,
    /// Verdicts, named by [`VerdictId`].
    pub verdicts: Vec<Outcome>,
    /// Endpoints with their tables: those with the same tables together, in order of the first.
    pub subjects: Vec<Subject>,
}

/// One thing for ingress and one for egress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByDirection<T> {
    /// For ingress.
    pub ingress: T,
    /// For egress.
    pub egress: T,
}

impl<T> ByDirection<T> {
    /// Makes the thing for each direction, ingress first.
    pub fn from_fn(mut make: impl FnMut(Direction) -> T) -> ByDirection<T> {
        ByDirection { ingress: make(Direction::Ingress), egress: make(Direction::Egress) }
    }

    /// Both, ingress first.
    pub fn iter(&self) -> impl Iterator<Item = (Direction, &T)> {
        [(Direction::Ingress, &self.ingress), (Direction::Egress, &self.egress)].into_iter()
    }
}

impl<T> Index<Direction> for ByDirection<T> {
    type Output = T;

    fn index(&self, direction: Direction) -> &T {
        match direction {
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        }
    }
}

impl<T> IndexMut<Direction> for ByDirection<T> {
    fn index_mut(&mut self, direction: Direction) -> &mut T {
        match direction {
            Direction::Ingress => &mut self.ingress,
            Direction::Egress => &mut self.egress,
        }
    }
}

/// Peers that every rule in force treats alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerClass {
    /// One of them: the first entity, else the lowest prefix, else the first by name.
    pub example: Arc<Identity>,
}

/// One direction: its classes of ports, and its rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Side {
    /// Classes of ports.
    pub ports: PortClasses,
    /// Rows, named by [`RowId`].
    pub rows: Vec<Row>,
}

/// A row: the verdict for each class of ports of its direction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row(pub Box<[VerdictId]>);

/// Which class the ports of each protocol are in.
///
/// Class `p0` is that of all protocols that are not listed. A protocol that is listed is listed whole, from
/// port 0 to 65535; protocols without ports have port 0, and ICMP has message types in their place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortClasses {
    spans: Vec<PortSpan>,
    classes: usize,
}

/// Ports of one protocol that lie beside each other and are in one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortSpan {
    /// The protocol.
    pub protocol: Protocol,
    /// The ports.
    pub range: PortRange,
    /// Their class.
    pub class: PortClassId,
}

/// A verdict with its reasons.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Outcome {
    /// What happens.
    pub verdict: Verdict,
    /// Which step of the evaluation decided.
    pub reason: Reason,
    /// Authentication that the traffic must have first.
    pub authentication: Option<Authentication>,
    /// For a redirect, whether a rule without layer 7 rules matches too.
    pub widened: bool,
    /// The user's lines that made it, sorted.
    pub origins: Vec<OriginId>,
    /// For a redirect, what the proxy is to apply, sorted: these are alternatives.
    pub l7: Vec<L7Id>,
    /// For a redirect, the kind of the proxy.
    pub proxy: Option<Proxy>,
}

/// Endpoints that have the same tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The endpoints, sorted.
    pub endpoints: Vec<EndpointName>,
    /// Their tables.
    pub tables: ByDirection<Table>,
}

/// An endpoint by name; sorted by namespace, then name. The host has no namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointName {
    /// The namespace of a pod; none for the host of a node.
    pub namespace: Option<Arc<str>>,
    /// The pod's name, or the node's.
    pub name: Arc<str>,
}

impl fmt::Display for EndpointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{namespace}/{}", self.name),
            None => write!(f, "host {}", self.name),
        }
    }
}

/// The row of each class of peers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table {
    /// The row of every class that is not listed: that of peers that no rule names, if there are any.
    pub otherwise: RowId,
    /// The classes whose row is another, sorted.
    pub rows: Vec<(ClassId, RowId)>,
}

impl Table {
    /// The row of a class.
    pub fn row(&self, class: ClassId) -> RowId {
        match self.rows.binary_search_by_key(&class, |(class, _)| *class) {
            Ok(at) => self.rows[at].1,
            Err(_) => self.otherwise,
        }
    }
}

impl Default for PortClasses {
    fn default() -> PortClasses {
        PortClasses { spans: Vec::new(), classes: 1 }
    }
}

impl PortClasses {
    /// Classes with these spans, which are sorted by protocol and first port; what is not listed is in `p0`.
    pub fn new(spans: Vec<PortSpan>) -> PortClasses {
        let classes = spans.iter().map(|span| span.class.index() + 1).max().unwrap_or(1);
        PortClasses { spans, classes }
    }

    /// How many classes there are, `p0` counted.
    pub fn len(&self) -> usize {
        self.classes
    }

    /// Never: `p0` is always there.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The spans, sorted by protocol and first port.
    pub fn spans(&self) -> &[PortSpan] {
        &self.spans
    }

    /// The class of a port.
    pub fn class(&self, protocol: Protocol, port: u16) -> PortClassId {
        let after = self.spans.partition_point(|span| (span.protocol, span.range.start) <= (protocol, port));
        match after.checked_sub(1).map(|at| self.spans[at]) {
            Some(span) if span.protocol == protocol && span.range.contains(port) => span.class,
            _ => PortClassId::new(0),
        }
    }
}

impl Decision {
    /// The class of an address; none if no prefix contains it.
    pub fn class_of(&self, address: IpAddr) -> Option<ClassId> {
        self.prefixes.lookup(address).map(|(_, class)| *class)
    }

    /// The subject that an endpoint belongs to.
    pub fn subject_of(&self, endpoint: &EndpointName) -> Option<&Subject> {
        self.subjects.iter().find(|subject| subject.endpoints.binary_search(endpoint).is_ok())
    }

    /// What a table says about a class of peers on a port.
    pub fn outcome(
        &self,
        subject: &Subject,
        direction: Direction,
        class: ClassId,
        protocol: Protocol,
        port: u16,
    ) -> &Outcome {
        let side = &self.sides[direction];
        let row = &side.rows[subject.tables[direction].row(class).index()];
        &self.verdicts[row.0[side.ports.class(protocol, port).index()].index()]
    }

    /// How many bytes a flat layout takes: cells and rows of two bytes each, a row for each subject, direction
    /// and class, a byte or two for each port of a listed protocol, and eight bytes a verdict. Prefixes are
    /// not counted.
    pub fn bytes(&self) -> usize {
        let ports = |side: &Side| {
            let listed = side.ports.spans().chunk_by(|a, b| a.protocol == b.protocol).count();
            listed * 65_536 * if side.ports.len() > 256 { 2 } else { 1 }
        };
        let tables = self.subjects.len() * 2 * self.classes.len() * 2;
        let ports: usize = self.sides.iter().map(|(_, side)| ports(side)).sum();
        self.cells() * 2 + tables + ports + self.verdicts.len() * 8
    }

    /// How many cells there are: rows times classes of ports, of both directions.
    pub fn cells(&self) -> usize {
        self.sides.iter().map(|(_, side)| side.rows.len() * side.ports.len()).sum()
    }
}
