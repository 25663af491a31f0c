//! The canonical form: one for all ways to write a decision, with the same outcomes.

use std::net::IpAddr;

use proptest::prelude::*;
use proptest::test_runner::TestRng;

use super::config;
use crate::decision::arbitrary::{decisions, raw_decisions};
use crate::decision::{
    ByDirection, Decision, EndpointName, Outcome, PortClasses, PortSpan, Row, Side, Subject, Table,
};
use crate::ids::{ClassId, L7Id, OriginId, PortClassId, RowId, VerdictId};
use crate::net::{Cidr, PortRange, Protocol};
use crate::origin::Origin;
use crate::policy::{Direction, Identity, L7};
use crate::prefix_map::PrefixMap;

/// Copies of the entries of a table, in any order.
struct Copies {
    /// Which entry each copy is of.
    of: Vec<usize>,
    /// The copies of each entry.
    places: Vec<Vec<usize>>,
}

impl Copies {
    /// One to three copies of each of `count` entries; the first `fixed` have a copy in their own place.
    fn new(count: usize, fixed: usize, rng: &mut TestRng) -> Copies {
        let mut of: Vec<usize> = (0..count).collect();
        of.extend((0..count).filter(|_| below(2, rng) == 0).collect::<Vec<_>>());
        shuffle(&mut of[fixed..], rng);
        let places = (0..count).map(|entry| (0..of.len()).filter(|at| of[*at] == entry).collect()).collect();
        Copies { of, places }
    }

    fn any(&self, entry: usize, rng: &mut TestRng) -> usize {
        let places = &self.places[entry];
        places[below(places.len(), rng)]
    }

    fn table<T: Clone>(&self, table: &[T]) -> Vec<T> {
        self.of.iter().map(|entry| table[*entry].clone()).collect()
    }
}

fn below(bound: usize, rng: &mut TestRng) -> usize {
    rng.next_u32() as usize % bound
}

fn shuffle<T>(items: &mut [T], rng: &mut TestRng) {
    for at in (1..items.len()).rev() {
        items.swap(at, below(at + 1, rng));
    }
}

/// The same decision in other words.
fn disguised(decision: Decision, rng: &mut TestRng) -> Decision {
    let origins = Copies::new(decision.origins.len(), 0, rng);
    let l7 = Copies::new(decision.l7.len(), 0, rng);
    let verdicts = Copies::new(decision.verdicts.len(), 0, rng);
    let classes = {
        let mut of: Vec<usize> = (0..decision.classes.len()).collect();
        shuffle(&mut of, rng);
        let places = (0..of.len()).map(|entry| vec![of.iter().position(|e| *e == entry).unwrap()]).collect();
        Copies { of, places }
    };
    let rows = ByDirection::from_fn(|direction| Copies::new(decision.sides[direction].rows.len(), 0, rng));
    let class = |id: ClassId, rng: &mut TestRng| ClassId::new(classes.any(id.index(), rng));
    let mut outcomes = verdicts.table(&decision.verdicts);
    for outcome in &mut outcomes {
        *outcome = disguised_outcome(outcome, &origins, &l7, rng);
    }
    let sides = ByDirection::from_fn(|d| disguised_side(&decision.sides[d], &rows[d], &verdicts, rng));
    let mut subjects = Vec::new();
    for subject in &decision.subjects {
        let tables = |rng: &mut TestRng| {
            ByDirection::from_fn(|d| disguised_table(&subject.tables[d], &classes, &rows[d], rng))
        };
        let mut endpoints = subject.endpoints.clone();
        shuffle(&mut endpoints, rng);
        let rest = endpoints.split_off(below(endpoints.len() + 1, rng));
        subjects.push(Subject { endpoints, tables: tables(rng) });
        subjects.push(Subject { endpoints: rest, tables: tables(rng) });
    }
    shuffle(&mut subjects, rng);
    Decision {
        node: decision.node,
        origins: origins.table(&decision.origins),
        l7: l7.table(&decision.l7),
        classes: classes.table(&decision.classes),
        entities: decision.entities.into_iter().map(|(name, id)| (name, class(id, rng))).collect(),
        prefixes: disguised_prefixes(&decision.prefixes, |id, rng| class(id, rng), rng),
        sides,
        verdicts: outcomes,
        subjects,
    }
}

/// Some prefixes are written as their halves too, and where both halves are there the whole says nothing.
fn disguised_prefixes(
    prefixes: &PrefixMap<ClassId>,
    class: impl Fn(ClassId, &mut TestRng) -> ClassId,
    rng: &mut TestRng,
) -> PrefixMap<ClassId> {
    let mut twin: PrefixMap<ClassId> = prefixes.iter().map(|(cidr, id)| (cidr, class(*id, rng))).collect();
    for (cidr, id) in prefixes.iter() {
        let halves = || {
            let length = cidr.length() + 1;
            let upper = match cidr.address() {
                IpAddr::V4(v4) => IpAddr::from((v4.to_bits() | 1 << (32 - length)).to_be_bytes()),
                IpAddr::V6(v6) => IpAddr::from((v6.to_bits() | 1 << (128 - length)).to_be_bytes()),
            };
            [cidr.address(), upper].map(|address| Cidr::new(address, length).unwrap())
        };
        if below(2, rng) == 0 {
            for half in halves().into_iter().filter(|half| prefixes.get(*half).is_none()) {
                twin.insert(half, class(*id, rng));
            }
            twin.insert(cidr, class(ClassId::new(below(5, rng)), rng));
        }
    }
    twin
}

fn disguised_outcome(outcome: &Outcome, origins: &Copies, l7: &Copies, rng: &mut TestRng) -> Outcome {
    let mut twin = outcome.clone();
    twin.origins = outcome.origins.iter().map(|id| OriginId::new(origins.any(id.index(), rng))).collect();
    twin.origins.extend(outcome.origins.first().map(|id| OriginId::new(origins.any(id.index(), rng))));
    twin.l7 = outcome.l7.iter().map(|id| L7Id::new(l7.any(id.index(), rng))).collect();
    shuffle(&mut twin.origins, rng);
    shuffle(&mut twin.l7, rng);
    twin
}

fn disguised_side(side: &Side, rows: &Copies, verdicts: &Copies, rng: &mut TestRng) -> Side {
    let classes = Copies::new(side.ports.len(), 1, rng);
    let mut spans: Vec<PortSpan> = side.ports.spans().to_vec();
    if spans.iter().all(|span| span.protocol != Protocol::SCTP) {
        let class = PortClassId::new(0);
        spans.push(PortSpan { protocol: Protocol::SCTP, range: PortRange::ALL, class });
    }
    spans.sort();
    let mut finer = Vec::new();
    for span in spans {
        let middle = span.range.start.midpoint(span.range.end);
        let parts = [(span.range.start, middle), (middle.saturating_add(1), span.range.end)];
        for (start, end) in parts.into_iter().filter(|(start, end)| start <= end) {
            let class = PortClassId::new(classes.any(span.class.index(), rng));
            finer.push(PortSpan { range: PortRange { start, end }, class, ..span });
        }
    }
    let ports = PortClasses::new(finer);
    let mut copies = rows.table(&side.rows);
    for row in &mut copies {
        let cells = classes.of.iter().map(|class| VerdictId::new(verdicts.any(row.0[*class].index(), rng)));
        *row = Row(cells.collect());
    }
    Side { ports, rows: copies }
}

fn disguised_table(table: &Table, classes: &Copies, rows: &Copies, rng: &mut TestRng) -> Table {
    let row = |id: RowId, rng: &mut TestRng| RowId::new(rows.any(id.index(), rng));
    let mut listed = Vec::new();
    for class in (0..classes.of.len()).map(ClassId::new) {
        if table.row(class) != table.otherwise || below(3, rng) == 0 {
            listed.push((ClassId::new(classes.any(class.index(), rng)), row(table.row(class), rng)));
        }
    }
    shuffle(&mut listed, rng);
    Table { otherwise: row(table.otherwise, rng), rows: listed }
}

/// An outcome with what it names.
fn content<'d>(decision: &'d Decision, outcome: &'d Outcome) -> (Outcome, Vec<&'d Origin>, Vec<&'d L7>) {
    let bare = Outcome { origins: Vec::new(), l7: Vec::new(), ..outcome.clone() };
    let origins = outcome.origins.iter().map(|id| &decision.origins[id.index()]);
    let l7 = outcome.l7.iter().map(|id| &decision.l7[id.index()]);
    let (mut origins, mut l7): (Vec<_>, Vec<_>) = (origins.collect(), l7.collect());
    origins.sort();
    l7.sort();
    (bare, origins, l7)
}

/// The class with an example.
fn class_like(decision: &Decision, example: &Identity) -> ClassId {
    ClassId::new(decision.classes.iter().position(|class| *class.example == *example).unwrap())
}

fn addresses() -> impl Iterator<Item = IpAddr> {
    let v4 = (0..16_u8).map(|part| IpAddr::from([part << 4, 0, 0, 1]));
    v4.chain(["::1", "2000::", "2001:db8::1", "4000::"].map(|text| text.parse().unwrap()))
}

fn same_outcomes(a: &Decision, b: &Decision, endpoint: &EndpointName) {
    let (of_a, of_b) = (a.subject_of(endpoint).unwrap(), b.subject_of(endpoint).unwrap());
    for class in &a.classes {
        let (class_a, class_b) = (class_like(a, &class.example), class_like(b, &class.example));
        for direction in Direction::BOTH {
            for protocol in [Protocol::ICMP, Protocol::TCP, Protocol::UDP, Protocol::SCTP, Protocol(47)] {
                for port in [0, 3, 4, 5, 6, 7, 8, 9, u16::MAX] {
                    let outcome_a = a.outcome(of_a, direction, class_a, protocol, port);
                    let outcome_b = b.outcome(of_b, direction, class_b, protocol, port);
                    assert_eq!(content(a, outcome_a), content(b, outcome_b));
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn the_canonical_form_of_itself_is_itself(decision in decisions()) {
        prop_assert_eq!(decision.clone().canonical(), decision);
    }

    #[test]
    fn all_ways_to_write_a_decision_have_one_form(
        (decision, twin) in raw_decisions().prop_perturb(|decision, mut rng| {
            let twin = disguised(decision.clone(), &mut rng);
            (decision, twin)
        })
    ) {
        prop_assert_eq!(twin.canonical(), decision.canonical());
    }

    #[test]
    fn outcomes_stay(decision in raw_decisions()) {
        let canonical = decision.clone().canonical();
        for endpoint in decision.subjects.iter().flat_map(|subject| &subject.endpoints) {
            same_outcomes(&decision, &canonical, endpoint);
        }
        for address in addresses() {
            let [before, after] = [&decision, &canonical].map(|decision| {
                decision.class_of(address).map(|class| &decision.classes[class.index()])
            });
            prop_assert_eq!(before, after);
        }
    }
}

/// With every protocol listed no port is in `p0`, whatever its cells say.
#[test]
fn a_class_of_ports_that_has_none_leaves_no_trace() {
    let listed = |first: u8, unlisted: &str| {
        let lines: String = (first..=255)
            .map(|protocol| match protocol {
                6 => "tcp 80 deny isolated tcp 0-79, 81-65535 allow not-isolated\n".to_owned(),
                other => format!("{} all allow not-isolated\n", Protocol(other)),
            })
            .collect();
        let row = format!("otherwise {{ any {unlisted}\n{lines} }}");
        let text = format!("cluster endpoint host n {{ ingress {{ {row} }} egress {{ {row} }} }}");
        text.parse::<Decision>().unwrap()
    };
    let few = listed(6, "allow not-isolated");
    assert_eq!(few.sides.ingress.ports.spans().len(), 3);
    assert_eq!(listed(0, "deny isolated"), few);
    assert_eq!(listed(0, "allow localhost"), few);
}
