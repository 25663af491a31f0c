//! Random decisions about a tiny world: for tests and fuzzing.
//!
//! The world is that of random policies: five of its identities as examples of classes, prefixes of at most
//! 3 bits, cuts between the ports 4 to 7, and tables small enough that equal rows, columns and tables are common.

mod wild;

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

pub use self::wild::wild_decisions;

use super::{
    ByDirection, Decision, EndpointName, Outcome, PeerClass, PortClasses, PortSpan, Row, Side, Subject, Table,
};
use crate::ids::{ClassId, L7Id, OriginId, PortClassId, RowId, VerdictId};
use crate::net::{Cidr, PortRange, Protocol};
use crate::policy::arbitrary::POOL;
use crate::policy::arbitrary::identities;
use crate::policy::arbitrary::pool::{prefixes, tiny_l7, tiny_origins};
use crate::policy::eval::{Reason, Verdict};
use crate::policy::{Authentication, Proxy};
use crate::prefix_map::PrefixMap;

const CLASSES: usize = 5;
const PORT_CLASSES: usize = 4;
const ROWS: usize = 5;
const VERDICTS: usize = 6;

/// Sound decisions in canonical form.
pub fn decisions() -> impl Strategy<Value = Decision> {
    raw_decisions().prop_map(Decision::canonical)
}

/// Decisions that are sound but for their form: tables have unused and equal entries, in any order.
pub fn raw_decisions() -> impl Strategy<Value = Decision> {
    let outcomes = prop::collection::vec(outcome(), VERDICTS);
    let sides = (side(), side()).prop_map(|(ingress, egress)| ByDirection { ingress, egress });
    let node = prop::option::of(Just(Arc::from("node-1")));
    (node, classes(), entities(), addresses(), outcomes, sides, subjects()).prop_map(
        |(node, classes, entities, prefixes, verdicts, sides, subjects)| Decision {
            node,
            origins: tiny_origins(),
            l7: tiny_l7(),
            classes,
            entities,
            prefixes,
            sides,
            verdicts,
            subjects,
        },
    )
}

fn classes() -> impl Strategy<Value = Vec<PeerClass>> {
    let class = |example| PeerClass { example: Arc::new(example) };
    subsequence(identities(), CLASSES)
        .prop_shuffle()
        .prop_map(move |examples| examples.into_iter().map(class).collect())
}

fn class_id() -> impl Strategy<Value = ClassId> {
    (0..CLASSES).prop_map(ClassId::new)
}

fn entities() -> impl Strategy<Value = BTreeMap<Arc<str>, ClassId>> {
    let name = select(vec!["health", "host", "ingress", "remote-node"]).prop_map(Arc::from);
    prop::collection::btree_map(name, class_id(), 0..3)
}

/// A class for every address.
fn addresses() -> impl Strategy<Value = PrefixMap<ClassId>> {
    let whole = |text: &str| text.parse::<Cidr>().ok();
    let some = subsequence(prefixes(), 0..6);
    (some, prop::collection::vec(class_id(), 8)).prop_map(move |(some, classes)| {
        let roots = ["0.0.0.0/0", "::/0"].into_iter().filter_map(whole);
        roots.chain(some).zip(classes).collect()
    })
}

fn side() -> impl Strategy<Value = Side> {
    let cell = (0..VERDICTS).prop_map(VerdictId::new);
    let row = prop::collection::vec(cell, PORT_CLASSES).prop_map(|cells| Row(cells.into()));
    let rows = prop::collection::vec(row, ROWS);
    let protocols = subsequence(vec![Protocol::ICMP, Protocol::TCP, Protocol::UDP, Protocol(47)], 0..4);
    let ports = protocols.prop_flat_map(|protocols| {
        let spans: Vec<_> = protocols.into_iter().map(spans).collect();
        spans.prop_map(|spans| PortClasses::new(spans.concat()))
    });
    (ports, rows).prop_map(|(ports, mut rows)| {
        for row in &mut rows {
            row.0 = row.0.iter().take(ports.len()).copied().collect();
        }
        Side { ports, rows }
    })
}

/// All ports of a protocol in some spans.
fn spans(protocol: Protocol) -> impl Strategy<Value = Vec<PortSpan>> {
    let cuts = subsequence(vec![4_u16, 5, 6, 7, 8], 0..4);
    (cuts, prop::collection::vec(0..PORT_CLASSES, 5)).prop_map(move |(cuts, classes)| {
        let starts = [0].into_iter().chain(cuts.clone());
        let ends = cuts.iter().map(|cut| cut - 1).chain([u16::MAX]);
        let span = |((start, end), class)| PortSpan {
            protocol,
            range: PortRange { start, end },
            class: PortClassId::new(class),
        };
        starts.zip(ends).zip(classes).map(span).collect()
    })
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let origins = |least| subsequence((0..POOL).map(OriginId::new).collect::<Vec<_>>(), least..3);
    let plain = |verdict, reason, origins| Outcome {
        verdict,
        reason,
        authentication: None,
        widened: false,
        origins,
        l7: Vec::new(),
        proxy: None,
    };
    let unasked = select(vec![Reason::NotEnforced, Reason::NotIsolated, Reason::Localhost]);
    let default_deny = origins(0).prop_map(move |ids| plain(Verdict::Deny, Reason::DefaultDeny, ids));
    let deny = origins(1).prop_map(move |ids| plain(Verdict::Deny, Reason::Rules, ids));
    let allow = (origins(1), authentication()).prop_map(move |(ids, authentication)| Outcome {
        authentication,
        ..plain(Verdict::Allow, Reason::Rules, ids)
    });
    let known = tiny_l7();
    let l7 = subsequence((0..POOL).map(L7Id::new).collect::<Vec<_>>(), 1..3);
    let redirect = (origins(1), authentication(), any::<bool>(), l7).prop_map(
        move |(ids, authentication, widened, l7)| Outcome {
            authentication,
            widened,
            proxy: Proxy::of(l7.iter().map(|id| &known[id.index()])),
            l7,
            ..plain(Verdict::Redirect, Reason::Rules, ids)
        },
    );
    prop_oneof![
        unasked.prop_map(move |reason| plain(Verdict::Allow, reason, Vec::new())),
        default_deny,
        deny,
        allow,
        redirect,
    ]
}

fn authentication() -> impl Strategy<Value = Option<Authentication>> {
    select(vec![None, None, Some(Authentication::Disabled), Some(Authentication::Required)])
}

fn subjects() -> impl Strategy<Value = Vec<Subject>> {
    let endpoint = |(namespace, name): &(Option<&str>, &str)| EndpointName {
        namespace: namespace.map(Arc::from),
        name: Arc::from(*name),
    };
    let names = [(None, "node-1"), (Some("a"), "x"), (Some("a"), "y"), (Some("b"), "x"), (Some("c"), "z")];
    let endpoints = names.iter().map(endpoint).collect::<Vec<_>>();
    let tables = (table(), table()).prop_map(|(ingress, egress)| ByDirection { ingress, egress });
    let tables = prop::collection::vec(tables, 3);
    let which = prop::collection::vec(0..4_usize, endpoints.len());
    (which, tables).prop_map(move |(which, tables)| {
        let of = |subject: usize| {
            let mine = endpoints.iter().zip(&which).filter(move |(_, of)| **of == subject);
            mine.map(|(endpoint, _)| endpoint.clone()).collect()
        };
        let subjects = tables.into_iter().enumerate();
        subjects.map(|(index, tables)| Subject { endpoints: of(index), tables }).collect()
    })
}

fn table() -> impl Strategy<Value = Table> {
    let row = || (0..ROWS).prop_map(RowId::new);
    let rows = prop::collection::btree_map(class_id(), row(), 0..4);
    (row(), rows).prop_map(|(otherwise, rows)| Table { otherwise, rows: rows.into_iter().collect() })
}
