//! From an inventory and a table to the ends of connections.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;
use sluice_ir::decision::{ByDirection, EndpointName};
use sluice_ir::ids::ClassId;
use sluice_ir::prefix_map::PrefixMap;

use super::columns::{Column, Columns};
use super::ends::{End, Nodes, Outside, Promised, State, Who};
use super::isolation::{isolation, state};
use crate::Compiled;
use crate::classify::PeerId;
use crate::compare::blocks;
use crate::compare::roster::{PeerName, Roster, SeenBy};
use crate::compare::rows::Group;
use crate::decide::Decided;
use crate::inventory::Node;
use crate::validate::InForce;

/// What ends are made from.
pub(super) struct Gather<'c> {
    compiled: &'c Compiled,
    decided: &'c Decided,
    roster: &'c Roster,
    in_force: &'c InForce,
    columns: Columns,
    /// The place among the judged of each endpoint.
    judged: BTreeMap<&'c EndpointName, usize>,
    /// The place of the tables of each endpoint.
    subjects: BTreeMap<&'c EndpointName, usize>,
    /// The nodes of the input.
    known: Arc<BTreeSet<Arc<str>>>,
}

/// Endpoints with the same tables that isolate alike, and that all tables treat alike as peers.
type Kind = (Option<usize>, Column, Option<ByDirection<State>>);

/// The places in the roster of the pods of a workload, by kind.
type Kinds<'c> = IndexMap<Kind, Vec<(&'c EndpointName, ClassId)>, FxBuildHasher>;

/// Entities that are treated alike, with a class that they are in.
type Words = (ClassId, Vec<Arc<str>>);

impl<'c> Gather<'c> {
    pub(super) fn new(
        compiled: &'c Compiled,
        decided: &'c Decided,
        roster: &'c Roster,
        in_force: &'c InForce,
    ) -> Gather<'c> {
        let judged = decided.judged.iter().enumerate().map(|(at, judged)| (&judged.name, at)).collect();
        let of = |(at, subject): (usize, &'c sluice_ir::decision::Subject)| {
            subject.endpoints.iter().map(move |endpoint| (endpoint, at))
        };
        let decision = &decided.classified.decision;
        Gather {
            subjects: decision.subjects.iter().enumerate().flat_map(of).collect(),
            columns: Columns::new(decision),
            known: Arc::new(compiled.inventory.nodes.iter().map(|node| Arc::clone(&node.name)).collect()),
            compiled,
            decided,
            roster,
            in_force,
            judged,
        }
    }

    /// Everybody, in order.
    pub(super) fn ends(&self, promised: &[Promised]) -> Vec<End> {
        let mut ends = self.pods();
        let pods_at: BTreeSet<Option<Arc<str>>> = ends.iter().flat_map(|end| end.places.clone()).collect();
        ends.extend(self.entities());
        ends.extend(self.hosts(&pods_at));
        ends.extend(self.remote_nodes());
        ends.extend(self.outside(promised));
        ends.sort_by(|a, b| a.who.cmp(&b.who));
        ends
    }

    fn class(&self, peer: PeerId) -> ClassId {
        self.decided.classified.class(peer)
    }

    fn end(&self, who: Who, class: ClassId) -> End {
        End {
            who,
            class,
            isolation: None,
            subject: None,
            places: BTreeSet::new(),
            seen_by: SeenBy::All,
            known: Arc::clone(&self.known),
        }
    }

    /// Gives an end the tables of some endpoints that have the same ones.
    fn with_tables(
        &self,
        end: End,
        subject: Option<usize>,
        of: Option<ByDirection<State>>,
        names: &[&EndpointName],
    ) -> End {
        let rules =
            names.iter().filter_map(|name| self.judged.get(name)).map(|at| self.in_force.selecting(*at));
        let isolation = of.map(|state| isolation(&self.compiled.policy, state, rules));
        End { subject, isolation, ..end }
    }

    /// How an endpoint is isolated; none if it is not judged.
    fn state(&self, name: &EndpointName) -> Option<ByDirection<State>> {
        let at = *self.judged.get(name)?;
        Some(state(&self.compiled.policy, &self.decided.judged[at], self.in_force.selecting(at)))
    }

    fn pods(&self) -> Vec<End> {
        let mut workloads: BTreeMap<&EndpointName, Kinds<'c>> = BTreeMap::new();
        for peer in &self.roster.peers {
            let PeerName::Pod { workload, pod } = &peer.name else { continue };
            let class = self.class(peer.new);
            let kind = (self.subjects.get(pod).copied(), self.columns.of(class), self.state(pod));
            workloads.entry(workload).or_default().entry(kind).or_default().push((pod, class));
        }
        let mut ends = Vec::new();
        for (workload, kinds) in workloads {
            let whole = kinds.len() == 1;
            for ((subject, _, state), pods) in kinds {
                let class = pods[0].1;
                let mut names: Vec<&EndpointName> = pods.into_iter().map(|(pod, _)| pod).collect();
                names.sort();
                names.dedup();
                let places = names.iter().map(|name| self.place(name)).collect();
                let endpoints = names.iter().map(|name| (*name).clone()).collect();
                let group = Group { workload: workload.clone(), endpoints, whole };
                let end = End { places, ..self.end(Who::Pods(group), class) };
                ends.push(self.with_tables(end, subject, state, &names));
            }
        }
        ends
    }

    /// The node of a pod, if it is known.
    fn place(&self, pod: &EndpointName) -> Option<Arc<str>> {
        let key = (pod.namespace.as_deref()?, &*pod.name);
        let endpoints = &self.compiled.inventory.endpoints;
        let found = endpoints.binary_search_by(|endpoint| (&*endpoint.namespace, &*endpoint.name).cmp(&key));
        endpoints.get(found.ok()?)?.node.clone()
    }

    /// Entities that are neither nodes nor the world: those that all tables treat alike are one.
    fn entities(&self) -> Vec<End> {
        let mut found: BTreeMap<(Column, &SeenBy), Words> = BTreeMap::new();
        let nobody = SeenBy::All;
        for (word, peer) in &self.decided.population.entities {
            if matches!(&**word, "host" | "remote-node") || word.starts_with("world") {
                continue;
            }
            let named = |name: &PeerName| matches!(name, PeerName::Entity(other) if other == word);
            let seen_by =
                self.roster.peers.iter().find(|peer| named(&peer.name)).map_or(&nobody, |peer| &peer.seen_by);
            let class = self.class(*peer);
            found
                .entry((self.columns.of(class), seen_by))
                .or_insert((class, Vec::new()))
                .1
                .push(Arc::clone(word));
        }
        let end = |((_, seen_by), (class, words)): ((Column, &SeenBy), Words)| End {
            seen_by: seen_by.clone(),
            ..self.end(Who::Entity(words), class)
        };
        found.into_iter().map(end).collect()
    }

    /// Nodes as their own pods see them.
    fn hosts(&self, pods_at: &BTreeSet<Option<Arc<str>>>) -> Vec<End> {
        let view = self.decided.population.view.as_deref();
        let nodes =
            self.compiled.inventory.nodes.iter().filter(|node| view.is_none_or(|view| *node.name == *view));
        let own = |node: &'c Node| {
            let addresses = node.addresses.iter().copied().map(Some);
            let addresses: Vec<Option<IpAddr>> =
                if node.addresses.is_empty() { vec![None] } else { addresses.collect() };
            addresses.into_iter().map(move |address| (node, address, Some(&*node.name)))
        };
        let elsewhere =
            |place: &Option<Arc<str>>| !place.as_ref().is_some_and(|node| self.known.contains(node));
        let others = match view {
            Some(view) => !self.known.contains(view),
            None => pods_at.iter().any(elsewhere),
        };
        self.nodes(nodes.flat_map(own), others.then_some("host"), Who::Host)
    }

    /// Nodes as the pods of other nodes see them.
    fn remote_nodes(&self) -> Vec<End> {
        let view = self.decided.population.view.as_deref();
        let nodes = self.compiled.inventory.nodes.iter().filter(|node| Some(&*node.name) != view);
        let seen =
            nodes.flat_map(|node| node.addresses.iter().map(move |address| (node, Some(*address), view)));
        self.nodes(seen, Some("remote-node"), Who::RemoteNode)
    }

    /// Nodes at their addresses, seen from a node. Those with the same tables that all tables treat alike are one.
    fn nodes<'n>(
        &self,
        seen: impl Iterator<Item = (&'n Node, Option<IpAddr>, Option<&'n str>)>,
        others: Option<&str>,
        who: fn(Nodes) -> Who,
    ) -> Vec<End> {
        let (inventory, population) = (&self.compiled.inventory, &self.decided.population);
        let mut found: BTreeMap<Kind, (ClassId, Nodes)> = BTreeMap::new();
        for (node, address, from) in seen {
            let Some(peer) = population.peer(&inventory.node_identity(node, address, from)) else { continue };
            let class = self.class(peer);
            let name = EndpointName { namespace: None, name: Arc::clone(&node.name) };
            let key = (self.subjects.get(&name).copied(), self.columns.of(class), self.state(&name));
            found.entry(key).or_insert((class, Nodes::default())).1.names.push(Arc::clone(&node.name));
        }
        if let Some(peer) = others.and_then(|word| population.entities.get(word)) {
            let class = self.class(*peer);
            let key = (None, self.columns.of(class), None);
            found.entry(key).or_insert((class, Nodes::default())).1.others = true;
        }
        let end = |((subject, _, state), (class, mut nodes)): (Kind, (ClassId, Nodes))| {
            nodes.names.dedup();
            let name = |name: &Arc<str>| EndpointName { namespace: None, name: Arc::clone(name) };
            let names: Vec<EndpointName> = nodes.names.iter().map(name).collect();
            let end = self.end(who(nodes), class);
            self.with_tables(end, subject, state, &names.iter().collect::<Vec<_>>())
        };
        found.into_iter().map(end).collect()
    }

    /// Addresses that are neither a pod's nor a node's, and names.
    fn outside(&self, promised: &[Promised]) -> Vec<End> {
        let population = &self.decided.population;
        let mut found: BTreeMap<Column, (ClassId, Outside)> = BTreeMap::new();
        let mut at = |class: ClassId, add: &mut dyn FnMut(&mut Outside)| {
            add(&mut found.entry(self.columns.of(class)).or_insert((class, Outside::default())).1);
        };
        for (word, peer) in population.entities.iter().filter(|(word, _)| word.starts_with("world")) {
            at(self.class(*peer), &mut |outside| outside.worlds.push(Arc::clone(word)));
        }
        for Promised { text, peer } in promised {
            at(self.class(*peer), &mut |outside| outside.names.push(Arc::clone(text)));
        }
        let addresses = self.roster.addresses.map(|(_, peer)| self.columns.of(self.class(*peer)));
        for (_, (_, peer)) in self.roster.addresses.iter() {
            at(self.class(*peer), &mut |_| {});
        }
        for (name, answers) in &self.compiled.inventory.answers().0 {
            for (_, (_, peer)) in answers.iter().filter_map(|address| self.roster.addresses.lookup(*address))
            {
                at(self.class(*peer), &mut |outside| outside.names.push(name.name.as_str().into()));
            }
        }
        let end = |(column, (class, mut outside)): (Column, (ClassId, Outside))| {
            outside.names.sort();
            outside.names.dedup();
            let inside: PrefixMap<bool> = addresses.map(|of| *of == column);
            outside.blocks = blocks(&inside.minimal());
            self.end(Who::Outside(outside), class)
        };
        found.into_iter().map(end).collect()
    }
}
