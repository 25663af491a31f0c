//! Pairs of texts: `testdata/optimise/PASS/NAME.before.ir` and `golden/optimise/PASS/NAME.after.ir`.
//! `SLUICE_BLESS=1` rewrites the second.

use std::fs;
use std::path::{Path, PathBuf};

use sluice_ir::label::{Label, LabelSource};
use sluice_ir::policy::verify::verify;
use sluice_ir::policy::{Identity, Policy};

use crate::{PASSES, Pass};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The endpoints of the node: the pods `web` and `db` of the namespace `shop`.
fn subjects() -> Vec<Identity> {
    let pod = |app: &str| {
        let namespace = Label::new(LabelSource::K8s, "io.kubernetes.pod.namespace", "shop");
        let labels = [Label::new(LabelSource::K8s, "app", app), namespace].into_iter().collect();
        Identity { labels, ..Identity::default() }
    };
    vec![pod("web"), pod("db")]
}

fn inputs(pass: &str) -> Vec<PathBuf> {
    let folder = root().join("testdata/optimise").join(pass);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
}

/// What is wrong with one pair, if anything.
fn check((name, pass): Pass, input: &Path) -> Option<String> {
    let file = input.file_name().unwrap().to_str().unwrap();
    let stem = file.strip_suffix(".before.ir").unwrap_or_else(|| panic!("{file}: not NAME.before.ir"));
    let text = fs::read_to_string(input).unwrap();
    let before: Policy = text.parse().unwrap_or_else(|error| panic!("{file}: {error}"));
    let before = verify(before).unwrap_or_else(|error| panic!("{file}: {error}"));
    let subjects = subjects();
    let after = verify(pass(&before, &subjects.iter().collect::<Vec<_>>()));
    let after = after.unwrap_or_else(|error| panic!("{file}: {error}")).to_string();
    let golden = root().join("golden/optimise").join(name).join(format!("{stem}.after.ir"));
    if std::env::var_os("SLUICE_BLESS").is_some() {
        fs::create_dir_all(golden.parent().unwrap()).unwrap();
        fs::write(&golden, &after).unwrap();
    }
    match fs::read_to_string(&golden) {
        Ok(expected) if expected == after => None,
        Ok(expected) => Some(format!("{name}/{stem}: expected\n{expected}--- found\n{after}")),
        Err(_) => Some(format!("{name}/{stem}: no golden; `make golden` writes it")),
    }
}

#[test]
fn every_pass_does_what_its_goldens_say() {
    let pairs =
        PASSES.into_iter().flat_map(|pass| inputs(pass.0).into_iter().map(move |input| (pass, input)));
    let wrong: Vec<String> = pairs.filter_map(|(pass, input)| check(pass, &input)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
