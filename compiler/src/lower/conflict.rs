//! Policies that are valid by themselves and cannot be merged for one endpoint (semantics.md 2.7).
//!
//! An agent that meets such a pair keeps the endpoint's older policy, for ever and almost silently.
//! Here it is an error, for as many endpoints as the inventory shows.

use std::collections::BTreeMap;
use std::mem::{Discriminant, discriminant};

use rustc_hash::FxHashMap;
use sluice_ir::ids::{L7Id, RuleId};
use sluice_ir::policy::eval::subject_matches;
use sluice_ir::policy::{
    Action, Authentication, Direction, L7, L7Rules, Listener, Peer, Peers, Policy, PortMatch, Ports, Rule,
    Subject, TlsContext,
};

use super::Written;
use crate::diagnostic::{Code, Diagnostic};
use crate::inventory::{Inventory, confined_to};
use crate::source::Span;

/// One port and one peer selector: what the agent merges rules by.
/// None stands for every one.
type Filter<'p> = (Direction, Option<&'p PortMatch>, Option<&'p Peer>);

/// What decides whether two rules can be merged. Rules that agree in it never clash with each other, and
/// clash with the same others: of ten thousand HTTP rules on a port only one has to be compared.
type Class<'p> = (Option<Authentication>, Option<L7Class<'p>>);

/// The part of [`Class`] about the proxy: the kind of rules, whether there are server names, and the rest.
type L7Class<'p> =
    (Discriminant<L7Rules>, bool, Option<&'p Listener>, Option<&'p TlsContext>, Option<&'p TlsContext>);

fn class(policy: &Policy, id: RuleId) -> Class<'_> {
    let rule = policy.rule(id);
    let of_l7 = |l7: L7Id| {
        let L7 { rules, listener, terminating_tls, originating_tls, server_names } = policy.l7(l7);
        let (terminating, originating) = (terminating_tls.as_ref(), originating_tls.as_ref());
        (discriminant(rules), server_names.is_empty(), listener.as_ref(), terminating, originating)
    };
    (rule.authentication, rule.l7.map(of_l7))
}

/// Every rule that cannot be merged with an earlier one of another class, once, with the first of these.
pub(super) fn conflicts(policy: &Policy, written: &[Written], inventory: &Inventory) -> Vec<Diagnostic> {
    let mut filters: BTreeMap<Filter<'_>, Vec<RuleId>> = BTreeMap::new();
    for (id, rule) in policy.rules().filter(|(_, rule)| rule.l7.is_some() || rule.authentication.is_some()) {
        for filter in filters_of(rule) {
            filters.entry(filter).or_default().push(id);
        }
    }
    let mut members = Members { policy, inventory, known: FxHashMap::default() };
    let mut found: BTreeMap<RuleId, Meeting> = BTreeMap::new();
    for rules in filters.values() {
        // Most ports have rules of one class, and nothing to compare.
        let alike = |pair: &[RuleId]| class(policy, pair[0]) == class(policy, pair[1]);
        if rules.windows(2).all(alike) {
            continue;
        }
        for (later, meeting) in meetings(policy, written, rules, &mut members) {
            let first = found.entry(later).or_insert(meeting);
            *first = meeting.min(*first);
        }
    }
    let diagnostic = |(later, Meeting { earlier, endpoint }): (RuleId, Meeting)| {
        let endpoint = &inventory.endpoints[endpoint];
        let name = format!("{}/{}", endpoint.namespace, endpoint.name);
        Some(clash(policy, written, earlier, later)?.diagnostic(&name, &written[later.index()]))
    };
    found.into_iter().filter_map(diagnostic).collect()
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

/// The earlier rule of a clash, and the endpoint where the two meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Meeting {
    earlier: RuleId,
    /// Its place in the inventory.
    endpoint: usize,
}

/// A class that an endpoint has met: its first rule there, and the one of another class that it clashes with.
struct Met<'p> {
    class: Class<'p>,
    rule: RuleId,
    clashes: Option<RuleId>,
}

/// The rules of one filter that clash with an earlier one, each with the first of these.
///
/// Goes through the rules in order and keeps for each endpoint the classes that it has met, so that only
/// rules that meet are compared, and of each class one.
fn meetings(
    policy: &Policy,
    written: &[Written],
    rules: &[RuleId],
    members: &mut Members<'_>,
) -> Vec<(RuleId, Meeting)> {
    let mut endpoints: FxHashMap<usize, Vec<Met<'_>>> = FxHashMap::default();
    let mut known: FxHashMap<(Subject, Class<'_>), Option<Meeting>> = FxHashMap::default();
    let mut found = Vec::new();
    for rule in rules.iter().copied() {
        let (subject, class) = (policy.rule(rule).subject, class(policy, rule));
        let first = *known.entry((subject, class)).or_insert_with(|| {
            let mut clash_at = |endpoint: usize| {
                let met = endpoints.entry(endpoint).or_default();
                if let Some(same) = met.iter().find(|met| met.class == class) {
                    return same.clashes;
                }
                let mut others = met.iter().map(|met| met.rule);
                let clashes = others.find(|other| clash(policy, written, *other, rule).is_some());
                met.push(Met { class, rule, clashes });
                clashes
            };
            let all = members.of(subject).iter();
            all.filter_map(|at| Some(Meeting { earlier: clash_at(*at)?, endpoint: *at })).min()
        });
        found.extend(first.map(|meeting| (rule, meeting)));
    }
    found
}

/// The endpoints that subjects select.
struct Members<'p> {
    policy: &'p Policy,
    inventory: &'p Inventory,
    known: FxHashMap<Subject, Vec<usize>>,
}

impl Members<'_> {
    fn of(&mut self, subject: Subject) -> &[usize] {
        let (policy, endpoints) = (self.policy, &self.inventory.endpoints);
        self.known.entry(subject).or_insert_with(|| {
            let among = match confined_to(policy.selector(subject.selector())) {
                Some(namespace) => self.inventory.of_namespace(namespace),
                None => 0..endpoints.len(),
            };
            among.filter(|at| subject_matches(policy, subject, &endpoints[*at].identity)).collect()
        })
    }
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
