//! Validity of a policy as a whole: what no single field shows (semantics.md 2.1, 2.2).
//!
//! Runs as part of reading a document, so that a policy that fails here is left out like one that
//! could not be read.

use sluice_ir::policy::{Direction, L7Rules};

use crate::diagnostic::{Code, Diagnostic};
use crate::options::Enforcement;
use crate::resource::cilium::{CiliumPolicy, EntrySpec, PeerItems, PeerList, RuleSpec, Section};
use crate::resource::decode::Decoder;

/// Checks every rule of a policy.
pub fn cilium_policy(decoder: &mut Decoder<'_>, policy: &CiliumPolicy) {
    for rule in &policy.specs {
        subject(decoder, policy, rule);
        has_entries(decoder, rule);
        default_deny(decoder, rule);
        for section in &rule.sections {
            host_layer7(decoder, rule, section);
            for entry in &section.entries {
                one_kind_of_peers(decoder, entry);
                peers_are_enabled(decoder, entry);
                icmp_stands_alone(decoder, entry);
                empty_lists(decoder, entry);
            }
        }
    }
}

/// Exactly one of `endpointSelector` and `nodeSelector`; the latter only cluster-wide.
fn subject(decoder: &mut Decoder<'_>, policy: &CiliumPolicy, rule: &RuleSpec) {
    match (&rule.endpoint_selector, &rule.node_selector) {
        (Some(endpoints), Some(nodes)) => decoder.report(
            Diagnostic::new(
                Code::SubjectSelector,
                nodes.span.max(endpoints.span),
                "a rule has either `endpointSelector` or `nodeSelector`, not both",
            )
            .related(nodes.span.min(endpoints.span), "the other one")
            .help("write two rules under `specs`, one for pods and one for nodes"),
        ),
        (None, None) => decoder.report(
            Diagnostic::new(Code::SubjectSelector, rule.span, "the rule does not say whom it is for")
                .label("neither `endpointSelector` nor `nodeSelector`")
                .help("add `endpointSelector: {}` for every pod, or `endpointSelector: {matchLabels: {app: web}}` for some"),
        ),
        (None, Some(nodes)) if !policy.clusterwide => decoder.report(
            Diagnostic::new(
                Code::NodeSelectorInNamespace,
                nodes.span,
                "a namespaced policy cannot select nodes",
            )
            .help("use `kind: CiliumClusterwideNetworkPolicy`, and remove `metadata.namespace`"),
        ),
        _ => {}
    }
}

/// A rule has at least one entry of any kind (V1).
fn has_entries(decoder: &mut Decoder<'_>, rule: &RuleSpec) {
    // An entry that could not be read has been reported; to call the rule empty would mislead.
    if !decoder.failed() && rule.sections.iter().all(|section| section.entries.is_empty()) {
        decoder.report(
            Diagnostic::new(Code::EmptyRule, rule.span, "the rule has no entry under `ingress`, `egress`, `ingressDeny` or `egressDeny`")
                .help("to isolate the pods write `ingress: [{}]`: an empty entry allows nothing; `ingress: []` is not taken"),
        );
    }
}

fn default_deny(decoder: &mut Decoder<'_>, rule: &RuleSpec) {
    for (value, direction) in rule.default_deny.iter().zip(Direction::BOTH) {
        let Some(value) = value else { continue };
        let has_rules = rule.sections.iter().any(|s| s.direction == direction && !s.entries.is_empty());
        if value.value && !has_rules {
            decoder.report(
                Diagnostic::new(
                    Code::DefaultDenyIgnored,
                    value.span,
                    format!("the rule has no {direction} entry, so {direction} stays open"),
                )
                .help(format!("add `{direction}: [{{}}]`: an empty entry isolates and allows nothing")),
            );
        } else if !value.value && decoder.options.enforcement == Enforcement::Always {
            decoder.report(
                Diagnostic::new(
                    Code::DefaultDenyIgnored,
                    value.span,
                    "`policyEnforcement` is `always`, so this is ignored and the pods are isolated",
                )
                .help("remove it, so that the policy says what happens"),
            );
        } else if !value.value && !decoder.options.non_default_deny {
            decoder.report(
                Diagnostic::new(
                    Code::DefaultDenyIgnored,
                    value.span,
                    "`enableNonDefaultDenyPolicies` is false, so this is ignored and the pods are isolated",
                )
                .help(
                    "set it to true in the file given with `--config` if the cluster has it, or remove this",
                ),
            );
        }
    }
}

/// Host policies: no layer 7 on ingress, only DNS on egress (semantics.md 2.5).
fn host_layer7(decoder: &mut Decoder<'_>, rule: &RuleSpec, section: &Section) {
    if rule.node_selector.is_none() {
        return;
    }
    for port_rule in section.entries.iter().filter_map(|e| e.to_ports.as_ref()).flat_map(|ports| &ports.value)
    {
        let dns = matches!(port_rule.l7.rules, L7Rules::Dns(_));
        let place = port_rule.l7_places.http.or(port_rule.l7_places.dns);
        if let Some(span) = place
            && port_rule.l7.rules != L7Rules::None
            && !(dns && section.direction == Direction::Egress)
        {
            decoder.report(
                Diagnostic::new(Code::HostL7, span, "a host policy cannot have these layer 7 rules")
                    .help("only DNS rules on egress work for nodes; restrict peers and ports instead"),
            );
        }
    }
}

/// The lists of an entry in the order written.
fn written_order(entry: &EntrySpec) -> Vec<&PeerList> {
    let mut lists: Vec<&PeerList> = entry.peers.iter().collect();
    lists.sort_by_key(|list| list.key_span);
    lists
}

fn one_kind_of_peers(decoder: &mut Decoder<'_>, entry: &EntrySpec) {
    let lists: Vec<&PeerList> = written_order(entry).into_iter().filter(|list| !list.written_empty).collect();
    let [first, others @ ..] = lists.as_slice() else { return };
    for other in others {
        decoder.report(
            Diagnostic::new(
                Code::CombinedPeers,
                other.key_span,
                format!("`{}` and `{}` stand in one entry", first.key, other.key),
            )
            .related(first.key_span, "the first kind of peers")
            .help("write an entry for each: entries are alternatives, and each keeps its own ports"),
        );
    }
}

fn peers_are_enabled(decoder: &mut Decoder<'_>, entry: &EntrySpec) {
    for list in &entry.peers {
        let nodes = matches!(list.items, PeerItems::Nodes(_));
        if nodes && !list.written_empty && !decoder.options.node_selector_labels {
            decoder.report(
                Diagnostic::new(Code::NodePeersDisabled, list.key_span, format!("`{}` needs the option `enableNodeSelectorLabels`", list.key))
                    .help("set it in the file given with `--config` if the cluster has it, or use the entity `remote-node`"),
            );
        }
    }
}

fn icmp_stands_alone(decoder: &mut Decoder<'_>, entry: &EntrySpec) {
    let Some(icmps) = entry.icmps.as_ref().filter(|icmps| !icmps.value.is_empty()) else { return };
    if !decoder.options.icmp_rules {
        decoder.report(
            Diagnostic::new(Code::IcmpDisabled, icmps.span, "`icmps` needs the option `enableICMPRules`")
                .help("set it in the file given with `--config` if the cluster has it, or remove the entry"),
        );
    }
    if let Some(ports) = entry.to_ports.as_ref().filter(|ports| !ports.value.is_empty()) {
        let (first, second) =
            if ports.span < icmps.span { (ports.span, icmps.span) } else { (icmps.span, ports.span) };
        decoder.report(
            Diagnostic::new(Code::IcmpWithPorts, second, "`icmps` and `toPorts` stand in one entry")
                .related(first, "the first of the two")
                .help("write an entry for each: entries add up"),
        );
    }
}

/// Empty lists mean nothing, or everything, by their kind (semantics.md 3.4, 12.3).
fn empty_lists(decoder: &mut Decoder<'_>, entry: &EntrySpec) {
    let ports = entry.to_ports.as_ref().is_some_and(|ports| !ports.value.is_empty());
    let icmps = entry.icmps.as_ref().is_some_and(|icmps| !icmps.value.is_empty());
    let other_peers = entry.peers.iter().any(|list| !list.written_empty);
    for list in written_order(entry).into_iter().filter(|list| list.written_empty) {
        if list.items.absent_when_empty() {
            if (ports || icmps) && !other_peers {
                decoder.report(
                    Diagnostic::new(
                        Code::EmptyListMeansAll,
                        list.span,
                        format!("an empty `{}` is taken for an absent one: every peer is meant", list.key),
                    )
                    .help("fill the list, or remove the whole entry if nothing is meant"),
                );
            }
        } else {
            decoder.report(
                Diagnostic::new(Code::EmptyListMeansNone, list.span, format!("an empty `{}` selects nothing, so this entry matches nothing", list.key))
                    .help("fill the list; for every peer remove the key; to isolate the pods write the entry as `{}`"),
            );
        }
    }
}
