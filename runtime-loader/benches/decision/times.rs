//! Nanoseconds of one decision, and the memory that it takes.

use std::net::IpAddr;

use rustix::time::{ClockId, clock_gettime};

use crate::programs::{QUESTIONS, Scheme};
use crate::scene::{Scene, run};
use crate::world::{Layout, Size, World};

/// Each program is loaded so often: where the kernel happens to put it is worth up to 25 ns.
const RELOADS: usize = 4;
/// Times that each is measured.
const REPEATS: usize = 3;
/// Runs of what is quick. Slow schemes run a quarter of it: every question four times.
const RUNS: usize = 16 * QUESTIONS;

const SIZES: [Size; 12] = {
    const fn size(layout: Layout, peers: usize, (identities, ports): (usize, usize)) -> Size {
        Size { layout, peers, identities, ports }
    }
    const TEN: (usize, usize) = (10, 1);
    const THOUSAND: (usize, usize) = (250, 4);
    const MOST: (usize, usize) = (1_024, 16);
    [
        size(Layout::Dense, 1_000, TEN),
        size(Layout::Dense, 1_000, THOUSAND),
        size(Layout::Dense, 1_024, MOST),
        size(Layout::Dense, 10_000, TEN),
        size(Layout::Dense, 10_000, THOUSAND),
        size(Layout::Dense, 10_000, MOST),
        size(Layout::Dense, 100_000, TEN),
        size(Layout::Dense, 100_000, THOUSAND),
        size(Layout::Dense, 100_000, MOST),
        size(Layout::Scattered, 1_024, MOST),
        size(Layout::Scattered, 10_000, MOST),
        size(Layout::Scattered, 100_000, MOST),
    ]
};

/// Prints both tables.
pub(crate) fn tables() {
    println!(
        "| peers | rules | family | images | with the record | prefixes | hashes | prefixes to images |"
    );
    println!("|---|---:|---|---:|---:|---:|---:|---:|");
    let mut weights = Vec::new();
    for size in SIZES {
        let scene = Scene::new(World::new(size));
        for is_ipv4 in [true, false] {
            let many = scene.world.questions(is_ipv4, QUESTIONS);
            let [one, many] =
                [&many[..1], &many[..]].map(|questions| nanoseconds(&scene, is_ipv4, questions));
            println!("{}", row(size, is_ipv4, &one, &many));
        }
        weights.push(weight(size, &scene));
    }
    println!("\n| peers | rules | images | prefixes | hashes |\n|---|---:|---:|---:|---:|");
    weights.iter().for_each(|row| println!("{row}"));
}

fn named(size: Size) -> String {
    let layout = match size.layout {
        Layout::Dense => "side by side",
        Layout::Scattered => "scattered prefixes",
    };
    format!("{} {layout} | {}", size.peers, size.identities * size.ports)
}

fn row(size: Size, is_ipv4: bool, one: &Times, many: &Times) -> String {
    let of = |scheme: Scheme| match (one.of(scheme), many.of(scheme)) {
        (Some(one), Some(many)) => format!("{one:.1} / {many:.1}"),
        _ => String::new(),
    };
    let ratio = |times: &Times| {
        let (ours, theirs) = (times.of(Scheme::Images)?, times.of(Scheme::Prefixes)?);
        Some(format!("{:.0}", theirs / ours))
    };
    let ratios = [one, many].map(|times| ratio(times).unwrap_or_default()).join(" / ");
    format!(
        "| {} | {} | {} | {} | {} | {} | {ratios} |",
        named(size),
        if is_ipv4 { "IPv4" } else { "IPv6" },
        of(Scheme::Images),
        of(Scheme::Record),
        of(Scheme::Prefixes),
        of(Scheme::Hashes),
    )
}

fn weight(size: Size, scene: &Scene) -> String {
    let weight = scene.weight();
    let mib = |bytes: u64| match bytes {
        0 => String::new(),
        bytes => format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
    };
    let [images, prefixes, hashes] = [weight.images, weight.prefixes, weight.hashes].map(mib);
    format!("| {} | {images} | {prefixes} | {hashes} |", named(size))
}

/// The fastest run of each scheme, in nanoseconds.
struct Times([Option<f64>; Scheme::ALL.len()]);

impl Times {
    /// Of a scheme, less the time of none.
    fn of(&self, scheme: Scheme) -> Option<f64> {
        Some(self.0[scheme as usize]? - self.0[Scheme::Empty as usize]?)
    }
}

fn nanoseconds(scene: &Scene, is_ipv4: bool, questions: &[(IpAddr, u16)]) -> Times {
    scene.ask(questions);
    let mut best = [None; Scheme::ALL.len()];
    for _ in 0..RELOADS {
        for scheme in Scheme::ALL {
            let Some(program) = scene.load(scheme, is_ipv4) else { continue };
            scene.check(scheme, &program, questions);
            let runs = if scheme.is_quick() { RUNS } else { RUNS / 4 };
            for _ in 0..REPEATS {
                let before = cpu_time();
                run(&program, runs);
                let time = (cpu_time() - before) / runs as f64;
                let best = &mut best[scheme as usize];
                *best = Some(best.map_or(time, |best: f64| best.min(time)));
            }
        }
    }
    Times(best)
}

/// Nanoseconds that this thread has had a processor for: what others do in between does not count.
fn cpu_time() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}
