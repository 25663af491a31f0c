//! What must be known of images to change them, and is not in their bytes.

use std::collections::{BTreeMap, BTreeSet};

use sluice_ir::decision::{ByDirection, EndpointName, PortClasses, Row};
use sluice_ir::policy::Direction;

use super::endpoints::Interface;
use super::prefixes::Prefixes;
use super::source::{NO_ROW, Source};
use super::trie::Trie;
use super::{BuildError, Room, record, rows};
use crate::abi::{
    ENDPOINT_ASK_HOST, ENDPOINT_AUDIT, ENDPOINT_AUDIT_HOST, ENDPOINT_ENFORCE_EGRESS,
    ENDPOINT_ENFORCE_INGRESS, ENDPOINT_HOST, ENDPOINT_TRACK_EGRESS, ENDPOINT_TRACK_INGRESS, Endpoint,
    NO_CLASS,
};

/// What is not in the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    pub(super) prefixes4: Prefixes,
    pub(super) prefixes6: Prefixes,
    pub(super) trie4: Option<Trie>,
    pub(super) trie6: Option<Trie>,
    /// How many verdicts there are.
    pub(super) verdicts: usize,
    /// Of each subject that tables name, its tables.
    pub(super) subjects: BTreeMap<EndpointName, Subject>,
    /// Classes of ports.
    pub(super) ports: ByDirection<PortClasses>,
    /// How many slots of hosts are taken; those of hosts that are no more stay.
    pub(super) hosts6: usize,
    /// What was left for changes.
    pub(super) room: Room,
    /// For each row, whether every verdict in it allows.
    pub(super) open: ByDirection<Vec<bool>>,
    /// Classes that peers are in.
    pub(super) classes: BTreeSet<u32>,
    /// Classes that nobody is in any more, but someone may still be asking about.
    pub(super) gone: BTreeSet<u32>,
    /// Whether each verdict allows.
    pub(super) allows: Vec<bool>,
}

/// The tables of a subject, and whether some peer or port is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Subject {
    pub(super) tables: ByDirection<u32>,
    pub(super) enforced: ByDirection<bool>,
}

pub(super) fn state(
    source: &Source<'_>,
    room: &Room,
    tables: &rows::Tables,
    ([prefixes4, prefixes6], [trie4, trie6]): ([Prefixes; 2], [Option<Trie>; 2]),
    hosts6: usize,
) -> State {
    let allows: Vec<bool> =
        source.verdicts.iter().enumerate().map(|(at, outcome)| record(at, outcome).allows()).collect();
    let is_open = |row: &Row| row.0.iter().all(|cell| allows[cell.index()]);
    let open: ByDirection<Vec<bool>> =
        ByDirection::from_fn(|direction| source.rows[direction].iter().map(|row| is_open(row)).collect());
    let mut subjects = BTreeMap::new();
    for ((names, rows), tables) in source.subjects.iter().zip(&tables.of) {
        let enforced = ByDirection::from_fn(|direction| {
            let mut rows = rows[direction].iter().filter(|row| **row != NO_ROW);
            !rows.all(|row| open[direction][*row as usize])
        });
        let subject = Subject { tables: *tables, enforced };
        subjects.extend(names.iter().map(|name| (name.clone(), subject)));
    }
    let rows = source.subjects.iter().flat_map(|(_, rows)| Direction::BOTH.map(|way| &rows[way]));
    let classes = rows.flat_map(|rows| (0..).zip(rows)).filter(|(_, row)| **row != NO_ROW);
    let classes = classes.map(|(class, _)| class).collect();
    State {
        prefixes4,
        prefixes6,
        trie4,
        trie6,
        verdicts: source.verdicts.len(),
        subjects,
        ports: ByDirection::from_fn(|direction| source.ports[direction].clone()),
        hosts6,
        room: *room,
        open,
        classes,
        gone: BTreeSet::new(),
        allows,
    }
}

impl State {
    /// Whether policy of a host lets something not pass.
    pub(super) fn asks_host(&self) -> bool {
        let enforces = |subject: &Subject| subject.enforced.ingress || subject.enforced.egress;
        self.subjects.iter().any(|(name, subject)| name.namespace.is_none() && enforces(subject))
    }
}

/// Fills in what follows from the tables.
///
/// A connection is remembered where its replies are judged: one to an endpoint if something of what that sends is
/// not allowed, and the other way round.
pub(super) fn endpoints(
    state: &State,
    interfaces: &[Interface],
    host_class: u32,
) -> Result<Vec<Endpoint>, BuildError> {
    let host = interfaces.iter().find(|interface| is_host(&interface.endpoint));
    let host = host.filter(|_| state.asks_host() && host_class != NO_CLASS);
    let host = host.and_then(|host| Some((host.endpoint, state.subjects.get(&host.name)?.tables)));
    let endpoint = |Interface { name, endpoint }: &Interface| {
        let unknown = || BuildError::UnknownEndpoint(name.clone());
        let subject = state.subjects.get(name).ok_or_else(unknown)?;
        let flag = |is: bool, flags: u32| if is { flags } else { 0 };
        let flags = flag(subject.enforced.ingress, ENDPOINT_ENFORCE_INGRESS | ENDPOINT_TRACK_EGRESS)
            | flag(subject.enforced.egress, ENDPOINT_ENFORCE_EGRESS | ENDPOINT_TRACK_INGRESS);
        let own = Endpoint {
            ingress_table: subject.tables.ingress,
            egress_table: subject.tables.egress,
            flags: endpoint.flags | flags,
            host_class,
            ..*endpoint
        };
        Ok(match host {
            Some((host, tables)) if !is_host(endpoint) => beside(own, host, tables),
            _ => own,
        })
    };
    interfaces.iter().map(endpoint).collect()
}

fn is_host(endpoint: &Endpoint) -> bool {
    endpoint.flags & ENDPOINT_HOST != 0
}

/// An endpoint on the machine of a host whose policy is asked, too. Connections between the two are remembered here, as
/// they cross no other interface.
fn beside(own: Endpoint, host: Endpoint, tables: ByDirection<u32>) -> Endpoint {
    let audits = if host.flags & ENDPOINT_AUDIT != 0 { ENDPOINT_AUDIT_HOST } else { 0 };
    let asks = ENDPOINT_ASK_HOST | ENDPOINT_TRACK_INGRESS | ENDPOINT_TRACK_EGRESS;
    Endpoint {
        flags: own.flags | asks | audits,
        host: host.id,
        host_ingress_table: tables.ingress,
        host_egress_table: tables.egress,
        ..own
    }
}
