//! Ports and what a proxy is asked to do on them (semantics.md 1.4 and 1.5).

use schemars::JsonSchema;

/// Ports, and what is allowed on them.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PortRule {
    /// The ports. They are those of the pod, not of a Service in front of it.
    #[schemars(length(max = 40))]
    pub(super) ports: Option<Vec<PortProtocol>>,
    /// TLS that the proxy takes apart on the client's side.
    #[serde(rename = "terminatingTLS")]
    pub(super) terminating_tls: Option<TlsContext>,
    /// TLS that the proxy speaks to the server.
    #[serde(rename = "originatingTLS")]
    pub(super) originating_tls: Option<TlsContext>,
    /// Names that the client may ask for in its TLS handshake.
    #[schemars(length(min = 1))]
    pub(super) server_names: Option<Vec<String>>,
    /// A listener of Envoy that traffic goes to.
    pub(super) listener: Option<Listener>,
    /// What is allowed inside of the connection.
    pub(super) rules: Option<L7Rules>,
}

/// Ports of a deny entry, which has no layer 7 rules.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PortDenyRule {
    /// The ports.
    #[schemars(length(max = 40))]
    pub(super) ports: Option<Vec<PortProtocol>>,
}

/// A port and its protocol.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PortProtocol {
    /// A number in quotes, or the name of a container port; `"0"` means every port.
    pub(super) port: Option<String>,
    /// The last port of a range that begins with `port`.
    #[schemars(range(min = 0, max = 65535))]
    pub(super) end_port: Option<u32>,
    /// ANY if left out: TCP, UDP and SCTP.
    pub(super) protocol: Option<Protocol>,
}

/// A protocol.
#[derive(JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Protocol {
    Tcp,
    Udp,
    Sctp,
    Any,
    Vrrp,
    Igmp,
    Gre,
    Ipip,
    Ipv6,
    Esp,
    Ah,
}

/// Keys and certificates.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TlsContext {
    /// Where they are kept.
    pub(super) secret: Secret,
    /// The secret's key of the trusted authorities; `ca.crt` if left out.
    #[serde(rename = "trustedCA")]
    pub(super) trusted_ca: Option<String>,
    /// The secret's key of the certificate; `tls.crt` if left out.
    pub(super) certificate: Option<String>,
    /// The secret's key of the private key; `tls.key` if left out.
    pub(super) private_key: Option<String>,
}

/// A Secret.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Secret {
    /// Its namespace.
    pub(super) namespace: Option<String>,
    /// Its name.
    pub(super) name: String,
}

/// A listener of Envoy.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Listener {
    /// The object that defines it.
    pub(super) envoy_config: EnvoyConfig,
    /// Its name.
    pub(super) name: String,
    /// Which listener counts where several meet: the lower.
    #[schemars(range(min = 1, max = 100))]
    pub(super) priority: Option<u32>,
}

/// An object that defines listeners.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EnvoyConfig {
    /// Its kind.
    pub(super) kind: EnvoyKind,
    /// Its name.
    pub(super) name: String,
}

/// A kind that defines listeners.
#[derive(JsonSchema)]
pub(super) enum EnvoyKind {
    CiliumEnvoyConfig,
    CiliumClusterwideEnvoyConfig,
}

/// What is allowed inside of a connection: one of the two.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct L7Rules {
    /// Requests, any of which is allowed.
    pub(super) http: Option<Vec<Http>>,
    /// Questions, any of which is allowed.
    pub(super) dns: Option<Vec<Dns>>,
}

/// Requests that meet all of these conditions.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Http {
    /// A regular expression for the whole path.
    pub(super) path: Option<String>,
    /// A regular expression for the whole method.
    pub(super) method: Option<String>,
    /// A regular expression for the whole host.
    pub(super) host: Option<String>,
    /// Headers that must be there: `Name: value`, or `Name` for any value.
    pub(super) headers: Option<Vec<String>>,
    /// Headers that must have a value, and what happens if they have not.
    pub(super) header_matches: Option<Vec<HeaderMatch>>,
}

/// A header with its value.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HeaderMatch {
    /// What happens if the value differs. Left out: the request is refused.
    pub(super) mismatch: Option<Mismatch>,
    /// The header's name.
    pub(super) name: String,
    /// A Secret that holds the value.
    pub(super) secret: Option<Secret>,
    /// The value.
    pub(super) value: Option<String>,
}

/// What happens to a request whose header differs.
#[derive(JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Mismatch {
    /// It passes and is logged.
    Log,
    /// The right value is added.
    Add,
    /// The header is removed.
    Delete,
    /// The right value takes its place.
    Replace,
}

/// Questions for names; both may be written, and either counts.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Dns {
    /// The whole name.
    #[schemars(length(max = 255))]
    pub(super) match_name: Option<String>,
    /// A pattern: `*` stands for any characters but a dot; alone, for every name.
    #[schemars(length(max = 255))]
    pub(super) match_pattern: Option<String>,
}

/// ICMP messages.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct IcmpRule {
    /// Any of these.
    #[schemars(length(max = 40))]
    pub(super) fields: Option<Vec<IcmpField>>,
}

/// A type of ICMP message.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct IcmpField {
    /// IPv4 if left out.
    pub(super) family: Option<IcmpFamily>,
    /// A number from 0 to 255, or a name such as `EchoRequest`. 0 means every type.
    #[serde(rename = "type")]
    pub(super) icmp_type: IcmpType,
}

/// A family of addresses.
#[derive(JsonSchema)]
pub(super) enum IcmpFamily {
    IPv4,
    IPv6,
}

/// A type by number or by name.
#[derive(JsonSchema)]
#[serde(untagged)]
pub(super) enum IcmpType {
    Number(#[schemars(range(min = 0, max = 255))] u32),
    Name(String),
}
