//! After any sequence of changes a session is what a compile from scratch gives.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use sluice_compiler::classify::Limits as TableLimits;
use sluice_compiler::options::Scope;
use sluice_compiler::resource::aws::AwsInventory;
use sluice_compiler::resource::dns_answers::DnsAnswers;
use sluice_compiler::resource::{Object, Resource};
use sluice_compiler::session::{Cells, Change, Delta, ObjectKey, Session, Tables};
use sluice_compiler::source::{Limits, Sources};
use sluice_compiler::{Extras, compile, decide, load};
use sluice_ir::decision::{Decision, EndpointName, Outcome, PortClasses, Row};
use sluice_ir::dns_name::{Asker, DnsName, LearnedName};
use sluice_ir::ids::{ClassId, RowId, VerdictId};
use sluice_ir::net::Cidr;
use sluice_ir::policy::Direction;
use sluice_ir::policy::eval::{Question, eval};

use crate::generate::cases;
use crate::harness::{config, documents, file};
use crate::shape::{Case, NAMES, NODES, OUTSIDE};

/// A case's objects, and which of them and of the DNS answers are there.
struct State {
    node: Arc<str>,
    resources: Vec<Resource>,
    there: Vec<bool>,
    answers: BTreeSet<(LearnedName, std::net::IpAddr)>,
}

fn read(case: &Case) -> (Sources, Vec<Resource>) {
    let mut sources = Sources::default();
    let id = sources.add("all.yaml", file(&documents(case)));
    let loaded = load(&sources, &[id], &case.world.options, &Limits::default());
    (sources, loaded.resources)
}

impl State {
    fn present(&self) -> Vec<Resource> {
        let there = self.resources.iter().zip(&self.there).filter(|(_, there)| **there);
        there.map(|(resource, _)| resource.clone()).collect()
    }

    fn dns(&self) -> DnsAnswers {
        let mut answers: BTreeMap<LearnedName, Vec<_>> = BTreeMap::new();
        for (name, address) in &self.answers {
            answers.entry(name.clone()).or_default().push(*address);
        }
        DnsAnswers(answers)
    }

    fn session(&self, case: &Case) -> Session {
        let (sources, _) = read(case);
        let (node, options) = (Arc::clone(&self.node), case.world.options.clone());
        Session::new(
            node,
            self.present(),
            self.dns(),
            AwsInventory::default(),
            sources,
            options,
            TableLimits::default(),
        )
        .unwrap()
    }

    /// What a compile of what is there gives.
    fn scratch(&self, case: &Case) -> Decision {
        let (sources, _) = read(case);
        let extras = Extras { answers: self.dns(), ..Extras::default() };
        let compiled = compile(&self.present(), extras, &sources, &case.world.options).unwrap();
        let compiled = compiled.with_own_names().unwrap();
        let decided = decide(&compiled, Some(&self.node), &TableLimits::default(), &mut |_| {}).unwrap();
        Decision::clone(&decided.classified.decision)
    }

    /// The next change of an endpoint of the node, or what it is an endpoint by: tables are made anew, and rules are kept.
    fn next_of_node(&mut self, place: prop::sample::Index) -> Option<Change> {
        let of_node = |resource: &Resource| {
            matches!(
                *resource.object,
                Object::Pod(_) | Object::Workload(_) | Object::Namespace(_) | Object::Node(_)
            )
        };
        let places: Vec<usize> =
            (0..self.resources.len()).filter(|at| of_node(&self.resources[*at])).collect();
        (!places.is_empty()).then(|| self.turn(places[place.index(places.len())]))
    }

    /// Puts an object that is not there, or removes it.
    fn turn(&mut self, at: usize) -> Change {
        let resource = &self.resources[at];
        self.there[at] = !self.there[at];
        match self.there[at] {
            true => Change::Put(Box::new(resource.clone())),
            false => Change::Remove(ObjectKey::of(resource)),
        }
    }

    /// The next change: an object comes or goes, or an answer does.
    fn next(&mut self, case: &Case, place: prop::sample::Index) -> Change {
        let askers = askers(case);
        let names = NAMES.len() * OUTSIDE.len() * askers.len();
        let at = place.index(self.resources.len() + names);
        if at < self.resources.len() {
            return self.turn(at);
        }
        let at = at - self.resources.len();
        let (at, by) = (at / askers.len(), askers[at % askers.len()].clone());
        let name = LearnedName { name: DnsName::parse(NAMES[at % NAMES.len()]).unwrap(), by };
        let address: std::net::IpAddr = OUTSIDE[at / NAMES.len()].parse().unwrap();
        let answer = (name.clone(), address);
        match self.answers.remove(&answer) {
            true => Change::DnsExpiry(name, address),
            false => {
                self.answers.insert(answer);
                Change::DnsAnswer(name, address)
            }
        }
    }
}

/// Tables as one who only hears of deltas knows them.
#[derive(Debug, Default, PartialEq)]
struct Mirror {
    verdicts: BTreeMap<VerdictId, Outcome>,
    ports: BTreeMap<Direction, PortClasses>,
    rows: BTreeMap<(Direction, RowId), Row>,
    cells: BTreeMap<(EndpointName, Direction, ClassId), RowId>,
    entities: BTreeMap<Arc<str>, ClassId>,
    prefixes: BTreeMap<Cidr, ClassId>,
}

impl Mirror {
    fn of(tables: Tables) -> Mirror {
        let mut mirror = Mirror::default();
        mirror.hear(tables);
        mirror
    }

    fn hear(&mut self, tables: Tables) {
        self.verdicts.extend(tables.verdicts);
        for (direction, news) in
            [(Direction::Ingress, tables.ports.ingress), (Direction::Egress, tables.ports.egress)]
        {
            let Some((ports, rows)) = news else { continue };
            self.ports.insert(direction, ports);
            self.rows
                .extend(rows.into_iter().enumerate().map(|(at, row)| ((direction, RowId::new(at)), row)));
        }
        for (direction, rows) in
            [(Direction::Ingress, tables.rows.ingress), (Direction::Egress, tables.rows.egress)]
        {
            self.rows.extend(rows.into_iter().map(|(id, row)| ((direction, id), row)));
        }
        self.cells.retain(|(_, _, class), _| !tables.gone.contains(class));
        for Cells { endpoint, direction, rows } in tables.cells {
            self.cells
                .extend(rows.into_iter().map(|(class, row)| ((endpoint.clone(), direction, class), row)));
        }
        self.entities.extend(tables.entities);
        for (prefix, class) in tables.prefixes {
            match class {
                Some(class) => self.prefixes.insert(prefix, class),
                None => self.prefixes.remove(&prefix),
            };
        }
    }
}

/// For whom answers can count: for everybody, and by option for a pod.
fn askers(case: &Case) -> Vec<Option<Asker>> {
    let pods = case.world.pods.iter().map(|pod| Some(Asker::new(format!("{}/{}", pod.namespace, pod.name))));
    let own = pods.filter(|_| case.world.options.dns.scope == Scope::Pod);
    std::iter::once(None).chain(own).collect()
}

/// An endpoint and an address about which a decision says another thing than the rules as they are written, if the
/// address has those names alone that count for the endpoint.
fn seen_otherwise(state: &State, case: &Case, decision: &Decision) -> Option<String> {
    let (sources, _) = read(case);
    let extras = Extras { answers: state.dns(), ..Extras::default() };
    let compiled = compile(&state.present(), extras, &sources, &case.world.options).unwrap();
    let endpoints =
        decision.subjects.iter().flat_map(|subject| subject.endpoints.iter().map(move |of| (subject, of)));
    for (subject, name) in endpoints.filter(|(_, name)| name.namespace.is_some()) {
        let at = compiled.inventory.endpoint_named(name.namespace.as_deref().unwrap(), &name.name).unwrap();
        let identity = &compiled.inventory.endpoints[at].identity;
        for address in OUTSIDE.map(|text| text.parse().unwrap()) {
            let mut peer = compiled.inventory.identity_of(address, Some(&state.node));
            peer.names.retain(|learned| learned.by.as_ref().is_none_or(|by| by.as_str() == name.to_string()));
            peer.names.iter_mut().for_each(|learned| learned.by = None);
            let class = decision.class_of(address).unwrap();
            for span in decision.sides.egress.ports.spans() {
                let (direction, protocol, port) = (Direction::Egress, span.protocol, span.range.start);
                let question = Question { subject: identity, peer: &peer, direction, protocol, port };
                let (says, found) = (
                    eval(&compiled.policy, &question).verdict,
                    decision.outcome(subject, direction, class, protocol, port).verdict,
                );
                if says != found {
                    return Some(format!("{name} to {address}, {protocol} {port}: {found}, not {says}"));
                }
            }
        }
    }
    None
}

/// A change is of anything, or only of the node's endpoints and what they are by.
type Next = (prop::sample::Index, bool);

fn changes(case: &Case, places: Vec<Next>, there: u64) -> Result<(), TestCaseError> {
    let (_, resources) = read(case);
    let present = (0..resources.len()).map(|at| there >> (at % 64) & 1 == 0).collect();
    let node = case.world.view.unwrap_or(NODES[0].0).into();
    let mut state = State { node, resources, there: present, answers: BTreeSet::new() };
    let mut session = state.session(case);
    let mut mirror = Mirror::of(session.tables());
    for (place, of_node) in places {
        let change = if of_node { state.next_of_node(place) } else { None };
        let change = change.unwrap_or_else(|| state.next(case, place));
        let told = format!("{change:?}");
        match session.apply(change).unwrap() {
            Delta::Nothing => {}
            Delta::Tables(tables) => mirror.hear(*tables),
            Delta::Rebuilt(_) => mirror = Mirror::of(session.tables()),
        }
        prop_assert_eq!(&mirror, &Mirror::of(session.tables()), "{}", &told);
        let expected = state.scratch(case);
        let found = Decision::clone(&session.decision().unwrap().decision);
        prop_assert!(
            found == expected,
            "after {}\nfound {}\nexpected {}\n{}",
            told,
            found,
            expected,
            file(&documents(case))
        );
        prop_assert!(session.prove().is_ok());
        prop_assert_eq!(seen_otherwise(&state, case, &found), None, "{}", told);
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(60))]

    #[test]
    fn any_changes_of_a_world(
        case in cases(),
        places in prop::collection::vec(any::<Next>(), 1..12),
        there in any::<u64>(),
    ) {
        changes(&case, places, there)?;
    }

    /// The same where answers count for who asked.
    #[test]
    fn any_changes_of_a_world_in_which_each_pod_asks_for_itself(
        mut case in cases(),
        places in prop::collection::vec(any::<Next>(), 1..16),
        there in any::<u64>(),
    ) {
        case.world.options.dns.scope = Scope::Pod;
        changes(&case, places, there)?;
    }
}
