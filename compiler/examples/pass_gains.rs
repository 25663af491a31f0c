//! What each optimising pass gains, as a Markdown table.
//!
//! ```text
//! cargo run --release --example pass_gains -- [--node NAME] [--times] FOLDER...
//! ```
//!
//! The manifests of each folder are one policy. With `--node` the endpoints are those of that node, and rules
//! for others are left out first. With `--times` there is a line for the time of each pipeline.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for people who change a pass")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sluice_compiler::optimise::{Optimised, Sizes, localise::localise, optimise};
use sluice_compiler::options::Options;
use sluice_compiler::source::{Limits, Sources};
use sluice_compiler::{Compiled, Extras, compile, load};
use sluice_ir::policy::Identity;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (mut node, mut times, mut folders) = (None, false, Vec::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--node" => node = arguments.next(),
            "--times" => times = true,
            folder => folders.push(PathBuf::from(folder)),
        }
    }
    println!("| policies | pass | rules | selectors | peers | port ranges |");
    println!("|---|---|---:|---:|---:|---:|");
    for folder in &folders {
        report(folder, node.as_deref(), times);
    }
}

fn report(folder: &Path, node: Option<&str>, times: bool) {
    let compiled = compiled(folder);
    let here = compiled.inventory.endpoints.iter().filter(|e| e.node.as_deref() == node);
    let subjects: Vec<&Identity> = here.map(|endpoint| &*endpoint.identity).collect();
    let run = || optimise(&compiled.policy, node.map(|_| &*subjects)).unwrap();
    let Optimised { passes, .. } = run();
    let name = folder.file_name().map_or_else(|| folder.display().to_string(), |n| n.display().to_string());
    line(&name, "before", &Sizes::of(&compiled.policy), &Sizes::default());
    for pass in &passes {
        line("", &format!("`{}`", pass.pass), &pass.after, &pass.before);
    }
    if times {
        let local = best(|| drop(localise(&compiled.policy, &subjects)));
        println!("\n{name}: {:?} for the pipeline, {local:?} for `localise`\n", best(|| drop(run())));
    }
}

/// The best time of ten.
fn best(run: impl Fn()) -> Duration {
    let time = |_| {
        let start = Instant::now();
        run();
        start.elapsed()
    };
    (0..10).map(time).min().unwrap_or_default()
}

/// A row; numbers that a pass made smaller are bold.
fn line(name: &str, pass: &str, sizes: &Sizes, before: &Sizes) {
    let cell = |now: usize, then: usize| if now < then { format!("**{now}**") } else { now.to_string() };
    println!(
        "| {name} | {pass} | {} | {} | {} | {} |",
        cell(sizes.rules, before.rules),
        cell(sizes.selectors, before.selectors),
        cell(sizes.peers, before.peers),
        cell(sizes.port_ranges, before.port_ranges),
    );
}

fn compiled(folder: &Path) -> Compiled {
    let mut sources = Sources::default();
    let mut files = Vec::new();
    collect(folder, &mut files);
    files.sort();
    let ids: Vec<_> = files
        .iter()
        .filter_map(|file| Some(sources.add(file.display().to_string(), fs::read_to_string(file).ok()?)))
        .collect();
    let options = Options::default();
    let loaded = load(&sources, &ids, &options, &Limits::default());
    compile(&loaded.resources, Extras::default(), &sources, &options).unwrap()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let manifest = path.extension().is_some_and(|ext| ["yaml", "yml", "json"].iter().any(|e| ext == *e));
        if path.is_dir() {
            collect(&path, files);
        } else if manifest {
            files.push(path);
        }
    }
}
