//! What a session tells beside its tables: to whom they belong, what made them, and what they must answer.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use sluice_ir::decision::{EndpointName, Outcome};
use sluice_ir::dns_name::LearnedName;
use sluice_ir::ids::{ClassId, OriginId, VerdictId};
use sluice_ir::net::Protocol;
use sluice_ir::origin::Origin;
use sluice_ir::policy::{Direction, Rule};

use super::live::Live;
use super::{Change, ObjectKey, Session, Tables};
use crate::inventory::Inventory;
use crate::resource::aws::AwsInventory;
use crate::resource::{Object, Resource};

/// A flow, and what the tables say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The endpoint, as [`Cells`](super::Cells) has it.
    pub endpoint: EndpointName,
    /// Which way, seen from the endpoint.
    pub direction: Direction,
    /// The other side.
    pub peer: IpAddr,
    /// The protocol.
    pub protocol: Protocol,
    /// The destination port.
    pub port: u16,
    /// The verdict.
    pub verdict: VerdictId,
}

/// A cell to be asked about: the place of a subject, the direction, the class of peers.
type Asked = (usize, Direction, ClassId);

impl Session {
    /// What policies are resolved against. Pods of other nodes are as they were when it was read last.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// The node whose tables these are.
    pub fn node(&self) -> &Arc<str> {
        &self.node
    }

    /// What AWS has.
    pub fn aws(&self) -> &AwsInventory {
        &self.aws
    }

    /// The object of a name.
    pub fn object(&self, key: &ObjectKey) -> Option<&Resource> {
        self.inputs.get(key)
    }

    /// Whether a name is known to have an address.
    pub fn knows(&self, name: &LearnedName, address: IpAddr) -> bool {
        self.inventory.knows(name, address)
    }

    /// Every endpoint of the node, and the one in whose name its tables are.
    pub fn endpoints(&self) -> impl Iterator<Item = (&EndpointName, &EndpointName)> {
        let name = |at: usize| &self.live.judged[at].name;
        let subjects = self.live.subjects.iter().map(|subject| &subject.endpoints);
        subjects.flat_map(move |endpoints| endpoints.iter().map(move |at| (name(*at), name(endpoints[0]))))
    }

    /// Where the rules behind a verdict are written.
    pub fn origins<'s>(&'s self, outcome: &'s Outcome) -> impl Iterator<Item = &'s Origin> {
        let origin = |id: &OriginId| &self.live.slab.policy.origins[id.index()];
        outcome.origins.iter().map(origin)
    }

    /// A verdict.
    pub fn outcome(&self, verdict: VerdictId) -> Option<&Outcome> {
        self.live.verdicts.get(verdict)
    }

    /// Every verdict, by number.
    pub fn outcomes(&self) -> impl Iterator<Item = &Outcome> {
        self.live.verdicts.all().map(|(_, outcome)| outcome)
    }

    /// The rules in force: those of every object that select an endpoint of the node.
    pub fn rules(&self) -> impl Iterator<Item = (&Rule, &Origin)> {
        let policy = &self.live.slab.policy;
        let rules = self.rules.values().flatten().filter(|id| self.live.about(**id).is_some());
        rules.map(|id| (policy.rule(*id), policy.origin(*id)))
    }

    /// Whether a change would make all tables anew, as far as the object alone can tell.
    pub fn rebuilds(&self, change: &Change) -> bool {
        let object = |resource: &Resource| match &*resource.object {
            Object::Namespace(_) | Object::Node(_) | Object::CidrGroup(_) | Object::Workload(_) => true,
            Object::Pod(pod) => self.reason_to_rebuild(pod).is_some(),
            _ => false,
        };
        match change {
            Change::Put(resource) => {
                object(resource) || self.object(&ObjectKey::of(resource)).is_some_and(object)
            }
            Change::Remove(key) => self.object(key).is_some_and(object),
            _ => false,
        }
    }

    /// So many flows at most that the tables must answer as they do: one half of them about what is different, the rest
    /// spread evenly over everything.
    pub fn sample(&self, different: &[&Tables], most: usize) -> Vec<Sample> {
        let live = &self.live;
        let mut asked = live.asked_about(different, most / 2);
        asked.extend(live.asked_evenly(most - asked.len()));
        let addresses = live.examples(asked.iter().map(|(.., class)| *class).collect());
        let samples = asked.iter().enumerate();
        samples.filter_map(|(at, asked)| live.sample(at, *asked, &addresses)).collect()
    }
}

impl Live {
    fn asked_about(&self, different: &[&Tables], most: usize) -> Vec<Asked> {
        let place = |endpoint: &EndpointName| {
            self.subjects.iter().position(|subject| self.judged[subject.endpoints[0]].name == *endpoint)
        };
        let changed = different.iter().flat_map(|tables| &tables.cells);
        let lists: Vec<_> = changed.filter_map(|cells| Some((place(&cells.endpoint)?, cells))).collect();
        let all: usize = lists.iter().map(|(_, cells)| cells.rows.len()).sum();
        let each = lists.iter().flat_map(|(subject, cells)| {
            cells.rows.iter().map(|(class, _)| (*subject, cells.direction, *class))
        });
        each.step_by(all.div_ceil(most.max(1)).max(1)).collect()
    }

    fn asked_evenly(&self, most: usize) -> impl Iterator<Item = Asked> {
        let classes: Vec<ClassId> = self.peers.classes().map(|(class, _)| class).collect();
        let all = self.subjects.len() * Direction::BOTH.len() * classes.len();
        let step = all.div_ceil(most.max(1)).max(1);
        // No more than one of all that are asked is of one table and class.
        (0..all).step_by(step).take(most).map(move |at| {
            let (table, class) = (at / classes.len(), classes[at % classes.len()]);
            (table / 2, Direction::BOTH[table % 2], class)
        })
    }

    /// An address of each of some classes, of those that have one.
    fn examples(&self, mut wanted: BTreeSet<ClassId>) -> BTreeMap<ClassId, IpAddr> {
        let mut examples = BTreeMap::new();
        for peer in self.peers.iter() {
            let class = self.peers.class(peer);
            if !wanted.contains(&class) {
                continue;
            }
            let mut prefixes = self.peers.prefixes(peer).iter();
            if let Some(address) = prefixes.find_map(|prefix| self.addresses.stands_for(*prefix)) {
                wanted.remove(&class);
                examples.insert(class, address);
            }
            if wanted.is_empty() {
                break;
            }
        }
        examples
    }

    fn sample(
        &self,
        at: usize,
        (subject, direction, class): Asked,
        examples: &BTreeMap<ClassId, IpAddr>,
    ) -> Option<Sample> {
        let of = &self.subjects[subject];
        let row = of.tables[direction].row(class)?;
        let spans = self.ports[direction].spans();
        // Another port each time; TCP where none is told apart.
        let (protocol, port) = match spans.get(at % spans.len().max(1)) {
            Some(span) => (span.protocol, span.range.start),
            None => (Protocol::TCP, 0),
        };
        Some(Sample {
            endpoint: self.judged[of.endpoints[0]].name.clone(),
            direction,
            peer: *examples.get(&class)?,
            protocol,
            port,
            verdict: self
                .verdicts
                .name(direction, self.functions[direction].get_index(row.index())?.at(protocol, port)),
        })
    }
}
