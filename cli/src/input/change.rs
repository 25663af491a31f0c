//! A cluster as it is, and as it would be after `kubectl apply` and `kubectl delete`.
//!
//! Where the cluster comes from is the business of [`Documents`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sluice_compiler::diagnostic::did_you_mean;
use sluice_compiler::resource::Resource;
use sluice_compiler::session::ObjectKey;
use sluice_compiler::source::{FileId, Limits, Sources};

use super::{Documents, Given, Input, expand};
use crate::error::CliError;
use crate::options::Inputs;

/// What is to be done to a cluster.
#[derive(Debug)]
pub(crate) struct Changes<'a> {
    /// Manifests whose objects are added, or replace those of their name.
    pub(crate) apply: &'a [PathBuf],
    /// Manifests whose objects are deleted, or `KIND/NAME` or `KIND/NAMESPACE/NAME`.
    pub(crate) delete: &'a [String],
    /// The namespace of what names none, if it is another than `default`.
    pub(crate) namespace: Option<Arc<str>>,
    /// Whether the user chose that namespace for all of it, as with `kubectl -n`.
    pub(crate) only_there: bool,
}

/// What becomes of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    /// It was not there.
    Added,
    /// It takes the place of one with its name.
    Replaced,
    /// It is gone.
    Deleted,
}

/// A cluster before and after.
#[derive(Debug)]
pub(crate) struct Changed {
    /// As it is.
    pub(crate) old: Input,
    /// As it would be.
    pub(crate) new: Input,
    /// What becomes of which object, in order.
    pub(crate) fates: BTreeMap<ObjectKey, Fate>,
}

/// Reads a cluster and what is to be done to it.
///
/// # Errors
///
/// Something is to be deleted that is not there, or standard input is to be two things.
pub(crate) fn read_changed(
    cluster: Documents,
    changes: &Changes<'_>,
    inputs: &Inputs,
) -> Result<Changed, CliError> {
    let limits = Limits::default();
    let (files, names): (Vec<&String>, Vec<&String>) =
        changes.delete.iter().partition(|word| Path::new(word.as_str()).exists());
    let files: Vec<PathBuf> = files.into_iter().map(PathBuf::from).collect();
    let others = changes.apply.iter().chain(&files).map(PathBuf::as_path);
    let others: Vec<&Path> = cluster.stdin().into_iter().chain(others).collect();
    let mut all = Input::begin(Sources::default(), &others, inputs)?;
    let cluster = all.add_documents(cluster, &limits, &mut BTreeMap::new(), inputs);
    let apply = all.add_files(expand::expand(changes.apply), &limits, &mut BTreeMap::new());
    let gone = all.add_files(expand::expand(&files), &limits, &mut BTreeMap::new());
    let loaded = all.load_each(&limits);
    let files_of = |given: &[Given]| -> Vec<FileId> {
        given.iter().flat_map(|given| given.files.iter().copied()).collect()
    };
    let mut old = all.with_files(&files_of(&cluster), &loaded);
    old.report_empty(&cluster);
    let mut applied = all.with_files(&files_of(&apply), &loaded);
    let mut deleted = all.with_files(&files_of(&gone), &loaded);
    applied.insist(&apply)?;
    deleted.insist(&gone)?;
    let mut gone = std::mem::take(&mut deleted.resources);
    changes.put_in_place(&mut applied.resources)?;
    changes.put_in_place(&mut gone)?;
    let mut delete: Vec<ObjectKey> = gone.iter().map(ObjectKey::of).collect();
    for name in names {
        delete.push(find(name, &old.resources, changes.namespace.as_deref())?);
    }
    let fates = fates(&old.resources, &applied.resources, &delete)?;
    let new = old.after(applied, &fates);
    Ok(Changed { old, new, fates })
}

impl Changes<'_> {
    /// Puts what names no namespace where it belongs.
    fn put_in_place(&self, resources: &mut [Resource]) -> Result<(), CliError> {
        let Some(namespace) = &self.namespace else { return Ok(()) };
        for resource in resources {
            let written = &resource.place.document.namespace;
            let elsewhere = written.as_ref().is_some_and(|written| written != namespace);
            if self.only_there && elsewhere && resource.object.meta().namespace.is_some() {
                return Err(CliError::Asked {
                    message: format!(
                        "`{}` is not in the namespace `{namespace}` that `-n` says",
                        shown(&ObjectKey::of(resource))
                    ),
                    help: "leave out `-n`, or the object's `metadata.namespace`".to_owned(),
                });
            }
            resource.put_into(namespace);
        }
        Ok(())
    }
}

/// What becomes of each object that is named.
fn fates(
    cluster: &[Resource],
    applied: &[Resource],
    delete: &[ObjectKey],
) -> Result<BTreeMap<ObjectKey, Fate>, CliError> {
    let there: BTreeSet<ObjectKey> = cluster.iter().map(ObjectKey::of).collect();
    let mut fates = BTreeMap::new();
    for key in delete {
        if !there.contains(key) {
            return Err(absent(&shown(key)));
        }
        fates.insert(key.clone(), Fate::Deleted);
    }
    for key in applied.iter().map(ObjectKey::of) {
        let fate = if there.contains(&key) { Fate::Replaced } else { Fate::Added };
        fates.insert(key, fate);
    }
    Ok(fates)
}

impl Input {
    /// Refuses paths without any manifest, as kubectl does: a change of nothing is none that somebody meant.
    fn insist(&self, given: &[Given]) -> Result<(), CliError> {
        let holding = self.holding();
        let is_empty = |one: &&Given| !one.failed && !one.files.iter().any(|file| holding.contains(file));
        match given.iter().find(is_empty) {
            None => Ok(()),
            Some(one) => Err(CliError::Asked {
                message: format!("there is no manifest in `{}`", one.name),
                help: "name a file or folder with the objects that change".to_owned(),
            }),
        }
    }

    /// The same after some objects came and went.
    fn after(&self, applied: Input, fates: &BTreeMap<ObjectKey, Fate>) -> Input {
        let stays = |resource: &&Resource| !fates.contains_key(&ObjectKey::of(resource));
        let mut resources: Vec<Resource> = self.resources.iter().filter(stays).cloned().collect();
        resources.extend(applied.resources);
        let mut diagnostics = self.diagnostics.clone();
        diagnostics.extend(applied.diagnostics.into_iter().filter(|new| !self.diagnostics.contains(new)));
        let manifests = self.manifests.iter().chain(&applied.manifests).copied().collect();
        Input { manifests, resources, diagnostics, ..self.with_findings_of_options() }
    }

    /// The same texts and options, without objects.
    fn with_findings_of_options(&self) -> Input {
        Input {
            sources: self.sources.clone(),
            options: self.options.clone(),
            extras: self.extras.clone(),
            ..Input::default()
        }
    }
}

/// Short names of kinds, as kubectl has them.
const SHORT: [(&str, &str); 13] = [
    ("cnp", "CiliumNetworkPolicy"),
    ("ciliumnp", "CiliumNetworkPolicy"),
    ("ccnp", "CiliumClusterwideNetworkPolicy"),
    ("netpol", "NetworkPolicy"),
    ("ccg", "CiliumCIDRGroup"),
    ("po", "Pod"),
    ("ns", "Namespace"),
    ("svc", "Service"),
    ("no", "Node"),
    ("deploy", "Deployment"),
    ("sts", "StatefulSet"),
    ("ds", "DaemonSet"),
    ("cj", "CronJob"),
];

/// The object that `KIND/NAME` or `KIND/NAMESPACE/NAME` means.
fn find(word: &str, cluster: &[Resource], here: Option<&str>) -> Result<ObjectKey, CliError> {
    let parts: Vec<&str> = word.split('/').collect();
    let (kind, namespace, name) = match parts.as_slice() {
        [kind, name] => (*kind, None, *name),
        [kind, namespace, name] => (*kind, Some(*namespace), *name),
        _ => return Err(absent(word)),
    };
    let known = SHORT.iter().find(|(short, _)| short.eq_ignore_ascii_case(kind));
    let kind = known.map_or(kind, |(_, long)| *long);
    let is_kind = |key: &ObjectKey| {
        key.kind.eq_ignore_ascii_case(kind)
            || kind.strip_suffix('s').is_some_and(|one| key.kind.eq_ignore_ascii_case(one))
    };
    let keys: Vec<ObjectKey> = cluster.iter().map(ObjectKey::of).filter(is_kind).collect();
    let is_meant = |key: &&ObjectKey| {
        let default = namespace.or(key.namespace.as_ref().map(|_| here.unwrap_or("default")));
        &*key.name == name && key.namespace.as_deref() == default
    };
    keys.iter().find(is_meant).cloned().ok_or_else(|| {
        let all: Vec<String> = keys.iter().map(shown).collect();
        match did_you_mean(&format!("{kind}/{}", parts[1..].join("/")), all.iter().map(String::as_str)) {
            Some(close) => CliError::Asked {
                message: format!("there is no `{word}` to delete"),
                help: format!("did you mean `{close}`?"),
            },
            None => absent(word),
        }
    })
}

/// `CiliumNetworkPolicy/shop/cart`.
pub(crate) fn shown(key: &ObjectKey) -> String {
    match &key.namespace {
        Some(namespace) => format!("{}/{namespace}/{}", key.kind, key.name),
        None => format!("{}/{}", key.kind, key.name),
    }
}

fn absent(word: &str) -> CliError {
    CliError::Asked {
        message: format!("there is no `{word}` to delete"),
        help: "name a file, KIND/NAME or KIND/NAMESPACE/NAME that the cluster has".to_owned(),
    }
}
