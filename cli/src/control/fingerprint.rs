//! Names for findings that stay when lines move.

use std::collections::BTreeMap;

use sluice_compiler::diagnostic::Diagnostic;
use sluice_compiler::source::Sources;

/// Gives each finding its name; of those that are alike each has a number.
#[derive(Debug, Default)]
pub(crate) struct Fingerprints {
    seen: BTreeMap<u64, usize>,
}

impl Fingerprints {
    /// The name of the next finding, in the order of the report.
    pub(crate) fn next(&mut self, sources: &Sources, finding: &Diagnostic) -> String {
        let print = fingerprint(sources, finding);
        let times = self.seen.entry(print).or_default();
        *times += 1;
        format!("{print:016x}:{times}")
    }
}

/// Code, file, object and underlined text (FNV-1a).
fn fingerprint(sources: &Sources, finding: &Diagnostic) -> u64 {
    let document = finding.document.as_deref();
    let parts = [
        finding.code.as_str(),
        finding.span.map_or("", |span| sources.file(span.file).name()),
        document.map_or("", |document| &document.kind),
        document.and_then(|document| document.namespace.as_deref()).unwrap_or(""),
        document.map_or("", |document| &document.name),
        finding.span.map_or("", |span| sources.text(span)),
    ];
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
