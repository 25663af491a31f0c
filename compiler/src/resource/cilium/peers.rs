//! Lists of peers: labels, prefixes, entities, names, services, cloud groups, nodes.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use sluice_ir::dns_name::DnsPattern;
use sluice_ir::label::LabelSource;
use sluice_ir::net::Cidr;
use sluice_ir::policy::{Action, Direction};
use sluice_ir::selector::Requirement;

use super::{CidrBase, CidrSetItem, CloudGroup, Entity, PeerItems, PeerList, ServiceBy, ServiceRef};
use crate::diagnostic::{Code, Diagnostic, did_you_mean};
use crate::resource::advice::fitting_name;
use crate::resource::decode::{Decoder, Fields, Spanned, string};
use crate::resource::meta::string_map;
use crate::resource::selector::{KeyStyle, SelectorSpec, is_dns_subdomain, selector};
use crate::source::{Node, NodeKind, Span};

type Read = fn(&mut Decoder<'_>, &Node) -> PeerItems;

/// The fields of each direction, in the order of the schema.
fn members(direction: Direction, action: Action) -> Vec<(&'static str, Read)> {
    let mut members: Vec<(&'static str, Read)> = match direction {
        Direction::Ingress => vec![
            ("fromEndpoints", endpoints),
            ("fromCIDR", cidrs),
            ("fromCIDRSet", cidr_set),
            ("fromEntities", entities),
            ("fromNodes", nodes),
            ("fromGroups", groups),
        ],
        Direction::Egress => vec![
            ("toEndpoints", endpoints),
            ("toCIDR", cidrs),
            ("toCIDRSet", cidr_set),
            ("toEntities", entities),
            ("toServices", services),
            ("toGroups", groups),
            ("toNodes", nodes),
        ],
    };
    if direction == Direction::Egress && action == Action::Allow {
        members.push(("toFQDNs", names));
    }
    members
}

/// Reads every list of peers of an entry.
pub(super) fn peer_lists(
    decoder: &mut Decoder<'_>,
    fields: &mut Fields<'_>,
    direction: Direction,
    action: Action,
) -> Vec<PeerList> {
    let mut lists = Vec::new();
    for (key, read) in members(direction, action) {
        let Some(key_span) = fields.entry(key).map(|entry| entry.key_span) else { continue };
        let list = fields.read(decoder, key, |decoder, node| {
            let written_empty = matches!(&node.kind, NodeKind::Sequence(items) if items.is_empty());
            Some(PeerList { key, key_span, span: node.span, items: read(decoder, node), written_empty })
        });
        lists.extend(list);
    }
    requires(decoder, fields, direction);
    names_elsewhere(decoder, fields, direction, action);
    lists
}

/// Names stand only in an egress allow. Elsewhere the agent drops the field, and the entry then matches
/// nothing and isolates all the same (semantics.md 12.2).
fn names_elsewhere(decoder: &mut Decoder<'_>, fields: &mut Fields<'_>, direction: Direction, action: Action) {
    let (name, why) = match (direction, action) {
        (Direction::Egress, Action::Allow) => return,
        (Direction::Egress, Action::Deny) => ("toFQDNs", "a deny cannot name DNS names"),
        (Direction::Ingress, _) => ("fromFQDNs", "traffic that comes in has no DNS name"),
    };
    if let Some(entry) = fields.retired(name).filter(|entry| !entry.value.is_null()) {
        decoder.report_schema(
            Diagnostic::new(
                Code::DroppedField,
                entry.key_span,
                format!("`{name}` does not exist here: {why}"),
            )
            .help(
                "use prefixes or a CIDR group; an agent drops the field, and the entry then matches nothing",
            ),
        );
    }
}

/// `fromRequires` and `toRequires`: gone; only an empty list is taken (semantics.md 1.3).
fn requires(decoder: &mut Decoder<'_>, fields: &mut Fields<'_>, direction: Direction) {
    let name = match direction {
        Direction::Ingress => "fromRequires",
        Direction::Egress => "toRequires",
    };
    let Some(entry) = fields.retired(name) else { return };
    if matches!(&entry.value.kind, NodeKind::Sequence(items) if items.is_empty()) || entry.value.is_null() {
        return;
    }
    decoder.report(
        Diagnostic::new(Code::RemovedRequires, entry.key_span, format!("`{name}` was removed from Cilium"))
            .help("put the requirement into the selectors of the peers themselves, or deny what lacks it"),
    );
}

fn endpoints(decoder: &mut Decoder<'_>, node: &Node) -> PeerItems {
    PeerItems::Endpoints(decoder.list(node, |decoder, item| selector(decoder, item, KeyStyle::Cilium)))
}

/// Node labels are of source `node`; a key without a source means that.
fn nodes(decoder: &mut Decoder<'_>, node: &Node) -> PeerItems {
    PeerItems::Nodes(decoder.list(node, |decoder, item| {
        let spec = selector(decoder, item, KeyStyle::Cilium)?;
        Some(with_source(spec, LabelSource::Node))
    }))
}

fn with_source(mut spec: SelectorSpec, source: LabelSource) -> SelectorSpec {
    let retag = |r: Requirement| match r.source {
        LabelSource::Any => Requirement { source: source.clone(), ..r },
        _ => r,
    };
    spec.requirements = spec.requirements.into_iter().map(retag).collect();
    spec
}

fn cidrs(decoder: &mut Decoder<'_>, node: &Node) -> PeerItems {
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

fn cidr_set(decoder: &mut Decoder<'_>, node: &Node) -> PeerItems {
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
        (Some(cidr), _, _) => CidrBase::Cidr(cidr.value),
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

fn entities(decoder: &mut Decoder<'_>, node: &Node) -> PeerItems {
    PeerItems::Entities(decoder.list(node, |decoder, item| {
        let word = string(decoder, item)?;
        let Some(entity) = Entity::from_word(&word.value) else {
            let known =
                Entity::NAMES.iter().filter(|(_, entity)| !entity.outside_schema()).map(|(name, _)| *name);
            let help = match (meant_entity(&word.value), did_you_mean(&word.value, known.clone())) {
                (Some(help), _) => help.to_owned(),
                (None, Some(name)) => format!("did you mean `{name}`?"),
                (None, None) => format!(
                    "entities are {}",
                    crate::resource::decode::backticked(&known.collect::<Vec<_>>())
                ),
            };
            let message = match &*word.value {
                "" => "the name of the entity is empty".to_owned(),
                word => format!("unknown entity `{word}`"),
            };
            decoder.report(Diagnostic::new(Code::UnknownEntity, word.span, message).help(help));
            return None;
        };
        if entity.outside_schema() {
            decoder.report_schema(
                Diagnostic::new(
                    Code::OutsideSchema,
                    word.span,
                    format!("the API server's schema has no entity `{}`", word.value),
                )
                .help("use `world`, or a prefix for one family: `0.0.0.0/0` or `::/0`"),
            );
        }
        Some(Spanned::new(entity, word.span))
    }))
}

/// What people mean by words that are no entities.
fn meant_entity(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "*" | "any" | "everything" | "everyone" => {
            "write `all` for every peer, inside the cluster and outside"
        }
        "internet" | "public" | "external" | "outside" => "write `world` for everything outside the cluster",
        "internal" | "pods" | "endpoints" => "write `cluster` for every pod and node of the cluster",
        "node" | "nodes" | "worker" | "workers" => {
            "write `host` for the node itself, and `remote-node` for the others"
        }
        "localhost" | "local" => "write `host` for the node itself",
        "apiserver" | "api-server" | "kubernetes" | "control-plane" => "write `kube-apiserver`",
        _ => return None,
    })
}

fn groups(decoder: &mut Decoder<'_>, node: &Node) -> PeerItems {
    PeerItems::Groups(decoder.list(node, |decoder, item| {
        let mut fields = decoder.fields(item)?;
        let place = fields.entry("aws").map_or(item.span, |entry| entry.key_span);
        let group = fields.read(decoder, "aws", |decoder, node| {
            let mut fields = decoder.fields(node)?;
            let labels = fields.read(decoder, "labels", string_map).unwrap_or_default();
            let group_ids = fields.read(decoder, "securityGroupsIds", strings).unwrap_or_default();
            let group_names = fields.read(decoder, "securityGroupsNames", strings).unwrap_or_default();
            fields.read(decoder, "region", string);
            fields.finish(decoder);
            let labels = labels.into_iter().map(|(key, value)| (key, value.value)).collect();
            Some(CloudGroup { span: place, labels, group_ids, group_names })
        });
        let has_provider = fields.has("aws") || fields.explained(decoder, "aws");
        fields.finish(decoder);
        if !has_provider {
            decoder.report(
                Diagnostic::new(Code::GroupProvider, item.span, "a cloud group names no provider")
                    .label("`aws` is missing")
                    .help("say which groups are meant: `aws: {securityGroupsIds: [sg-0123456789abcdef0]}`"),
            );
        }
        group
    }))
}

fn strings(decoder: &mut Decoder<'_>, node: &Node) -> Option<Vec<Arc<str>>> {
    Some(decoder.list(node, |decoder, item| string(decoder, item).map(|text| text.value)))
}

fn services(decoder: &mut Decoder<'_>, node: &Node) -> PeerItems {
    PeerItems::Services(decoder.list(node, |decoder, item| {
        let mut fields = decoder.fields(item)?;
        let name_key = fields.entry("k8sService").map_or(item.span, |entry| entry.key_span);
        let by_name = fields.read(decoder, "k8sService", |decoder, node| {
            let mut fields = decoder.fields(node)?;
            let name = fields.read(decoder, "serviceName", string);
            let namespace = fields.read(decoder, "namespace", string);
            let explained = fields.explained(decoder, "serviceName");
            fields.finish(decoder);
            (!explained).then_some((name, namespace))
        });
        let selector_key = fields.entry("k8sServiceSelector").map(|entry| entry.key_span);
        let by_labels = fields.read(decoder, "k8sServiceSelector", |decoder, node| {
            let mut fields = decoder.fields(node)?;
            let spec = fields.read(decoder, "selector", |d, n| selector(d, n, KeyStyle::Cilium));
            let namespace = fields.read(decoder, "namespace", string);
            fields.require(decoder, node, "selector");
            fields.finish(decoder);
            Some((spec?, namespace))
        });
        let written = ["k8sService", "k8sServiceSelector"]
            .iter()
            .any(|name| fields.has(name) || fields.explained(decoder, name));
        fields.finish(decoder);
        let (by, namespace, span) = match (by_labels, by_name) {
            (Some((spec, namespace)), _) => {
                (ServiceBy::Selector(spec), namespace, selector_key.unwrap_or(item.span))
            }
            (None, Some((Some(name), namespace))) => (ServiceBy::Name(name.value), namespace, name.span),
            (None, Some((None, _))) => {
                no_service(decoder, name_key, "`k8sService` has no `serviceName`");
                return None;
            }
            (None, None) => {
                if !written {
                    no_service(decoder, item.span, "this element names no service");
                }
                return None;
            }
        };
        let namespace = namespace.map(|namespace| namespace.value).filter(|namespace| !namespace.is_empty());
        Some(ServiceRef { span, by, namespace })
    }))
}

fn no_service(decoder: &mut Decoder<'_>, span: Span, message: &str) {
    decoder.report(
        Diagnostic::new(Code::ServiceReference, span, message)
            .help("write `k8sService: {serviceName: web, namespace: shop}` or `k8sServiceSelector`"),
    );
}

fn names(decoder: &mut Decoder<'_>, node: &Node) -> PeerItems {
    PeerItems::Names(decoder.list(node, |decoder, item| {
        let mut fields = decoder.fields(item)?;
        let second = fields.entry("matchPattern").map(|entry| entry.key_span);
        let name = fields.read(decoder, "matchName", dns_name);
        let pattern = fields.read(decoder, "matchPattern", dns_pattern);
        let (has_name, has_pattern) = (fields.has("matchName"), fields.has("matchPattern"));
        let explained = fields.explained(decoder, "matchName") || fields.explained(decoder, "matchPattern");
        let first = fields.entry("matchName").map(|entry| entry.key_span);
        fields.finish(decoder);
        if has_name && has_pattern {
            decoder.report(
                Diagnostic::new(
                    Code::NameAndPattern,
                    second.unwrap_or(item.span),
                    "an element of `toFQDNs` has either `matchName` or `matchPattern`, not both",
                )
                .related(first.unwrap_or(item.span), "the other one")
                .help("write an element for each: elements add up"),
            );
            return None;
        }
        if explained {
            return None;
        }
        if !has_name && !has_pattern {
            decoder.report_schema(
                Diagnostic::new(
                    Code::OutsideSchema,
                    item.span,
                    "an element of `toFQDNs` without `matchName` or `matchPattern` matches no name",
                )
                .help("write `matchName: api.example.com` or `matchPattern: \"*.example.com\"`"),
            );
            return Some(Spanned::new(None, item.span));
        }
        if (has_name && name.is_none()) || (has_pattern && pattern.is_none()) {
            return None;
        }
        Some(Spanned::new(name.or(pattern), item.span))
    }))
}

/// A `matchName`.
pub(super) fn dns_name(decoder: &mut Decoder<'_>, node: &Node) -> Option<DnsPattern> {
    let text = string(decoder, node)?;
    match DnsPattern::match_name(&text.value) {
        Ok(name) => {
            outside_dns_schema(decoder, &name, text.span);
            Some(name)
        }
        Err(error) => {
            let help = match bare_name(&text.value) {
                _ if text.value.is_empty() => "write a name such as `api.example.com`".to_owned(),
                Some(bare) if bare.contains('*') => format!("write `matchPattern: \"{bare}\"`"),
                Some(bare) => format!("write the name alone: `{bare}`; a port belongs under `toPorts`"),
                None if text.value.contains('*') => "use `matchPattern` for a pattern with `*`".to_owned(),
                None => "a name is made of letters, digits, `-`, `_` and `.`".to_owned(),
            };
            decoder.report(
                Diagnostic::new(Code::DnsName, text.span, format!("`{}` is not a DNS name", text.value))
                    .label(error.to_string())
                    .help(help),
            );
            None
        }
    }
}

/// A `matchPattern`.
pub(super) fn dns_pattern(decoder: &mut Decoder<'_>, node: &Node) -> Option<DnsPattern> {
    let text = string(decoder, node)?;
    match DnsPattern::match_pattern(&text.value) {
        Ok(pattern) => {
            outside_dns_schema(decoder, &pattern, text.span);
            Some(pattern)
        }
        Err(error) => {
            decoder.report(
                Diagnostic::new(Code::DnsPattern, text.span, format!("`{}` is not a DNS pattern", text.value))
                    .label(error.to_string())
                    .help(match bare_name(&text.value) {
                        Some(bare) => format!("write the pattern alone: `\"{bare}\"`; a port belongs under `toPorts`"),
                        None => "a pattern is made of letters, digits, `-`, `_`, `.` and `*`; regular expressions are not supported".to_owned(),
                    }),
            );
            None
        }
    }
}

/// The name in a URL, or before a port; of a name with `*`, the name itself.
pub(super) fn bare_name(text: &str) -> Option<&str> {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let bare = rest.split(['/', ':', '?']).next().unwrap_or(rest);
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.*".contains(c);
    let changed = bare.len() < text.len() || bare.contains('*');
    (changed && !bare.is_empty() && bare.chars().all(fits)).then_some(bare)
}

fn outside_dns_schema(decoder: &mut Decoder<'_>, pattern: &DnsPattern, span: Span) {
    if let Some(violation) = pattern.schema_violation() {
        decoder.report_schema(
            Diagnostic::new(
                Code::OutsideSchema,
                span,
                format!("the API server refuses `{}`", pattern.text()),
            )
            .label(violation.to_string())
            .help(violation.help()),
        );
    }
}
