//! Policies that are valid by themselves and cannot be merged for one endpoint (semantics.md 2.7).
//!
//! An agent that meets such a pair keeps the endpoint's older policy, for ever and almost silently.
//! Here it is an error, for as many endpoints as the inventory shows.

use std::collections::BTreeMap;

use sluice_ir::ids::RuleId;
use sluice_ir::policy::eval::subject_matches;
use sluice_ir::policy::{Action, Direction, L7, L7Rules, Peer, Peers, Policy, PortMatch, Ports, Rule};

use super::Written;
use crate::diagnostic::{Code, Diagnostic};
use crate::inventory::{Endpoint, Inventory};
use crate::source::Span;

/// One port and one peer selector: what the agent merges rules by.
/// None stands for every one.
type Filter<'p> = (Direction, Option<&'p PortMatch>, Option<&'p Peer>);

/// Every pair of rules that cannot be merged, once, at the later of the two.
pub(super) fn conflicts(policy: &Policy, written: &[Written], inventory: &Inventory) -> Vec<Diagnostic> {
    let mut filters: BTreeMap<Filter<'_>, Vec<RuleId>> = BTreeMap::new();
    for (id, rule) in policy.rules().filter(|(_, rule)| rule.l7.is_some() || rule.authentication.is_some()) {
        for filter in filters_of(rule) {
            filters.entry(filter).or_default().push(id);
        }
    }
    let mut pairs: BTreeMap<(RuleId, RuleId), Diagnostic> = BTreeMap::new();
    for rules in filters.values().filter(|rules| rules.len() > 1) {
        for (at, later) in rules.iter().enumerate() {
            for earlier in &rules[..at] {
                if pairs.contains_key(&(*earlier, *later)) {
                    continue;
                }
                if let Some(clash) = clash(policy, written, *earlier, *later)
                    && let Some(endpoint) = meet(policy, inventory, *earlier, *later)
                {
                    pairs.insert((*earlier, *later), clash.diagnostic(&endpoint, &written[later.index()]));
                }
            }
        }
    }
    pairs.into_values().collect()
}

fn filters_of(rule: &Rule) -> Vec<Filter<'_>> {
    if rule.action == Action::Deny {
        return Vec::new();
    }
    let ports: Vec<Option<&PortMatch>> = match &rule.ports {
        Ports::Any => vec![None],
        Ports::Of(ports) => ports.iter().map(Some).collect(),
    };
    let peers: Vec<Option<&Peer>> = match &rule.peers {
        Peers::Any => vec![None],
        Peers::Of(peers) => peers.iter().map(Some).collect(),
    };
    ports.iter().flat_map(|port| peers.iter().map(move |peer| (rule.direction, *port, *peer))).collect()
}

/// An endpoint that both rules select.
fn meet(policy: &Policy, inventory: &Inventory, a: RuleId, b: RuleId) -> Option<String> {
    let both = |endpoint: &&Endpoint| {
        [a, b].iter().all(|id| subject_matches(policy, policy.rule(*id).subject, &endpoint.identity))
    };
    inventory.endpoints.iter().find(both).map(|endpoint| format!("{}/{}", endpoint.namespace, endpoint.name))
}

/// Two things that cannot both hold.
struct Clash {
    code: Code,
    what: &'static str,
    earlier: Span,
    later: Span,
    help: &'static str,
}

impl Clash {
    fn diagnostic(self, endpoint: &str, later: &Written) -> Diagnostic {
        let message =
            format!("{} meet on one port and peer of `{endpoint}`, and no agent can merge them", self.what);
        Diagnostic::new(self.code, self.later, message)
            .related(self.earlier, "the other one")
            .help(self.help)
            .document(Some(std::sync::Arc::clone(&later.document)))
    }
}

fn clash(policy: &Policy, written: &[Written], earlier: RuleId, later: RuleId) -> Option<Clash> {
    let places = (&written[earlier.index()], &written[later.index()]);
    let (one, two) = (policy.rule(earlier), policy.rule(later));
    let l7 = |rule: &Rule| rule.l7.map(|l7| policy.l7(l7));
    authentication_clash(one, two, places).or_else(|| l7_clash(l7(one)?, l7(two)?, places))
}

/// Where two rules are written, the earlier first.
type Places<'w> = (&'w Written, &'w Written);

fn authentication_clash(one: &Rule, two: &Rule, (earlier, later): Places<'_>) -> Option<Clash> {
    let (Some(a), Some(b)) = (one.authentication, two.authentication) else { return None };
    (a != b).then(|| Clash {
        code: Code::AuthenticationConflict,
        what: "two authentication modes",
        earlier: earlier.authentication.unwrap_or(earlier.span),
        later: later.authentication.unwrap_or(later.span),
        help: "use one mode in both rules, or leave it out in one: that rule then takes the other's",
    })
}

fn l7_clash(a: &L7, b: &L7, (places_a, places_b): Places<'_>) -> Option<Clash> {
    let rules = |written: &Written| written.l7.http.or(written.l7.dns).unwrap_or(written.span);
    let clash = |code, what, place: fn(&Written) -> Option<Span>, help| {
        let at = |written: &Written| place(written).unwrap_or(written.span);
        Some(Clash { code, what, earlier: at(places_a), later: at(places_b), help })
    };
    match (&a.rules, &b.rules) {
        (L7Rules::Http(_), L7Rules::Dns(_)) | (L7Rules::Dns(_), L7Rules::Http(_)) => {
            return clash(
                Code::L7Conflict,
                "HTTP and DNS rules",
                |w| w.l7.http.or(w.l7.dns),
                "give the two kinds of rules different ports or different peers",
            );
        }
        _ => {}
    }
    if let (Some(one), Some(two)) = (&a.listener, &b.listener)
        && one != two
        && one.priority == two.priority
    {
        return clash(
            Code::ListenerConflict,
            "two listeners of equal priority",
            |w| w.l7.listener,
            "give them different `priority` values: the lower one wins",
        );
    }
    if tls_differs(a, b) {
        return clash(
            Code::TlsConflict,
            "two TLS contexts",
            |w| w.l7.tls,
            "use one secret and one set of keys in both rules",
        );
    }
    if let Some((names_first, terminated)) = server_names_meet_rules(a, b)
        && !terminated
    {
        let names = |w: &Written| w.l7.server_names.unwrap_or(w.span);
        let (earlier, later) =
            if names_first { (names(places_a), rules(places_b)) } else { (rules(places_a), names(places_b)) };
        return Some(Clash {
            code: Code::ServerNamesConflict,
            what: "server names and layer 7 rules without TLS termination",
            earlier,
            later,
            help: "terminate TLS in the rule with layer 7 rules, or give the two different ports or peers",
        });
    }
    None
}

fn tls_differs(a: &L7, b: &L7) -> bool {
    let differ =
        |one: &Option<_>, two: &Option<_>| matches!((one, two), (Some(one), Some(two)) if one != two);
    differ(&a.terminating_tls, &b.terminating_tls) || differ(&a.originating_tls, &b.originating_tls)
}

/// Whether one has server names and the other layer 7 rules; which, and whether TLS is terminated.
fn server_names_meet_rules(a: &L7, b: &L7) -> Option<(bool, bool)> {
    let terminated = a.terminating_tls.is_some() || b.terminating_tls.is_some();
    let has_rules = |l7: &L7| l7.rules != L7Rules::None;
    if !a.server_names.is_empty() && has_rules(b) {
        Some((true, terminated))
    } else if !b.server_names.is_empty() && has_rules(a) {
        Some((false, terminated))
    } else {
        None
    }
}
