//! How the difference of two policies looks, one format a file.

pub(crate) mod access;
mod change;
mod github;
mod human;
pub(crate) mod json;
mod layer7;
mod markdown;
mod peers;
mod preview;
pub(crate) mod traffic;

use std::collections::BTreeSet;

use clap::ValueEnum;
use sluice_compiler::compare::Both;
use sluice_compiler::compare::digest::{Digest, Effect, Part};
use sluice_compiler::compare::rows::Group;
use sluice_ir::decision::EndpointName;
use sluice_ir::policy::Direction;

use super::count;
use crate::terminal::Look;
use peers::Everyone;
pub(crate) use preview::Preview;

/// A format for differences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people: one screen
    #[default]
    Human,
    /// One JSON object, with everything
    Json,
    /// One JSON object per line and change
    Jsonl,
    /// Workflow commands of GitHub Actions
    Github,
    /// A comment on a pull request: a summary, and details to unfold
    Markdown,
}

/// Two sides that were compared.
pub(crate) struct Compared<'a> {
    /// What the old side is called.
    pub(crate) old: String,
    /// What the new side is called.
    pub(crate) new: String,
    /// How many invalid documents were left out of each side.
    pub(crate) left_out: (usize, usize),
    /// The tables.
    pub(crate) both: &'a Both,
    /// What differs.
    pub(crate) digest: Digest,
    /// Whether the policies are equal.
    pub(crate) equal: bool,
    /// How many cells were compared.
    pub(crate) cells: usize,
    /// Whether people are shown everything.
    pub(crate) all: bool,
    /// What else there is to say of a change that is looked at before it is applied.
    pub(crate) preview: Option<Preview<'a>>,
}

/// How many workloads each thing happens to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Totals {
    /// All that change.
    changed: usize,
    allowed: usize,
    denied: usize,
    altered: usize,
    begins: usize,
    ends: usize,
    added: usize,
    removed: usize,
}

impl<'a> Compared<'a> {
    /// Compares two tables.
    pub(crate) fn new(
        both: &'a Both,
        names: (String, String),
        left_out: (usize, usize),
        all: bool,
    ) -> Compared<'a> {
        let comparison = both.comparison();
        let digest = comparison.digest(&both.isolation);
        let (equal, cells) = (comparison.is_equal(), comparison.cells());
        Compared { old: names.0, new: names.1, left_out, both, digest, equal, cells, all, preview: None }
    }

    /// The text in a format.
    pub(crate) fn render(&self, format: Format, look: Look) -> String {
        match format {
            Format::Human => human::render(self, look),
            Format::Json => json::render(self),
            Format::Jsonl => json::render_lines(self),
            Format::Github => github::render(self),
            Format::Markdown => markdown::render(self),
        }
    }

    /// Whether nothing differs and nobody comes or goes.
    fn is_same(&self) -> bool {
        let roster = &self.both.roster;
        let nobody_new = roster.added.is_empty() && roster.removed.is_empty();
        self.equal && self.digest.parts.is_empty() && nobody_new
    }

    fn everyone(&self) -> Everyone<'_> {
        Everyone::new(&self.both.roster)
    }

    fn totals(&self) -> Totals {
        let workloads = |holds: &dyn Fn(&Part) -> bool| {
            let parts = self.digest.parts.iter().filter(|part| holds(part));
            parts.flat_map(|part| &part.groups).map(|group| &group.workload).collect::<BTreeSet<_>>().len()
        };
        let has = |effect| move |part: &Part| part.changes.iter().any(|change| change.effect() == effect);
        let isolates = |begins| {
            move |part: &Part| {
                part.isolation.iter().any(|(_, one)| one.as_ref().is_some_and(|i| i.begins == begins))
            }
        };
        let new = |groups: &[Group]| groups.iter().filter(|group| group.whole).count();
        Totals {
            changed: workloads(&|part| !part.changes.is_empty()),
            allowed: workloads(&has(Effect::Allowed)),
            denied: workloads(&has(Effect::Denied)),
            altered: workloads(&has(Effect::Altered)),
            begins: workloads(&isolates(true)),
            ends: workloads(&isolates(false)),
            added: new(&self.both.roster.added),
            removed: new(&self.both.roster.removed),
        }
    }

    /// How much was looked at, and why that is all.
    fn proof(&self) -> String {
        let (compared, alike) = (self.both.roster.endpoints.len(), self.both.roster.alike.len());
        let same = "the same identity, rules and peers on both sides";
        let have = if alike == 1 { "has" } else { "have" };
        let endpoints = count(compared, "endpoint");
        let all = match self.cells {
            1 => format!("the one cell of {endpoints} compared"),
            cells => format!("all {} cells of {endpoints} compared", thousands(cells)),
        };
        match (compared, alike) {
            (0, 0) => "no endpoint is on both sides".to_owned(),
            (0, 1) => format!("the one endpoint has {same}"),
            (0, alike) => format!("all {} endpoints have {same}", thousands(alike)),
            (_, 0) => all,
            (_, alike) => format!("{all}; {} more {have} {same}", thousands(alike)),
        }
    }
}

impl Totals {
    /// `3 workloads change: traffic newly allowed for 1, newly denied for 2`, then what else there is.
    fn sentence(&self) -> String {
        let all: Vec<String> = std::iter::once(self.flows()).chain(self.rest()).collect();
        match self.changed {
            0 => all.join("; "),
            _ => format!("{}: {}", self.title(), all.join("; ")),
        }
    }

    /// `3 workloads change`.
    fn title(&self) -> String {
        let verb = if self.changed == 1 { "changes" } else { "change" };
        format!("{} {verb}", count(self.changed, "workload"))
    }

    /// What becomes of flows.
    fn flows(&self) -> String {
        let parts = told(&[
            ("newly allowed for", self.allowed),
            ("newly denied for", self.denied),
            ("by other layer 7 rules or authentication for", self.altered),
        ]);
        match parts.is_empty() {
            true => "no flow changes".to_owned(),
            false => format!("traffic {}", parts.join(", ")),
        }
    }

    /// What else there is.
    fn rest(&self) -> Vec<String> {
        told(&[
            ("default deny begins for", self.begins),
            ("default deny ends for", self.ends),
            ("new:", self.added),
            ("gone:", self.removed),
        ])
    }
}

/// Those that happen at all, each with its number.
fn told(parts: &[(&str, usize)]) -> Vec<String> {
    let happens = parts.iter().filter(|(_, number)| *number > 0);
    happens.map(|(what, number)| format!("{what} {number}")).collect()
}

/// Workloads and pods that only the new side has, each with what is closed about it.
fn newcomers(compared: &Compared<'_>) -> Vec<(String, String)> {
    let way = |isolated: bool, direction: Direction| match isolated {
        true => format!("{direction} default deny"),
        false => format!("{direction} open"),
    };
    let of_group = |one: &Group| {
        let isolated = one.endpoints.first().and_then(|name| compared.both.newcomers.get(name));
        let how =
            isolated.map(|isolated| WAYS.map(|direction| way(isolated[direction], direction)).join(", "));
        (group(one), how.unwrap_or_default())
    };
    compared.both.roster.added.iter().map(of_group).collect()
}

/// A number with a comma for each thousand.
pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `shop/cart`, and of what pods if not of all.
fn group(group: &Group) -> String {
    let name = &group.workload;
    if group.whole || group.endpoints.len() == 1 && group.endpoints.first() == Some(name) {
        return name.to_string();
    }
    match &*group.endpoints {
        [one] => format!("{name} (pod {})", one.name),
        pods => format!("{name} ({} of its pods)", pods.len()),
    }
}

/// Names of workloads: `shop: cart, catalog and 3 more; data/redis`.
fn groups(all: &[Group], most: usize) -> String {
    if let [one] = all {
        return group(one);
    }
    let mut texts = Vec::new();
    for same in all.chunk_by(|a, b| a.workload.namespace == b.workload.namespace) {
        let short = |one: &Group| {
            let name = EndpointName { namespace: None, name: one.workload.name.clone() };
            let text = group(&Group { workload: one.workload.clone(), ..one.clone() });
            text.replacen(&one.workload.to_string(), &name.name, 1)
        };
        let [first, ..] = same else { continue };
        texts.push(match (&first.workload.namespace, same) {
            (_, [one]) => group(one),
            (Some(namespace), several) => {
                format!("{namespace}: {}", listed(several.iter().map(short).collect(), most))
            }
            (None, several) => listed(several.iter().map(group).collect(), most),
        });
    }
    texts.join("; ")
}

/// `a, b, c and 4 more`.
fn listed(mut texts: Vec<String>, most: usize) -> String {
    let more = texts.len().saturating_sub(most);
    if more > 1 {
        texts.truncate(most);
        return format!("{} and {more} more", texts.join(", "));
    }
    match texts.as_slice() {
        [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => texts.concat(),
    }
}

/// Both directions in the order in which they are told.
const WAYS: [Direction; 2] = Direction::BOTH;

#[cfg(test)]
mod tests {
    use super::{listed, thousands};

    #[test]
    fn numbers_and_lists() {
        assert_eq!(
            (thousands(0), thousands(999), thousands(1_234_567)),
            ("0".into(), "999".into(), "1,234,567".into())
        );
        let list = |words: &str, most| listed(words.split(' ').map(str::to_owned).collect(), most);
        assert_eq!(list("a", 2), "a");
        assert_eq!(list("a b", 2), "a and b");
        assert_eq!(list("a b c", 2), "a, b and c");
        assert_eq!(list("a b c d", 2), "a, b and 2 more");
    }
}
