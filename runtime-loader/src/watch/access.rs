//! From a kubeconfig to a client.

use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::Client;
use kube::config::{Config, KubeConfigOptions, Kubeconfig, KubeconfigError};
use sluice_compiler::diagnostic::did_you_mean;

use super::Target;
use super::error::ClusterError;
use super::request::innermost;

/// How long a connection may take to begin.
const CONNECTING: Duration = Duration::from_secs(10);

/// Where nobody named one.
const NOWHERE: &str = "`KUBECONFIG` names none, and there is no file `~/.kube/config`";

/// A way to a cluster.
pub(super) struct Access {
    pub(super) client: Client,
    /// The context.
    pub(super) name: String,
    /// Its namespace.
    pub(super) namespace: String,
    /// The address of the server.
    pub(super) server: String,
}

/// Finds a cluster.
///
/// # Errors
///
/// There is no kubeconfig, or no cluster in it.
pub(super) async fn find(target: &Target) -> Result<Access, ClusterError> {
    let (name, mut config) = match kubeconfig(target)? {
        Some(kubeconfig) => from_kubeconfig(kubeconfig, target).await?,
        None => match target.context.clone() {
            // What a pod is given has no contexts, and another cluster than the one that is named is not read instead.
            Some(name) => {
                let why = format!("the context `{name}` would be in it, but {NOWHERE}");
                return Err(ClusterError::NoKubeconfig { why });
            }
            None => ("in-cluster".to_owned(), in_cluster()?),
        },
    };
    config.connect_timeout = Some(CONNECTING);
    // Asking again is done where it is known for how long.
    config.default_retry = false;
    if target.user.is_some() {
        config.auth_info.impersonate = target.user.clone();
    }
    if !target.groups.is_empty() {
        config.auth_info.impersonate_groups = Some(target.groups.clone());
    }
    let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
    let namespace = config.default_namespace.clone();
    let client = Client::try_from(config).map_err(|error| match &error {
        kube::Error::Auth(_) => ClusterError::Credentials { server: server.clone(), why: innermost(&error) },
        kube::Error::RustlsTls(_) => ClusterError::Tls { server: server.clone(), why: innermost(&error) },
        _ => ClusterError::Kubeconfig { why: innermost(&error) },
    })?;
    Ok(Access { client, name, namespace, server })
}

/// The kubeconfig; none where nobody named one and there is none at the usual places.
fn kubeconfig(target: &Target) -> Result<Option<Kubeconfig>, ClusterError> {
    if let Some(path) = &target.kubeconfig {
        return match present(path)? {
            Some(kubeconfig) => Ok(Some(kubeconfig)),
            None => Err(ClusterError::NoKubeconfig { why: format!("no file `{}`", path.display()) }),
        };
    }
    let named = std::env::var_os("KUBECONFIG").unwrap_or_default();
    let named: Vec<PathBuf> =
        std::env::split_paths(&named).filter(|path| !path.as_os_str().is_empty()).collect();
    if named.is_empty() {
        return match std::env::home_dir() {
            Some(home) => present(&home.join(".kube").join("config")),
            None => Ok(None),
        };
    }
    merged(&named)
}

/// The kubeconfigs of a list, of which what comes first counts. Those that are not there are passed over, as kubectl does, unless
/// none is.
fn merged(paths: &[PathBuf]) -> Result<Option<Kubeconfig>, ClusterError> {
    let mut all: Option<Kubeconfig> = None;
    for path in paths {
        let Some(one) = present(path)? else { continue };
        all = Some(match all {
            Some(first) => first.merge(one).map_err(|error| unusable(&error))?,
            None => one,
        });
    }
    let shown = || paths.iter().map(|path| format!("`{}`", path.display())).collect::<Vec<_>>().join(" or ");
    all.map(Some).ok_or_else(|| ClusterError::NoKubeconfig { why: format!("no file {}", shown()) })
}

/// The kubeconfig of a file; none where the file is not there.
fn present(path: &Path) -> Result<Option<Kubeconfig>, ClusterError> {
    match Kubeconfig::read_from(path) {
        Err(KubeconfigError::ReadConfig(why, _)) if why.kind() == std::io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some).map_err(|error| unusable(&error)),
    }
}

fn in_cluster() -> Result<Config, ClusterError> {
    Config::incluster().map_err(|_| ClusterError::NoKubeconfig {
        why: format!("{NOWHERE}, and this is no pod of a cluster"),
    })
}

async fn from_kubeconfig(kubeconfig: Kubeconfig, target: &Target) -> Result<(String, Config), ClusterError> {
    let known: Vec<String> = kubeconfig.contexts.iter().map(|context| context.name.clone()).collect();
    let current = kubeconfig.current_context.clone().filter(|name| !name.is_empty());
    let Some(name) = target.context.clone().or(current) else {
        return Err(ClusterError::NoContext { known });
    };
    if !known.contains(&name) {
        let close = did_you_mean(&name, known.iter().map(String::as_str)).map(str::to_owned);
        return Err(ClusterError::UnknownContext { name, close, known });
    }
    let options = KubeConfigOptions { context: Some(name.clone()), ..KubeConfigOptions::default() };
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
    Ok((name, config.map_err(|error| unusable(&error))?))
}

fn unusable(error: &KubeconfigError) -> ClusterError {
    let why = match error {
        KubeconfigError::LoadContext(name) => format!("its context `{name}` says nothing"),
        KubeconfigError::LoadClusterOfContext(name) => {
            format!("its context is about a cluster `{name}`, which it does not have")
        }
        KubeconfigError::MissingClusterUrl => "its cluster has no `server`".to_owned(),
        KubeconfigError::ReadConfig(why, path) => format!("`{}`: {}", path.display(), innermost(why)),
        KubeconfigError::Parse(why) => {
            let words = why.to_string();
            words.lines().next().unwrap_or_default().to_owned()
        }
        other => other.to_string(),
    };
    ClusterError::Kubeconfig { why }
}
