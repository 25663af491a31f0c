//! How the answer to "may A reach B" looks.

pub(crate) mod human;
pub(crate) mod json;
mod rule;

use std::borrow::Cow;

use sluice_compiler::Compiled;
use sluice_compiler::judge::{FlowAnswer, Side};
use sluice_compiler::resource::flow::{EndRef, Flow};
use sluice_ir::policy::eval::Reason;

/// A flow with its answer, and what the answer refers to.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// What was asked.
    pub(crate) flow: &'a Flow,
    /// What is said.
    pub(crate) answer: &'a FlowAnswer,
    /// The rules.
    pub(crate) compiled: &'a Compiled,
}

/// `shop/web`, `10.0.0.7`, `fqdn:api.example.com`, `host`.
fn end(end: &EndRef) -> Cow<'_, str> {
    match end {
        EndRef::Named { namespace, name } => format!("{namespace}/{name}").into(),
        EndRef::Address(address) => address.to_string().into(),
        EndRef::Name(name) => format!("fqdn:{name}").into(),
        EndRef::Entity(entity) => entity.word().into(),
    }
}

/// `443/tcp`, `icmp type 8`, `gre`.
fn traffic(flow: &Flow) -> String {
    let Flow { protocol, port, .. } = flow;
    if protocol.is_icmp() {
        format!("{protocol} type {port}")
    } else if protocol.has_ports() {
        format!("{port}/{protocol}")
    } else {
        protocol.to_string()
    }
}

/// `allow`, `deny`, `redirect`, or `unmanaged` for a side that is no endpoint.
fn verdict(side: Option<&Side>) -> String {
    side.map_or_else(|| "unmanaged".to_owned(), |side| side.answer.verdict.to_string())
}

/// The word for a reason in JSON.
pub(super) fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::NotEnforced => "not-enforced",
        Reason::Rules => "rules",
        Reason::Localhost => "localhost",
        Reason::DefaultDeny => "default-deny",
        Reason::NotIsolated => "not-isolated",
    }
}
