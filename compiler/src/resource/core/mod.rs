//! Kubernetes' own kinds: what selectors are resolved against. Only the fields that policy looks at
//! are read; these objects come from live clusters with much else in them.

mod cluster;
mod global;
mod workload;

use std::net::IpAddr;
use std::sync::Arc;

pub use cluster::{endpoint_slice, endpoints, namespace, node, service, service_account};
use sluice_ir::net::Protocol;
pub use workload::{pod, workload};

use super::decode::Spanned;
use super::meta::Meta;
use super::network_policy::NumberOrName;

/// A Pod.
#[derive(Clone, Debug, PartialEq)]
pub struct Pod {
    /// Its metadata.
    pub meta: Meta,
    /// What it shares with the template of a workload. The labels are those of `meta`.
    pub spec: PodSpec,
    /// `spec.nodeName`.
    pub node: Option<Arc<str>>,
    /// `status.podIPs`, or else `status.podIP`.
    pub addresses: Vec<Spanned<IpAddr>>,
    /// Whether it has ended (`Succeeded` or `Failed`), so that its addresses are free again.
    pub ended: bool,
}

/// What policy needs of a pod or of the pods that a workload makes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PodSpec {
    /// `serviceAccountName`; `default` if absent.
    pub service_account: Arc<str>,
    /// Whether it lives in the host's network, and so has the host's identity.
    pub host_network: bool,
    /// Named container ports in the order written, init containers that keep running included.
    pub ports: Vec<ContainerPort>,
}

/// A container port with a name.
#[derive(Clone, Debug, PartialEq)]
pub struct ContainerPort {
    /// The name as written.
    pub name: Spanned<Arc<str>>,
    /// The number.
    pub number: u16,
    /// TCP if absent.
    pub protocol: Protocol,
}

/// A Deployment, StatefulSet, DaemonSet, ReplicaSet, Job or CronJob.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// Its kind.
    pub kind: Arc<str>,
    /// Its metadata.
    pub meta: Meta,
    /// The labels of its pods: `spec.template.metadata.labels`.
    pub labels: Vec<(Arc<str>, Arc<str>)>,
    /// The rest of its template.
    pub spec: PodSpec,
}

/// A Namespace.
#[derive(Clone, Debug, PartialEq)]
pub struct Namespace {
    /// Its metadata.
    pub meta: Meta,
}

/// A ServiceAccount: known by its name, to which policies refer as a label of pods.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceAccount {
    /// Its metadata.
    pub meta: Meta,
}

/// A Node.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its metadata.
    pub meta: Meta,
    /// `status.addresses` of type InternalIP and ExternalIP, in the order written.
    pub addresses: Vec<Spanned<IpAddr>>,
}

/// A Service.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// Its metadata.
    pub meta: Meta,
    /// `spec.selector`; none for a service with hand-made endpoints.
    pub selector: Option<Vec<(Arc<str>, Arc<str>)>>,
    /// `spec.clusterIPs`, or else `spec.clusterIP`; `None` (headless) and the empty text are left out.
    pub cluster_addresses: Vec<IpAddr>,
    /// `spec.ports`.
    pub ports: Vec<ServicePort>,
    /// Whether it is shared with other clusters, and how (semantics.md 7.1).
    pub global: Option<GlobalService>,
}

/// A port of a service. Policy never sees its number: it sees the backend's (semantics.md 4.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePort {
    /// The number at the virtual address.
    pub port: u16,
    /// The backend's port; the same number if absent.
    pub target: NumberOrName,
    /// TCP if absent.
    pub protocol: Protocol,
}

/// Annotations of a service that spans clusters (semantics.md 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlobalService {
    /// Whether other clusters may use its backends here.
    pub shared: bool,
    /// Which backends are preferred.
    pub affinity: Affinity,
}

/// Which backends of a global service are preferred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Affinity {
    /// All alike.
    #[default]
    None,
    /// Those of this cluster.
    Local,
    /// Those of other clusters.
    Remote,
}

/// An EndpointSlice, or Endpoints.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointSlice {
    /// Its metadata.
    pub meta: Meta,
    /// The service that it belongs to: label `kubernetes.io/service-name`, or the name of Endpoints.
    pub service: Option<Arc<str>>,
    /// Addresses of endpoints that are ready or do not say.
    pub addresses: Vec<Spanned<IpAddr>>,
}
