//! Endpoints about which two policies can differ at all.
//!
//! What is said about an endpoint follows from its identity, the settings, the rules that select it, and whom those
//! rules match. Where all of that is the same on both sides, so is every verdict, and its tables need not be made. So
//! one changed policy of a large cluster is compared for the few endpoints that it selects.

use std::collections::BTreeSet;
use std::net::IpAddr;

use indexmap::{IndexMap, IndexSet};
use rustc_hash::{FxBuildHasher, FxHashSet};
use sluice_ir::decision::EndpointName;
use sluice_ir::ids::{L7Id, RuleId, SelectorId};
use sluice_ir::net::Cidr;
use sluice_ir::policy::eval::peer_matches;
use sluice_ir::policy::{
    Action, Authentication, Direction, Identity, L7, Peer, Peers, Policy, PortSet, Ports, Rule, Subject, Tier,
};
use sluice_ir::prefix_map::PrefixMap;
use sluice_ir::selector::Selector;

use crate::Compiled;
use crate::classify::Judged;
use crate::classify::population::{ENTITIES, families};
use crate::inventory::{Endpoint, Inventory};
use crate::validate::InForce;

/// Of more questions than this whether a selector tells two identities apart, none is asked: then every endpoint is
/// compared.
const QUESTIONS: usize = 10_000_000;

/// The endpoints on both sides about which the policies can differ; none if that can be any.
pub(super) fn touched(
    (old, new): (&Compiled, &Compiled),
    judged: (&[Judged], &[Judged]),
    view: Option<&str>,
) -> Option<BTreeSet<EndpointName>> {
    if old.policy.settings != new.policy.settings {
        return None;
    }
    let pairs = changed_peers((&old.inventory, &new.inventory), view);
    if pairs.len().saturating_mul(new.policy.selectors.len()) > QUESTIONS {
        return None;
    }
    let (before, after) = changed_rules((&old.policy, &new.policy), &pairs);
    let selected = |compiled: &Compiled, judged: &[Judged], rules: &[RuleId]| -> Vec<EndpointName> {
        let in_force = InForce::among(&compiled.policy, judged, rules);
        let is_selected = |at: usize| in_force.selecting(at).iter().any(|(_, rules)| !rules.is_empty());
        (0..judged.len()).filter(|at| is_selected(*at)).map(|at| judged[at].name.clone()).collect()
    };
    let mut touched: BTreeSet<EndpointName> = selected(old, judged.0, &before).into_iter().collect();
    touched.extend(selected(new, judged.1, &after));
    touched.extend(changed_endpoints(judged));
    Some(touched)
}

/// Endpoints whose own identity is another.
fn changed_endpoints((old, new): (&[Judged], &[Judged])) -> Vec<EndpointName> {
    let old: IndexMap<&EndpointName, &Judged, FxBuildHasher> =
        old.iter().map(|judged| (&judged.name, judged)).collect();
    let changed = |judged: &&Judged| old.get(&judged.name).is_some_and(|old| old.identity != judged.identity);
    new.iter().filter(changed).map(|judged| judged.name.clone()).collect()
}

/// Identities of one and the same peer that differ from one side to the other, each pair once.
fn changed_peers(
    (old, new): (&Inventory, &Inventory),
    view: Option<&str>,
) -> IndexSet<(Identity, Identity), FxBuildHasher> {
    let mut pairs = IndexSet::default();
    let mut add = |a: &Identity, b: &Identity| {
        if a != b {
            pairs.insert((a.clone(), b.clone()));
        }
    };
    let mut known = FxHashSet::default();
    for (before, after) in endpoints_of_both(old, new) {
        if known.insert((before.identity_id, after.identity_id)) {
            add(&before.identity, &after.identity);
        }
    }
    for entity in ENTITIES {
        add(&old.entity(entity, view), &new.entity(entity, view));
    }
    for node in &new.nodes {
        let Some(before) = old.node(&node.name) else { continue };
        let shared = node.addresses.iter().filter(|address| before.addresses.contains(address));
        for address in shared.copied().map(Some).chain([None]) {
            for view in [view, Some(&*node.name)] {
                add(&old.node_identity(before, address, view), &new.node_identity(node, address, view));
            }
        }
    }
    if !old.tells_addresses_apart_as(new) {
        for address in edges(old, new) {
            add(&old.outside(address), &new.outside(address));
        }
    }
    pairs
}

/// Endpoints of one name, which are in order of name.
fn endpoints_of_both<'i>(
    old: &'i Inventory,
    new: &'i Inventory,
) -> impl Iterator<Item = (&'i Endpoint, &'i Endpoint)> {
    let name = |endpoint: &'i Endpoint| (&endpoint.namespace, &endpoint.name);
    let mut old = old.endpoints.iter().peekable();
    new.endpoints.iter().filter_map(move |after| {
        while old.next_if(|before| name(before) < name(after)).is_some() {}
        old.next_if(|before| name(before) == name(after)).map(|before| (before, after))
    })
}

/// An address for each way in which either side tells addresses apart that belong to nobody.
fn edges(old: &Inventory, new: &Inventory) -> Vec<IpAddr> {
    let edges = old.edges_beside_pods().chain(new.edges_beside_pods()).chain(families());
    let edges: PrefixMap<()> = edges.map(|cidr: Cidr| (cidr, ())).collect();
    edges.atoms().into_iter().filter_map(|(_, lowest)| lowest).collect()
}

/// The rules of either side that the other has not, or that match another peer there.
fn changed_rules(
    (old, new): (&Policy, &Policy),
    pairs: &IndexSet<(Identity, Identity), FxBuildHasher>,
) -> (Vec<RuleId>, Vec<RuleId>) {
    let mut names = Names::default();
    let contents = [old, new].map(|policy| {
        let names = names.of(policy);
        policy.rules().map(|(_, rule)| Content::of(rule, &names)).collect::<Vec<_>>()
    });
    let [before, after] = &contents;
    let sets = [before, after].map(|contents| contents.iter().collect::<FxHashSet<&Content>>());
    let mut apart = Apart::new(new, pairs);
    let moved: FxHashSet<&Content> = after
        .iter()
        .zip(&new.rules)
        .filter(|(content, rule)| sets[0].contains(content) && apart.tells(rule))
        .map(|(content, _)| content)
        .collect();
    let changed = |contents: &[Content], others: &FxHashSet<&Content>| {
        let is_changed = |content: &Content| !others.contains(content) || moved.contains(content);
        let places = contents.iter().enumerate().filter(|(_, content)| is_changed(content));
        places.map(|(at, _)| RuleId::new(at)).collect()
    };
    (changed(before, &sets[1]), changed(after, &sets[0]))
}

/// Which rules tell identities apart.
struct Apart<'p> {
    policy: &'p Policy,
    pairs: &'p IndexSet<(Identity, Identity), FxBuildHasher>,
    /// Whether each selector tells a pair apart, where it was asked.
    selectors: Vec<Option<bool>>,
}

impl<'p> Apart<'p> {
    fn new(policy: &'p Policy, pairs: &'p IndexSet<(Identity, Identity), FxBuildHasher>) -> Apart<'p> {
        Apart { policy, pairs, selectors: vec![None; policy.selectors.len()] }
    }

    /// Whether a rule may match one of a pair and not the other, or on other ports.
    fn tells(&mut self, rule: &Rule) -> bool {
        if self.pairs.is_empty() {
            return false;
        }
        let by_name = |ports: &Ports| match ports {
            Ports::Of(ports) => ports.iter().any(|port| matches!(port.ports, PortSet::Named { .. })),
            Ports::Any => false,
        };
        let ports = rule.direction == Direction::Egress && by_name(&rule.ports);
        let told = |(a, b): &(Identity, Identity)| {
            (ports && a.ports != b.ports) || a.address != b.address || a.is_host() != b.is_host()
        };
        if self.pairs.iter().any(told) {
            return true;
        }
        let Peers::Of(peers) = &rule.peers else { return false };
        let policy = self.policy;
        peers.iter().any(|peer| match peer {
            Peer::Labels { selector, .. } => self.selector(*selector),
            // The address is the same, as was seen above.
            Peer::Cidr { .. } => false,
            Peer::Name { .. } => {
                let matches = |of: &Identity| peer_matches(policy, peer, of);
                self.pairs.iter().any(|(a, b)| matches(a) != matches(b))
            }
        })
    }

    fn selector(&mut self, id: SelectorId) -> bool {
        let (policy, pairs) = (self.policy, self.pairs);
        *self.selectors[id.index()].get_or_insert_with(|| {
            let selector = policy.selector(id);
            pairs.iter().any(|(a, b)| selector.matches(&a.labels) != selector.matches(&b.labels))
        })
    }
}

/// One name for each selector and each list of layer 7 rules of both policies.
#[derive(Default)]
struct Names<'p> {
    selectors: IndexSet<&'p Selector, FxBuildHasher>,
    l7: IndexSet<&'p L7, FxBuildHasher>,
}

/// What the selectors and layer 7 rules of one policy are called.
struct Called {
    selectors: Vec<SelectorId>,
    l7: Vec<L7Id>,
}

impl<'p> Names<'p> {
    fn of(&mut self, policy: &'p Policy) -> Called {
        let Names { selectors, l7 } = self;
        let selectors = policy.selectors.iter().map(|one| SelectorId::new(selectors.insert_full(one).0));
        let l7 = policy.l7.iter().map(|one| L7Id::new(l7.insert_full(one).0));
        Called { selectors: selectors.collect(), l7: l7.collect() }
    }
}

/// A rule without the place that it is written at, in the names of both policies.
#[derive(PartialEq, Eq, Hash)]
struct Content {
    subject: Subject,
    direction: Direction,
    action: Action,
    peers: Peers,
    ports: Ports,
    l7: Option<L7Id>,
    authentication: Option<Authentication>,
    tier: Tier,
    default_deny: bool,
}

impl Content {
    fn of(rule: &Rule, called: &Called) -> Content {
        let name = |selector: SelectorId| called.selectors[selector.index()];
        let peer = |peer: &Peer| match peer {
            Peer::Labels { selector, except } => {
                Peer::Labels { selector: name(*selector), except: except.clone() }
            }
            other => other.clone(),
        };
        Content {
            subject: match rule.subject {
                Subject::Endpoints(selector) => Subject::Endpoints(name(selector)),
                Subject::Nodes(selector) => Subject::Nodes(name(selector)),
            },
            direction: rule.direction,
            action: rule.action,
            peers: match &rule.peers {
                Peers::Any => Peers::Any,
                Peers::Of(peers) => Peers::Of(peers.iter().map(peer).collect()),
            },
            ports: rule.ports.clone(),
            l7: rule.l7.map(|l7| called.l7[l7.index()]),
            authentication: rule.authentication,
            tier: rule.tier,
            default_deny: rule.default_deny,
        }
    }
}
