//! From Kubernetes and Cilium YAML to verified network policy.
//!
//! The way of the data is the order of the modules: [`source`] turns text into trees, [`resource`]
//! turns trees into typed objects. Everything that is wrong on the way becomes a [`diagnostic`].
//! [`load`] runs these steps over many files.

pub mod check;
pub mod diagnostic;
pub mod options;
pub mod resource;
pub mod source;

use rayon::prelude::*;

use crate::diagnostic::Diagnostic;
use crate::options::Options;
use crate::resource::Resource;
use crate::source::{FileId, Limits, Sources};

/// What a set of files holds.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The objects that are valid by themselves, in the order of the files.
    pub resources: Vec<Resource>,
    /// Everything there is to say about the files, in the order of the files and of their lines.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads files into objects. What is wrong with one object never hides another.
pub fn load(sources: &Sources, files: &[FileId], options: &Options, limits: &Limits) -> Loaded {
    let read: Vec<Loaded> = files.par_iter().map(|file| load_file(sources, *file, options, limits)).collect();
    let mut all = Loaded::default();
    for one in read {
        all.resources.extend(one.resources);
        all.diagnostics.extend(one.diagnostics);
    }
    all
}

fn load_file(sources: &Sources, file: FileId, options: &Options, limits: &Limits) -> Loaded {
    let (documents, mut diagnostics) = source::parse(sources, file, limits);
    let read: Vec<_> = documents.par_iter().map(|document| resource::read(document, options)).collect();
    let mut resources = Vec::new();
    for (objects, findings) in read {
        resources.extend(objects);
        diagnostics.extend(findings);
    }
    diagnostics.sort_by_key(|diagnostic| diagnostic.span);
    Loaded { resources, diagnostics }
}
