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
    /// A template of a chart was found in a folder.
    ChartTemplate = "S0014" "chart-template" Warning,

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
    NotEnforced = "S0208" "not-enforced" Info,
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
    /// The table of a node is larger than `sluice.yaml` allows.
    OverBudget = "S0807" "over-budget" Error,

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
    /// `sluice.yaml` is not what it should be.
    ProjectFile = "S0912" "project-file" Error,
    /// An allowance that cannot be read, or has no reason.
    Allowance = "S0913" "allowance" Warning,
    /// An allowance of something that is not there.
    UnusedAllowance = "S0914" "unused-allowance" Warning,
    /// The baseline cannot be read.
    Baseline = "S0915" "baseline" Error,
    /// The baseline has findings that are gone.
    StaleBaseline = "S0916" "stale-baseline" Info,
    /// No pod or workload is in the input, so that there is nobody to say anything about.
    NoWorkloads = "S0917" "no-workloads" Warning,

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

    // Lints begin here: valid, and probably not meant (`lint`).

    // 11: selectors and peers.
    /// A policy whose selector selects nobody.
    SelectsNothing = "S1101" "selects-nothing" Warning,
    /// A peer by labels that nobody is.
    PeerNowhere = "S1102" "peer-nowhere" Warning,
    /// A namespace of which the input has nothing.
    UnknownNamespace = "S1103" "unknown-namespace" Info,
    /// A selector on a label that is no part of an identity.
    FilteredLabel = "S1104" "filtered-label" Warning,
    /// A reserved label that must be absent.
    ReservedNegation = "S1105" "reserved-negation" Warning,
    /// A label of a source that no peer has.
    UnmatchableSource = "S1106" "unmatchable-source" Warning,
    /// The label of the world where there are two families.
    ReservedWorld = "S1107" "reserved-world" Warning,
    /// A subject in another namespace than its policy.
    ForeignNamespace = "S1108" "foreign-namespace" Warning,
    /// A selector that asks for what cannot be.
    ContradictorySelector = "S1109" "contradictory-selector" Warning,
    /// A prefix around pods, which it does not match.
    CidrCoversPods = "S1110" "cidr-covers-pods" Warning,
    /// A prefix around nodes, which it does not match.
    CidrCoversNodes = "S1111" "cidr-covers-nodes" Warning,
    /// The virtual address of a service in a prefix.
    ClusterIpInCidr = "S1112" "cluster-ip-in-cidr" Warning,
    /// A prefix of mapped addresses.
    MappedPrefix = "S1113" "mapped-prefix" Warning,
    /// A prefix that names an address inside it.
    HostBits = "S1114" "host-bits" Warning,
    /// Exceptions that leave nothing.
    ExceptCoversAll = "S1115" "except-covers-all" Warning,
    /// The same peer twice in one list.
    DuplicatePeer = "S1116" "duplicate-peer" Info,
    /// A policy for pods in the network of their node.
    HostNetworkPods = "S1117" "host-network-pods" Warning,
    /// A peer in the network of its node.
    HostNetworkPeer = "S1118" "host-network-peer" Warning,

    // 12: ports.
    /// The port of a service where that of its backends is meant.
    ServicePort = "S1201" "service-port" Warning,
    /// A port by a name that no pod has.
    PortNameNowhere = "S1202" "port-name-nowhere" Warning,
    /// A port name that a pod has twice.
    PortNameTwice = "S1203" "port-name-twice" Warning,
    /// A port name that means several numbers.
    PortNameDiffers = "S1204" "port-name-differs" Info,
    /// A range that begins at a name.
    EndAfterName = "S1205" "end-after-name" Warning,
    /// Port 0, which is every port.
    PortZero = "S1206" "port-zero" Warning,
    /// A port that is read with another base than ten.
    OctalPort = "S1207" "octal-port" Warning,
    /// An element of `toPorts` or `icmps` without anything in it.
    EmptyPortRule = "S1208" "empty-port-rule" Warning,
    /// A port that another element of the list has in it.
    DuplicatePort = "S1209" "duplicate-port" Info,
    /// Rules by port alone, which leave ping out.
    IcmpLeftOut = "S1210" "icmp-left-out" Info,
    /// A range of nearly all ports.
    WideRange = "S1211" "wide-range" Info,

    // 13: names and lookups.
    /// Names that nobody learns the addresses of.
    NamesWithoutLookup = "S1301" "names-without-lookup" Warning,
    /// A name that may not be looked up.
    NameNotAsked = "S1302" "name-not-asked" Warning,
    /// `*.example.com` without `example.com`.
    ApexLeftOut = "S1303" "apex-left-out" Info,
    /// A name without a dot.
    ShortName = "S1304" "short-name" Warning,
    /// A name of the cluster as a peer.
    NameInCluster = "S1305" "name-in-cluster" Warning,
    /// Pods whose egress is restricted, and who may not ask for any name.
    DnsBlocked = "S1306" "dns-blocked" Warning,
    /// DNS rules on one of the two protocols.
    DnsOneProtocol = "S1307" "dns-one-protocol" Info,
    /// Every name as a peer.
    EveryName = "S1308" "every-name" Warning,
    /// Two stars that are one.
    DoubleStar = "S1309" "double-star" Warning,
    /// Layer 7 rules without a rule.
    EmptyL7 = "S1310" "empty-l7" Warning,
    /// A name whose address is that of another name too.
    SharedNameAddress = "S1311" "shared-name-address" Info,

    // 14: isolation.
    /// A deny that denies everything.
    DenyIsolates = "S1401" "deny-isolates" Warning,
    /// An empty entry beside others.
    EmptyEntry = "S1402" "empty-entry" Warning,
    /// A deny entry without anything in it.
    EmptyDeny = "S1403" "empty-deny" Warning,
    /// An empty list of peers in a NetworkPolicy.
    EmptyFrom = "S1404" "empty-from" Warning,
    /// Rules of a direction that `policyTypes` leaves out.
    PolicyTypes = "S1405" "policy-types" Warning,
    /// Egress rules without `policyTypes`.
    IngressClosedToo = "S1406" "ingress-closed-too" Warning,
    /// A cluster-wide policy that isolates everybody.
    ClusterwideIsolates = "S1407" "clusterwide-isolates" Warning,
    /// The empty selector as a peer.
    OwnNamespace = "S1408" "own-namespace" Info,

    // 15: rules against other rules.
    /// Layer 7 rules beside an allow without any.
    L7Widened = "S1501" "l7-widened" Warning,
    /// An allow inside of a deny.
    BroadDeny = "S1502" "broad-deny" Warning,
    /// A rule that stands twice.
    DuplicateRule = "S1503" "duplicate-rule" Warning,
    /// Policies of two kinds with one name.
    TwoKindsOneName = "S1504" "two-kinds-one-name" Info,
    /// An allow that denies hide.
    ShadowedRule = "S1505" "shadowed-rule" Warning,
    /// A rule without which nothing changes.
    RedundantRule = "S1506" "redundant-rule" Info,
    /// A rule that can never match.
    VacuousRule = "S1507" "vacuous-rule" Warning,
    /// Rules of which `--prove` did not find out whether they say anything.
    UnexaminedRule = "S1508" "unexamined-rule" Warning,

    // 16: exposure.
    /// Pods that the whole world may reach.
    OpenToWorld = "S1601" "open-to-world" Warning,
    /// A port of an administrator or a database, open to the world.
    SensitivePort = "S1602" "sensitive-port" Warning,
    /// The cloud's metadata service within reach of pods.
    MetadataService = "S1603" "metadata-service" Info,
    /// Everybody as a peer on egress.
    AllEntity = "S1604" "all-entity" Info,
    /// What the entity `cluster` means beside pods.
    ClusterEntity = "S1605" "cluster-entity" Info,
    /// The API server by its service.
    ApiServerByService = "S1606" "api-server-by-service" Warning,
    /// Pods of every namespace as peers.
    EveryNamespace = "S1607" "every-namespace" Info,
    /// The host, which is let in anyway.
    HostEntity = "S1608" "host-entity" Info,
    /// The entity that nobody is, in a list.
    NoneEntity = "S1609" "none-entity" Warning,
    /// Peers that may use every port.
    AllPorts = "S1610" "all-ports" Info,

    // 17: nodes and clusters.
    /// A policy for nodes that would cut them off.
    HostLockedOut = "S1701" "host-locked-out" Warning,
    /// A policy for nodes where the host firewall is off.
    HostFirewallOff = "S1702" "host-firewall-off" Info,
    /// A peer in another cluster, in this namespace.
    ClusterWithoutNamespace = "S1703" "cluster-without-namespace" Warning,
    /// A subject in another cluster.
    OtherCluster = "S1704" "other-cluster" Info,
    /// A global service, and peers of this cluster only.
    GlobalServiceLocalPeers = "S1705" "global-service-local-peers" Warning,

    // 18: services, groups of prefixes, AWS.
    /// A deny of a service.
    ServiceInDeny = "S1801" "service-in-deny" Warning,
    /// A service that no pod is behind.
    ServiceWithoutPods = "S1802" "service-without-pods" Warning,
    /// A service without ports.
    ServiceWithoutPorts = "S1803" "service-without-ports" Info,
    /// A group without prefixes.
    EmptyCidrGroup = "S1804" "empty-cidr-group" Warning,
    /// A group that no policy refers to.
    UnusedCidrGroup = "S1805" "unused-cidr-group" Info,
    /// A security group that the AWS inventory does not have.
    AwsGroupPartly = "S1806" "aws-group-partly" Warning,
    /// An AWS group with nodes or pods of the cluster in it.
    AwsGroupInside = "S1807" "aws-group-inside" Warning,
    /// An AWS inventory that lacks nodes of the cluster.
    AwsOlderThanCluster = "S1808" "aws-older-than-cluster" Warning,

    // 19: a live cluster.
    /// There is no kubeconfig.
    NoKubeconfig = "S1901" "no-kubeconfig" Error,
    /// The kubeconfig has no such context.
    UnknownContext = "S1902" "unknown-context" Error,
    /// The kubeconfig cannot be used.
    Kubeconfig = "S1903" "kubeconfig" Error,
    /// No API server answers.
    ClusterUnreachable = "S1904" "cluster-unreachable" Error,
    /// The API server's certificate is not trusted.
    ClusterTls = "S1905" "cluster-tls" Error,
    /// The API server does not know who asks.
    ClusterCredentials = "S1906" "cluster-credentials" Error,
    /// The user may not read what verdicts depend on.
    ClusterRights = "S1907" "cluster-rights" Error,
    /// The cluster was not read to its end.
    ClusterInterrupted = "S1908" "cluster-interrupted" Error,
    /// What answers does not answer as an API server, or with too much.
    ClusterAnswer = "S1909" "cluster-answer" Error,
    /// The cluster has none of Cilium's kinds.
    ClusterWithoutCilium = "S1910" "cluster-without-cilium" Warning,
    /// Something about the cluster is not known.
    ClusterGap = "S1911" "cluster-gap" Warning,
    /// An object of the cluster is not valid.
    ClusterObject = "S1912" "cluster-object" Warning,
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
