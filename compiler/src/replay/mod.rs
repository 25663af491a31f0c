//! What recorded answers of DNS open: which names and addresses become reachable, when, and for whom; names that were asked
//! for and that no rule covers; addresses that a name with a rule shares with one without.
//!
//! | module | what |
//! |---|---|
//! | `who` | workloads, with the rules about what they send |
//! | `known` | from when until when an address is known for a name |
//! | `passes` | what traffic the rules about names let pass, and nothing else would |
//! | `hint` | what comes near to a name that no rule covers |
//!
//! The policy is the one that is given, whatever was in force when the answers were recorded. Time comes from the recording
//! alone. An answer counts for all pods of the node of who asked (semantics.md 5.1), or by option for the workload of who
//! asked, as its pods that are gone are known by it alone; and until its time is over: what an agent keeps longer, for
//! connections in use, is not known here.

mod hint;
mod known;
mod passes;
mod who;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use sluice_ir::decision::EndpointName;
use sluice_ir::dns_name::DnsName;
use sluice_ir::ids::OriginId;

pub use hint::Hint;
pub use known::Interval;

use crate::Compiled;
use crate::compare::Traffic;
use crate::options::DnsOptions;
use crate::resource::dns_answers::time::Time;
use crate::resource::dns_answers::{Recorded, Recording, Said};
use known::Known;
use passes::{Passes, Passing};
use who::{Unit, Units};

/// What a recording opens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    /// What becomes reachable, in the order of time.
    pub reached: Vec<Reached>,
    /// Names that were asked for and that lead nowhere, by who asked.
    pub uncovered: Vec<Uncovered>,
    /// Addresses by which whoever may reach one name reaches another, too.
    pub shared: Vec<Shared>,
    /// Who asked and is not among the objects that were given, in order.
    pub unknown: Vec<Arc<str>>,
}

/// Addresses of a name that become reachable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reached {
    /// From when until when.
    pub when: Interval,
    /// The name.
    pub name: DnsName,
    /// Its addresses, in order.
    pub addresses: Vec<IpAddr>,
    /// What may be sent there, and could not without the name.
    pub traffic: Vec<Traffic>,
    /// The lines that let it pass.
    pub lines: Vec<OriginId>,
    /// Workloads that may send it.
    pub who: Vec<EndpointName>,
}

/// A name that a workload asked for and whose answer it cannot use.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Uncovered {
    /// Who asked; none where nobody wrote it down.
    pub who: Option<EndpointName>,
    /// For which name.
    pub name: DnsName,
    /// When first.
    pub first: Option<Time>,
    /// How often.
    pub times: usize,
    /// Why it leads nowhere.
    pub why: Why,
    /// What comes near to it.
    pub hint: Option<Hint>,
}

impl Uncovered {
    /// Whether nothing is to be done: the resolver goes on with another name, or nobody needs this one.
    pub fn is_harmless(&self) -> bool {
        matches!(self.hint, Some(Hint::Search { .. } | Hint::AliasOf(_)))
    }
}

/// Why a name leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// No rule lets it be asked for.
    NotAllowed,
    /// It may be asked for, and no rule lets anything pass to its addresses.
    NoRule,
    /// Rules name it, but nothing that they allow is left: its addresses are denied, or belong to pods or nodes.
    Denied,
    /// Lookups go past the proxy, so that rules about names never learn an address.
    Unseen,
}

/// An address of names with a rule and of others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shared {
    /// The address.
    pub address: IpAddr,
    /// Names by which it is reached.
    pub allowed: Vec<DnsName>,
    /// Names that had it at the same time and that no rule covers.
    pub others: Vec<DnsName>,
    /// Workloads that reach it.
    pub who: Vec<EndpointName>,
}

/// Replays a recording against a policy that was compiled without its answers. An answer holds for the time that it says,
/// or its minimum in the options if that is longer.
pub fn replay(
    compiled: &Compiled,
    recording: &Recording,
    options: &DnsOptions,
    view: Option<&str>,
) -> Replay {
    let units = Units::new(compiled, view);
    let known = Known::new(recording, &units, options.min_ttl, options.scope);
    let mut passes = Passes::new(compiled, view);
    let mut replay = Replay { unknown: units.unknown(recording), ..Replay::default() };
    let opened = open(&known, &units, &mut passes);
    replay.reached = grouped(&opened, &units);
    replay.shared = shared(&opened, &known, &units);
    replay.uncovered = uncovered(recording, &units, &mut passes);
    replay
}

/// What an address of a name opens for a unit.
struct Opened<'k> {
    unit: usize,
    name: &'k DnsName,
    address: IpAddr,
    when: Interval,
    passing: Passing,
}

fn open<'k>(known: &'k Known, units: &Units, passes: &mut Passes<'_>) -> Vec<Opened<'k>> {
    let mut opened = Vec::new();
    for (at, unit) in units.all.iter().enumerate().filter(|(_, unit)| unit.has_names) {
        for (name, address, by_whom) in known.pairs() {
            let whens = Known::of_unit(by_whom, at, unit);
            if whens.is_empty() {
                continue;
            }
            let passing = passes.by_name(unit, address, name);
            if passing.traffic.is_empty() {
                continue;
            }
            let each = |when| Opened { unit: at, name, address, when, passing: passing.clone() };
            opened.extend(whens.into_iter().map(each));
        }
    }
    opened
}

/// What is opened at one time by one name, together.
fn grouped(opened: &[Opened<'_>], units: &Units) -> Vec<Reached> {
    let mut addresses: BTreeMap<(usize, Interval, &DnsName, &Passing), BTreeSet<IpAddr>> = BTreeMap::new();
    for one in opened {
        addresses.entry((one.unit, one.when, one.name, &one.passing)).or_default().insert(one.address);
    }
    let mut who: BTreeMap<(Interval, &DnsName, &Passing, Vec<IpAddr>), Vec<EndpointName>> = BTreeMap::new();
    for ((unit, when, name, passing), of) in addresses {
        let key = (when, name, passing, of.into_iter().collect());
        who.entry(key).or_default().push(units.all[unit].name.clone());
    }
    let reached = |((when, name, passing, addresses), mut who): ((_, &DnsName, &Passing, _), Vec<_>)| {
        who.sort();
        let Passing { traffic, lines } = passing.clone();
        Reached { when, name: name.clone(), addresses, traffic, lines, who }
    };
    who.into_iter().map(reached).collect()
}

/// Addresses that a unit reaches by one name and that another name, which it may not reach, has at the same time.
fn shared(opened: &[Opened<'_>], known: &Known, units: &Units) -> Vec<Shared> {
    let mut of_unit: BTreeMap<(usize, IpAddr), Vec<&Opened<'_>>> = BTreeMap::new();
    for one in opened {
        of_unit.entry((one.unit, one.address)).or_default().push(one);
    }
    let mut found: BTreeMap<(IpAddr, Vec<DnsName>, Vec<DnsName>), Vec<EndpointName>> = BTreeMap::new();
    for ((at, address), reached) in of_unit {
        let unit = &units.all[at];
        let allowed: BTreeSet<&DnsName> = reached.iter().map(|one| one.name).collect();
        let others = known.names_of(address).filter(|(name, by_whom)| {
            let whens = Known::of_unit(by_whom, at, unit);
            let overlap = |one: &&Opened<'_>| whens.iter().any(|when| when.overlaps(one.when));
            !allowed.contains(name) && reached.iter().any(overlap)
        });
        let others: Vec<DnsName> = others.map(|(name, _)| name.clone()).collect();
        if !others.is_empty() {
            let allowed = allowed.into_iter().cloned().collect();
            found.entry((address, allowed, others)).or_default().push(unit.name.clone());
        }
    }
    let shared = |((address, allowed, others), who)| Shared { address, allowed, others, who };
    found.into_iter().map(shared).collect()
}

/// Names that were asked for in vain, each once for each unit.
fn uncovered(recording: &Recording, units: &Units, passes: &mut Passes<'_>) -> Vec<Uncovered> {
    let mut asked: BTreeMap<(Option<usize>, &DnsName), Vec<&Recorded>> = BTreeMap::new();
    for entry in recording.entries.iter().filter(|entry| !matches!(entry.said, Said::Gone(_))) {
        match &entry.endpoint {
            Some(endpoint) => {
                if let Some(unit) = units.of_endpoint(endpoint) {
                    asked.entry((Some(unit), &entry.name)).or_default().push(entry);
                }
            }
            None => asked.entry((None, &entry.name)).or_default().push(entry),
        }
    }
    let mut found = Vec::new();
    for ((unit, name), entries) in &asked {
        let why = match unit {
            Some(unit) => why(&units.all[*unit], name, entries, passes),
            // Whoever asked: it is covered if it leads anywhere for anybody.
            None => {
                let covers =
                    |unit: &Unit| why(unit, name, entries, passes).is_none_or(|why| why == Why::Unseen);
                (!units.all.iter().any(covers)).then_some(Why::NoRule)
            }
        };
        let Some(why) = why else { continue };
        let covered = |name: &DnsName| match unit {
            Some(unit) => units.all[*unit].is_about(name, why),
            None => units.all.iter().any(|unit| unit.is_about(name, why)),
        };
        let patterns = match unit {
            Some(unit) => units.all[*unit].patterns(why),
            None => units.all.iter().flat_map(|unit| unit.patterns(why)).collect(),
        };
        found.push(Uncovered {
            who: unit.map(|unit| units.all[unit].name.clone()),
            name: (*name).clone(),
            first: entries.iter().filter_map(|entry| entry.time).min(),
            times: entries.len(),
            why,
            hint: Hint::about(name, entries, recording, &patterns, &covered),
        });
    }
    found
}

/// Why a name leads nowhere for a unit; none if it leads somewhere, or if nobody stands in its way.
fn why(unit: &Unit, name: &DnsName, entries: &[&Recorded], passes: &mut Passes<'_>) -> Option<Why> {
    let addresses: BTreeSet<IpAddr> = entries
        .iter()
        .flat_map(|entry| match &entry.said {
            Said::Addresses(addresses, _) => addresses.as_slice(),
            _ => &[],
        })
        .copied()
        .collect();
    if unit.is_open {
        return None;
    }
    let ruled = unit.names.iter().any(|pattern| pattern.matches(name));
    if unit.asks_unseen {
        return ruled.then_some(Why::Unseen);
    }
    if !unit.questions.iter().any(|pattern| pattern.matches(name)) {
        return Some(Why::NotAllowed);
    }
    // There was no address that anything could be sent to.
    if addresses.is_empty() {
        return None;
    }
    let passes = addresses.iter().any(|address| {
        !passes.by_name(unit, *address, name).traffic.is_empty() || passes.by_address(unit, *address)
    });
    match (passes, ruled) {
        (true, _) => None,
        (false, true) => Some(Why::Denied),
        (false, false) => Some(Why::NoRule),
    }
}
