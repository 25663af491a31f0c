//! Sizes and times of a compile.

use std::fmt::Write as _;
use std::time::Duration;

use sluice_backends::bundle::{Bundle, IMAGES};
use sluice_backends::datapath::program_name;
use sluice_compiler::{Compiled, Decided};
use sluice_ir::decision::Side;

/// The report: a line for each size, then a line for each stage.
pub(crate) fn render(
    compiled: &Compiled,
    decided: &Decided,
    bundle: &Bundle,
    times: &[(&'static str, Duration)],
) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let mut line = |what: &str, value: String| {
        let _ = writeln!(text, "{what:<26} {value}");
    };
    let decision = &decided.classified.decision;
    line("rules", compiled.policy.rules.len().to_string());
    line("selectors", compiled.policy.selectors.len().to_string());
    for pass in &decided.passes {
        let (before, after) = (pass.before, pass.after);
        let sizes = [
            (before.rules, after.rules, "rules"),
            (before.selectors, after.selectors, "selectors"),
            (before.peers, after.peers, "peers"),
            (before.port_ranges, after.port_ranges, "port ranges"),
        ];
        let changed = sizes.iter().filter(|(before, after, _)| before != after);
        let changed: Vec<String> =
            changed.map(|(before, after, what)| format!("{before} to {after} {what}")).collect();
        let what = if changed.is_empty() { "nothing to do".to_owned() } else { changed.join(", ") };
        line(&format!("pass {}", pass.pass), what);
    }
    line("endpoints", decided.judged.len().to_string());
    line("subjects", decision.subjects.len().to_string());
    line("peers", decided.population.len().to_string());
    line("classes of peers", decision.classes.len().to_string());
    line("prefixes", format!("{} of {}", decision.prefixes.len(), decided.population.addresses.len()));
    for (direction, side) in decision.sides.iter() {
        line(&format!("{direction} table"), side_sizes(side));
    }
    line("verdicts", decision.verdicts.len().to_string());
    line("cells", decision.cells().to_string());
    line("table bytes", decision.bytes().to_string());
    let sizes = &bundle.manifest().sizes;
    for (image, bytes) in IMAGES.map(|image| (image.map().name, bundle.image(image).len())) {
        line(&format!("image {image}"), format!("{bytes} bytes"));
    }
    for (direction, instructions) in sizes.instructions.iter() {
        line(&format!("program {}", program_name(direction)), format!("{instructions} instructions"));
    }
    let proof = decided.proof;
    line(
        "proved",
        format!(
            "{} cells by {} evaluations, {} peers, {} stretches of addresses",
            proof.cells, proof.evaluations, proof.peers, proof.stretches
        ),
    );
    for (stage, time) in times {
        line(&format!("time to {stage}"), format!("{:.1} ms", time.as_secs_f64() * 1000.0));
    }
    text
}

fn side_sizes(side: &Side) -> String {
    format!(
        "{} rows, {} classes of ports in {} spans",
        side.rows.len(),
        side.ports.len(),
        side.ports.spans().len()
    )
}
