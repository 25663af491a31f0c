//! Which kinds are read, and in which of their versions a server has them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::error::ClusterError;
use super::request::{Fault, Server};
use super::rights::Right;

/// A kind that is read.
#[derive(Debug)]
pub(super) struct Kind {
    /// Its name in a manifest.
    pub(super) name: &'static str,
    /// Its API group, empty for the first one of Kubernetes.
    pub(super) group: &'static str,
    /// The versions that are read, the best first.
    versions: &'static [&'static str],
    /// Its name in paths and rules, which also says what it is to people.
    pub(super) resource: &'static str,
    /// Whether verdicts depend on it.
    pub(super) need: Need,
    /// The resource in the place of which it is read, where a server has not that one.
    pub(super) instead_of: Option<&'static str>,
    /// The fields that are read.
    pub(super) keep: Keep,
}

/// Whether verdicts depend on a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Without it any verdict may be wrong.
    Always,
    /// Without it this is not known, and verdicts about everything else hold.
    Unless(&'static str),
}

/// Which fields of a value are read. Elements of a list are held to the same as the list.
#[derive(Debug)]
pub(super) enum Keep {
    /// All.
    All,
    /// All but these.
    Without(&'static [(&'static str, Keep)]),
    /// These.
    Only(&'static [(&'static str, Keep)]),
    /// None.
    Nothing,
}

use Keep::{All, Nothing, Only, Without};

/// What a person wrote, without what the server and `kubectl apply` add.
const WRITTEN: Keep = Without(&[
    (
        "metadata",
        Without(&[
            ("creationTimestamp", Nothing),
            ("generation", Nothing),
            ("managedFields", Nothing),
            ("resourceVersion", Nothing),
            ("selfLink", Nothing),
            ("uid", Nothing),
            ("annotations", Without(&[("kubectl.kubernetes.io/last-applied-configuration", Nothing)])),
        ]),
    ),
    ("status", Nothing),
]);

/// Name, namespace and labels.
const NAMED: (&str, Keep) = ("metadata", Only(&[("name", All), ("namespace", All), ("labels", All)]));

const VERSION: (&str, Keep) = ("apiVersion", All);
const KIND: (&str, Keep) = ("kind", All);

const CONTAINER: Keep = Only(&[("name", All), ("ports", All), ("restartPolicy", All)]);

const fn policy(name: &'static str, resource: &'static str) -> Kind {
    Kind {
        name,
        group: CILIUM,
        versions: &["v2"],
        resource,
        need: Need::Always,
        instead_of: None,
        keep: WRITTEN,
    }
}

const fn core(name: &'static str, resource: &'static str, keep: Keep) -> Kind {
    Kind { name, group: "", versions: &["v1"], resource, need: Need::Always, instead_of: None, keep }
}

const CILIUM: &str = "cilium.io";

/// Every kind, in the order in which objects are given. Workloads are left out: a cluster has their pods.
pub(super) const KINDS: [Kind; 10] = [
    core("Namespace", "namespaces", Only(&[VERSION, KIND, NAMED])),
    Kind {
        need: Need::Unless("which addresses are those of nodes"),
        ..core("Node", "nodes", Only(&[VERSION, KIND, NAMED, ("status", Only(&[("addresses", All)]))]))
    },
    core(
        "Pod",
        "pods",
        Only(&[
            VERSION,
            KIND,
            (
                "metadata",
                Only(&[
                    ("name", All),
                    ("namespace", All),
                    ("labels", All),
                    ("ownerReferences", Only(&[("kind", All), ("name", All)])),
                ]),
            ),
            (
                "spec",
                Only(&[
                    ("containers", CONTAINER),
                    ("hostNetwork", All),
                    ("initContainers", CONTAINER),
                    ("nodeName", All),
                    ("serviceAccountName", All),
                ]),
            ),
            ("status", Only(&[("phase", All), ("podIP", All), ("podIPs", All)])),
        ]),
    ),
    core("Service", "services", WRITTEN),
    Kind {
        group: "discovery.k8s.io",
        versions: &["v1", "v1beta1"],
        ..core(
            "EndpointSlice",
            "endpointslices",
            Only(&[
                VERSION,
                KIND,
                NAMED,
                ("addressType", All),
                ("endpoints", Only(&[("addresses", All), ("conditions", All)])),
            ]),
        )
    },
    Kind {
        instead_of: Some("endpointslices"),
        ..core("Endpoints", "endpoints", Only(&[VERSION, KIND, NAMED, ("subsets", All)]))
    },
    Kind { group: "networking.k8s.io", ..core("NetworkPolicy", "networkpolicies", WRITTEN) },
    policy("CiliumNetworkPolicy", "ciliumnetworkpolicies"),
    policy("CiliumClusterwideNetworkPolicy", "ciliumclusterwidenetworkpolicies"),
    Kind { versions: &["v2", "v2alpha1"], ..policy("CiliumCIDRGroup", "ciliumcidrgroups") },
];

/// The ConfigMap of the agents.
pub(super) struct ConfigMap {
    namespace: &'static str,
    pub(super) name: &'static str,
    /// What is not known without it.
    pub(super) unknown: &'static str,
}

/// Where Cilium is installed as its documentation says.
pub(super) const CONFIG_MAP: ConfigMap = ConfigMap {
    namespace: "kube-system",
    name: "cilium-config",
    unknown: "which options the agents have, so that their defaults are assumed",
};

impl ConfigMap {
    /// Where it is on a server.
    pub(super) fn path(&self) -> String {
        format!("/api/v1/namespaces/{}/configmaps/{}", self.namespace, self.name)
    }

    /// The right to read it.
    pub(super) fn right(&self) -> Right {
        Right { group: "", resource: "configmaps", verb: "get", name: Some(self.name) }
    }
}

impl Kind {
    /// That of the agents' ConfigMap.
    pub(super) const CONFIG: Kind = core("ConfigMap", "configmaps", WRITTEN);

    /// The right to list it.
    pub(super) fn right(&self) -> Right {
        Right { group: self.group, resource: self.resource, verb: "list", name: None }
    }

    /// Whether it is one of Cilium's.
    pub(super) fn is_cilium(&self) -> bool {
        self.group == CILIUM
    }

    /// Whether agents judge traffic by it.
    pub(super) fn is_policy(&self) -> bool {
        self.is_cilium() || self.resource == "networkpolicies"
    }
}

/// A kind in a version that a server has.
#[derive(Debug)]
pub(super) struct Served {
    /// The kind.
    pub(super) kind: &'static Kind,
    /// `apiVersion` of its objects.
    pub(super) version: String,
}

impl Served {
    fn new(kind: &'static Kind, version: &str) -> Served {
        let slash = if kind.group.is_empty() { "" } else { "/" };
        Served { kind, version: format!("{}{slash}{version}", kind.group) }
    }

    /// Where all its objects are listed.
    pub(super) fn path(&self) -> String {
        let root = if self.kind.group.is_empty() { "api" } else { "apis" };
        format!("/{root}/{}/{}", self.version, self.kind.resource)
    }
}

/// The kinds that a server has, each in the best version. Who may not ask which ones there are finds out by asking
/// for them.
///
/// # Errors
///
/// The server cannot be asked.
pub(super) async fn served(server: &Server<'_>) -> Result<Vec<Served>, ClusterError> {
    let mut known = Known::default();
    match server.get("/apis", GROUPS).await {
        Ok(bytes) => {
            let groups: GroupList = server.decode(&bytes, GROUPS)?;
            known.groups = Some(groups.groups);
        }
        Err(Fault::Forbidden(_)) => {}
        Err(fault) => return Err(server.failed(fault, GROUPS, 0)),
    }
    let mut all: Vec<Served> = Vec::new();
    for kind in &KINDS {
        let replaced =
            kind.instead_of.is_some_and(|other| all.iter().any(|served| served.kind.resource == other));
        if !replaced && let Some(version) = known.version(server, kind).await? {
            all.push(Served::new(kind, version));
        }
    }
    Ok(all)
}

const GROUPS: &str = "API groups";

/// What is known about the kinds of a server.
#[derive(Default)]
struct Known {
    /// Its groups; `None` if it does not say.
    groups: Option<Vec<Group>>,
    /// The resources of each group in a version; `None` where it does not say.
    resources: BTreeMap<String, Option<Vec<String>>>,
}

impl Known {
    /// The best version of a kind that the server has.
    async fn version(
        &mut self,
        server: &Server<'_>,
        kind: &Kind,
    ) -> Result<Option<&'static str>, ClusterError> {
        let Some(groups) = self.groups.as_ref().filter(|_| !kind.group.is_empty()) else {
            return Ok(kind.versions.first().copied());
        };
        let Some(group) = groups.iter().find(|group| group.name == kind.group) else { return Ok(None) };
        let has = |version: &&&str| group.versions.iter().any(|has| has.version == **version);
        let versions: Vec<&'static str> = kind.versions.iter().filter(has).copied().collect();
        for version in versions {
            let path = format!("/apis/{}/{version}", kind.group);
            if !self.resources.contains_key(&path) {
                let resources = resources(server, &path).await?;
                self.resources.insert(path.clone(), resources);
            }
            let resources = self.resources.get(&path).and_then(Option::as_ref);
            if resources.is_none_or(|all| all.iter().any(|name| name == kind.resource)) {
                return Ok(Some(version));
            }
        }
        Ok(None)
    }
}

/// The resources of a group in a version; none if the server does not say.
async fn resources(server: &Server<'_>, path: &str) -> Result<Option<Vec<String>>, ClusterError> {
    match server.get(path, GROUPS).await {
        Ok(bytes) => {
            let list: ResourceList = server.decode(&bytes, GROUPS)?;
            Ok(Some(list.resources.into_iter().map(|resource| resource.name).collect()))
        }
        Err(Fault::Forbidden(_)) => Ok(None),
        Err(Fault::NotFound) => Ok(Some(Vec::new())),
        Err(fault) => Err(server.failed(fault, GROUPS, 0)),
    }
}

#[derive(Deserialize)]
struct GroupList {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    name: String,
    versions: Vec<GroupVersion>,
}

#[derive(Deserialize)]
struct GroupVersion {
    version: String,
}

#[derive(Deserialize)]
struct ResourceList {
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    name: String,
}
