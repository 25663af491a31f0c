//! Times the stages of a full resolve: `resolve FOLDER [NODE]`, for a folder with `cluster.yaml` and `policies/`.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "scratch")]
use sluice_compiler::{
    Extras, classify, compile, decide, load,
    options::Options,
    source::{self, Sources},
};
use std::time::Instant;
fn main() {
    let mut args = std::env::args().skip(1);
    let dir = args.next().unwrap();
    let node = args.next();
    let mut sources = Sources::default();
    let mut files = vec![];
    let mut paths: Vec<_> =
        std::fs::read_dir(format!("{dir}/policies")).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    paths.insert(0, format!("{dir}/cluster.yaml").into());
    for path in paths {
        files.push(sources.add(path.to_str().unwrap(), std::fs::read_to_string(&path).unwrap()));
    }
    let options = Options::default();
    let loaded = load(&sources, &files, &options, &source::Limits::default());
    for _ in 0..4 {
        let t = Instant::now();
        let compiled = compile(&loaded.resources, Extras::default(), &sources, &options).unwrap();
        eprint!("compile {:.1?}", t.elapsed());
        let mut last = Instant::now();
        let decided = decide(&compiled, node.as_deref(), &classify::Limits::default(), &mut |stage| {
            eprint!(" {stage:?} {:.1?}", last.elapsed());
            last = Instant::now();
        });
        match decided {
            Err(e) => eprintln!("REFUTED {e}"),
            Ok(decided) => {
                let d = &decided.classified.decision;
                let text = d.to_string();
                let h = {
                    use std::hash::{Hash, Hasher};
                    let mut h = std::hash::DefaultHasher::new();
                    text.hash(&mut h);
                    h.finish()
                };
                eprint!(" HASH {h:x}");
                eprintln!(
                    " total {:.1?}: {:?} {} peers {} addresses; {} classes {} prefixes {} subjects rows {} {} ports {} {} cells {} verdicts {}",
                    t.elapsed(),
                    decided.proof,
                    decided.population.len(),
                    decided.population.addresses.len(),
                    d.classes.len(),
                    d.prefixes.len(),
                    d.subjects.len(),
                    d.sides.ingress.rows.len(),
                    d.sides.egress.rows.len(),
                    d.sides.ingress.ports.len(),
                    d.sides.egress.ports.len(),
                    d.cells(),
                    d.verdicts.len()
                );
            }
        }
    }
}
