//! What the text forms of [policies](crate::policy::text) and of [decisions](crate::decision::text) share.

mod error;
mod print_l7;
mod read;
mod read_l7;

pub use error::{Problem, TextError};
pub(crate) use print_l7::write_l7;
pub(crate) use read::*;
pub(crate) use read_l7::read_l7;

use std::fmt::{self, Formatter};

use crate::dns_name::{DnsMember, DnsPattern};
use crate::policy::Direction;
use crate::word::word;

/// The longest text that is read, in bytes. Reading takes some fifty times as much memory.
pub const MAX_LENGTH: usize = 64 << 20;

/// The most cells that the rows of one direction of a decision may have when it is read.
pub const MAX_CELLS: usize = 16 << 20;

/// The grammar of both forms; in a module of its own as its `Rule` is not a policy's.
pub(crate) mod grammar {
    /// Generated from the files below.
    #[derive(pest_derive::Parser)]
    #[grammar = "text/common.pest"]
    #[grammar = "policy/text/policy.pest"]
    #[grammar = "decision/text/decision.pest"]
    pub(crate) struct Grammar;
}

/// The word before a peer.
pub(crate) fn side(direction: Direction) -> &'static str {
    match direction {
        Direction::Ingress => "from",
        Direction::Egress => "to",
    }
}

/// `namespace/name`, or just the name.
pub(crate) fn write_name(f: &mut Formatter<'_>, namespace: Option<&str>, name: &str) -> fmt::Result {
    match namespace {
        Some(namespace) => write!(f, "{}/{}", word(namespace), word(name)),
        None => write!(f, "{}", word(name)),
    }
}

/// `name ".."` or `pattern ".."`.
pub(crate) fn write_pattern(f: &mut Formatter<'_>, pattern: &DnsPattern) -> fmt::Result {
    let member = match pattern.member() {
        DnsMember::Name => "name",
        DnsMember::Pattern => "pattern",
    };
    write!(f, "{member} {:?}", pattern.text())
}
