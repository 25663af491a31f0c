//! A live cluster as an input: each of its objects is a file of its own, named after it.

use std::sync::Arc;

use sluice_compiler::Loaded;
use sluice_compiler::diagnostic::{Code, Diagnostic};
use sluice_compiler::options::Options;
use sluice_compiler::source::{Limits, parse};
use sluice_loader::watch::{self, Cluster, ClusterError, Gap, Object, Target};

use super::expand::Kind;
use super::{Documents, Given, Input};
use crate::error::CliError;
use crate::options::{ClusterArgs, Inputs};
use crate::render::Format;
use crate::render::difference::thousands;
use crate::report;
use crate::terminal::Progress;

/// The least rights that reading a cluster takes, to be applied.
pub(crate) fn read_rights() -> String {
    watch::rights()
}

/// Manifests of paths or, without any, of a live cluster. What keeps it from being read is said in a format; then there
/// are none.
///
/// # Errors
///
/// A cluster is named beside paths, or standard error does not take what is written.
pub(crate) fn reading(
    paths: &[std::path::PathBuf],
    args: &ClusterArgs,
    inputs: &Inputs,
    format: Format,
) -> Result<Option<Documents>, CliError> {
    if !paths.is_empty() {
        return match args.given() {
            Some(option) => Err(CliError::Usage(format!(
                "`{option}` is about a live cluster, and a path stands for one: leave one of them out"
            ))),
            None => Ok(Some(Documents::of_paths(paths))),
        };
    }
    let target = Target {
        kubeconfig: args.kubeconfig.clone(),
        context: args.context.clone(),
        user: args.user.clone(),
        groups: args.groups.clone(),
        patience: Some(args.request_timeout).filter(|time| !time.is_zero()),
        options: inputs.config.is_none(),
    };
    let progress = Progress::show("reading the cluster");
    let told =
        |objects: usize| progress.update(&format!("reading the cluster: {} objects", thousands(objects)));
    let read = watch::read(&target, &told);
    drop(progress);
    match read {
        Ok(cluster) => Ok(Some(Documents::Cluster(Box::new(cluster)))),
        Err(error) => {
            report::complain(&Input { diagnostics: vec![finding(&error)], ..Input::default() }, format)?;
            Ok(None)
        }
    }
}

/// Why a cluster cannot be read, as a finding.
fn finding(error: &ClusterError) -> Diagnostic {
    let code = match error {
        ClusterError::NoKubeconfig { .. } => Code::NoKubeconfig,
        ClusterError::NoContext { .. } | ClusterError::UnknownContext { .. } => Code::UnknownContext,
        ClusterError::Kubeconfig { .. } => Code::Kubeconfig,
        ClusterError::Unreachable { .. } => Code::ClusterUnreachable,
        ClusterError::Tls { .. } => Code::ClusterTls,
        ClusterError::Credentials { .. } => Code::ClusterCredentials,
        ClusterError::Rights { .. } => Code::ClusterRights,
        ClusterError::Stopped { .. } | ClusterError::Slow { .. } | ClusterError::OutOfDate { .. } => {
            Code::ClusterInterrupted
        }
        ClusterError::Answer { .. } | ClusterError::TooLarge { .. } => Code::ClusterAnswer,
    };
    Diagnostic::new(code, None, error.to_string()).help(error.help())
}

/// What is not known about a cluster, as a finding.
fn gap(cluster: &str, gap: &Gap) -> Diagnostic {
    match gap {
        Gap::NoCilium => {
            let message =
                format!("the cluster `{cluster}` has no Cilium policies, as it does not know their kinds");
            Diagnostic::new(Code::ClusterWithoutCilium, None, message)
                .help("NetworkPolicy is judged as Cilium enforces it; another program may differ")
        }
        Gap::Forbidden { right, unknown } => {
            let message = format!("this user may not {right}, so it is not known {unknown}");
            Diagnostic::new(Code::ClusterGap, None, message).help(format!(
                "a ClusterRole of this user needs `{}`; `sluice preview --show-rights` prints a whole one",
                right.rule()
            ))
        }
        Gap::NoOptions => {
            let message = format!(
                "the cluster `{cluster}` has no ConfigMap `kube-system/cilium-config`, so the agents are taken to have their default options"
            );
            Diagnostic::new(Code::ClusterGap, None, message)
                .help("where they are elsewhere, give them with `--config FILE`")
        }
    }
}

/// Leaves out what is wrong with an object that a cluster holds: nobody asked about it, but that it decides nothing is
/// to be known.
pub(super) fn without_invalid(mut loaded: Loaded, name: &Arc<str>, is_policy: bool) -> Loaded {
    let Some(error) = loaded.diagnostics.iter().find(|finding| finding.is_error()) else { return loaded };
    let message = format!("`{name}` is not valid and is left out: {}", error.message);
    let note = Diagnostic::new(Code::ClusterObject, None, message).help(match is_policy {
        true => "agents refuse it too, so it is not in force: mend or delete it",
        false => "what is said about flows that it takes part in may be wrong: mend it, and ask again",
    });
    loaded.diagnostics.retain(|finding| !finding.is_error());
    loaded.diagnostics.push(note);
    loaded
}

impl Input {
    /// Adds the objects of a cluster, and the options of its agents unless the user gave some.
    pub(super) fn add_cluster(&mut self, cluster: Cluster, limits: &Limits, inputs: &Inputs) -> Given {
        self.diagnostics.extend(cluster.gaps.iter().map(|unknown| gap(&cluster.name, unknown)));
        if let Some(options) = cluster.options.filter(|_| inputs.config.is_none()) {
            let file = self.sources.add(called(&cluster.name, &options), options.text);
            let (documents, findings) = parse(&self.sources, file, limits);
            let (read, refused) = Options::read(&documents, self.options.accept);
            self.options = read;
            self.diagnostics.extend(findings.into_iter().chain(refused));
        }
        let mut files = Vec::with_capacity(cluster.objects.len());
        for object in cluster.objects {
            let file = self.sources.add(called(&cluster.name, &object), object.text);
            self.manifests.push(file);
            self.stored.insert(file, object.is_policy);
            files.push(file);
        }
        Given { name: cluster.name, kind: Kind::Cluster, files, failed: false }
    }
}

/// `prod: CiliumNetworkPolicy shop/cart`.
fn called(cluster: &str, object: &Object) -> String {
    let slash = if object.namespace.is_empty() { "" } else { "/" };
    format!("{cluster}: {} {}{slash}{}", object.kind, object.namespace, object.name)
}
