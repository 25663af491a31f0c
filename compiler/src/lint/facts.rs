//! What all lints share: subjects, entries, peers, prefixes and ports, whichever kind of object they stand in.

mod collect;
mod matches;

use std::ops::Range;
use std::sync::Arc;

use sluice_ir::net::{Cidr, PortName, Protocol};
use sluice_ir::policy::{Action, Direction};
use sluice_ir::selector::Selector;

use crate::Compiled;
use crate::options::Options;
use crate::resource::Resource;
use crate::resource::cilium::{EntrySpec, PortRule, RuleSpec, Section};
use crate::resource::decode::Spanned;
use crate::resource::network_policy::NetworkPolicy;
use crate::resource::selector::SelectorSpec;
use crate::source::Span;

pub(crate) use matches::Matches;
pub(crate) use matches::covers;

/// What is known of all policies at once.
#[derive(Debug, Default)]
pub struct Facts<'a> {
    /// The policies, in the order of the files.
    pub policies: Vec<PolicyFact<'a>>,
    /// For whom rules are.
    pub subjects: Vec<SubjectFact<'a>>,
    /// What they say.
    pub entries: Vec<EntryFact<'a>>,
    /// Peers by label.
    pub labels: Vec<LabelFact<'a>>,
    /// Peers by prefix, those of groups excepted.
    pub prefixes: Vec<PrefixFact<'a>>,
    /// Ports.
    pub ports: Vec<PortFact<'a>>,
    /// Whom each selector selects.
    pub(crate) matches: Matches,
    /// The places of the entries in the order of the text.
    by_place: Vec<usize>,
}

/// A policy.
#[derive(Debug)]
pub struct PolicyFact<'a> {
    /// The object.
    pub resource: &'a Resource,
    /// Its namespace; none if it is cluster-wide.
    pub namespace: Option<&'a Arc<str>>,
    /// It, if it is a NetworkPolicy.
    pub network: Option<&'a NetworkPolicy>,
}

/// For whom the rules of a `spec` are.
#[derive(Debug)]
pub struct SubjectFact<'a> {
    /// The object.
    pub resource: &'a Resource,
    /// Its namespace; none if it is cluster-wide.
    pub namespace: Option<&'a Arc<str>>,
    /// The key of the selector, or of `spec`.
    pub key_span: Span,
    /// As written.
    pub spec: &'a SelectorSpec,
    /// As it means, namespace included.
    pub selector: Selector,
    /// Whether it selects nodes.
    pub nodes: bool,
    /// The `spec` of a Cilium policy.
    pub rule: Option<&'a RuleSpec>,
}

/// An element of `ingress`, `egress`, `ingressDeny` or `egressDeny`.
#[derive(Debug)]
pub struct EntryFact<'a> {
    /// The object.
    pub resource: &'a Resource,
    /// Its place in [`Facts::subjects`].
    pub subject: usize,
    /// Which way.
    pub direction: Direction,
    /// Allow or deny.
    pub action: Action,
    /// The element.
    pub span: Span,
    /// Whether no list of peers is there, so that every peer is meant if there are ports.
    pub every_peer: bool,
    /// Whether it names no ports, so that every port is meant.
    pub every_port: bool,
    /// It, in a Cilium policy.
    pub cilium: Option<&'a EntrySpec>,
    /// The list that it stands in, in a Cilium policy.
    pub section: Option<&'a Section>,
}

/// A peer by label.
#[derive(Debug)]
pub struct LabelFact<'a> {
    /// Its place in [`Facts::entries`].
    pub entry: usize,
    /// Where it stands.
    pub span: Span,
    /// The selectors as written: of a NetworkPolicy, of pods and of namespaces.
    pub specs: [Option<&'a SelectorSpec>; 2],
    /// As it means, namespace and cluster included.
    pub selector: Selector,
}

/// A peer by prefix.
#[derive(Debug)]
pub struct PrefixFact<'a> {
    /// Its place in [`Facts::entries`].
    pub entry: usize,
    /// The prefix.
    pub cidr: Spanned<Cidr>,
    /// What is left out.
    pub except: &'a [Spanned<Cidr>],
}

impl PrefixFact<'_> {
    /// Whether an address is meant.
    pub fn contains(&self, address: std::net::IpAddr) -> bool {
        self.cidr.value.contains(address) && !self.except.iter().any(|out| out.value.contains(address))
    }
}

/// A port of an entry.
#[derive(Debug)]
pub struct PortFact<'a> {
    /// Its place in [`Facts::entries`].
    pub entry: usize,
    /// The port as written.
    pub span: Span,
    /// The element that it is.
    pub element: Span,
    /// Which one.
    pub port: PortKind<'a>,
    /// The last of a range, if written and higher.
    pub end: Option<Spanned<u16>>,
    /// The protocols.
    pub protocols: &'a [Protocol],
    /// The element of `toPorts` that it stands in.
    pub rule: Option<&'a PortRule>,
}

/// A port by number or name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortKind<'a> {
    /// Every one.
    All,
    /// By number.
    Number(u16),
    /// By name.
    Name(&'a PortName),
}

impl PortFact<'_> {
    /// Whether a number is meant.
    pub fn contains(&self, number: u16) -> bool {
        match self.port {
            PortKind::All => true,
            PortKind::Number(start) => {
                start <= number && number <= self.end.as_ref().map_or(start, |e| e.value)
            }
            PortKind::Name(_) => false,
        }
    }
}

impl<'a> Facts<'a> {
    pub(super) fn new(resources: &'a [Resource], compiled: &Compiled, options: &Options) -> Facts<'a> {
        let (mut facts, matches) =
            rayon::join(|| collect::collect(resources, options), || Matches::new(compiled));
        facts.matches = matches;
        facts.by_place = (0..facts.entries.len()).collect();
        facts.by_place.sort_by_key(|at| facts.entries[*at].span);
        facts
    }

    /// The entry of a part.
    pub fn entry(&self, at: usize) -> &EntryFact<'a> {
        &self.entries[at]
    }

    /// The entry that a rule of the policy was written in; none for a direction without entries.
    pub fn entry_of(&self, written: Span) -> Option<&EntryFact<'a>> {
        let start = |at: &usize| (self.entries[*at].span.file, self.entries[*at].span.start);
        let behind = self.by_place.partition_point(|at| start(at) <= (written.file, written.start));
        let entry = &self.entries[*self.by_place.get(behind.checked_sub(1)?)?];
        (entry.span.file == written.file && written.end <= entry.span.end).then_some(entry)
    }

    /// For whom an entry is.
    pub fn subject(&self, entry: &EntryFact<'a>) -> &SubjectFact<'a> {
        &self.subjects[entry.subject]
    }

    /// The peers by label of an entry, by its place.
    pub fn labels_of(&self, entry: usize) -> &[LabelFact<'a>] {
        let from = self.labels.partition_point(|fact| fact.entry < entry);
        let to = self.labels.partition_point(|fact| fact.entry <= entry);
        &self.labels[from..to]
    }

    /// The ports of an entry, by its place.
    pub fn ports_of(&self, entry: usize) -> &[PortFact<'a>] {
        let from = self.ports.partition_point(|fact| fact.entry < entry);
        let to = self.ports.partition_point(|fact| fact.entry <= entry);
        &self.ports[from..to]
    }

    /// The places of the entries of a subject, by its place.
    pub fn places_of(&self, subject: usize) -> Range<usize> {
        let from = self.entries.partition_point(|fact| fact.subject < subject);
        from..self.entries.partition_point(|fact| fact.subject <= subject)
    }

    /// The entries of a subject, by its place.
    pub fn entries_of(&self, subject: usize) -> &[EntryFact<'a>] {
        &self.entries[self.places_of(subject)]
    }

    /// The peers by prefix of an entry, by its place.
    pub fn prefixes_of(&self, entry: usize) -> &[PrefixFact<'a>] {
        let from = self.prefixes.partition_point(|fact| fact.entry < entry);
        let to = self.prefixes.partition_point(|fact| fact.entry <= entry);
        &self.prefixes[from..to]
    }
}
