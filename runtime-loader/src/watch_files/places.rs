//! Where something can happen that changes what a path leads to, or what is in it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::WatchError;

/// Folders that are watched at most: each costs the kernel memory, and users have a limit.
const MOST_FOLDERS: usize = 10_000;

/// Links that lead on to others, at most; as the kernel has it.
const MOST_LINKS: usize = 40;

/// Folders by their real paths, and the names in them that matter.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Places(BTreeMap<PathBuf, Names>);

/// Names in a folder.
#[derive(Debug, Default, PartialEq, Eq)]
struct Names {
    /// All that are not hidden, as in a folder of manifests.
    shown: bool,
    /// These.
    named: BTreeSet<OsString>,
}

impl Places {
    /// The places of some paths as they are now.
    pub(super) fn find(paths: &[PathBuf]) -> Result<Places, WatchError> {
        let mut places = Places::default();
        for path in paths {
            // Where the working folder is gone, a relative path leads nowhere.
            let Ok(path) = std::path::absolute(path) else { continue };
            let path = if path.symlink_metadata().is_err() { before_pattern(&path) } else { path };
            if let Some(end) = places.way(&path, 0) {
                places.inside(&end)?;
            }
            if places.0.len() > MOST_FOLDERS {
                return Err(WatchError::TooMany { path, most: MOST_FOLDERS });
            }
        }
        Ok(places)
    }

    /// The folders.
    pub(super) fn folders(&self) -> impl Iterator<Item = &Path> {
        self.0.keys().map(PathBuf::as_path)
    }

    /// Whether it matters that something happened to a path.
    pub(super) fn matter(&self, path: &Path) -> bool {
        let within = path.parent().and_then(|folder| self.0.get(folder)).zip(path.file_name());
        self.0.contains_key(path) || within.is_some_and(|(names, name)| names.contain(name))
    }

    /// Notes every name on the way to a path, through links; gives the real path, if there is something.
    fn way(&mut self, path: &Path, links: usize) -> Option<PathBuf> {
        let mut at = PathBuf::from("/");
        for component in path.components() {
            match component {
                Component::Normal(name) => {
                    self.0.entry(at.clone()).or_default().named.insert(name.to_owned());
                    let next = at.join(name);
                    at = match fs::read_link(&next) {
                        Ok(_) if links >= MOST_LINKS => return None,
                        Ok(target) => self.way(&at.join(target), links + 1)?,
                        Err(_) => next,
                    };
                    at.symlink_metadata().ok()?;
                }
                // Links are followed before, so that this is the folder above.
                Component::ParentDir => at = at.parent().map_or_else(|| PathBuf::from("/"), Path::to_owned),
                Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
            }
        }
        Some(at)
    }

    /// Notes what is in a folder, and in the folders in it.
    fn inside(&mut self, folder: &Path) -> Result<(), WatchError> {
        let mut open = vec![folder.to_owned()];
        while let Some(folder) = open.pop() {
            // A file has nothing in it, and what cannot be read cannot be watched.
            let Ok(entries) = fs::read_dir(&folder) else { continue };
            let names = self.0.entry(folder.clone()).or_default();
            if std::mem::replace(&mut names.shown, true) {
                continue;
            }
            if self.0.len() > MOST_FOLDERS {
                return Err(WatchError::TooMany { path: folder, most: MOST_FOLDERS });
            }
            for entry in entries.flatten().filter(|entry| !is_hidden(&entry.file_name())) {
                let kind = entry.file_type();
                if kind.as_ref().is_ok_and(|kind| kind.is_dir()) {
                    open.push(entry.path());
                } else if kind.is_ok_and(|kind| kind.is_symlink()) {
                    open.extend(self.way(&entry.path(), 0));
                }
            }
        }
        Ok(())
    }
}

impl Names {
    fn contain(&self, name: &OsStr) -> bool {
        (self.shown && !is_hidden(name)) || self.named.contains(name)
    }
}

/// Manifests are not looked for under such names.
fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

/// A pattern up to its first folder that is one; another path as it is.
fn before_pattern(path: &Path) -> PathBuf {
    let plain = |part: &Component<'_>| {
        !part.as_os_str().as_encoded_bytes().iter().any(|byte| matches!(byte, b'*' | b'?' | b'[' | b'{'))
    };
    path.components().take_while(plain).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::{Path, PathBuf};

    use super::{MOST_LINKS, Places};

    fn root() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap();
        (folder, path)
    }

    fn matter(paths: &[&Path], path: &Path) -> bool {
        Places::find(&paths.iter().map(|path| path.to_path_buf()).collect::<Vec<_>>()).unwrap().matter(path)
    }

    #[test]
    fn of_a_file_only_its_name_and_the_way_to_it_matter() {
        let (_folder, root) = root();
        fs::create_dir(root.join("a")).unwrap();
        let file = root.join("a/web.yaml");
        for exists in [false, true] {
            assert!(matter(&[&file], &file) && matter(&[&file], &root.join("a")), "{exists}");
            assert!(!matter(&[&file], &root.join("a/cart.yaml")) && !matter(&[&file], &root.join("b")));
            fs::write(&file, "").unwrap();
        }
    }

    #[test]
    fn of_a_folder_all_that_is_shown_matters() {
        let (_folder, root) = root();
        fs::create_dir_all(root.join("a/b/c")).unwrap();
        fs::create_dir_all(root.join("a/.git")).unwrap();
        let a = root.join("a");
        for (name, matters) in [("new", true), ("b/c/new", true), (".web.swp", false), (".git/new", false)] {
            assert_eq!(matter(&[&a], &a.join(name)), matters, "{name}");
        }
    }

    #[test]
    fn links_are_followed_to_the_end() {
        let (_folder, root) = root();
        let mount = root.join("mount");
        fs::create_dir_all(mount.join("..1")).unwrap();
        fs::write(mount.join("..1/web.yaml"), "").unwrap();
        symlink("..1", mount.join("..data")).unwrap();
        symlink("..data/web.yaml", mount.join("web.yaml")).unwrap();
        for named in [&mount, &mount.join("web.yaml")] {
            for name in ["web.yaml", "..data", "..1", "..1/web.yaml"] {
                assert!(matter(&[named], &mount.join(name)), "{name}");
            }
            assert!(!matter(&[named], &mount.join("..2")));
        }
        symlink(root.join("round"), root.join("round")).unwrap();
        assert!(
            matter(&[&root.join("round")], &root.join("round")),
            "more than {MOST_LINKS} links lead nowhere"
        );
        symlink(&mount, mount.join("again")).unwrap();
        assert!(matter(&[&mount], &mount.join("new")), "a folder in itself is one folder");
    }

    #[test]
    fn of_a_pattern_the_folder_before_it_matters() {
        let (_folder, root) = root();
        fs::create_dir(root.join("a")).unwrap();
        assert!(matter(&[&root.join("*/web-?.yaml")], &root.join("a/web-1.yaml")));
        assert!(matter(&[&root.join("late/*.yaml")], &root.join("late")));
    }
}
