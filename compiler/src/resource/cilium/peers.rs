//! Lists of peers, by the field they stand in (semantics.md 1.3); labels, nodes and entities.

use sluice_ir::label::LabelSource;
use sluice_ir::policy::{Action, Direction};
use sluice_ir::selector::Requirement;

use super::cidr::{cidr_set, cidrs};
use super::names::names;
use super::outside::{groups, services};
use super::{Entity, PeerItems, PeerList};
use crate::diagnostic::{Code, Diagnostic, did_you_mean};
use crate::resource::decode::{Decoder, Fields, Spanned, string};
use crate::resource::selector::{KeyStyle, SelectorSpec, selector};
use crate::source::{Node, NodeKind};

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

pub(super) fn with_source(mut spec: SelectorSpec, source: LabelSource) -> SelectorSpec {
    let retag = |r: Requirement| match r.source {
        LabelSource::Any => Requirement { source: source.clone(), ..r },
        _ => r,
    };
    spec.requirements = spec.requirements.into_iter().map(retag).collect();
    spec
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
