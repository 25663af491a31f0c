//! S1114: a prefix that names an address inside it.

use std::net::IpAddr;

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::fix::replace;
use crate::lint::{Context, Lint};
use crate::source::Span;

pub(super) const LINT: Lint = Lint { code: Code::HostBits, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for prefix in &context.facts.prefixes {
        let resource = context.facts.entry(prefix.entry).resource;
        let all = std::iter::once(&prefix.cidr).chain(prefix.except);
        for cidr in all {
            let Some(address) = address_in(context, cidr.span) else { continue };
            if address == cidr.value.address() {
                continue;
            }
            let message = format!("this means all of `{}`, not `{address}` alone", cidr.value);
            found.push(
                context
                    .finding(Code::HostBits, resource, cidr.span, message)
                    .help(format!(
                        "write `{}`, or `{}` for the one address",
                        cidr.value,
                        sluice_ir::net::Cidr::host(address)
                    ))
                    .fix(replace(
                        context.sources,
                        cidr.span,
                        &cidr.value.to_string(),
                        "write the prefix itself",
                    )),
            );
        }
    }
}

/// The address before the slash, as written.
fn address_in(context: &Context<'_>, span: Span) -> Option<IpAddr> {
    let text = context.sources.text(span).trim_matches(['"', '\'']);
    text.split_once('/')?.0.parse().ok()
}
