//! Policies: what is allowed, as a list of rules.
//!
//! # The world
//!
//! Traffic runs between *identities*. An [`Identity`] is a set of labels, and perhaps an address,
//! names and named ports. Some identities are *endpoints*: policy is enforced on them. A connection
//! from A to B is judged twice: by the egress rules of A with B as the *peer*, and by the ingress
//! rules of B with A as the peer. A side that is no endpoint is not judged. Both sides must allow.
//! Replies are not judged; they belong to their connection.
//!
//! # A rule
//!
//! A [`Rule`] says: for endpoints that its *subject* selects, in its *direction*, traffic with one of
//! its *peers* on one of its *ports* is allowed or denied. Peers are alternatives, ports are
//! alternatives, and a rule matches where both a peer and a port do: a cross product. A rule whose
//! list of peers or ports is empty matches nothing, yet it still *selects*: see default deny below.
//!
//! * A label peer matches identities by their labels.
//! * A prefix peer matches identities by the address under which they are known to prefixes. Pods
//!   have none, so prefixes never match them (semantics.md 3.6); nor do nodes, unless an option says so.
//! * A name peer matches identities that were learned as an answer for a matching name: for everybody, or for the
//!   one endpoint that the peer names.
//!
//! An allow rule can carry layer 7 rules, and then its traffic is *redirected* to a proxy that
//! applies them, and it can ask for authentication.
//!
//! # The verdict
//!
//! For one endpoint and direction, [`eval()`](eval::eval) goes through these steps; the first that
//! decides wins (semantics.md 4.1 to 4.3):
//!
//! 1. If enforcement is off ([`Enforcement::Never`]), or the endpoint is the host and the host
//!    firewall is off: allow.
//! 2. Tiers, in order. Within a tier, of the rules that match: any deny denies; else any allow with
//!    layer 7 rules redirects; else any allow allows. How specific a rule is does not count, nor
//!    does the order of rules.
//! 3. Ingress from the host, where [`Settings::allow_localhost`] is set and at least one ingress rule
//!    selects the endpoint: allow.
//! 4. Default deny. The direction is *isolated* when a rule that selects the endpoint has
//!    [`Rule::default_deny`], or when enforcement is [`Enforcement::Always`], or when the endpoint has
//!    no resolved labels yet (`reserved:init`): deny.
//! 5. Else allow.
//!
//! # What is absent
//!
//! No order among rules, no state, no time. No layer 7 verdicts: what the proxy decides is carried
//! as data and not judged here. No Kubernetes objects: services, groups of prefixes and cloud groups
//! were resolved into peers before.

#[cfg(any(test, feature = "test-support"))]
pub mod arbitrary;
mod builder;
pub mod eval;
mod l7;
#[cfg(test)]
mod tests;
pub mod text;
pub mod verify;

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

pub use builder::PolicyBuilder;
pub use l7::{DnsRule, HeaderMatch, HttpRule, L7, L7Rules, Listener, Mismatch, Proxy, SecretRef, TlsContext};

use crate::dns_name::{Asker, DnsPattern, LearnedName};
use crate::ids::{L7Id, OriginId, RuleId, SelectorId};
use crate::label::LabelSet;
use crate::net::{Cidr, PortName, PortRange, Protocol};
use crate::origin::Origin;
use crate::selector::Selector;

/// A whole policy: settings, rules and the tables that rules point into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// What holds for all rules.
    pub settings: Settings,
    /// Selectors, each once, named by [`SelectorId`].
    pub selectors: Vec<Selector>,
    /// Layer 7 rules, named by [`L7Id`].
    pub l7: Vec<L7>,
    /// Places in the user's files, named by [`OriginId`].
    pub origins: Vec<Origin>,
    /// The rules, named by [`RuleId`].
    pub rules: Vec<Rule>,
}

/// Options that change the meaning of all rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// When a direction of an endpoint is isolated.
    pub enforcement: Enforcement,
    /// Whether the host may reach its endpoints unless a rule denies it.
    pub allow_localhost: bool,
    /// Whether the host itself is an endpoint.
    pub host_firewall: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { enforcement: Enforcement::Default, allow_localhost: true, host_firewall: false }
    }
}

/// When a direction of an endpoint is isolated (semantics.md 4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Enforcement {
    /// When a rule with default deny selects it.
    #[default]
    Default,
    /// Always, even without any rule.
    Always,
    /// Never; rules are ignored.
    Never,
}

impl fmt::Display for Enforcement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Enforcement::Default => "default",
            Enforcement::Always => "always",
            Enforcement::Never => "never",
        })
    }
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Whose traffic it judges.
    pub subject: Subject,
    /// Which way the traffic goes, seen from the subject.
    pub direction: Direction,
    /// What happens to traffic that matches.
    pub action: Action,
    /// The other side.
    pub peers: Peers,
    /// Protocols and destination ports.
    pub ports: Ports,
    /// Layer 7 rules: an allow becomes a redirect to the proxy.
    pub l7: Option<L7Id>,
    /// Authentication that an allow asks for; `None` inherits.
    pub authentication: Option<Authentication>,
    /// When it is looked at.
    pub tier: Tier,
    /// Whether selecting an endpoint isolates this direction of it.
    pub default_deny: bool,
    /// Where it was written.
    pub origin: OriginId,
}

impl Rule {
    /// The selectors that it names: its subject's, then those of its peers in order.
    pub fn selectors(&self) -> impl Iterator<Item = SelectorId> {
        std::iter::once(self.subject.selector()).chain(self.peers.selectors())
    }
}

/// Whose traffic a rule judges. The two kinds never meet (semantics.md 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// Endpoints by their labels, the host excepted.
    Endpoints(SelectorId),
    /// The host, if the selector matches its node's labels.
    Nodes(SelectorId),
}

impl Subject {
    /// The selector.
    pub fn selector(self) -> SelectorId {
        match self {
            Subject::Endpoints(selector) | Subject::Nodes(selector) => selector,
        }
    }
}

/// Which way traffic goes, seen from the subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From the peer to the subject.
    Ingress,
    /// From the subject to the peer.
    Egress,
}

impl Direction {
    /// Both, ingress first.
    pub const BOTH: [Direction; 2] = [Direction::Ingress, Direction::Egress];
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Direction::Ingress => "ingress",
            Direction::Egress => "egress",
        })
    }
}

/// What a rule does with traffic that matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Lets it pass, through the proxy if there are layer 7 rules.
    Allow,
    /// Drops it.
    Deny,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Action::Allow => "allow",
            Action::Deny => "deny",
        })
    }
}

/// When a rule is looked at: a tier that decides hides the ones after it (semantics.md 4.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// Before all others.
    Admin,
    /// Where people's policies live.
    #[default]
    Normal,
    /// After all others.
    Baseline,
}

impl Tier {
    /// All tiers in the order of evaluation.
    pub const ORDER: [Tier; 3] = [Tier::Admin, Tier::Normal, Tier::Baseline];
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Tier::Admin => "admin",
            Tier::Normal => "normal",
            Tier::Baseline => "baseline",
        })
    }
}

/// The other side of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Peers {
    /// Every identity.
    Any,
    /// Those that one of these matches; none if there are none.
    Of(Vec<Peer>),
}

impl Peers {
    /// The ways to match that are listed; none where every identity is meant.
    pub fn listed(&self) -> &[Peer] {
        match self {
            Peers::Of(peers) => peers,
            Peers::Any => &[],
        }
    }

    /// The selectors that are listed, in order.
    pub fn selectors(&self) -> impl Iterator<Item = SelectorId> {
        self.listed().iter().filter_map(|peer| match peer {
            Peer::Labels { selector, .. } => Some(*selector),
            Peer::Cidr { .. } | Peer::Name { .. } => None,
        })
    }
}

/// One way to match identities.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Peer {
    /// By labels, but not those whose address lies in an exception.
    Labels {
        /// The labels.
        selector: SelectorId,
        /// Prefixes that are left out; only groups of prefixes have them.
        except: Vec<Cidr>,
    },
    /// By address.
    Cidr {
        /// The prefix; never of length 0, which is written by labels (semantics.md 12.1).
        cidr: Cidr,
        /// Prefixes that are left out.
        except: Vec<Cidr>,
    },
    /// By a name that the address was learned for.
    Name {
        /// Which names.
        pattern: DnsPattern,
        /// Learned for whom; none: for everybody.
        by: Option<Asker>,
    },
}

/// Protocols and destination ports of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Ports {
    /// Every protocol, with or without ports.
    Any,
    /// Those that one of these matches; none if there are none.
    Of(Vec<PortMatch>),
}

/// One protocol with some of its ports. For ICMP a port is a message type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortMatch {
    /// The protocol.
    pub protocol: Protocol,
    /// Which of its ports.
    pub ports: PortSet,
}

/// Some ports of one protocol.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PortSet {
    /// A range by number; [`PortRange::ALL`] also matches protocols that have no ports.
    Range(PortRange),
    /// A container port by name: of the subject on ingress, of the peer on egress (semantics.md 4.8).
    Named {
        /// The name.
        name: PortName,
        /// On ingress the range ends here, if that lies above the port (semantics.md 12.1).
        end: Option<u16>,
    },
}

/// What an allow asks of the two sides (semantics.md 1.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Authentication {
    /// Nothing, and it says so.
    Disabled,
    /// Mutual authentication.
    Required,
    /// Fails always; for tests.
    AlwaysFail,
}

impl fmt::Display for Authentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Authentication::Disabled => "disabled",
            Authentication::Required => "required",
            Authentication::AlwaysFail => "always-fail",
        })
    }
}

/// The named container ports of a workload: each name has one protocol and number (semantics.md 12.1).
pub type NamedPorts = BTreeMap<PortName, (Protocol, u16)>;

/// One side of a connection, as policy sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// What selectors look at.
    pub labels: LabelSet,
    /// What prefixes look at: none for pods, and for nodes only if an option says so.
    pub address: Option<IpAddr>,
    /// Names that the address was learned for.
    pub names: Vec<LearnedName>,
    /// Container ports by name.
    pub ports: NamedPorts,
}

impl Identity {
    /// Whether this is the host of the node whose view is taken.
    pub fn is_host(&self) -> bool {
        self.labels.is_reserved("host")
    }
}

impl Policy {
    /// The rule that `id` names.
    pub fn rule(&self, id: RuleId) -> &Rule {
        &self.rules[id.index()]
    }

    /// The selector that `id` names.
    pub fn selector(&self, id: SelectorId) -> &Selector {
        &self.selectors[id.index()]
    }

    /// The layer 7 rules that `id` names.
    pub fn l7(&self, id: L7Id) -> &L7 {
        &self.l7[id.index()]
    }

    /// The origin of a rule.
    pub fn origin(&self, id: RuleId) -> &Origin {
        &self.origins[self.rule(id).origin.index()]
    }

    /// Every rule with its id, in order.
    pub fn rules(&self) -> impl Iterator<Item = (RuleId, &Rule)> {
        self.rules.iter().enumerate().map(|(i, rule)| (RuleId::new(i), rule))
    }
}
