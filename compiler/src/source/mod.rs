//! Source text and where things are in it.
//!
//! The way in: bytes with a display name become a [`SourceFile`] in a [`Sources`]
//! ([`Sources::add_bytes`]), and [`parse`] turns a file into [`Document`]s: trees in which every key
//! and scalar keeps its [`Span`]. Parsing gives what it could read *and* diagnostics; a broken
//! document never hides its neighbours in the same file.
//!
//! Inside, a file goes through four hands: `split` cuts it into chunks of one document each, `load`
//! turns a chunk's parser events into steps, `build` takes the steps, and `parse` numbers the results.

mod build;
mod encoding;
mod file;
mod findings;
mod layout;
mod lines;
mod load;
mod mapping;
mod node;
#[cfg(any(test, feature = "test-support"))]
pub mod oracle;
mod parse;
mod scalar;
mod split;
mod step;
mod syntax;

pub use file::{FileId, LineColumn, SourceFile, Sources, Span};
pub use lines::{Line, parse_lines};
pub use node::{Document, Entry, Node, NodeKind, ScalarStyle};
pub use parse::{Limits, parse, parse_in_parts};
pub use scalar::Scalar;
