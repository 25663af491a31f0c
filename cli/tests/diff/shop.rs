//! A copy of the sample shop to change: its policies twice, as `old` and `new`, beside its cluster.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{Run, root, sluice};

/// What is known of the shop beside its manifests.
pub(crate) const GIVEN: [&str; 6] =
    ["--dns", "dns.yaml", "--aws", "aws.json", "--aws", "aws-interfaces.json"];

/// A folder that is gone with this value.
pub(crate) struct Shop(tempfile::TempDir);

impl Shop {
    /// The shop as it is, on both sides.
    pub(crate) fn copy() -> Shop {
        let shop = Shop(tempfile::tempdir().unwrap());
        let from = root().join("testdata/shop");
        for (folder, to) in [("cluster", "cluster"), ("policies", "old"), ("policies", "new")] {
            fs::create_dir(shop.path(to)).unwrap();
            for entry in fs::read_dir(from.join(folder)).unwrap() {
                let file = entry.unwrap();
                fs::copy(file.path(), shop.path(to).join(file.file_name())).unwrap();
            }
        }
        for file in ["dns.yaml", "aws.json", "aws-interfaces.json"] {
            fs::copy(from.join(file), shop.path(file)).unwrap();
        }
        shop
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Replaces the first place where a file says something.
    pub(crate) fn edit(&self, file: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(file)).unwrap();
        assert!(text.contains(from), "{file} does not say {from}");
        fs::write(self.path(file), text.replacen(from, to, 1)).unwrap();
    }

    pub(crate) fn append(&self, file: &str, text: &str) {
        let before = fs::read_to_string(self.path(file)).unwrap();
        fs::write(self.path(file), before + text).unwrap();
    }

    /// Compares `old` with `new`.
    pub(crate) fn diff(&self, words: &[&str]) -> Run {
        let words = [&["diff", "old", "new", "--base", "cluster"], GIVEN.as_slice(), words].concat();
        sluice(self.folder(), &words)
    }
}
