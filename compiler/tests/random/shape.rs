//! What a generated case is made of: small structs, as close to the YAML as they can be.

use std::net::IpAddr;

use sluice_compiler::options::Options;

/// Names of the namespaces.
pub(crate) const NAMESPACES: [&str; 3] = ["a", "b", "c"];

/// Names and addresses of the nodes.
pub(crate) const NODES: [(&str, &str); 2] = [("n0", "70.0.0.1"), ("n1", "140.0.0.1")];

/// Addresses of the pods, by their place.
pub(crate) const PODS: [&str; 4] = ["10.0.0.1", "10.0.0.2", "130.0.0.3", "2001:db8::a"];

/// Addresses that nobody in the cluster has.
pub(crate) const OUTSIDE: [&str; 6] =
    ["1.0.0.1", "65.0.0.1", "65.0.0.2", "129.0.0.1", "200.0.0.1", "2001:db8::1"];

/// Names that DNS may have answered for.
pub(crate) const NAMES: [&str; 3] = ["a.io", "x.a.io", "y.x.a.io"];

/// A key and its value.
pub(crate) type Labels = Vec<(&'static str, &'static str)>;

/// Everything that policy is resolved against, and the options.
#[derive(Clone, Debug)]
pub(crate) struct World {
    /// Labels of each namespace; `None` where no Namespace object exists.
    pub(crate) namespaces: [Option<Labels>; 3],
    pub(crate) pods: Vec<Pod>,
    /// The one address of the API server.
    pub(crate) api_server: Option<&'static str>,
    pub(crate) groups: Vec<Group>,
    /// Names and the addresses that were answered.
    pub(crate) answers: Vec<(&'static str, Vec<&'static str>)>,
    pub(crate) options: Options,
    /// The node whose view is taken.
    pub(crate) view: Option<&'static str>,
}

/// A pod; its address is the one in [`PODS`] at its place.
#[derive(Clone, Debug)]
pub(crate) struct Pod {
    pub(crate) namespace: &'static str,
    pub(crate) name: &'static str,
    pub(crate) labels: Labels,
    pub(crate) ports: Vec<NamedPort>,
    pub(crate) node: &'static str,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct NamedPort {
    pub(crate) name: &'static str,
    pub(crate) protocol: &'static str,
    pub(crate) number: u16,
}

/// A CiliumCIDRGroup.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) labels: Labels,
    pub(crate) cidrs: Vec<&'static str>,
}

/// A world and its policies.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) world: World,
    pub(crate) policies: Vec<Policy>,
}

#[derive(Clone, Debug)]
pub(crate) enum Policy {
    Cilium(CiliumPolicy),
    Network(NetworkPolicy),
}

/// A CiliumNetworkPolicy, or without a namespace a CiliumClusterwideNetworkPolicy.
#[derive(Clone, Debug)]
pub(crate) struct CiliumPolicy {
    pub(crate) namespace: Option<&'static str>,
    pub(crate) rules: Vec<Rule>,
    /// How many of the rules stand under `spec`: none or one. The others stand under `specs`.
    pub(crate) in_spec: usize,
}

/// Ingress and egress, in this order wherever there are two.
pub(crate) const DIRECTIONS: [&str; 2] = ["ingress", "egress"];

#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) subject: Selector,
    pub(crate) default_deny: [Option<bool>; 2],
    pub(crate) allow: [Option<Vec<Entry>>; 2],
    pub(crate) deny: [Option<Vec<Entry>>; 2],
}

/// The requirements of a label selector.
pub(crate) type Selector = Vec<Requirement>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Requirement {
    /// What stands before the `:` of the key.
    pub(crate) source: Option<&'static str>,
    pub(crate) key: &'static str,
    pub(crate) operator: Operator,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    /// An entry of `matchLabels`.
    Equals(&'static str),
    In(Vec<&'static str>),
    NotIn(Vec<&'static str>),
    Exists,
    DoesNotExist,
}

/// An element of `ingress`, `egress`, `ingressDeny` or `egressDeny`.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) peers: Option<Peers>,
    /// Kinds of peers whose list is written, and empty.
    pub(crate) empty: Vec<&'static str>,
    pub(crate) traffic: Traffic,
}

/// A list of peers that is not empty.
#[derive(Clone, Debug)]
pub(crate) enum Peers {
    Endpoints(Vec<Selector>),
    Cidr(Vec<&'static str>),
    CidrSet(Vec<CidrItem>),
    Entities(Vec<&'static str>),
    Names(Vec<Name>),
}

impl Peers {
    /// The key, without `from` or `to`.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Peers::Endpoints(_) => "Endpoints",
            Peers::Cidr(_) => "CIDR",
            Peers::CidrSet(_) => "CIDRSet",
            Peers::Entities(_) => "Entities",
            Peers::Names(_) => "FQDNs",
        }
    }
}

/// An element of `fromCIDRSet` or `toCIDRSet`.
#[derive(Clone, Debug)]
pub(crate) struct CidrItem {
    pub(crate) base: CidrBase,
    pub(crate) except: Vec<&'static str>,
}

#[derive(Clone, Debug)]
pub(crate) enum CidrBase {
    Cidr(&'static str),
    Group(&'static str),
    Groups(Selector),
}

/// An element of `toFQDNs`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Name {
    Is(&'static str),
    /// A pattern by its place in [`PATTERNS`].
    Like(usize),
}

/// Patterns, with the names among [`NAMES`] that they match (semantics.md 5.2), looked up by hand.
pub(crate) const PATTERNS: [(&str, &[&str]); 6] = [
    ("*", &["a.io", "x.a.io", "y.x.a.io"]),
    ("*.a.io", &["x.a.io"]),
    ("*a.io", &["a.io"]),
    ("**.a.io", &["x.a.io", "y.x.a.io"]),
    ("X*.a.io.", &["x.a.io"]),
    ("*.*.a.io", &["y.x.a.io"]),
];

/// What an entry says about protocols and ports.
#[derive(Clone, Debug)]
pub(crate) enum Traffic {
    /// Neither `toPorts` nor `icmps`.
    Absent,
    Ports(Vec<PortRule>),
    Icmps(Vec<Vec<Icmp>>),
}

/// An element of `toPorts`.
#[derive(Clone, Debug)]
pub(crate) struct PortRule {
    /// `None` where the key is left out.
    pub(crate) ports: Option<Vec<Port>>,
    pub(crate) l7: L7,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum L7 {
    Absent,
    /// `rules: {}`, or an empty list of HTTP rules.
    Empty {
        http: bool,
    },
    Http,
    Dns,
    ServerNames,
}

#[derive(Clone, Debug)]
pub(crate) struct Port {
    pub(crate) port: NumberOrName,
    pub(crate) end: Option<u16>,
    /// TCP, UDP, SCTP or ANY.
    pub(crate) protocol: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NumberOrName {
    Number(u16),
    Name(&'static str),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Icmp {
    /// `IPv4` or `IPv6`.
    pub(crate) family: Option<&'static str>,
    pub(crate) number: u16,
    /// Whether the type is written by its name.
    pub(crate) by_name: bool,
}

/// A Kubernetes NetworkPolicy.
#[derive(Clone, Debug)]
pub(crate) struct NetworkPolicy {
    pub(crate) namespace: &'static str,
    pub(crate) subject: Selector,
    pub(crate) types: Option<Vec<&'static str>>,
    pub(crate) rules: [Option<Vec<NetworkRule>>; 2],
}

#[derive(Clone, Debug)]
pub(crate) struct NetworkRule {
    pub(crate) peers: Option<Vec<NetworkPeer>>,
    pub(crate) ports: Option<Vec<NetworkPort>>,
}

#[derive(Clone, Debug)]
pub(crate) enum NetworkPeer {
    /// `podSelector`, `namespaceSelector`, at least one of them.
    Pods(Option<Selector>, Option<Selector>),
    Block(&'static str, Vec<&'static str>),
}

#[derive(Clone, Debug)]
pub(crate) struct NetworkPort {
    pub(crate) port: Option<NumberOrName>,
    pub(crate) end: Option<u16>,
    pub(crate) protocol: Option<&'static str>,
}

/// Parses an address of the tables above.
pub(crate) fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}
