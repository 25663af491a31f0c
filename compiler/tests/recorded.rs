//! Sessions over the recorded clusters of the outside conformance suite: with every object at once, and with its
//! policies taken away and put back one by one, they are what a compile from scratch gives.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot run has to fail, or to say so"
)]

use std::path::{Path, PathBuf};

use serde_json::Value;
use sluice_compiler::classify::Limits as TableLimits;
use sluice_compiler::options::{Accept, Options};
use sluice_compiler::resource::aws::AwsInventory;
use sluice_compiler::resource::dns_answers::{DnsAnswers, Recording};
use sluice_compiler::resource::{Object, Resource};
use sluice_compiler::session::{Change, ObjectKey, Session};
use sluice_compiler::source::{Limits, Sources, parse};
use sluice_compiler::{Extras, compile, decide, load};
use sluice_ir::decision::Decision;

struct Case {
    node: String,
    options: Options,
    answers: DnsAnswers,
    sources: Sources,
    resources: Vec<Resource>,
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn read(folder: &Path) -> Option<Case> {
    let meta: Value = serde_json::from_slice(&std::fs::read(folder.join("case.json")).unwrap()).unwrap();
    let node = meta["node"].as_str()?.to_owned();
    let mut aside = Sources::default();
    let config = aside.add("config.json", meta["config"].to_string());
    let (options, _) = Options::read(&parse(&aside, config, &Limits::default()).0, Accept::Agent);
    let dns = aside.add("dns.yaml", std::fs::read_to_string(folder.join("dns.yaml")).unwrap());
    let recording = Recording::read(&aside, &[dns], &Limits::default()).0;
    let answers = recording.answers(None, std::time::Duration::ZERO, sluice_compiler::options::Scope::Node);
    let (sources, resources) = manifests(folder, &options);
    Some(Case { node, options, answers, sources, resources })
}

fn manifests(folder: &Path, options: &Options) -> (Sources, Vec<Resource>) {
    let mut sources = Sources::default();
    let paths = [folder.join("cluster.yaml")].into_iter().chain(files(&folder.join("policies")));
    let ids: Vec<_> = paths
        .map(|path| sources.add(path.display().to_string(), std::fs::read_to_string(&path).unwrap()))
        .collect();
    let resources = load(&sources, &ids, options, &Limits::default()).resources;
    (sources, resources)
}

fn scratch(case: &Case) -> Decision {
    let extras = Extras { answers: case.answers.clone(), ..Extras::default() };
    let compiled = compile(&case.resources, extras, &case.sources, &case.options).unwrap();
    let decided = decide(&compiled, Some(&case.node), &TableLimits::default(), &mut |_| {}).unwrap();
    Decision::clone(&decided.classified.decision)
}

fn session(case: &Case, folder: &Path) -> Session {
    let (sources, _) = manifests(folder, &case.options);
    let (resources, answers, options) = (case.resources.clone(), case.answers.clone(), case.options.clone());
    let (node, aws, limits) = (case.node.as_str().into(), AwsInventory::default(), TableLimits::default());
    Session::new(node, resources, answers, aws, sources, options, limits).unwrap()
}

/// So many policies of a case are taken away and put back.
const TAKEN: usize = 12;

fn check(folder: &Path, case: &Case) {
    let expected = scratch(case);
    let mut session = session(case, folder);
    assert_eq!(*session.decision().unwrap().decision, expected, "{}", folder.display());
    let is_policy = |r: &&Resource| matches!(*r.object, Object::CiliumPolicy(_) | Object::NetworkPolicy(_));
    let policies: Vec<&Resource> = case.resources.iter().filter(is_policy).take(TAKEN).collect();
    for policy in &policies {
        session.apply(Change::Remove(ObjectKey::of(policy))).unwrap();
    }
    for policy in policies.iter().rev() {
        session.apply(Change::Put(Box::new(Resource::clone(policy)))).unwrap();
    }
    assert_eq!(*session.decision().unwrap().decision, expected, "{} after changes", folder.display());
    session.prove().unwrap();
}

#[test]
fn sessions_over_recorded_clusters() {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance");
    let cases: Vec<PathBuf> = std::fs::read_dir(&suite)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("case.json").is_file())
        .collect();
    if cases.is_empty() {
        eprintln!("the outside conformance suite is absent: not run");
        return;
    }
    let read = cases.iter().filter_map(|folder| Some((folder, read(folder)?)));
    let checked = read.map(|(folder, case)| check(folder, &case)).count();
    assert!(checked > 50, "{checked} of {} cases", cases.len());
}
