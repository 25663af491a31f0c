//! What a live cluster holds, asked of its API server and never written to: the only client of Kubernetes.
//!
//! [`read`] lists every kind that policy is made of or resolved against, page by page, and gives each object as the
//! text of a manifest, so that whoever reads files reads a cluster as well. Every request is a `GET`, and [`rights`] has
//! what a user must be allowed for them.
//!
//! | module | what |
//! |---|---|
//! | `access` | from a kubeconfig to a client |
//! | `kinds` | which kinds, and in which of their versions the server has them |
//! | `request` | one question to the server |
//! | `list` | all objects of a kind |
//! | `object` | from an object to its text |
//! | `rights` | what a user must be allowed |
//! | `error` | why a cluster cannot be read |

mod access;
mod error;
mod kinds;
mod list;
mod object;
mod request;
mod rights;

use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::join_all;

pub use error::ClusterError;
pub use object::Object;
pub use rights::{Right, rights};

use kinds::{CONFIG_MAP, Kind, Need};
use list::Listed;
use request::{Fault, Server};

/// Which cluster is read, and as whom.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// The kubeconfig; without one `$KUBECONFIG`, `~/.kube/config`, or what a pod is given.
    pub kubeconfig: Option<PathBuf>,
    /// The context in it; without one its current context.
    pub context: Option<String>,
    /// The user to act as.
    pub user: Option<String>,
    /// The groups to act as.
    pub groups: Vec<String>,
    /// How long one answer may take; without it as long as it will.
    pub patience: Option<Duration>,
    /// Whether the options of the agents are read too.
    pub options: bool,
}

/// A cluster as it is.
#[derive(Debug)]
pub struct Cluster {
    /// The context by which it was found.
    pub name: String,
    /// The namespace of that context.
    pub namespace: String,
    /// Its objects, by kind, namespace and name.
    pub objects: Vec<Object>,
    /// The ConfigMap of the agents, if it was asked for and is there.
    pub options: Option<Object>,
    /// What could not be read, and can be done without.
    pub gaps: Vec<Gap>,
}

/// Something about a cluster that is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gap {
    /// This user may not read it.
    Forbidden {
        /// What is missing.
        right: Right,
        /// What cannot be told without it.
        unknown: &'static str,
    },
    /// The server has none of Cilium's kinds of policy.
    NoCilium,
    /// The agents' ConfigMap is not where it usually is.
    NoOptions,
}

/// Reads a cluster. `told` hears how many objects have been read so far.
///
/// # Errors
///
/// The cluster cannot be found or asked, or does not say what verdicts depend on.
pub fn read(target: &Target, told: &dyn Fn(usize)) -> Result<Cluster, ClusterError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|why| ClusterError::Kubeconfig { why: why.to_string() })?;
    runtime.block_on(read_all(target, told))
}

async fn read_all(target: &Target, told: &dyn Fn(usize)) -> Result<Cluster, ClusterError> {
    let access = access::find(target).await?;
    let server = Server::new(access.client, access.server, target.patience, told);
    let kinds = kinds::served(&server).await?;
    let cilium = kinds.iter().any(|served| served.kind.is_cilium());
    let lists = join_all(kinds.iter().map(|served| list::list(&server, served)));
    let (lists, options) = tokio::join!(lists, read_options(&server, target.options && cilium));
    let mut cluster = Cluster {
        name: access.name,
        namespace: access.namespace,
        objects: Vec::new(),
        options: None,
        gaps: Vec::new(),
    };
    cluster.gaps.extend((!cilium).then_some(Gap::NoCilium));
    let mut missing = Vec::new();
    for (served, listed) in kinds.iter().zip(lists) {
        match listed? {
            Listed::All(objects) => cluster.objects.extend(objects),
            Listed::Forbidden(said) => match served.kind.need {
                Need::Always => missing.push((served.kind.right(), said)),
                Need::Unless(unknown) => {
                    cluster.gaps.push(Gap::Forbidden { right: served.kind.right(), unknown });
                }
            },
        }
    }
    if !missing.is_empty() {
        return Err(ClusterError::Rights { server: server.name, missing });
    }
    match options? {
        Ok(object) => cluster.options = object,
        Err(gap) => cluster.gaps.push(gap),
    }
    Ok(cluster)
}

/// The ConfigMap of the agents.
async fn read_options(
    server: &Server<'_>,
    wanted: bool,
) -> Result<Result<Option<Object>, Gap>, ClusterError> {
    if !wanted {
        return Ok(Ok(None));
    }
    match server.get(&CONFIG_MAP.path(), CONFIG_MAP.name).await {
        Ok(bytes) => match serde_json::from_slice(&bytes) {
            Ok(value) => match Object::new(&Kind::CONFIG, value) {
                Ok(object) => Ok(Ok(Some(object))),
                Err(why) => Err(server.unwritable(CONFIG_MAP.name, &why)),
            },
            Err(why) => Err(server.nonsense(CONFIG_MAP.name, &why)),
        },
        Err(Fault::NotFound) => Ok(Err(Gap::NoOptions)),
        Err(Fault::Forbidden(_)) => {
            Ok(Err(Gap::Forbidden { right: CONFIG_MAP.right(), unknown: CONFIG_MAP.unknown }))
        }
        Err(fault) => Err(server.failed(fault, CONFIG_MAP.name, 0)),
    }
}
