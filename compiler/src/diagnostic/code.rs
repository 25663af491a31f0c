//! The table of codes. A code is never given a second meaning, and a retired one is not used again.

use super::Severity::{self, Error, Info, Warning};

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal $name:literal $severity:ident,)*) => {
        /// A stable name for one kind of finding, printed as `S0201`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* #[doc = ""] #[doc = concat!("`", $code, "`")] $variant,)*
        }

        impl Code {
            /// Every code, in order.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// The code as printed: `S0201`.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $code,)* }
            }

            /// The short name in words: `unknown-field`. It reads as "allow unknown-field".
            pub fn name(self) -> &'static str {
                match self { $(Code::$variant => $name,)* }
            }

            /// The severity unless options change it.
            pub fn severity(self) -> Severity {
                match self { $(Code::$variant => $severity,)* }
            }

            /// The long text that `sluice explain` prints, in Markdown.
            pub fn explanation(self) -> &'static str {
                match self { $(Code::$variant => include_str!(concat!("explain/", $code, ".md")),)* }
            }
        }
    };
}

codes! {
    // 00: files and YAML syntax.
    /// A path could not be opened or read.
    UnreadableFile = "S0001" "unreadable-file" Error,
    /// The text is not UTF-8.
    InvalidUtf8 = "S0002" "invalid-utf8" Error,
    /// The text is not YAML or JSON.
    YamlSyntax = "S0003" "yaml-syntax" Error,
    /// A tab is used for indentation.
    TabIndentation = "S0004" "tab-indentation" Error,
    /// A key stands twice in one mapping.
    DuplicateKey = "S0005" "duplicate-key" Error,
    /// A file is larger than the limit.
    FileTooLarge = "S0006" "file-too-large" Error,
    /// Values are nested deeper than the limit.
    NestingTooDeep = "S0007" "nesting-too-deep" Error,
    /// Aliases blow a document up past the limit.
    AliasExpansion = "S0008" "alias-expansion" Error,
    /// A mapping key is not a string.
    NonStringKey = "S0009" "non-string-key" Error,
    /// The file begins with a byte order mark.
    ByteOrderMark = "S0010" "byte-order-mark" Info,
    /// Lines end in carriage return and line feed.
    CarriageReturns = "S0011" "carriage-returns" Info,
    /// A document between two `---` has no content.
    EmptyDocument = "S0012" "empty-document" Info,
    /// A path holds no manifest at all.
    NoManifests = "S0013" "no-manifests" Warning,

    // 01: what an object is.
    /// A document is not a mapping.
    NotAnObject = "S0101" "not-an-object" Error,
    /// `kind` or `apiVersion` is missing.
    MissingKind = "S0102" "missing-kind" Error,
    /// The kind is not one that policy is resolved against.
    UnusedKind = "S0103" "unused-kind" Info,
    /// The kind is nearly one that Sluice knows.
    MisspelledKind = "S0104" "misspelled-kind" Error,
    /// The kind exists, but not in this API version.
    WrongApiVersion = "S0105" "wrong-api-version" Error,
    /// `metadata.name` is missing.
    MissingName = "S0106" "missing-name" Error,
    /// A name or namespace is not one that Kubernetes takes.
    InvalidName = "S0107" "invalid-name" Error,
    /// An object stands twice in the input.
    DuplicateObject = "S0108" "duplicate-object" Warning,
    /// A cluster-scoped object names a namespace.
    NamespaceOnClusterScoped = "S0109" "namespace-on-cluster-scoped" Warning,
    /// A kind of policy that Sluice does not read.
    UnsupportedPolicy = "S0110" "unsupported-policy" Warning,

    // 02: shapes and types of fields.
    /// A field that does not exist.
    UnknownField = "S0201" "unknown-field" Error,
    /// A value has the wrong type.
    WrongType = "S0202" "wrong-type" Error,
    /// A field that must be there is missing.
    MissingField = "S0203" "missing-field" Error,
    /// `null` where the API server takes none.
    NullValue = "S0204" "null-value" Error,
    /// A value that the API server's schema refuses although the agent would take it.
    OutsideSchema = "S0205" "outside-schema" Error,
    /// A boolean word of YAML 1.1 (`y`, `no`, `on`) where a string is meant.
    BooleanForString = "S0206" "boolean-for-string" Error,
    /// A number without quotes where a string is meant.
    NumberForString = "S0207" "number-for-string" Error,
    /// A field that Sluice understands but does not enforce yet.
    NotEnforced = "S0208" "not-enforced" Warning,
    /// A field that the agent drops, so that the rule means something else.
    DroppedField = "S0209" "dropped-field" Warning,

    // 03: rules as a whole.
    /// A rule without any ingress, egress or deny entry.
    EmptyRule = "S0301" "empty-rule" Error,
    /// Neither or both of `endpointSelector` and `nodeSelector`.
    SubjectSelector = "S0302" "subject-selector" Error,
    /// `nodeSelector` in a namespaced policy.
    NodeSelectorInNamespace = "S0303" "node-selector-in-namespace" Error,
    /// Neither `spec` nor `specs`.
    NoSpec = "S0304" "no-spec" Error,
    /// `specs: []`: a policy without rules.
    EmptySpecs = "S0305" "empty-specs" Warning,
    /// Two kinds of peers in one entry.
    CombinedPeers = "S0306" "combined-peers" Error,
    /// `fromRequires` or `toRequires`, which no longer exist.
    RemovedRequires = "S0307" "removed-requires" Error,
    /// `fromNodes` or `toNodes` without the option that enables them.
    NodePeersDisabled = "S0308" "node-peers-disabled" Error,
    /// `icmps` beside `toPorts`.
    IcmpWithPorts = "S0309" "icmp-with-ports" Error,
    /// More than 40 ports in one list.
    TooManyPorts = "S0310" "too-many-ports" Error,
    /// More than 40 ICMP types in one list.
    TooManyIcmpTypes = "S0311" "too-many-icmp-types" Error,
    /// `enableDefaultDeny` where it has no effect.
    DefaultDenyIgnored = "S0312" "default-deny-ignored" Warning,
    /// A log value that is too long or not printable.
    LogValue = "S0313" "log-value" Error,

    // 04: label selectors.
    /// A label key that Kubernetes does not take.
    LabelKey = "S0401" "label-key" Error,
    /// A label value that Kubernetes does not take.
    LabelValue = "S0402" "label-value" Error,
    /// An operator other than In, NotIn, Exists and DoesNotExist.
    SelectorOperator = "S0403" "selector-operator" Error,
    /// In or NotIn without values.
    SelectorValuesMissing = "S0404" "selector-values-missing" Error,
    /// Exists or DoesNotExist with values.
    SelectorValuesForbidden = "S0405" "selector-values-forbidden" Error,

    // 05: peers.
    /// An entity that does not exist.
    UnknownEntity = "S0501" "unknown-entity" Error,
    /// A text that is no address and no prefix.
    InvalidCidr = "S0502" "invalid-cidr" Error,
    /// A bare address where a prefix is needed.
    PrefixNeeded = "S0503" "prefix-needed" Error,
    /// A CIDR set element with none or several of its three members.
    CidrSetMembers = "S0504" "cidr-set-members" Error,
    /// An exception that does not lie inside its prefix.
    ExceptOutside = "S0505" "except-outside" Error,
    /// A CIDR group reference that cannot be a name.
    CidrGroupName = "S0506" "cidr-group-name" Error,
    /// A CIDR group that is not in the input.
    MissingCidrGroup = "S0507" "missing-cidr-group" Warning,
    /// A cloud group that names no provider.
    GroupProvider = "S0508" "group-provider" Warning,
    /// A cloud group that nothing in the AWS inventory belongs to.
    EmptyCloudGroup = "S0509" "empty-cloud-group" Warning,
    /// `toServices` that no service in the input answers.
    MissingService = "S0510" "missing-service" Warning,
    /// A NetworkPolicy peer with none or conflicting members.
    PeerMembers = "S0511" "peer-members" Error,
    /// A `toServices` element that names no service.
    ServiceReference = "S0512" "service-reference" Warning,

    // 06: ports, protocols and ICMP.
    /// A port entry without a port.
    MissingPort = "S0601" "missing-port" Error,
    /// A port that is no number from 0 to 65535 and no port name.
    InvalidPort = "S0602" "invalid-port" Error,
    /// A protocol that does not exist.
    InvalidProtocol = "S0603" "invalid-protocol" Error,
    /// A port for a protocol that has none.
    PortForExtendedProtocol = "S0604" "port-for-extended-protocol" Error,
    /// `icmps` while ICMP rules are switched off.
    IcmpDisabled = "S0605" "icmp-disabled" Error,
    /// An ICMP type that does not exist in its family.
    InvalidIcmpType = "S0606" "invalid-icmp-type" Error,
    /// An ICMP entry without a type.
    MissingIcmpType = "S0607" "missing-icmp-type" Error,
    /// An ICMP family other than IPv4 and IPv6.
    IcmpFamily = "S0608" "icmp-family" Error,
    /// An `endPort` that the API server refuses.
    InvalidEndPort = "S0609" "invalid-end-port" Error,

    // 07: layer 7.
    /// Layer 7 rules while the proxy is switched off.
    L7Disabled = "S0701" "l7-disabled" Error,
    /// Two kinds of layer 7 rules in one list.
    L7Kinds = "S0702" "l7-kinds" Error,
    /// Layer 7 rules on port 0.
    L7PortZero = "S0703" "l7-port-zero" Error,
    /// Layer 7 rules on a protocol that cannot carry them.
    L7Protocol = "S0704" "l7-protocol" Error,
    /// DNS rules on ingress.
    DnsOnIngress = "S0705" "dns-on-ingress" Error,
    /// DNS rules without a single port.
    DnsPort = "S0706" "dns-port" Error,
    /// Layer 7 rules that a host policy cannot have.
    HostL7 = "S0707" "host-l7" Error,
    /// A listener on ingress.
    ListenerOnIngress = "S0708" "listener-on-ingress" Error,
    /// A listener beside layer 7 rules.
    ListenerWithL7 = "S0709" "listener-with-l7" Error,
    /// A cluster-wide policy that names a namespaced listener.
    ListenerScope = "S0710" "listener-scope" Error,
    /// Server names beside layer 7 rules without TLS termination.
    ServerNamesWithL7 = "S0711" "server-names-with-l7" Error,
    /// An empty or malformed server name.
    ServerName = "S0712" "server-name" Error,
    /// A regular expression that does not compile.
    InvalidRegex = "S0713" "invalid-regex" Error,
    /// A header match that is incomplete or has an unknown action.
    HeaderMatch = "S0714" "header-match" Error,
    /// A DNS name with characters that no name has.
    DnsName = "S0715" "dns-name" Error,
    /// A DNS pattern with characters that no pattern has.
    DnsPattern = "S0716" "dns-pattern" Error,
    /// Both `matchName` and `matchPattern` in a toFQDNs element.
    NameAndPattern = "S0717" "name-and-pattern" Error,
    /// An authentication mode that does not exist.
    AuthenticationMode = "S0718" "authentication-mode" Error,
    /// Layer 7 rules of a kind that was removed.
    RemovedL7 = "S0719" "removed-l7" Error,
    /// A TLS context without its secret.
    TlsSecret = "S0720" "tls-secret" Error,
    /// A listener without its name or configuration.
    ListenerReference = "S0721" "listener-reference" Error,

    // 08: policies that cannot be merged for one endpoint, or put into a table.
    /// Two kinds of layer 7 rules meet on one port and peer.
    L7Conflict = "S0801" "l7-conflict" Error,
    /// Two listeners of equal priority meet on one port and peer.
    ListenerConflict = "S0802" "listener-conflict" Error,
    /// Two authentication modes meet on one port and peer.
    AuthenticationConflict = "S0803" "authentication-conflict" Error,
    /// Two TLS contexts meet on one port and peer.
    TlsConflict = "S0804" "tls-conflict" Error,
    /// Server names and layer 7 rules meet without TLS termination.
    ServerNamesConflict = "S0805" "server-names-conflict" Error,
    /// The table of a node would be larger than a limit allows.
    TableTooLarge = "S0806" "table-too-large" Error,

    // 09: the inputs beside policies.
    /// The file of DNS answers is not a map from names to addresses.
    DnsAnswers = "S0901" "dns-answers" Error,
    /// The AWS inventory is not what `aws ec2 describe-…` prints.
    AwsInventory = "S0902" "aws-inventory" Error,
    /// An agent option that does not exist.
    UnknownOption = "S0903" "unknown-option" Error,
    /// A value that an agent option does not take.
    OptionValue = "S0904" "option-value" Error,
    /// The node whose view was asked for is not in the input.
    UnknownNode = "S0905" "unknown-node" Warning,
    /// Two pods or nodes have the same address.
    SharedAddress = "S0906" "shared-address" Warning,
    /// A text that is no address.
    InvalidAddress = "S0907" "invalid-address" Error,
    /// A flow that cannot be read.
    InvalidFlow = "S0908" "invalid-flow" Error,
    /// An end of a flow that is not in the input.
    UnknownEndpoint = "S0909" "unknown-endpoint" Error,
    /// A service annotation with a value that has no meaning.
    ServiceAnnotation = "S0910" "service-annotation" Warning,
    /// The file of endpoints is not a map to their interfaces.
    EndpointInterfaces = "S0911" "endpoint-interfaces" Error,

    // 10: accepted, and more open or more closed than it looks.
    /// ICMP type 0 or less, which means every type.
    IcmpTypeZero = "S1001" "icmp-type-zero" Warning,
    /// An `endPort` below its port, which is ignored.
    EndPortBelowPort = "S1002" "end-port-below-port" Warning,
    /// An empty peer list that means every peer.
    EmptyListMeansAll = "S1003" "empty-list-means-all" Warning,
    /// A CIDR group selector that selects more than groups.
    CidrGroupSelectorOpen = "S1004" "cidr-group-selector-open" Warning,
    /// An empty peer list that makes the entry select nothing.
    EmptyListMeansNone = "S1005" "empty-list-means-none" Warning,
    /// A number that is wrapped or cut to sixteen bits.
    PortWraps = "S1006" "port-wraps" Warning,
}

impl Code {
    /// Reads a code as typed: `S0201`, `s0201` or `unknown-field`.
    pub fn parse(text: &str) -> Option<Code> {
        Code::ALL
            .iter()
            .copied()
            .find(|c| c.as_str().eq_ignore_ascii_case(text) || c.name().eq_ignore_ascii_case(text))
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
