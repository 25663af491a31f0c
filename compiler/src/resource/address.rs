//! Addresses as the inputs beside policies write them: pods, nodes, DNS answers, cloud inventories.

use std::net::IpAddr;

use super::decode::{Decoder, Spanned};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Node, Scalar};

/// Reads an address: no prefix length, no port, no zone, no leading zeros.
///
/// # Errors
/// `S0907` at the value.
pub fn address(node: &Node) -> Result<Spanned<IpAddr>, Box<Diagnostic>> {
    let Some(Scalar::String(text)) = node.scalar() else {
        let message = format!("an address is needed, and this is {}", node.type_name());
        return Err(Diagnostic::new(Code::InvalidAddress, node.span, message).help(EXAMPLE).into());
    };
    text.parse().map(|address| Spanned::new(address, node.span)).map_err(|_| {
        let message = format!("`{text}` is not an address");
        Diagnostic::new(Code::InvalidAddress, node.span, message).help(advice(text)).into()
    })
}

/// Reads an address of a Kubernetes object; a fault is reported.
pub(super) fn read_address(decoder: &mut Decoder<'_>, node: &Node) -> Option<Spanned<IpAddr>> {
    match address(node) {
        Ok(address) => Some(address),
        Err(diagnostic) => {
            decoder.report(*diagnostic);
            None
        }
    }
}

const EXAMPLE: &str = "an address looks like `10.0.1.50` or `fd00::1`";

fn advice(text: &str) -> &'static str {
    let is_address = |text: &str| text.parse::<IpAddr>().is_ok();
    match text {
        _ if text.split_once('/').is_some_and(|(address, _)| is_address(address)) => {
            "leave out the prefix length"
        }
        _ if text.split_once('%').is_some_and(|(address, _)| is_address(address)) => "leave out the zone",
        _ if text.parse::<std::net::SocketAddr>().is_ok() => "leave out the port",
        _ if text.bytes().any(|b| b.is_ascii_alphabetic()) && !text.contains(':') => {
            "a host name is no address: write the address that it has"
        }
        _ => EXAMPLE,
    }
}
