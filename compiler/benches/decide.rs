//! From objects to a proved table, and from a change to a delta: `cargo bench --bench decide`.
//!
//! By default each stage by itself. With `-- --tables` whole runs in processes of their own, with the memory
//! that they take, as tables for docs/benchmarks.md.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot run has to fail")]
#![allow(clippy::print_stdout, reason = "its tables are what it is for")]

mod cluster;
mod measure;

use std::fmt;

use cluster::{L, M, NODE, S, Shape, known};
use divan::Bencher;
use sluice_compiler::classify::{Judged, Limits, Population, classify, judged};
use sluice_compiler::optimise::optimise;
use sluice_compiler::validate::{InForce, validate};
use sluice_compiler::{Compiled, decide};
use sluice_ir::policy::Identity;

/// A shape under its name.
#[derive(Clone, Copy)]
struct Size(&'static str, Shape);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// As the command line has it (`cli/src/main.rs`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SIZES: [Size; 3] = [Size("S", S), Size("M", M), Size("L", L)];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().position(|argument| argument == "--row") {
        Some(at) => measure::row(&arguments[at + 1]),
        None if arguments.iter().any(|argument| argument == "--tables") => measure::tables(),
        None => divan::main(),
    }
}

fn subjects(judged: &[Judged]) -> Vec<&Identity> {
    judged.iter().map(|judged| &*judged.identity).collect()
}

fn given(size: Size) -> (Compiled, Vec<Judged>) {
    let compiled = known(size.1).compile();
    let judged = judged(&compiled.inventory, &compiled.policy, Some(NODE));
    (compiled, judged)
}

fn populated(compiled: &Compiled, judged: &[Judged]) -> (InForce, Population) {
    let in_force = InForce::new(&compiled.policy, judged);
    let population = Population::new(&compiled.inventory, &compiled.policy, in_force.rules(), Some(NODE));
    (in_force, population)
}

#[divan::bench(args = SIZES, sample_size = 1, max_time = 2)]
fn a_compile(bencher: Bencher<'_, '_>, size: Size) {
    let cluster = known(size.1);
    bencher.bench(|| cluster.compile());
}

#[divan::bench(args = SIZES, sample_size = 1, max_time = 2)]
fn b_optimise(bencher: Bencher<'_, '_>, size: Size) {
    let (compiled, judged) = given(size);
    bencher.bench(|| optimise(&compiled.policy, Some(&subjects(&judged))));
}

#[divan::bench(args = SIZES, sample_size = 1, max_time = 2)]
fn c_find_peers(bencher: Bencher<'_, '_>, size: Size) {
    let (compiled, judged) = given(size);
    bencher.bench(|| populated(&compiled, &judged));
}

#[divan::bench(args = SIZES, sample_size = 1, max_time = 2)]
fn d_classify(bencher: Bencher<'_, '_>, size: Size) {
    let (compiled, judged) = given(size);
    let (_, population) = populated(&compiled, &judged);
    let optimised = optimise(&compiled.policy, Some(&subjects(&judged))).unwrap();
    bencher.bench(|| classify(&optimised.policy, &population, &judged, &Limits::default()).unwrap());
}

#[divan::bench(args = SIZES, sample_size = 1, max_time = 2)]
fn e_validate(bencher: Bencher<'_, '_>, size: Size) {
    let (compiled, judged) = given(size);
    let (in_force, population) = populated(&compiled, &judged);
    let optimised = optimise(&compiled.policy, Some(&subjects(&judged))).unwrap();
    let classified = classify(&optimised.policy, &population, &judged, &Limits::default()).unwrap();
    bencher.bench(|| validate(&compiled.policy, &population, &judged, &in_force, &classified).unwrap());
}

#[divan::bench(args = SIZES, sample_size = 1, max_time = 2)]
fn f_whole(bencher: Bencher<'_, '_>, size: Size) {
    let cluster = known(size.1);
    bencher.bench(|| decide(&cluster.compile(), Some(NODE), &Limits::default(), &mut |_| ()).unwrap());
}
