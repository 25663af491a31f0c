//! The files of the repository, as the walls see them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fmt, fs, io};

/// One text file.
pub(crate) struct File {
    /// Relative to the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    /// The part of the file name behind its last dot, or nothing.
    pub(crate) fn extension(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.rsplit_once('.').map_or("", |(_, extension)| extension)
    }

    /// Whether the file lies in the folder.
    pub(crate) fn is_in(&self, folder: &str) -> bool {
        self.path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    }

    /// Whether the file belongs to a module of a crate: `module.rs` or anything in `module/`.
    pub(crate) fn is_in_module(&self, module: &str) -> bool {
        self.is_in(module) || self.path.strip_suffix(".rs") == Some(module)
    }

    /// Whether the file holds tests only: `tests.rs`, or anything in a folder `tests` or `benches`.
    pub(crate) fn is_test(&self) -> bool {
        self.path.split('/').any(|part| matches!(part, "tests" | "benches" | "tests.rs"))
    }

    /// Whether the file is test input or expected output, which is what it has to be and not tidy.
    pub(crate) fn is_data(&self) -> bool {
        ["testdata", "golden", "fuzz/seeds", "fuzz/regressions"].iter().any(|folder| self.is_in(folder))
            || self.extension() == "snap"
    }

    /// Whether a program wrote the file.
    pub(crate) fn is_generated(&self) -> bool {
        self.path.split('/').any(|part| part == "generated")
            || self.text.lines().take(3).any(|line| line.contains(crate::generate::MARK))
    }

    /// The lines with their numbers, which start at 1.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.split('\n').enumerate().map(|(index, line)| (index + 1, line))
    }

    /// A finding in this file.
    pub(crate) fn finding(&self, line: usize, rule: &'static str, message: impl Into<String>) -> Finding {
        Finding { path: self.path.clone(), line, rule, message: message.into() }
    }
}

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) rule: &'static str,
    pub(crate) message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.path, self.line, self.rule, self.message)
    }
}

/// The repository.
pub(crate) struct Tree {
    pub(crate) root: PathBuf,
    /// Text files, in the order of their paths.
    pub(crate) files: Vec<File>,
    /// The paths of all files, text or not, and of their folders.
    pub(crate) paths: BTreeSet<String>,
}

impl Tree {
    /// Reads every file that is tracked or could be; an archive without git is read whole.
    pub(crate) fn read(root: &Path) -> io::Result<Tree> {
        let mut names = match tracked(root) {
            Some(names) => names,
            None => {
                let mut names = Vec::new();
                walk(root, "", &mut names)?;
                names
            }
        };
        names.sort();
        names.dedup();
        let mut tree = Tree { root: root.to_owned(), files: Vec::new(), paths: BTreeSet::new() };
        for name in names {
            let path = root.join(&name);
            // A tracked file may be deleted or replaced by a link in the working tree.
            if !fs::symlink_metadata(&path).is_ok_and(|data| data.is_file()) {
                continue;
            }
            tree.add(name, String::from_utf8(fs::read(&path)?).ok());
        }
        Ok(tree)
    }

    /// Adds a file; `None` is one that is not text.
    fn add(&mut self, path: String, text: Option<String>) {
        for (at, _) in path.match_indices('/') {
            self.paths.insert(path[..at].to_owned());
        }
        self.paths.insert(path.clone());
        if let Some(text) = text {
            self.files.push(File { path, text });
        }
    }

    /// The Rust sources.
    pub(crate) fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.extension() == "rs")
    }

    /// The file with this path.
    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// A repository of the given paths and texts.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Tree {
        let mut tree = Tree { root: PathBuf::new(), files: Vec::new(), paths: BTreeSet::new() };
        for (path, text) in files {
            tree.add((*path).to_owned(), Some((*text).to_owned()));
        }
        tree
    }
}

/// What git knows or would add; `None` outside a checkout.
fn tracked(root: &Path) -> Option<Vec<String>> {
    let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let output = Command::new("git").arg("-C").arg(root).args(arguments).output().ok()?;
    if !output.status.success() {
        return None;
    }
    let names = String::from_utf8(output.stdout).ok()?;
    Some(names.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

/// Every file below a folder except what builds leave behind.
fn walk(root: &Path, folder: &str, names: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        let kind = entry.file_type()?;
        if kind.is_dir() {
            let leftover = matches!(name.as_str(), "target" | ".git")
                || matches!(path.as_str(), "fuzz/corpus" | "fuzz/artifacts" | "fuzz/coverage");
            if !leftover {
                walk(root, &path, names)?;
            }
        } else if kind.is_file() {
            names.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{File, Tree};

    #[test]
    fn a_module_is_its_file_or_its_folder() {
        let file = |path: &str| File { path: path.to_owned(), text: String::new() };
        assert!(file("a/src/watch.rs").is_in_module("a/src/watch"));
        assert!(file("a/src/watch/pods.rs").is_in_module("a/src/watch"));
        assert!(!file("a/src/watcher.rs").is_in_module("a/src/watch"));
    }

    #[test]
    fn folders_are_paths_too() {
        let tree = Tree::of(&[("docs/a/b.md", "")]);
        assert!(tree.paths.contains("docs") && tree.paths.contains("docs/a"));
    }

    #[test]
    fn the_archive_and_the_checkout_hold_this_file() {
        let tree = Tree::read(crate::root()).unwrap();
        assert!(tree.file("xtask/src/tree.rs").is_some());
        let mut names = Vec::new();
        super::walk(crate::root(), "", &mut names).unwrap();
        assert!(names.iter().any(|name| name == "xtask/src/tree.rs"));
        assert!(!names.iter().any(|name| name.starts_with("target/")));
    }
}
