//! The files of a git revision, as `git` itself has them. Nothing in the repository or its working tree is changed.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::error::CliError;

/// What can go wrong with git.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GitError {
    /// There is no program of this name.
    #[error(
        "`git` is needed to read `{0}`, and it is not installed\n  help: install git, or name two folders"
    )]
    Absent(String),
    /// Here is no repository.
    #[error("`{0}` is no file or folder, and this folder is in no git repository\n  help: check the path")]
    NoRepository(String),
    /// The repository has no such revision.
    #[error("there is no file, folder or git revision `{name}`{}", hint(name))]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// Two revisions without a common one.
    #[error(
        "`{0}` and `{1}` have no common ancestor\n  help: in a shallow clone, fetch more of the history: `git fetch --unshallow`"
    )]
    NoBase(String, String),
    /// The revision has no such path.
    #[error(
        "there is no `{path}` in the revision `{revision}`\n  help: `git ls-tree -r --name-only {revision}` lists what there is"
    )]
    NoPath {
        /// The revision.
        revision: String,
        /// The path.
        path: String,
    },
    /// Git gave up.
    #[error("`git {command}` failed: {message}")]
    Failed {
        /// The subcommand.
        command: String,
        /// What it said.
        message: String,
    },
}

fn hint(name: &str) -> String {
    match name.contains('/') || name.contains('.') {
        true => "\n  help: check the path; a branch of another repository is `origin/NAME` after `git fetch`"
            .to_owned(),
        false => "\n  help: `git branch --all` lists branches; in a shallow clone, fetch it first".to_owned(),
    }
}

/// A file of a revision or of the working tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// Its path from the root of the repository.
    pub(super) path: String,
    /// Its size in bytes, and the name of its content; none in the working tree.
    pub(super) blob: Option<(u64, String)>,
}

/// A repository, seen from the folder in which the command runs.
#[derive(Debug)]
pub(super) struct Repository {
    /// The folder in which the command runs, from the root, with a `/` at its end; empty at the root.
    prefix: String,
}

impl Repository {
    /// The repository around the current folder. `wanted` is what it is needed for.
    pub(super) fn here(wanted: &str) -> Result<Repository, GitError> {
        let output = run(["rev-parse", "--is-inside-work-tree", "--show-prefix"], wanted)?;
        if !output.status.success() {
            return Err(GitError::NoRepository(wanted.to_owned()));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(Repository { prefix: text.lines().nth(1).unwrap_or_default().to_owned() })
    }

    /// The commit that a name means; none if it means none.
    pub(super) fn commit(&self, name: &str) -> Result<Option<String>, GitError> {
        let object = format!("{name}^{{commit}}");
        let output = run(["rev-parse", "--verify", "--quiet", "--end-of-options", &object], name)?;
        let found = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok(output.status.success().then_some(found))
    }

    /// The best common ancestor of two commits.
    pub(super) fn merge_base(&self, a: (&str, &str), b: (&str, &str)) -> Result<String, GitError> {
        let output = run(["merge-base", a.1, b.1], a.0)?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
            false => Err(GitError::NoBase(a.0.to_owned(), b.0.to_owned())),
        }
    }

    /// The ordinary files of a commit.
    pub(super) fn files(&self, commit: &str) -> Result<Vec<Listed>, GitError> {
        let text = succeed(["ls-tree", "-r", "-z", "-l", "--full-tree", commit])?;
        Ok(text.split('\0').filter_map(listed).collect())
    }

    /// The files of the working tree below the current folder that git tracks or would track.
    pub(super) fn working_files(&self) -> Result<Vec<Listed>, GitError> {
        let text =
            succeed(["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"])?;
        let listed = |path: &str| Listed { path: format!("{}{path}", self.prefix), blob: None };
        Ok(text.split('\0').filter(|path| !path.is_empty()).map(listed).collect())
    }

    /// A path from the current folder, or with `rooted` from the root, as one from the root; none for one outside.
    pub(super) fn rooted(&self, path: &str, rooted: bool) -> Option<String> {
        let rooted = rooted && !path.starts_with("./") && !path.starts_with("../");
        let mut parts: Vec<&str> = match rooted {
            true => Vec::new(),
            false => self.prefix.split('/').filter(|part| !part.is_empty()).collect(),
        };
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop()?;
                }
                part => parts.push(part),
            }
        }
        Some(parts.join("/"))
    }

    /// A path from the root as one from the current folder.
    pub(super) fn seen_from_here(&self, path: &str) -> String {
        match path.strip_prefix(&self.prefix) {
            Some(below) => below.to_owned(),
            None => format!("{}{path}", "../".repeat(self.prefix.matches('/').count())),
        }
    }
}

/// `100644 blob 3f2a1c9... 120<tab>path`; links and the commits of other repositories are no files.
fn listed(line: &str) -> Option<Listed> {
    let (fields, path) = line.split_once('\t')?;
    let mut fields = fields.split_whitespace();
    let (mode, kind, object, size) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let ordinary = kind == "blob" && mode != "120000";
    let blob = (size.parse().ok()?, object.to_owned());
    ordinary.then(|| Listed { path: path.to_owned(), blob: Some(blob) })
}

/// The contents of some blobs, in order; none for one that this clone does not have.
pub(super) fn contents(blobs: &[&str]) -> Result<Vec<Option<Vec<u8>>>, GitError> {
    if blobs.is_empty() {
        return Ok(Vec::new());
    }
    let failed =
        |error: io::Error| GitError::Failed { command: "cat-file".to_owned(), message: error.to_string() };
    let mut child = command(["cat-file", "--batch"]).stdin(Stdio::piped()).spawn().map_err(failed)?;
    let names: String = blobs.iter().map(|blob| format!("{blob}\n")).collect();
    let output = std::thread::scope(|scope| {
        // It answers while it is being asked, so both have to go on at once.
        if let Some(mut stdin) = child.stdin.take() {
            scope.spawn(move || stdin.write_all(names.as_bytes()));
        }
        child.wait_with_output()
    });
    let output = output.map_err(failed)?;
    let mut rest = output.stdout.as_slice();
    Ok(blobs.iter().map(|_| next_content(&mut rest)).collect())
}

/// `OBJECT blob SIZE`, the content, and a line break; or `OBJECT missing`.
fn next_content(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let (header, after) = (String::from_utf8_lossy(&rest[..end]).into_owned(), &rest[end + 1..]);
    *rest = after;
    let size: usize = header.split(' ').nth(2)?.parse().ok()?;
    let content = after.get(..size)?.to_vec();
    *rest = after.get(size + 1..).unwrap_or_default();
    Some(content)
}

fn command<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new("git");
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Nothing is written, asked or fetched.
    command.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_TERMINAL_PROMPT", "0").env("GIT_NO_LAZY_FETCH", "1");
    command.env("LC_ALL", "C");
    command
}

fn run<'a>(arguments: impl IntoIterator<Item = &'a str>, wanted: &str) -> Result<Output, GitError> {
    let arguments: Vec<&str> = arguments.into_iter().collect();
    command(&arguments).output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => GitError::Absent(wanted.to_owned()),
        _ => GitError::Failed { command: arguments.join(" "), message: error.to_string() },
    })
}

/// What a command prints that has to succeed.
fn succeed<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Result<String, GitError> {
    let arguments: Vec<&str> = arguments.into_iter().collect();
    let output = run(arguments.iter().copied(), "the repository")?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let message = String::from_utf8_lossy(&output.stderr);
    let message =
        message.lines().next().unwrap_or("it gave no reason").trim_start_matches("fatal: ").to_owned();
    Err(GitError::Failed { command: arguments.join(" "), message })
}

/// Whether something is there under this name.
pub(super) fn is_path(name: &str) -> bool {
    name == "-" || Path::new(name).exists()
}

impl From<GitError> for CliError {
    fn from(error: GitError) -> CliError {
        CliError::Git(error)
    }
}

#[cfg(test)]
mod tests {
    use super::{Repository, listed, next_content};

    #[test]
    fn paths_from_the_root_and_back() {
        let here = Repository { prefix: "deploy/prod/".to_owned() };
        for (path, rooted, root) in [
            ("policies", false, "deploy/prod/policies"),
            ("./policies/", false, "deploy/prod/policies"),
            ("../stage", false, "deploy/stage"),
            (".", false, "deploy/prod"),
            ("deploy/stage", true, "deploy/stage"),
            ("./a", true, "deploy/prod/a"),
            ("", true, ""),
        ] {
            assert_eq!(here.rooted(path, rooted).as_deref(), Some(root), "{path}");
        }
        assert_eq!(here.rooted("../../../x", false), None);
        assert_eq!(here.seen_from_here("deploy/prod/a/b.yaml"), "a/b.yaml");
        assert_eq!(here.seen_from_here("deploy/stage/b.yaml"), "../../deploy/stage/b.yaml");
        assert_eq!(Repository { prefix: String::new() }.seen_from_here("a.yaml"), "a.yaml");
    }

    #[test]
    fn links_and_other_repositories_are_no_files() {
        let file = listed("100644 blob 3f2a      12\ta b.yaml").unwrap();
        assert_eq!((file.path.as_str(), file.blob), ("a b.yaml", Some((12, "3f2a".to_owned()))));
        assert_eq!(listed("120000 blob 3f2a      12\tlink"), None);
        assert_eq!(listed("160000 commit 3f2a      -\tmodule"), None);
    }

    #[test]
    fn contents_may_hold_anything() {
        let mut rest: &[u8] = b"a1 blob 3\nx\n\0\nb2 missing\nc3 blob 0\n\n";
        assert_eq!(next_content(&mut rest).as_deref(), Some(&b"x\n\0"[..]));
        assert_eq!(next_content(&mut rest), None);
        assert_eq!(next_content(&mut rest).as_deref(), Some(&b""[..]));
        assert!(rest.is_empty());
    }
}
