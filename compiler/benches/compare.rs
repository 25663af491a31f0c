//! Two policies of a made-up cluster to what differs: `cargo bench -p sluice-compiler --bench compare`.
//!
//! Prints rows for docs/benchmarks.md: milliseconds of the fastest of several runs, from two compiled policies to the
//! grouped difference. What comes before, reading and compiling, is measured by others. `-- L` prints one size alone.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot run has to fail")]
#![allow(clippy::print_stdout, reason = "its rows are what it is for")]

#[allow(dead_code, reason = "each benchmark uses a part of it")]
mod cluster;

use std::time::{Duration, Instant};

use cluster::{Cluster, L, M, NODE, S};
use sluice_compiler::classify::Limits;
use sluice_compiler::compare::decide_both;
use sluice_compiler::compare::digest::Digest;
use sluice_compiler::options::{Enforcement, Options};
use sluice_compiler::resource::{Object, Resource};
use sluice_compiler::{Compiled, Extras, compile};

const RUNS: usize = 5;

fn main() {
    println!("| difference | size | view | time | of processors | endpoints compared | cells | parts |");
    println!("|---|---|---|---:|---:|---:|---:|---:|");
    let only = std::env::args().nth(1).filter(|word| !word.starts_with('-'));
    let sizes = [("S", S), ("M", M), ("L", L)];
    for (size, shape) in
        sizes.into_iter().filter(|(size, _)| only.as_deref().is_none_or(|only| only == *size))
    {
        let cluster = Cluster::of(shape);
        let old = cluster.compile();
        let is_policy = |resource: &Resource| matches!(*resource.object, Object::CiliumPolicy(_));
        let policies: Vec<usize> =
            (0..cluster.resources.len()).filter(|at| is_policy(&cluster.resources[*at])).collect();
        let without = |gone: &dyn Fn(usize) -> bool| {
            let kept = cluster.resources.iter().enumerate().filter(|(at, _)| !gone(*at));
            again(
                &cluster,
                &kept.map(|(_, resource)| resource.clone()).collect::<Vec<_>>(),
                Options::default(),
            )
        };
        let middle = policies[policies.len() / 2];
        let tenth: Vec<usize> = policies.iter().copied().step_by(10).collect();
        let always = Options { enforcement: Enforcement::Always, ..Options::default() };
        for (what, new, whole) in [
            ("nothing", without(&|_| false), true),
            ("one policy gone", without(&|at| at == middle), true),
            ("every tenth policy gone", without(&|at| tenth.binary_search(&at).is_ok()), size != "L"),
            ("default deny for everyone", again(&cluster, &cluster.resources, always), false),
        ] {
            row(what, size, (&old, &new), Some(NODE));
            if whole {
                row(what, size, (&old, &new), None);
            }
        }
    }
}

fn again(cluster: &Cluster, resources: &[Resource], options: Options) -> Compiled {
    let extras = Extras { answers: cluster.answers.clone(), view: Some(NODE.into()), ..Extras::default() };
    compile(resources, extras, &cluster.sources, &options).unwrap()
}

fn row(what: &str, size: &str, (old, new): (&Compiled, &Compiled), node: Option<&str>) {
    let (mut best, mut work) = (Duration::MAX, u64::MAX);
    let mut said = String::new();
    for _ in 0..RUNS {
        let (start, before) = (Instant::now(), processor());
        let both = decide_both(old, new, node, &Limits::default()).unwrap();
        let comparison = both.comparison();
        let digest: Digest = comparison.digest(&both.isolation);
        best = best.min(start.elapsed());
        work = work.min(processor() - before);
        let (endpoints, cells) = (both.roster.endpoints.len(), comparison.cells());
        said = format!("{endpoints} | {cells} | {}", digest.parts.len());
    }
    let view = if node.is_some() { "a node" } else { "the cluster" };
    println!("| {what} | {size} | {view} | {:.0} ms | {work} ms | {said} |", best.as_secs_f64() * 1e3);
}

/// Milliseconds that processors have worked for this process, which other work on the machine does not lengthen.
fn processor() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    // User and system time in hundredths of a second (proc_pid_stat(5)).
    fields[11..13].iter().map(|field| field.parse::<u64>().unwrap() * 10).sum()
}
