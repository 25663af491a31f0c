//! CiliumNetworkPolicy, CiliumClusterwideNetworkPolicy and CiliumCIDRGroup as typed values
//! (semantics.md 1.1 to 1.9).
//!
//! The types stay close to the written form: lists that are absent and lists that are empty are told
//! apart, because they mean different things (semantics.md 3.4).

mod cidr;
mod http;
mod icmp;
mod l7;
mod listener;
mod names;
mod outside;
mod peers;
mod ports;
mod rule;
mod tls;

use std::sync::Arc;

use sluice_ir::dns_name::DnsPattern;
use sluice_ir::net::{Cidr, PortName, PortRange, Protocol};
use sluice_ir::policy::{Action, Authentication, Direction, L7};

pub(super) use cidr::{except_inside, prefix};
pub use rule::{cidr_group, policy};

use super::decode::Spanned;
use super::meta::Meta;
use super::selector::SelectorSpec;
use crate::source::Span;

/// A CiliumNetworkPolicy or CiliumClusterwideNetworkPolicy.
#[derive(Clone, Debug, PartialEq)]
pub struct CiliumPolicy {
    /// Whether it is cluster-wide.
    pub clusterwide: bool,
    /// Its metadata.
    pub meta: Meta,
    /// `spec` and `specs`, concatenated.
    pub specs: Vec<RuleSpec>,
}

/// One `spec`.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleSpec {
    /// The key `spec`, or the element of `specs`.
    pub span: Span,
    /// `spec` or `specs[0]`.
    pub path: Arc<str>,
    /// Whose traffic: pods.
    pub endpoint_selector: Option<Spanned<SelectorSpec>>,
    /// Whose traffic: nodes.
    pub node_selector: Option<Spanned<SelectorSpec>>,
    /// The lists of entries that are present.
    pub sections: Vec<Section>,
    /// `enableDefaultDeny.ingress` and `.egress`, at their keys.
    pub default_deny: [Option<Spanned<bool>>; 2],
}

/// `ingress`, `ingressDeny`, `egress` or `egressDeny`.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// Which way.
    pub direction: Direction,
    /// Allow or deny.
    pub action: Action,
    /// The key.
    pub key_span: Span,
    /// Its elements.
    pub entries: Vec<EntrySpec>,
}

/// One element of a [`Section`].
#[derive(Clone, Debug, PartialEq)]
pub struct EntrySpec {
    /// The element.
    pub span: Span,
    /// `spec.ingress[0]`.
    pub path: Arc<str>,
    /// The peer lists that are present; more than one non-empty is an error.
    pub peers: Vec<PeerList>,
    /// `toPorts`.
    pub to_ports: Option<Spanned<Vec<PortRule>>>,
    /// `icmps`.
    pub icmps: Option<Spanned<Vec<IcmpRule>>>,
    /// `authentication.mode`.
    pub authentication: Option<Spanned<Authentication>>,
}

/// One list of peers.
#[derive(Clone, Debug, PartialEq)]
pub struct PeerList {
    /// `fromEndpoints`, `toCIDRSet`, ...
    pub key: &'static str,
    /// The key.
    pub key_span: Span,
    /// The list itself.
    pub span: Span,
    /// Its elements, as far as they could be read.
    pub items: PeerItems,
    /// Whether it was written as `[]`.
    pub written_empty: bool,
}

/// The elements of a list of peers.
#[derive(Clone, Debug, PartialEq)]
pub enum PeerItems {
    /// `fromEndpoints`, `toEndpoints`.
    Endpoints(Vec<SelectorSpec>),
    /// `fromCIDR`, `toCIDR`.
    Cidrs(Vec<Spanned<Cidr>>),
    /// `fromCIDRSet`, `toCIDRSet`.
    CidrSet(Vec<CidrSetItem>),
    /// `fromEntities`, `toEntities`.
    Entities(Vec<Spanned<Entity>>),
    /// `fromNodes`, `toNodes`.
    Nodes(Vec<SelectorSpec>),
    /// `fromGroups`, `toGroups`.
    Groups(Vec<CloudGroup>),
    /// `toServices`.
    Services(Vec<ServiceRef>),
    /// `toFQDNs`; `None` is an element that matches nothing.
    Names(Vec<Spanned<Option<DnsPattern>>>),
}

impl PeerItems {
    /// Whether an empty list of this kind means the same as none at all: every peer, if there are
    /// ports (semantics.md 3.4). The other kinds select nothing when empty.
    pub fn absent_when_empty(&self) -> bool {
        matches!(self, PeerItems::Names(_) | PeerItems::Services(_) | PeerItems::Groups(_))
    }
}

/// An element of a CIDR set.
#[derive(Clone, Debug, PartialEq)]
pub struct CidrSetItem {
    /// The element.
    pub span: Span,
    /// Which addresses.
    pub base: CidrBase,
    /// Prefixes that are left out.
    pub except: Vec<Spanned<Cidr>>,
}

/// The addresses of a [`CidrSetItem`].
#[derive(Clone, Debug, PartialEq)]
pub enum CidrBase {
    /// `cidr`.
    Cidr(Spanned<Cidr>),
    /// `cidrGroupRef`.
    Group(Spanned<Arc<str>>),
    /// `cidrGroupSelector`; its keys are of source `cidrgroup`.
    Selector(SelectorSpec),
}

/// A name for a set of identities (semantics.md 1.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each is the entity of that name")]
pub enum Entity {
    All,
    World,
    WorldIpv4,
    WorldIpv6,
    Cluster,
    Host,
    Init,
    Ingress,
    Unmanaged,
    RemoteNode,
    Health,
    None,
    KubeApiserver,
}

impl Entity {
    /// The entities with the words for them.
    pub const NAMES: [(&'static str, Entity); 13] = [
        ("all", Entity::All),
        ("world", Entity::World),
        ("world-ipv4", Entity::WorldIpv4),
        ("world-ipv6", Entity::WorldIpv6),
        ("cluster", Entity::Cluster),
        ("host", Entity::Host),
        ("init", Entity::Init),
        ("ingress", Entity::Ingress),
        ("unmanaged", Entity::Unmanaged),
        ("remote-node", Entity::RemoteNode),
        ("health", Entity::Health),
        ("none", Entity::None),
        ("kube-apiserver", Entity::KubeApiserver),
    ];

    /// The entity of a word; case counts.
    pub fn from_word(word: &str) -> Option<Entity> {
        Entity::NAMES.iter().find(|(name, _)| *name == word).map(|(_, entity)| *entity)
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        Entity::NAMES.iter().find(|(_, entity)| *entity == self).map_or("none", |(name, _)| name)
    }

    /// Whether the API server's schema lacks it (semantics.md 1.8).
    pub fn outside_schema(self) -> bool {
        matches!(self, Entity::WorldIpv4 | Entity::WorldIpv6)
    }
}

/// An AWS group: instances by tags, and interfaces by security group (semantics.md 8).
#[derive(Clone, Debug, PartialEq)]
pub struct CloudGroup {
    /// The key `aws`.
    pub span: Span,
    /// `aws.labels`: tags, all of which an instance must have.
    pub labels: Vec<(Arc<str>, Arc<str>)>,
    /// `aws.securityGroupsIds`.
    pub group_ids: Vec<Arc<str>>,
    /// `aws.securityGroupsNames`.
    pub group_names: Vec<Arc<str>>,
}

/// An element of `toServices`.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceRef {
    /// The name, or the key `k8sServiceSelector`.
    pub span: Span,
    /// By name or by labels. If both are written the labels win (semantics.md 1.3).
    pub by: ServiceBy,
    /// The namespace; none means every one.
    pub namespace: Option<Arc<str>>,
}

/// How a [`ServiceRef`] finds its services.
#[derive(Clone, Debug, PartialEq)]
pub enum ServiceBy {
    /// `k8sService.serviceName`.
    Name(Arc<str>),
    /// `k8sServiceSelector.selector`.
    Selector(SelectorSpec),
}

/// One element of `toPorts`.
#[derive(Clone, Debug, PartialEq)]
pub struct PortRule {
    /// The element.
    pub span: Span,
    /// `spec.ingress[0].toPorts[0]`.
    pub path: Arc<str>,
    /// The ports; a port rule without any matches nothing.
    pub ports: Vec<PortEntry>,
    /// What the proxy is to do.
    pub l7: L7,
    /// Where the parts of `l7` are written.
    pub l7_places: L7Places,
}

/// The keys of what a [`PortRule`] asks of the proxy.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct L7Places {
    /// `rules.http`.
    pub http: Option<Span>,
    /// `rules.dns`.
    pub dns: Option<Span>,
    /// `listener`.
    pub listener: Option<Span>,
    /// `serverNames`.
    pub server_names: Option<Span>,
    /// `terminatingTLS`, or else `originatingTLS`.
    pub tls: Option<Span>,
}

/// One element of `ports`.
#[derive(Clone, Debug, PartialEq)]
pub struct PortEntry {
    /// The element.
    pub span: Span,
    /// The port.
    pub port: Spanned<Port>,
    /// The last port of a range, already cut to what counts.
    pub end: Option<Spanned<u16>>,
    /// The protocols: TCP, UDP and SCTP where `ANY` or nothing is written.
    pub protocols: Vec<Protocol>,
    /// The value of `protocol`, if written.
    pub protocol_span: Option<Span>,
}

/// A port by number or name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Port {
    /// Every port of the protocol.
    All,
    /// By number.
    Number(u16),
    /// By name.
    Name(PortName),
}

/// One element of `icmps`: alternatives of a protocol and types.
#[derive(Clone, Debug, PartialEq)]
pub struct IcmpRule {
    /// `spec.ingress[0].icmps[0]`.
    pub path: Arc<str>,
    /// The element.
    pub span: Span,
    /// Its `fields`. A type of 0 or less is every type; one above 255 matches nothing.
    pub types: Vec<(Protocol, PortRange)>,
}

/// A CiliumCIDRGroup.
#[derive(Clone, Debug, PartialEq)]
pub struct CidrGroup {
    /// Its metadata.
    pub meta: Meta,
    /// `spec.externalCIDRs`.
    pub cidrs: Vec<Spanned<Cidr>>,
}
