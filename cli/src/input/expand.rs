//! From paths as typed to the files they mean.
//!
//! A folder means the manifests in it and below; a pattern (`policies/**/*.yaml`) the files that match.
//! Whatever begins with a dot is passed over in both. A file that several paths lead to is read once.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

use super::read::Fault;

/// How manifests end.
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];

/// What an argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    Glob,
    Stdin,
    /// A live cluster, which no path leads to.
    Cluster,
}

/// A path as typed, with the indices of its entries.
#[derive(Debug)]
pub(super) struct Argument {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) entries: Vec<usize>,
}

/// Where an entry's bytes come from.
#[derive(Debug)]
pub(super) enum Origin {
    File(PathBuf),
    Stdin,
    /// They are here already.
    Read(Vec<u8>),
    Fault(Fault),
}

/// One file.
#[derive(Debug)]
pub(super) struct Entry {
    /// As the user wrote it, with the part below it added.
    pub(super) name: String,
    /// Where it is, or in a revision would be, from the current folder.
    pub(super) path: String,
    pub(super) origin: Origin,
    /// Whether nobody named it.
    pub(super) found: bool,
}

/// The arguments and all their files, in the order of the command line and then of their names.
pub(super) fn expand(paths: &[PathBuf]) -> (Vec<Argument>, Vec<Entry>) {
    let mut expansion = Expansion::default();
    let arguments = paths.iter().map(|path| expansion.argument(path)).collect();
    (arguments, expansion.entries)
}

/// A path as it is shown: with `/`, and without what says nothing (`./` and a `/` at the end).
pub(super) fn display(path: &Path) -> String {
    let text = path.to_string_lossy();
    let text = if std::path::MAIN_SEPARATOR == '/' { text } else { text.replace('\\', "/").into() };
    let short = text.trim_start_matches("./").trim_end_matches('/');
    let short = short.strip_suffix("/.").unwrap_or(short);
    match (short.is_empty(), text.starts_with('/')) {
        (true, true) => "/".to_owned(),
        (true, false) => ".".to_owned(),
        (false, _) => short.to_owned(),
    }
}

#[derive(Default)]
struct Expansion {
    entries: Vec<Entry>,
    /// The entry of each real path; standard input is the empty one.
    known: BTreeMap<PathBuf, usize>,
}

impl Expansion {
    fn argument(&mut self, path: &Path) -> Argument {
        let name = display(path);
        let mut entries = Vec::new();
        let kind = if path == Path::new("-") {
            entries.push(self.enter(PathBuf::new(), || Entry {
                name: "-".to_owned(),
                path: "-".to_owned(),
                origin: Origin::Stdin,
                found: false,
            }));
            Kind::Stdin
        } else if path.is_dir() {
            self.walk(path, &|_| true, &mut entries);
            Kind::Folder
        } else if let (false, Some(glob)) = (path.exists(), matcher(path)) {
            // The folder that is walked may be `.`, which no pattern begins with.
            let wanted = |path: &Path| glob.is_match(path.strip_prefix(".").unwrap_or(path));
            self.walk(&base(path), &wanted, &mut entries);
            Kind::Glob
        } else {
            // A missing file is found out when it is read.
            let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
            let index = self.enter(real, || file(path, false));
            // Named after all: it has to be a manifest.
            self.entries[index].found = false;
            entries.push(index);
            Kind::File
        };
        Argument { name, kind, entries }
    }

    /// Adds an entry unless its file is there already.
    fn enter(&mut self, real: PathBuf, entry: impl FnOnce() -> Entry) -> usize {
        *self.known.entry(real).or_insert_with(|| {
            self.entries.push(entry());
            self.entries.len() - 1
        })
    }

    /// Adds the manifests below a folder that are wanted.
    fn walk(&mut self, folder: &Path, wanted: &dyn Fn(&Path) -> bool, entries: &mut Vec<usize>) {
        let mut seen = BTreeSet::new();
        self.walk_folder(folder, wanted, &mut seen, entries);
    }

    fn walk_folder(
        &mut self,
        folder: &Path,
        wanted: &dyn Fn(&Path) -> bool,
        seen: &mut BTreeSet<PathBuf>,
        entries: &mut Vec<usize>,
    ) {
        let listing = folder.canonicalize().and_then(|real| Ok((names(folder)?, real)));
        let (names, real) = match listing {
            Ok(listing) => listing,
            Err(error) => {
                let origin = Origin::Fault(Fault::of(folder, &error));
                let entry = Entry { name: display(folder), path: display(folder), origin, found: true };
                entries.push(self.enter(folder.to_owned(), || entry));
                return;
            }
        };
        // A link back up would lead round for ever.
        if !seen.insert(real.clone()) {
            return;
        }
        for name in names {
            let path = folder.join(&name);
            if path.is_dir() {
                // A folder that matches a pattern stands for all in it, as if it had been named.
                let all: &dyn Fn(&Path) -> bool = if wanted(&path) { &|_| true } else { wanted };
                self.walk_folder(&path, all, seen, entries);
            } else if is_manifest(&path) && wanted(&path) && may_be_read(&path) {
                let is_link = path.is_symlink();
                let target = if is_link { path.canonicalize().ok() } else { None };
                let real = target.unwrap_or_else(|| real.join(&name));
                entries.push(self.enter(real, || file(&path, true)));
            }
        }
    }
}

fn file(path: &Path, found: bool) -> Entry {
    Entry { name: display(path), path: display(path), origin: Origin::File(path.to_owned()), found }
}

/// The names in a folder that do not begin with a dot, sorted.
fn names(folder: &Path) -> std::io::Result<Vec<std::ffi::OsString>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        if !name.as_encoded_bytes().starts_with(b".") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Whether a path leads to a file of a repository, both from its root, by the same rules as in a folder: `Some(false)`
/// if it names the file itself, and `Some(true)` if the file is found.
pub(super) fn leads_to(path: &str, file: &str) -> Option<bool> {
    if path == file {
        return Some(false);
    }
    let below = if path.is_empty() {
        Some(file)
    } else {
        file.strip_prefix(path).and_then(|rest| rest.strip_prefix('/'))
    };
    let visible = |rest: &str| !rest.split('/').any(|part| part.starts_with('.'));
    let found = match below {
        Some(rest) => visible(rest),
        None => matcher(Path::new(path)).is_some_and(|glob| glob.is_match(file)) && visible(file),
    };
    (found && is_manifest(Path::new(file))).then_some(true)
}

fn is_manifest(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known))
}

/// A pipe or a device is read where it is named; what is only found must not keep the program waiting.
/// A link that leads nowhere stays, to be reported.
fn may_be_read(path: &Path) -> bool {
    fs::metadata(path).map_or(true, |metadata| metadata.is_file())
}

pub(super) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

/// The pattern that a path is, if it is one.
fn matcher(path: &Path) -> Option<GlobMatcher> {
    let text = path.to_str().filter(|text| is_pattern(text))?;
    let text = text.strip_prefix("./").unwrap_or(text);
    GlobBuilder::new(text).literal_separator(true).build().ok().map(|glob| glob.compile_matcher())
}

/// The folder above the first part of a pattern that is not literal.
fn base(pattern: &Path) -> PathBuf {
    let literal = |part: &std::path::Component<'_>| !is_pattern(&part.as_os_str().to_string_lossy());
    let base: PathBuf = pattern.components().take_while(literal).collect();
    if base.as_os_str().is_empty() { PathBuf::from(".") } else { base }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::{display, expand, leads_to};

    /// The names that paths below a fresh folder expand to, without that folder.
    fn names(files: &[&str], paths: &[&str]) -> Vec<String> {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let paths: Vec<PathBuf> = paths.iter().map(|path| root.path().join(path)).collect();
        let prefix = format!("{}/", display(root.path()));
        let (_, entries) = expand(&paths);
        entries.iter().map(|entry| entry.name.replace(&prefix, "")).collect()
    }

    #[test]
    fn folders_are_walked_in_order() {
        let files = ["b.yaml", "a/z.yml", "a/b/c.json", "a.txt", ".git/x.yaml", "a/.y.yaml", "UP.YAML"];
        assert_eq!(names(&files, &[""]), ["UP.YAML", "a/b/c.json", "a/z.yml", "b.yaml"]);
    }

    #[test]
    fn patterns_match_whole_paths() {
        let files = ["a/x.yaml", "a/b/y.yaml", "a/b/y.md", "c/x.yaml"];
        assert_eq!(names(&files, &["a/**/*.yaml"]), ["a/b/y.yaml", "a/x.yaml"]);
        assert_eq!(names(&files, &["*/x.yaml"]), ["a/x.yaml", "c/x.yaml"]);
        assert_eq!(names(&files, &["{a,c}/*.yaml"]), ["a/x.yaml", "c/x.yaml"]);
        assert!(names(&files, &["d/*.yaml"])[0].contains("d"));
    }

    #[test]
    fn a_file_named_twice_is_read_once() {
        let files = ["a/x.yaml", "a/y.yaml"];
        assert_eq!(names(&files, &["a/y.yaml", "a", "a/../a/x.yaml"]), ["a/y.yaml", "a/x.yaml"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_that_lead_round_are_followed_once() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("x.yaml"), "").unwrap();
        std::os::unix::fs::symlink(root.path(), root.path().join("again")).unwrap();
        assert_eq!(expand(&[root.path().to_owned()]).1.len(), 1);
    }

    #[test]
    fn files_of_a_repository_are_found_as_in_a_folder() {
        for (path, file, leads) in [
            ("a", "a/b/c.yaml", Some(true)),
            ("", "a/b/c.yaml", Some(true)),
            ("a/b/c.yaml", "a/b/c.yaml", Some(false)),
            ("a", "ab/c.yaml", None),
            ("a", "a/.github/c.yaml", None),
            ("a", "a/c.md", None),
            ("a/*.yaml", "a/c.yaml", Some(true)),
            ("a/*.yaml", "a/b/c.yaml", None),
            ("a/**/*.yaml", "a/b/c.yaml", Some(true)),
        ] {
            assert_eq!(leads_to(path, file), leads, "{path} {file}");
        }
    }

    #[test]
    fn names_stay_as_written() {
        for (written, shown) in
            [("./a", "a"), ("a/", "a"), (".", "."), ("./", "."), ("../a", "../a"), ("/a/", "/a"), ("/", "/")]
        {
            assert_eq!(display(Path::new(written)), shown);
        }
    }
}
