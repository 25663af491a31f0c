//! Files of answers: documents, or a value a line.

use std::net::IpAddr;

use sluice_ir::dns_name::DnsName;

use super::entry::{Kind, is_entry, read};
use super::{Recorded, Recording, Said};
use crate::diagnostic::{Code, Diagnostic};
use crate::resource::address::address;
use crate::source::{Entry, FileId, Limits, Node, NodeKind, Scalar, Sources, Span, parse, parse_lines};

/// How many hexadecimal digits and what follows stand before a line that an agent keeps.
const CHECKSUM: usize = 9;

impl Recording {
    /// Reads files that are given with `--dns`; the module says what may be in them. A name that is written twice, in whatever
    /// case and with or without its final dot, has the addresses of both (semantics.md 5.8).
    ///
    /// The findings are `S0901` for another shape and `S0907` for an address. A file with either must not be used: names
    /// would look unreachable.
    pub fn read(sources: &Sources, files: &[FileId], limits: &Limits) -> (Recording, Vec<Diagnostic>) {
        let mut reader = Reader::default();
        for file in files {
            reader.file(sources, *file, limits);
        }
        let Reader { mut recording, found, kind } = reader;
        recording.dated = kind == Some(Kind::Dated);
        // What is gone has no time, and stands after what it was.
        let mut last = None;
        let keyed = recording.entries.into_iter().map(|entry| {
            last = match entry.said {
                Said::Gone(_) => last.max(entry.time),
                _ => entry.time,
            };
            (last, entry)
        });
        let mut keyed: Vec<_> = keyed.collect();
        keyed.sort_by_key(|(time, _)| *time);
        recording.entries = keyed.into_iter().map(|(_, entry)| entry).collect();
        (recording, found)
    }
}

#[derive(Default)]
struct Reader {
    recording: Recording,
    found: Vec<Diagnostic>,
    /// How the first time is written, as all others must be.
    kind: Option<Kind>,
}

impl Reader {
    fn file(&mut self, sources: &Sources, file: FileId, limits: &Limits) {
        if !is_lines(sources.file(file).text()) {
            let (documents, findings) = parse(sources, file, limits);
            self.found.extend(findings);
            documents.iter().for_each(|document| self.document(&document.root));
            return;
        }
        for line in parse_lines(sources, file, limits, checksum) {
            match line.value {
                Ok(node) => self.document(&node),
                Err(fault) => self.found.push(*fault),
            }
        }
    }

    fn document(&mut self, root: &Node) {
        match &root.kind {
            NodeKind::Mapping(_) if is_entry(root) => self.entry(root),
            NodeKind::Mapping(entries) => entries.iter().for_each(|entry| self.of_name(entry)),
            NodeKind::Sequence(items) if items.iter().all(is_entry) => {
                items.iter().for_each(|item| self.entry(item));
            }
            _ => self.fault(root.span, "a map from names to addresses is needed here"),
        }
    }

    fn entry(&mut self, node: &Node) {
        match read(node) {
            Ok(None) => {}
            Ok(Some((recorded, kind))) => {
                if let (Some(first), Some(kind)) = (self.kind, kind)
                    && first != kind
                {
                    let message =
                        "some times are of a calendar, and some are seconds since the recording began";
                    return self.fault(recorded.span, message);
                }
                self.kind = self.kind.or(kind);
                self.recording.entries.push(recorded);
            }
            Err(findings) => self.found.extend(findings),
        }
    }

    /// A name of a map, with its addresses.
    fn of_name(&mut self, entry: &Entry) {
        let value = match &entry.value.kind {
            NodeKind::Mapping(_) => entry.value.get("addresses").unwrap_or(&entry.value),
            _ => &entry.value,
        };
        let (text, span) = (&*entry.key, entry.key_span);
        let name = match DnsName::parse(text) {
            Ok(name) => name,
            Err(_) => return self.fault(span, &format!("`{text}` is not a DNS name")),
        };
        let items = match (&value.kind, value.scalar()) {
            (NodeKind::Sequence(items), _) => items.as_slice(),
            (_, Some(Scalar::String(_))) => std::slice::from_ref(value),
            // What is empty has no text to point at.
            (_, Some(Scalar::Null)) => return self.fault(span, &format!("`{text}` has no addresses")),
            _ => {
                return self.fault(
                    value.span,
                    &format!("a list of addresses is needed, and this is {}", value.type_name()),
                );
            }
        };
        let mut addresses: Vec<IpAddr> = Vec::with_capacity(items.len());
        for item in items {
            match address(item) {
                Ok(address) => addresses.push(address.value),
                Err(diagnostic) => self.found.push(*diagnostic),
            }
        }
        let said = Said::Addresses(addresses, None);
        let recorded = Recorded { name, span, time: None, endpoint: None, said, aliases: Vec::new() };
        self.recording.entries.push(recorded);
    }

    fn fault(&mut self, span: Span, message: &str) {
        let help = "write whole names with the addresses that they have: `api.example.com: [203.0.113.7]`";
        self.found.push(Diagnostic::new(Code::DnsAnswers, span, message).help(help));
    }
}

/// Whether each line is a value of its own: the first is a whole object, or begins with a checksum.
fn is_lines(text: &str) -> bool {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    checksum(first) > 0 || (first.starts_with('{') && first.ends_with('}'))
}

/// How long the checksum at the beginning of a line is.
fn checksum(line: &str) -> usize {
    let Some((sum, _)) = line.split_at_checked(CHECKSUM) else { return 0 };
    let digits = sum.strip_suffix(' ').is_some_and(|sum| sum.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if digits && line[CHECKSUM..].starts_with('{') { CHECKSUM } else { 0 }
}
