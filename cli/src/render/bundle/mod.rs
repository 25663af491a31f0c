//! How bundles look.

mod maps;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use sluice_backends::bundle::{Bundle, Endpoint, IMAGES, Line, Manifest, Provenance};
use sluice_backends::datapath::program_name;
use sluice_backends::program::disassemble;
use sluice_ir::policy::Direction;

pub(crate) use maps::maps;

use super::answer::reason;
use super::text::{harmless, harmless_json};

/// What is shown beside the manifest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts {
    /// Images.
    pub(crate) maps: bool,
    /// Programs.
    pub(crate) asm: bool,
}

/// The manifest as JSON, and what else is asked for.
#[derive(Serialize)]
struct Document<'b> {
    #[serde(flatten)]
    manifest: &'b Manifest,
    #[serde(skip_serializing_if = "Option::is_none")]
    maps: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asm: Option<BTreeMap<&'static str, String>>,
}

/// As one JSON document.
pub(crate) fn json(bundle: &Bundle, parts: Parts) -> String {
    let program = |direction| (program_name(direction), disassemble(&bundle.programs()[direction]));
    let document = Document {
        manifest: bundle.manifest(),
        maps: parts.maps.then(|| maps(bundle)),
        asm: parts.asm.then(|| Direction::BOTH.map(program).into()),
    };
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    harmless_json(text)
}

/// For people.
pub(crate) fn human(bundle: &Bundle, parts: Parts) -> String {
    let manifest = bundle.manifest();
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = head(&mut text, bundle);
    for endpoint in &manifest.endpoints {
        let _ = write_endpoint(&mut text, endpoint);
    }
    text.push_str("\nverdicts\n");
    for (number, verdict) in manifest.verdicts.iter().enumerate() {
        let _ = write_verdict(&mut text, number, verdict);
    }
    for part in [parts.maps.then(|| maps(bundle)), parts.asm.then(|| asm(bundle))].into_iter().flatten() {
        text.push('\n');
        text.push_str(&part);
    }
    text
}

fn head(text: &mut String, bundle: &Bundle) -> std::fmt::Result {
    let Manifest { abi, sluice, target, node, input, policy, content, sizes, .. } = bundle.manifest();
    let whose = node.as_deref().map_or("the whole cluster".to_owned(), harmless);
    writeln!(text, "bundle of {whose}")?;
    writeln!(
        text,
        "  for      {}, version {abi} of the ABI, by sluice {}",
        harmless(target),
        harmless(sluice)
    )?;
    writeln!(text, "  input    {input}")?;
    writeln!(text, "  policy   {policy}")?;
    writeln!(text, "  content  {content}")?;
    text.push_str("\nprograms\n");
    for (direction, instructions) in sizes.instructions.iter() {
        writeln!(text, "  {:<16} {instructions} instructions", program_name(direction))?;
    }
    text.push_str("\nimages\n");
    for image in IMAGES {
        writeln!(text, "  {:<16} {} bytes", image.map().name, bundle.image(image).len())?;
    }
    text.push_str("\nendpoints\n");
    Ok(())
}

fn write_endpoint(text: &mut String, endpoint: &Endpoint) -> std::fmt::Result {
    let addresses: Vec<String> = endpoint.addresses.iter().map(ToString::to_string).collect();
    let name = harmless(&endpoint.full_name().to_string());
    let (ingress, egress) = (endpoint.tables.ingress, endpoint.tables.egress);
    let addresses = if addresses.is_empty() { "no address".to_owned() } else { addresses.join(", ") };
    writeln!(text, "  {name}  {addresses}  table {ingress} for ingress, {egress} for egress")
}

fn write_verdict(text: &mut String, number: usize, verdict: &Provenance) -> std::fmt::Result {
    let authenticated = if verdict.authenticated { ", authentication demanded" } else { "" };
    writeln!(text, "  v{number} {}: {}{authenticated}", verdict.verdict, reason(verdict.reason))?;
    for origin in &verdict.origins {
        let Line { kind, file, line, column, path, .. } = origin;
        let object = format!("{kind} {}  {file}:{line}:{column}  {path}", origin.object());
        writeln!(text, "    {}", harmless(&object))?;
    }
    Ok(())
}

/// The programs, instruction by instruction.
pub(crate) fn asm(bundle: &Bundle) -> String {
    let programs = bundle.programs().iter();
    let text =
        programs.map(|(direction, code)| format!("{}:\n{}", program_name(direction), disassemble(code)));
    text.collect::<Vec<_>>().join("\n")
}
