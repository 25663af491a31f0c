//! S1113: an IPv4 address in IPv6 clothes.

use std::net::IpAddr;

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::MappedPrefix, run };

/// The prefix of all mapped addresses has this length (RFC 4291, 2.5.5.2).
const MAPPED: u8 = 96;

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for prefix in &context.facts.prefixes {
        let cidr = prefix.cidr.value;
        let IpAddr::V6(address) = cidr.address() else { continue };
        let Some(inner) = address.to_ipv4_mapped().filter(|_| cidr.length() >= MAPPED) else { continue };
        let resource = context.facts.entry(prefix.entry).resource;
        let plain = format!("{inner}/{}", cidr.length() - MAPPED);
        found.push(
            context
                .finding(
                    Code::MappedPrefix,
                    resource,
                    prefix.cidr.span,
                    "a mapped prefix matches no IPv4 packet, and no other packet has such an address",
                )
                .help(format!("write `{plain}`")),
        );
    }
}
