//! CiliumNetworkPolicy and CiliumClusterwideNetworkPolicy.

use std::sync::Arc;

use sluice_ir::ids::OriginId;
use sluice_ir::label::LabelSource;
use sluice_ir::net::PortRange;
use sluice_ir::policy::{Direction, Peers, PortMatch, PortSet, Ports, Rule, Subject, Tier};

use super::peers::PeerScope;
use super::{Lowerer, Named, Written, scope};
use crate::resource::Place;
use crate::resource::cilium::{
    CiliumPolicy, EntrySpec, IcmpRule, L7Places, Port, PortEntry, PortRule, RuleSpec, Section,
};
use crate::source::Span;

/// What the rules of one section share.
struct Context<'p> {
    place: &'p Place,
    object: Named,
    scope: PeerScope,
    subject: Subject,
    default_deny: bool,
    section: &'p Section,
}

impl Lowerer<'_> {
    pub(super) fn cilium_policy(&mut self, policy: &CiliumPolicy, place: &Place) {
        for spec in &policy.specs {
            let namespace = policy.meta.namespace.as_ref();
            let subject = match (&spec.endpoint_selector, &spec.node_selector) {
                (Some(endpoints), _) => {
                    Subject::Endpoints(self.builder.selector(scope::subject(&endpoints.value, namespace)))
                }
                (None, Some(nodes)) => Subject::Nodes(self.builder.selector(nodes.value.selector())),
                (None, None) => continue,
            };
            let of_init = spec
                .endpoint_selector
                .as_ref()
                .is_some_and(|s| s.value.names("init", &[LabelSource::Reserved]));
            for section in &spec.sections {
                let context = Context {
                    place,
                    object: Named {
                        kind: Arc::clone(&place.document.kind),
                        namespace: namespace.cloned(),
                        name: Arc::clone(&policy.meta.name.value),
                    },
                    scope: PeerScope { namespace: namespace.cloned(), of_init },
                    subject,
                    default_deny: self.default_deny(spec, section.direction),
                    section,
                };
                for entry in &section.entries {
                    self.entry(&context, entry);
                }
            }
        }
    }

    /// A direction with any entry isolates, unless the policy says that it does not (V4).
    fn default_deny(&self, spec: &RuleSpec, direction: Direction) -> bool {
        let at = match direction {
            Direction::Ingress => 0,
            Direction::Egress => 1,
        };
        let written = spec.default_deny[at].as_ref().map(|value| value.value);
        if self.around.options.non_default_deny { written.unwrap_or(true) } else { true }
    }

    /// One entry: a rule for each element of its port list.
    fn entry(&mut self, context: &Context<'_>, entry: &EntrySpec) {
        let ports = entry.to_ports.as_ref().map_or(&[][..], |ports| &ports.value);
        let icmps = entry.icmps.as_ref().map_or(&[][..], |icmps| &icmps.value);
        let has_ports = !ports.is_empty() || !icmps.is_empty();
        let peers = self.peers(entry, has_ports, &context.scope, context.place);
        if !has_ports {
            let span = entry.span;
            self.port_rule(context, entry, &peers, Ports::Any, None, span, Arc::clone(&entry.path));
        }
        for rule in ports {
            let matches = Ports::Of(rule.ports.iter().flat_map(port_matches).collect());
            self.port_rule(context, entry, &peers, matches, Some(rule), rule.span, Arc::clone(&rule.path));
        }
        for rule in icmps {
            let matches = Ports::Of(icmp_matches(rule));
            self.port_rule(context, entry, &peers, matches, None, rule.span, Arc::clone(&rule.path));
        }
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one rule, each from another place")]
    fn port_rule(
        &mut self,
        context: &Context<'_>,
        entry: &EntrySpec,
        peers: &Peers,
        ports: Ports,
        rule: Option<&PortRule>,
        span: Span,
        path: Arc<str>,
    ) {
        let origin: OriginId = self.origin(&context.object, span, path);
        let l7 = rule.map(|rule| &rule.l7).filter(|l7| !l7.is_empty());
        let lowered = Rule {
            subject: context.subject,
            direction: context.section.direction,
            action: context.section.action,
            peers: peers.clone(),
            ports,
            l7: l7.map(|l7| self.builder.l7(l7.clone())),
            authentication: entry.authentication.as_ref().map(|mode| mode.value),
            tier: Tier::Normal,
            default_deny: context.default_deny,
            origin,
        };
        let written = Written {
            span,
            l7: rule.map_or(L7Places::default(), |rule| rule.l7_places),
            authentication: entry.authentication.as_ref().map(|mode| mode.span),
            document: Arc::clone(&context.place.document),
        };
        self.rule(lowered, written);
    }
}

fn port_matches(entry: &PortEntry) -> Vec<PortMatch> {
    let end = entry.end.as_ref().map(|end| end.value);
    let ports = match &entry.port.value {
        Port::All => PortSet::Range(PortRange::ALL),
        Port::Number(start) => PortSet::Range(PortRange { start: *start, end: end.unwrap_or(*start) }),
        Port::Name(name) => PortSet::Named { name: name.clone(), end },
    };
    entry.protocols.iter().map(|protocol| PortMatch { protocol: *protocol, ports: ports.clone() }).collect()
}

fn icmp_matches(rule: &IcmpRule) -> Vec<PortMatch> {
    let matches = rule
        .types
        .iter()
        .map(|(protocol, range)| PortMatch { protocol: *protocol, ports: PortSet::Range(*range) });
    matches.collect()
}
