//! What a proxy is to apply to redirected traffic. Carried as data; not judged here.

use std::fmt;
use std::sync::Arc;

use crate::dns_name::{DnsMember, DnsPattern};

/// Everything that one port list of a rule asks of the proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct L7 {
    /// The rules themselves.
    pub rules: L7Rules,
    /// A listener of the user's own.
    pub listener: Option<Listener>,
    /// How TLS from the client is terminated.
    pub terminating_tls: Option<TlsContext>,
    /// How TLS to the server is originated.
    pub originating_tls: Option<TlsContext>,
    /// Server names that a TLS client may ask for; empty means no restriction.
    pub server_names: Vec<Arc<str>>,
}

impl L7 {
    fn proxy(&self) -> Proxy {
        let only_rules = L7 { rules: self.rules.clone(), ..L7::default() };
        match self.rules {
            L7Rules::Dns(_) if *self == only_rules => Proxy::Dns,
            _ => Proxy::Other,
        }
    }

    /// Whether there is nothing for a proxy to do, so that an allow stays a plain allow.
    pub fn is_empty(&self) -> bool {
        *self == L7::default()
    }
}

/// Which kind of proxy redirected traffic goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Proxy {
    /// One that answers DNS queries.
    Dns,
    /// Any other.
    Other,
}

impl Proxy {
    /// The proxy that applies all of these alternatives; none if there are none. One for DNS applies nothing but DNS
    /// rules, and of two proxies that are asked for it is the weaker (semantics.md 4.3).
    pub fn of<'l>(alternatives: impl IntoIterator<Item = &'l L7>) -> Option<Proxy> {
        alternatives.into_iter().map(L7::proxy).max()
    }
}

/// Rules of one application protocol. The elements of a list are alternatives.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum L7Rules {
    /// No restriction.
    #[default]
    None,
    /// HTTP requests.
    Http(Vec<HttpRule>),
    /// DNS queries.
    Dns(Vec<DnsRule>),
}

impl L7Rules {
    /// Whether DNS rules have a `matchName` for a name and a `matchPattern` for a pattern.
    pub(crate) fn members_fit(&self) -> bool {
        let L7Rules::Dns(rules) = self else { return true };
        let is = |member| move |pattern: &DnsPattern| pattern.member() == member;
        rules.iter().all(|rule| {
            rule.name.as_ref().is_none_or(is(DnsMember::Name))
                && rule.pattern.as_ref().is_none_or(is(DnsMember::Pattern))
        })
    }
}

/// One kind of request that is allowed; what is absent matches everything (semantics.md 1.4).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HttpRule {
    /// Regular expression over the whole path.
    pub path: Option<Arc<str>>,
    /// Regular expression over the whole method.
    pub method: Option<Arc<str>>,
    /// Regular expression over the whole host.
    pub host: Option<Arc<str>>,
    /// `Name: value` or `Name`.
    pub headers: Vec<Arc<str>>,
    /// Matches with an action on mismatch.
    pub header_matches: Vec<HeaderMatch>,
}

/// A header that is compared, and what happens if it differs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HeaderMatch {
    /// What happens if it differs; `None` rejects the request.
    pub mismatch: Option<Mismatch>,
    /// The header.
    pub name: Arc<str>,
    /// A secret that holds the value.
    pub secret: Option<SecretRef>,
    /// The value itself.
    pub value: Option<Arc<str>>,
}

/// What a proxy does with a header that does not match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mismatch {
    /// Logs it.
    Log,
    /// Adds the wanted one.
    Add,
    /// Deletes it.
    Delete,
    /// Replaces it.
    Replace,
}

impl Mismatch {
    /// The words of the schema.
    pub const NAMES: [(&'static str, Mismatch); 4] = [
        ("LOG", Mismatch::Log),
        ("ADD", Mismatch::Add),
        ("DELETE", Mismatch::Delete),
        ("REPLACE", Mismatch::Replace),
    ];
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Mismatch::NAMES[*self as usize].0)
    }
}

/// A secret by name; without a namespace the agent's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretRef {
    /// Its namespace.
    pub namespace: Option<Arc<str>>,
    /// Its name.
    pub name: Arc<str>,
}

/// Where certificates and keys come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TlsContext {
    /// The secret.
    pub secret: SecretRef,
    /// The key of the trusted authorities in the secret.
    pub trusted_ca: Option<Arc<str>>,
    /// The key of the certificate.
    pub certificate: Option<Arc<str>>,
    /// The key of the private key.
    pub private_key: Option<Arc<str>>,
}

/// One kind of query that is allowed: a name, a pattern, either of both, or nothing at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DnsRule {
    /// A name.
    pub name: Option<DnsPattern>,
    /// A pattern.
    pub pattern: Option<DnsPattern>,
}

/// A listener of the user's own proxy configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Listener {
    /// `CiliumEnvoyConfig` or `CiliumClusterwideEnvoyConfig`; empty means the former.
    pub config_kind: Arc<str>,
    /// The name of that object.
    pub config_name: Arc<str>,
    /// The listener in it.
    pub name: Arc<str>,
    /// 1 to 100; the lower wins.
    pub priority: Option<u8>,
}
