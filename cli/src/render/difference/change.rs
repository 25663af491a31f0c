//! One change in words, and the lines behind it.

use indexmap::IndexMap;
use indexmap::map::Entry;
use rayon::prelude::*;
use sluice_compiler::compare::digest::{Change, Digest, Effect, Part};
use sluice_compiler::compare::isolation::Isolation;
use sluice_compiler::compare::rows::Group;
use sluice_compiler::compare::{self as compare};
use sluice_ir::decision::ByDirection;
use sluice_ir::origin::Origin;
use sluice_ir::policy::eval::{Reason, Verdict};
use sluice_ir::policy::{Authentication, Direction};

use super::peers::Everyone;
use super::{WAYS, layer7, listed, traffic};

/// Of many layer 7 rules so many are named.
const MOST_RULES: usize = 4;

/// A change as a reader needs it.
pub(super) struct Worded {
    /// What it means.
    pub(super) effect: Effect,
    /// `allowed`, `denied` or `altered`.
    pub(super) verb: &'static str,
    /// `8080/tcp from shop/checkout`.
    pub(super) what: String,
    /// What more there is to say: layer 7 rules and authentication, before and after.
    pub(super) more: Vec<String>,
    /// The lines that did it, each with a word.
    pub(super) lines: Vec<Line>,
    /// Whether it only says whom the default deny stops that begins here.
    pub(super) follows: bool,
    /// Where it is written on the new side; none if something is gone.
    pub(super) place: Option<Origin>,
}

/// Lines of rules, and what they have to do with a change.
pub(super) struct Line {
    /// `by`, `was by`.
    pub(super) word: &'static str,
    /// The rules.
    pub(super) origins: Vec<Origin>,
}

/// Workloads of which the same is said.
pub(super) struct Told {
    /// The workloads.
    pub(super) groups: Vec<Group>,
    /// Where default deny begins or ends.
    pub(super) isolation: ByDirection<Option<Isolation>>,
    /// What changes, in order.
    pub(super) changes: Vec<Worded>,
}

/// The parts of a difference in words. Parts that differ only in the lines behind them are one, with all these lines:
/// where a new rule takes something from many workloads, each had another rule that allowed it.
pub(super) fn all(digest: &Digest, everyone: &Everyone<'_>) -> Vec<Told> {
    let of_part = |part: &Part| -> Vec<Worded> {
        part.changes.iter().map(|change| worded(change, part, everyone)).collect()
    };
    let changes: Vec<Vec<Worded>> = digest.parts.par_iter().map(of_part).collect();
    let mut found: IndexMap<String, Told> = IndexMap::new();
    for (part, changes) in digest.parts.iter().zip(changes) {
        let isolation = WAYS.map(|way| part.isolation[way].as_ref().map(|isolation| isolation.begins));
        let said: Vec<String> = changes.iter().map(Worded::said).collect();
        let own = Told { groups: part.groups.clone(), isolation: part.isolation.clone(), changes };
        match found.entry(format!("{isolation:?} {}", said.join("\n"))) {
            Entry::Occupied(mut known) => known.get_mut().merge(own),
            Entry::Vacant(new) => {
                new.insert(own);
            }
        }
    }
    found.into_values().collect()
}

impl Told {
    fn merge(&mut self, other: Told) {
        self.groups.extend(other.groups);
        self.groups.sort();
        for way in WAYS {
            if let (Some(own), Some(more)) = (&mut self.isolation[way], &other.isolation[way]) {
                merge(&mut own.origins, &more.origins);
            }
        }
        for (own, more) in self.changes.iter_mut().zip(other.changes) {
            for line in more.lines {
                match own.lines.iter_mut().find(|known| known.word == line.word) {
                    Some(known) => merge(&mut known.origins, &line.origins),
                    None => own.lines.push(line),
                }
            }
        }
    }
}

fn merge(own: &mut Vec<Origin>, more: &[Origin]) {
    own.extend(more.iter().cloned());
    own.sort();
    own.dedup();
}

impl Worded {
    /// All of it but the lines.
    fn said(&self) -> String {
        format!("{} {} {}", self.verb, self.what, self.more.join("; "))
    }
}

/// A change of a part in words.
pub(super) fn worded(change: &Change, part: &Part, everyone: &Everyone<'_>) -> Worded {
    let towards = match change.direction {
        Direction::Ingress => "from",
        Direction::Egress => "to",
    };
    let peers = everyone.text(&change.peers, &part.groups);
    let effect = change.effect();
    let begins = part.isolation[change.direction].as_ref().is_some_and(|isolation| isolation.begins);
    let by_rules = change.new.reasons.contains(&Reason::Rules);
    Worded {
        follows: begins && effect == Effect::Denied && !by_rules,
        place: change.new.origins.first().filter(|_| by_rules || begins).cloned(),
        effect,
        verb: match effect {
            Effect::Allowed => "allowed",
            Effect::Denied => "denied",
            Effect::Altered => "altered",
        },
        what: format!("{} {towards} {peers}", traffic::text(&change.traffic)),
        more: more(change),
        lines: lines(change, part.isolation[change.direction].is_some()),
    }
}

/// What the proxy and authentication ask for.
fn more(change: &Change) -> Vec<String> {
    let (old, new) = (&change.old, &change.new);
    let mut more = Vec::new();
    match (old.verdict, new.verdict) {
        (Verdict::Deny, Verdict::Redirect) => more.push(format!("only {}", rules(new))),
        (Verdict::Allow, Verdict::Redirect) => {
            more.push(format!("now only {}; was not restricted", rules(new)))
        }
        (Verdict::Redirect, Verdict::Allow) => {
            more.push(format!("no longer restricted; was only {}", rules(old)))
        }
        (Verdict::Redirect, Verdict::Redirect) => more.extend(changed_rules(old, new)),
        _ => {}
    }
    if new.verdict != Verdict::Deny && old.authentication != new.authentication {
        let was = match old.verdict {
            Verdict::Deny => String::new(),
            _ => format!("; was {}", authentication(old.authentication)),
        };
        more.push(format!("authentication: {}{was}", authentication(new.authentication)));
    }
    more
}

fn rules(told: &compare::Told) -> String {
    rules_of(told, MOST_RULES)
}

/// What the proxy is to let pass, with so many alternatives named.
pub(super) fn rules_of(told: &compare::Told, most: usize) -> String {
    let items = layer7::items(told);
    match items.len() {
        0 | 1 => items.concat(),
        _ => listed(items, most).replace(" and ", " or "),
    }
}

/// What comes and what goes of the rules of the proxy.
fn changed_rules(old: &compare::Told, new: &compare::Told) -> Vec<String> {
    let (before, after) = (layer7::items(old), layer7::items(new));
    let added: Vec<String> = after.iter().filter(|item| !before.contains(item)).cloned().collect();
    let gone: Vec<String> = before.into_iter().filter(|item| !after.contains(item)).collect();
    let mut more = Vec::new();
    if !added.is_empty() {
        more.push(format!("now also {}", listed(added, MOST_RULES)));
    }
    if !gone.is_empty() {
        more.push(format!("no longer {}", listed(gone, MOST_RULES)));
    }
    more
}

pub(super) fn authentication(mode: Option<Authentication>) -> &'static str {
    match mode {
        None => "none",
        Some(Authentication::Disabled) => "none, by a rule that says so",
        Some(Authentication::Required) => "required",
        Some(Authentication::AlwaysFail) => "fails always",
    }
}

/// The lines that made the change, and no others: the rule that allows says nothing about a default deny that was
/// there before, and where default deny begins that is told once.
fn lines(change: &Change, isolation_changes: bool) -> Vec<Line> {
    let (old, new) = (&change.old, &change.new);
    let by_rules = |told: &compare::Told| told.reasons.contains(&Reason::Rules);
    let mut lines = Vec::new();
    let mut add = |word, told: &compare::Told| {
        if !told.origins.is_empty() {
            lines.push(Line { word, origins: told.origins.clone() });
        }
    };
    match change.effect() {
        Effect::Allowed => {
            if by_rules(new) {
                add("by", new);
            }
            if by_rules(old) {
                add("no longer denied by", old);
            }
        }
        Effect::Denied => {
            if by_rules(new) {
                add("by", new);
            }
            if by_rules(old) {
                add("no longer allowed by", old);
            }
            // Where a rule had allowed it, that it is gone says all; else default deny is what is new.
            if !by_rules(new) && !by_rules(old) && !isolation_changes {
                add("default deny by", new);
            }
        }
        Effect::Altered => {
            add("by", new);
            add("was by", old);
        }
    }
    lines
}

/// `ingress: default deny begins`.
pub(super) fn isolation(direction: Direction, isolation: &Isolation) -> String {
    match isolation.begins {
        true => format!("{direction}: default deny begins, so what no rule allows is dropped"),
        false => format!("{direction}: default deny ends, so what no rule denies passes"),
    }
}
