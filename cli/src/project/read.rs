//! Reading the values of `sluice.yaml`, with every fault on the way.

use sluice_compiler::diagnostic::{Code, Diagnostic};
use sluice_compiler::source::{Entry, Node, NodeKind, Scalar};

/// Collects what is wrong.
#[derive(Debug, Default)]
pub(super) struct Reader {
    pub(super) findings: Vec<Diagnostic>,
}

impl Reader {
    pub(super) fn report(&mut self, finding: Diagnostic) {
        self.findings.push(finding);
    }

    /// Says that something else is needed.
    pub(super) fn needs(&mut self, node: &Node, what: &str) {
        let message = format!("{what} is needed, and this is {}", node.type_name());
        self.report(
            Diagnostic::new(Code::ProjectFile, node.span, message)
                .help("`sluice explain S0912` shows what the file looks like"),
        );
    }
}

/// The entries of a mapping; nothing is as good as an empty one.
pub(super) fn entries<'n>(reader: &mut Reader, node: &'n Node) -> &'n [Entry] {
    match &node.kind {
        NodeKind::Mapping(entries) => entries,
        _ if node.is_null() => &[],
        _ => {
            reader.needs(node, "a mapping");
            &[]
        }
    }
}

/// The elements of a list.
pub(super) fn elements<'n>(reader: &mut Reader, node: &'n Node) -> &'n [Node] {
    match &node.kind {
        NodeKind::Sequence(items) => items,
        _ if node.is_null() => &[],
        _ => {
            reader.needs(node, "a list");
            &[]
        }
    }
}

/// The text of a scalar. `off` and `on` are read as they are written.
pub(super) fn text<'n>(reader: &mut Reader, node: &'n Node) -> Option<&'n str> {
    match (&node.kind, node.scalar()) {
        (NodeKind::Scalar(text, _), Some(Scalar::String(_) | Scalar::Bool(_))) => Some(text),
        _ => {
            reader.needs(node, "a string");
            None
        }
    }
}
