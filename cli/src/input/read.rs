//! Reading files, several at once.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use rayon::prelude::*;
use sluice_compiler::diagnostic::{Code, did_you_mean};
use sluice_compiler::source::Limits;

use super::expand::{Entry, Origin};

/// Why a file was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// There is none; perhaps this one was meant.
    Missing(Option<String>),
    /// It is a link, and there is nothing where it leads.
    DanglingLink,
    /// It may not be read, or reading failed.
    Unreadable(String),
    /// It has more bytes than this.
    TooLarge(usize),
}

impl Fault {
    /// The code to report it under.
    pub(super) fn code(&self) -> Code {
        match self {
            Fault::Missing(_) | Fault::DanglingLink | Fault::Unreadable(_) => Code::UnreadableFile,
            Fault::TooLarge(_) => Code::FileTooLarge,
        }
    }

    /// What is wrong with the file of this name.
    pub(super) fn message(&self, name: &str) -> String {
        match self {
            Fault::Missing(_) => format!("there is no file or folder `{name}`"),
            Fault::DanglingLink => format!("`{name}` is a link that leads nowhere"),
            Fault::Unreadable(why) => format!("`{name}` cannot be read: {why}"),
            Fault::TooLarge(limit) => format!("`{name}` has more than {limit} bytes"),
        }
    }

    /// What to do about it.
    pub(super) fn help(&self, name: &str) -> String {
        match self {
            Fault::Missing(Some(close)) => format!("did you mean `{close}`?"),
            Fault::Missing(None) if Path::new(name).is_relative() => {
                "paths count from the folder in which the command runs".to_owned()
            }
            Fault::Missing(None) => "check the path".to_owned(),
            Fault::DanglingLink => "remove the link, or restore the file that it leads to".to_owned(),
            Fault::Unreadable(_) => {
                "nothing in it was checked: let this user read it, or leave it out".to_owned()
            }
            Fault::TooLarge(_) => "split it into several files".to_owned(),
        }
    }

    /// The fault behind an error of the system.
    pub(super) fn of(path: &Path, error: &io::Error) -> Fault {
        match error.kind() {
            ErrorKind::NotFound if path.is_symlink() => Fault::DanglingLink,
            ErrorKind::NotFound => Fault::Missing(sibling(path)),
            ErrorKind::PermissionDenied => Fault::Unreadable("permission denied".to_owned()),
            ErrorKind::IsADirectory => Fault::Unreadable("it is a folder".to_owned()),
            // The system's own words end in its number of the error, which says nothing to a reader.
            _ => {
                let text = error.to_string();
                let words = text.split(" (os error").next().unwrap_or_default();
                Fault::Unreadable(words.to_lowercase())
            }
        }
    }
}

/// The bytes of every entry, in their order, whichever is read first.
pub(super) fn all(entries: &[Entry], limits: &Limits) -> Vec<Result<Vec<u8>, Fault>> {
    let read = |entry: &Entry| match &entry.origin {
        Origin::Stdin => bounded(io::stdin().lock(), Path::new("-"), limits),
        Origin::File(path) => file(path, limits),
        Origin::Read(bytes) if bytes.len() > limits.bytes => Err(Fault::TooLarge(limits.bytes)),
        Origin::Read(bytes) => Ok(bytes.clone()),
        Origin::Fault(fault) => Err(fault.clone()),
    };
    entries.par_iter().map(read).collect()
}

/// The bytes of a file, `-` being standard input.
pub(super) fn file(path: &Path, limits: &Limits) -> Result<Vec<u8>, Fault> {
    if path.as_os_str() == "-" {
        return bounded(io::stdin().lock(), path, limits);
    }
    let file = File::open(path).map_err(|error| Fault::of(path, &error))?;
    bounded(file, path, limits)
}

/// Reads to the end, or to one byte past the limit: a pipe or a device has no size to ask for.
fn bounded(from: impl Read, path: &Path, limits: &Limits) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    let most = limits.bytes as u64;
    from.take(most + 1).read_to_end(&mut bytes).map_err(|error| Fault::of(path, &error))?;
    if bytes.len() as u64 > most { Err(Fault::TooLarge(limits.bytes)) } else { Ok(bytes) }
}

/// A file or folder beside a missing one whose name is close to it.
fn sibling(path: &Path) -> Option<String> {
    let typed = path.file_name()?.to_str()?;
    let parent = path.parent()?;
    let folder = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        // A link that leads nowhere has the name that was typed.
        .filter(|name| name != typed)
        .collect();
    names.sort();
    let close = did_you_mean(typed, names.iter().map(String::as_str))?;
    Some(super::expand::display(&parent.join(close)))
}
