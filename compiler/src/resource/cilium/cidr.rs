//! Prefixes and CIDR sets (semantics.md 1.3, 2.3).

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use sluice_ir::label::LabelSource;
use sluice_ir::net::Cidr;

use super::peers::with_source;
use super::{CidrBase, CidrSetItem, PeerItems};
use crate::diagnostic::{Code, Diagnostic};
use crate::resource::advice::fitting_name;
use crate::resource::decode::{Decoder, Spanned, string};
use crate::resource::selector::{KeyStyle, SelectorSpec, is_dns_subdomain, selector};
use crate::source::{Node, Span};

pub(super) fn cidrs(decoder: &mut Decoder<'_>, node: &Node) -> PeerItems {
    PeerItems::Cidrs(decoder.list(node, address_or_prefix))
}

/// An element of `fromCIDR`: a prefix, or an address alone.
fn address_or_prefix(decoder: &mut Decoder<'_>, node: &Node) -> Option<Spanned<Cidr>> {
    let text = string(decoder, node)?;
    let cidr = text.value.parse::<Cidr>().ok().or_else(|| text.value.parse::<IpAddr>().ok().map(Cidr::host));
    match cidr {
        Some(cidr) => Some(Spanned::new(cidr, text.span)),
        None => {
            invalid_cidr(decoder, &text);
            None
        }
    }
}

/// An element that must be a prefix.
pub(crate) fn prefix(decoder: &mut Decoder<'_>, node: &Node) -> Option<Spanned<Cidr>> {
    let text = string(decoder, node)?;
    match text.value.parse::<Cidr>() {
        Ok(cidr) => Some(Spanned::new(cidr, text.span)),
        Err(_) => {
            match text.value.parse::<IpAddr>() {
                Ok(address) => decoder.report(
                    Diagnostic::new(
                        Code::PrefixNeeded,
                        text.span,
                        format!("`{address}` is an address, and a prefix is needed here"),
                    )
                    .label("no `/` and length")
                    .help(format!("write `{}` for this one address", Cidr::host(address))),
                ),
                Err(_) => invalid_cidr(decoder, &text),
            }
            None
        }
    }
}

fn invalid_cidr(decoder: &mut Decoder<'_>, text: &Spanned<Arc<str>>) {
    let written = &*text.value;
    let message = match written {
        "" => "an empty text is not an address prefix".to_owned(),
        written => format!("`{written}` is not an address prefix"),
    };
    // Names are peers of their own in an egress allow of Cilium only.
    let names = decoder.path().contains("egress[") && decoder.document().kind.starts_with("Cilium");
    let help = cidr_help(written, names);
    decoder.report(Diagnostic::new(Code::InvalidCidr, text.span, message).help(help));
}

fn cidr_help(written: &str, names: bool) -> String {
    let (address, length) = written.split_once('/').unwrap_or((written, ""));
    let zero =
        |octet: &str| octet.len() > 1 && octet.starts_with('0') && octet.bytes().all(|b| b.is_ascii_digit());
    let octets: Vec<&str> = address.split('.').collect();
    let dotted = octets.iter().all(|octet| !octet.is_empty() && octet.bytes().all(|b| b.is_ascii_digit()));
    let name = |c: char| c.is_ascii_alphabetic();
    if let Some(mask) = length.parse::<Ipv4Addr>().ok().map(u32::from)
        && address.parse::<Ipv4Addr>().is_ok()
        && mask.leading_ones() + mask.trailing_zeros() == 32
    {
        return format!("write the length in place of the mask: `{address}/{}`", mask.leading_ones());
    }
    let help = if written.is_empty() {
        "write a prefix such as `10.0.0.0/8`, or remove the element"
    } else if matches!(written, "*" | "any" | "all") {
        "write `0.0.0.0/0` for every IPv4 address, and `::/0` for every IPv6 address"
    } else if written.contains([',', ' ', ';']) {
        "write each prefix as an element of its own"
    } else if written.contains('%') {
        "remove the zone after the `%`: a prefix holds for every interface"
    } else if written.split_once('-').is_some_and(|(first, _)| first.parse::<IpAddr>().is_ok()) {
        "write the prefixes that make up the range, each as an element of its own"
    } else if octets.iter().copied().any(zero) {
        "write the octets without leading zeros: some programs read those as octal"
    } else if address.parse::<IpAddr>().is_ok() && !length.is_empty() {
        "the length after the `/` is at most 32 for IPv4 and 128 for IPv6, without leading zeros"
    } else if dotted && octets.len() == 4 {
        "each of the four numbers of an IPv4 address is at most 255"
    } else if dotted && octets.len() < 4 {
        "an IPv4 address has four numbers: `10.0.0.0/8`"
    } else if written.contains(name) && written.contains('.') && names {
        "write a name under `toFQDNs`, in an entry of its own: `toFQDNs: [{matchName: api.example.com}]`"
    } else if written.contains(name) && written.contains('.') {
        "only addresses can stand here, no names: `10.0.0.0/8` or `2001:db8::/32`"
    } else {
        "write an IPv4 or IPv6 prefix such as `10.0.0.0/8` or `2001:db8::/32`"
    };
    help.to_owned()
}

pub(super) fn cidr_set(decoder: &mut Decoder<'_>, node: &Node) -> PeerItems {
    PeerItems::CidrSet(decoder.list(node, cidr_set_item))
}

fn cidr_set_item(decoder: &mut Decoder<'_>, node: &Node) -> Option<CidrSetItem> {
    let mut fields = decoder.fields(node)?;
    let written: Vec<&'static str> =
        ["cidr", "cidrGroupRef", "cidrGroupSelector"].into_iter().filter(|name| fields.has(name)).collect();
    let second = written.get(1).and_then(|name| fields.entry(name)).map(|entry| entry.key_span);
    let cidr = fields.read(decoder, "cidr", prefix);
    let group = fields.read(decoder, "cidrGroupRef", group_name);
    let selector_key = fields.entry("cidrGroupSelector").map(|entry| entry.key_span);
    let by_labels = fields.read(decoder, "cidrGroupSelector", |decoder, node| {
        let spec = selector(decoder, node, KeyStyle::Cilium)?;
        Some(with_source(spec, LabelSource::CidrGroup))
    });
    let except =
        fields.read(decoder, "except", |decoder, node| Some(decoder.list(node, prefix))).unwrap_or_default();
    let first = written.first().and_then(|name| fields.entry(name)).map(|entry| entry.key_span);
    let explained = written.is_empty()
        && ["cidr", "cidrGroupRef", "cidrGroupSelector"].iter().any(|name| fields.explained(decoder, name));
    fields.finish(decoder);
    if written.len() != 1 {
        if !explained {
            cidr_set_members(decoder, &written, first, second.unwrap_or(node.span));
        }
        return None;
    }
    if let Some(cidr) = &cidr {
        except_inside(decoder, cidr, &except);
    }
    let base = match (cidr, group, by_labels) {
        (Some(cidr), _, _) => CidrBase::Cidr(cidr),
        (_, Some(group), _) => CidrBase::Group(group),
        (_, _, Some(selector)) => {
            open_group_selector(decoder, &selector, selector_key.unwrap_or(node.span));
            CidrBase::Selector(selector)
        }
        _ => return None,
    };
    Some(CidrSetItem { span: node.span, base, except })
}

/// Reports an element of a CIDR set that says more than one thing, or nothing.
fn cidr_set_members(decoder: &mut Decoder<'_>, written: &[&str], first: Option<Span>, place: Span) {
    let diagnostic = match (written, first) {
        ([a, b, ..], Some(first)) => Diagnostic::new(
            Code::CidrSetMembers,
            place,
            format!("`{a}` and `{b}` stand in one element of a CIDR set"),
        )
        .related(first, "the first of the two")
        .help("write an element for each: elements add up"),
        _ => Diagnostic::new(
            Code::CidrSetMembers,
            place,
            "an element of a CIDR set needs `cidr`, `cidrGroupRef` or `cidrGroupSelector`",
        )
        .label("none of them is here")
        .help("say which prefix is meant: `cidr: 10.0.0.0/8`; to except from everything, `cidr: 0.0.0.0/0`"),
    };
    decoder.report(diagnostic);
}

/// Exceptions must lie inside their prefix (semantics.md 2.3).
pub(crate) fn except_inside(decoder: &mut Decoder<'_>, cidr: &Spanned<Cidr>, except: &[Spanned<Cidr>]) {
    for inner in except.iter().filter(|inner| !cidr.value.covers(inner.value)) {
        decoder.report(
            Diagnostic::new(
                Code::ExceptOutside,
                inner.span,
                format!("`{}` does not lie inside `{}`", inner.value, cidr.value),
            )
            .label("not inside")
            .related(cidr.span, "the prefix that it is to be cut out of")
            .help("an exception is a part of its own prefix; move it to the element that it belongs to"),
        );
    }
}

/// A selector over groups is held against every identity, so one that requires nothing to be there
/// matches far more than groups (semantics.md 12.1).
fn open_group_selector(decoder: &mut Decoder<'_>, spec: &SelectorSpec, place: Span) {
    use sluice_ir::selector::Operator::{Exists, In};
    if !spec.requirements.iter().any(|r| matches!(r.operator, In(_) | Exists)) {
        decoder.report(
            Diagnostic::new(
                Code::CidrGroupSelectorOpen,
                place,
                "this selector asks for no label to be there, so it also selects pods, nodes and every other address",
            )
            .help("add a label that only the groups have, such as `matchLabels: {tier: partners}`"),
        );
    }
}

fn group_name(decoder: &mut Decoder<'_>, node: &Node) -> Option<Spanned<Arc<str>>> {
    let name = string(decoder, node)?;
    if is_dns_subdomain(&name.value) {
        return Some(name);
    }
    decoder.report_schema(
        Diagnostic::new(
            Code::CidrGroupName,
            name.span,
            format!("`{}` cannot be the name of a CIDR group", name.value),
        )
        .help(match fitting_name(&name.value, true) {
            Some(fitting) => {
                format!("names are made of lower-case letters, digits, `-` and `.`, such as `{fitting}`")
            }
            None => "names are made of lower-case letters, digits, `-` and `.`".to_owned(),
        }),
    );
    Some(name)
}
