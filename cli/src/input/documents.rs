//! Manifests, wherever they come from, and what they hold.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sluice_compiler::options::{Accept, Options};
use sluice_compiler::source::{FileId, Limits};
use sluice_compiler::{Loaded, load, load_each, together};
use sluice_loader::watch::Cluster;

use super::expand::{self, Argument, Entry};
use super::{Given, Input, Known, cluster};
use crate::options::Inputs;

/// Manifests, wherever they come from.
#[derive(Debug)]
pub(crate) enum Documents {
    /// From paths.
    Files(Files),
    /// From a live cluster.
    Cluster(Box<Cluster>),
}

/// The files that paths lead to.
#[derive(Debug)]
pub(crate) struct Files {
    arguments: Vec<Argument>,
    entries: Vec<Entry>,
}

impl Documents {
    /// Those of files, folders, patterns, or standard input.
    pub(crate) fn of_paths(paths: &[PathBuf]) -> Documents {
        let (arguments, entries) = expand::expand(paths);
        Documents::Files(Files { arguments, entries })
    }

    /// What people call all of it.
    pub(crate) fn label(&self) -> String {
        match self {
            Documents::Files(..) => "the cluster".to_owned(),
            Documents::Cluster(cluster) => format!("cluster {}", cluster.name),
        }
    }

    /// The namespace that a live cluster is looked at from.
    pub(crate) fn namespace(&self) -> Option<&str> {
        match self {
            Documents::Files(..) => None,
            Documents::Cluster(cluster) => Some(&cluster.namespace),
        }
    }

    /// Standard input, if it is among them. However often it was named, it is read once.
    pub(super) fn stdin(&self) -> Option<&'static Path> {
        let Documents::Files(files) = self else { return None };
        files.entries.iter().any(|entry| entry.name == "-").then(|| Path::new("-"))
    }
}

impl Input {
    /// Adds manifests.
    pub(super) fn add_documents(
        &mut self,
        documents: Documents,
        limits: &Limits,
        known: &mut Known,
        inputs: &Inputs,
    ) -> Vec<Given> {
        match documents {
            Documents::Files(files) => self.add_files((files.arguments, files.entries), limits, known),
            Documents::Cluster(cluster) => vec![self.add_cluster(*cluster, limits, inputs)],
        }
    }

    /// Reads every manifest; of objects with one name the last one counts.
    pub(super) fn load_all(&self, limits: &Limits) -> Loaded {
        let _progress = self.progress();
        if self.stored.is_empty() {
            return load(&self.sources, &self.manifests, &self.options, limits);
        }
        let mut loaded = self.load_each(limits);
        together(&self.sources, self.manifests.iter().filter_map(|file| loaded.remove(file)))
    }

    /// Reads every manifest by itself. What a cluster holds has been accepted, so that it means what agents make of it.
    pub(super) fn load_each(&self, limits: &Limits) -> BTreeMap<FileId, Loaded> {
        let _progress = self.progress();
        let (stored, given): (Vec<FileId>, Vec<FileId>) =
            self.manifests.iter().partition(|file| self.stored.contains_key(file));
        let loaded = load_each(&self.sources, &given, &self.options, limits);
        let mut all: BTreeMap<FileId, Loaded> = given.into_iter().zip(loaded).collect();
        let options = Options { accept: Accept::Agent, ..self.options.clone() };
        let loaded = load_each(&self.sources, &stored, &options, limits);
        let kept = |(file, loaded)| {
            let is_policy = self.stored.get(&file).copied().unwrap_or_default();
            (file, cluster::without_invalid(loaded, self.sources.file(file).name(), is_policy))
        };
        all.extend(stored.into_iter().zip(loaded).map(kept));
        all
    }
}
