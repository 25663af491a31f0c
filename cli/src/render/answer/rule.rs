//! A rule in one sentence: `from pods with app=web in shop, on 8080/tcp`.

use sluice_compiler::inventory::keys;
use sluice_compiler::judge::{port_text, requirement_text};
use sluice_ir::ids::SelectorId;
use sluice_ir::label::LabelSource;
use sluice_ir::net::Cidr;
use sluice_ir::policy::{Direction, L7Rules, Peer, Peers, Policy, Ports, Rule};
use sluice_ir::selector::{Operator, Requirement};

/// Of many alternatives this many are named.
const MOST: usize = 4;

/// What a rule matches, and what the proxy is to do.
pub(super) fn sentence(policy: &Policy, rule: &Rule) -> String {
    let word = match rule.direction {
        Direction::Ingress => "from",
        Direction::Egress => "to",
    };
    let mut text = format!("{word} {}, {}", peers(policy, &rule.peers), ports(&rule.ports));
    if let Some(l7) = rule.l7.map(|l7| policy.l7(l7)) {
        text.push_str(match l7.rules {
            L7Rules::Http(_) => ", with HTTP rules",
            L7Rules::Dns(_) => ", with DNS rules",
            L7Rules::None => ", through a proxy",
        });
    }
    text
}

fn alternatives(mut texts: Vec<String>) -> String {
    let more = texts.len().saturating_sub(MOST);
    texts.truncate(MOST);
    if more > 0 {
        texts.push(format!("{more} more"));
    }
    texts.join(" or ")
}

fn peers(policy: &Policy, peers: &Peers) -> String {
    match peers {
        Peers::Any => "anyone".to_owned(),
        Peers::Of(peers) if peers.is_empty() => "no one".to_owned(),
        Peers::Of(peers) => alternatives(entities(peers.iter().map(|one| peer(policy, one)).collect())),
    }
}

/// Entities that stand for several alternatives get their one word back.
fn entities(mut texts: Vec<String>) -> Vec<String> {
    const WORLD: [&str; 3] = ["world", "world-ipv4", "world-ipv6"];
    const CLUSTER: [&str; 8] =
        ["host", "remote-node", "init", "ingress", "health", "unmanaged", "kube-apiserver", "every pod"];
    for (parts, word) in [(WORLD.as_slice(), "world"), (CLUSTER.as_slice(), "the cluster")] {
        if parts.iter().all(|part| texts.iter().any(|text| text == part)) {
            let first = texts.iter().position(|text| parts.contains(&text.as_str())).unwrap_or(0);
            texts[first] = word.to_owned();
            let mut at = 0;
            texts.retain(|text| {
                at += 1;
                at - 1 == first || !parts.contains(&text.as_str())
            });
        }
    }
    texts
}

fn peer(policy: &Policy, peer: &Peer) -> String {
    match peer {
        Peer::Labels { selector, except } => format!("{}{}", labels(policy, *selector), exceptions(except)),
        Peer::Cidr { cidr, except } => format!("{cidr}{}", exceptions(except)),
        Peer::Name { pattern, .. } => format!("the addresses of {}", pattern.text()),
    }
}

fn exceptions(except: &[Cidr]) -> String {
    match except {
        [] => String::new(),
        except => format!(" except {}", alternatives(except.iter().map(ToString::to_string).collect())),
    }
}

/// `pods with app=web in shop`, `host`, `the CIDR group partners`.
fn labels(policy: &Policy, selector: SelectorId) -> String {
    let requirements = policy.selector(selector).requirements();
    if let [Requirement { key, source, operator: Operator::Exists }] = requirements {
        match (source, key.strip_prefix(keys::CIDR_GROUP)) {
            (LabelSource::Reserved, _) => return key.to_string(),
            (LabelSource::CidrGroup, Some(group)) => return format!("the CIDR group {group}"),
            _ => {}
        }
    }
    let (mut of_pods, mut place) = (Vec::new(), None);
    for requirement in requirements {
        match (&*requirement.key, &requirement.operator) {
            (keys::NAMESPACE, Operator::In(values)) if values.len() == 1 => {
                place = Some(format!("in {}", values[0]))
            }
            (keys::NAMESPACE, Operator::Exists) => place = Some("in any namespace".to_owned()),
            (keys::CLUSTER, _) => {}
            _ => of_pods.push(requirement_text(requirement)),
        }
    }
    let pods = if of_pods.is_empty() {
        "every pod".to_owned()
    } else {
        format!("pods with {}", of_pods.join(" and "))
    };
    match place {
        Some(place) => format!("{pods} {place}"),
        None => pods,
    }
}

fn ports(ports: &Ports) -> String {
    match ports {
        Ports::Any => "on every port".to_owned(),
        Ports::Of(ports) if ports.is_empty() => "on no port".to_owned(),
        Ports::Of(ports) => format!("on {}", alternatives(ports.iter().map(port_text).collect())),
    }
}
