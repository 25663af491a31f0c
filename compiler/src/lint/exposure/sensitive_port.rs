//! S1602: a port of an administrator or a database, open to the world.

use sluice_ir::net::Protocol;
use sluice_ir::policy::Direction;

use super::{allows, world};
use crate::diagnostic::{Code, Diagnostic};
use crate::lint::facts::PortKind;
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::SensitivePort, run };

/// Ports on which nobody serves strangers, by their registered or usual meaning.
const SENSITIVE: [(u16, &str); 16] = [
    (22, "SSH"),
    (23, "Telnet"),
    (445, "SMB"),
    (2375, "the Docker API"),
    (2376, "the Docker API"),
    (2379, "etcd"),
    (2380, "etcd"),
    (3306, "MySQL"),
    (3389, "RDP"),
    (5432, "PostgreSQL"),
    (6379, "Redis"),
    (9042, "Cassandra"),
    (9200, "Elasticsearch"),
    (10250, "the kubelet"),
    (11211, "memcached"),
    (27017, "MongoDB"),
];

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for (at, entry) in allows(context, Direction::Ingress) {
        let open = world(context, at).or_else(|| entry.every_peer.then_some(entry.span));
        let Some(peers) = open.filter(|_| !entry.every_port) else { continue };
        for port in context.facts.ports_of(at) {
            let narrow = matches!(port.port, PortKind::Number(_)) && port.protocols.contains(&Protocol::TCP);
            let Some((number, what)) = SENSITIVE.iter().find(|(number, _)| narrow && port.contains(*number))
            else {
                continue;
            };
            let message = format!("port {number}, {what}, is open to the whole world");
            found.push(
                context
                    .finding(Code::SensitivePort, entry.resource, port.span, message)
                    .related(peers, "everybody")
                    .help("name the peers that need it"),
            );
        }
    }
}
