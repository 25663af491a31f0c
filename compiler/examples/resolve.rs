#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "scratch")]
use sluice_compiler::{classify::{Population, classify, judged}, validate::validate, options::Options, source::Sources, Extras, load, compile};
use std::time::Instant;
fn main() {
    let mut args = std::env::args().skip(1);
    let dir = args.next().unwrap();
    let node = args.next();
    let mut sources = Sources::default();
    let mut files = vec![];
    let mut paths: Vec<_> = std::fs::read_dir(format!("{dir}/policies")).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    paths.insert(0, format!("{dir}/cluster.yaml").into());
    for path in paths { files.push(sources.add(path.to_str().unwrap(), std::fs::read_to_string(&path).unwrap())); }
    let options = Options::default();
    let loaded = load(&sources, &files, &options, &sluice_compiler::source::Limits::default());
    let extras = Extras::default();
    let t = Instant::now();
    let compiled = compile(&loaded.resources, extras, &sources, &options).unwrap();
    eprintln!("compile {:?}", t.elapsed());
    for _ in 0..3 {
    let t = Instant::now();
    let js = judged(&compiled.inventory, &compiled.policy, node.as_deref());
    let mut ids: Vec<_> = js.iter().map(|j| j.identity.clone()).collect(); ids.sort(); ids.dedup();
    let mut local = (*compiled.policy).clone();
    let mut memo = std::collections::HashMap::new();
    let c = local.clone();
    local.rules.retain(|r| *memo.entry(r.subject).or_insert_with(|| ids.iter().any(|i| sluice_ir::policy::eval::subject_matches(&c, r.subject, i))));
    let local = sluice_ir::policy::verify::verify(local.canonical()).unwrap();
    eprintln!("localise {:?} {} of {} rules, {} selectors", t.elapsed(), local.rules.len(), c.rules.len(), local.selectors.len());
    let t = Instant::now();
    let population = Population::new(&compiled.inventory, &local, node.as_deref());
    let judged = judged(&compiled.inventory, &compiled.policy, node.as_deref());
    eprintln!("population {:?} {} peers {} prefixes {} judged", t.elapsed(), population.len(), population.addresses.len(), judged.len());
    let t = Instant::now();
    let classified = classify(&local, &population, &judged, &sluice_compiler::classify::Limits::default()).unwrap();
    let d = &classified.decision;
    eprintln!("classify {:?}: {} classes {} subjects rows {} {} ports {} {} cells {} verdicts {}", t.elapsed(), d.classes.len(), d.subjects.len(), d.sides.ingress.rows.len(), d.sides.egress.rows.len(), d.sides.ingress.ports.len(), d.sides.egress.ports.len(), d.cells(), d.verdicts.len());
    let t = Instant::now();
    let proof = validate(&compiled.policy, &population, &judged, &classified);
    match proof { Ok(p) => eprintln!("validate {:?} {:?}", t.elapsed(), p), Err(e) => eprintln!("REFUTED {e}") }
    }
}
