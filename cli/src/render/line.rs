//! A line of the user's in JSON.

use schemars::JsonSchema;
use serde::Serialize;
use sluice_ir::origin::Origin;

/// A line of a file, and the object that it belongs to.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Line {
    /// The kind of the object.
    kind: String,
    /// Its namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    /// Its name.
    name: String,
    /// The path in the object, such as `spec.ingress[0].toPorts[0]`.
    path: String,
    /// The file as named on the command line.
    file: String,
    /// Line, from 1.
    line: u32,
    /// Column, from 1.
    column: u32,
}

impl Line {
    /// A line of the user's.
    pub(super) fn new(origin: &Origin) -> Line {
        Line {
            kind: origin.kind.to_string(),
            namespace: origin.namespace.as_deref().map(str::to_owned),
            name: origin.name.to_string(),
            path: origin.path.to_string(),
            file: origin.file.to_string(),
            line: origin.line,
            column: origin.column,
        }
    }
}
