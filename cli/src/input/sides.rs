//! Two inputs that are compared: folders, files, patterns, or revisions of the repository around the current folder.
//!
//! What is a path and what a revision is decided by what is there: a path that exists is a path, and anything else is
//! asked of git. `--git` asks git first.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sluice_compiler::diagnostic::Diagnostic;
use sluice_compiler::options::{Enforcement, Options};
use sluice_compiler::resource::{Object, Resource};
use sluice_compiler::source::{FileId, Limits, Sources};
use sluice_compiler::{Loaded, together};

use super::expand::{self, Argument, Entry, Origin};
use super::git::{self, GitError, Listed, Repository};
use super::{Given, Input, read};
use crate::error::CliError;
use crate::options::Inputs;

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// A path.
    Path(PathBuf),
    /// A revision, or some paths in it.
    Revision {
        /// As it was asked for.
        name: String,
        /// The commit that it means.
        commit: String,
        /// Which of its files.
        within: Within,
    },
    /// The files that git tracks or would track, as they are now.
    WorkingTree(Within),
}

/// Which files of a repository: paths from its root, or all below the current folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Within {
    paths: Vec<String>,
    /// Whether each of them has to be there, as somebody named it for this side alone.
    required: bool,
}

/// What was typed to say what is compared.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked<'a> {
    /// The first word.
    pub(crate) old: &'a str,
    /// The second word.
    pub(crate) new: Option<&'a str>,
    /// Whether words are revisions first.
    pub(crate) git: bool,
    /// Which paths of revisions.
    pub(crate) within: &'a [PathBuf],
}

impl Side {
    /// What people call it.
    pub(crate) fn label(&self) -> String {
        match self {
            Side::Path(path) => expand::display(path),
            Side::WorkingTree(_) => "the working tree".to_owned(),
            Side::Revision { name, commit, .. } => {
                let short = commit.get(..SHORT).unwrap_or(commit);
                if commit.starts_with(name.as_str()) { short.to_owned() } else { format!("{name} ({short})") }
            }
        }
    }
}

/// So many characters of a commit are shown.
const SHORT: usize = 9;

impl Asked<'_> {
    /// Both sides.
    ///
    /// # Errors
    ///
    /// Words that mean nothing, or that do not make sense together.
    pub(crate) fn sides(&self) -> Result<(Side, Side), CliError> {
        let sides = match self.new {
            Some(new) => (self.side(self.old)?, self.side(new)?),
            None if self.is_path(self.old) => {
                let message = format!("`{}` is a path, so NEW is needed: `sluice diff OLD NEW`", self.old);
                return Err(CliError::Usage(message));
            }
            None => self.range()?,
        };
        if !self.within.is_empty() && matches!(sides, (Side::Path(_), Side::Path(_))) {
            return Err(CliError::Usage("`--path` is for revisions, and both sides are paths".to_owned()));
        }
        Ok(sides)
    }

    fn is_path(&self, word: &str) -> bool {
        !self.git && git::is_path(word)
    }

    /// `A...B`, `A..B`, or one revision, which is compared with the working tree.
    fn range(&self) -> Result<(Side, Side), CliError> {
        let repository = Repository::here(self.old)?;
        let or_head = |name: &str| if name.is_empty() { "HEAD".to_owned() } else { name.to_owned() };
        let ends = self.old.split_once("...").map(|ends| (ends, true));
        let ends = ends.or_else(|| self.old.split_once("..").map(|ends| (ends, false)));
        let Some(((old, new), from_base)) = ends else {
            let old = self.revision(&repository, self.old)?.ok_or_else(|| unknown(self.old))?;
            let paths = match &old {
                Side::Revision { within, .. } => within.paths.clone(),
                _ => Vec::new(),
            };
            return Ok((old, Side::WorkingTree(Within { paths, required: false })));
        };
        let (old, new) = (or_head(old), or_head(new));
        let commit = |name: &str| repository.commit(name)?.ok_or_else(|| unknown(name));
        let (before, after) = (commit(&old)?, commit(&new)?);
        let within = self.within(&repository)?;
        let (name, commit) = match from_base {
            true => {
                let base = repository.merge_base((&old, &before), (&new, &after))?;
                (base.clone(), base)
            }
            false => (old, before),
        };
        let old = Side::Revision { name, commit, within: within.clone() };
        Ok((old, Side::Revision { name: new, commit: after, within }))
    }

    fn side(&self, word: &str) -> Result<Side, CliError> {
        if self.is_path(word) {
            return Ok(Side::Path(word.into()));
        }
        let pattern = expand::is_pattern(word);
        let found = match Repository::here(word) {
            Ok(repository) => self.revision(&repository, word)?,
            Err(_) if pattern => None,
            Err(error) => return Err(error.into()),
        };
        match found {
            Some(side) => Ok(side),
            None if pattern && !self.git => Ok(Side::Path(word.into())),
            None => Err(unknown(word)),
        }
    }

    /// `REV` or `REV:PATH`; none if git knows no such revision.
    fn revision(&self, repository: &Repository, word: &str) -> Result<Option<Side>, CliError> {
        let (name, path) = match word.split_once(':') {
            Some((name, path)) => (name, Some(path)),
            None => (word, None),
        };
        let Some(commit) = repository.commit(name)? else { return Ok(None) };
        let within = match path {
            Some(path) => {
                let path = repository.rooted(path, true).ok_or_else(|| outside(path))?;
                Within { paths: vec![path], required: true }
            }
            None => self.within(repository)?,
        };
        Ok(Some(Side::Revision { name: name.to_owned(), commit, within }))
    }

    fn within(&self, repository: &Repository) -> Result<Within, CliError> {
        let here = [PathBuf::from(".")];
        let paths = if self.within.is_empty() { &here } else { self.within };
        let rooted = |path: &PathBuf| {
            let text = path.to_string_lossy();
            repository.rooted(&text, false).ok_or_else(|| outside(&text))
        };
        Ok(Within { paths: paths.iter().map(rooted).collect::<Result<_, _>>()?, required: false })
    }
}

fn unknown(name: &str) -> CliError {
    GitError::Unknown { name: name.to_owned() }.into()
}

fn outside(path: &str) -> CliError {
    CliError::Usage(format!("`{path}` is outside of the repository"))
}

/// Reads both sides, and what they share: a file that is the same on both is read once.
///
/// # Errors
///
/// Git cannot say what is in a revision, or standard input is to be two things.
pub(crate) fn read_sides(
    (old, new): (&Side, &Side),
    base: &[PathBuf],
    inputs: &Inputs,
) -> Result<(Input, Input), CliError> {
    let limits = Limits::default();
    let paths = [old, new].into_iter().filter_map(|side| match side {
        Side::Path(path) => Some(path.as_path()),
        _ => None,
    });
    let stdin: Vec<&Path> = paths.chain(base.iter().map(PathBuf::as_path)).collect();
    let mut all = Input::begin(Sources::default(), &stdin, inputs)?;
    let mut known = BTreeMap::new();
    let base = all.add_files(expand::expand(base), &limits, &mut known);
    let after = all.add_files(files(new, "")?, &limits, &mut known);
    let prefix = match old {
        Side::Revision { name, commit, .. } if commit == name => {
            format!("{}:", &commit[..SHORT.min(commit.len())])
        }
        Side::Revision { name, .. } => format!("{name}:"),
        _ => String::new(),
    };
    let before = all.add_files(files(old, &prefix)?, &limits, &mut known);
    if [&before, &after].iter().all(|side| side.iter().all(|given| given.files.is_empty() && !given.failed)) {
        all.report_empty(&after);
    }
    let loaded = all.load_each(&limits);
    let files_of = |side: &[Given]| -> Vec<FileId> {
        base.iter().chain(side).flat_map(|given| given.files.iter().copied()).collect()
    };
    let old = all.with_files(&files_of(&before), &loaded);
    let new = all.with_files(&files_of(&after), &loaded);
    Ok((old, new))
}

/// The files of a side. Those of a revision are named as git names them, `prefix` and the path from the root; those of
/// the new side by their path from the current folder, where they are or will be.
fn files(side: &Side, prefix: &str) -> Result<(Vec<Argument>, Vec<Entry>), CliError> {
    match side {
        Side::Path(path) => Ok(expand::expand(std::slice::from_ref(path))),
        Side::Revision { name, commit, within } => {
            let repository = Repository::here(name)?;
            let chosen = chosen(repository.files(commit)?, within, name)?;
            let blobs: Vec<&str> = chosen
                .iter()
                .filter_map(|(file, _)| file.blob.as_ref())
                .map(|(_, blob)| blob.as_str())
                .collect();
            let contents = git::contents(&blobs)?;
            let entries = chosen.iter().zip(contents).map(|((file, found), content)| {
                let here = repository.seen_from_here(&file.path);
                let name = if prefix.is_empty() { here.clone() } else { format!("{prefix}{}", file.path) };
                let missing =
                    || Origin::Fault(read::Fault::Unreadable("this clone does not have it".to_owned()));
                Entry { name, path: here, origin: content.map_or_else(missing, Origin::Read), found: *found }
            });
            Ok(one_argument(name, entries.collect()))
        }
        Side::WorkingTree(within) => {
            let repository = Repository::here("the working tree")?;
            let chosen = chosen(repository.working_files()?, within, "the working tree")?;
            let entries = chosen.into_iter().filter_map(|(file, found)| {
                let path = repository.seen_from_here(&file.path);
                // A file that is tracked and was deleted is not there, and a link is none of its files.
                let here = Path::new(&path).symlink_metadata().is_ok_and(|metadata| metadata.is_file());
                here.then(|| Entry {
                    name: path.clone(),
                    origin: Origin::File(path.clone().into()),
                    path,
                    found,
                })
            });
            Ok(one_argument("the working tree", entries.collect()))
        }
    }
}

fn one_argument(name: &str, entries: Vec<Entry>) -> (Vec<Argument>, Vec<Entry>) {
    let argument =
        Argument { name: name.to_owned(), kind: expand::Kind::Folder, entries: (0..entries.len()).collect() };
    (vec![argument], entries)
}

/// The manifests among some files, in order, each with whether nobody named it.
fn chosen(files: Vec<Listed>, within: &Within, revision: &str) -> Result<Vec<(Listed, bool)>, CliError> {
    let mut chosen: BTreeMap<String, (Listed, bool)> = BTreeMap::new();
    for path in &within.paths {
        let mut there = false;
        for file in &files {
            let Some(found) = expand::leads_to(path, &file.path) else { continue };
            there = true;
            let entry = chosen.entry(file.path.clone()).or_insert_with(|| (file.clone(), found));
            entry.1 &= found;
        }
        if !there && within.required {
            let (revision, path) = (revision.to_owned(), path.clone());
            return Err(GitError::NoPath { revision, path }.into());
        }
    }
    Ok(chosen.into_values().collect())
}

impl Input {
    /// The same options and texts with some of the files.
    pub(super) fn with_files(&self, files: &[FileId], loaded: &BTreeMap<FileId, Loaded>) -> Input {
        let loaded = together(&self.sources, files.iter().filter_map(|file| loaded.get(file)).cloned());
        let mut diagnostics = self.diagnostics.clone();
        diagnostics.extend(loaded.diagnostics);
        Input {
            sources: self.sources.clone(),
            manifests: files.to_vec(),
            resources: loaded.resources,
            diagnostics,
            options: self.options.clone(),
            extras: self.extras.clone(),
            ..Input::default()
        }
    }

    /// The same cluster, with everything that its policies could be about and none of them, where nothing is allowed:
    /// what differs from it is what is allowed.
    pub(crate) fn where_nothing_is_allowed(&self) -> Input {
        let is_policy = |resource: &&Resource| {
            matches!(*resource.object, Object::CiliumPolicy(_) | Object::NetworkPolicy(_))
        };
        let resources = self.resources.iter().filter(|resource| !is_policy(resource)).cloned().collect();
        let options = Options { enforcement: Enforcement::Always, ..self.options.clone() };
        Input {
            sources: self.sources.clone(),
            resources,
            options,
            extras: self.extras.clone(),
            ..Input::default()
        }
    }

    /// The texts alone and some findings about them, to be told.
    pub(crate) fn with(&self, diagnostics: Vec<Diagnostic>) -> Input {
        Input {
            sources: self.sources.clone(),
            manifests: self.manifests.clone(),
            diagnostics,
            ..Input::default()
        }
    }
}
