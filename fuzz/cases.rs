//! What fuzzing starts from, and what it has found: the tests of what is fuzzed check these cases again.

use std::fs;
use std::path::{Path, PathBuf};

/// The cases of a target, each with its file.
pub(crate) fn cases(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let folders = ["seeds", "regressions"].map(|kind| fs::read_dir(fuzz.join(kind).join(target)).unwrap());
    let paths = folders.into_iter().flatten().map(|entry| entry.unwrap().path());
    // It keeps a folder that has no case yet.
    paths
        .filter(|path| !path.ends_with(".gitkeep"))
        .map(|path| {
            let case = fs::read(&path).unwrap();
            (path, case)
        })
        .collect()
}
