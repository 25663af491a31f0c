//! S1701: a policy for nodes that would cut them off.

use sluice_ir::net::Protocol;
use sluice_ir::policy::{Action, Direction, Peers, PortSet, Ports, Rule, Subject};

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::who_else::Others;
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::HostLockedOut, run };

/// What a node lives by: who asks for it, and where.
struct Need {
    direction: Direction,
    /// Any of these will do.
    ports: &'static [u16],
    what: &'static str,
    who: &'static str,
}

const NEEDS: [Need; 3] = [
    Need {
        direction: Direction::Ingress,
        ports: &[10250],
        what: "the kubelet, port 10250",
        who: "`kubectl logs` and `exec`, and probes of the API server, come here: allow it from `kube-apiserver`",
    },
    Need {
        direction: Direction::Ingress,
        ports: &[22],
        what: "SSH, port 22",
        who: "without it nobody can log in to undo the policy: allow it from where administrators are",
    },
    Need {
        direction: Direction::Egress,
        ports: &[6443, 443],
        what: "the API server, port 6443 or 443",
        who: "the kubelet and the agent would lose it, and could not learn that the policy was taken back: allow `toEntities: [kube-apiserver]`",
    },
];

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let policy = &context.compiled.policy;
    let mut told: Vec<(Subject, Direction)> = Vec::new();
    for ((_, rule), written) in policy.rules().zip(&context.compiled.written) {
        let key = (rule.subject, rule.direction);
        if !matches!(rule.subject, Subject::Nodes(_)) || !rule.default_deny || told.contains(&key) {
            continue;
        }
        told.push(key);
        let Some(entry) = context.facts.entry_of(written.span) else { continue };
        let place = entry.section.map_or(entry.span, |section| section.key_span);
        for need in NEEDS.iter().filter(|need| need.direction == rule.direction) {
            let serves = |rule: &Rule| rule.action == Action::Allow && opens(rule, need.ports);
            if Others::new(context, rule.direction, serves).is_for(rule.subject) {
                continue;
            }
            let message = format!("this isolates nodes, and no rule lets them keep {}", need.what);
            found.push(context.finding(Code::HostLockedOut, entry.resource, place, message).help(need.who));
        }
    }
}

/// Whether a rule opens one of the ports to somebody.
fn opens(rule: &Rule, ports: &[u16]) -> bool {
    let somebody = !matches!(&rule.peers, Peers::Of(peers) if peers.is_empty());
    somebody
        && match &rule.ports {
            Ports::Any => true,
            Ports::Of(all) => all.iter().any(|port| {
                port.protocol == Protocol::TCP
                    && matches!(&port.ports, PortSet::Range(range) if ports.iter().any(|port| range.contains(*port)))
            }),
        }
}
