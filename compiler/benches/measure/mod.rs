//! Tables of whole runs, each row in a process of its own so that its memory can be told.

mod bytes;
mod changes;
mod reference;

use std::process::Command;
use std::time::{Duration, Instant};

use sluice_compiler::classify::Limits;
use sluice_compiler::{DecideError, Decided, Stage, decide};

use crate::cluster::worst::CASES;
use crate::cluster::{Cluster, L, M, NODE, S, Shape, XL};

const RUNS: usize = 5;

/// Sizes by name, then growth in one number with the others as at M.
fn shapes() -> Vec<(String, Shape)> {
    let mut shapes: Vec<(String, Shape)> =
        [("S", S), ("M", M), ("L", L), ("10,000 policies, 100,000 pods", XL)]
            .map(|(name, shape)| (name.into(), shape))
            .into();
    for times in [1, 4, 16] {
        shapes.push((format!("{} policies", 400 * times), Shape { policies: 400 * times, ..M }));
    }
    for times in [1, 4, 16] {
        shapes.push((format!("{} pods", 1_250 * times), Shape { pods: 1_250 * times, ..M }));
    }
    for times in [1, 4, 16] {
        shapes.push((format!("{} local endpoints", 25 * times), Shape { local: 25 * times, ..M }));
    }
    for times in [1, 10, 100] {
        shapes.push((format!("{} prefixes", 100 * times), Shape { cidrs: 100 * times, ..M }));
    }
    for times in [1, 10, 100] {
        shapes.push((format!("{} names", 60 * times), Shape { names: 60 * times, ..M }));
    }
    shapes
}

fn shape(name: &str) -> Shape {
    shapes().into_iter().find(|(known, _)| known == name).unwrap().1
}

/// Prints all tables.
pub(crate) fn tables() {
    println!(
        "| full resolve | compile | optimise, find peers | classify | validate | whole | processor time | cells | peak memory |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
    shapes().iter().for_each(|(name, _)| child(&format!("shape:{name}")));
    println!("\n| the reference alone | a question | questions | all of them |\n|---|---:|---:|---:|");
    ["S", "M", "L"].iter().for_each(|name| child(&format!("reference:{name}")));
    println!(
        "\n| worst case | compile | optimise, find peers | classify | validate | whole | processor time | cells | peak memory |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
    CASES.iter().for_each(|(name, _, _)| child(&format!("worst:{name}")));
    println!("\n| change | policies | fastest | median | slowest |\n|---|---:|---:|---:|---:|");
    [300, 1_500, 5_000, 10_000].iter().for_each(|policies| child(&format!("changes:{policies}")));
    println!("\n| what | bytes |\n|---|---:|");
    child("bytes:L");
}

fn child(row: &str) {
    let program = std::env::current_exe().unwrap();
    let done = Command::new(program).args(["--row", row]).output().unwrap();
    assert!(done.status.success(), "{row}: {}", String::from_utf8_lossy(&done.stderr));
    print!("{}", String::from_utf8_lossy(&done.stdout));
}

/// Prints the rows of one table that one process makes.
pub(crate) fn row(row: &str) {
    let (kind, name) = row.split_once(':').unwrap();
    match kind {
        "shape" => stages(name, &Cluster::of(shape(name))),
        "reference" => reference::row(name, &Cluster::of(shape(name))),
        "worst" => {
            let (name, make, count) = CASES.into_iter().find(|(known, _, _)| *known == name).unwrap();
            stages(name, &make(count));
        }
        "changes" => changes::rows(name.parse().unwrap()),
        _ => bytes::rows(&Cluster::of(L)),
    }
}

/// Milliseconds of the fastest run of each stage.
fn stages(name: &str, cluster: &Cluster) {
    forget_peak();
    let mut best = [Duration::MAX; 6];
    let mut cells = String::new();
    for _ in 0..RUNS {
        let (start, worked) = (Instant::now(), processor_time());
        let compiled = cluster.compile();
        let mut times = vec![start.elapsed()];
        let mut last = Instant::now();
        let decided = decide(&compiled, Some(NODE), &Limits::default(), &mut |_: Stage| {
            times.push(last.elapsed());
            last = Instant::now();
        });
        times.resize(4, Duration::ZERO);
        times.extend([start.elapsed(), processor_time() - worked]);
        best.iter_mut().zip(times).for_each(|(best, time)| *best = time.min(*best));
        cells = said(decided);
    }
    let ms = best.map(|time| format!("{:.1} ms", time.as_secs_f64() * 1e3));
    println!("| {name} | {} | {cells} | {} MiB |", ms.join(" | "), peak() >> 10);
}

fn said(decided: Result<Decided, DecideError>) -> String {
    match decided {
        Ok(decided) => decided.classified.decision.cells().to_string(),
        Err(DecideError::Classify(refused)) => {
            format!("refused: {}", refused.to_string().split('(').next().unwrap_or_default())
        }
        Err(error) => panic_with(&error),
    }
}

#[allow(clippy::panic, reason = "a benchmark that cannot run has to fail")]
fn panic_with(error: &DecideError) -> ! {
    panic!("{error}")
}

/// What all threads have worked so far: less than the clock says where others use the processors too.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

/// Begins to count the peak anew, from what the input takes.
fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

/// The most memory that the process had, in KiB: the parsed input and its text are part of it.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}
