//! Files that change in the ways that files do.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot run has to fail")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sluice_loader::watch_files::Watching;
use tokio::time::timeout;

struct Watched {
    _folder: tempfile::TempDir,
    root: PathBuf,
    watching: Watching,
}

impl Watched {
    /// Makes files, and watches what is named.
    fn new(make: impl Fn(&Path), named: &[&str]) -> Watched {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        make(&root);
        let watching = Watching::begin(named.iter().map(|name| root.join(name)).collect()).unwrap();
        Watched { _folder: folder, root, watching }
    }

    /// Does something, and sees that it is told.
    async fn tells(&mut self, what: &str, act: impl FnOnce(&Path)) {
        act(&self.root);
        timeout(Duration::from_secs(10), self.watching.changed()).await.expect(what);
        // A second burst of the same deed, as of a file that is closed late, is no deed of its own.
        let _ = timeout(Duration::from_millis(200), self.watching.changed()).await;
    }

    /// Does something, and sees that it is not.
    async fn is_silent(&mut self, what: &str, act: impl FnOnce(&Path)) {
        act(&self.root);
        assert!(timeout(Duration::from_millis(300), self.watching.changed()).await.is_err(), "{what}");
    }
}

fn write(path: PathBuf, text: &str) {
    fs::write(path, text).unwrap();
}

#[tokio::test]
async fn a_folder_and_what_is_in_it() {
    let mut watched =
        Watched::new(|root| fs::create_dir_all(root.join("policies/deep")).unwrap(), &["policies"]);
    watched.tells("a new file", |root| write(root.join("policies/a.yaml"), "1")).await;
    watched.tells("a file is written", |root| write(root.join("policies/a.yaml"), "2")).await;
    watched
        .tells("a file is written as editors do", |root| {
            write(root.join("policies/.a.yaml.swp"), "3");
            fs::rename(root.join("policies/.a.yaml.swp"), root.join("policies/a.yaml")).unwrap();
        })
        .await;
    watched.tells("a file in a folder", |root| write(root.join("policies/deep/b.yaml"), "1")).await;
    watched.tells("a new folder", |root| fs::create_dir(root.join("policies/new")).unwrap()).await;
    watched.tells("a file in a new folder", |root| write(root.join("policies/new/c.yaml"), "1")).await;
    watched.tells("a file is gone", |root| fs::remove_file(root.join("policies/a.yaml")).unwrap()).await;
    watched
        .is_silent("files are read", |root| {
            fs::read(root.join("policies/deep/b.yaml")).unwrap();
            fs::read_dir(root.join("policies")).unwrap().count();
        })
        .await;
    watched.is_silent("an editor's own file", |root| write(root.join("policies/.b.swp"), "1")).await;
}

#[tokio::test]
async fn a_folder_that_is_taken_away_and_comes_back() {
    let make = |root: &Path| {
        fs::create_dir_all(root.join("policies")).unwrap();
        write(root.join("policies/a.yaml"), "1");
    };
    let mut watched = Watched::new(make, &["policies"]);
    watched
        .tells("it is moved away", |root| fs::rename(root.join("policies"), root.join("old")).unwrap())
        .await;
    watched.is_silent("what was moved away", |root| write(root.join("old/a.yaml"), "2")).await;
    watched.tells("it is back", make).await;
    watched.tells("it is watched again", |root| write(root.join("policies/a.yaml"), "3")).await;
    watched.tells("it is removed", |root| fs::remove_dir_all(root.join("policies")).unwrap()).await;
    watched.tells("it is back once more", make).await;
    watched.tells("and watched", |root| write(root.join("policies/b.yaml"), "1")).await;
}

#[tokio::test]
async fn a_single_file_and_not_its_neighbours() {
    let mut watched = Watched::new(|root| fs::create_dir(root.join("etc")).unwrap(), &["etc/dns.yaml"]);
    watched.is_silent("a neighbour", |root| write(root.join("etc/other.yaml"), "1")).await;
    watched.tells("it is there", |root| write(root.join("etc/dns.yaml"), "1")).await;
    watched
        .tells("it is replaced", |root| {
            write(root.join("etc/dns.yaml~"), "2");
            fs::rename(root.join("etc/dns.yaml~"), root.join("etc/dns.yaml")).unwrap();
        })
        .await;
    watched.tells("and written", |root| write(root.join("etc/dns.yaml"), "3")).await;
}

#[tokio::test]
async fn a_config_map_that_is_swapped() {
    fn swap(root: &Path, version: &str) {
        let mount = root.join("mount");
        fs::create_dir_all(mount.join(version)).unwrap();
        write(mount.join(version).join("a.yaml"), version);
        symlink(version, mount.join("..data_tmp")).unwrap();
        fs::rename(mount.join("..data_tmp"), mount.join("..data")).unwrap();
    }
    let make = |root: &Path| {
        swap(root, "..1");
        symlink("..data/a.yaml", root.join("mount/a.yaml")).unwrap();
    };
    for named in ["mount", "mount/a.yaml"] {
        let mut watched = Watched::new(make, &[named]);
        watched.tells("it is swapped", |root| swap(root, "..2")).await;
        watched.tells("and again", |root| swap(root, "..3")).await;
        watched
            .tells("and the file behind the links is written", |root| {
                write(root.join("mount/..3/a.yaml"), "4")
            })
            .await;
    }
}

#[tokio::test]
async fn many_changes_are_told_of_a_few_times() {
    let mut watched = Watched::new(|root| fs::create_dir(root.join("policies")).unwrap(), &["policies"]);
    for number in 0..500 {
        write(watched.root.join(format!("policies/{number}.yaml")), "1");
    }
    let mut told = 0;
    while timeout(Duration::from_secs(1), watched.watching.changed()).await.is_ok() {
        told += 1;
    }
    assert!((1..20).contains(&told), "told {told} times");
}

/// A folder that comes up between the look at its parent and the watch of that gives no sign of its own.
#[tokio::test(flavor = "multi_thread")]
async fn folders_that_come_up_while_places_are_looked_for() {
    for _ in 0..15 {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let deep = (0..12).fold(root.clone(), |at, number| at.join(format!("f{number}")));
        let made = deep.clone();
        let making = std::thread::spawn(move || {
            fs::create_dir_all(&made).unwrap();
            write(made.join("a.yaml"), "1");
        });
        let mut watching = Watching::begin(vec![root]).unwrap();
        making.join().unwrap();
        while timeout(Duration::from_millis(300), watching.changed()).await.is_ok() {}
        write(deep.join("a.yaml"), "2");
        timeout(Duration::from_secs(5), watching.changed()).await.expect("the deepest folder is watched");
    }
}
